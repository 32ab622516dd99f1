//! Prepared statements and cursors of SQL, and of the protocol, under changing purposes. Compiled into the `relay` binary.

use super::raw::{self, Format};
use super::session_attacks::{bare, bind, execute, parse, seen, try_bare};

/// Sends each text as a query of its own; wants these codes of errors and first values of rows.
#[track_caller]
fn check(script: &[(&str, &[&str])]) {
    let mut client = bare(&[]);
    for (text, expected) in script {
        assert_eq!(seen(&client.exchange(&[raw::query(text)])), *expected, "{text}");
    }
}

#[test]
fn a_prepared_statement_runs_only_under_its_purpose() {
    check(&[
        ("PREPARE p (int) AS SELECT email FROM people WHERE id = $1", &[]),
        ("EXECUTE p(2)", &["p2@example.org"]),
        ("EXECUTE P ( 1 + 1 )", &["p2@example.org"]),
        ("EXECUTE p((SELECT 1))", &["0A000"]),
        ("EXPLAIN (COSTS OFF) EXECUTE p(2)", &["Index Scan using people_pkey on people", "  Index Cond: (id = 2)"]),
        ("EXECUTE p(1, 2)", &["42601"]),
        ("EXECUTE nosuch", &["26000"]),
        ("PREPARE n AS SELECT note FROM people WHERE id = 1", &[]),
        ("PREPARE n AS SELECT 1", &["42P05"]),
        ("EXECUTE n", &["note 1"]),
        ("SET wherefore.purpose = 'training'", &[]),
        // Masked under this purpose, and closed.
        ("EXECUTE p(2)", &["0A000"]),
        ("EXECUTE n", &["42501"]),
        ("EXPLAIN EXECUTE n", &["42501"]),
        ("EXECUTE n /*purpose='service'*/", &["note 1"]),
        ("EXECUTE n", &["42501"]),
        ("BEGIN; EXECUTE n", &["42501"]),
        ("ROLLBACK", &[]),
        ("DEALLOCATE p", &[]),
        ("PREPARE p (int) AS SELECT email FROM people WHERE id = $1; EXECUTE p(3)", &["NULL"]),
        ("EXPLAIN EXECUTE p(3)", &["42501"]),
        ("DEALLOCATE p; EXECUTE p(3)", &["26000"]),
        ("PREPARE p AS SELECT note FROM people", &["42501"]),
        ("EXECUTE p", &["26000"]),
        ("SET wherefore.purpose = 'service'", &[]),
        ("EXECUTE n", &["note 1"]),
        ("DEALLOCATE ALL", &[]),
        ("EXECUTE n", &["26000"]),
        // It survives what rolls back, and a failure behind it.
        ("BEGIN; PREPARE r AS SELECT 'kept'; ROLLBACK", &[]),
        ("EXECUTE r", &["kept"]),
        ("PREPARE s AS SELECT 'too'; SELECT 1 / 0", &["22012"]),
        ("EXECUTE s", &["too"]),
        ("SELECT 1 / 0; PREPARE t AS SELECT 'never'", &["22012"]),
        ("EXECUTE t", &["26000"]),
        ("BEGIN; SELECT 1 / 0", &["22012"]),
        ("EXECUTE r", &["25P02"]),
        ("ROLLBACK; EXECUTE r", &["kept"]),
        ("DISCARD PLANS", &[]),
        ("EXECUTE r", &["kept"]),
        ("DISCARD ALL", &[]),
        ("EXECUTE r", &["26000"]),
        ("CREATE TABLE t AS EXECUTE r", &["42501"]),
        ("PREPARE wherefore_1 AS SELECT 1", &["42939"]),
        ("EXECUTE wherefore_1", &["42939"]),
        ("PREPARE \"ünï\" AS SELECT 1", &["0A000"]),
    ]);
}

#[test]
fn a_prepared_statement_follows_the_search_path() {
    check(&[
        ("PREPARE p AS SELECT label FROM items WHERE id = 1", &[]),
        ("EXECUTE p", &["item 1"]),
        ("SET search_path = other", &[]),
        ("EXECUTE p", &["0A000"]),
        ("SET search_path = public, other", &[]),
        ("EXECUTE p", &["item 1"]),
    ]);
}

