//! Reading a snapshot: what to ask the server, and what its answers amount to.
//!
//! The same questions are asked over a connection of the proxy's own, and over a session's where its transaction has changed
//! the schema: nobody else sees it. Such a transaction sees what came with the server as everyone does, and what another role
//! may see less of is no matter of its own: that is taken from the snapshot that is shared.

mod answer;
mod relations;
mod routines;
mod temporary;
mod written;

pub use answer::{Answer, Unreadable};
pub use temporary::{TEMPORARY_RELATIONS, temporary};

use super::{FIRST_USER_OID, Snapshot};
use answer::Row;
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Schemas,
    Columns,
    Ties,
    ForeignKeys,
    Triggers,
    Calls,
    /// Of views. Null where someone else keeps a view's relations locked.
    Definitions,
    Comments,
    Relations,
    Functions,
    Operators,
    Casts,
    Types,
    SequenceUsers,
    Roles,
    Members,
    Prefixes,
}

/// In the order in which they are asked.
const TOPICS: [Topic; 17] = [
    Topic::Schemas,
    Topic::Columns,
    Topic::Ties,
    Topic::ForeignKeys,
    Topic::Triggers,
    Topic::Calls,
    Topic::Definitions,
    Topic::Comments,
    Topic::Relations,
    Topic::Functions,
    Topic::Operators,
    Topic::Casts,
    Topic::Types,
    Topic::SequenceUsers,
    Topic::Roles,
    Topic::Members,
    Topic::Prefixes,
];

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// What a transaction may have changed.
    Changeable,
}

/// A path so that names in types and definitions come out qualified; formats of constants in definitions, and quotes, that
/// mean the same in every session. A temporary table would stand before the catalog's own if its schema were not listed.
pub const SETTINGS: [(&str, &str); 6] = [
    ("search_path", "pg_catalog, pg_temp"),
    ("datestyle", "ISO"),
    ("timezone", "UTC"),
    ("intervalstyle", "iso_8601"),
    ("extra_float_digits", "3"),
    ("quote_all_identifiers", "off"),
];

/// What to ask, with what it is about, in order.
pub fn questions(server_version: u32, extent: Extent) -> impl Iterator<Item = (Topic, String)> {
    let (since, asked) = match extent {
        Extent::Whole => (0, &TOPICS[..]),
        Extent::Changeable => (FIRST_USER_OID, &TOPICS[..14]),
    };
    asked.iter().map(move |topic| (*topic, topic.question(server_version, since)))
}

/// Those of temporary relations belong to sessions.
const SCHEMAS: &str = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_' ORDER BY nspname::text";

impl Topic {
    fn question(self, server_version: u32, since: u32) -> String {
        match self {
            Topic::Schemas => SCHEMAS.to_owned(),
            Topic::Columns => relations::columns(since),
            Topic::Ties => written::TIES.to_owned(),
            Topic::ForeignKeys => written::foreign_keys(server_version),
            Topic::Triggers => written::TRIGGERS.to_owned(),
            Topic::Calls => written::CALLS.to_owned(),
            Topic::Definitions => relations::DEFINITIONS.to_owned(),
            Topic::Comments => relations::COMMENTS.to_owned(),
            Topic::Relations => relations::relations(since),
            Topic::Functions => routines::functions(server_version, since),
            Topic::Operators => routines::operators(),
            Topic::Casts => routines::casts(),
            Topic::Types => routines::types(server_version, since),
            Topic::SequenceUsers => routines::SEQUENCE_USERS.to_owned(),
            Topic::Roles => "SELECT oid, rolname FROM pg_roles ORDER BY oid".to_owned(),
            Topic::Members => "SELECT member, roleid FROM pg_auth_members".to_owned(),
            // Settings that a session made up are not shown.
            Topic::Prefixes => "SELECT lower(split_part(name, '.', 1)) FROM pg_settings WHERE name LIKE '%.%'
                UNION SELECT lower(extname) FROM pg_extension ORDER BY 1"
                .to_owned(),
        }
    }
}

/// The answers to questions.
#[derive(Debug, Default)]
pub struct Answers([Answer; TOPICS.len()]);

impl Answers {
    /// The answer to the question about this, to be filled.
    pub fn to(&mut self, topic: Topic) -> &mut Answer {
        &mut self.0[topic as usize]
    }

    fn of(&self, topic: Topic) -> impl Iterator<Item = Row<'_>> {
        self.0[topic as usize].rows()
    }

    /// Whether someone else's lock kept the definition of a view back.
    pub fn lack_definitions(&self) -> bool {
        self.of(Topic::Definitions).any(|row| matches!(row.cell(1), Ok(None)))
    }

    /// The snapshot that they amount to, all of it having been asked.
    pub fn whole(&self, database: &str, server_version: u32) -> Result<Snapshot, Unreadable> {
        let mut names = Names::default();
        let mut snapshot = Snapshot { database: database.to_owned(), server_version, ..Snapshot::default() };
        self.add_to(&mut snapshot, &mut names)?;
        snapshot.roles = relations::roles(self, &mut names)?;
        for row in self.of(Topic::Prefixes) {
            snapshot.setting_prefixes.push(names.get(row.text(0)?));
        }
        Ok(snapshot)
    }

    /// The snapshot of a transaction that may have changed what was asked; all else as it is shared.
    pub fn inside(&self, shared: &Snapshot) -> Result<Snapshot, Unreadable> {
        let mut snapshot = Snapshot {
            database: shared.database.clone(),
            server_version: shared.server_version,
            schemas: Vec::new(),
            relations: shared.relations.iter().filter(|r| r.oid < FIRST_USER_OID).cloned().collect(),
            functions: shared.functions.iter().filter(|f| f.oid < FIRST_USER_OID).cloned().collect(),
            operators: Vec::new(),
            own_operators: Vec::new(),
            casts: Vec::new(),
            types: shared.types.iter().filter(|t| t.oid < FIRST_USER_OID).cloned().collect(),
            sequence_users: Vec::new(),
            roles: shared.roles.clone(),
            setting_prefixes: shared.setting_prefixes.clone(),
        };
        self.add_to(&mut snapshot, &mut Names::default())?;
        Ok(snapshot)
    }

    fn add_to(&self, snapshot: &mut Snapshot, names: &mut Names) -> Result<(), Unreadable> {
        for row in self.of(Topic::Schemas) {
            snapshot.schemas.push(names.get(row.text(0)?));
        }
        snapshot.relations.extend(relations::read(self, names)?);
        routines::read(self, snapshot, names)
    }
}

/// Equal names share their memory.
#[derive(Default)]
struct Names(FxHashSet<Arc<str>>);

impl Names {
    fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_has_its_own_place() {
        for (at, topic) in TOPICS.into_iter().enumerate() {
            assert_eq!(topic as usize, at);
        }
        let asked: Vec<Topic> = questions(150_000, Extent::Changeable).map(|(topic, _)| topic).collect();
        assert_eq!(asked, TOPICS[..14]);
        assert!(!asked.contains(&Topic::Roles) && !asked.contains(&Topic::Prefixes));
    }
}
