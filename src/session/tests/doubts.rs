//! Where the session cannot know: wrong declarations, texts that cannot be read, catalogs and policies that changed, and
//! servers that owe too much.

use super::*;

/// The server's answer to the first poison statement of a session, sent as a Query.
fn poisoned() -> Vec<u8> {
    [error("42703", "column \"wherefore:0707070707070707:1\" does not exist"), ready(b'I')].concat()
}

#[test]
fn a_wrong_declaration_is_refused_under_every_purpose() {
    for (text, code) in [
        (&b"/*purpose='a'*/ SELECT 1 /*purpose='b'*/"[..], "42601"),
        (b"SELECT /*purpose='a'*/ 1", "42601"),
        (b"SELECT 1; SELECT /*purpose='a'*/ 2", "42601"),
        (b"SELECT 1 /*purpose='nonsense'*/", "22023"),
        // What cannot be read declares all the same.
        (b"SELEKT 1 /*purpose='a'*/", "42601"),
        (b"SELEKT 1 /*purpose='a'*/ /*purpose='a'*/", "42601"),
        (b"SELECT 1; SELEKT /*purpose='a'*/ 1; SELECT 1", "42601"),
        (b"SELECT '\xe4' /*purpose='a'*/", "22021"),
    ] {
        for purpose in ["a", "b", "free"] {
            let (mut bench, shown) = (bench_under(purpose), String::from_utf8_lossy(text));
            bench.client(frame(b'Q', &[text, b"\0"].concat()));
            assert_eq!(bench.sent(), format!("Q({POISON})"), "{purpose}: {shown}");
            assert!(bench.server(poisoned()).told().starts_with(&format!("E({code}")), "{purpose}: {shown}");
            bench.client(frame(b'P', &[b"\0", text, b"\0\0\0"].concat()));
            assert!(bench.sent().starts_with("P(|SELECT \"wherefore:"), "{purpose}: {shown}");
        }
    }
}

#[test]
fn what_cannot_be_read_may_have_done_anything() {
    for text in [&b"SELEKT 1\0"[..], b"SELECT '\xe4'\0", b"SELEKT 1 /*purpose='free'*/\0"] {
        let parse = frame(b'P', &[b"\0", text, b"\0\0"].concat());
        let answers = [frame(b'1', b""), frame(b'2', b""), frame(b'C', b"SELECT 1\0"), ready(b'I')].concat();
        for (message, answers) in [
            (frame(b'Q', text), [frame(b'C', b"SELECT 1\0"), ready(b'I')].concat()),
            ([parse, bind("", ""), execute(""), sync()].concat(), answers),
        ] {
            let (mut bench, shown) = (bench_under("free"), String::from_utf8_lossy(text));
            bench.client(&message);
            assert!(bench.to_server == message, "it passes as it is: {shown}");
            bench.sent();
            bench.server(answers);
            assert_eq!(bench.sent(), SETTLE, "{shown}");
            assert!(bench.shelf.is_behind(), "{shown}");
            // It may have set the purpose, too.
            bench.server(settled("b", "public", b'I'));
            bench.told();
            bench.session.refreshed(Refreshed::Done);
            assert!(bench.client(query("SELECT mask")).sent().contains(POISON), "{shown}");
            assert!(bench.server(poisoned()).told().starts_with("E(25001"), "{shown}");
        }
    }
}

#[test]
fn a_statement_with_a_comment_is_judged_once() {
    for (text, sent, times) in [
        ("SELECT mask /*purpose='b',traceparent='00-x'*/", "Q(SELECT masked_b)", 1),
        ("/*purpose='b'*/ SELECT mask", "Q(SELECT masked_b)", 1),
        ("/* on purpose */ SELECT mask", "Q(SELECT masked_a)", 1),
        // Where it is none after all, or means nothing.
        ("SELECT mask -- /*purpose='b'*/", "Q(SELECT masked_a)", 2),
        ("BEGIN /*purpose='b'*/", "Q(BEGIN /*purpose='b'*/)", 2),
        ("SELECT mask; SELECT 1 /*purpose='b'*/", "Q(SELECT masked_a;SELECT \"wherefore:0707070707070707:1\")", 4),
    ] {
        let mut bench = bench();
        assert!(bench.client(query(text)).sent().ends_with(sent), "{text}");
        assert_eq!(bench.words.judged.load(Ordering::Relaxed), times, "{text}");
    }
}

#[test]
fn statements_that_cannot_be_told_apart_are_refused() {
    let mut bench = bench();
    assert_eq!(bench.client(query("SELECT 'ü'; misspanned")).sent(), format!("Q({POISON})"));
    assert!(bench.server(poisoned()).told().starts_with("E(0A000"));
}

