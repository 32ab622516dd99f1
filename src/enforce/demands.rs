//! What a purpose demands of statements beside what its rules open: a justification, columns written out, and categories that do not
//! meet.

use super::report;
use super::view::{Justification, View};
use crate::analyze::Resolved;
use crate::catalog::{Relation, quote_identifier, quote_qualified};
use crate::policy::{Demanded, Effect, Mask, Met};
use crate::sql::{Visitor, walk};
use crate::vocab::{Clause, NotUnderstood, Oid, Refusal, SqlState};
use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use std::sync::Arc;

pub(super) fn refusal(text: &str, message: String, at: Option<u32>) -> Refusal {
    Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_position(text, at)
}

pub(super) fn words(view: &View) -> String {
    report::reader(view).unwrap_or_default()
}

/// Refuses stars and natural joins where columns must be named. The tree is as the client wrote it.
pub(super) fn names_columns(view: &View, text: &str, tree: &mut Node) -> Result<(), Box<Refusal>> {
    let Some(named) = view.purpose().and_then(|purpose| view.bound().policy().named_columns_only(purpose)) else {
        return Ok(());
    };
    struct Stars(Option<(&'static str, i32)>);
    impl Visitor for Stars {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            let is_star = |nodes: &[Node]| nodes.iter().any(|node| matches!(node.node, Some(NodeEnum::AStar(_))));
            let found = match &node.node {
                Some(NodeEnum::ColumnRef(reference)) if is_star(&reference.fields) => {
                    Some(("a star", reference.location))
                }
                Some(NodeEnum::AIndirection(indirection)) if is_star(&indirection.indirection) => Some(("a star", -1)),
                Some(NodeEnum::ResTarget(target)) if is_star(&target.indirection) => Some(("a star", target.location)),
                Some(NodeEnum::JoinExpr(join)) if join.is_natural => Some(("NATURAL JOIN", -1)),
                Some(NodeEnum::CopyStmt(copy)) if copy.relation.is_some() && copy.attlist.is_empty() => {
                    Some(("COPY of every column", -1))
                }
                Some(_) | None => None,
            };
            self.0 = self.0.or(found);
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut stars = Stars(None);
    if let Err(reason) = walk(tree, &mut stars) {
        return Err(Box::new(report::not_understood(view, text, &reason)));
    }
    match stars.0 {
        Some((what, at)) => Err(Box::new(unnamed(view, text, what, &named, u32::try_from(at).ok()))),
        None => Ok(()),
    }
}

fn unnamed(view: &View, text: &str, what: &str, named: &Demanded<bool>, at: Option<u32>) -> Refusal {
    let message = format!("{} takes named columns only, not {what}", words(view));
    rests_on(&named.clause, refusal(text, message, at).with_hint("Write out the columns that are needed."))
}

/// Quotes the clause that a demand rests on, if it cites one.
pub(super) fn rests_on(clause: &Option<Arc<Clause>>, refusal: Refusal) -> Refusal {
    match clause {
        Some(clause) => refusal.with_detail(clause.quoted()),
        None => refusal,
    }
}

/// Holds a resolved statement against the demands of its purpose.
pub(super) fn permit(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    let Some(reader) = view.reader() else { return Ok(()) };
    let id = reader.purpose;
    let bound = view.bound();
    let policy = bound.policy();
    let relation = |oid: Oid| bound.catalog().relation(oid).filter(|relation| !is_system(relation));
    let users = || resolved.relations.iter().filter(|reference| relation(reference.relation).is_some());
    if let (Justification::Missing, Some(reference)) = (view.justification(), users().next())
        && let Some(wanted) = policy.justification(id)
    {
        let message = format!("{} needs a justification", words(view));
        let hint = format!("SET wherefore.justification = '…', which matches {}", wanted.asked.as_str());
        let refusal = refusal(text, message, u32::try_from(reference.origin).ok()).with_hint(hint);
        return Err(Box::new(rests_on(&wanted.clause, refusal)));
    }
    if let Some(named) = policy.named_columns_only(id)
        && let Some(at) = users().find_map(|reference| reference.whole_row)
    {
        return Err(Box::new(unnamed(view, text, "a whole row", &named, Some(at))));
    }
    let mut columns: Vec<(Oid, usize)> = Vec::new();
    let mut places = Vec::new();
    for reference in users() {
        let Some(relation) = relation(reference.relation) else { continue };
        let ruling = bound.ruling(Some(reader), relation);
        for column in &reference.columns {
            // What is the same for every row tells nothing.
            let constant = ruling.columns.get(column.index).is_some_and(|ruled| is_constant(&ruled.effect));
            if !constant {
                columns.push((relation.oid, column.index));
                places.push(column.at);
            }
        }
    }
    match bound.met(reader, &columns) {
        None => Ok(()),
        Some(met) => Err(Box::new(together(view, text, &met, &columns, &places))),
    }
}

fn is_constant(effect: &Effect) -> bool {
    matches!(effect, Effect::Mask(Mask::Null | Mask::Constant(_)))
}

fn is_system(relation: &Relation) -> bool {
    matches!(&*relation.schema, "pg_catalog" | "information_schema")
}

fn together(view: &View, text: &str, met: &Met, columns: &[(Oid, usize)], places: &[Option<u32>]) -> Refusal {
    let name = |at: usize| {
        let (oid, index) = columns[at];
        let relation = view.bound().catalog().relation(oid);
        let column = relation.and_then(|relation| relation.columns.get(index));
        let table = relation.map_or_else(String::new, |relation| quote_qualified(&relation.schema, &relation.name));
        format!("{table}.{}", column.map_or_else(String::new, |column| quote_identifier(&column.name)))
    };
    let (first, second) = met.columns;
    let message =
        format!("{} may not bring {} and {} together in one statement", words(view), name(first), name(second));
    let (one, other) = &met.categories;
    let clause = met.clause.as_ref().map_or_else(String::new, |clause| format!(", {}", clause.quoted()));
    let detail = format!("categories \"{one}\" and \"{other}\" are never together{clause}");
    refusal(text, message, places.get(second).copied().flatten()).with_detail(detail)
}
