use super::*;
use crate::wire::{error_fields, write_report};
use bytes::BytesMut;

/// `S=ERROR|C=22012|…` as a report's body.
fn body(fields: &str) -> BytesMut {
    let fields = fields.split('|').map(|field| (field.as_bytes()[0], &field.as_bytes()[2..]));
    let mut out = BytesMut::new();
    write_report(b'E', fields, &mut out);
    out.split_off(5)
}

/// What the client gets, in the same form; `=` for the report as it is.
fn told(sort: ReportSort, fields: &str, place: Place) -> String {
    let body = body(fields);
    let fields = match tell(sort, error_fields(&body).expect("a report"), place) {
        Told::AsItIs => return "=".to_owned(),
        Told::Nothing => return "nothing".to_owned(),
        Told::Instead(fields) => fields,
        Told::Withheld(withheld) => withheld.with_reference(Some("support"), "0123"),
    };
    let shown = fields.iter().map(|(code, value)| format!("{}={}", *code as char, String::from_utf8_lossy(value)));
    shown.collect::<Vec<_>>().join("|")
}

#[test]
fn what_is_told_of_an_error() {
    for (fields, place, expected) in [
        // Listed, and nothing else in it.
        ("S=ERROR|V=ERROR|C=22012|M=division by zero|F=int.c|L=840|R=int4div", Place::Nowhere, "="),
        // A value is cut out of what is known.
        (
            "S=ERROR|V=ERROR|C=22P02|M=invalid input syntax for type integer: \"SECRET\"|F=numutils.c|L=1|R=f",
            Place::Nowhere,
            "S=ERROR|V=ERROR|C=22P02|M=invalid input syntax for type integer: \"...\" (details withheld under purpose \"support\": reference 0123)|F=numutils.c|L=1|R=f",
        ),
        // The same while the client's own text is read.
        ("S=ERROR|C=22P02|M=invalid input syntax for type integer: \"SECRET\"|P=8|F=numutils.c", Place::InText, "="),
        // A position in a string of the data, or in what the proxy put in, tells nothing about the text.
        (
            "S=ERROR|C=42601|M=syntax error at or near \"SECRET\"|P=3|W=invalid type name \"a SECRET\"|F=scan.l",
            Place::InText,
            "S=ERROR|C=42601|M=syntax error (details withheld under purpose \"support\": reference 0123)|F=scan.l",
        ),
        (
            "S=ERROR|C=22007|M=invalid input syntax for type date: \"POLICY\"|P=70|F=datetime.c",
            Place::Elsewhere,
            "S=ERROR|C=22007|M=invalid input syntax for type date: \"...\" (details withheld under purpose \"support\": reference 0123)|F=datetime.c",
        ),
        // The schema is open, the key is not.
        (
            "S=ERROR|C=23505|M=duplicate key value violates unique constraint \"a_key\"|D=Key (a)=(SECRET) already exists.|s=public|t=a|n=a_key|F=nbtinsert.c",
            Place::Nowhere,
            "S=ERROR|C=23505|M=duplicate key value violates unique constraint \"a_key\"|D=Details are withheld under purpose \"support\": reference 0123.|s=public|t=a|n=a_key|F=nbtinsert.c",
        ),
        // A function raises what it likes.
        (
            "S=ERROR|V=ERROR|C=P0001|M=SECRET|D=SECRET|H=SECRET|W=PL/pgSQL function f() line 1 at RAISE|F=pl_exec.c|L=3|R=exec_stmt_raise",
            Place::Nowhere,
            "S=ERROR|V=ERROR|C=P0001|M=raise exception (details withheld under purpose \"support\": reference 0123)|F=pl_exec.c|L=3|R=exec_stmt_raise",
        ),
        (
            "S=ERROR|C=23505|M=duplicate key value violates unique constraint \"SECRET\"|t=SECRET|c=SECRET|n=SECRET|d=SECRET|s=SECRET|F=pl_exec.c",
            Place::Nowhere,
            "S=ERROR|C=23505|M=duplicate key value violates unique constraint \"...\" (details withheld under purpose \"support\": reference 0123)|F=pl_exec.c",
        ),
        // With the words of a template alone it tells nothing.
        ("S=ERROR|C=22012|M=division by zero|F=pl_exec.c", Place::Nowhere, "="),
        (
            "S=ERROR|C=22012|M=division by zero|n=SECRET|F=pl_exec.c",
            Place::Nowhere,
            "S=ERROR|C=22012|M=division by zero|F=pl_exec.c",
        ),
        // Details and hints have a list of their own.
        (
            "S=ERROR|C=40001|M=could not serialize access due to read/write dependencies among transactions|D=Reason code: Canceled on identification as a pivot, during write.|H=The transaction might succeed if retried.|F=predicate.c",
            Place::Nowhere,
            "=",
        ),
        (
            "S=ERROR|C=40P01|M=deadlock detected|D=Process 1 waits for 7.|H=See server log for query details.|F=deadlock.c",
            Place::Nowhere,
            "S=ERROR|C=40P01|M=deadlock detected|D=Details are withheld under purpose \"support\": reference 0123.|H=See server log for query details.|F=deadlock.c",
        ),
        (
            "S=FATAL|V=FATAL|C=57P01|M=terminating connection due to administrator command|F=postgres.c",
            Place::Nowhere,
            "=",
        ),
        // Fields that are not what they should be.
        (
            "S=ERROR|C=secret|M=SECRET|x=SECRET|F=a SECRET b",
            Place::Nowhere,
            "S=ERROR|M=internal error (details withheld under purpose \"support\": reference 0123)",
        ),
        (
            "S=FEHLER|V=ERROR|C=22012|M=Division durch Null|F=int.c",
            Place::Nowhere,
            "S=FEHLER|V=ERROR|C=22012|M=division by zero (details withheld under purpose \"support\": reference 0123)|F=int.c",
        ),
    ] {
        assert_eq!(told(ReportSort::Error, fields, place), expected, "{fields}");
    }
}

#[test]
fn what_is_told_of_a_notice() {
    let withheld = " (details withheld under purpose \"support\": reference 0123)";
    for (fields, expected) in [
        (
            "S=NOTICE|V=NOTICE|C=00000|M=SECRET|F=pl_exec.c",
            format!("S=NOTICE|V=NOTICE|C=00000|M=notice{withheld}|F=pl_exec.c"),
        ),
        (
            "S=WARNING|V=WARNING|C=01000|M=SECRET|F=pl_exec.c",
            format!("S=WARNING|V=WARNING|C=01000|M=warning{withheld}|F=pl_exec.c"),
        ),
        ("S=WARNING|V=WARNING|C=25P01|M=there is no transaction in progress|F=xact.c", "=".to_owned()),
        ("S=LOG|V=LOG|C=00000|M=statement: SELECT|F=postgres.c", "nothing".to_owned()),
        ("S=DEBUG1|V=DEBUG|C=00000|M=SECRET|F=x.c", "nothing".to_owned()),
    ] {
        assert_eq!(told(ReportSort::Notice, fields, Place::Nowhere), expected, "{fields}");
    }
}
