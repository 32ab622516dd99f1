//! COPY between the client and a relation or query.

use super::Verb;
use super::columns::{column_node, target_node};
use super::label::Label;
use super::resolver::{Outcome, Resolver, not_understood, unresolved};
use super::scope::{Level, Star, Written};
use super::write::{Draft, named};
use crate::catalog::{Relation, RelationKind};
use crate::sql::{empty_select, string};
use crate::vocab::{Right, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{CopyStmt, DefElem, Node, RangeVar};
use std::sync::Arc;

/// What COPY can be told (PostgreSQL 13 to 18). None of it names a file or runs anything.
const OPTIONS: [&str; 15] = [
    "format",
    "freeze",
    "delimiter",
    "null",
    "default",
    "header",
    "quote",
    "escape",
    "force_quote",
    "force_not_null",
    "force_null",
    "on_error",
    "reject_limit",
    "log_verbosity",
    "encoding",
];

impl Resolver<'_> {
    pub(super) fn copy(&mut self, copy: &mut CopyStmt) -> Outcome<()> {
        let CopyStmt { relation, query, attlist, is_from, is_program, filename, options, where_clause } = copy;
        if *is_program || !filename.is_empty() {
            return not_understood("COPY with a file or program of the server", -1);
        }
        for option in options.iter_mut() {
            let Some(NodeEnum::DefElem(option)) = &mut option.node else {
                return not_understood("an option of COPY", -1);
            };
            let DefElem { defnamespace: _, defname, arg, defaction: _, location, arg_location: _ } = &mut **option;
            if !OPTIONS.contains(&defname.as_str()) {
                return not_understood(format!("COPY option {defname}"), *location);
            }
            // `(freeze on)` would be printed in an old way of writing that the parser reads as another tree.
            if defname == "freeze" && arg.as_deref().and_then(string).is_some_and(|word| word == "on") {
                *arg = None;
            }
        }
        if *is_from {
            return self.copy_from(relation, attlist, where_clause);
        }
        if let Some(query) = query {
            return match &mut query.node {
                Some(NodeEnum::SelectStmt(select)) => {
                    self.with_stars(self.context.stars, |inner| inner.query(select, Some(Usage::Output))).map(|_| ())
                }
                Some(statement) => self.write(statement).map(|_| ()),
                None => not_understood("COPY of nothing", -1),
            };
        }
        let Some(range) = relation.take() else { return not_understood("COPY of nothing", -1) };
        *query = Some(Box::new(self.relation_as_query(range, std::mem::take(attlist))?));
        Ok(())
    }

    /// `COPY t (a, b) TO` reads like `SELECT a, b FROM ONLY t`, which a guard can stand in for.
    fn relation_as_query(&mut self, range: RangeVar, listed: Vec<Node>) -> Outcome<Node> {
        let found = self.find_relation(&range.schemaname, &range.relname, range.location)?;
        match found.kind {
            RelationKind::Table => {}
            RelationKind::PartitionedTable
            | RelationKind::View
            | RelationKind::MaterializedView
            | RelationKind::ForeignTable
            | RelationKind::Sequence => {
                // Postgres refuses most of these itself, with this hint.
                return not_understood(format!("COPY of a {}: use COPY (SELECT …)", found.kind.word()), range.location);
            }
        }
        let names = if listed.is_empty() { self.every_open_column(found) } else { listed };
        let alias: Arc<str> = Arc::clone(&found.name);
        let mut select = empty_select();
        for name in &names {
            let name = match &name.node {
                Some(NodeEnum::ResTarget(target)) => target.name.as_str(),
                Some(_) | None => string(name).unwrap_or_default(),
            };
            let written = Written::Qualified(Arc::clone(&alias), name.into());
            select.target_list.push(target_node(column_node(&written, range.location), range.location));
        }
        select.from_clause = vec![Node { node: Some(NodeEnum::RangeVar(RangeVar { inh: false, ..range })) }];
        self.query(&mut select, Some(Usage::Output))?;
        Ok(Node { node: Some(NodeEnum::SelectStmt(Box::new(select))) })
    }

    /// The columns of a COPY TO that lists none.
    fn every_open_column(&self, relation: &Relation) -> Vec<Node> {
        let open = |index: usize| self.star_of(relation, index) == Star::Expands;
        let columns = relation.columns.iter().enumerate().filter(|(_, column)| !column.generated);
        let names: Vec<Node> =
            columns.filter(|(index, _)| open(*index)).map(|(_, column)| named(&column.name)).collect();
        if names.is_empty() { every_column(relation) } else { names }
    }

    fn copy_from(
        &mut self,
        relation: &mut Option<RangeVar>,
        listed: &mut Vec<Node>,
        where_clause: &mut Option<Box<Node>>,
    ) -> Outcome<()> {
        let target = self.target(relation, Right::Insert)?;
        if let Some(view) = &target.view {
            let message = format!("cannot copy to view \"{}\"", view.relation.name);
            return unresolved(SqlState::WRONG_OBJECT_TYPE, message, target.at);
        }
        let mut names: Vec<Node> = listed.iter().filter_map(string).map(named).collect();
        if names.is_empty() {
            names = every_column(target.relation);
        }
        let labels = vec![Label::none(); names.len()];
        self.levels.push(Level::default());
        let assigned = self.insert_columns(&target, &mut names, &labels)?;
        // What comes is what was understood, also when the table has got another column meanwhile.
        *listed = target_names(target.relation, &assigned.iter().map(|a| a.index).collect::<Vec<_>>());
        if let Some(condition) = where_clause {
            self.push_entry(target.entry());
            self.expression(condition, Some(Usage::Filter))?;
        }
        self.levels.pop();
        self.drafts.push(Draft::plain(&target, Verb::Insert, assigned));
        Ok(())
    }
}

/// The columns of a COPY that lists none.
fn every_column(relation: &Relation) -> Vec<Node> {
    relation.columns.iter().filter(|column| !column.generated).map(|column| named(&column.name)).collect()
}

fn target_names(relation: &Relation, indexes: &[usize]) -> Vec<Node> {
    let names = indexes.iter().filter_map(|index| relation.columns.get(*index));
    names.map(|column| super::columns::text_node(&column.name)).collect()
}
