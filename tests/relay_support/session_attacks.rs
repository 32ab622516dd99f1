//! Ways to make the server's session differ from what the proxy thinks of it. Compiled into the `relay` binary.

use super::raw::{self, Format, Frame, Raw};
use super::world;

/// A session of the user `bare`, whom the server trusts.
pub fn bare(more: &[(&str, &str)]) -> Raw {
    try_bare(more).unwrap_or_else(|error| panic!("{:?}", error.field(b'M')))
}

pub fn try_bare(more: &[(&str, &str)]) -> Result<Raw, Frame> {
    let parameters = [&[("user", "bare"), ("database", "shop")], more].concat();
    Raw::connect(world().proxy.address.port(), &parameters)
}

pub fn parse(name: &str, text: &str) -> Vec<u8> {
    raw::parse(name, text)
}

pub fn bind(portal: &str, name: &str) -> Vec<u8> {
    raw::bind(portal, name, &[], Format::Text)
}

pub fn execute(portal: &str) -> Vec<u8> {
    raw::execute(portal, 0)
}

/// Codes of errors, and the first value of rows, in order.
pub fn seen(frames: &[Frame]) -> Vec<String> {
    let value = |frame: &Frame| {
        let length = frame.body.get(2..6).and_then(|word| word.try_into().ok()).map_or(-1, i32::from_be_bytes);
        usize::try_from(length).map_or_else(
            |_| "NULL".to_owned(),
            |length| String::from_utf8_lossy(&frame.body[6..6 + length]).into_owned(),
        )
    };
    let one = |frame: &Frame| match frame.tag {
        b'E' => Some(frame.field(b'C').unwrap_or_default()),
        b'D' => Some(value(frame)),
        _ => None,
    };
    frames.iter().filter_map(one).collect()
}

#[test]
fn names_that_the_server_would_cut_are_refused() {
    let long = |last: char| "a".repeat(63) + &last.to_string();
    let mut client = bare(&[]);
    // A portal by another spelling.
    let set = "SET search_path = 'other'";
    let label = "SELECT label FROM items WHERE id = 1";
    let answer = client.exchange(&[
        parse("s", set),
        bind(&long('1'), "s"),
        execute(&long('2')),
        parse("t", label),
        bind("", "t"),
        execute(""),
        raw::sync(),
    ]);
    assert_eq!(seen(&answer), ["42622"]);
    assert_eq!(seen(&client.exchange(&[raw::query(label)])), ["item 1"]);
    // A statement by another spelling, and the reserved names.
    for (name, expected) in [(long('1'), "42622"), ("\u{e9}".into(), "0A000"), ("wherefore_9".into(), "42939")] {
        assert_eq!(seen(&client.exchange(&[parse(&name, "SELECT 1"), raw::sync()])), [expected], "{name}");
        let portal = [parse("", "SELECT 1"), bind(&name, ""), raw::sync()];
        assert_eq!(seen(&client.exchange(&portal)), [expected], "{name}");
        let closed = client.exchange(&[raw::close_statement(&name), raw::sync()]);
        assert_eq!(raw::outlines(&closed), ["3", "Z I"], "{name}");
    }
    // 63 bytes are as good as in Postgres.
    let name = "a".repeat(63);
    let used = [parse(&name, "SELECT 1"), bind(&name, &name), execute(&name), raw::sync()];
    assert_eq!(seen(&client.exchange(&used)), ["1"]);
}

#[test]
fn a_portal_that_was_never_bound_is_not_executed() {
    let mut client = bare(&[]);
    assert_eq!(seen(&client.exchange(&[execute("nothing"), raw::sync()])), ["34000"]);
    // One that is executed in pieces, over several segments.
    client.exchange(&[raw::query("BEGIN")]);
    let first = [parse("", "SELECT id FROM items ORDER BY id"), bind("p", ""), raw::execute("p", 2), raw::sync()];
    assert_eq!(seen(&client.exchange(&first)), ["1", "2"]);
    assert_eq!(seen(&client.exchange(&[raw::execute("p", 1), raw::sync()])), ["3"]);
    client.exchange(&[raw::query("COMMIT")]);
    assert_eq!(seen(&client.exchange(&[execute("p"), raw::sync()])), ["34000"]);
}

