//! What proxies before this one got wrong, and traps of the protocol: a test for each that no other file holds.
//! `docs/bypasses.md` has the list.

use crate::raw::{
    Format, bind, close_portal, close_statement, describe_portal, describe_statement, execute, flush, message, parse,
    query, sync,
};
use crate::relay_support::{Proxy, program};
use crate::scripts::run;
use crate::talk::{Step, Talk, startup, whole};
use crate::{OWNER, POLICY, SERVICE, TRAINING, same, world};
use std::process::Command;

const ITEM: &str = "SELECT label FROM items WHERE id = 1";
const OTHER: &str = "SELECT label FROM items WHERE id = 2";

/// pgbouncer #759, and pgdog #887, #876, #913: what was expected of a failed segment does not stay.
#[test]
fn errors_in_pipelines_leave_nothing_expected() {
    let bads = [
        parse("x", "SELECT nonsense FROM items"),
        parse("x", "not SQL"),
        bind("", "nosuch", &[], Format::Text),
        execute("nosuch", 0),
        describe_statement("nosuch"),
        describe_portal("nosuch"),
        [parse("", "SELECT 1 / (id - 1) FROM items ORDER BY id"), bind("", "", &[], Format::Text), execute("", 0)]
            .concat(),
        run("SELECT label::int FROM items"),
    ];
    for (number, bad) in bads.iter().enumerate() {
        for parameters in [OWNER, SERVICE] {
            let (good, bad) = (run(ITEM), bad.clone());
            let steps = [
                whole(&[bad.clone(), sync(), good.clone(), sync()]),
                whole(&[good.clone(), bad.clone(), good.clone(), bad.clone(), sync(), sync(), good.clone(), sync()]),
                whole(&[
                    bad.clone(),
                    close_statement("x"),
                    describe_statement("x"),
                    sync(),
                    query(ITEM),
                    bad.clone(),
                    sync(),
                ]),
                whole(&[
                    query("BEGIN"),
                    good.clone(),
                    bad.clone(),
                    sync(),
                    good.clone(),
                    sync(),
                    query("COMMIT"),
                    query(OTHER),
                ]),
            ];
            same(&format!("bad {number}, {parameters:?}"), parameters, &[&steps[..]; 3].concat());
        }
    }
}

/// pgbouncer #1555, pgcat #137: the proxy's own answers stand where the server's would, each before its ReadyForQuery.
#[test]
fn own_answers_keep_their_place() {
    let refused = "SELECT note FROM people";
    let mut talks = [0; 4].map(|_| Talk::session(world().proxy.address.port(), TRAINING));
    for round in 0..20 {
        for (number, talk) in talks.iter_mut().enumerate() {
            let mine = |place: usize| format!("SELECT '{round} {number} {place}'");
            let heard = talk.play(&[whole(&[
                query(&mine(1)),
                query(refused),
                query("EXPLAIN (WHEREFORE) SELECT id FROM people"),
                run(&mine(2)),
                run(refused),
                run(&mine(3)),
                sync(),
                run(&mine(4)),
                sync(),
                query("SET wherefore.purpose = 'nonsense'"),
                query(&mine(5)),
            ])]);
            let words = heard.words();
            let explained = words.strip_prefix("T D C ZI E42501 ZI T ").expect("the first three");
            let rest = explained.trim_start_matches("D ");
            assert_eq!(rest, "C ZI 1 2 D C E42501 ZI 1 2 D C ZI E22023 ZI T D C ZI");
            let own: Vec<&[u8]> =
                heard.frames.iter().filter(|frame| frame.tag == b'D').map(|frame| &frame.body[6..]).collect();
            let values: Vec<String> = [1, 2, 4, 5].iter().map(|place| format!("{round} {number} {place}")).collect();
            let found: Vec<String> = own.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
            let found: Vec<String> =
                found.into_iter().filter(|value| value.starts_with(&format!("{round} {number} "))).collect();
            assert_eq!(found, values);
        }
    }
}

