//! What takes too long, and what is kept.

use super::super::Doing;
use super::*;

#[test]
fn what_the_proxy_cancels_is_told_as_a_timeout() {
    const USER: &str = "canceling statement due to user request";
    for (by_proxy, code, expected) in [
        (true, "57014", "E(57014 canceling statement due to statement timeout ) ZI"),
        (false, "57014", "E(57014 canceling statement due to user request ) ZI"),
        (true, "40001", "E(40001 canceling statement due to user request ) ZI"),
    ] {
        let mut bench = bench();
        bench.client(query("SELECT 1"));
        if by_proxy {
            bench.session.cancelled();
        }
        assert_eq!(bench.server([error(code, USER), ready(b'I')].concat()).told(), expected);
        // Once: what comes later is another's.
        bench.client(query("SELECT 1"));
        assert!(bench.server([error("57014", USER), ready(b'I')].concat()).told().contains(USER));
    }
}

#[test]
fn what_a_session_does_changes_with_everything_completed() {
    let mut bench = bench();
    let (first, start) = bench.session.doing();
    assert_eq!(first, Doing::Idle);
    bench.client([query("SELECT 1"), query("SELECT 2")].concat());
    assert_eq!(bench.session.doing(), (Doing::Statement, start));
    bench.server([frame(b'C', b"SELECT 1\0"), ready(b'I')].concat());
    let (second, later) = bench.session.doing();
    assert!(second == Doing::Statement && later > start);
    bench.server([frame(b'C', b"SELECT 1\0"), ready(b'I')].concat());
    let (idle, again) = bench.session.doing();
    assert!(idle == Doing::Idle && again > later);
}

#[test]
fn portals_keep_so_many_bytes_of_statements_that_change_the_session() {
    let mut bench = bench();
    let text = format!("SET application_name = '{}'", "x".repeat(400));
    bench.client([parse("s", &text), sync()].concat());
    bench.server([frame(b'1', b""), ready(b'I')].concat()).sent();
    for (portal, expected) in [("p", "B(p|s)"), ("q", "B(q|s)"), ("r", "B(|wherefore:0707070707070707:1)")] {
        bench.client([bind(portal, "s"), frame(b'H', b"")].concat());
        assert_eq!(bench.sent(), format!("{expected} H"), "{portal}");
        bench.server(frame(b'2', b""));
    }
}
