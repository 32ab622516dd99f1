//! What kind of statement it is, as far as a session must know: transactions, settings, prepared statements.

/// The kind of a statement. Closed: what has no kind of its own is `Other`, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `SELECT`, `VALUES`, `TABLE`, without `INTO`. What stands in its WITH may write.
    Read,
    /// What could not be read. It may be anything.
    Unread,
    /// `INSERT`, `UPDATE`, `DELETE`, `MERGE`.
    Write,
    /// `TRUNCATE`, `COPY`: the server analyses them when they are executed.
    Bulk,
    /// `CALL` of a procedure.
    Call,
    Transaction(Transaction),
    Set(Set),
    /// `SHOW name`; the name is lower case; `SHOW ALL` is `all`.
    Show(Box<str>),
    /// `DISCARD ALL | PLANS | SEQUENCES | TEMP`.
    Discard(Discard),
    /// `DEALLOCATE name`, or `None` for `ALL`.
    Deallocate(Option<Box<str>>),
    /// `EXPLAIN` of anything but `EXECUTE`.
    Explain,
    /// `PREPARE name AS …`.
    Prepare(Box<str>),
    Execute(Execute),
    Declare(Declare),
    /// `FETCH` or `MOVE` of a cursor.
    Fetch(Box<str>),
    /// `CLOSE name`, or `None` for `ALL`.
    Close(Option<Box<str>>),
    /// `LOCK TABLE`.
    Lock,
    /// What defines, changes, refreshes, describes or drops relations, as far as it is understood; in words.
    Define(&'static str),
    /// `LISTEN`, `UNLISTEN`, `NOTIFY`.
    Signal(Signal),
    /// Anything else: the words Postgres would use in the command tag or the grammar, e.g. `UPDATE`, `CREATE TABLE`.
    Other(Box<str>),
}

/// What a statement stands for when it is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'k> {
    /// A prepared statement, by its name.
    Statement(&'k str),
    /// A cursor, by its name.
    Cursor(&'k str),
}

impl Kind {
    /// The prepared statement or cursor whose rows it answers, if it is about one.
    pub fn named(&self) -> Option<Named<'_>> {
        match self {
            Kind::Execute(execute) => Some(Named::Statement(&execute.name)),
            Kind::Fetch(cursor) => Some(Named::Cursor(cursor)),
            Kind::Read
            | Kind::Unread
            | Kind::Write
            | Kind::Bulk
            | Kind::Call
            | Kind::Transaction(_)
            | Kind::Set(_)
            | Kind::Show(_)
            | Kind::Discard(_)
            | Kind::Deallocate(_)
            | Kind::Prepare(_)
            | Kind::Declare(_)
            | Kind::Close(_)
            | Kind::Explain
            | Kind::Lock
            | Kind::Define(_)
            | Kind::Signal(_)
            | Kind::Other(_) => None,
        }
    }
}

/// `EXECUTE`, or `EXPLAIN EXECUTE`, of a statement that SQL or the protocol has prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execute {
    pub name: Box<str>,
    pub answer: Answer,
}

/// What an EXECUTE answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Rows,
    /// `EXPLAIN EXECUTE`.
    Plan,
}

/// `DECLARE name CURSOR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declare {
    pub name: Box<str>,
    pub hold: Hold,
}

/// Whether a cursor outlives its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    Without,
    With,
}

/// Statements about the channels that every session of the database shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    Listen(Box<str>),
    /// `UNLISTEN name`, or `None` for `*`.
    Unlisten(Option<Box<str>>),
    Notify(Box<str>),
}

/// Transaction control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transaction {
    Begin,
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    Savepoint,
    Release,
    RollbackTo,
    /// `SET CONSTRAINTS`: when what is deferred is checked.
    Constraints,
    /// `PREPARE TRANSACTION`, `COMMIT PREPARED`, `ROLLBACK PREPARED`.
    TwoPhase,
}

/// `SET`, `RESET`, or a lone `SELECT set_config('name', 'value', is_local)` with constant arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    pub scope: SetScope,
    /// Lower case; `all` for `RESET ALL`.
    pub name: Box<str>,
    pub value: SetValue,
    /// Written as `set_config`, which returns a row.
    pub by_function: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetScope {
    Session,
    Local,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetValue {
    /// `TO DEFAULT` or `RESET`.
    Default,
    /// The list of values as text (`SET search_path = a, b` has two; `set_config` has one, to be split by the setting's
    /// own rules).
    Values(Vec<Box<str>>),
    /// A parameter, by `set_config`; for settings of applications only (`app.tenant`), which no judgement depends on.
    Parameter,
    /// `SET TRANSACTION …`, `SET SESSION CHARACTERISTICS …`, `FROM CURRENT`: not a value the session follows.
    Special,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    All,
    Plans,
    Sequences,
    Temp,
}
