//! What a record of a decision says of the statement: its text without values, and what it is exposed to.

use super::explain::RelationReport;
use super::judge;
use super::view::{Traces, View};
use super::{Limits, Understood};
use crate::sql::{Kind, Values, without_values};
use pg_query::protobuf::Node;
use std::sync::{Arc, OnceLock};

/// Made with a plan, and shared by all who execute it.
#[derive(Debug)]
pub struct Trace {
    statement: Option<Box<str>>,
    exposed: Box<[RelationReport]>,
    rendered: OnceLock<Box<str>>,
}

impl Trace {
    /// The trace of a statement, where traces are kept.
    pub(super) fn of(
        view: &View,
        text: &str,
        understood: &Understood,
        tree: &Node,
        limits: &Limits,
    ) -> Option<Arc<Trace>> {
        match limits.traces {
            Traces::None => None,
            Traces::Kept => {
                let exposed = match reads(&understood.kind) {
                    true => judge::exposures(view, tree.clone()),
                    false => Vec::new(),
                };
                Some(Trace::new(text, &understood.kind, exposed, limits))
            }
        }
    }

    /// The trace of a text that was not read.
    pub(super) fn unread(text: &str, limits: &Limits) -> Option<Arc<Trace>> {
        (limits.traces == Traces::Kept).then(|| Trace::new(text, &Kind::Unread, Vec::new(), limits))
    }

    fn new(text: &str, kind: &Kind, exposed: Vec<RelationReport>, limits: &Limits) -> Arc<Trace> {
        let values = if matches!(kind, Kind::Set(_)) { Values::Setting } else { Values::Literals };
        // What is too long to be read is too long to be taken apart.
        let short = Some(text).filter(|text| text.len() <= limits.statement_bytes);
        let statement = short.and_then(|text| without_values(text, values)).map(String::into_boxed_str);
        Arc::new(Trace { statement, exposed: exposed.into(), rendered: OnceLock::new() })
    }

    /// The text without its values; `None` where it could not be taken apart.
    pub fn statement(&self) -> Option<&str> {
        self.statement.as_deref()
    }

    /// The references to relations, with the columns used; empty where names do not resolve.
    pub fn exposed(&self) -> &[RelationReport] {
        &self.exposed
    }

    /// What whoever keeps records has made of it, made once.
    pub fn rendered(&self, render: impl FnOnce(&Trace) -> Box<str>) -> &str {
        self.rendered.get_or_init(|| render(self))
    }

    /// What it holds, in bytes, what is made of it included.
    pub(super) fn bytes(&self) -> usize {
        let columns: usize = self.exposed.iter().map(|relation| 1 + relation.columns.len()).sum();
        2 * self.statement.as_ref().map_or(0, |text| text.len()) + 512 * columns
    }
}

/// Whether a statement of this kind names relations.
fn reads(kind: &Kind) -> bool {
    match kind {
        Kind::Read
        | Kind::Write
        | Kind::Bulk
        | Kind::Call
        | Kind::Explain
        | Kind::Prepare(_)
        | Kind::Declare(_)
        | Kind::Lock
        | Kind::Define(_) => true,
        Kind::Unread
        | Kind::Transaction(_)
        | Kind::Set(_)
        | Kind::Show(_)
        | Kind::Discard(_)
        | Kind::Deallocate(_)
        | Kind::Execute(_)
        | Kind::Fetch(_)
        | Kind::Close(_)
        | Kind::Signal(_)
        | Kind::Other(_) => false,
    }
}
