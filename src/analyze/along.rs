//! What CASCADE would take along. A definition that takes more than it names is refused.

use super::alter::users_of_type;
use super::definition::{Definition, Dropped};
use super::resolver::{Outcome, Resolver, not_understood};
use crate::catalog::{Function, Relation};
use crate::sql::string;
use crate::vocab::Oid;
use pg_query::NodeEnum;
use pg_query::protobuf::Node;

impl Resolver<'_> {
    /// Whether nothing else goes with a relation, or with a column of it, but what is part of it, and views, which are noted.
    pub(super) fn nothing_goes_along(
        &self,
        relation: &Relation,
        column: Option<&str>,
        at: i32,
        definition: &mut Definition,
    ) -> Outcome<()> {
        let catalog = self.context.catalog;
        let along = |what: String| not_understood(format!("CASCADE that would take {what} along"), at);
        for one in catalog.with_descendants(relation) {
            self.views_go_along(one, column, at, definition)?;
            let number = column.and_then(|name| one.columns.iter().find(|known| *known.name == *name));
            let meant = |key: &crate::catalog::ForeignKey| {
                column.is_none() || number.is_some_and(|column| key.referenced.contains(&column.number))
            };
            let within = |oid: Oid| catalog.with_descendants(relation).iter().any(|known| known.oid == oid);
            let mut references = catalog.references_to(one.oid).filter(|(table, key)| !within(table.oid) && meant(key));
            if let Some((table, _)) = references.next() {
                return along(format!("a foreign key of {}.{}", table.schema, table.name));
            }
            if let Some(column) = number
                && one
                    .ties
                    .iter()
                    .any(|tie| tie.computes && tie.name != column.name && tie.columns.contains(&column.number))
            {
                return along("what is computed from it".to_owned());
            }
            let users = || catalog.snapshot().sequence_users.iter();
            let own = users()
                .filter(|user| user.table == one.oid && number.is_none_or(|column| user.column == column.number));
            for user in own {
                let elsewhere = |other: &&crate::catalog::SequenceUser| {
                    other.sequence == user.sequence && (other.table, other.column) != (user.table, user.column)
                };
                if users().any(|other| elsewhere(&other)) {
                    return along("a default that draws from its sequence".to_owned());
                }
            }
            if column.is_none() {
                self.no_row_type_goes_along(one, at)?;
            }
        }
        Ok(())
    }

    /// The views that go with a relation, and with those views.
    fn views_go_along(
        &self,
        relation: &Relation,
        column: Option<&str>,
        at: i32,
        definition: &mut Definition,
    ) -> Outcome<()> {
        let catalog = self.context.catalog;
        let mut next = vec![(relation, column)];
        let mut seen: Vec<Oid> = Vec::new();
        while let Some((relation, column)) = next.pop() {
            if relation.is_hung_on {
                return not_understood(
                    "CASCADE that would take a trigger, a policy, a rule or a publication along",
                    at,
                );
            }
            if let Some(function) = catalog.dependent_function(relation, column) {
                let what = format!("CASCADE that would take function {}.{} along", function.schema, function.name);
                return not_understood(what, at);
            }
            for view in catalog.dependent_views(relation, column) {
                if seen.contains(&view.oid) {
                    continue;
                }
                seen.push(view.oid);
                self.no_row_type_goes_along(view, at)?;
                let at = u32::try_from(at).ok();
                definition.dropped.push(Dropped { relation: view.oid, columns: None, at });
                next.push((view, None));
            }
        }
        Ok(())
    }

    /// Columns, types and functions of a relation's rows.
    fn no_row_type_goes_along(&self, relation: &Relation, at: i32) -> Outcome<()> {
        let catalog = self.context.catalog;
        let along = |what: String| not_understood(format!("CASCADE that would take {what} along"), at);
        let Some(info) = catalog.types(&relation.name).find(|info| info.schema == relation.schema) else {
            return Ok(());
        };
        if let Some((table, column)) = users_of_type(catalog, info.oid).first() {
            return along(format!("column {} of {}.{}", column.name, table.schema, table.name));
        }
        let is = |oid: &Oid| *oid == info.oid || (*oid == info.array && info.array != 0);
        if let Some(other) = catalog.snapshot().types.iter().find(|other| other.parts.iter().any(is)) {
            return along(format!("type {}.{}", other.schema, other.name));
        }
        let takes = |function: &&Function| function.argument_types.iter().any(is) || is(&function.returns);
        match catalog.snapshot().functions.iter().find(takes) {
            Some(function) => along(format!("function {}.{}", function.schema, function.name)),
            None => Ok(()),
        }
    }

    /// Sequences and indexes are dropped with nothing else.
    pub(super) fn no_user_goes_along(&self, objects: &[Node]) -> Outcome<()> {
        let catalog = self.context.catalog;
        for object in objects {
            let Some(NodeEnum::List(list)) = &object.node else { return not_understood("a name in DROP", -1) };
            let name = list.items.last().and_then(string).unwrap_or_default();
            let mut users = catalog.snapshot().sequence_users.iter();
            let used = users.any(|user| catalog.relation(user.sequence).is_some_and(|known| *known.name == *name));
            let mut called = catalog.relations().iter().filter(|known| *known.name == *name).peekable();
            if used || called.peek().is_none() || called.any(|known| known.is_hung_on) {
                return not_understood("DROP SEQUENCE or INDEX … CASCADE", -1);
            }
        }
        Ok(())
    }
}