#[test]
fn sql_and_the_protocol_share_their_names() {
    let mut client = bare(&[]);
    let under = |client: &mut raw::Raw, purpose: &str| {
        client.exchange(&[raw::query(&format!("SET wherefore.purpose = '{purpose}'"))]);
    };
    // Prepared by SQL, bound by the protocol.
    client.exchange(&[raw::query("PREPARE a AS SELECT note FROM people WHERE id = 1")]);
    client.exchange(&[raw::query("PREPARE b AS SELECT label FROM items WHERE id = 1")]);
    client.exchange(&[raw::query("PREPARE c AS SELECT email FROM people WHERE id = 1")]);
    let run = |name: &str| [raw::describe_statement(name), bind("", name), execute(""), raw::sync()];
    for (purpose, expected) in
        [("service", ["note 1", "item 1", "p1@example.org"]), ("training", ["42501", "item 1", "0A000"])]
    {
        under(&mut client, purpose);
        for (name, expected) in ["a", "b", "c"].into_iter().zip(expected) {
            assert_eq!(seen(&client.exchange(&run(name))), [expected], "{name} under {purpose}");
        }
    }
    // Prepared by the protocol, executed by SQL.
    under(&mut client, "service");
    for (name, text) in [("d", "SELECT note FROM people WHERE id = 2"), ("e", "SELECT email FROM people WHERE id = 2")]
    {
        client.exchange(&[parse(name, text), raw::sync()]);
    }
    let execute_sql =
        |client: &mut raw::Raw, name: &str| seen(&client.exchange(&[raw::query(&format!("EXECUTE {name}"))]));
    assert_eq!(execute_sql(&mut client, "d"), ["note 2"]);
    under(&mut client, "training");
    assert_eq!(execute_sql(&mut client, "d"), ["42501"]);
    assert_eq!(execute_sql(&mut client, "e"), ["0A000"]);
    // The protocol prepares it anew under a private name; the client's name still stands for the old plan.
    assert_eq!(seen(&client.exchange(&[bind("", "e"), execute(""), raw::sync()])), ["NULL"]);
    assert_eq!(execute_sql(&mut client, "e"), ["0A000"]);
    // What changes the session is not executed behind its back.
    client.exchange(&[parse("f", "SELECT set_config('search_path', 'other', false)"), raw::sync()]);
    assert_eq!(execute_sql(&mut client, "f"), ["0A000"]);
    assert_eq!(seen(&client.exchange(&[raw::query("SHOW search_path")])), ["\"$user\", public"]);
}

#[test]
fn statements_of_sql_in_a_pipeline() {
    let mut client = bare(&[]);
    let run = |text: &str| [parse("", text), bind("", ""), execute("")].concat();
    // Nothing waits for an answer in between.
    let answer = client.exchange(&[
        run("PREPARE p AS SELECT note FROM people WHERE id = 1"),
        run("EXECUTE p"),
        raw::sync(),
        run("EXECUTE p"),
        run("DEALLOCATE p"),
        raw::sync(),
        run("EXECUTE p"),
        raw::sync(),
        raw::query("PREPARE p AS SELECT 1; SELECT 1 / 0"),
        raw::query("EXECUTE p"),
        raw::query("SELECT 1 / 0; DEALLOCATE p"),
        raw::query("EXECUTE p"),
    ]);
    assert_eq!(seen(&answer), ["note 1", "note 1", "26000", "22012", "1", "22012", "1"]);
    client.exchange(&[parse("x", "EXECUTE p"), raw::sync()]);
    client.exchange(&[raw::query("SET wherefore.purpose = 'training'")]);
    client.exchange(&[raw::query("DEALLOCATE p")]);
    client.exchange(&[raw::query("PREPARE p AS SELECT note FROM people WHERE id = 3 /*purpose='service'*/")]);
    // It was prepared under the purpose that its comment names.
    assert_eq!(seen(&client.exchange(&[bind("", "x"), execute(""), raw::sync()])), ["0A000"]);
}

