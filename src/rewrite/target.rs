//! What stands in for the columns and rows of a relation that is written to, where no guard can.

use super::guard::{constant, row_condition, value};
use crate::analyze::{Context, Shape, Trouble};
use crate::catalog::Relation;
use crate::policy::{Effect, RelationRuling};
use crate::sql::{all_of, case_when};
use crate::vocab::Right;
use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use std::rc::Rc;

/// How a relation is read that a statement writes to. `read` and `write` are the rulings for reading it and for what is
/// done with it.
///
/// Masked columns are their masks. The rows that may be changed meet the conditions of both rulings. A row that is
/// inserted may not meet those for reading: then its columns read as nulls.
pub fn shape(
    relation: &Relation,
    alias: &str,
    right: Right,
    read: &RelationRuling,
    write: &RelationRuling,
    context: &Context<'_>,
) -> Result<Shape, Trouble> {
    let mut columns = Vec::with_capacity(relation.columns.len());
    for (column, ruling) in relation.columns.iter().zip(&read.columns) {
        columns.push(match &ruling.effect {
            Effect::Mask(_) => Some(Rc::new(value(alias, column, ruling)?)),
            Effect::Allow | Effect::Aggregate(_) | Effect::Deny => None,
        });
    }
    let mut rows = Vec::new();
    for condition in read.rows.iter() {
        rows.push(row_condition(relation, alias, &condition.sql, context)?);
    }
    if right == Right::Insert {
        if !rows.is_empty() {
            for ((column, ruling), slot) in relation.columns.iter().zip(&read.columns).zip(&mut columns) {
                if matches!(ruling.effect, Effect::Allow | Effect::Mask(_)) {
                    let seen = typed_case(&rows, value(alias, column, ruling)?, &column.type_sql)?;
                    *slot = Some(Rc::new(seen));
                }
            }
        }
        return Ok(Shape { columns, rows: Vec::new() });
    }
    for condition in write.rows.iter() {
        if read.rows.iter().all(|known| known.sql != condition.sql) {
            rows.push(row_condition(relation, alias, &condition.sql, context)?);
        }
    }
    Ok(Shape { columns, rows })
}

/// `CAST(CASE WHEN conditions THEN value END AS type)`.
pub(super) fn typed_case(conditions: &[Node], value: Node, type_sql: &str) -> Result<Node, Trouble> {
    let mut cast = constant(&format!("NULL::{type_sql}"))?;
    if let Some(NodeEnum::TypeCast(cast)) = &mut cast.node {
        cast.arg = Some(Box::new(case_when(all_of(conditions.to_vec()), value)));
    }
    Ok(cast)
}
