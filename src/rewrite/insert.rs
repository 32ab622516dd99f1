//! New rows that must meet conditions.
//!
//! The value of one column becomes `CASE WHEN conditions THEN value ELSE failure END`, where the conditions are asked of the
//! values that the statement gives. So those must be such that writing them twice changes nothing: constants, parameters and, in a
//! query, columns. Whatever else could change a row on its way into the table is refused: defaults, triggers, modifiers of types.

use super::guard::{constant, row_condition};
use crate::analyze::{Context, Trouble};
use crate::catalog::{Column, Relation, quote_literal, quote_qualified};
use crate::policy::RowCondition;
use crate::sql::{Visitor, all_of, case_when, string, walk};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{AConst, InsertStmt, Node, OverridingKind, SetOperation, a_const::Val};

/// What the server says is no setting where a new row fails: no setting can have such a name, so nothing can be its value.
pub const FAILURE: &str = "a new row does not meet the conditions of the policy";

/// An INSERT whose rows must meet conditions.
pub struct NewRows<'a> {
    pub relation: &'a Relation,
    /// Where its name stands.
    pub at: i32,
    pub conditions: &'a [RowCondition],
}

/// Holds the values of every such INSERT against its conditions.
pub fn check_new_rows(tree: &mut Node, inserts: &[NewRows<'_>], context: &Context<'_>) -> Result<(), Trouble> {
    let mut checker = Checker { inserts, context, checked: 0, trouble: None };
    let walked = walk(tree, &mut checker);
    if let Some(trouble) = checker.trouble {
        return Err(trouble);
    }
    walked?;
    match inserts.iter().find(|_| checker.checked != inserts.len()) {
        // COPY, or a view stands in between.
        Some(insert) => Err(refuse(insert, "written in another way than by INSERT")),
        None => Ok(()),
    }
}

struct Checker<'a> {
    inserts: &'a [NewRows<'a>],
    context: &'a Context<'a>,
    checked: usize,
    trouble: Option<Trouble>,
}

impl Visitor for Checker<'_> {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        let Some(NodeEnum::InsertStmt(insert)) = &mut node.node else { return Ok(()) };
        let at = |known: &&NewRows<'_>| insert.relation.as_ref().is_some_and(|relation| relation.location == known.at);
        let Some(rows) = self.inserts.iter().find(at) else { return Ok(()) };
        self.checked += 1;
        check(insert, rows, self.context).map_err(|trouble| {
            self.trouble = Some(trouble);
            NotUnderstood::new("a new row", None)
        })
    }

    fn location(&mut self, _at: &mut i32) {}
}

fn refuse(rows: &NewRows<'_>, why: &str) -> Trouble {
    let names: Vec<String> = rows.conditions.iter().map(|condition| format!("\"{}\"", condition.name)).collect();
    let name = quote_qualified(&rows.relation.schema, &rows.relation.name);
    let what = format!("a new row of {name}, which must meet {}, {why}", names.join(" and "));
    NotUnderstood::new(what, u32::try_from(rows.at).ok()).into()
}

fn check(insert: &mut InsertStmt, rows: &NewRows<'_>, context: &Context<'_>) -> Result<(), Trouble> {
    let InsertStmt {
        relation,
        cols,
        select_stmt,
        on_conflict_clause: _,
        returning_clause: _,
        with_clause: _,
        r#override: overriding,
    } = insert;
    if relation.as_ref().is_none_or(|named| *named.relname != *rows.relation.name) {
        return Err(refuse(rows, "through a view"));
    }
    if *overriding == OverridingKind::OverridingUserValue as i32 {
        return Err(refuse(rows, "with OVERRIDING USER VALUE"));
    }
    let mut places = Vec::new();
    for name in rows.conditions.iter().flat_map(|condition| condition.columns.iter()) {
        let column = rows.relation.columns.iter().find(|column| column.name == *name);
        let place = cols.iter().position(|node| is_column(node, name));
        let (Some(column), Some(place)) = (column, place) else {
            return Err(refuse(rows, &format!("without a value for {name}")));
        };
        if !keeps_its_values(column) {
            return Err(refuse(rows, &format!("whose column {name} changes what it is given")));
        }
        if !places.iter().any(|(_, known)| *known == place) {
            places.push((column, place));
        }
    }
    let Some(NodeEnum::SelectStmt(select)) = select_stmt.as_mut().and_then(|node| node.node.as_mut()) else {
        return Err(refuse(rows, "with default values"));
    };
    if select.op != SetOperation::SetopNone as i32 {
        return Err(refuse(rows, "from a set operation"));
    }
    let (values_lists, target_list) = (&mut select.values_lists, &mut select.target_list);
    for list in values_lists.iter_mut() {
        let Some(NodeEnum::List(list)) = &mut list.node else { return Err(refuse(rows, "without values")) };
        let values: Vec<&mut Node> = list.items.iter_mut().collect();
        check_row(values, &places, rows, context, Given::Constants)?;
    }
    if values_lists.is_empty() {
        let mut values = Vec::with_capacity(target_list.len());
        for target in target_list {
            match &mut target.node {
                Some(NodeEnum::ResTarget(target)) if target.val.is_some() => values.extend(target.val.as_deref_mut()),
                _no_value => return Err(refuse(rows, "without values")),
            }
        }
        // A column could be taken for one of another table that a condition reads.
        let others = rows.conditions.iter().any(|condition| !condition.reads.is_empty());
        let given = if others { Given::Constants } else { Given::Columns };
        check_row(values, &places, rows, context, given)?;
    }
    Ok(())
}

/// What may stand where a value is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    Constants,
    /// Columns of the query besides.
    Columns,
}

