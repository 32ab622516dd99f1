//! What the statements of a sequence are about: for each purpose what it sees, and what it must not.

use crate::common::worlds::Pair;

/// The vocabulary of one purpose. Each body gives `id` and `name`, so that a view can be replaced by any other.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    pub purpose: &'static str,
    /// Bodies of views that look the same in both worlds.
    pub open: &'static [&'static str],
    /// Bodies that do not.
    pub closed: &'static [&'static str],
    /// An expression that differs between the worlds, wherever it is read raw.
    pub secret: &'static str,
    /// Statements that the purpose is answered.
    pub seen: &'static [&'static str],
    /// Statements that write, and put into the table of notes only.
    pub writes: &'static [&'static str],
}

const NOTES: &[&str] = &[
    "INSERT INTO notes (id, person_id, body, amount) VALUES (501, 2, 'a note', 3) RETURNING id, body",
    "INSERT INTO notes (id, body) VALUES (501, 'again') ON CONFLICT (id) DO UPDATE SET body = EXCLUDED.body RETURNING body",
    "INSERT INTO notes (id, body) VALUES (502, 'once') ON CONFLICT DO NOTHING",
    "INSERT INTO notes (id, body) SELECT 503, max(name) FROM people_names RETURNING body",
    "UPDATE notes SET body = (SELECT max(name) FROM people_names) WHERE id = 501 RETURNING body",
    "UPDATE notes SET amount = amount / 0 WHERE id = 501",
    "DELETE FROM notes WHERE id > 500 RETURNING id",
    "MERGE INTO notes AS n USING (VALUES (501), (504)) AS v (id) ON n.id = v.id WHEN MATCHED THEN UPDATE SET amount = 1 WHEN NOT MATCHED THEN INSERT (id) VALUES (v.id)",
    "WITH w AS (INSERT INTO notes (id, body) VALUES (505, 'w') RETURNING id) SELECT count(*) FROM w",
    "TRUNCATE notes",
];

const COLUMNS: Words = Words {
    purpose: "denied",
    open: &["SELECT id, name FROM people", "SELECT id, city AS name FROM people", "SELECT 1 AS id, 'x'::text AS name"],
    closed: &[
        "SELECT id, secret AS name FROM people",
        "SELECT id, secret AS name FROM people",
        "SELECT id, coalesce(pin, 'none') AS name FROM people",
        "SELECT id, word AS name FROM vault",
        "SELECT id, name FROM people WHERE score > 3",
    ],
    secret: "(SELECT string_agg(secret, $$,$$ ORDER BY id) FROM people)",
    seen: &[
        "SELECT id, name FROM people ORDER BY id",
        "SELECT city, count(*) FROM people GROUP BY city ORDER BY city",
        "SELECT max(note) FROM orders",
        "SELECT o.id, p.name FROM orders AS o JOIN people AS p ON p.id = o.person_id ORDER BY o.id LIMIT 3",
    ],
    writes: &[],
};

const ROWS: Words = Words {
    purpose: "filtered",
    open: &["SELECT 1 AS id, 'x'::text AS name", "SELECT id, body AS name FROM notes"],
    closed: &[
        "SELECT id, name FROM people",
        "SELECT id, secret AS name FROM people",
        "SELECT id, note AS name FROM orders",
        "SELECT id, word AS name FROM vault",
    ],
    secret: "(SELECT string_agg(name, $$,$$ ORDER BY id) FROM people)",
    seen: &[
        "SELECT id, name, secret FROM people ORDER BY id",
        "SELECT count(*) FROM people",
        "SELECT max(note) FROM orders",
        "SELECT count(*) FROM vault",
    ],
    writes: &[],
};

const TENANTS: Words = Words {
    purpose: "scoped",
    open: &["SELECT 1 AS id, 'x'::text AS name"],
    closed: &["SELECT id, name FROM accounts", "SELECT id, word AS name FROM payments"],
    secret: "(SELECT string_agg(name, $$,$$ ORDER BY id) FROM accounts)",
    seen: &["SELECT id, name FROM accounts ORDER BY id", "SELECT count(*), sum(amount) FROM payments"],
    writes: &[],
};

const DECLARED: Words = Words {
    purpose: "declared",
    open: &["SELECT id, name FROM people_agreed", "SELECT 1 AS id, 'x'::text AS name"],
    closed: &["SELECT id, name FROM people", "SELECT id, secret AS name FROM people"],
    secret: "(SELECT string_agg(name, $$,$$ ORDER BY id) FROM people)",
    seen: &["SELECT id, name FROM people_agreed ORDER BY id", "SELECT city, n FROM cities_agreed ORDER BY city"],
    writes: &[],
};

const GROUPS: Words = Words {
    purpose: "statistics",
    open: &["SELECT id, name FROM staff", "SELECT 1 AS id, 'x'::text AS name"],
    closed: &["SELECT id, grade AS name FROM staff", "SELECT id, place AS name FROM visits"],
    secret: "(SELECT string_agg(grade, $$,$$ ORDER BY id) FROM staff)",
    seen: &["SELECT id, name FROM staff ORDER BY id", "SELECT city, avg(pay) FROM staff GROUP BY city ORDER BY city"],
    writes: &[],
};

/// The purposes that are played in a pair of worlds.
pub fn words(pair: Pair) -> Vec<Words> {
    match pair {
        Pair::Columns => vec![
            COLUMNS,
            Words { purpose: "masked", ..COLUMNS },
            Words { purpose: "writer", writes: NOTES, ..COLUMNS },
            Words { purpose: "shared", writes: NOTES, ..COLUMNS },
        ],
        Pair::Rows => vec![
            ROWS,
            Words { purpose: "filtered_writer", writes: NOTES, ..ROWS },
            TENANTS,
            Words { purpose: "agreed", ..TENANTS },
            DECLARED,
        ],
        Pair::Groups => vec![GROUPS, Words { purpose: "statistics_writer", writes: NOTES, ..GROUPS }],
    }
}

/// What else a session may declare without another pair of worlds being meant, and what it may not declare at all.
pub fn declarable(pair: Pair) -> &'static [&'static str] {
    match pair {
        Pair::Columns => &["denied", "masked", "writer", "clerk", "owner"],
        Pair::Rows => &["filtered", "filtered_writer", "scoped", "agreed", "declared", "clerk"],
        Pair::Groups => &["statistics", "statistics_writer", "clerk"],
    }
}
