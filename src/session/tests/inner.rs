//! The catalog as a transaction sees it: when the server is asked, what the client sees of it, and how long it holds.

use super::*;
use crate::session::Fault;

const BEGIN: &str = "P(wherefore_own|SAVEPOINT wherefore_own)";
const UNDO: &str = "C C P(wherefore_own|ROLLBACK TO SAVEPOINT wherefore_own) B(wherefore_own|wherefore_own) E C C \
    P(wherefore_own|RELEASE SAVEPOINT wherefore_own) B(wherefore_own|wherefore_own) E C C S";

/// The answers to one statement of the proxy's own.
fn completed(rows: &[Vec<u8>], tag: &str) -> Vec<u8> {
    let tag = frame(b'C', format!("{tag}\0").as_bytes());
    [frame(b'1', b""), frame(b'2', b""), rows.concat(), tag, frame(b'3', b""), frame(b'3', b"")].concat()
}

/// The answers to all questions: there is nothing but what these rows say of schemas.
fn answered(isolation: &str, schemas: &[Vec<u8>]) -> Vec<u8> {
    let mut out = completed(&[], "SAVEPOINT");
    out.extend(completed(&[row(isolation)], "SELECT 1"));
    out.extend(completed(schemas, "SELECT 1"));
    out.extend(completed(&[], "SELECT 0").repeat(13));
    out.extend([completed(&[], "ROLLBACK"), completed(&[], "RELEASE"), ready(b'T')].concat());
    out
}

fn done(tag: &str, status: u8) -> Vec<u8> {
    [frame(b'C', format!("{tag}\0").as_bytes()), ready(status)].concat()
}

/// A session whose transaction has changed the schema.
fn changed() -> Bench {
    let mut bench = bench();
    bench.client(query("BEGIN")).server(done("BEGIN", b'T'));
    bench.client(query("CREATE SCHEMA s")).server(done("CREATE SCHEMA", b'T'));
    bench.sent();
    bench.told();
    bench
}

impl Bench {
    /// Ties the policy to what was read, as the shell does.
    fn bind(&mut self) -> &mut Bench {
        assert_eq!(self.step, Step::Inner);
        let reading = self.session.inner_reading().expect("a reading");
        self.session.inner_bound(Ok(reading.shared));
        self.turn();
        self
    }

    /// Sends a statement, and lets the catalog be read for it.
    fn looks(&mut self, text: &str) -> &mut Bench {
        self.told();
        self.client(query(text)).answer()
    }

    /// The catalog is read for the statement that was sent.
    fn answer(&mut self) -> &mut Bench {
        assert!(self.sent().starts_with(BEGIN));
        assert_eq!(self.step, Step::Hold);
        assert_eq!(self.server(answered("read committed", &[row("public")])).told(), "");
        self.bind()
    }
}

#[test]
fn the_server_is_asked_before_the_next_statement_and_once_only() {
    let mut bench = changed();
    assert_eq!(bench.looks("SELECT mask").sent(), "Q(SELECT masked_a)");
    assert_eq!(bench.server(done("SELECT 1", b'T')).told(), "C ZT");
    assert_eq!(bench.client(query("SELECT 2")).sent(), "Q(SELECT 2)");
    bench.server(done("SELECT 1", b'T'));
    let segment = [parse("", "SELECT 3"), bind("", ""), execute(""), sync()].concat();
    assert_eq!(bench.client(segment).sent(), "P(|SELECT 3) B() E S");
    bench.server([frame(b'1', b""), frame(b'2', b""), done("SELECT 1", b'T')].concat());
    // What ends the transaction needs nothing.
    assert_eq!(bench.client(query("COMMIT")).sent(), "Q(COMMIT)");
    bench.server(done("COMMIT", b'I'));
    assert!(bench.shelf.is_behind());
}

#[test]
fn whatever_changes_the_schema_again_has_it_read_again() {
    for again in [&["CREATE SCHEMA t"][..], &["DROP SCHEMA s"], &["SAVEPOINT x", "ROLLBACK TO x"]] {
        let mut bench = changed();
        bench.looks("SELECT 1").server(done("SELECT 1", b'T'));
        for text in again {
            bench.client(query(text)).server(done("DONE", b'T'));
            if bench.sent().contains("wherefore.purpose") {
                bench.server(settled("a", "public", b'T'));
            }
        }
        bench.told();
        assert_eq!(bench.looks("SELECT 1").sent(), "Q(SELECT 1)", "{again:?}");
    }
    // Others change it, too.
    let mut bench = changed();
    bench.looks("SELECT 1").server(done("SELECT 1", b'T'));
    bench.shelf.mark();
    bench.client(query("SELECT 2"));
    assert_eq!(bench.step, Step::Refresh(Refresh::Behind));
    bench.sent();
    bench.shelf.cover(bench.shelf.mark_read());
    bench.session.refreshed(Refreshed::Done);
    bench.told();
    bench.turn();
    assert_eq!(bench.answer().sent(), "Q(SELECT 2)");
}

