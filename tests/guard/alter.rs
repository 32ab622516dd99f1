//! What may be altered, renamed, attached, and what types may be made and changed.

use super::{clients_on, rows, run};
use crate::common::At;

const SCHEMA: &str = "
    CREATE TYPE mood AS ENUM ('low', 'high');
    CREATE DOMAIN word AS text;
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, secret text, age int, mood mood, nick word,
                         consent boolean NOT NULL, score int);
    INSERT INTO people SELECT i, 'name ' || i, 'mail ' || i, 'SECRET-' || i, i, 'low', 'nick', true, i FROM generate_series(1, 6) i;
    INSERT INTO people SELECT i, 'name ' || i, 'mail ' || i, 'SECRET-' || i, i, 'high', 'nick', false, i FROM generate_series(7, 12) i;
    CREATE TABLE open (id int PRIMARY KEY, label text, parent_id int, amount int, at date, mood mood);
    INSERT INTO open VALUES (1, 'a', 1, 1, '2026-01-01', 'low'), (2, 'b', 1, 2, '2026-01-02', 'high');
    CREATE TABLE vault (id int, word text);
    INSERT INTO vault VALUES (1, 'SECRET');
    CREATE TABLE spare (id int, word text);
    CREATE TABLE mixed (id int PRIMARY KEY, shown text, mail text, consent boolean NOT NULL);
    INSERT INTO mixed VALUES (1, 'x', 'y', true), (2, 'SECRET', 'z', false);
    CREATE TABLE consents (person_id int, given boolean);
    INSERT INTO consents VALUES (1, true);
    CREATE TABLE held (id int PRIMARY KEY, note text);
    INSERT INTO held SELECT i, 'SECRET ' || i FROM generate_series(1, 3) i;
    CREATE TABLE owners (id int PRIMARY KEY, consent boolean NOT NULL);
    INSERT INTO owners VALUES (1, false);
    CREATE TABLE owned (id int PRIMARY KEY, owner_id int NOT NULL, note text);
    INSERT INTO owned VALUES (1, 1, 'SECRET');
    CREATE TABLE visits (id int PRIMARY KEY, person_id int, minutes int NOT NULL);
    INSERT INTO visits SELECT i, i % 2, i FROM generate_series(1, 20) i;
    CREATE TABLE events (id int NOT NULL, at date NOT NULL, kind text) PARTITION BY RANGE (at);
    CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE TABLE events_rest PARTITION OF events DEFAULT;
    INSERT INTO events VALUES (1, '2026-05-05', 'a'), (2, '2031-05-05', 'b');
    CREATE TABLE loose (id int NOT NULL, at date NOT NULL, kind text);
    CREATE TABLE numbered (id serial PRIMARY KEY, label text);
    CREATE VIEW names AS SELECT id, name FROM people;
    CREATE SCHEMA apart;
    CREATE FUNCTION told(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
    CREATE FUNCTION of_mood(mood) RETURNS int LANGUAGE sql RETURN 1;
    CREATE TABLE things (a int);
    CREATE VIEW counted AS SELECT count(*) AS n FROM spare;
    CREATE TABLE holders (id int, held things, seen counted);
    CREATE TABLE parent (id int PRIMARY KEY, word text);
    CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent);
    CREATE FUNCTION of_parent() RETURNS text LANGUAGE sql RETURN (SELECT max(word) FROM parent);
    CREATE TABLE called (id int, n int, CHECK (told(n) > 0));
    CREATE TABLE watched (id int, nick text, team int);
    CREATE TABLE teams (id int, open boolean);
    CREATE TABLE logged (id int, word text);
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER noted AFTER UPDATE OF nick ON watched FOR EACH ROW EXECUTE FUNCTION noted();
    CREATE POLICY of_team ON watched AS RESTRICTIVE USING (EXISTS (SELECT FROM teams t WHERE t.id = team AND t.open));
    CREATE RULE noted AS ON INSERT TO owners DO ALSO INSERT INTO vault SELECT id, word FROM logged;
";

