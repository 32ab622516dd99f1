//! Temporary tables of a session: nothing but what it was shown, or gave, is in them.

use super::{Bound, ColumnRuling, Effect, Filter, RelationRuling};
use crate::catalog::{Column, Relation, Temporaries};
use crate::vocab::Cause;
use std::sync::Arc;

impl Bound {
    /// The same for a session that has or may have temporary tables.
    pub fn with_temporary(&self, temporary: Arc<Temporaries>) -> Bound {
        let mut own = self.clone();
        own.catalog = Arc::new(self.catalog.with_temporary(temporary));
        own
    }
}

impl RelationRuling {
    /// That on a temporary table. Only what the session was shown, or gave, is in it: all of it is the session's own.
    pub(super) fn of_temporary(relation: &Relation) -> RelationRuling {
        let open = |column: &Column| ColumnRuling {
            number: column.number,
            effect: Effect::Allow,
            filter: Filter::AsShown,
            closed: Arc::default(),
            categories: Arc::default(),
            subject: None,
            cause: Cause::Temporary,
        };
        RelationRuling {
            relation: relation.oid,
            columns: relation.columns.iter().map(open).collect(),
            rows: Box::default(),
            subject_key: None,
            rows_per_subject: None,
            bounds: Arc::default(),
            declared: None,
        }
    }
}