/// Also within a segment, which inside a transaction can be ended for it.
#[test]
fn no_segment_goes_on_with_what_others_have_changed() {
    let mut bench = changed();
    bench.looks("SELECT 1").server(done("SELECT 1", b'T'));
    bench.client([parse("", "SELECT 2"), bind("", ""), execute(""), frame(b'H', b"")].concat());
    bench.server([frame(b'1', b""), frame(b'2', b""), frame(b'C', b"SELECT 1\0")].concat());
    bench.sent();
    bench.told();
    bench.shelf.mark();
    bench.shelf.cover(bench.shelf.mark_read());
    assert_eq!(bench.client(parse("", "SELECT 3")).sent(), "S");
    assert_eq!(bench.server(ready(b'T')).told(), "");
    assert_eq!(bench.answer().sent(), "P(|SELECT 3)");
}

#[test]
fn a_chain_sees_what_was_committed_before_it_and_a_rollback_forgets() {
    let mut bench = changed();
    bench.client(query("COMMIT AND CHAIN")).server(done("COMMIT", b'T'));
    bench.server(settled("a", "public", b'T'));
    bench.sent();
    bench.told();
    assert!(bench.shelf.is_behind(), "others are told at once");
    bench.shelf.cover(bench.shelf.mark_read());
    bench.looks("SELECT 1").server(done("SELECT 1", b'T'));
    bench.client(query("ROLLBACK")).server(done("ROLLBACK", b'I'));
    bench.shelf.cover(bench.shelf.mark_read());
    bench.sent();
    assert_eq!(bench.client(query("SELECT 2")).sent(), "Q(SELECT 2)");
}

#[test]
fn nothing_overtakes_a_definition() {
    let mut bench = bench();
    bench.client([query("CREATE SCHEMA s"), query("SELECT 1")].concat());
    assert_eq!((bench.sent().as_str(), bench.step), ("Q(CREATE SCHEMA s)", Step::Hold));
    bench.server(done("CREATE SCHEMA", b'I'));
    // It was committed: everyone's catalog is behind.
    assert_eq!(bench.sent(), "");
    assert_eq!(bench.step, Step::Refresh(Refresh::Behind));
    // Within one segment that commits there is no stopping.
    let mut bench = super::bench();
    bench.client([parse("", "CREATE SCHEMA s"), bind("", ""), execute(""), parse("", "SELECT 1"), sync()].concat());
    assert!(bench.sent().ends_with(&format!("P(|{POISON}) S")));
}

#[test]
fn a_segment_is_ended_for_it_inside_a_transaction() {
    let mut bench = bench();
    bench.client(query("BEGIN")).server(done("BEGIN", b'T'));
    bench.sent();
    bench.told();
    let made = [parse("", "CREATE SCHEMA s"), bind("", ""), execute("")].concat();
    let used = [parse("", "SELECT 1"), bind("", ""), execute(""), sync()].concat();
    assert!(bench.client([made, used].concat()).sent().ends_with("B() E S"));
    bench.server([frame(b'1', b""), frame(b'2', b""), done("CREATE SCHEMA", b'T')].concat());
    assert_eq!(bench.told(), "1 2 C");
    assert!(bench.sent().starts_with(BEGIN));
    bench.server(answered("read committed", &[])).bind();
    assert_eq!(bench.sent(), "P(|SELECT 1) B() E S");
    bench.server([frame(b'1', b""), frame(b'2', b""), done("SELECT 1", b'T')].concat());
    assert_eq!(bench.told(), "1 2 C ZT");
    // After an error the server would have skipped to the client's Sync.
    let made = [parse("", "CREATE SCHEMA s"), bind("", ""), execute("")].concat();
    let used = [parse("", "SELECT 1"), bind("", ""), execute(""), sync()].concat();
    assert_eq!(bench.client([made, used].concat()).sent(), "P(|CREATE SCHEMA s) B() E S");
    bench.server([error("42P06", "exists"), ready(b'E')].concat());
    assert_eq!((bench.told().as_str(), bench.sent().as_str()), ("E(42P06 exists )", "S"));
    assert_eq!(bench.server(ready(b'E')).told(), "ZE");
}

