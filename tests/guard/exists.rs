//! Conditions on other tables: consent that a table keeps, and scope through a parent.

use super::{Client, Proxy, clients_on, rows, run};

pub(super) const SCHEMA: &str = "
    CREATE TABLE users (id int PRIMARY KEY, name text, email text, score int);
    INSERT INTO users SELECT i, 'name ' || i, CASE WHEN i < 4 THEN i::text ELSE 'SECRET-' || i END, i FROM generate_series(1, 6) i;
    CREATE TABLE consents (id int PRIMARY KEY, user_id int REFERENCES users (id), kind text, withdrawn_at timestamptz);
    INSERT INTO consents SELECT i, i, 'marketing', NULL FROM generate_series(1, 3) i;
    INSERT INTO consents VALUES (14, 4, 'marketing', '2026-01-01 00:00:00+00'), (15, 5, 'research', NULL);
    CREATE TABLE end_users (id int PRIMARY KEY, customer_id int NOT NULL, name text);
    INSERT INTO end_users VALUES (1, 41, 'a'), (2, 42, 'b');
    CREATE TABLE conversations (id int PRIMARY KEY, end_user_id int NOT NULL REFERENCES end_users (id), topic text);
    INSERT INTO conversations VALUES (10, 1, 'x'), (20, 2, 'y');
    CREATE TABLE messages (id int PRIMARY KEY, conversation_id int NOT NULL REFERENCES conversations (id), body text);
    INSERT INTO messages VALUES (100, 10, 'of 41'), (200, 20, 'of 42');
    CREATE TABLE notes (id int PRIMARY KEY, user_id int, body text);
    CREATE TABLE authors (id int PRIMARY KEY, gone boolean NOT NULL);
    INSERT INTO authors VALUES (1, false), (2, true);
    CREATE TABLE posts (id int PRIMARY KEY, author_id int REFERENCES authors (id), title text);
    INSERT INTO posts VALUES (1, 1), (2, 2);
    CREATE TABLE pages (id int PRIMARY KEY, author_id int REFERENCES authors (id), title text);
    INSERT INTO pages VALUES (1, 1), (2, 2);
    CREATE TABLE drafts (id int PRIMARY KEY, author_id int REFERENCES authors (id) ON DELETE SET NULL);
    INSERT INTO drafts VALUES (1, 1), (2, 2);
";