/// The server describes the rows of an EXECUTE or FETCH when it is bound. If they had another type when it is executed
/// it would take numbers for addresses.
#[test]
fn what_a_portal_names_is_what_it_was_bound_to() {
    let mut client = bare(&[]);
    let run = |text: &str| [parse("", text), bind("", ""), execute("")].concat();
    client.exchange(&[raw::query("PREPARE p AS SELECT 'text'")]);
    client.exchange(&[parse("x", "EXECUTE p"), parse("f", "FETCH c"), raw::sync()]);
    let answer = client.exchange(&[
        bind("before", "x"),
        run("DEALLOCATE p"),
        run("PREPARE p AS SELECT 140000000000"),
        execute("before"),
        raw::sync(),
    ]);
    assert_eq!(seen(&answer), ["0A000"]);
    let answer = client.exchange(&[
        run("BEGIN"),
        run("DECLARE c CURSOR FOR SELECT 'text'"),
        bind("before", "f"),
        run("CLOSE c"),
        run("DECLARE c CURSOR FOR SELECT 140000000000"),
        execute("before"),
        raw::sync(),
        raw::query("ROLLBACK"),
    ]);
    assert_eq!(seen(&answer), ["0A000"]);
}

#[test]
fn a_cursor_belongs_to_its_purpose() {
    check(&[
        ("DECLARE c CURSOR FOR SELECT 1", &["25P01"]),
        ("BEGIN", &[]),
        ("DECLARE c SCROLL CURSOR FOR SELECT note FROM people ORDER BY id", &[]),
        ("FETCH c", &["note 1"]),
        ("FETCH 2 FROM c", &["note 2", "note 3"]),
        ("FETCH BACKWARD 1 IN c", &["note 2"]),
        ("FETCH ABSOLUTE 100 c", &["note 100"]),
        ("MOVE FIRST c", &[]),
        ("FETCH NEXT C", &["note 2"]),
        ("FETCH RELATIVE 0 FROM \"c\"", &["note 2"]),
        ("FETCH \"C\"", &["34000"]),
        ("ROLLBACK", &[]),
        ("FETCH c", &["34000"]),
        (
            "BEGIN; DECLARE c CURSOR FOR SELECT note FROM people ORDER BY id; FETCH c; CLOSE c; FETCH c",
            &["note 1", "34000"],
        ),
        ("ROLLBACK", &[]),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT note FROM people ORDER BY id", &[]),
        ("FETCH c", &["note 1"]),
        ("SET wherefore.purpose = 'training'", &[]),
        ("FETCH c", &["42501"]),
        ("MOVE c", &["42501"]),
        ("FETCH c /*purpose='service'*/", &["note 2"]),
        ("BEGIN", &[]),
        ("FETCH ALL c", &["42501"]),
        ("ROLLBACK", &[]),
        ("BEGIN; SET LOCAL wherefore.purpose = 'service'; FETCH c; COMMIT", &["note 3"]),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT note FROM people", &["42501"]),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 7", &["42P03"]),
        ("FETCH c", &["42501"]),
        ("CLOSE c", &[]),
        ("FETCH c", &["34000"]),
        ("BEGIN; DECLARE d CURSOR WITH HOLD FOR SELECT label FROM items ORDER BY id; ROLLBACK", &[]),
        ("FETCH d", &["34000"]),
        ("BEGIN; DECLARE d CURSOR WITH HOLD FOR SELECT label FROM items ORDER BY id; COMMIT; FETCH d", &["item 1"]),
        ("CLOSE ALL", &[]),
        ("FETCH d", &["34000"]),
        // Rows of `gone` are filtered.
        ("SET wherefore.purpose = 'service'", &[]),
        ("DECLARE g CURSOR WITH HOLD FOR SELECT id FROM gone", &["0A000"]),
        ("BEGIN; DECLARE g CURSOR FOR SELECT id FROM gone; FETCH ALL g; COMMIT", &["1"]),
        ("DECLARE wherefore_x CURSOR WITH HOLD FOR SELECT 1", &["42939"]),
    ]);
}

