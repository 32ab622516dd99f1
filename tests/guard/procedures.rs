//! `CALL`: a procedure can do what it likes, so the policy lists it and says what it reads; then it does what Postgres does.

use super::{clients_on, rows, run};

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, email text);
    CREATE TABLE jobs (id int PRIMARY KEY, label text, done int DEFAULT 0);
    INSERT INTO people VALUES (1, 'Ada', 'ada@example.org');
    INSERT INTO jobs (id, label) VALUES (1, 'a'), (2, 'b');
    CREATE PROCEDURE finish(number int, INOUT label text DEFAULT NULL) LANGUAGE plpgsql AS $$ BEGIN
        UPDATE jobs SET done = done + 1 WHERE id = number RETURNING jobs.label INTO finish.label; END $$;
    CREATE PROCEDURE in_steps() LANGUAGE plpgsql AS $$ BEGIN
        FOR number IN 1..2 LOOP UPDATE jobs SET done = 7 WHERE id = number; COMMIT; END LOOP; END $$;
    CREATE PROCEDURE grows() LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE grown AS SELECT email FROM people; END $$;
    CREATE PROCEDURE mails(INOUT email text) LANGUAGE plpgsql AS $$ BEGIN
        SELECT p.email INTO mails.email FROM people p LIMIT 1; END $$;
    CREATE PROCEDURE names(INOUT name text) LANGUAGE plpgsql AS $$ BEGIN
        SELECT p.name INTO names.name FROM people p LIMIT 1; END $$;
    CREATE PROCEDURE unlisted() LANGUAGE sql AS 'SELECT 1';
    CREATE PROCEDURE twice(int) LANGUAGE sql AS 'SELECT 1';
    CREATE PROCEDURE twice(text) LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION reads_mail(int) RETURNS int LANGUAGE sql AS 'SELECT length(email) FROM public.people WHERE id = $1';
";

const PACK: &str = r#"
    [pack]
    name     = "procedures"
    document = "A document"
    dated    = 2026-01-01
    [clause.c1]
    words = "We use names for our service, and e-mail addresses for nothing."
    [category.plain]
    [category.contact]
    [subject.person]
    [purpose.service]
    [[rule]]
    id       = "plain"
    clause   = "c1"
    category = "plain"
    purpose  = "service"
    rights   = ["read", "insert", "update"]
    effect   = "allow"
    [role.tester]
    purposes = ["service"]
    [table."public.people"]
    subject       = "person"
    default       = "plain"
    columns.email = "contact"
    [table."public.jobs"]
    subject = "person"
    default = "plain"
    [function."public.finish"]
    reads = ["public.jobs"]
    [function."public.in_steps()"]
    reads = []
    [function."public.grows"]
    reads = []
    [function."public.mails"]
    reads = ["public.people.email"]
    [function."public.names"]
    reads = ["public.people.name"]
    [function."public.twice(integer)"]
    reads = []
"#;

#[test]
fn a_listed_procedure_does_what_postgres_does() {
    run(async {
        let (proxied, direct, _proxy) = clients_on("procedures_same", SCHEMA, "service", PACK).await;
        for sql in [
            "CALL finish(1)",
            "CALL finish(number => 2, label => NULL)",
            "CALL public.finish((SELECT max(id) FROM jobs))",
            "CALL names(NULL)",
            "CALL in_steps()",
            "CALL finish(1, 2, 3)",
            "CALL nowhere()",
            "CALL reads_mail(1)",
            "CALL finish('x')",
        ] {
            let through = rows(&proxied, sql).await;
            rows(&direct, "UPDATE jobs SET done = 0").await.expect("undone");
            let code = |error: String| error.split(':').next().map(str::to_owned);
            assert_eq!(through.map_err(code), rows(&direct, sql).await.map_err(code), "{sql}");
        }
        let label: Option<String> = proxied.query_one("CALL finish($1, NULL)", &[&2]).await.expect("a call").get(0);
        assert_eq!(label.as_deref(), Some("b"));
        let done = rows(&direct, "SELECT done FROM jobs ORDER BY id").await.expect("jobs");
        assert_eq!(done, [[Some("0".to_owned())], [Some("1".to_owned())]], "the calls ran");
    });
}

#[test]
fn what_a_procedure_reads_is_read() {
    run(async {
        let (proxied, _direct, _proxy) = clients_on("procedures_closed", SCHEMA, "service", PACK).await;
        for (sql, code, said) in [
            ("CALL mails(NULL)", "42501", "public.people.email"),
            ("CALL finish((SELECT length(email) FROM people))", "42501", "email"),
            ("CALL finish(reads_mail(1))", "42501", "email"),
            ("CALL unlisted()", "0A000", "[function.\"public.unlisted\"]"),
            // Which of the two is meant the server decides.
            ("CALL twice(1)", "0A000", "public.twice"),
            ("EXPLAIN ANALYZE CALL finish(1)", "42601", "syntax"),
            ("PREPARE p AS CALL finish(1)", "42601", "syntax"),
            ("DO $$ BEGIN CALL finish(1); END $$", "0A000", "DO"),
        ] {
            let Err(error) = rows(&proxied, sql).await else { panic!("{sql} was answered") };
            assert!(error.starts_with(code) && error.contains(said), "{sql}: {error}");
            assert!(!error.contains("ada@"), "{sql}: {error}");
        }
    });
}

#[test]
fn what_a_procedure_defines_is_known_to_the_next_statement() {
    run(async {
        let (proxied, _direct, _proxy) = clients_on("procedures_define", SCHEMA, "service", PACK).await;
        rows(&proxied, "CALL grows()").await.expect("a call");
        let error = rows(&proxied, "SELECT email FROM grown").await.expect_err("untagged");
        assert!(error.starts_with("42501"), "{error}");
    });
}
