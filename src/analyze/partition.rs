//! Partitions and inheritance: what a new table has above it, and how its rows are parted.

use super::alter::calls_nothing;
use super::define::OPERATOR_CLASSES;
use super::definition::{Definition, Touch};
use super::resolver::{Outcome, Resolver, not_understood};
use crate::catalog::RelationKind;
use crate::sql::string;
use crate::vocab::Usage;
use pg_query::NodeEnum;
use pg_query::protobuf::{Node, PartitionBoundSpec, PartitionSpec};
use std::sync::Arc;

impl Resolver<'_> {
    /// The parents of a new table, and the names of their columns. A new partition has no rows; whether it can be made tells
    /// what the default partition holds.
    pub(super) fn parents(
        &mut self,
        parents: &mut [Node],
        bound: &mut Option<PartitionBoundSpec>,
        definition: &mut Definition,
    ) -> Outcome<Vec<Arc<str>>> {
        let mut columns: Vec<Arc<str>> = Vec::new();
        for parent in parents {
            let Some(NodeEnum::RangeVar(range)) = &mut parent.node else { return not_understood("INHERITS", -1) };
            let at = range.location;
            let relation = self.named_relation(range)?;
            match (relation.kind, &bound) {
                (RelationKind::PartitionedTable, Some(_)) => {
                    // The rows of the default partition are looked at.
                    calls_nothing(relation, at)?;
                    self.over(relation, at, definition)?;
                }
                (kind, _) => return not_understood(format!("a {} as a parent", kind.word()), at),
            }
            definition.touches.push((Touch::Rows(relation.oid), u32::try_from(at).ok()));
            for column in &relation.columns {
                if !columns.contains(&column.name) {
                    columns.push(Arc::clone(&column.name));
                }
            }
        }
        if let Some(bound) = bound {
            self.bound(bound)?;
        }
        Ok(columns)
    }

    /// `FOR VALUES …`, which the server evaluates once, and keeps.
    pub(super) fn bound(&mut self, bound: &mut PartitionBoundSpec) -> Outcome<()> {
        let (used, drawn) = (self.uses.len(), self.sequences.len());
        self.expressions(&mut bound.listdatums, None)?;
        for datum in bound.lowerdatums.iter_mut().chain(&mut bound.upperdatums) {
            match &mut datum.node {
                Some(NodeEnum::PartitionRangeDatum(datum)) => {
                    if let Some(value) = &mut datum.value {
                        self.expression(value, None)?;
                    }
                }
                // MINVALUE and MAXVALUE are columns to the grammar.
                Some(NodeEnum::ColumnRef(_)) | None => {}
                Some(_) => {
                    self.expression(datum, None)?;
                }
            }
        }
        if self.uses.len() > used || self.sequences.len() > drawn {
            // Everyone may read where a partition ends.
            return not_understood("a partition's bound with what functions read", bound.location);
        }
        Ok(())
    }

    /// `PARTITION BY …`.
    pub(super) fn partitioning(&mut self, by: &mut PartitionSpec) -> Outcome<()> {
        for param in &mut by.part_params {
            let Some(NodeEnum::PartitionElem(element)) = &mut param.node else {
                return not_understood("PARTITION BY", by.location);
            };
            let class: Vec<&str> = element.opclass.iter().filter_map(string).collect();
            if let Some(class) = class.last().filter(|class| !OPERATOR_CLASSES.contains(class)) {
                return not_understood(format!("operator class {class}"), element.location);
            }
            if let Some(expression) = &mut element.expr {
                self.expression(expression, Some(Usage::Filter))?;
            }
        }
        Ok(())
    }
}
