//! The settings that a judgement depends on, and how statements change them.
//!
//! A statement's effect is simulated when it is sent, so that what follows in the same message is judged under it; the
//! server is asked afterwards.

use super::temporary::Standing;
use crate::catalog::SearchPath;
use crate::enforce::{Encoding, is_ascii_safe};
use crate::policy::PurposeId;
use crate::sql::SetScope;
use std::sync::Arc;

/// The purpose that the session declares and its search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Always known: SET is refused wherever a savepoint could undo it.
    pub purpose: Option<PurposeId>,
    /// What the session gives as the reason for what it reads, as it was declared.
    pub justification: Option<Arc<str>>,
    /// `None`: only the server knows; it is asked when the message is over.
    pub path: Option<SearchPath>,
    pub schema: Schema,
    pub temporary: Standing,
    pub settled: Settled,
}

/// Whether what the server reads by is what it has told: how strings are written, in which encoding, as which role. What is
/// set later does not make that known again, only the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Yes,
    /// It is asked when the message is over. Until then the path is not known either.
    No,
}

impl Settings {
    /// As the server has told them.
    pub fn told(purpose: Option<PurposeId>, justification: Option<Arc<str>>, path: Option<SearchPath>) -> Settings {
        Settings {
            purpose,
            justification,
            path,
            schema: Schema::AsRead,
            temporary: Standing::None,
            settled: Settled::Yes,
        }
    }

    /// How the server reads what is sent next, if this is how it was when it told.
    pub fn read_by(&self, told: Encoding) -> Encoding {
        match (told, self.settled) {
            (told, Settled::Yes) => told,
            (Encoding::Overlapping, Settled::No) => told,
            (Encoding::Utf8 | Encoding::AsciiOnly | Encoding::Foreign | Encoding::Unsettled, Settled::No) => {
                Encoding::Unsettled
            }
        }
    }

    /// The same, where only the server knows what it reads by.
    pub fn unsettled(&self) -> Settings {
        Settings { path: None, settled: Settled::No, ..self.clone() }
    }

    /// The same with this path, if names can be known at all.
    pub fn with_path(&self, path: Option<&SearchPath>) -> Settings {
        let path = path.filter(|_| self.settled == Settled::Yes).cloned();
        Settings { path, ..self.clone() }
    }
}

/// Whether the catalog holds what the transaction sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    AsRead,
    /// The transaction has changed it, and no one else sees it yet; or it was committed, and the server has not answered. The
    /// number is that of the last change.
    Changed(u64),
}

/// `client_encoding` and `standard_conforming_strings`, as the server reports them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Encodings {
    pub(super) client: Vec<u8>,
    pub(super) conforming: Vec<u8>,
}

impl Encodings {
    pub(super) fn encoding(&self) -> Encoding {
        if !std::str::from_utf8(&self.client).is_ok_and(is_ascii_safe) {
            Encoding::Overlapping
        } else if self.conforming != b"on" {
            Encoding::Foreign
        } else if self.client == b"UTF8" {
            Encoding::Utf8
        } else {
            Encoding::AsciiOnly
        }
    }
}

/// The session's purpose, and the one that was set on the server: a comment's may be left there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    pub(super) purpose: Option<PurposeId>,
    pub(super) guc: Option<PurposeId>,
}

/// How far a setting reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Session,
    Transaction,
}

impl Reach {
    pub fn of(scope: SetScope) -> Reach {
        match scope {
            SetScope::Session => Reach::Session,
            SetScope::Local => Reach::Transaction,
        }
    }
}

/// Whether the session is inside `BEGIN … COMMIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    Outside,
    Inside,
}

/// The settings through a transaction.
#[derive(Debug, Clone)]
pub struct State {
    /// In force.
    pub now: Arc<Settings>,
    /// What COMMIT leaves.
    after_commit: Arc<Settings>,
    /// What ROLLBACK leaves.
    after_rollback: Arc<Settings>,
    pub block: Block,
    /// Nothing but SET was executed in this transaction, and no portal bound.
    pub fresh: bool,
    /// Something here differs from what it was before this transaction, or may.
    pub changed: bool,
    /// What strings mean was changed in this transaction: its end changes it again.
    pub strings: Strings,
}

