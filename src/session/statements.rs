//! Prepared statements: what the client meant, what the server has. The protocol's and those of SQL share their names.

use super::consider::{is_about_session, is_event, may_change_catalog};
use super::positions::by_table;
use super::purpose::is_declaration;
use super::temporary::defines;
use crate::enforce::{Judged, Names, Plan, Planned, Sight, View};
use crate::policy::Bound;
use crate::sql::Kind;
use crate::vocab::{Refusal, SqlState};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What using a statement means, without looking at its plan again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// SET, transaction control and the like, which mean the same under every purpose.
    pub of_session: bool,
    /// What is sent after it depends on it, or what it does depends on what was sent before.
    pub eventful: bool,
    /// `SET wherefore.…`.
    pub declaration: bool,
    /// Its comment names a purpose.
    pub commented: bool,
    /// It may change the catalog.
    pub catalog: bool,
    /// It leaves nothing behind in the session.
    pub traceless: bool,
}

impl Traits {
    pub fn of(judged: &Judged) -> Traits {
        match judged {
            Judged::One(planned) => {
                let kind = &planned.statement.kind;
                let of_session = is_about_session(kind);
                Traits {
                    of_session,
                    eventful: is_event(kind) || binds_late(planned),
                    declaration: is_declaration(kind),
                    commented: planned.statement.comment.is_some() && !of_session,
                    catalog: may_change_catalog(kind) && !defines(judged),
                    traceless: of_session || matches!(kind, Kind::Show(_)),
                }
            }
            Judged::Many(_) | Judged::Empty => Traits {
                of_session: false,
                eventful: false,
                declaration: false,
                commented: false,
                catalog: false,
                traceless: true,
            },
        }
    }

    /// Those of the statement that a PREPARE prepares.
    pub fn of_prepared(judged: &Judged) -> Traits {
        Traits { eventful: false, traceless: false, ..Traits::of(judged) }
    }
}

/// Names in it mean what they mean when it is executed, not when it is bound.
fn binds_late(planned: &Planned) -> bool {
    matches!(&planned.plan, Plan::Rewrite(rewritten) if rewritten.names == Names::Late)
}

/// What a prepared statement takes beside its texts: names, the plan's own parts.
const OVERHEAD: usize = 256;

/// A prepared statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The client's text; `None` where it was not UTF-8 (unrestricted purposes only).
    pub text: Option<Arc<str>>,
    /// Parameter types as they came: a count and OIDs. Empty for a count of zero.
    pub types: Box<[u8]>,
    /// The view it was last judged under, the comment's purpose included.
    pub view: Arc<View>,
    pub judged: Arc<Judged>,
    pub traits: Traits,
    /// What the server was sent instead of the client's text.
    pub sent: Option<Arc<str>>,
    /// The names of its result's columns, where the rewriter knows them.
    pub columns: Option<Arc<[Arc<str>]>>,
    /// The name the server knows it by, if not the client's.
    pub private: Option<Box<str>>,
    pub stands: Stands,
    pub origin: Origin,
}

/// How a statement was prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// By a Parse.
    Protocol,
    /// By a PREPARE, which its text is.
    Sql,
}

/// Whether the server has the statement as it was last judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    AsJudged,
    /// The private one is gone: it must be prepared again.
    Lost,
}

impl Statement {
    pub fn types(&self) -> &[u8] {
        if self.types.is_empty() { &[0, 0] } else { &self.types }
    }

    /// Where an error position in what was sent stands in the client's text.
    pub fn original_position(&self, position: u32) -> u32 {
        match &*self.judged {
            Judged::One(Planned { plan: Plan::Rewrite(rewritten), .. }) => by_table(&rewritten.positions, position),
            Judged::One(Planned { plan: Plan::Forward | Plan::Refuse(_), .. }) | Judged::Many(_) | Judged::Empty => {
                position
            }
        }
    }

    /// How much of its relations it sees.
    pub fn sight(&self) -> Sight {
        match &*self.judged {
            Judged::One(Planned { plan: Plan::Rewrite(rewritten), .. }) => rewritten.sight,
            // Not understood.
            Judged::One(Planned { plan: Plan::Forward | Plan::Refuse(_), .. }) | Judged::Many(_) | Judged::Empty => {
                Sight::Rows
            }
        }
    }

    /// What it takes in memory, about.
    pub fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().flat_map(|columns| columns.iter()).map(|name| name.len() + 16).sum();
        let texts = self.text.as_ref().map_or(0, |text| text.len()) + self.sent.as_ref().map_or(0, |sent| sent.len());
        OVERHEAD + texts + self.types.len() + columns
    }
}

/// The statements of one session, bounded in number and bytes.
#[derive(Debug)]
pub struct Statements {
    unnamed: Option<Statement>,
    named: FxHashMap<Box<[u8]>, Statement>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
}

impl Statements {
    pub fn new(most: usize, most_bytes: usize) -> Statements {
        Statements { unnamed: None, named: FxHashMap::default(), bytes: 0, most, most_bytes }
    }

    pub fn get(&self, name: &[u8]) -> Option<&Statement> {
        if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name) }
    }

    /// Whether another statement of that size fits, with `pending` not yet confirmed.
    pub fn room(&self, name: &[u8], text: usize, pending: usize) -> Result<(), Refusal> {
        let (count, bytes) = (self.named.len() + pending, self.bytes + text);
        if name.is_empty() || (count < self.most && bytes <= self.most_bytes) {
            return Ok(());
        }
        let (what, setting) = if count >= self.most {
            (format!("{} prepared statements", self.most), "limits.prepared_statements")
        } else {
            (format!("{} bytes of prepared statements", self.most_bytes), "limits.prepared_bytes")
        };
        Err(Refusal::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("a session may hold {what}"))
            .with_hint(format!("Close statements that are no longer used, or raise {setting} in the proxy's config.")))
    }

    /// Puts a statement in place; returns the one that it replaces.
    pub fn put(&mut self, name: Box<[u8]>, statement: Statement) -> Option<Statement> {
        self.bytes += statement.bytes();
        let old = if name.is_empty() { self.unnamed.replace(statement) } else { self.named.insert(name, statement) };
        self.bytes -= old.as_ref().map_or(0, Statement::bytes);
        old
    }

    pub fn remove(&mut self, name: &[u8]) -> Option<Statement> {
        let old = if name.is_empty() { self.unnamed.take() } else { self.named.remove(name) };
        self.bytes -= old.as_ref().map_or(0, Statement::bytes);
        old
    }

    /// Lets go of catalogs that are not this one. What was judged under them is judged again before it is used.
    pub fn keep_only(&mut self, bound: &Arc<Bound>) {
        for statement in self.unnamed.iter_mut().chain(self.named.values_mut()) {
            let before = statement.view.bound();
            if !Arc::ptr_eq(before, bound) && before.policy().version() == bound.policy().version() {
                statement.view = Arc::new(statement.view.outlived(bound));
            }
        }
    }

    /// `DEALLOCATE ALL`, `DISCARD ALL`: every named statement; the unnamed one stays, as in the server.
    pub fn clear_named(&mut self) {
        self.named = FxHashMap::default();
        if let Some(unnamed) = &mut self.unnamed
            && unnamed.private.take().is_some()
        {
            unnamed.stands = Stands::Lost;
        }
        self.bytes = self.unnamed.as_ref().map_or(0, Statement::bytes);
    }
}