const PACK: &str = r#"
    [pack]
    name = "alterations"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [category.contact]
    [category.secret]
    [category.counted]
    [purpose.builder]
    ddl = true
    # Sees all but secrets.
    [purpose.migration]
    ddl = true
    [purpose.filtered]
    parent = "builder"
    [purpose.reader]
    [purpose.statistics]
    [purpose.admin]
    unrestricted = true
    [clause."W-1"]
    section = "1"
    words = "Only if you have agreed."
    [[rule]]
    id = "builds"
    clause = "W-1"
    category = ["plain", "contact", "secret", "counted"]
    purpose = "builder"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "migrates"
    clause = "W-1"
    category = ["plain", "contact"]
    purpose = "migration"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "agreed"
    clause = "W-1"
    category = ["plain", "contact", "secret"]
    purpose = "filtered"
    where = ["consent.use"]
    effect = "allow"
    [[rule]]
    id = "reads"
    clause = "W-1"
    category = "plain"
    purpose = "reader"
    effect = "allow"
    [[rule]]
    id = "reads-addresses"
    clause = "W-1"
    category = "contact"
    purpose = "reader"
    where = ["consent.use"]
    effect = "allow"
    [[rule]]
    id = "counts"
    clause = "W-1"
    category = "counted"
    purpose = "statistics"
    effect = { aggregate = { min_subjects = 5 } }
    [table."public.people"]
    subject = "person"
    default = "plain"
    consent.use = "consent"
    columns.email = "contact"
    columns.secret = "secret"
    [table."public.open"]
    default = "plain"
    consent.use = "true"
    # Not there yet.
    columns.status = "plain"
    columns.person_id = "plain"
    columns.title = "plain"
    columns.role = "plain"
    # Not there yet.
    [table."public.planned"]
    default = "plain"
    consent.use = "true"
    columns.mail = "contact"
    [table."public.vault"]
    subject = "person"
    default = "secret"
    [table."public.spare"]
    default = "secret"
    # Rows are hidden from readers for the sake of one column.
    [table."public.mixed"]
    subject = "person"
    default = "plain"
    consent.use = "consent"
    columns.mail = "contact"
    [table."public.consents"]
    default = "plain"
    [table."public.held"]
    subject = "person"
    default = "contact"
    consent.use = "EXISTS (SELECT FROM public.consents c WHERE c.person_id = id AND c.given)"
    [table."public.owners"]
    subject = "person"
    default = "contact"
    consent.use = "consent"
    [table."public.owned"]
    subject = "person"
    default = "contact"
    follows = ["owner_id -> public.owners"]
    [table."public.visits"]
    subject = "person"
    subject_key = "person_id"
    default = "counted"
    [table."public.events"]
    default = "plain"
    consent.use = "true"
    [table."public.loose"]
    default = "plain"
    consent.use = "true"
    [table."public.numbered"]
    default = "plain"
    consent.use = "true"
    [table."public.called"]
    default = "plain"
    [table."public.watched"]
    default = "plain"
    [table."public.teams"]
    default = "plain"
    [table."public.logged"]
    default = "plain"
    [role.tester]
    purposes = ["builder", "migration", "filtered", "reader", "statistics"]
    [role.keeper]
    purposes = ["admin"]
    default = "admin"
"#;

/// The first column of what a statement answers, or the beginning of its error.
async fn answer(client: &tokio_postgres::Client, sql: &str) -> String {
    match rows(client, sql).await {
        Ok(rows) => rows.iter().map(|row| row[0].clone().unwrap_or_default()).collect::<Vec<_>>().join(","),
        Err(error) => error,
    }
}

