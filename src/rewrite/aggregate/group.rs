//! What a level groups by.

use super::condition::restless;
use super::{Fact, Why, found};
use crate::analyze::{figure_name, may_return_a_set};
use crate::sql::string;
use pg_query::NodeEnum;
use pg_query::protobuf::{AConst, ColumnRef, GroupingSet, Node, RowExpr, a_const::Val};

/// The keys of a level.
pub(super) struct Keys {
    /// Columns that are released in aggregates only and that it groups by, by index.
    pub(super) columns: Vec<usize>,
}

impl Keys {
    pub(super) fn of(fact: &Fact<'_>, items: &[Node], targets: &[Node]) -> Result<Keys, Why> {
        let mut keys = Keys { columns: Vec::new() };
        for item in items {
            keys.add(fact, item, targets)?;
        }
        Ok(keys)
    }

    fn add(&mut self, fact: &Fact<'_>, item: &Node, targets: &[Node]) -> Result<(), Why> {
        match &item.node {
            Some(NodeEnum::GroupingSet(GroupingSet { kind: _, content, location: _ })) => {
                content.iter().try_for_each(|item| self.add(fact, item, targets))
            }
            Some(NodeEnum::RowExpr(row)) => {
                let RowExpr { xpr: _, args, row_typeid: _, row_format: _, colnames: _, location: _ } = &**row;
                args.iter().try_for_each(|item| self.add(fact, item, targets))
            }
            Some(_) | None => match key_of(item, targets) {
                Some(value) => self.value(fact, value),
                None => Err("a key of GROUP BY is no value".into()),
            },
        }
    }

    fn value(&mut self, fact: &Fact<'_>, value: &Node) -> Result<(), Why> {
        // The server makes as many rows of one as the set has members, before it groups them.
        let set = |node: &Node| matches!(&node.node, Some(NodeEnum::FuncCall(call)) if may_return_a_set(call, fact.catalog()));
        if found(value, set) {
            return Err("a key of GROUP BY returns a set".into());
        }
        if let Some(restless) = restless(value, fact.context) {
            return Err(format!("{restless} decides how rows are grouped").into());
        }
        if !fact.is_named_in(value) {
            return Ok(());
        }
        let Some((index, column)) = fact.closed_column(value) else {
            return Err("a key of GROUP BY is more than such a column alone".into());
        };
        if !fact.is_key(column) {
            return Err(format!("column {} of type {} is no key of groups", column.name, column.type_sql).into());
        }
        if !self.columns.contains(&index) {
            self.columns.push(index);
        }
        Ok(())
    }
}

/// What an item of GROUP BY groups by: a target by its number or name, else itself.
pub(super) fn key_of<'n>(item: &'n Node, targets: &'n [Node]) -> Option<&'n Node> {
    match &item.node {
        Some(NodeEnum::AConst(AConst { isnull: false, val: Some(Val::Ival(number)), location: _ })) => {
            let index = usize::try_from(number.ival).ok()?.checked_sub(1)?;
            targets.get(index).and_then(value_of)
        }
        Some(NodeEnum::ColumnRef(ColumnRef { fields, location: _ })) if fields.len() == 1 => {
            // A column that a join by name merges is open. If targets share a name, the server takes them only if they
            // are the same.
            let name = fields.first().and_then(string);
            let named = targets.iter().find(|target| name_of(target).as_deref() == name);
            named.map_or(Some(item), value_of)
        }
        Some(_) | None => Some(item),
    }
}

fn value_of(target: &Node) -> Option<&Node> {
    match &target.node {
        Some(NodeEnum::ResTarget(target)) => target.val.as_deref(),
        Some(_) | None => None,
    }
}

fn name_of(target: &Node) -> Option<String> {
    let Some(NodeEnum::ResTarget(target)) = &target.node else { return None };
    match target.name.as_str() {
        "" => target.val.as_deref().map(|value| figure_name(value).to_string()),
        name => Some(name.to_owned()),
    }
}