/// pgbouncer #1535: what is prepared behind a DEALLOCATE ALL stays.
#[test]
fn deallocate_all_in_a_pipeline_spares_what_comes_later() {
    for all in ["DEALLOCATE ALL", "DISCARD ALL"] {
        for parameters in [OWNER, SERVICE] {
            let steps = [
                whole(&[parse("a", ITEM), sync()]),
                whole(&[run(all), sync(), parse("b", OTHER), sync()]),
                whole(&[bind("", "b", &[], Format::Text), execute("", 0), sync()]),
                whole(&[bind("", "a", &[], Format::Text), execute("", 0), sync()]),
                whole(&[
                    query(all),
                    parse("a", ITEM),
                    sync(),
                    bind("", "a", &[], Format::Text),
                    execute("", 0),
                    sync(),
                ]),
                whole(&[bind("", "b", &[], Format::Text), sync()]),
            ];
            same(all, parameters, &steps);
        }
    }
    let steps = [
        whole(&[parse("a", ITEM), run("DEALLOCATE ALL"), parse("b", OTHER), sync()]),
        whole(&[bind("", "b", &[], Format::Text), execute("", 0), sync()]),
        whole(&[bind("", "a", &[], Format::Text), execute("", 0), sync()]),
    ];
    same("one segment", OWNER, &steps);
    same("one segment", SERVICE, &steps);
}

/// pgbouncer #1470: a late CopyDone. Copy messages where no COPY is are nobody's, and nothing waits for them.
#[test]
fn late_copy_messages_are_nobodys() {
    let copies = [message(b'd', b"1\n"), message(b'c', b""), message(b'f', b"no\0")];
    let mut steps = Vec::new();
    for copy in &copies {
        steps.push(whole(&[copy.clone(), query(ITEM)]));
        // What they stand in front of counts where the messages are counted.
        steps.push(Step {
            bytes: [copy.repeat(50), run(ITEM), copy.clone(), sync(), copy.clone()].concat(),
            tag: b'Z',
            count: 1,
        });
        steps.push(whole(&[query(OTHER), sync()]));
    }
    // A COPY that fails before its data is through: the rest of it is dropped.
    steps.push(whole(&[query("CREATE TEMP TABLE c (id int)")]));
    for _ in 0..3 {
        let data = [message(b'd', b"x\n"), message(b'd', b"1\n").repeat(100), message(b'c', b"")].concat();
        steps.push(Step::until(b'Z', [query("COPY c FROM STDIN"), data.clone()].concat()));
        steps.push(Step::until(b'Z', [run("COPY c FROM STDIN"), data, sync()].concat()));
        steps.push(whole(&[query("SELECT count(*) FROM c"), run(ITEM), sync()]));
    }
    same("late copies", OWNER, &steps);
}

/// pgbouncer #396, #452: what one session sets no other one sees.
#[test]
fn settings_stay_in_their_session() {
    let port = world().proxy.address.port();
    for parameters in [OWNER, SERVICE] {
        let mut one = Talk::session(port, parameters);
        for sql in [
            "SELECT pg_catalog.set_config('search_path', '', false)",
            "SET TimeZone = 'Asia/Tokyo'",
            "SET statement_timeout = '7min'",
        ] {
            assert!(one.ask(sql).ends_with("ZI"), "{sql}");
        }
        for mut next in [Talk::session(port, parameters), Talk::session(world().cluster.port, parameters)] {
            assert_eq!(next.value("SHOW search_path"), "\"$user\", public");
            assert_eq!(next.value("SHOW statement_timeout"), "0");
            assert_ne!(next.value("SHOW TimeZone"), "Asia/Tokyo");
        }
        assert_eq!(one.value("SHOW search_path"), "");
    }
}

/// pgcat #137: the proxy's own question about settings is never seen, nor its ReadyForQuery.
#[test]
fn settings_in_pipelines_are_asked_for_unseen() {
    for parameters in [OWNER, SERVICE] {
        let steps = [
            whole(&[run("SET search_path = other, public"), run(ITEM), sync(), run("SHOW search_path"), sync()]),
            whole(&[
                run("BEGIN"),
                run("SET LOCAL search_path = other"),
                run("SHOW search_path"),
                run("COMMIT"),
                sync(),
            ]),
            whole(&[query("SET search_path = public; SELECT label FROM items WHERE id = 2"), run(ITEM), sync()]),
            whole(&[
                run("SET search_path = other"),
                run("SELECT 1 / 0"),
                sync(),
                query(ITEM),
                query("SHOW search_path"),
            ]),
            Step::until(b'C', [run("SET search_path = other"), flush()].concat()),
            whole(&[sync(), query("SHOW search_path"), query("RESET ALL"), query(ITEM)]),
        ];
        same("settings", parameters, &steps);
    }
}