/// Checks the values of one row: those of the conditions' columns stand at these places.
fn check_row(
    mut values: Vec<&mut Node>,
    places: &[(&Column, usize)],
    rows: &NewRows<'_>,
    context: &Context<'_>,
    given: Given,
) -> Result<(), Trouble> {
    for (column, place) in places {
        let Some(value) = values.get_mut(*place) else { return Err(refuse(rows, "without values")) };
        if let Some(inner) = behind_check(value) {
            // Checked before: it is checked anew.
            **value = inner;
        }
        if !is_given(value, given, &rows.relation.name) {
            let why = format!("whose value for {} is neither a constant nor a parameter", column.name);
            return Err(refuse(rows, &why));
        }
    }
    let mut conditions = Vec::new();
    for condition in rows.conditions {
        let met = condition.equality.as_ref().is_some_and(|(name, parameter)| {
            let place = places.iter().find(|(column, _)| column.name == *name).map(|(_, place)| *place);
            let written = place.and_then(|place| values.get(place)).and_then(|value| literal(value));
            let constant = context.rulings.constant(parameter.number());
            written
                .zip(constant)
                .is_some_and(|(text, sql)| sql.starts_with(&format!("CAST({} AS ", quote_literal(&text))))
        });
        if met {
            continue;
        }
        let mut asked = row_condition(rows.relation, &rows.relation.name, &condition.sql, context)?;
        let value_of = |name: &str| {
            let (column, place) = places.iter().find(|(column, _)| *column.name == *name)?;
            Some((*column, (**values.get(*place)?).clone()))
        };
        walk(&mut asked, &mut Values { relation: rows.relation, value_of: &value_of })?;
        conditions.push(asked);
    }
    let Some((column, place)) = places.first() else {
        return Err(refuse(rows, "which reads none of its columns"));
    };
    if let (Some(all), Some(value)) = (all_of(conditions), values.get_mut(*place)) {
        let failure = format!("CAST(pg_catalog.current_setting({}) AS {})", quote_literal(FAILURE), column.type_sql);
        let mut checked = case_when(Some(all), std::mem::take(*value));
        if let Some(NodeEnum::CaseExpr(case)) = &mut checked.node {
            case.defresult = Some(Box::new(constant(&failure)?));
        }
        **value = checked;
    }
    Ok(())
}

/// Puts the values that are given in the places of a condition's columns.
struct Values<'a> {
    relation: &'a Relation,
    value_of: &'a dyn Fn(&str) -> Option<(&'a Column, Node)>,
}

impl Visitor for Values<'_> {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        let Some(NodeEnum::ColumnRef(reference)) = &node.node else { return Ok(()) };
        let [qualifier, name] = reference.fields.as_slice() else { return Ok(()) };
        if string(qualifier) != Some(&*self.relation.name) {
            return Ok(());
        }
        let broken = || NotUnderstood::new("a condition on new rows", None);
        let (column, value) = string(name).and_then(self.value_of).ok_or_else(broken)?;
        let mut cast = constant(&format!("NULL::{}", column.type_sql)).map_err(|_| broken())?;
        if let Some(NodeEnum::TypeCast(cast)) = &mut cast.node {
            cast.arg = Some(Box::new(value));
        }
        *node = cast;
        Ok(())
    }

    fn location(&mut self, _at: &mut i32) {}
}

fn is_column(node: &Node, name: &str) -> bool {
    matches!(&node.node, Some(NodeEnum::ResTarget(target)) if target.name == name && target.indirection.is_empty())
}

/// Whether the column holds what its type makes of a value, whether that is assigned or cast: the types without a modifier of
/// truth values, numbers, texts, uuids, dates and times.
fn keeps_its_values(column: &Column) -> bool {
    let plain = matches!(column.type_oid, 16 | 20 | 21 | 23 | 25 | 701 | 1043 | 1082 | 1114 | 1184 | 1700 | 2950);
    plain && !column.generated && !column.type_sql.contains('(')
}

/// Whether a value may be written twice. What is called as the table itself would be taken for its new row.
fn is_given(value: &Node, given: Given, table: &str) -> bool {
    match &value.node {
        Some(NodeEnum::AConst(_) | NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::ColumnRef(reference)) => {
            given == Given::Columns && reference.fields.first().and_then(string).is_some_and(|name| name != table)
        }
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_ref().is_some_and(|arg| is_given(arg, given, table)),
        Some(_) | None => false,
    }
}

/// The text of a constant.
fn literal(value: &Node) -> Option<String> {
    match &value.node {
        Some(NodeEnum::AConst(AConst { isnull: false, val, location: _ })) => match val.as_ref()? {
            Val::Ival(number) => Some(number.ival.to_string()),
            Val::Sval(text) => Some(text.sval.clone()),
            Val::Fval(number) => Some(number.fval.clone()),
            Val::Boolval(_) | Val::Bsval(_) => None,
        },
        Some(_) | None => None,
    }
}

/// The value in a check that stands there already.
fn behind_check(value: &Node) -> Option<Node> {
    let Some(NodeEnum::CaseExpr(case)) = &value.node else { return None };
    let Some(NodeEnum::TypeCast(cast)) = case.defresult.as_ref()?.node.as_ref() else { return None };
    let Some(NodeEnum::FuncCall(call)) = cast.arg.as_ref()?.node.as_ref() else { return None };
    let [said] = call.args.as_slice() else { return None };
    let [Node { node: Some(NodeEnum::CaseWhen(when)) }] = case.args.as_slice() else { return None };
    (literal(said).as_deref() == Some(FAILURE)).then(|| when.result.as_deref().cloned()).flatten()
}