#[test]
fn cursors_and_portals_share_their_names() {
    let mut client = bare(&[]);
    let declare = "DECLARE c CURSOR WITH HOLD FOR SELECT note FROM people ORDER BY id";
    client.exchange(&[raw::query(declare)]);
    let answer = client.exchange(&[raw::describe_portal("c"), raw::execute("c", 2), raw::sync()]);
    assert_eq!(seen(&answer), ["note 1", "note 2"]);
    client.exchange(&[raw::query("SET wherefore.purpose = 'training'")]);
    assert_eq!(seen(&client.exchange(&[execute("c"), raw::sync()])), ["42501"]);
    client.exchange(&[raw::query("SET wherefore.purpose = 'service'")]);
    client.exchange(&[raw::close_portal("c"), raw::sync()]);
    assert_eq!(seen(&client.exchange(&[execute("c"), raw::sync()])), ["34000"]);
    // FETCH names a portal of the protocol.
    let label = "SELECT label FROM items ORDER BY id";
    client.exchange(&[raw::query("BEGIN")]);
    let answer = client.exchange(&[parse("s", label), bind("p", "s"), raw::execute("p", 1), raw::sync()]);
    assert_eq!(seen(&answer), ["item 1"]);
    assert_eq!(seen(&client.exchange(&[raw::query("FETCH 2 FROM p")])), ["item 2", "item 3"]);
    // But not one that would change the session.
    let set = "SELECT set_config('search_path', 'other', false)";
    client.exchange(&[parse("t", set), bind("q", "t"), raw::sync()]);
    assert_eq!(seen(&client.exchange(&[raw::query("FETCH ALL FROM q")])), ["0A000"]);
    client.exchange(&[raw::query("ROLLBACK")]);
    assert_eq!(seen(&client.exchange(&[raw::query("SHOW search_path")])), ["\"$user\", public"]);
    // Fetched by the protocol in parts.
    client.exchange(&[raw::query("BEGIN")]);
    client.exchange(&[raw::query("DECLARE d CURSOR FOR SELECT label FROM items ORDER BY id")]);
    let answer = client.exchange(&[
        parse("", "FETCH 3 FROM d"),
        raw::bind("f", "", &[], Format::Binary),
        raw::execute("f", 2),
        raw::execute("f", 2),
        raw::sync(),
    ]);
    assert_eq!(seen(&answer), ["item 1", "item 2", "item 3"]);
}

/// Each of these ends every session of the server when it gets there (PostgreSQL 15).
#[test]
fn what_names_nothing_or_itself_is_not_described() {
    let mut client = bare(&[]);
    let describe = |name: &str| [raw::describe_statement(name), raw::sync()];
    client.exchange(&[raw::query("PREPARE p AS SELECT 1"), raw::query("BEGIN; DECLARE c CURSOR FOR SELECT 1")]);
    client.exchange(&[parse("round", "EXECUTE p"), parse("f", "FETCH c"), bind("g", "f"), raw::sync()]);
    assert_eq!(
        seen(&client.exchange(&[raw::describe_statement("f"), raw::describe_portal("g"), raw::sync()])),
        [""; 0]
    );
    client.exchange(&[raw::query("CLOSE c")]);
    assert_eq!(seen(&client.exchange(&[raw::describe_portal("g"), raw::sync()])), ["0A000"]);
    client.exchange(&[raw::query("ROLLBACK")]);
    assert_eq!(seen(&client.exchange(&describe("f"))), ["0A000"]);
    client.exchange(&[raw::query("DEALLOCATE p"), parse("p", "EXECUTE round"), raw::sync()]);
    assert_eq!(seen(&client.exchange(&describe("p"))), ["0A000"]);
    assert_eq!(seen(&client.exchange(&[bind("", "round"), raw::describe_portal(""), raw::sync()])), ["0A000"]);
    // What a failed simple query leaves in the unnamed portal.
    client.exchange(&[raw::query("BEGIN"), parse("", "SELECT 1"), bind("", ""), raw::sync()]);
    client.exchange(&[raw::query("SELECT 1 / 0")]);
    assert_eq!(seen(&client.exchange(&[execute(""), raw::sync()])), ["34000"]);
    client.exchange(&[raw::query("ROLLBACK")]);
    assert_eq!(seen(&client.exchange(&[raw::query("SELECT 'here'")])), ["here"]);
}

