//! What each line says.

use super::{Proxy, cli, eventually, of_kind, path, records, said};
use crate::common::raw::{Format, bind, execute, parse, query, sync};
use serde_json::Value;

/// What a decision says: decision, code, purpose, how it was declared, statement.
fn told(record: &Value) -> [&str; 5] {
    let text = |path: &str| record.pointer(path).and_then(Value::as_str).unwrap_or_default();
    [
        text("/unmapped/decision"),
        text("/status_code"),
        text("/unmapped/purpose"),
        text("/unmapped/declared_by"),
        text("/query_info/query_string"),
    ]
}

#[test]
fn each_outcome_has_its_line() {
    let proxy = Proxy::with_file("");
    let mut service = proxy.raw("app_service");
    for text in [
        "SELECT id, direction FROM messages WHERE body = 'zqword 1'",
        "BEGIN; SELECT 1; COMMIT",
        "SET wherefore.purpose = 'authentication'",
        "SELECT count(*) FROM messages",
        "/*purpose='service_operation'*/ SELECT 1",
        "SELECT 1/0",
        "PREPARE p AS SELECT body FROM messages WHERE id = $1; EXECUTE p(4711)",
    ] {
        service.exchange(&[query(text)]);
    }
    service.exchange(&[query("SET wherefore.purpose = 'service_operation'")]);
    service.exchange(&[
        parse("s", "SELECT body FROM messages WHERE id < $1 AND id > -4712"),
        bind("", "s", &["4713"], Format::Text),
        execute("", 2),
        execute("", 0),
        sync(),
    ]);
    service.exchange(&[query("PREPARE q AS SELECT body FROM messages WHERE id = $1"), query("EXECUTE q(4714)")]);
    service.exchange(&[query("BEGIN; DECLARE c CURSOR FOR SELECT body FROM messages; FETCH 3 FROM c; COMMIT")]);
    let mut training = proxy.raw("ml_engineer");
    training.exchange(&[query("SELECT body FROM messages"), parse("", "SELECT * FROM messages"), sync()]);
    // What the server skips behind a refusal is no decision.
    let skipped = [parse("", "SELECT m FROM messages AS m"), bind("", "", &[], Format::Text), execute("", 0), sync()];
    training.exchange(&skipped);
    training.exchange(&[query("SELECT zqnothing FROM messages WHERE \"zq is a value\" = 1")]);
    let mut owner = proxy.raw("dba");
    owner.exchange(&[query("SELECT body FROM messages WHERE id = 4714"), query("SELEKT 'zq'")]);
    let file = proxy.file();
    let folder = proxy.stop();
    let records = records(&file);
    let decisions: Vec<[&str; 5]> = of_kind(&records, "decision").map(told).collect();
    let expected = [
        ["rewrite", "", "service_operation", "role default", "SELECT id, direction FROM messages WHERE body = ?"],
        ["rewrite", "", "service_operation", "role default", "SELECT ?"],
        ["forward", "", "service_operation", "role default", "SET wherefore.purpose = ?"],
    ];
    for (decision, expected) in decisions.iter().zip(expected) {
        assert_eq!(*decision, expected);
    }
    let has = |expected: [&str; 5]| assert!(decisions.contains(&expected), "{expected:?}\n{decisions:#?}");
    has(["refuse", "42501", "authentication", "set", "SELECT count(*) FROM messages"]);
    has(["rewrite", "", "service_operation", "comment", "SELECT ?"]);
    has(["rewrite", "", "authentication", "set", "SELECT ?/?"]);
    has(["refuse", "42501", "model_training", "role default", "SELECT body FROM messages"]);
    has(["refuse", "42501", "model_training", "role default", "SELECT * FROM messages"]);
    has(["forward", "", "administration", "role default", "SELECT body FROM messages WHERE id = ?"]);
    // What cannot be read is recorded too.
    has(["forward", "", "administration", "role default", "SELEKT ?"]);
    // One for each execution, the portal's second included.
    let of_bound = decisions.iter().filter(|told| told[4].contains("id < $1")).count();
    assert_eq!(of_bound, 2);
    let refusal = of_kind(&records, "decision")
        .find(|record| told(record)[4] == "SELECT body FROM messages" && record["status_code"] == "42501");
    let refusal = refusal.expect("the refusal");
    let closed = refusal["unmapped"]["closed"].as_array().expect("what is closed");
    assert!(closed.iter().any(|closed| closed["column"] == "body" && closed["clause"] == "B-1d"), "{refusal:#}");
    assert_eq!(refusal["unmapped"]["relations"][0]["columns"][0]["usages"][0], "output");
    let ran: Vec<(String, u64)> = of_kind(&records, "completion")
        .map(|record| (record["unmapped"]["end"].to_string(), record["unmapped"]["rows"].as_u64().expect("rows")))
        .collect();
    assert!(ran.contains(&("\"suspended\"".to_owned(), 2)), "{ran:?}");
    assert!(of_kind(&records, "completion").any(|record| record["status_code"] == "22012"));
    let after_refusal = decisions.iter().filter(|told| told[2] == "model_training").count();
    assert_eq!(after_refusal, 4, "{decisions:#?}");
    // What names a cursor or a prepared statement says what that reads.
    for named in ["FETCH ? FROM c", "EXECUTE q(?)"] {
        let found = of_kind(&records, "decision").find(|record| told(record)[4] == named).expect(named);
        assert_eq!(found["unmapped"]["relations"][0]["relation"], "public.messages", "{named}");
    }
    // Each completion belongs to a decision.
    for completion in of_kind(&records, "completion") {
        let uid = &completion["metadata"]["correlation_uid"];
        assert!(of_kind(&records, "decision").any(|decision| decision["metadata"]["uid"] == *uid), "{completion:#}");
    }
    let declared = of_kind(&records, "decision").find(|record| record["unmapped"]["declares"] == "authentication");
    assert!(declared.is_some());
    let text = std::fs::read_to_string(&file).expect("the trail");
    for value in ["zqword", "zqname", "zq is a value", "4711", "4712", "4713", "4714"] {
        assert!(!text.contains(value), "{value}: {:?}", text.lines().find(|line| line.contains(value)));
    }
    let schema: Value = serde_json::from_str(include_str!("../../policy/audit.schema.json")).expect("the schema");
    let validator = jsonschema::validator_for(&schema).expect("the schema");
    for record in &records {
        let errors: Vec<String> =
            validator.iter_errors(record).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:?}\n{record:#}");
    }
    let (code, all) =
        said(&["verify", "--stopped", "--key", &path(&folder, "key.pem.pub"), &path(&folder, "audit.jsonl")]);
    assert_eq!(code, Some(0), "{all}");
}