#[test]
fn a_skipped_close_closes_nothing() {
    let mut client = bare(&[]);
    client.exchange(&[raw::query("BEGIN")]);
    client.exchange(&[parse("s", "SET search_path = 'other'"), bind("p", "s"), raw::sync()]);
    client.exchange(&[raw::query("SAVEPOINT x")]);
    let close = [&b"C\0\0\0\x07P"[..], b"p\0"].concat();
    assert_eq!(seen(&client.exchange(&[parse("bad", "SELECT nosuch"), close, raw::sync()])), ["42703"]);
    client.exchange(&[raw::query("ROLLBACK TO x")]);
    let label = "SELECT label FROM items WHERE id = 1";
    let answer = client.exchange(&[execute("p"), parse("t", label), bind("", "t"), execute(""), raw::sync()]);
    // Judged under the path that is then in force.
    assert_eq!(seen(&answer), ["other"]);
    client.exchange(&[raw::query("ROLLBACK")]);
    assert_eq!(seen(&client.exchange(&[raw::query(label)])), ["item 1"]);
}

/// Read as UTF-8 one string; where `\x83\\` is one character the string ends before `||`.
const SMUGGLED: &str = "SELECT '\u{83}\\''||(SELECT string_agg(note,$$,$$) FROM people)--'";

#[test]
fn an_encoding_that_hides_ascii_is_not_spoken_under_restriction() {
    let mut client = bare(&[]);
    for set in
        ["SET client_encoding = 'SJIS'", "SET NAMES 'big5'", "SELECT set_config('client_encoding', 'GBK', false)"]
    {
        assert_eq!(seen(&client.exchange(&[raw::query(set)])), ["0A000"], "{set}");
    }
    let latin = [raw::query("SET client_encoding = 'LATIN1'"), raw::query("SELECT 1")];
    assert_eq!(seen(&client.exchange(&latin)), ["1"]);
    assert_eq!(try_bare(&[("client_encoding", "SJIS")]).expect_err("refused").field(b'C').unwrap(), "0A000");
    // Where it comes from the role's own settings nothing is read under it, until the client says another.
    let parameters = [("user", "sjis"), ("database", "shop"), ("wherefore.purpose", "service")];
    let mut client = Raw::connect(world().proxy.address.port(), &parameters).expect("logs in");
    for text in [SMUGGLED, "SELECT 1"] {
        assert_eq!(seen(&client.exchange(&[raw::query(text)])), ["0A000"], "{text}");
    }
    // Nor after a ROLLBACK that brings it back, in the same segment.
    client.exchange(&[raw::query("BEGIN")]);
    client.exchange(&[raw::query("SET client_encoding = 'UTF8'")]);
    assert_eq!(seen(&client.exchange(&[raw::query("SELECT 1")])), ["1"]);
    let answer = client.exchange(&[
        parse("", "ROLLBACK"),
        bind("", ""),
        execute(""),
        parse("t", SMUGGLED),
        bind("", "t"),
        execute(""),
        raw::sync(),
    ]);
    assert_eq!(seen(&answer), ["0A000"]);
}

#[test]
fn start_up_settings_are_held_to_the_list() {
    let codes = |parameters: &[(&str, &str)]| match try_bare(parameters) {
        Ok(_) => "ok".to_owned(),
        Err(report) => report.field(b'C').unwrap_or_default() + " " + &report.field(b'S').unwrap_or_default(),
    };
    // The server itself would let this user.
    let (owner, service) = (("user", "owner"), ("wherefore.purpose", "service"));
    for options in [
        "-c debug_print_plan=on",
        "-c client_min_messages=log",
        "-c Debug-Print-Plan=on",
        "--log_statement=all",
        "-c backslash_quote=on",
        "-c geqo=off -c role=postgres",
        "-d 1",
        "-tpa",
        "-c plpgsql.extra_errors=all",
        "-c auto_explain.log_min_duration=0",
        "-c app.tenant=5 -c role=postgres",
    ] {
        assert_eq!(codes(&[owner, service, ("options", options)]), "0A000 FATAL", "{options}");
        let unrestricted = [owner, ("options", "-c wherefore.purpose=everything -c log_duration=off")];
        assert_eq!(codes(&unrestricted), "ok");
    }
    for parameter in [("role", "postgres"), ("log_duration", "on"), ("Debug_Print_Parse", "on")] {
        assert_eq!(codes(&[owner, service, parameter]), "0A000 FATAL", "{parameter:?}");
    }
    for parameter in [
        ("application_name", "x"),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO, DMY"),
        ("TimeZone", "UTC"),
        ("extra_float_digits", "2"),
        ("search_path", "other"),
        ("options", "-c geqo=off --statement_timeout=1min"),
        ("options", "-c app.tenant=5 --app.user=x"),
        ("app.tenant", "5"),
    ] {
        assert_eq!(codes(&[parameter]), "ok", "{parameter:?}");
    }
    // What an application asks for itself: row security and triggers read it.
    let mut tenant = try_bare(&[("options", "-c app.tenant=5")]).expect("logs in");
    for text in ["SHOW app.tenant", "SELECT current_setting('app.tenant')"] {
        assert_eq!(seen(&tenant.exchange(&[raw::query(text)])), ["5"], "{text}");
    }
    // One that started with another setting stays unrestricted: DISCARD ALL would return to it.
    let parameters = [("user", "owner"), ("options", "-c wherefore.purpose=everything -c log_duration=off")];
    let mut owner = try_bare(&parameters).expect("logs in");
    for text in ["SET wherefore.purpose = 'service'", "SELECT id FROM items /*purpose='service'*/"] {
        owner.exchange(&[raw::query("DISCARD ALL")]);
        assert_eq!(seen(&owner.exchange(&[raw::query(text)])), ["25001"], "{text}");
    }
    // The name of a database that the server would cut.
    let long = "d".repeat(64);
    assert_eq!(codes(&[("database", &long)]), "3D000 FATAL");
}