#[test]
fn what_closes_all_portals_stays_until_it_is_done() {
    let mut client = bare(&[]);
    for text in ["CLOSE ALL", "DISCARD ALL"] {
        let answer = client.exchange(&[parse("", text), bind("e", ""), execute("e"), execute("e"), raw::sync()]);
        assert_eq!(seen(&answer), ["55000"], "{text}");
    }
}

#[test]
fn an_unrestricted_cursor_is_out_of_reach() {
    let parameters = [("user", "owner"), ("options", "-c wherefore.purpose=everything")];
    let mut owner = try_bare(&parameters).expect("logs in");
    for text in [
        "DECLARE c CURSOR WITH HOLD FOR SELECT note FROM people",
        "PREPARE p AS SELECT note FROM people",
        "LISTEN anything",
    ] {
        owner.exchange(&[raw::query(text)]);
    }
    assert_eq!(seen(&owner.exchange(&[raw::query("FETCH c")])), ["note 1"]);
    for text in ["FETCH c /*purpose='training'*/", "EXECUTE p /*purpose='training'*/"] {
        assert_eq!(seen(&owner.exchange(&[raw::query(text)])).len(), 1, "{text}");
        assert!(matches!(&*seen(&owner.exchange(&[raw::query(text)]))[0], "25001" | "26000" | "34000"), "{text}");
    }
    owner.exchange(&[raw::query("DISCARD ALL")]);
    owner.exchange(&[raw::query("SET wherefore.purpose = 'training'")]);
    assert_eq!(seen(&owner.exchange(&[raw::query("FETCH c")])), ["34000"]);
    assert_eq!(seen(&owner.exchange(&[raw::query("EXECUTE p")])), ["26000"]);
}

#[test]
fn what_is_analysed_late_is_judged_late() {
    // An EXPLAIN, a cursor, a PREPARE are analysed when they are executed, under the settings of then.
    let mut client = bare(&[]);
    for text in ["DECLARE c CURSOR FOR SELECT label FROM items", "PREPARE p AS SELECT label FROM items", "LOCK items"] {
        let answer = client.exchange(&[
            [parse("", "BEGIN"), bind("", ""), execute("")].concat(),
            parse("s", text),
            bind("late", "s"),
            [parse("", "SET LOCAL search_path = other"), bind("", ""), execute("")].concat(),
            execute("late"),
            raw::sync(),
            raw::query("ROLLBACK"),
        ]);
        assert_eq!(seen(&answer), ["0A000"], "{text}");
        client.exchange(&[raw::close_statement("s"), raw::sync()]);
    }
}

#[test]
fn errors_of_what_is_named_tell_no_value() {
    let mut client = bare(&[]);
    let told = |frames: &[raw::Frame]| {
        let errors = frames.iter().filter(|frame| frame.tag == b'E');
        errors.map(|frame| frame.field(b'M').unwrap_or_default()).collect::<Vec<_>>().join("; ")
    };
    client.exchange(&[raw::query("PREPARE p AS SELECT (id::text || 'canary')::int FROM gone")]);
    client.exchange(&[raw::query("PREPARE q AS SELECT ('canary' || $1)::int")]);
    for (answer, tells) in [
        (client.exchange(&[raw::query("EXECUTE p")]), false),
        (client.exchange(&[parse("", "EXECUTE p"), bind("", ""), execute(""), raw::sync()]), false),
        (client.exchange(&[raw::query("EXECUTE q('x')")]), true),
        (client.exchange(&[parse("", "EXECUTE q('x')"), bind("", ""), execute(""), raw::sync()]), true),
    ] {
        let told = told(&answer);
        assert!(!told.is_empty() && told.contains("canary") == tells, "{told}");
    }
    client.exchange(&[raw::query("BEGIN; DECLARE c CURSOR FOR SELECT (id::text || 'canary')::int FROM gone")]);
    let told = told(&client.exchange(&[raw::query("FETCH c")]));
    assert!(!told.is_empty() && !told.contains("canary"), "{told}");
}

