//! What is said of a statement whose errors and notices must be discreet.

use super::*;

const SAID: &str = "E(22P02 SECRET )";
const WITHHELD: &str =
    "E(22P02 invalid text representation (details withheld under purpose \"a\": reference 0123456789abcdef) )";

/// Each statement is followed by the status that the server then reports, and by what is told of an error in it.
#[test]
fn what_is_said_of_a_discreet_statement_is_filtered_until_its_transaction_ends() {
    let mut bench = bench();
    for (text, status, told) in [
        ("SELECT 1", b'I', SAID),
        ("SELECT quiet", b'I', WITHHELD),
        ("SELECT 1", b'I', SAID),
        ("SELECT 1; SELECT quiet", b'I', WITHHELD),
        ("SELECT quiet; SELECT 1", b'I', WITHHELD),
        ("BEGIN", b'T', SAID),
        ("SELECT 1", b'T', SAID),
        ("SELECT quiet", b'T', WITHHELD),
        // Cursors, portals, deferred constraints.
        ("SELECT 1", b'T', WITHHELD),
        ("ROLLBACK TO SAVEPOINT s", b'T', WITHHELD),
        ("COMMIT", b'I', WITHHELD),
        ("SELECT 1", b'I', SAID),
    ] {
        bench.client(query(text)).server([error("22P02", "SECRET"), ready(status)].concat());
        if bench.sent().contains("SHOW") {
            bench.server(settled("a", "public", status));
        }
        assert_eq!(bench.told(), format!("{told} Z{}", status as char), "{text}");
    }
}

#[test]
fn in_a_pipeline_each_segment_is_filtered_for_itself_and_its_transaction() {
    let mut bench = bench();
    let said = [error("22P02", "SECRET"), ready(b'I')].concat();
    let segment = |text| [parse("", text), bind("", ""), execute(""), sync()].concat();
    let texts = ["SELECT 1", "SELECT quiet", "SELECT 1"];
    bench.client(texts.map(segment).concat()).server(said.repeat(3));
    assert_eq!(bench.told(), format!("{SAID} ZI {WITHHELD} ZI {SAID} ZI"));
    // What was sent before Sync, and a statement that was prepared long ago.
    bench.client(parse("s", "SELECT quiet")).server(error("22P02", "SECRET"));
    assert_eq!(bench.told(), WITHHELD);
    bench.client(sync()).server(ready(b'I'));
    bench.client([parse("s", "SELECT quiet"), sync()].concat()).server([frame(b'1', b""), ready(b'I')].concat());
    bench.client([bind("", "s"), execute(""), sync()].concat()).server([frame(b'2', b""), said.clone()].concat());
    bench.client(segment("SELECT 1")).server(&said);
    assert_eq!(bench.told(), format!("ZI 1 ZI 2 {WITHHELD} ZI {SAID} ZI"));
    // A block over several segments.
    let begun = [frame(b'1', b""), frame(b'2', b""), frame(b'C', b"BEGIN\0"), ready(b'T')].concat();
    let answered = [frame(b'1', b""), frame(b'2', b""), frame(b'C', b"SELECT 1\0"), ready(b'T')].concat();
    bench.client(["BEGIN", "SELECT quiet"].map(segment).concat()).server([begun, answered].concat());
    bench.told();
    bench.client(segment("SELECT 1")).server([error("22P02", "SECRET"), ready(b'E')].concat());
    assert_eq!(bench.told(), format!("{WITHHELD} ZE"));
}

#[test]
fn notices_and_what_nobody_asked_for_are_filtered_too() {
    let mut bench = bench();
    let mut notice = error("01000", "SECRET");
    notice[0] = b'N';
    let withheld = "N(01000 warning (details withheld under purpose \"a\": reference 0123456789abcdef) )";
    assert_eq!(bench.server(&notice).told(), withheld);
    bench.client(query("SELECT quiet")).server([notice.clone(), ready(b'I')].concat());
    assert_eq!(bench.told(), format!("{withheld} ZI"));
    bench.client(query("SELECT 1")).server([notice.clone(), ready(b'I')].concat());
    assert_eq!(bench.told(), "N(01000 SECRET ) ZI");
    // A report that is longer than what is read of one.
    let long = error("22P02", &"SECRET".repeat(100_000));
    bench.client(query("SELECT quiet")).server([long.clone(), ready(b'I')].concat());
    assert_eq!(bench.told(), format!("{WITHHELD} ZI"));
    let mut free = bench_under("free");
    assert_eq!(free.server(&notice).told(), "N(01000 SECRET )");
}