#[test]
fn a_comments_purpose_does_not_stay() {
    let mut client = bare(&[("wherefore.purpose", "training")]);
    let now = "SELECT current_setting('wherefore.purpose')";
    let note = "SELECT note FROM people WHERE id = 1";
    let commented = [parse("", "SELECT 1 /*purpose='service'*/"), bind("", ""), execute(""), raw::sync()];
    let failing = [parse("", "SELECT id / 0 FROM items"), bind("", ""), execute(""), raw::sync()];
    for first in [&commented[..], &[raw::query("SELECT 1 /*purpose='service'*/")]] {
        assert_eq!(seen(&client.exchange(first)), ["1"]);
        assert_eq!(seen(&client.exchange(&failing)), ["22012"]);
        assert_eq!(seen(&client.exchange(&[raw::query(note)])), ["42501"]);
        assert_eq!(seen(&client.exchange(&[raw::query(now)])), ["training"]);
    }
    // A transaction that is begun after it and rolled back.
    client.exchange(&commented);
    client.exchange(&[parse("", "BEGIN"), bind("", ""), execute(""), raw::sync()]);
    client.exchange(&[raw::query("ROLLBACK")]);
    assert_eq!(seen(&client.exchange(&[raw::query(now)])), ["training"]);
    assert_eq!(seen(&client.exchange(&[raw::query(note)])), ["42501"]);
    // What the client itself sets stays, and a SET that fails does not.
    client.exchange(&commented);
    client.exchange(&[parse("", "SET wherefore.purpose = 'service'"), bind("", ""), execute(""), raw::sync()]);
    assert_eq!(seen(&client.exchange(&[raw::query(note)])), ["note 1"]);
    assert_eq!(seen(&client.exchange(&[raw::query("SET wherefore.purpose = 'training'; SELECT 1 / 0")])), ["22012"]);
    assert_eq!(seen(&client.exchange(&[raw::query(note)])), ["note 1"]);
}

#[test]
fn a_refusal_after_a_declaration_keeps_its_words() {
    let mut client = bare(&[]);
    client.exchange(&[raw::query("SELECT 1 /*purpose='training'*/")]);
    let answer = client.exchange(&[raw::query("SELECT 1; SELECT note FROM people /*purpose='training'*/")]);
    let codes: Vec<String> = seen(&answer);
    assert!(matches!(&codes[..], [one, code] if one == "1" && code != "42703"), "{codes:?}");
    let answer = client.exchange(&[raw::query("SELECT 1 /*purpose='training'*/; SELECT note FROM people")]);
    let report = answer.iter().find(|frame| frame.tag == b'E').expect("a refusal");
    assert!(!report.field(b'M').unwrap_or_default().contains("wherefore:"), "{report:?}");
    assert_ne!(report.field(b'C').as_deref(), Some("42703"));
    // A DEALLOCATE behind it is followed.
    client.exchange(&[parse("d", "SELECT 7"), raw::sync()]);
    client.exchange(&[raw::query("SELECT 1 /*purpose='training'*/")]);
    client.exchange(&[raw::query("DEALLOCATE d")]);
    assert_eq!(seen(&client.exchange(&[bind("", "d"), execute(""), raw::sync()])), ["26000"]);
}