pub(super) const PACK: &str = r#"
    [pack]
    name = "exists"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [category.consent]
    [category.tenant]
    [category.open]
    [purpose.marketing]
    [purpose.unasked]
    [purpose.service]
    [purpose.clerk]
    [purpose.onlooker]
    [purpose.poster]
    [purpose.drafter]
    [category.author]
    [category.post]
    [category.draft]
    [category.page]
    [purpose.writer]
    [purpose.own_posts]
    [purpose.own_pages]
    [parameter.author]
    type = "int4"
    from = "session"
    [parameter.other]
    type = "int4"
    from = "session"
    required = false
    [parameter.customer]
    type = "int4"
    from = "session"
    [clause."E-1"]
    words = "Only if you have agreed."
    [[rule]]
    id = "agreed"
    clause = "E-1"
    category = "plain"
    purpose = "marketing"
    rights = ["read", "update"]
    where = ["consent.marketing"]
    effect = "allow"
    [[rule]]
    id = "not-agreed"
    clause = "E-1"
    category = "plain"
    purpose = "unasked"
    where = ["not consent.marketing"]
    effect = "allow"
    [[rule]]
    id = "own-customer"
    clause = "E-1"
    category = "tenant"
    purpose = "service"
    rights = ["read", "insert", "update", "delete"]
    where = ["scope.customer"]
    effect = "allow"
    [[rule]]
    id = "clerks"
    clause = "E-1"
    purpose = "clerk"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "everyone-but-consents"
    clause = "E-1"
    category = ["plain", "open"]
    purpose = "onlooker"
    effect = "allow"
    [[rule]]
    id = "notes-of-all"
    clause = "E-1"
    category = ["open", "consent"]
    purpose = "marketing"
    rights = ["insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "authors"
    category = "author"
    purpose = ["poster", "drafter"]
    rights = ["read", "insert", "delete"]
    effect = "allow"
    [[rule]]
    id = "posts"
    category = "post"
    purpose = "poster"
    effect = "allow"
    [[rule]]
    id = "drafts"
    category = "draft"
    purpose = "drafter"
    effect = "allow"
    [[narrow]]
    id = "of-those-who-are-here"
    category = ["post", "draft", "page"]
    where = ["not gone"]
    except = ["own_posts", "own_pages"]
    [[rule]]
    id = "writers"
    category = ["post", "page"]
    purpose = "writer"
    rights = ["read", "update"]
    effect = "allow"
    [[rule]]
    id = "an-author-and-his-posts"
    category = ["post", "author"]
    purpose = "own_posts"
    where = ["scope.author"]
    effect = "allow"
    [[rule]]
    id = "pages-of-one-and-another-author"
    category = ["page", "author"]
    purpose = "own_pages"
    where = ["scope.other"]
    effect = "allow"
    [table."public.authors"]
    default = "author"
    scope.author = "id = $author"
    scope.other = "id = $other"
    conditions.gone = "gone"
    [table."public.pages"]
    default = "page"
    scope.other = "author_id = $author"
    conditions.gone = "EXISTS (SELECT FROM public.authors a WHERE a.id = author_id AND a.gone)"
    [table."public.posts"]
    default = "post"
    scope.author = "author_id = $author"
    conditions.gone = "EXISTS (SELECT FROM public.authors a WHERE a.id = author_id AND a.gone)"
    [table."public.drafts"]
    default = "draft"
    conditions.gone = "EXISTS (SELECT FROM public.authors a WHERE a.id = author_id AND a.gone)"
    [table."public.users"]
    subject = "person"
    default = "plain"
    consent.marketing = "EXISTS (SELECT FROM public.consents c WHERE c.user_id = id AND c.kind = 'marketing' AND c.withdrawn_at IS NULL)"
    [table."public.consents"]
    subject = "person"
    default = "consent"
    [table."public.notes"]
    subject = "person"
    default = "open"
    [table."public.end_users"]
    subject = "person"
    default = "tenant"
    scope.customer = "customer_id = $customer"
    [table."public.conversations"]
    subject = "person"
    default = "tenant"
    scope.customer = "EXISTS (SELECT 1 FROM public.end_users e WHERE e.id = end_user_id AND e.customer_id = $customer)"
    [table."public.messages"]
    subject = "person"
    default = "tenant"
    scope.customer = "EXISTS (SELECT FROM public.conversations c, public.end_users e WHERE c.id = conversation_id AND e.id = c.end_user_id AND e.customer_id = $customer)"
    [role.tester]
    purposes = ["marketing", "unasked", "service", "clerk", "onlooker", "poster", "drafter", "writer", "own_posts", "own_pages"]
"#;

async fn clients(database: &str, purpose: &str) -> (Client, Client, Proxy) {
    clients_on(database, SCHEMA, purpose, PACK).await
}

async fn ids(client: &Client, sql: &str) -> String {
    let found = rows(client, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    found.into_iter().flatten().flatten().collect::<Vec<_>>().join(" ")
}

#[test]
fn withdrawn_consent_counts_from_the_next_statement() {
    run(async {
        let (guarded, direct, _proxy) = clients("exists_consent", "marketing").await;
        let sql = "SELECT id FROM users ORDER BY id";
        let statement = guarded.prepare(sql).await.expect("preparing");
        assert_eq!(ids(&guarded, sql).await, "1 2 3");
        rows(&guarded, "BEGIN").await.expect("BEGIN");
        assert_eq!(ids(&guarded, sql).await, "1 2 3");
        rows(&direct, "UPDATE consents SET withdrawn_at = now() WHERE user_id = 2").await.expect("withdrawing");
        // At READ COMMITTED, in a transaction.
        assert_eq!(ids(&guarded, sql).await, "1 3");
        rows(&guarded, "COMMIT").await.expect("COMMIT");
        rows(&direct, "DELETE FROM consents WHERE user_id = 1").await.expect("withdrawing");
        assert_eq!(ids(&guarded, sql).await, "3");
        assert_eq!(guarded.query(&statement, &[]).await.expect("rows").len(), 1);
        rows(&direct, "INSERT INTO consents VALUES (30, 6, 'marketing')").await.expect("agreeing");
        assert_eq!(ids(&guarded, sql).await, "3 6");
        rows(&guarded, "SET wherefore.purpose = 'unasked'").await.expect("a purpose");
        assert_eq!(ids(&guarded, sql).await, "1 2 4 5");
    });
}

/// Whatever the client calls the table, the condition means the same, and nothing fails on a hidden row.
#[test]
fn no_name_or_error_tells_of_a_hidden_row() {
    run(async {
        let (guarded, _direct, _proxy) = clients("exists_names", "marketing").await;
        for (sql, found) in [
            ("SELECT c.id FROM users c ORDER BY 1", "1 2 3"),
            ("SELECT c.id FROM users AS c JOIN users AS other ON other.id = c.id ORDER BY 1", "1 2 3"),
            ("SELECT other.id FROM users other ORDER BY 1", "1 2 3"),
            ("SELECT consents.id FROM users consents ORDER BY 1", "1 2 3"),
            ("SELECT \"$own\".id FROM users \"$own\" ORDER BY 1", "1 2 3"),
            ("SELECT email::int FROM users ORDER BY 1", "1 2 3"),
            ("SELECT id FROM users c WHERE email::int = 2", "2"),
            ("SELECT id FROM users WHERE 1 / (score - 4) < 9 ORDER BY 1", "1 2 3"),
            ("SELECT count(*) FROM users", "3"),
            ("SELECT count(*) FROM users c, LATERAL (SELECT c.email::int AS n) x WHERE n > 1", "2"),
        ] {
            assert_eq!(ids(&guarded, sql).await, found, "{sql}");
        }
    });
}

#[test]
fn what_decides_is_not_written_under_what_it_bounds() {
    run(async {
        let (guarded, direct, _proxy) = clients("exists_writes", "marketing").await;
        for sql in [
            "INSERT INTO consents VALUES (99, 6, 'marketing')",
            "UPDATE consents SET withdrawn_at = NULL",
            "UPDATE consents SET kind = 'marketing' WHERE user_id = 5",
            "DELETE FROM consents",
            "TRUNCATE consents",
            "WITH w AS (INSERT INTO consents VALUES (99, 6, 'marketing') RETURNING id) SELECT id FROM w",
        ] {
            let error = rows(&guarded, sql).await.expect_err(sql);
            assert!(error.starts_with("42501"), "{sql}: {error}");
        }
        // Who sees what was written, and not who has agreed, may not learn it from there.
        for sql in [
            "UPDATE users SET score = 0",
            "INSERT INTO notes SELECT id, id, 'agreed' FROM users",
            "INSERT INTO notes SELECT 1, 1, count(*)::text FROM users",
        ] {
            let error = rows(&guarded, sql).await.expect_err(sql);
            assert!(error.contains("this would carry") || error.contains("may not"), "{sql}: {error}");
        }
        // Nor may a clerk put there what someone's conditions decide by.
        rows(&guarded, "SET wherefore.purpose = 'clerk'").await.expect("a purpose");
        let sql = "INSERT INTO consents SELECT 50 + u.id, u.id, 'marketing' FROM users u JOIN end_users e ON e.id = u.id WHERE e.name = 'a'";
        let error = rows(&guarded, sql).await.expect_err(sql);
        assert!(error.contains("this would carry"), "{error}");
        rows(&guarded, "INSERT INTO consents VALUES (60, 6, 'marketing')").await.expect("a clerk's consent");
        assert_eq!(ids(&direct, "SELECT id FROM consents ORDER BY 1").await, "1 2 3 14 15 60");
    });
}

#[test]
fn a_scope_reaches_through_parents() {
    run(async {
        let (guarded, direct, _proxy) = clients("exists_scope", "service").await;
        rows(&guarded, "SELECT id FROM messages").await.expect_err("no value");
        rows(&guarded, "SET wherefore.customer = 41").await.expect("a value");
        assert_eq!(ids(&guarded, "SELECT id FROM messages").await, "100");
        assert_eq!(
            ids(&guarded, "SELECT c.topic FROM conversations c JOIN end_users e ON e.id = c.end_user_id").await,
            "x"
        );
        for sql in [
            "INSERT INTO end_users VALUES (3, 41, 'c')",
            "INSERT INTO conversations VALUES (30, 3, 'z')",
            "UPDATE messages SET body = 'changed'",
        ] {
            let answer = rows(&guarded, sql).await;
            // `messages` reads both through one condition, so neither is an anchor of all.
            if sql.starts_with("UPDATE") {
                answer.expect(sql);
            } else {
                assert!(answer.expect_err(sql).contains("by which conditions decide what it sees"));
            }
        }
        for (conversation, inserted) in [(10, true), (20, false)] {
            let sql = "INSERT INTO messages (id, conversation_id, body) VALUES ($1, $2, 'new')";
            let outcome = guarded.execute(sql, &[&(500 + conversation), &conversation]).await;
            assert_eq!(outcome.is_ok(), inserted, "{outcome:?}");
        }
        let error = rows(&guarded, "INSERT INTO messages VALUES (600, 20, 'x')").await.expect_err("out of scope");
        assert_eq!(error, "42501: a new row does not meet the conditions of the policy");
        rows(&guarded, "INSERT INTO messages VALUES (601, 10, 'x')").await.expect("in scope");
        assert_eq!(
            ids(&direct, "SELECT id, body FROM messages ORDER BY 1").await,
            "100 changed 200 of 42 510 new 601 x"
        );
    });
}

/// Whether a parent's rows may come and go under a condition that hides rows by them: not where deleting one would set a hidden row's
/// key to null, and so show it.
#[test]
fn a_parent_comes_and_goes_where_that_shows_nothing() {
    run(async {
        let (guarded, direct, _proxy) = clients("exists_parents", "poster").await;
        assert_eq!(ids(&guarded, "SELECT id FROM posts").await, "1");
        rows(&guarded, "INSERT INTO authors VALUES (3, false)").await.expect("a new author");
        assert_eq!(ids(&direct, "SELECT id FROM authors ORDER BY 1").await, "1 2 3");
        rows(&guarded, "SET wherefore.purpose = 'drafter'").await.expect("a purpose");
        assert_eq!(ids(&guarded, "SELECT id FROM drafts").await, "1");
        for sql in ["DELETE FROM authors WHERE id = 2", "INSERT INTO authors VALUES (4, false)"] {
            let error = rows(&guarded, sql).await.expect_err(sql);
            assert!(error.contains("by which conditions decide what it sees"), "{sql}: {error}");
        }
    });
}

/// Who sees an author's row by the same value as that author's posts may see by whose absence posts were left as they were; who sees
/// the row of another author may not.
#[test]
fn what_decides_may_be_seen_by_who_sees_the_same_rows() {
    run(async {
        let (guarded, direct, _proxy) = clients("exists_follows", "writer").await;
        assert_eq!(ids(&guarded, "UPDATE posts SET title = 'new' RETURNING id").await, "1");
        assert_eq!(ids(&direct, "SELECT id FROM posts WHERE title = 'new'").await, "1");
        let error = rows(&guarded, "UPDATE pages SET title = 'new'").await.expect_err("another's");
        assert!(error.contains("this would carry public.authors."), "{error}");
    });
}