#[test]
fn a_failing_answer_is_undone_and_the_statement_refused() {
    let mut bench = changed();
    bench.client(query("SELECT 1"));
    bench.sent();
    let failed = [completed(&[], "SAVEPOINT"), frame(b'1', b""), error("55P03", "canceling statement"), ready(b'E')];
    assert_eq!(bench.server(failed.concat()).told(), "");
    assert_eq!(bench.sent(), UNDO);
    assert_eq!(bench.step, Step::Hold);
    let undone =
        [frame(b'3', b"").repeat(2), completed(&[], "ROLLBACK"), completed(&[], "RELEASE"), ready(b'T')].concat();
    assert_eq!(bench.server(undone).told(), "");
    assert_eq!(bench.sent(), format!("Q({POISON})"));
    let report = error("42703", "column \"wherefore:0707070707070707:1\" does not exist");
    let told = bench.server([report, ready(b'E')].concat()).told();
    assert!(told.starts_with("E(57P03 the schema was changed in this transaction, and cannot be read"), "{told}");
    // The next statement has it tried again.
    bench.client(query("ROLLBACK TO x")).server(done("ROLLBACK", b'T')).server(settled("a", "public", b'T'));
    bench.sent();
    bench.told();
    assert_eq!(bench.looks("SELECT 2").sent(), "Q(SELECT 2)");
}

#[test]
fn what_cannot_be_used_refuses() {
    for (answers, fault) in [
        (answered("repeatable read", &[]), "0A000"),
        (answered("serializable", &[]), "0A000"),
        (answered("read committed", &[row(&"x".repeat(9_990)), row("y")]), "57P03"),
        // Not even read.
        (answered("read committed", &[row(&"x".repeat(100_000))]), "57P03"),
    ] {
        let mut bench = changed();
        bench.client(query("SELECT 1"));
        bench.sent();
        assert_eq!(bench.server(answers).told(), "");
        assert_eq!(bench.sent(), format!("Q({POISON})"));
        let report = error("42703", "column \"wherefore:0707070707070707:1\" does not exist");
        let told = bench.server([report, ready(b'E')].concat()).told();
        assert!(told.starts_with(&format!("E({fault} the schema was changed in this transaction")), "{told}");
    }
    let mut bench = changed();
    bench.client(query("SELECT 1")).server(answered("read committed", &[]));
    assert!(bench.session.inner_reading().is_some());
    bench.session.inner_bound(Err(Fault::Unfit));
    bench.sent();
    bench.turn();
    assert_eq!(bench.sent(), format!("Q({POISON})"));
    // While others go on changing theirs it is read a few times only.
    let mut bench = changed();
    bench.client(query("SELECT 1"));
    for _reading in 0..4 {
        assert!(bench.sent().starts_with(BEGIN));
        bench.server(answered("read committed", &[]));
        bench.shelf.mark();
        bench.shelf.cover(bench.shelf.mark_read());
        bench.bind();
    }
    assert_eq!(bench.sent(), format!("Q({POISON})"));
    // Where the server reads other characters nothing is judged by names.
    let mut bench = changed();
    bench.server(frame(b'S', b"client_encoding\0LATIN1\0"));
    assert_eq!(bench.client(query("SELECT 1")).sent(), format!("Q({POISON})"));
}

#[test]
fn the_client_sees_what_is_its_own() {
    let mut bench = changed();
    bench.client(query("SELECT 1"));
    let report = |name: &str, value: &str| frame(b'S', format!("{name}\0{value}\0").as_bytes());
    let own = [report("DateStyle", "ISO, MDY"), report("TimeZone", "UTC"), report("IntervalStyle", "iso_8601")];
    assert_eq!(bench.server([own.concat(), report("search_path", "pg_catalog, pg_temp")].concat()).told(), "");
    assert_eq!(bench.server(report("application_name", "x")).told(), "S");
    assert_eq!(bench.server(answered("read committed", &[])).told(), "");
    bench.bind();
    // Outside the questions they are the client's.
    assert_eq!(bench.server([report("DateStyle", "German"), done("SELECT 1", b'T')].concat()).told(), "S C ZT");
}
