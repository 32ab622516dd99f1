//! Ways to make the server's session differ from what the proxy thinks of it. Compiled into the `relay` binary.

use super::raw::{self, Format, Frame, Raw};
use super::world;

/// A session of the user `bare`, whom the server trusts.
fn bare(more: &[(&str, &str)]) -> Raw {
    try_bare(more).unwrap_or_else(|error| panic!("{:?}", error.field(b'M')))
}

fn try_bare(more: &[(&str, &str)]) -> Result<Raw, Frame> {
    let parameters = [&[("user", "bare"), ("database", "shop")], more].concat();
    Raw::connect(world().proxy.address.port(), &parameters)
}

fn parse(name: &str, text: &str) -> Vec<u8> {
    raw::parse(name, text)
}

fn bind(portal: &str, name: &str) -> Vec<u8> {
    raw::bind(portal, name, &[], Format::Text)
}

fn execute(portal: &str) -> Vec<u8> {
    raw::execute(portal, 0)
}

/// Codes of errors, and the first value of rows, in order.
fn seen(frames: &[Frame]) -> Vec<String> {
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
