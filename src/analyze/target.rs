//! The relation that a statement writes to.

use super::Shape;
use super::label::{Label, Place, RelationUse};
use super::resolver::{Outcome, Resolver, known, not_understood, unresolved};
use super::scope::{Entry, Source, Star, Visible, Written};
use super::updatable::{Standing, TargetView, ViewColumn};
use super::write::DraftAssignment;
use crate::catalog::{Relation, RelationKind};
use crate::vocab::{Right, SqlState};
use pg_query::protobuf::RangeVar;
use std::rc::Rc;
use std::sync::Arc;

/// The relation that a statement writes to.
pub(super) struct Target<'a> {
    pub relation: &'a Relation,
    /// The number of its use.
    pub number: usize,
    pub alias: Arc<str>,
    pub at: i32,
    pub shape: Shape,
    /// The view through which it is written to.
    pub view: Option<TargetView<'a>>,
    /// For each column of a relation that rules or a view's triggers stand behind, what its values depend on beside the
    /// column; else nothing.
    pub lineage: Vec<Label>,
}

impl<'a> Resolver<'a> {
    /// The relation that is written to, under its schema and alias.
    pub(super) fn target(&mut self, range: &mut Option<RangeVar>, right: Right) -> Outcome<Target<'a>> {
        let Some(range) = range else { return not_understood("a write without a target", -1) };
        let RangeVar { catalogname, schemaname, relname, inh: _, relpersistence: _, alias, location } = range;
        let at = *location;
        if !catalogname.is_empty() && catalogname != self.context.catalog.database() {
            return not_understood(format!("a reference to another database (\"{catalogname}\")"), at);
        }
        // A CTE of that name is no target: the relation is looked up beside it.
        let relation = self.find_relation(schemaname, relname, at)?;
        if relation.kind == RelationKind::View && relation.is_by_lineage() {
            return match relation.has_rules || !relation.triggers.is_empty() {
                true => self.rewritten_view(relation, range),
                false => self.view_target(relation, range, right),
            };
        }
        self.writable(relation, right, at)?;
        let lineage = match relation.has_rules {
            true => vec![self.rules(relation, at)?; relation.columns.len()],
            false => Vec::new(),
        };
        catalogname.clear();
        *schemaname = relation.schema.to_string();
        let alias: Arc<str> = match alias {
            Some(alias) => alias.aliasname.as_str().into(),
            None => Arc::clone(&relation.name),
        };
        let names = relation.columns.iter().map(|column| Arc::clone(&column.name)).collect();
        let used =
            RelationUse { place: Place::Target, ..RelationUse::new(relation.oid, at, Arc::clone(&alias), names) };
        let number = self.add_use(used)?;
        let shape = self.context.rulings.shape(relation, &alias, right)?;
        Ok(Target { relation, number, alias, at, shape, view: None, lineage })
    }

    /// Whether it is a table that a statement may write to.
    pub(super) fn writable(&mut self, relation: &Relation, right: Right, at: i32) -> Outcome<()> {
        match relation.kind {
            RelationKind::Table | RelationKind::PartitionedTable | RelationKind::ForeignTable => {}
            RelationKind::View | RelationKind::MaterializedView | RelationKind::Sequence => {
                let what = format!("writing to {} {}.{}", relation.kind.word(), relation.schema, relation.name);
                return not_understood(what, at);
            }
        }
        if right != Right::Delete {
            // Values become its columns' types, and the conditions of domains among them are checked.
            relation.columns.iter().try_for_each(|column| self.type_open(column.type_oid, at))?;
        }
        Ok(())
    }
}

impl Target<'_> {
    /// The names of the columns that a statement may give values to, in their order.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        match &self.view {
            Some(view) => view.columns.iter().map(|column| Arc::clone(&column.visible.name)).collect(),
            None => self.relation.columns.iter().map(|column| Arc::clone(&column.name)).collect(),
        }
    }

    /// The index of a column by name; the name becomes the table's where the table stands in a view's place.
    pub(super) fn column(&self, name: &mut String, right: Right, at: i32) -> Outcome<usize> {
        if let Some(view) = &self.view {
            return view.assigned(name, self.relation, right, at);
        }
        match self.relation.columns.iter().position(|column| *column.name == *name) {
            Some(index) => Ok(index),
            None => {
                let message = format!("column \"{name}\" of relation \"{}\" does not exist", self.relation.name);
                unresolved(SqlState::UNDEFINED_COLUMN, message, at)
            }
        }
    }

    /// The target in sight of its statement's expressions.
    pub(super) fn entry(&self) -> Entry {
        self.entry_as(&self.alias)
    }

    pub(super) fn entry_as(&self, name: &Arc<str>) -> Entry {
        self.view.as_ref().map_or_else(|| self.entry_of_table(name), |view| view.entry(name))
    }

    /// The table as its entry, where it stands in a view's place.
    pub(super) fn table_entry(&self) -> Option<Entry> {
        let moved = self.view.as_ref().is_some_and(|view| view.standing == Standing::Table);
        moved.then(|| self.entry_of_table(&self.alias))
    }

    fn entry_of_table(&self, name: &Arc<str>) -> Entry {
        let visible = |(index, column): (usize, &crate::catalog::Column)| {
            let base = Some((self.number, index));
            let written = match self.shape.columns.get(index) {
                Some(Some(instead)) => Written::Instead(Rc::clone(instead)),
                Some(None) | None => Written::Qualified(Arc::clone(name), Arc::clone(&column.name)),
            };
            Visible {
                name: Arc::clone(&column.name),
                written,
                label: Label::of((self.number, index)).join(self.lineage.get(index).unwrap_or(&Label::none())),
                base,
                typed: base,
                star: Star::Expands,
            }
        };
        Entry {
            name: Some(Arc::clone(name)),
            schema: (*self.alias == *self.relation.name).then(|| Arc::clone(&self.relation.schema)),
            by_name: true,
            by_column: true,
            columns: known(self.relation.columns.iter().enumerate().map(visible)),
            source: Source::Base(self.number),
            nullable: false,
        }
    }

    /// The row that was to be inserted.
    pub(super) fn excluded(&self, assigned: &[DraftAssignment]) -> Vec<Visible> {
        let name: Arc<str> = "excluded".into();
        let given =
            |index: usize| assigned.iter().find(|a| a.index == index).map_or_else(Label::none, |a| a.label.clone());
        if let Some(view) = &self.view {
            let shown = |column: &ViewColumn| {
                let of = column.visible.label.columns().iter().filter(|(used, _)| *used == self.number);
                Visible {
                    name: Arc::clone(&column.visible.name),
                    written: Written::Qualified(Arc::clone(&name), Arc::clone(&column.visible.name)),
                    label: of.fold(Label::none(), |label, (_, index)| label.join(&given(*index))),
                    base: None,
                    typed: None,
                    star: Star::Expands,
                }
            };
            return view.columns.iter().map(shown).collect();
        }
        let columns = self.relation.columns.iter().enumerate().map(|(index, column)| Visible {
            name: Arc::clone(&column.name),
            written: Written::Qualified(Arc::clone(&name), Arc::clone(&column.name)),
            label: given(index),
            base: None,
            typed: None,
            star: Star::Expands,
        });
        columns.collect()
    }
}