/// Whether the settings that decide how the server reads strings are those that it has reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strings {
    AsReported,
    Changed,
}

impl State {
    pub fn new(settings: Arc<Settings>) -> State {
        State {
            now: Arc::clone(&settings),
            after_commit: Arc::clone(&settings),
            after_rollback: settings,
            block: Block::Outside,
            fresh: true,
            changed: false,
            strings: Strings::AsReported,
        }
    }

    /// The purposes that are in force or may be after the transaction.
    pub fn purposes(&self) -> impl Iterator<Item = Option<PurposeId>> {
        [&self.now, &self.after_commit, &self.after_rollback].into_iter().map(|settings| settings.purpose)
    }

    /// Whether this purpose ends with the transaction.
    pub fn is_local(&self, purpose: Option<PurposeId>) -> bool {
        self.now.purpose == purpose && self.after_commit.purpose != purpose
    }

    pub fn set(&mut self, reach: Reach, change: impl Fn(&Settings) -> Settings) {
        self.changed = true;
        if reach == Reach::Session {
            self.after_commit = Arc::new(change(&self.after_commit));
        }
        self.now = Arc::new(change(&self.now));
    }

    pub fn change_schema(&mut self, schema: Schema) {
        self.set(Reach::Transaction, |settings| Settings { schema, ..settings.clone() });
    }

    /// What is known of temporary tables does not go back with a transaction.
    pub fn put_temporary(&mut self, temporary: Standing) {
        for settings in [&mut self.now, &mut self.after_commit, &mut self.after_rollback] {
            *settings = Arc::new(Settings { temporary, ..(**settings).clone() });
        }
    }

    /// BEGIN. What the same message did before belongs to the same transaction.
    pub fn begin(&mut self) {
        self.block = Block::Inside;
    }

    /// COMMIT. In a transaction that has failed it is a ROLLBACK, which may not be known yet: where the two would leave
    /// different settings, only the server knows.
    pub fn commit(&mut self) {
        if self.after_commit != self.after_rollback {
            self.after_commit = Arc::new(self.after_commit.unsettled());
        }
        // What was changed is there for good.
        let schema = self.now.schema;
        if self.after_commit.schema != schema {
            self.after_commit = Arc::new(Settings { schema, ..(*self.after_commit).clone() });
        }
        self.now = Arc::clone(&self.after_commit);
        self.after_rollback = Arc::clone(&self.after_commit);
        self.over();
    }

    pub fn rollback(&mut self) {
        self.now = Arc::clone(&self.after_rollback);
        self.after_commit = Arc::clone(&self.after_rollback);
        self.over();
    }

    fn over(&mut self) {
        if self.strings == Strings::Changed {
            self.now = Arc::new(self.now.unsettled());
        }
        self.block = Block::Outside;
        self.fresh = true;
        self.changed = false;
    }

    /// `ROLLBACK TO` undoes what was set since the savepoint. The purpose cannot have been: it is set first of all.
    pub fn rollback_to(&mut self) {
        if self.changed {
            self.now = Arc::new(self.now.unsettled());
            self.after_commit = Arc::new(self.after_commit.unsettled());
        }
    }

    /// Outside a transaction, and all was answered: the shared catalog has what was committed, or is known to be behind.
    pub fn schema_is_shared(&mut self) {
        for settings in [&mut self.now, &mut self.after_commit, &mut self.after_rollback] {
            if settings.schema != Schema::AsRead {
                *settings = Arc::new(Settings { schema: Schema::AsRead, ..(**settings).clone() });
            }
        }
    }

    /// The end of a message or segment: outside a block it ends the implicit transaction.
    pub fn end_of_segment(&mut self) {
        if self.block == Block::Outside {
            if self.changed {
                self.commit();
            }
            self.fresh = true;
        }
    }