#[test]
fn logins_and_reloads_have_theirs() {
    let proxy = Proxy::with_file("");
    drop(proxy.raw("app_service"));
    let refused = crate::common::raw::Raw::connect(
        proxy.port,
        &[("user", "app_service"), ("database", super::DATABASE), ("options", "-c wherefore.purpose=model_training")],
    );
    assert!(refused.is_err());
    proxy.signal("HUP");
    let file = proxy.file();
    eventually("the reload has a line", || of_kind(&records(&file), "reload").next().is_some());
    let _folder = proxy.stop();
    let records = records(&file);
    let logins: Vec<(&Value, &Value)> =
        of_kind(&records, "login").map(|record| (&record["unmapped"]["login"], &record["status_code"])).collect();
    assert_eq!(logins, [(&Value::from("accepted"), &Value::Null), (&Value::from("refused"), &Value::from("42501"))]);
    assert!(of_kind(&records, "login").all(|record| record["src_endpoint"]["ip"] == "127.0.0.1"));
}

/// "Show that Conversation Data was never read for training."
#[test]
fn a_report_answers_for_a_clause() {
    let proxy = Proxy::with_file("");
    let mut training = proxy.raw("ml_engineer");
    for _ in 0..3 {
        training.exchange(&[query("SELECT body FROM messages")]);
    }
    proxy.raw("app_service").exchange(&[query("SELECT body FROM messages")]);
    let file = proxy.file().to_string_lossy().into_owned();
    let folder = proxy.stop();
    let (code, clause) = said(&["report", "--clause", "B-1d", &file]);
    assert_eq!(code, Some(0));
    assert!(clause.contains("clause B-1d: 3 statements refused on it"), "{clause}");
    assert!(clause.contains("conversation_data was never read for model_training in these records."), "{clause}");
    let of = |purpose: &str| said(&["report", "--purpose", purpose, "--category", "conversation_data", &file]).1;
    assert!(
        of("model_training").contains("conversation_data was never read for model_training"),
        "{}",
        of("model_training")
    );
    assert!(
        of("service_operation").contains("conversation_data was read for service_operation by 1 statements."),
        "{}",
        of("service_operation")
    );
    let json: Value =
        serde_json::from_slice(&cli(&["report", "--json", "--clause", "B-1d", &file]).stdout).expect("JSON");
    assert_eq!(json["clause"]["refused"], 3);
    let later = said(&["report", "--since", "2999-01-01", &file]).1;
    assert!(later.starts_with("0 decisions"), "{later}");
    let shown = said(&["show", "--refused", "--user", "ml_engineer", &file]).1;
    assert_eq!(
        shown.lines().filter(|line| line.contains("refuse 42501 SELECT body FROM messages")).count(),
        3,
        "{shown}"
    );
    drop(folder);
}