#[test]
fn only_a_discard_on_its_own_makes_clean() {
    let parameters = [("user", "owner"), ("options", "-c wherefore.purpose=everything")];
    let mut owner = try_bare(&parameters).expect("logs in");
    let cursor = "DECLARE c CURSOR WITH HOLD FOR SELECT note FROM people";
    let mut segment = Vec::new();
    for text in ["DISCARD ALL", cursor] {
        segment.extend([parse("", text), bind("", ""), execute("")]);
    }
    segment.push(raw::sync());
    owner.exchange(&segment);
    let set = raw::query("SET wherefore.purpose = 'training'");
    assert_eq!(seen(&owner.exchange(std::slice::from_ref(&set))), ["25001"]);
    owner.exchange(&[raw::query("DISCARD ALL")]);
    // To prepare is to leave something behind.
    owner.exchange(&[parse("s", "SELECT note FROM people"), raw::sync()]);
    assert_eq!(seen(&owner.exchange(std::slice::from_ref(&set))), ["25001"]);
    owner.exchange(&[raw::query("DISCARD ALL")]);
    assert_eq!(seen(&owner.exchange(&[set])), Vec::<String>::new());
    assert_eq!(seen(&owner.exchange(&[execute("c"), raw::sync()])), ["34000"]);
}

#[test]
fn reset_all_leads_back_to_a_known_place() {
    let mut client = bare(&[]);
    client.exchange(&[raw::query("SET search_path = 'other'")]);
    let answer = client.exchange(&[raw::query("RESET ALL; SELECT label FROM items WHERE id = 1")]);
    assert_eq!(seen(&answer), ["item 1"]);
    // Where it changes the encoding what follows waits for the server's word.
    client.exchange(&[raw::query("SET client_encoding = 'LATIN1'")]);
    assert_eq!(seen(&client.exchange(&[raw::query("RESET ALL; SELECT 1")])), ["0A000"]);
}

#[test]
fn the_proxys_own_statements_are_out_of_reach() {
    let mut client = bare(&[]);
    client.exchange(&[raw::query("SET wherefore.purpose = 'training'")]);
    // A simple query would drop the unnamed statement.
    let close = || raw::close_statement("n");
    let named = |text: &str| [close(), parse("n", text), bind("", "n"), execute(""), close(), raw::sync()];
    client.exchange(&[parse("m", "SELECT email FROM people WHERE id = 2"), raw::sync()]);
    client.exchange(&named("SET wherefore.purpose = 'service'"));
    assert_eq!(seen(&client.exchange(&[bind("", "m"), execute(""), raw::sync()])), ["p2@example.org"]);
    for text in ["DEALLOCATE wherefore_1", "DEALLOCATE \"wherefore_2\""] {
        assert_eq!(seen(&client.exchange(&named(text))), ["26000"], "{text}");
    }
    client.exchange(&[raw::close_statement("wherefore_1"), raw::close_statement("wherefore_2"), raw::sync()]);
    assert_eq!(seen(&client.exchange(&[bind("", "m"), execute(""), raw::sync()])), ["p2@example.org"]);
    // DEALLOCATE ALL takes private statements too; the unnamed one is prepared again.
    client.exchange(&[parse("", "SELECT email FROM people WHERE id = 3"), raw::sync()]);
    client.exchange(&named("SET wherefore.purpose = 'training'"));
    assert_eq!(seen(&client.exchange(&[bind("", ""), execute(""), raw::sync()])), ["NULL"]);
    client.exchange(&named("DEALLOCATE ALL"));
    assert_eq!(seen(&client.exchange(&[bind("", ""), execute(""), raw::sync()])), ["NULL"]);
}

#[test]
fn a_declared_parameter_type_is_judged() {
    // Compared as an oid, the number of the hidden row is out of range.
    let typed = [&b"\0SELECT id FROM gone WHERE id = $1\0"[..], &[0, 1, 0, 0, 0, 26]].concat();
    let typed = [&b"P"[..], &(typed.len() as u32 + 4).to_be_bytes(), &typed[..]].concat();
    let mut client = bare(&[]);
    let answer = client.exchange(&[typed, raw::bind("", "", &["1"], Format::Text), execute(""), raw::sync()]);
    assert_eq!(seen(&answer), ["1"]);
}