    /// Takes over what the server said, inside a transaction or outside.
    pub fn learn(&mut self, told: Settings, block: Block) {
        let schema = if block == Block::Inside { self.now.schema } else { Schema::AsRead };
        // Who says why is the client; the server need not be asked.
        let (justification, temporary) = (self.now.justification.clone(), self.now.temporary);
        let settings = Settings { schema, justification, temporary, ..told };
        match block {
            Block::Outside => *self = State::new(Arc::new(settings)),
            Block::Inside if *self.now == settings => {}
            // The rest of the transaction's history stays as it is known.
            Block::Inside => {
                self.now = Arc::new(settings);
                self.after_commit = Arc::new(self.after_commit.unsettled());
            }
        }
        self.block = block;
    }
}

/// Splits the text of `search_path` as the server does (`SplitIdentifierString`); `"$user"` becomes the current user.
/// `None` if the server would not take it either.
pub fn split_path(text: &str, user: &str) -> Option<SearchPath> {
    let mut schemas: Vec<Arc<str>> = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    if rest.is_empty() {
        return Some(SearchPath::new([]));
    }
    loop {
        let (name, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let (mut name, mut at) = (String::new(), 0);
            loop {
                let end = at + quoted[at..].find('"')?;
                name.push_str(&quoted[at..end]);
                at = end + 1;
                if !quoted[at..].starts_with('"') {
                    break;
                }
                name.push('"');
                at += 1;
            }
            (name, &quoted[at..])
        } else {
            let end = rest.find(|c| c == ',' || is_space(c)).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            (rest[..end].to_ascii_lowercase(), &rest[end..])
        };
        schemas.push(schema(&name, user));
        let after = after.trim_start_matches(is_space);
        match after.strip_prefix(',') {
            Some(more) => rest = more.trim_start_matches(is_space),
            None if after.is_empty() => return Some(SearchPath::new(schemas)),
            None => return None,
        }
    }
}

/// A search path from a list of names, as `SET search_path = a, b` gives it.
pub fn path_of<'a>(names: impl IntoIterator<Item = &'a str>, user: &str) -> SearchPath {
    SearchPath::new(names.into_iter().map(|name| schema(name, user)).collect::<Vec<_>>())
}

fn schema(name: &str, user: &str) -> Arc<str> {
    let name = if name == "$user" { user } else { name };
    Arc::from(crate::catalog::truncate_identifier(name))
}

/// `scanner_isspace`.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: &str) -> Settings {
        Settings::told(None, None, split_path(path, "me"))
    }

    fn to(path: &str) -> impl Fn(&Settings) -> Settings {
        let path = split_path(path, "me");
        move |settings| settings.with_path(path.as_ref())
    }

    #[test]
    fn paths() {
        for (text, expected) in [
            ("\"$user\", public", Some(vec!["me", "public"])),
            ("", Some(vec![])),
            (" A ,\"B\"\"c\" , \"d, e\"", Some(vec!["a", "B\"c", "d, e"])),
            ("a,", None),
            ("a b", None),
            ("\"a", None),
            (",", None),
            ("\"\"", Some(vec![""])),
        ] {
            let expected = expected.map(|names| path_of(names, ""));
            assert_eq!(split_path(text, "me"), expected, "{text}");
        }
    }

    #[test]
    fn transactions() {
        let mut state = State::new(Arc::new(settings("a")));
        state.begin();
        state.set(Reach::Session, to("b"));
        state.set(Reach::Transaction, to("c"));
        assert_eq!(*state.now, settings("c"));
        let mut committed = state.clone();
        committed.commit();
        assert_eq!(committed.now.path, None);
        let mut undone = state.clone();
        undone.rollback_to();
        assert_eq!(undone.now.path, None);
        undone.rollback();
        assert_eq!(*undone.now, settings("a"));
        undone.set(Reach::Session, to("d"));
        committed.set(Reach::Session, to("d"));
        assert_eq!((&undone.now.path, &committed.now.path), (&split_path("d", "me"), &None), "only the server knows");
        state.learn(settings("c"), Block::Inside);
        assert_eq!(*state.now, settings("c"));
    }

    #[test]
    fn the_end_of_a_message_ends_what_is_local() {
        let mut state = State::new(Arc::new(settings("a")));
        state.set(Reach::Transaction, to("b"));
        assert_eq!(*state.now, settings("b"));
        state.end_of_segment();
        assert_eq!(*state.now, settings("a"));
    }
}
