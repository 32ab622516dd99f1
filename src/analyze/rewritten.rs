//! Writes that the server turns into something else: by rules, or by the INSTEAD OF triggers of a view.
//!
//! What rules do is not followed: the policy lists them, as it lists functions that cannot be seen through. They and the
//! triggers may reach every row and every column of the relation, so all that it shows must be open as it is.

use super::Shape;
use super::label::{Label, Place, RelationUse};
use super::resolver::{Outcome, Resolver, label_of, not_understood};
use super::routine::Effects;
use super::scope::Columns;
use super::target::Target;
use crate::catalog::{Relation, quote_qualified};
use crate::vocab::{Usage, UsageSet};
use pg_query::protobuf::RangeVar;
use std::sync::Arc;

impl<'a> Resolver<'a> {
    /// A view with rules or triggers as the target of a write. Its own tags decide about the right to write.
    pub(super) fn rewritten_view(&mut self, view: &'a Relation, range: &mut RangeVar) -> Outcome<Target<'a>> {
        let RangeVar { catalogname, schemaname, relname: _, inh: _, relpersistence: _, alias, location } = range;
        let (at, name) = (*location, quote_qualified(&view.schema, &view.name));
        catalogname.clear();
        *schemaname = view.schema.to_string();
        let beside = if view.has_rules { self.rules(view, at)? } else { Label::none() };
        let definition = view.definition.as_ref().and_then(|definition| self.definition(definition));
        let Some(mut definition) = definition else {
            return not_understood(format!("view {name}, whose definition is not known,"), at);
        };
        let columns = self.in_definition(view, at, |resolver| resolver.query(&mut definition, None))?;
        self.touch(&label_of(&columns), Some(Usage::Output), at);
        let lineage: Vec<Label> = match &columns {
            Columns::Known(columns) if columns.len() == view.columns.len() => {
                columns.iter().map(|column| column.label.clone().join(&beside)).collect()
            }
            Columns::Known(_) | Columns::Opaque(_) => {
                return not_understood(format!("view {name}, whose columns are not known,"), at);
            }
        };
        let alias: Arc<str> = match alias {
            Some(alias) => alias.aliasname.as_str().into(),
            None => Arc::clone(&view.name),
        };
        let names = view.columns.iter().map(|column| Arc::clone(&column.name)).collect();
        let used = RelationUse { place: Place::Target, ..RelationUse::new(view.oid, at, Arc::clone(&alias), names) };
        let number = self.add_use(used)?;
        Ok(Target { relation: view, number, alias, at, shape: Shape::default(), view: None, lineage })
    }

    /// What a relation's rules may reach: what the policy says, and the relation itself. Returns what their answer
    /// depends on.
    pub(super) fn rules(&mut self, relation: &Relation, at: i32) -> Outcome<Label> {
        let name = quote_qualified(&relation.schema, &relation.name);
        let Some(rewrites) = self.context.rulings.rewrites(relation) else {
            let key = format!("[rewrite.\"{}.{}\"]", relation.schema, relation.name);
            return not_understood(format!("writing to {name}, which has rules, unless the policy says {key},"), at);
        };
        self.calls_users |= !rewrites.messages_pass;
        let usages: UsageSet = [Usage::Output, Usage::Filter].into_iter().collect();
        let own = (0..relation.columns.len()).map(|index| (index, usages)).collect();
        let reads = rewrites.reads.iter().cloned();
        let effects = Effects::of_reads(reads.chain([super::FunctionRead { relation: relation.oid, columns: own }]));
        self.absorb_as(format!("rules of {}", relation.oid), &format!("the rules of {name}"), &effects, at)
    }
}