#[test]
fn a_channel_is_listened_to_under_its_purposes_only() {
    let mut listener = bare(&[]);
    let mut other = bare(&[]);
    let mut notify = |text: &str, expected: &[&str]| {
        assert_eq!(seen(&other.exchange(&[raw::query(text)])), expected, "{text}");
    };
    let payloads = |listener: &mut raw::Raw| {
        let frames = listener.exchange(&[raw::query("SELECT 1")]);
        let payload = |frame: &raw::Frame| String::from_utf8_lossy(&frame.body[4..]).replace('\0', " ");
        frames.iter().filter(|frame| frame.tag == b'A').map(payload).collect::<Vec<_>>()
    };
    assert_eq!(seen(&listener.exchange(&[raw::query("LISTEN jobs")])), Vec::<String>::new());
    assert_eq!(seen(&listener.exchange(&[raw::query("LISTEN secrets")])), ["42501"]);
    notify("NOTIFY jobs, 'one'", &[]);
    notify("NOTIFY secrets, 'one'", &["42501"]);
    notify("SELECT pg_notify('jobs', note) FROM people WHERE id = 1", &[""]);
    notify("SELECT pg_notify('secrets', 'one')", &["42501"]);
    notify("SELECT pg_notify('jo' || 'bs', 'one')", &["0A000"]);
    assert_eq!(payloads(&mut listener), ["jobs one ", "jobs note 1 "]);
    listener.exchange(&[raw::query("SET wherefore.purpose = 'training'")]);
    assert_eq!(seen(&listener.exchange(&[raw::query("LISTEN jobs")])), ["42501"]);
    notify("NOTIFY jobs, 'two'", &[]);
    assert_eq!(payloads(&mut listener), Vec::<String>::new());
    listener.exchange(&[raw::query("SET wherefore.purpose = 'service'")]);
    notify("NOTIFY jobs, 'three'", &[]);
    assert_eq!(payloads(&mut listener), ["jobs three "]);
}

#[test]
fn roles_and_settings_of_applications() {
    let parameters = [("user", "owner"), ("wherefore.purpose", "training")];
    let mut owner = try_bare(&parameters).expect("logs in");
    let mut says = |text: &str| seen(&owner.exchange(&[raw::query(text)])).join(" ");
    for (text, expected) in [
        ("SET app.tenant = 'x'", ""),
        ("SELECT current_setting('app.tenant')", "x"),
        ("SELECT set_config('app.tenant', 'y', false)", "y"),
        ("SHOW app.tenant", "y"),
        ("SELECT set_config('app.tenant', 'z', false), set_config('app.user', 'u', false)", "z"),
        ("SELECT current_setting('app.tenant') || current_setting('app.user')", "zu"),
        ("SELECT set_config('app.tenant', label, false) FROM items", "0A000"),
        ("SELECT set_config('app.tenant', 'z', false), set_config('wherefore.purpose', 'service', false)", "0A000"),
        ("SET CONSTRAINTS ALL DEFERRED", ""),
        ("BEGIN; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS nosuch DEFERRED", "42704"),
        ("ROLLBACK", ""),
        ("SET plpgsql.extra_errors = 'all'", "0A000"),
        // The role decides what the server permits, not what the purpose opens.
        ("SET ROLE nobody", ""),
        ("SELECT current_user", "nobody"),
        ("SELECT note FROM people", "42501"),
        ("SET wherefore.purpose = 'service'", ""),
        ("SELECT note FROM people WHERE id = 1", "note 1"),
        ("RESET ROLE", ""),
        ("SET SESSION AUTHORIZATION nobody", ""),
        ("SELECT session_user", "nobody"),
        ("SET wherefore.purpose = 'everything'", ""),
        ("SET wherefore.purpose = 'service'", ""),
        ("SET SESSION AUTHORIZATION DEFAULT", ""),
        ("SELECT session_user", "owner"),
        ("BEGIN; PREPARE TRANSACTION 'x'", "55000"),
        ("SET TRANSACTION SNAPSHOT '00000003-0000001B-1'", "0A000"),
    ] {
        assert_eq!(says(text), expected, "{text}");
    }
}