/// odyssey #514: each segment that fails gives one error, however much in it would.
#[test]
fn a_segment_has_one_error() {
    let bad = [run("SELECT note FROM people"), run("SELECT nonsense"), run("SELECT note FROM people")];
    let mut talk = Talk::session(world().proxy.address.port(), TRAINING);
    for first in 0..3 {
        let mut segment: Vec<Vec<u8>> = (0..5).map(|at| bad[(first + at) % 3].clone()).collect();
        segment.push(sync());
        let heard = talk.play(&[whole(&[&segment[..]; 4].concat())]).words();
        assert_eq!((heard.matches('E').count(), heard.matches("ZI").count()), (4, 4), "{heard}");
    }
}

/// porsager/postgres #970: queries that come before the answers to those in front of them.
#[test]
fn queries_need_not_wait_for_answers() {
    for parameters in [OWNER, SERVICE] {
        same("two", parameters, &[whole(&[query(ITEM), query(OTHER)])]);
        let many: Vec<Vec<u8>> =
            (0..200).map(|number| query(&format!("SELECT label, {number} FROM items WHERE id = 1"))).collect();
        same("many", parameters, &[whole(&many)]);
        let mixed: Vec<Vec<u8>> =
            (0..50).flat_map(|_| [query(ITEM), run(OTHER), sync(), query("SELECT 1 / 0"), query("")]).collect();
        same("mixed", parameters, &[whole(&mixed)]);
    }
}

/// prisma #11831, supavisor #239: a prepared statement is there until it is closed.
#[test]
fn prepared_statements_stay() {
    let again = || whole(&[bind("", "s", &["1"], Format::Text), execute("", 0), sync()]);
    let mut steps = vec![whole(&[parse("s", "SELECT label FROM items WHERE id = $1"), sync()]), again()];
    for between in [
        whole(&[query("SELECT 1 / 0")]),
        whole(&[run("SELECT nonsense"), sync()]),
        whole(&[query("BEGIN"), query("SELECT nonsense"), query("ROLLBACK")]),
        whole(&[query("SET search_path = other"), query("RESET search_path")]),
        whole(&[parse("s", "SELECT 2"), sync()]),
        whole(&[query("DISCARD PLANS"), query("RESET ALL")]),
        whole(&[parse("", OTHER), bind("", "", &[], Format::Text), execute("", 0), close_statement(""), sync()]),
    ] {
        steps.extend([between, again()]);
    }
    steps.extend([whole(&[close_statement("s"), sync()]), again()]);
    for parameters in [OWNER, SERVICE] {
        same("prepared", parameters, &steps);
    }
}

/// pgbouncer #482, neon #6291: every start-up parameter and `options` in every spelling. Teleport #68711: BackendKeyData
/// is part of the greeting.
#[test]
fn start_up_parameters_reach_the_server() {
    const OPENED: &str = "-c wherefore.purpose=everything ";
    let shown =
        ["geqo", "work_mem", "search_path", "application_name", "extra_float_digits", "app.tenant", "DateStyle"];
    for (more, options) in [
        (&[][..], ""),
        (
            &[
                ("application_name", "an app"),
                ("extra_float_digits", "3"),
                ("DateStyle", "German"),
                ("TimeZone", "UTC"),
            ],
            "",
        ),
        (&[("client_encoding", "LATIN1"), ("geqo", "off"), ("app.tenant", "seven")], ""),
        (&[("search_path", "other, public"), ("work_mem", "1MB"), ("IntervalStyle", "iso_8601")], ""),
        (&[], "-c geqo=off"),
        (&[], "-cgeqo=off --work-mem=2MB"),
        (&[], "--geqo=off -c work_mem=3MB   "),
        (&[], "-c search_path=other\\,\\ public -c app.tenant=a\\ b\\\\c"),
        (&[], "-c application_name=it\\'s\\ \"quoted\""),
        (&[], "\t-c\ngeqo=off"),
        (&[], "-B 16 -S 1024 -e"),
        (&[], "-f s -O"),
        (&[], "-c geqo"),
        (&[], "-c nosuch=1"),
        (&[], "geqo=off"),
        (&[("geqo", "on")], "-c geqo=off"),
    ] {
        let options = format!("{OPENED}{options}");
        let parameters = [&[("user", "owner"), ("database", "shop"), ("options", &*options)], more].concat();
        let steps: Vec<Step> =
            shown.iter().map(|name| whole(&[query(&format!("SELECT current_setting('{name}', true)"))])).collect();
        same(&format!("{more:?} {options}"), &parameters, &steps);
    }
    let greeting = Talk::open(world().proxy.address.port()).play(&[Step::until(b'Z', startup(0x0003_0000, SERVICE))]);
    assert_eq!(greeting.frames.iter().filter(|frame| frame.tag == b'K').count(), 1, "{greeting:?}");
}