#[test]
fn a_message_that_waits_for_the_catalog_is_counted_once() {
    let mut bench = bench();
    bench.client(query("SELECT 1; SELECT nosuch"));
    assert_eq!((bench.sent().as_str(), bench.step), ("", Step::Refresh(Refresh::UnknownName)));
    bench.session.refreshed(Refreshed::Done);
    bench.turn();
    assert_eq!(bench.sent(), format!("Q(SELECT 1;{POISON})"));
    let counts = [&bench.counts.permitted, &bench.counts.refused].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counts, [1, 1]);
}

#[test]
fn what_a_held_message_does_is_recorded_once() {
    for (text, sent, [refused, looked_up, chosen]) in [
        ("SET wherefore.customer = 5; SELECT nosuch", "Q(SET wherefore.customer = 5;POISON)", [1, 0, 1]),
        ("SET wherefore.justification = 'x'; SELECT nosuch", "Q(SET wherefore.justification = 'x';POISON)", [1, 0, 1]),
        ("SELECT mask, find; SELECT nosuch", "Q(SELECT masked_a;POISON)", [1, 1, 0]),
        ("SELECT mask, find; SELECT mask, find; SELECT 1", "Q(SELECT masked_a;POISON)", [1, 1, 0]),
    ] {
        let mut bench = bench();
        bench.counts.look_ups.store(1, Ordering::Relaxed);
        if bench.client(query(text)).step == Step::Refresh(Refresh::UnknownName) {
            assert_eq!(bench.sent(), "", "{text}");
            bench.session.refreshed(Refreshed::Done);
            bench.turn();
        }
        assert_eq!(bench.sent(), sent.replace("POISON", POISON), "{text}");
        let counts = &bench.counts;
        let counted = [&counts.refused, &counts.looked_up, &counts.chosen].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counted, [refused, looked_up, chosen], "{text}");
    }
}

#[test]
fn what_is_bound_is_recorded_once() {
    for (text, sent, [refused, chosen]) in [
        ("SELECT mask, find", "P(|SELECT masked_a) B(|wherefore:0707070707070707:1) E S", [1, 0]),
        ("SET wherefore.customer = 5", "P(|SET wherefore.customer = 5) B() E S", [0, 1]),
        ("SET wherefore.justification = 'x'", "P(|SET wherefore.justification = 'x') B() E S", [0, 1]),
    ] {
        let mut bench = bench();
        bench.client([parse("", text), bind("", ""), execute(""), sync()].concat());
        assert_eq!(bench.sent(), sent, "{text}");
        let counted = [&bench.counts.refused, &bench.counts.chosen].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counted, [refused, chosen], "{text}");
    }
}

#[test]
fn what_may_change_the_catalog_without_saying_so_marks_it() {
    for (text, tag, marks) in [
        ("SELECT 1", "SELECT 1", false),
        ("EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1", "EXPLAIN", true),
        ("DO 'BEGIN END'", "DO", true),
        ("CREATE TABLE t ()", "CREATE TABLE", true),
    ] {
        let complete = [frame(b'C', format!("{tag}\0").as_bytes()), ready(b'I')].concat();
        let mut bench = bench_under("free");
        bench.client(query(text)).server(&complete);
        assert_eq!(bench.shelf.is_behind(), marks, "{text}");
        let mut bench = bench_under("free");
        bench.client([parse("", text), bind("", ""), execute(""), sync()].concat());
        bench.server([frame(b'1', b""), frame(b'2', b""), complete].concat());
        assert_eq!(bench.shelf.is_behind(), marks, "{text}, extended");
    }
}

#[test]
fn what_the_server_owes_is_bounded() {
    // Refusals in one segment: the server says nothing after the first error, and skips the rest.
    let mut bench = bench_under("b");
    bench.client(parse("", "SELECT secret").repeat(30));
    let sent = bench.sent();
    assert_eq!((sent.matches("P(").count(), bench.step), (10, Step::Hold), "each holds a place and a refusal");
    assert!(sent.ends_with(" H"), "{sent}");
    bench.turn();
    assert_eq!(bench.sent(), "", "asked once");
    let report = error("42703", "column \"wherefore:0707070707070707:1\" does not exist");
    bench.server(report);
    assert_eq!((bench.told().as_str(), bench.sent().as_str(), bench.step), ("E(42501 secret 8)", "", Step::More(1)));
    bench.client([parse("", "SELECT 1"), bind("", ""), execute("nothing"), sync(), query("SELECT 1")].concat());
    assert_eq!((bench.sent().as_str(), bench.step), ("S", Step::Hold));
    assert_eq!(bench.server(ready(b'I')).told(), "ZI");
    assert_eq!(bench.sent(), "Q(SELECT 1)");
    // What is permitted goes on when it is answered.
    let mut bench = bench_under("a");
    bench.client([parse("", "SELECT 1"), bind("", "").repeat(25), sync()].concat());
    assert_eq!((bench.sent(), bench.step), (format!("P(|SELECT 1) {}H", "B() ".repeat(19)), Step::Hold));
    bench.server(frame(b'1', b""));
    assert_eq!((bench.sent().as_str(), bench.step), ("B() H", Step::Hold));
    bench.server(frame(b'2', b"").repeat(20));
    assert_eq!((bench.sent().as_str(), bench.step), ("B() B() B() B() B() S", Step::More(1)));
    // Segments, in either protocol, and a COPY's end that nobody asked for.
    for message in [sync(), query("SELECT 1"), frame(b'c', b"")] {
        let mut bench = bench_under("free");
        bench.client(query("SELECT 1")).client(message.repeat(30));
        assert_eq!(bench.step, Step::Hold);
        assert_eq!(
            bench.sent().split(' ').filter(|word| !word.is_empty()).count(),
            if message[0] == b'Q' { 40 } else { 21 }
        );
        bench.server(ready(b'I'));
        assert!(!bench.sent().is_empty());
    }
    // Texts that nothing else counts.
    let mut bench = bench_under("a");
    bench.client(parse("", &format!("SELECT '{}'", "x".repeat(600))).repeat(3));
    assert_eq!((bench.step, bench.sent().matches("P(").count()), (Step::Hold, 2));
}