/// Sends statements one after the other; each must be answered with nothing but its tag, or by an error that says this.
async fn all(client: &tokio_postgres::Client, expected: &str, statements: &[&str]) {
    let mut wrong = Vec::new();
    for sql in statements {
        let said = answer(client, sql).await;
        let as_expected = if expected.is_empty() { said.is_empty() } else { said.contains(expected) };
        if !as_expected {
            wrong.push(format!("{sql}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What Alembic, Django, Prisma, Rails, Flyway's users and pg_dump send.
#[test]
fn migrations_run() {
    run(async {
        let (builder, direct, _proxy) = clients_on("alter_migrations", SCHEMA, "migration", PACK).await;
        let statements = [
            // Alembic
            "ALTER TABLE open ADD COLUMN nickname VARCHAR(50)",
            "ALTER TABLE open ADD COLUMN flag BOOLEAN DEFAULT false NOT NULL",
            "ALTER TABLE people ADD COLUMN seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL",
            "ALTER TABLE open ALTER COLUMN label TYPE VARCHAR(200)",
            "ALTER TABLE open ALTER COLUMN label SET NOT NULL",
            "ALTER TABLE open ALTER COLUMN nickname SET DEFAULT 'none'",
            "ALTER TABLE open ALTER COLUMN nickname DROP DEFAULT",
            "ALTER TABLE open RENAME nickname TO handle",
            "ALTER TABLE open ADD CONSTRAINT uq_open_label UNIQUE (label)",
            "ALTER TABLE open ADD CONSTRAINT fk_open_parent FOREIGN KEY(parent_id) REFERENCES open (id) ON DELETE SET NULL",
            "ALTER TABLE open DROP CONSTRAINT uq_open_label",
            "ALTER TABLE open DROP COLUMN handle",
            "CREATE TYPE status AS ENUM ('new', 'done')",
            "ALTER TABLE open ADD COLUMN status status",
            "ALTER TYPE status ADD VALUE 'late' AFTER 'new'",
            "ALTER TABLE open ALTER COLUMN status TYPE text USING status::text",
            "DROP TYPE status",
            // Django
            "ALTER TABLE \"open\" ADD COLUMN \"count\" integer DEFAULT 0 NOT NULL CHECK (\"count\" >= 0)",
            "ALTER TABLE \"open\" ALTER COLUMN \"count\" DROP DEFAULT",
            "ALTER TABLE \"open\" ADD COLUMN \"person_id\" integer NULL CONSTRAINT \"open_person_fk\" REFERENCES \"open\"(\"id\") DEFERRABLE INITIALLY DEFERRED; SET CONSTRAINTS \"open_person_fk\" IMMEDIATE",
            "ALTER TABLE \"open\" ADD CONSTRAINT \"open_amount_check\" CHECK ((\"amount\" IS NULL OR \"amount\" > 0))",
            "ALTER TABLE \"open\" ALTER COLUMN \"amount\" TYPE bigint USING \"amount\"::bigint",
            "ALTER TABLE \"open\" RENAME COLUMN \"count\" TO \"total\"",
            "ALTER TABLE \"open\" RENAME TO \"planned\"",
            "ALTER TABLE \"planned\" RENAME TO \"open\"",
            "ALTER TABLE \"open\" DROP COLUMN \"total\" CASCADE",
            "ALTER TABLE \"open\" DROP CONSTRAINT \"open_person_fk\"",
            "ALTER TABLE \"loose\" ALTER COLUMN \"id\" ADD GENERATED BY DEFAULT AS IDENTITY",
            "ALTER SEQUENCE IF EXISTS \"numbered_id_seq\" OWNED BY \"numbered\".\"id\"",
            // Prisma
            "ALTER TABLE \"open\" ADD COLUMN     \"title\" TEXT NOT NULL DEFAULT '', ADD COLUMN \"more\" JSONB, DROP COLUMN \"status\"",
            "ALTER TABLE \"open\" ADD CONSTRAINT \"open_owner_fkey\" FOREIGN KEY (\"person_id\") REFERENCES \"open\"(\"id\") ON DELETE SET NULL ON UPDATE CASCADE",
            "ALTER TABLE \"open\" DROP CONSTRAINT \"open_pkey\" CASCADE, ADD CONSTRAINT \"open_pkey\" PRIMARY KEY (\"id\")",
            "ALTER TABLE \"open\" ALTER COLUMN \"title\" DROP NOT NULL, ALTER COLUMN \"title\" SET DATA TYPE VARCHAR(30)",
            "CREATE TYPE \"Role\" AS ENUM ('USER', 'ADMIN')",
            "CREATE TYPE \"Role_new\" AS ENUM ('USER', 'OWNER')",
            "ALTER TABLE \"open\" ADD COLUMN \"role\" \"Role\" NOT NULL DEFAULT 'USER'",
            "ALTER TABLE \"open\" ALTER COLUMN \"role\" DROP DEFAULT",
            "ALTER TABLE \"open\" ALTER COLUMN \"role\" TYPE \"Role_new\" USING (\"role\"::text::\"Role_new\")",
            "ALTER TYPE \"Role\" RENAME TO \"Role_old\"",
            "ALTER TYPE \"Role_new\" RENAME TO \"Role\"",
            "DROP TYPE \"Role_old\"",
            "ALTER TABLE \"open\" ALTER COLUMN \"role\" SET DEFAULT 'OWNER'::\"Role\"",
            "ALTER TABLE \"open\" DROP COLUMN \"role\"",
            "DROP TYPE \"Role\"",
            // Rails
            "ALTER TABLE \"open\" ADD \"created_at\" timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP",
            "ALTER TABLE \"open\" ADD CONSTRAINT \"fk_rails_1\" FOREIGN KEY (\"parent_id\") REFERENCES \"open\" (\"id\") NOT VALID",
            "ALTER TABLE \"open\" VALIDATE CONSTRAINT \"fk_rails_1\"",
            "ALTER TABLE \"open\" ALTER COLUMN \"title\" TYPE character varying USING CAST(title AS character varying), ALTER COLUMN \"title\" SET DEFAULT 'x'",
            "CREATE INDEX index_open ON open (title)",
            "ALTER INDEX \"index_open\" RENAME TO \"index_open_on_title\"",
            "ALTER SEQUENCE \"numbered_id_seq\" RENAME TO \"numbered_seq\"",
            "CREATE INDEX CONCURRENTLY index_open_at ON open (at)",
            "DROP INDEX CONCURRENTLY IF EXISTS index_open_at",
            "CREATE UNIQUE INDEX CONCURRENTLY index_open_title ON open (title, id)",
            "ALTER TABLE open ADD CONSTRAINT one_title UNIQUE USING INDEX index_open_title",
            "ALTER TABLE open ADD COLUMN rank int DEFAULT NULL, ADD CHECK (rank > 0), ADD COLUMN tags text[] NOT NULL DEFAULT ARRAY[]::text[]",
            "ALTER TABLE open DROP COLUMN rank, DROP COLUMN tags",
            "ALTER TABLE people ADD COLUMN x1 int, ADD CONSTRAINT x1_or_2 CHECK (x1 > 2)",
            // pg_dump, psql, drivers
            "ALTER TABLE ONLY public.events_2026 ADD CONSTRAINT events_2026_pk PRIMARY KEY (id)",
            "CREATE TABLE events_2027 PARTITION OF events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
            "CREATE TYPE pair AS (a int, b text)",
            "DROP TYPE IF EXISTS pair",
            "CREATE DOMAIN zip AS text NOT NULL DEFAULT '0' CHECK (VALUE ~ '^[0-9]+$')",
            "ALTER TABLE open ADD COLUMN zip zip",
            "ALTER TABLE open DROP COLUMN zip CASCADE",
            "DROP DOMAIN zip",
            "ALTER TABLE open OWNER TO CURRENT_USER",
            "ALTER VIEW names OWNER TO CURRENT_USER",
            "ALTER TABLE loose SET SCHEMA apart",
            "ALTER TABLE open SET (fillfactor = 80), ALTER label SET STATISTICS 500",
            // Beside what is closed.
            "ALTER TABLE people ADD CONSTRAINT named CHECK (name <> '')",
            "ALTER TABLE people ALTER COLUMN age SET NOT NULL",
            "ALTER TABLE people ALTER COLUMN age TYPE bigint",
            "ALTER TABLE people DROP COLUMN score",
            // A view goes along.
            "ALTER TABLE people DROP COLUMN name CASCADE",
        ];
        all(&builder, "", &statements).await;
        let columns = "SELECT string_agg(column_name, ',' ORDER BY column_name) FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name = 'open'";
        assert_eq!(
            answer(&direct, columns).await,
            "amount,at,created_at,flag,id,label,mood,more,parent_id,person_id,title"
        );
        // Values of new types are judged like others.
        assert_eq!(answer(&builder, "CREATE TYPE tint AS ENUM ('red', 'blue')").await, "");
        assert_eq!(answer(&builder, "SELECT count(*) FROM open WHERE 'red'::tint < 'blue'").await, "2");
        assert_eq!(answer(&builder, "SELECT ('red'::tint)::text, ARRAY['blue'::tint]").await, "red");
        assert_eq!(answer(&builder, "CREATE DOMAIN few AS int CHECK (VALUE < 3)").await, "");
        assert_eq!(answer(&builder, "SELECT max(id::few) FROM open").await, "2");
        assert!(answer(&builder, "SELECT max((id + 5)::few) FROM open").await.starts_with("23514"));
        assert!(answer(&builder, "SELECT secret::few FROM people").await.starts_with("42501"));
    });
}

/// What a rule says by a name, nobody gets by giving the name to something else.
#[test]
fn no_other_name_opens_anything() {
    run(async {
        let (builder, _direct, proxy) = clients_on("alter_names", SCHEMA, "builder", PACK).await;
        let reader = At { port: proxy.port(), database: "alter_names", user: "tester", purpose: Some("reader") };
        let reader = reader.tokio().await;
        let refused = [
            ("ALTER TABLE vault RENAME TO planned", "after this purpose"),
            ("ALTER TABLE people RENAME COLUMN secret TO other", "after this purpose"),
            ("ALTER TABLE people RENAME COLUMN email TO mail", "after this purpose"),
            ("ALTER TABLE people RENAME TO planned", "after this purpose"),
            ("ALTER TABLE open RENAME TO consents", "relation \"consents\" already exists"),
            ("ALTER TABLE open RENAME COLUMN label TO id", "column \"id\" of relation \"open\" already exists"),
            // With the column goes the rule that hides its rows.
            ("ALTER TABLE mixed DROP COLUMN mail", "after this purpose \"reader\" could read more of the rows"),
            ("ALTER TABLE mixed RENAME COLUMN mail TO text", "after this purpose"),
            ("ALTER TABLE people RENAME COLUMN consent TO agreed", "a condition of the policy"),
            (
                "ALTER TABLE people DROP COLUMN consent, ADD COLUMN consent boolean DEFAULT true",
                "a condition of the policy",
            ),
            ("ALTER TABLE people ALTER COLUMN consent SET DEFAULT true", "a condition of the policy"),
            ("ALTER TABLE people ALTER COLUMN consent TYPE boolean USING true", "a condition of the policy"),
            ("ALTER TABLE consents RENAME COLUMN given TO taken", "a condition of the policy"),
            ("ALTER TABLE consents ALTER COLUMN given SET DEFAULT true", "a condition of the policy"),
            ("ALTER TABLE visits RENAME COLUMN person_id TO visitor_id", "a condition of the policy"),
            ("ALTER TABLE owned RENAME COLUMN owner_id TO held_by", "a condition of the policy"),
            // A condition that it waits for.
            ("ALTER TABLE owned ADD FOREIGN KEY (owner_id) REFERENCES owners (id)", "the keys of public.owned"),
            ("ALTER TABLE owned DROP CONSTRAINT nothing_that_is_known", "the keys of public.owned"),
            ("ALTER TABLE owned VALIDATE CONSTRAINT nothing_that_is_known", "the keys of public.owned"),
            // Whom a row is about would be known by another column.
            ("ALTER TABLE visits ALTER COLUMN person_id SET NOT NULL", "after this purpose \"statistics\" could"),
            (
                "ALTER TABLE visits ADD CONSTRAINT k UNIQUE (person_id, id), DROP CONSTRAINT visits_pkey, ADD PRIMARY KEY (person_id)",
                "after this purpose \"statistics\" could",
            ),
            ("ALTER TABLE people RENAME TO names", "relation \"names\" already exists"),
            ("ALTER TYPE mood RENAME TO tone", "of_mood"),
            ("ALTER SCHEMA apart RENAME TO public2", "RENAME of such an object"),
            ("ALTER TABLE called ALTER COLUMN id TYPE bigint", "calling function told"),
            ("ALTER TABLE called ADD COLUMN x serial", "calling function told"),
            ("ALTER TABLE called VALIDATE CONSTRAINT called_n_check", "calling function told"),
            ("ALTER TABLE numbered ALTER COLUMN id DROP DEFAULT", "a sequence numbers"),
            ("ALTER TABLE open ALTER COLUMN amount SET DEFAULT nextval('numbered_id_seq')", "a default that is more"),
            ("ALTER TABLE open ADD COLUMN x int DEFAULT nextval('numbered_id_seq')", "a default that is more"),
            ("CREATE TABLE fresh (x int DEFAULT nextval('numbered_id_seq'))", "no part of the table"),
            ("CREATE TABLE fresh (LIKE numbered INCLUDING ALL)", "no part of the table"),
            ("CREATE DOMAIN drawn AS int DEFAULT nextval('numbered_id_seq')", "a domain's default"),
            ("ALTER SEQUENCE numbered_id_seq OWNED BY open.id", "does not number"),
            ("ALTER TABLE people ALTER COLUMN name TYPE text USING secret", "USING with more than casts"),
            ("ALTER TABLE visits ALTER COLUMN minutes TYPE bigint", "masked or in aggregates"),
            ("ALTER TABLE open ADD COLUMN x int DEFAULT 1 / (random() * 0)::int", "a default that is more"),
            // What is not there could be by the time.
            ("ALTER TABLE IF EXISTS nothing RENAME TO planned", "of what is not there"),
            ("ALTER TABLE IF EXISTS nothing ADD COLUMN x int", "of what is not there"),
            ("ALTER TABLE open DROP COLUMN IF EXISTS nothing", "of what is not there"),
            ("ALTER INDEX nothing RENAME TO planned", "what is called planned"),
            ("ALTER INDEX names RENAME TO others", "another name for a view"),
            ("ALTER VIEW names RENAME TO others", "RENAME of such an object"),
            ("ALTER VIEW names RENAME COLUMN name TO others", "RENAME of a column of a view"),
            // What goes along with it.
            ("DROP TABLE things CASCADE", "column held of public.holders along"),
            ("DROP TABLE parent CASCADE", "function public.of_parent along"),
            ("ALTER TABLE parent DROP COLUMN id CASCADE", "a foreign key of public.child along"),
            ("ALTER TABLE parent DROP CONSTRAINT parent_pkey CASCADE", "a foreign key of public.child along"),
            ("ALTER TABLE parent DROP COLUMN word CASCADE", "function public.of_parent along"),
            ("DROP VIEW counted CASCADE", "column seen of public.holders along"),
            ("DROP TABLE spare CASCADE", "column seen of public.holders along"),
            // What hides rows of others, or notes what is done.
            ("ALTER TABLE watched DROP COLUMN nick CASCADE", "a trigger, a policy"),
            ("ALTER TABLE watched DROP COLUMN team CASCADE", "a trigger, a policy"),
            ("ALTER TABLE teams DROP COLUMN open CASCADE", "a trigger, a policy"),
            ("DROP TABLE teams CASCADE", "a trigger, a policy"),
            ("DROP TABLE logged CASCADE", "a trigger, a policy"),
            // What is made on the way.
            (
                "CREATE TABLE fresh (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.planned))",
                "SEQUENCE NAME",
            ),
            (
                "ALTER TABLE loose ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.planned)",
                "SEQUENCE NAME",
            ),
            ("CREATE TABLE part PARTITION OF events FOR VALUES FROM (told(1)) TO ('2040-01-01')", "told"),
            // The path may put a schema in front of the server's.
            ("CREATE DOMAIN apart.text AS pg_catalog.text CHECK (VALUE < 'm')", "one of the server's own"),
            ("CREATE TYPE apart.uuid AS ENUM ('a')", "one of the server's own"),
            ("CREATE DOMAIN apart._int4 AS pg_catalog.int4[]", "one of the server's own"),
            ("ALTER TYPE mood RENAME TO date", "of_mood"),
            ("DROP TYPE mood CASCADE", "DROP TYPE or DOMAIN … CASCADE"),
            ("DROP DOMAIN word CASCADE", "DROP TYPE or DOMAIN … CASCADE"),
            ("DROP SEQUENCE numbered_id_seq CASCADE", "DROP SEQUENCE or INDEX … CASCADE"),
            // What decides is not dropped, either.
            ("ALTER TABLE owners DROP COLUMN consent", "a condition of the policy"),
            ("ALTER TABLE consents RENAME TO consents_before", "a condition of the policy"),
            ("ALTER TABLE consents SET SCHEMA apart", "a condition of the policy"),
        ];
        let mut wrong = Vec::new();
        for (sql, why) in refused {
            let said = answer(&builder, sql).await;
            if !said.contains(why) {
                wrong.push(format!("{sql}: {said}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let statements = [
            // Closed to whom it was closed, under either name.
            "ALTER TABLE vault RENAME TO unnamed",
            "ALTER TABLE unnamed RENAME COLUMN word TO words",
            "ALTER TABLE unnamed SET SCHEMA apart",
            "ALTER TABLE open RENAME TO planned",
            "ALTER TABLE held RENAME TO held_by_nobody",
            "ALTER TABLE mixed RENAME TO mixed_before",
            "DROP TABLE consents",
        ];
        all(&builder, "", &statements).await;
        assert_eq!(answer(&reader, "SELECT count(*), max(label) FROM planned").await, "2");
        assert_eq!(answer(&reader, "SELECT max(name) FROM names").await, "name 6");
        // Without the condition that hides its rows a table shows nothing, under whatever name, and through no view.
        all(&builder, "", &["ALTER TABLE people SET SCHEMA apart"]).await;
        let closed = [
            "SELECT * FROM apart.unnamed",
            "SELECT count(*) FROM held_by_nobody",
            "SELECT 1 FROM open",
            "SELECT count(*) FROM mixed_before",
            "SELECT shown FROM mixed_before",
            "SELECT max(name) FROM apart.people",
            "SELECT count(*) FROM names",
            "SELECT max(name) FROM names",
        ];
        for sql in closed {
            let refused = answer(&reader, sql).await;
            assert!(refused.starts_with("42"), "{sql}: {refused}");
        }
        // What made rows visible is gone; nothing may come into its place.
        let statements = [
            "CREATE TABLE consents AS SELECT 1 AS person_id, true AS given",
            "SELECT 1 AS person_id, true AS given INTO consents",
            "CREATE TABLE IF NOT EXISTS consents (person_id int, given boolean)",
            "ALTER TABLE spare RENAME TO consents",
        ];
        all(&builder, "a condition of the policy", &statements).await;
    });
}

/// Whether a definition succeeds tells nothing of hidden rows or closed columns.
#[test]
fn what_a_definition_looks_at_must_be_seen() {
    run(async {
        let (filtered, direct, proxy) = clients_on("alter_hidden", SCHEMA, "filtered", PACK).await;
        let migration = At { port: proxy.port(), database: "alter_hidden", user: "tester", purpose: Some("migration") };
        let migration = migration.tokio().await;
        let statements = [
            "ALTER TABLE people ADD COLUMN x int NOT NULL",
            "ALTER TABLE people ADD COLUMN x serial",
            "ALTER TABLE people ADD COLUMN x int GENERATED BY DEFAULT AS IDENTITY",
            "ALTER TABLE people ADD COLUMN x int DEFAULT 1 UNIQUE",
            "ALTER TABLE people ADD COLUMN x int DEFAULT 1 CHECK (x > 1)",
            "ALTER TABLE people ADD COLUMN x int DEFAULT NULL NOT NULL",
            "ALTER TABLE people ADD COLUMN x word",
            "ALTER TABLE people ADD COLUMN x text GENERATED ALWAYS AS (upper(name)) STORED",
            "ALTER TABLE people ADD CHECK (age < 7)",
            "ALTER TABLE people ADD UNIQUE (mood)",
            "ALTER TABLE people ADD PRIMARY KEY (age)",
            "ALTER TABLE people ADD FOREIGN KEY (age) REFERENCES open (id)",
            "ALTER TABLE open ADD FOREIGN KEY (id) REFERENCES people (id)",
            "ALTER TABLE open ADD COLUMN x int REFERENCES people (id)",
            "ALTER TABLE people ALTER COLUMN mood SET NOT NULL",
            "ALTER TABLE people VALIDATE CONSTRAINT people_pkey",
        ];
        all(&filtered, "may not define anything over", &statements).await;
        let statements = [
            "ALTER TABLE people DROP COLUMN age",
            "ALTER TABLE people ALTER age TYPE bigint",
            "ALTER TYPE mood RENAME VALUE 'low' TO 'x'",
        ];
        all(&filtered, "42501", &statements).await;
        let statements = [
            "ALTER TABLE people ADD CHECK (secret <> '')",
            "ALTER TABLE people ADD UNIQUE (name, secret)",
            "ALTER TABLE people ADD CHECK (people.* IS NOT NULL)",
            "ALTER TABLE people ALTER COLUMN secret SET NOT NULL",
            "ALTER TABLE people ADD COLUMN x text GENERATED ALWAYS AS (upper(secret)) STORED",
            "ALTER TABLE people ADD COLUMN x int CHECK (secret <> '')",
            "ALTER TABLE vault ADD COLUMN x int NOT NULL",
        ];
        all(&migration, "may not define anything over", &statements).await;
        let statements =
            ["ALTER TABLE people DROP COLUMN secret", "ALTER TABLE people ALTER COLUMN secret TYPE varchar(100)"];
        all(&migration, "42501", &statements).await;
        assert_eq!(answer(&filtered, "ALTER TABLE people ADD COLUMN x int DEFAULT 1 NOT NULL").await, "");
        assert_eq!(answer(&direct, "SELECT count(*) FROM people WHERE x = 1").await, "12");
    });
}

/// Partitions come and go where both sides are seen whole and nobody gains; a new one tells what the default one holds.
#[test]
fn partitions() {
    run(async {
        let (builder, direct, proxy) = clients_on("alter_partitions", SCHEMA, "builder", PACK).await;
        let at =
            |purpose| At { port: proxy.port(), database: "alter_partitions", user: "tester", purpose: Some(purpose) };
        let reader = at("reader").tokio().await;
        let refused = answer(
            &builder,
            "CREATE TABLE events_2031 PARTITION OF events FOR VALUES FROM ('2031-01-01') TO ('2032-01-01')",
        )
        .await;
        assert!(refused.starts_with("23514"), "{refused}");
        let statements = [
            "CREATE TABLE events_2028 PARTITION OF events FOR VALUES FROM ('2028-01-01') TO ('2029-01-01')",
            "ALTER TABLE events ATTACH PARTITION loose FOR VALUES FROM ('2029-01-01') TO ('2030-01-01')",
            "INSERT INTO events VALUES (7, '2029-02-02', 'c')",
            "CREATE TABLE by_day (id int, at date) PARTITION BY LIST (at)",
        ];
        all(&builder, "", &statements).await;
        assert_eq!(answer(&reader, "SELECT count(*) FROM events").await, "3");
        assert_eq!(answer(&direct, "SELECT count(*) FROM loose").await, "1");
        // Alone it has the tags of its own name.
        assert_eq!(answer(&builder, "ALTER TABLE events DETACH PARTITION loose").await, "");
        assert_eq!(answer(&builder, "ALTER TABLE events DETACH PARTITION events_2026").await, "");
        assert_eq!(answer(&reader, "SELECT count(*) FROM loose").await, "1");
        // By its name it has no tags, and those that it had were its parent's, with a condition.
        let refused = answer(&reader, "SELECT count(*) FROM events_2026").await;
        assert!(refused.starts_with("42501"), "{refused}");
        // It would have the parent's again.
        let refused = answer(
            &builder,
            "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        )
        .await;
        assert!(refused.contains("may not define anything over public.events_2026"), "{refused}");
    });
}

/// What comments say is the policy's, too: whom a row is about by a comment is left alone, and no comment comes with a copy.
#[test]
fn what_comments_say_stays() {
    run(async {
        let schema = format!(
            "{SCHEMA} CREATE TABLE kin (id int PRIMARY KEY, person int NOT NULL, minutes int);
             COMMENT ON TABLE kin IS '[subject: person] [subject_key: person] [default: counted]';"
        );
        let pack = PACK.replacen("dated = 2026-01-01", "dated = 2026-01-01\n    comments = true", 1);
        let (builder, _direct, _proxy) = clients_on("alter_comments", &schema, "builder", &pack).await;
        let statements = [
            "ALTER TABLE kin ALTER COLUMN person SET DEFAULT 1",
            "ALTER TABLE kin ALTER COLUMN person TYPE bigint",
            "ALTER TABLE kin RENAME COLUMN person TO somebody",
            "ALTER TABLE kin DROP COLUMN person",
        ];
        all(&builder, "the subject key of a table, reads public.kin.person", &statements).await;
        all(&builder, "tags from comments", &["CREATE TABLE copied (LIKE kin INCLUDING COMMENTS)"]).await;
        all(&builder, "", &["CREATE TABLE copied (LIKE kin INCLUDING INDEXES)"]).await;
    });
}