/// CVE-2025-12819: what a start-up sets does not reach the query by which the proxy finds out who it is.
#[test]
fn a_start_up_search_path_does_not_meet_the_query_for_users() {
    let cluster = &world().cluster;
    // Unqualified on purpose: what a path would change.
    let auth = "[auth]\nmethod = \"scram\"\nquery = \"SELECT rolpassword FROM pg_authid WHERE rolname = $1\"\n";
    let proxy = Proxy::start(cluster, POLICY, auth);
    let verifier = "SET password_encryption = 'scram-sha-256'; CREATE ROLE known LOGIN PASSWORD 'guess'; CREATE SCHEMA evil; CREATE TABLE evil.pg_authid AS \
                    SELECT 'secretive'::name AS rolname, rolpassword FROM pg_catalog.pg_authid WHERE rolname = 'known'; \
                    GRANT USAGE ON SCHEMA evil TO PUBLIC; GRANT SELECT ON evil.pg_authid TO PUBLIC";
    cluster.psql("shop", verifier).expect("a trap");
    for (options, password, enters) in [
        ("-c search_path=evil,pg_catalog", "guess", false),
        ("-c search_path=evil", "guess", false),
        ("-c search_path=evil,pg_catalog", "secret", true),
    ] {
        let output = Command::new(program("psql"))
            .args([
                "-X",
                "-h",
                "127.0.0.1",
                "-p",
                &proxy.address.port().to_string(),
                "-U",
                "secretive",
                "-d",
                "template1",
            ])
            .args(["-c", "SELECT 1"])
            .env("PGOPTIONS", options)
            .env("PGPASSWORD", password)
            .output()
            .expect("psql");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(!said.contains("password authentication failed"), enters, "{options} {password}: {said}");
    }
}

/// While the server skips to a Sync it discards everything, a Query and a FunctionCall too.
#[test]
fn a_query_that_is_skipped_is_not_answered() {
    let bad = || parse("", "SELECT nonsense");
    for parameters in [OWNER, SERVICE] {
        let steps = [
            // The error has come before the Query is sent.
            Step::until(b'E', [bad(), flush()].concat()),
            whole(&[sync()]),
            Step::until(b'E', [bad(), flush()].concat()),
            Step { bytes: [query(ITEM), sync()].concat(), tag: b'Z', count: 1 },
            whole(&[query(OTHER)]),
            // And all at once.
            Step { bytes: [bad(), query(ITEM), sync()].concat(), tag: b'Z', count: 1 },
            whole(&[query(OTHER)]),
            Step {
                bytes: [bad(), query(ITEM), query(ITEM), run(ITEM), sync(), query(OTHER)].concat(),
                tag: b'Z',
                count: 2,
            },
            whole(&[query(ITEM)]),
        ];
        same("skipped", parameters, &steps);
    }
    let call = message(b'F', b"\0\0\x07\xea\0\0\0\0\0\0");
    let steps = [
        Step::until(b'E', [bad(), flush()].concat()),
        Step { bytes: [call, sync()].concat(), tag: b'Z', count: 1 },
        whole(&[query(OTHER)]),
    ];
    same("a skipped call", OWNER, &steps);
}

