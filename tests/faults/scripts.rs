//! Sessions with something of everything. Each can be played any number of times, at the same time too.

use crate::raw::{
    Format, bind, close_portal, close_statement, describe_portal, describe_statement, execute, flush, message, parse,
    query, sync,
};
use crate::talk::{Step, whole};

/// Parse, Bind and Execute of the unnamed statement and portal.
pub fn run(sql: &str) -> Vec<u8> {
    [parse("", sql), bind("", "", &[], Format::Text), execute("", 0)].concat()
}

/// What an owner may say: everything of the protocol.
pub fn everything() -> Vec<Step> {
    let data = [message(b'd', b"1\tone\n2\ttw"), message(b'd', b"o\n"), message(b'c', b"")].concat();
    vec![
        whole(&[query("SELECT 1 AS one; SELECT 2 AS two; SELECT"), query(""), query(" ; ")]),
        whole(&[
            parse("s", "SELECT g FROM generate_series(1, 7) g"),
            describe_statement("s"),
            bind("p", "s", &[], Format::Binary),
            describe_portal("p"),
            execute("p", 3),
            execute("p", 3),
            execute("p", 0),
            close_portal("p"),
            sync(),
        ]),
        whole(&[run("SELECT 1"), run("SELECT 1 / 0"), run("SELECT 2"), sync(), run("SELECT 3"), sync()]),
        Step::until(b'C', [run("SELECT 'flushed'"), flush()].concat()),
        whole(&[sync()]),
        whole(&[query("DO $$ BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'there'; END $$")]),
        whole(&[query("CREATE TEMP TABLE c (a int, b text)")]),
        Step::until(b'G', query("COPY c FROM STDIN")),
        Step::until(b'Z', data.clone()),
        Step::until(b'G', [run("COPY c FROM STDIN"), sync()].concat()),
        Step::until(b'Z', [data.clone(), sync()].concat()),
        Step::until(b'G', query("COPY c FROM STDIN")),
        Step::until(b'Z', message(b'f', b"no more\0")),
        Step::until(b'G', query("COPY c FROM STDIN")),
        Step::until(b'Z', [message(b'd', b"x\n"), message(b'c', b"")].concat()),
        whole(&[query("COPY c TO STDOUT"), run("COPY c TO STDOUT (FORMAT binary)"), sync()]),
        whole(&[query("LISTEN here"), query("NOTIFY here, 'word'"), query("SELECT 1")]),
        whole(&[query("BEGIN"), query("SELECT nonsense"), query("SELECT 1"), query("ROLLBACK")]),
        whole(&[
            query("SET application_name = 'another'; SET search_path = other"),
            query("SELECT count(*) FROM items"),
        ]),
        whole(&[bind("", "s", &[], Format::Text), execute("", 2), close_statement("s"), sync(), query("EXECUTE s")]),
    ]
}

/// What an application says whose statements are judged: masks, refusals, another purpose.
pub fn judged() -> Vec<Step> {
    const MAIL: &str = "SELECT id, email FROM people WHERE id < 4 ORDER BY id";
    const NOTE: &str = "SELECT note FROM people WHERE id = 1";
    vec![
        whole(&[query(MAIL), query(NOTE), query("SELECT count(*) FROM items")]),
        whole(&[
            parse("s", "SELECT id, email FROM people WHERE id = $1"),
            describe_statement("s"),
            bind("p", "s", &["7"], Format::Text),
            execute("p", 0),
            sync(),
        ]),
        whole(&[run(MAIL), run(NOTE), run(MAIL), sync(), run(NOTE), sync(), run(MAIL), sync()]),
        whole(&[
            query("SET wherefore.purpose = 'service'"),
            query(NOTE),
            query("RESET wherefore.purpose"),
            query(NOTE),
        ]),
        whole(&[query("SELECT note FROM people WHERE id = 2 /*purpose='service'*/"), query(MAIL)]),
        whole(&[query("BEGIN"), query(NOTE), query(MAIL), query("ROLLBACK"), query("SHOW wherefore.purpose")]),
        whole(&[query("BEGIN"), query("DECLARE c CURSOR FOR SELECT id, email FROM people ORDER BY id")]),
        whole(&[query("FETCH 3 FROM c"), query("MOVE c"), query("CLOSE c"), query("COMMIT")]),
        whole(&[query("EXPLAIN (WHEREFORE) SELECT note FROM people"), query("SELECT 1 / 0; SELECT 2")]),
        Step::until(b'C', [run(MAIL), flush()].concat()),
        whole(&[run("SELECT nonsense FROM people"), sync()]),
        whole(&[bind("", "s", &["8"], Format::Text), execute("", 0), close_statement("s"), sync()]),
        whole(&[query("COPY (SELECT id, email FROM people WHERE id < 3) TO STDOUT"), query("COPY people TO STDOUT")]),
    ]
}

/// A short one, for what is tried at each of its bytes.
pub fn short() -> Vec<Step> {
    vec![
        whole(&[query("SELECT id, email FROM people WHERE id = 3"), run("SELECT note FROM people"), sync()]),
        whole(&[run("SELECT label FROM items WHERE id = 1"), sync(), query("SELECT nonsense")]),
    ]
}