/// Of every statement that the other tests send nothing is left that Postgres's lexer takes for a literal.
#[test]
fn no_literal_is_left_of_any_statement() {
    use pg_query::protobuf::Token;
    use wherefore::sql::{Values, without_values};
    let mut seen = 0;
    for folder in ["tests/attacks", "tests/golden"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "sql")) {
            for text in std::fs::read_to_string(&file).expect("a file").lines() {
                let Some(plain) = without_values(text, Values::Literals) else { continue };
                seen += 1;
                let tokens = pg_query::scan(&plain.replace('?', "_")).map(|scanned| scanned.tokens).unwrap_or_default();
                let literals = [
                    Token::Sconst,
                    Token::Iconst,
                    Token::Fconst,
                    Token::Bconst,
                    Token::Xconst,
                    Token::Usconst,
                    Token::CComment,
                    Token::SqlComment,
                ];
                let left = tokens.iter().find(|token| literals.iter().any(|literal| token.token == *literal as i32));
                assert!(left.is_none(), "{text}\n{plain}");
            }
        }
    }
    assert!(seen > 1000, "{seen}");
}

/// The terms are those that the statements before it have left; what COPY sends is read.
#[test]
fn statements_of_one_message_have_their_own_terms() {
    let proxy = Proxy::with_file("");
    let mut service = proxy.raw("app_service");
    service.exchange(&[query("SET wherefore.justification = 'ticket 9'; SELECT id FROM messages")]);
    service.exchange(&[query("BEGIN; SET LOCAL wherefore.purpose = 'authentication'; COMMIT")]);
    let mut owner = proxy.raw("dba");
    owner.exchange(&[query("COPY messages TO STDOUT")]);
    // A refusal behind a statement that is under way does not end what is recorded: a COPY may take it for data.
    let mut training = proxy.raw("ml_engineer");
    training.exchange(&[parse("ok", "SELECT 2"), sync()]);
    training.send(
        &[
            query("SELECT 1"),
            parse("wherefore_x", "SELECT 1"),
            bind("", "ok", &[], Format::Text),
            execute("", 0),
            sync(),
        ]
        .concat(),
    );
    training.until_ready(2);
    let file = proxy.file();
    let _folder = proxy.stop();
    let records = records(&file);
    let decision =
        |text: &str| of_kind(&records, "decision").find(|record| told(record)[4] == text).expect("a decision");
    assert_eq!(decision("SELECT id FROM messages")["unmapped"]["justification"], "ticket 9");
    let copy = decision("COPY messages TO STDOUT");
    assert_eq!(copy["activity_name"], "Other");
    let ended = of_kind(&records, "completion")
        .find(|record| record["metadata"]["correlation_uid"] == copy["metadata"]["uid"])
        .expect("its end");
    assert_eq!((&ended["unmapped"]["rows"], &ended["unmapped"]["rows_written"]), (&Value::from(12), &Value::Null));
    let training = of_kind(&records, "decision").filter(|record| told(record)[2] == "model_training");
    let training: Vec<[&str; 2]> = training.map(|record| [told(record)[0], told(record)[4]]).collect();
    assert_eq!(training.iter().filter(|told| told[1] == "SELECT ?").count(), 2, "{training:?}");
}