/// A Query of several statements is undone as a whole unless it says BEGIN or COMMIT; the status is the server's.
#[test]
fn several_statements_are_one_transaction_as_in_the_server() {
    let mut steps = vec![whole(&[query("CREATE TEMP TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)")])];
    for text in [
        "INSERT INTO t VALUES (1); SELECT 1 / 0",
        "INSERT INTO t VALUES (2); COMMIT; SELECT 1 / 0",
        "INSERT INTO t VALUES (3); BEGIN; INSERT INTO t VALUES (4); SELECT 1 / 0",
        "SELECT 1; SELECT 2",
        "ROLLBACK; INSERT INTO t VALUES (5); ROLLBACK",
        "BEGIN; INSERT INTO t VALUES (6)",
        "SAVEPOINT s; SELECT 1 / 0",
        "ROLLBACK TO s; COMMIT AND CHAIN",
        "INSERT INTO t VALUES (6); COMMIT",
        "INSERT INTO t VALUES (7); INSERT INTO t VALUES (7)",
        "COMMIT",
    ] {
        steps.push(whole(&[query(text), query("SELECT id FROM t ORDER BY id")]));
        steps.push(whole(&[run("SELECT count(*) FROM t"), sync()]));
    }
    same("transactions", OWNER, &steps);
    let reads = [
        "SELECT id FROM items WHERE id = 1; SELECT 1 / 0; SELECT 2",
        "BEGIN; SELECT id FROM items WHERE id = 1",
        "SELECT nonsense",
        "COMMIT",
        "BEGIN; COMMIT; SELECT 1 / 0",
        "SELECT 1",
    ];
    let steps: Vec<Step> = reads.iter().map(|text| whole(&[query(text), run(ITEM), sync()])).collect();
    same("reads", SERVICE, &steps);
}

/// Portals end with their transaction; a statement's description has its parameters first.
#[test]
fn portals_end_with_the_transaction() {
    let steps = [
        whole(&[
            query("BEGIN"),
            parse("s", "SELECT id FROM items WHERE id < $1 ORDER BY id"),
            describe_statement("s"),
            sync(),
        ]),
        whole(&[bind("p", "s", &["9"], Format::Text), describe_portal("p"), execute("p", 2), sync()]),
        whole(&[execute("p", 2), sync(), query("SAVEPOINT a"), execute("p", 2), sync()]),
        whole(&[query("COMMIT"), execute("p", 2), sync()]),
        whole(&[bind("p", "s", &["9"], Format::Text), execute("p", 2), sync(), execute("p", 2), sync()]),
        whole(&[
            parse("n", "SET geqo = on"),
            describe_statement("n"),
            bind("n", "n", &[], Format::Text),
            describe_portal("n"),
            execute("n", 0),
            close_portal("n"),
            sync(),
        ]),
        whole(&[parse("n2", ""), describe_statement("n2"), bind("", "n2", &[], Format::Text), execute("", 0), sync()]),
    ];
    for parameters in [OWNER, SERVICE] {
        same("portals", parameters, &steps);
    }
}

/// What is inspected is what is sent: nothing is guessed where text is not UTF-8.
#[test]
fn text_that_is_not_utf8_is_refused_not_mended() {
    let mut talk = Talk::session(world().proxy.address.port(), SERVICE);
    for text in [&b"SELECT '\xff'"[..], b"SELECT note \xc3 FROM people", b"SELECT \xed\xa0\x80", b"\xc0\xaf"] {
        let body = [text, b"\0"].concat();
        let parse = message(b'P', &[b"\0", text, b"\0\0\0"].concat());
        let heard = talk.play(&[whole(&[message(b'Q', &body), parse, sync(), query(ITEM)])]);
        assert_eq!(heard.words(), "E22021 ZI E22021 ZI T D C ZI", "{}", text.escape_ascii());
    }
}

/// pgdog #1453 and its kin: a statement cache is bounded by bytes.
#[test]
fn prepared_statements_are_bounded_by_their_bytes() {
    let proxy = Proxy::start(&world().cluster, POLICY, "[limits]\nprepared_bytes = 1000000\n");
    let mut talk = Talk::session(proxy.address.port(), SERVICE);
    let list = (0..20_000).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let text = |number: usize| format!("SELECT label FROM items WHERE id IN ({list},{number})");
    let heard: Vec<String> = (0..12)
        .map(|number| talk.play(&[whole(&[parse(&format!("s{number}"), &text(number)), sync()])]).words())
        .collect();
    let taken = heard.iter().take_while(|words| *words == "1 ZI").count();
    assert!((3..12).contains(&taken), "{heard:?}");
    assert!(heard[taken..].iter().all(|words| words == "E54000 ZI" || words == "E53400 ZI"), "{heard:?}");
    assert_eq!(
        talk.play(&[whole(&[close_statement("s0"), parse("t", ITEM), sync(), query(ITEM)])]).words(),
        "3 1 ZI T D C ZI"
    );
}