#[test]
fn a_policy_that_does_not_fit_closes_restricted_purposes() {
    for (statement, code) in [("SELECT 1 /*purpose='a'*/", "57P03"), ("SET wherefore.purpose = 'a'", "57P03")] {
        let mut bench = bench_under("free");
        bench.shelf.put(bound(PACK), Fit::Unfit);
        assert!(bench.client(query(statement)).sent().contains(POISON), "{statement}");
        assert!(bench.server(poisoned()).told().starts_with(&format!("E({code}")), "{statement}");
        assert_eq!(bench.client(query("SELECT 1")).sent(), "Q(SELECT 1)", "under the one that needs no policy");
    }
    let mut bench = bench();
    bench.client([parse("s", "SELECT 1"), sync()].concat()).server([frame(b'1', b""), ready(b'I')].concat());
    bench.shelf.put(bound(PACK), Fit::Unfit);
    bench.client([bind("", "s"), sync()].concat());
    assert!(bench.sent().contains("B(|wherefore:"));
}

#[test]
fn another_policy_ends_the_session() {
    let mut bench = bench();
    bench.shelf.put(bound(&PACK.replace("[purpose.a]", "[purpose.first]\n[purpose.a]")), Fit::Fits);
    bench.client(query("SELECT 1"));
    assert_eq!((bench.sent().as_str(), bench.step), ("", Step::Fatal));
    assert!(bench.told().starts_with("E(57P01"));
}

#[test]
fn nothing_is_judged_on_a_catalog_that_is_known_to_be_old() {
    let mut bench = bench();
    bench.client([parse("s", "SELECT 1"), sync()].concat());
    bench.server([frame(b'1', b""), ready(b'I')].concat());
    bench.sent();
    bench.told();
    bench.shelf.mark();
    let report =
        |number: u32| error("42703", &format!("column \"wherefore:0707070707070707:{number}\" does not exist"));
    for (number, message) in [(1, query("SELECT 1")), (2, [bind("", "s"), sync()].concat())] {
        bench.client(message);
        assert_eq!((bench.sent().as_str(), bench.step), ("", Step::Refresh(Refresh::Behind)));
        bench.session.refreshed(Refreshed::Failed);
        bench.turn();
        assert!(bench.sent().contains("wherefore:0707070707070707:"));
        assert!(bench.server([report(number), ready(b'I')].concat()).told().starts_with("E(57P03"));
    }
    // Another change meanwhile is the next statement's business.
    bench.client(query("SELECT 1"));
    bench.session.refreshed(Refreshed::Done);
    bench.turn();
    assert_eq!(bench.sent(), "Q(SELECT 1)");
}

#[test]
fn bounds_have_their_errors() {
    let mut bench = bench();
    let long = format!("SELECT '{}'", "x".repeat(1000));
    assert_eq!(bench.client(query(&long)).sent(), format!("Q({POISON})"));
    let report = error("42703", "column \"wherefore:0707070707070707:1\" does not exist");
    assert!(bench.server([report, ready(b'I')].concat()).told().contains("E(54000"));
    for name in ["p", "q", "r", "s"] {
        bench.client(parse(name, "SELECT 1"));
    }
    assert!(bench.sent().ends_with("P(s|SELECT \"wherefore:0707070707070707:2\")"));
    assert!(bench.client(parse("wherefore_1", "SELECT 1")).sent().contains("wherefore:0707070707070707:3"));
}

#[test]
fn a_change_behind_the_proxy_ends_the_session() {
    let mut bench = bench();
    bench.client(query("SET search_path = x"));
    bench.server([frame(b'C', b"SET\0"), ready(b'I')].concat());
    let bytes = settled("nonsense", "x", b'I');
    let (mut server, mut client) = (Sink::default(), Sink::default());
    let (_, answer) = bench.session.server(&bytes, &mut client, &mut server);
    assert_eq!(answer, Answer::Fatal);
}