/// What is below a category counts as that, and what was cut off as not known.
#[test]
fn a_report_says_never_only_where_it_knows() {
    let proxy = Proxy::with_file("");
    proxy.raw("app_service").exchange(&[query("SELECT email FROM end_users")]);
    proxy.raw("dba").exchange(&[query("SELECT email FROM end_users")]);
    let file = proxy.file();
    let folder = proxy.stop();
    let report = |purpose: &str, category: &str, file: &str| {
        said(&["report", "--purpose", purpose, "--category", category, file]).1
    };
    let all = report("service_operation", "contact", &file.to_string_lossy());
    assert!(
        all.contains("contact was read for service_operation by 1 statements."),
        "{all}\n{}",
        std::fs::read_to_string(&file).expect("the trail")
    );
    // Under an unrestricted purpose nothing says of what category a column is.
    let all = report("administration", "contact", &file.to_string_lossy());
    assert!(all.contains("whether contact was read for administration is not known: of 1 statements"), "{all}");
    // Lines of a pack whose categories are not named by where they stand.
    let line = |seq: u32, decision: &str, more: &str| {
        format!(
            "{{\"time\":1000,\"unmapped\":{{\"kind\":\"decision\",\"decision\":\"{decision}\",\"purpose\":\"model_training\",\
             \"purposes_above\":[],\"mode\":\"enforced\",{more},\"chain\":{{\"id\":\"0\",\"seq\":{seq},\"prev\":\"0\"}}}}}}\n"
        )
    };
    let refused = line(
        1,
        "refuse",
        "\"relations\":[],\"closed\":[{\"relation\":\"m\",\"column\":\"b\",\"categories\":[\"talk\"],\"clause\":\"B-1d\"}]",
    );
    let column = "{\"column\":\"b\",\"categories\":[\"words\"],\"categories_above\":[\"talk\"],\"usages\":[],\"effect\":\"allow\"}";
    let below =
        format!("\"relations\":[{{\"relation\":\"m\",\"guarded\":true,\"columns\":[{column}],\"conditions\":[]}}]");
    for (more, expected) in [
        (String::new(), "talk was never read for model_training in these records."),
        (line(2, "rewrite", &below), "talk was read for model_training by 1 statements."),
        (
            line(2, "rewrite", "\"relations\":[],\"relations_cut\":true"),
            "whether talk was read for model_training is not known: of 1 statements not all that they name is.",
        ),
    ] {
        let made = path(&folder, "made.jsonl");
        std::fs::write(&made, format!("{refused}{more}")).expect("a file");
        for all in [said(&["report", "--clause", "B-1d", &made]).1, report("model_training", "talk", &made)] {
            assert!(all.contains(expected), "{expected}: {all}");
        }
    }
}
