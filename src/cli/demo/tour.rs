//! The tour: who asks what for which purpose, and what must come of it.

/// How a step's session declares its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    /// In the connection string: `options=-c wherefore.purpose=…`.
    Connection(&'static str),
    /// In the statement itself, in a comment that names this purpose.
    Comment(&'static str),
    /// Not at all: the role's default is in force, if it has one.
    Nowhere,
}

/// What must come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// The rows that Postgres itself gives for this statement; `None`: for the very same one.
    Rows(Option<&'static str>),
    /// Success, without rows.
    Done,
    /// A refusal with this SQLSTATE whose report has each of these words; a clause is among them where one applies.
    Refusal { code: &'static str, words: &'static [&'static str] },
}

/// What Postgres must have been sent, by its own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upstream {
    /// The statement as it was written.
    AsWritten,
    /// The same statement printed again: names qualified, comments dropped, no guard.
    Qualified,
    /// A statement with a guard in the place of a relation.
    Guarded,
    /// Only one that is sure to fail, in the place of the statement that was refused.
    Poison,
}

/// One question.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) role: &'static str,
    pub(super) declared: Declared,
    pub(super) sql: &'static str,
    pub(super) expected: Expected,
    pub(super) upstream: Upstream,
    /// What to notice.
    pub(super) notice: &'static str,
}

const CLOSED: &str = "42501";

pub(super) const STEPS: &[Step] = &[
    Step {
        title: "The service shows a conversation",
        role: "app_service",
        declared: Declared::Connection("service_operation"),
        sql: "SELECT direction, body FROM messages WHERE conversation_id = 42 ORDER BY id",
        expected: Expected::Rows(None),
        upstream: Upstream::Guarded,
        notice: "this login acts for one Customer: the guard holds the query to that Customer's End-Users (B-1c)",
    },
    Step {
        title: "The service shows its bots",
        role: "app_service",
        declared: Declared::Nowhere,
        sql: "SELECT id, name FROM bots WHERE company_id = 2 ORDER BY id",
        expected: Expected::Rows(None),
        upstream: Upstream::Qualified,
        notice: "the purpose opens the whole table: the same query, with its names qualified",
    },
    Step {
        title: "The same words, to train a model",
        role: "ml_engineer",
        declared: Declared::Connection("model_training"),
        sql: "SELECT direction, body FROM messages WHERE conversation_id = 42 ORDER BY id",
        expected: Expected::Refusal { code: CLOSED, words: &["B-1d", "messages", "body", "model_training"] },
        upstream: Upstream::Poison,
        notice: "this role is a superuser in Postgres, which does not help it here",
    },
    Step {
        title: "The same words, in disguise",
        role: "ml_engineer",
        declared: Declared::Connection("model_training"),
        sql: "WITH everything AS (SELECT m FROM messages AS m) SELECT row_to_json(m) FROM everything",
        expected: Expected::Refusal { code: CLOSED, words: &["B-1d", "messages"] },
        upstream: Upstream::Poison,
        notice: "a whole row is every column of it, through whatever it goes",
    },
    Step {
        title: "Training data by name only",
        role: "ml_engineer",
        declared: Declared::Connection("model_training"),
        sql: "SELECT content FROM bot_contents WHERE kind = 'training_utterance'",
        expected: Expected::Refusal { code: CLOSED, words: &["B-1g", "content", "model_training"] },
        upstream: Upstream::Poison,
        notice: "what customers upload to their bots is for providing the Service",
    },
    Step {
        title: "Support looks at open requests",
        role: "support_agent",
        declared: Declared::Connection("customer_support"),
        sql: "SELECT s.id, u.full_name, u.email, s.subject FROM support_requests AS s JOIN users AS u ON u.id = s.user_id \
              WHERE s.status = 'open' ORDER BY s.id",
        expected: Expected::Rows(Some(
            "SELECT s.id, u.full_name, u.email, s.subject FROM support_requests AS s JOIN users AS u ON u.id = s.user_id \
             WHERE s.status = 'open' AND u.deletion_requested_at IS NULL ORDER BY s.id",
        )),
        upstream: Upstream::Guarded,
        notice: "contact data of those who asked for help, but not of those who asked to be forgotten (B-4b)",
    },
    Step {
        title: "Support looks at everything about a user",
        role: "support_agent",
        declared: Declared::Connection("customer_support"),
        sql: "SELECT full_name, email, password_hash FROM users WHERE id = 7",
        expected: Expected::Rows(Some("SELECT full_name, email, NULL::text AS password_hash FROM users WHERE id = 7")),
        upstream: Upstream::Guarded,
        notice: "the password is masked inside the guard (B-1e), and the primary key still finds the row",
    },
    Step {
        title: "Support looks for an end-user",
        role: "support_agent",
        declared: Declared::Nowhere,
        sql: "SELECT display_name, email, phone FROM end_users WHERE email = 'end-user-42@mail.example'",
        expected: Expected::Rows(Some(
            "SELECT display_name, left(email, 1) || '*****' || right(email, 4) AS email, NULL::text AS phone \
             FROM end_users WHERE id = 42",
        )),
        upstream: Upstream::Guarded,
        notice: "found by an address that the agent was given, and shown masked; the purpose is the role's default",
    },
    Step {
        title: "Support lists end-users",
        role: "support_agent",
        declared: Declared::Nowhere,
        sql: "SELECT display_name FROM end_users WHERE email LIKE 'end-user-4%'",
        expected: Expected::Refusal { code: CLOSED, words: &["B-1c", "email", "look"] },
        upstream: Upstream::Poison,
        notice: "an address may be looked up, and not searched through",
    },
    Step {
        title: "Where end-users come from",
        role: "app_service",
        declared: Declared::Nowhere,
        sql: "SELECT country, count(*) FROM end_users GROUP BY country ORDER BY country",
        expected: Expected::Rows(Some(
            "SELECT country, count(*) FROM end_users WHERE company_id = 2 AND deletion_requested_at IS NULL \
             GROUP BY country HAVING count(*) >= 10 ORDER BY country",
        )),
        upstream: Upstream::Guarded,
        notice: "in aggregate form, over ten people and more (B-1b); one person's country would be refused",
    },
    Step {
        title: "Marketing writes to users",
        role: "marketing",
        declared: Declared::Connection("marketing_communication"),
        sql: "SELECT full_name, email FROM users ORDER BY email",
        expected: Expected::Rows(Some(
            "SELECT full_name, email FROM users WHERE marketing_consent AND unsubscribed_at IS NULL \
             AND deletion_requested_at IS NULL ORDER BY email",
        )),
        upstream: Upstream::Guarded,
        notice: "of the 100 people in the table only those exist here who agreed and have not unsubscribed (B-3c)",
    },
    Step {
        title: "Marketing looks for end-users",
        role: "marketing",
        declared: Declared::Connection("marketing_communication"),
        sql: "SELECT email FROM end_users WHERE country = 'FR'",
        expected: Expected::Refusal { code: CLOSED, words: &["B-1d", "end_users", "email", "marketing_communication"] },
        upstream: Upstream::Poison,
        notice: "end-users are our customers' and not ours",
    },
    Step {
        title: "Product looks at what is used",
        role: "product_analyst",
        declared: Declared::Connection("product_improvement"),
        sql: "SELECT feature, count(*), avg(duration_ms)::int AS ms FROM usage_events GROUP BY feature ORDER BY feature",
        expected: Expected::Rows(Some(
            "SELECT feature, count(*), avg(duration_ms)::int AS ms FROM usage_events AS e JOIN users AS u ON u.id = e.user_id \
             WHERE u.deletion_requested_at IS NULL GROUP BY feature ORDER BY feature",
        )),
        upstream: Upstream::Guarded,
        notice: "aggregated usage, each figure over ten users and more (B-3e)",
    },
    Step {
        title: "Product looks at one event",
        role: "product_analyst",
        declared: Declared::Connection("product_improvement"),
        sql: "SELECT feature, created_at FROM usage_events ORDER BY id LIMIT 1",
        expected: Expected::Refusal { code: CLOSED, words: &["B-3e", "feature", "10"] },
        upstream: Upstream::Poison,
        notice: "an event is somebody's",
    },
    Step {
        title: "Product looks at who it is",
        role: "product_analyst",
        declared: Declared::Connection("product_improvement"),
        sql: "SELECT u.email, count(*) FROM usage_events AS e JOIN users AS u ON u.id = e.user_id GROUP BY u.email",
        expected: Expected::Refusal { code: CLOSED, words: &["usage_events", "product_improvement", "10"] },
        upstream: Upstream::Poison,
        notice: "no rule permits it, so it is not permitted",
    },
    Step {
        title: "One statement with a purpose of its own",
        role: "app_service",
        declared: Declared::Comment("customer_support"),
        sql: "SELECT status, count(*) FROM support_requests GROUP BY status ORDER BY status \
              /*purpose='customer_support'*/",
        expected: Expected::Rows(Some(
            "SELECT status, count(*) FROM support_requests AS s JOIN users AS u ON u.id = s.user_id \
             WHERE u.deletion_requested_at IS NULL GROUP BY status ORDER BY status",
        )),
        upstream: Upstream::Guarded,
        notice: "the comment has the form that frameworks already know how to add (sqlcommenter)",
    },
    Step {
        title: "A purpose that is not granted",
        role: "marketing",
        declared: Declared::Comment("service_operation"),
        sql: "/*purpose='service_operation'*/ SELECT body FROM messages LIMIT 1",
        expected: Expected::Refusal { code: CLOSED, words: &["service_operation"] },
        upstream: Upstream::Poison,
        notice: "saying it does not make it so",
    },
    Step {
        title: "No purpose at all",
        role: "privacy_officer",
        declared: Declared::Nowhere,
        sql: "SELECT full_name FROM users",
        expected: Expected::Refusal { code: CLOSED, words: &["full_name", "wherefore.purpose"] },
        upstream: Upstream::Poison,
        notice: "this role has no default, and the hint shows how to say what for",
    },
    Step {
        title: "Who asked to be forgotten",
        role: "privacy_officer",
        declared: Declared::Connection("data_subject_request"),
        sql: "SELECT id, full_name, email FROM users WHERE deletion_requested_at IS NOT NULL ORDER BY id",
        expected: Expected::Rows(None),
        upstream: Upstream::Guarded,
        notice: "rows that are hidden from marketing are seen where the request is handled (B-4b)",
    },
    Step {
        title: "The owner adds a column",
        role: "owner",
        declared: Declared::Connection("administration"),
        sql: "ALTER TABLE end_users ADD COLUMN mood text DEFAULT 'cross'",
        expected: Expected::Done,
        upstream: Upstream::AsWritten,
        notice: "an unrestricted purpose: statements pass without being understood",
    },
    Step {
        title: "A column that nobody has tagged yet",
        role: "app_service",
        declared: Declared::Connection("service_operation"),
        sql: "SELECT id, mood FROM end_users WHERE id = 42",
        expected: Expected::Refusal { code: CLOSED, words: &["end_users", "mood"] },
        upstream: Upstream::Poison,
        notice: "until the policy says what it holds it is closed, from the very next statement on",
    },
];
