//! Writes to what conditions on other tables read.

use super::landing::landings;
use super::writes::Judged;
use crate::analyze::Verb;
use crate::catalog::quote_qualified;
use crate::policy::RowCondition;
use crate::vocab::{Oid, Refusal, Right};

impl Judged<'_> {
    /// Whether the write changes what conditions on other tables read: they decide what the purpose sees. Rows may come and go
    /// of a table where none of another can be there before what it refers to.
    pub(super) fn what_decides(&self) -> Result<(), Box<Refusal>> {
        let bound = self.view.bound();
        let Some(reader) = self.view.reader() else { return Ok(()) };
        let deciding = bound.deciding(reader);
        if deciding.is_empty() {
            return Ok(());
        }
        let truncates = self.write.verbs.iter().any(|verb| matches!(verb, Verb::Truncate | Verb::TruncateCascade));
        for landing in landings(bound.catalog(), self.write) {
            let oid = landing.relation.oid;
            let decides = |index: usize| deciding.contains(&(oid, index));
            let of_rows = landing.rows || truncates || self.write.verbs.contains(&Verb::TruncateCascade);
            let rows = of_rows && deciding.iter().any(|(of, _)| *of == oid) && (truncates || !self.is_anchor(oid));
            let updated = landing.columns.iter().find(|(index, by)| {
                let inserted = by.is_some_and(|by| self.write.assigned[by].right == Right::Insert);
                decides(*index) && !inserted
            });
            if !rows && updated.is_none() && !self.write.verbs.contains(&Verb::TruncateCascade) {
                continue;
            }
            let name = quote_qualified(&landing.relation.schema, &landing.relation.name);
            let what = match updated.and_then(|(index, _)| landing.relation.columns.get(*index)) {
                Some(column) => format!("{name}.{}", column.name),
                None => format!("the rows of {name}"),
            };
            let message = format!("{} may not write to {what}, by which conditions decide what it sees", self.reader());
            return Err(self.refused(message, "a condition or the subject key of another table reads it".to_owned()));
        }
        Ok(())
    }

    /// Whether every condition of the purpose that reads a table has it for its anchor.
    fn is_anchor(&self, oid: Oid) -> bool {
        let bound = self.view.bound();
        bound.catalog().relations().iter().all(|relation| {
            [Right::Read, Right::Insert, Right::Update, Right::Delete].into_iter().all(|right| {
                let ruling = bound.ruling_for(self.view.reader(), right, relation);
                let reads = |row: &&RowCondition| row.reads.iter().any(|(of, _)| *of == oid);
                ruling.rows.iter().filter(reads).all(|row| row.anchors.contains(&oid))
            })
        })
    }
}
