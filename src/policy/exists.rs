//! `EXISTS (SELECT FROM schema.table alias WHERE …)` in a row condition: other tables that decide which rows are seen.
//!
//! Inside, a name with an alias is a column of the other table, and a bare name is one of the table that the condition is
//! about, whatever the other table has. So the latter are written with a qualifier of their own, which becomes the
//! table's alias where the condition is put into a statement.

use super::condition::{Reader, binary, logical, string as named_node, wrap};
use super::follow::Step;
use crate::sql::{Visitor, empty_select, string, walk};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{Alias, BoolExprType, ColumnRef, Node, RangeVar, SubLink, SubLinkType};
use std::mem::take;
use std::sync::Arc;

/// What qualifies columns of the condition's own table inside of an `EXISTS`. No alias may be called so.
pub const OWN: &str = "$own";

/// Separates alias and column in the name of another table's column.
pub(super) const OF: char = '\0';

/// Tables that one condition may read.
const MOST: usize = 4;

/// Another table that a condition reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OtherTable {
    pub(super) alias: Arc<str>,
    pub(super) schema: Arc<str>,
    pub(super) table: Arc<str>,
    pub(super) columns: Vec<Arc<str>>,
}

/// An equality that every row meets for which the condition holds: of two columns, named as [`column_name`] does, or of a column
/// and a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    Columns(Arc<str>, Arc<str>),
    Parameter(Arc<str>),
}

impl Reader<'_> {
    /// A sub-query that may stand in a condition.
    pub(super) fn exists(&mut self, link: SubLink) -> Result<Node, String> {
        let SubLink { xpr: _, sub_link_type, sub_link_id: _, testexpr, oper_name, subselect, location: _ } = link;
        let exists = sub_link_type == SubLinkType::ExistsSublink as i32 && testexpr.is_none() && oper_name.is_empty();
        let Some(NodeEnum::SelectStmt(select)) = subselect.and_then(|node| node.node).filter(|_| exists) else {
            return Err(
                "of sub-selects only EXISTS (SELECT FROM schema.table alias WHERE …) may stand in a condition".into()
            );
        };
        // What is taken out is looked at below; of the rest nothing may be there.
        let mut bare = *select;
        let (target_list, from_clause) = (take(&mut bare.target_list), take(&mut bare.from_clause));
        let where_clause = bare.where_clause.take();
        let constant = |target: &Node| match &target.node {
            Some(NodeEnum::ResTarget(target)) => {
                target.name.is_empty()
                    && matches!(target.val.as_ref().and_then(|v| v.node.as_ref()), Some(NodeEnum::AConst(_)))
            }
            _no_constant => false,
        };
        if bare != empty_select() || !target_list.iter().all(constant) {
            return Err("an EXISTS holds SELECT FROM tables WHERE condition, and nothing else".to_owned());
        }
        let first = self.others.len();
        let mut from = Vec::with_capacity(from_clause.len());
        for table in from_clause {
            from.push(self.other_table(table)?);
        }
        let around = self.inside.len();
        self.inside.extend(first..self.others.len());
        let condition = where_clause.map(|condition| self.expression(*condition)).transpose()?;
        self.inside.truncate(around);
        if self.others[first..].is_empty() || self.others[first..].iter().any(|other| other.columns.is_empty()) {
            return Err("an EXISTS must say which rows of each of its tables it means".to_owned());
        }
        // Whether the one around it holds only with an inner one is not looked at.
        if let Some(condition) = condition.as_ref().filter(|_| around == 0) {
            self.note_links(condition);
        }
        let mut written = empty_select();
        written.from_clause = from;
        written.where_clause = condition.map(Box::new);
        Ok(wrap(NodeEnum::SubLink(Box::new(SubLink {
            xpr: None,
            sub_link_type,
            sub_link_id: 0,
            testexpr: None,
            oper_name: Vec::new(),
            subselect: Some(Box::new(wrap(NodeEnum::SelectStmt(Box::new(written))))),
            location: 0,
        }))))
    }

    fn other_table(&mut self, node: Node) -> Result<Node, String> {
        let Some(NodeEnum::RangeVar(range)) = node.node else {
            return Err("an EXISTS reads tables, separated by commas".to_owned());
        };
        let RangeVar { catalogname, schemaname, relname, inh, relpersistence, alias, location: _ } = range;
        if !catalogname.is_empty() || schemaname.is_empty() || !inh {
            return Err(format!("`{relname}` must be written with its schema: public.{relname}"));
        }
        let Alias { aliasname, colnames } =
            alias.unwrap_or_else(|| Alias { aliasname: relname.clone(), colnames: Vec::new() });
        let known = self.others.iter().any(|other| *other.alias == *aliasname);
        if !colnames.is_empty() || known || aliasname == OWN || aliasname.contains(OF) || self.others.len() >= MOST {
            return Err(format!("each of the at most {MOST} tables has an alias of its own, without column aliases"));
        }
        self.others.push(OtherTable {
            alias: aliasname.as_str().into(),
            schema: schemaname.as_str().into(),
            table: relname.as_str().into(),
            columns: Vec::new(),
        });
        let alias = Some(Alias { aliasname, colnames });
        Ok(wrap(NodeEnum::RangeVar(RangeVar {
            catalogname,
            schemaname,
            relname,
            inh,
            relpersistence,
            alias,
            location: 0,
        })))
    }

    /// A column with a qualifier: of another table, or already written with the qualifier of the own one.
    pub(super) fn qualified(&mut self, qualifier: &str, name: &str) -> Result<(), String> {
        if self.inside.is_empty() {
            return Err("a column is named by its bare name".to_owned());
        }
        let Some(at) = self.inside.iter().copied().find(|at| *self.others[*at].alias == *qualifier) else {
            return Err(format!("`{qualifier}` is no table of this EXISTS"));
        };
        let other = &mut self.others[at];
        if !other.columns.iter().any(|known| **known == *name) {
            other.columns.push(name.into());
        }
        Ok(())
    }

    /// The equalities of a condition: those of its `EXISTS` are noted, and count where it holds only with that.
    pub(super) fn links_of(&mut self, expression: &Node) -> Vec<Link> {
        let parts = match &expression.node {
            Some(NodeEnum::BoolExpr(all)) if all.boolop == BoolExprType::AndExpr as i32 => all.args.as_slice(),
            _one => std::slice::from_ref(expression),
        };
        let exists = parts.iter().filter(|node| matches!(node.node, Some(NodeEnum::SubLink(_)))).count();
        let within =
            |node: &Node| matches!(node.node, Some(NodeEnum::AExpr(_) | NodeEnum::NullTest(_) | NodeEnum::SubLink(_)));
        if exists > 1 || !parts.iter().all(within) {
            return Vec::new();
        }
        parts.iter().for_each(|node| self.note_links(node));
        std::mem::take(&mut self.links)
    }

    fn note_links(&mut self, condition: &Node) {
        match &condition.node {
            Some(NodeEnum::BoolExpr(all)) if all.boolop == BoolExprType::AndExpr as i32 => {
                all.args.iter().for_each(|arg| self.note_links(arg));
            }
            Some(NodeEnum::AExpr(expression)) if expression.name.last().and_then(string) == Some("=") => {
                let side = |node: &Option<Box<Node>>| match node.as_ref().and_then(|node| node.node.as_ref()) {
                    Some(NodeEnum::ColumnRef(column)) => column_name(&column.fields).map(Ok),
                    Some(NodeEnum::ParamRef(reference)) => Some(Err(reference.number)),
                    _another_operand => None,
                };
                match (side(&expression.lexpr), side(&expression.rexpr)) {
                    (Some(Ok(left)), Some(Ok(right))) => self.links.push(Link::Columns(left.into(), right.into())),
                    (Some(Ok(column)), Some(Err(_))) | (Some(Err(_)), Some(Ok(column))) => {
                        self.links.push(Link::Parameter(column.into()));
                    }
                    _no_equality_of_these => {}
                }
            }
            Some(_) | None => {}
        }
    }
}

/// Writes the columns of a condition's own table otherwise.
pub(super) fn rename(expression: &mut Node, to: &dyn Fn(&str) -> Option<Vec<Node>>) -> Result<(), String> {
    struct Renamer<'a>(&'a dyn Fn(&str) -> Option<Vec<Node>>);
    impl Visitor for Renamer<'_> {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            if let Some(NodeEnum::ColumnRef(reference)) = &mut node.node {
                let own = match reference.fields.as_slice() {
                    [name] => string(name),
                    [qualifier, name] if string(qualifier) == Some(OWN) => string(name),
                    _another_tables => None,
                };
                if let Some(fields) = own.and_then(self.0) {
                    reference.fields = fields;
                }
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    walk(expression, &mut Renamer(to)).map_err(|reason| reason.what.to_string())
}

/// `EXISTS (SELECT FROM parent WHERE parent.key = key AND condition)`, with the condition's own columns as the parent's. The
/// tables of an `EXISTS` that it is made of join the parent, so that one need not stand in the other.
pub(super) fn of_parent(mut condition: Node, others: &[OtherTable], step: &Step<'_>) -> Result<Node, String> {
    let free = |alias: &String| others.iter().all(|other| *other.alias != **alias);
    let named = std::iter::once(step.parent.name.to_string());
    let mut aliases = named.chain((2..=MOST + 2).map(|number| format!("{}_{number}", step.parent.name)));
    let alias = aliases.find(free).ok_or_else(|| "it reads too many tables".to_owned())?;
    let column = |fields: Vec<Node>| wrap(NodeEnum::ColumnRef(ColumnRef { fields, location: 0 }));
    rename(&mut condition, &|name| Some(vec![named_node(&alias), named_node(name)]))?;
    let mut conditions: Vec<Node> = Vec::new();
    for (own, referenced) in &step.pairs {
        let parents = column(vec![named_node(&alias), named_node(referenced)]);
        conditions.push(binary("=", parents, column(vec![named_node(own)])));
    }
    let mut from = vec![wrap(NodeEnum::RangeVar(RangeVar {
        catalogname: String::new(),
        schemaname: step.parent.schema.to_string(),
        relname: step.parent.name.to_string(),
        inh: true,
        relpersistence: "p".to_owned(),
        alias: Some(Alias { aliasname: alias.clone(), colnames: Vec::new() }),
        location: 0,
    }))];
    let parts = all_parts(condition);
    let is_exists = |node: &Node| matches!(node.node, Some(NodeEnum::SubLink(_)));
    let alone = parts.iter().filter(|part| is_exists(part)).count() == 1;
    for part in parts {
        match part.node {
            Some(NodeEnum::SubLink(link)) if alone => {
                let Some(NodeEnum::SelectStmt(select)) = link.subselect.and_then(|node| node.node) else {
                    return Err("it cannot be written".to_owned());
                };
                from.extend(select.from_clause);
                conditions.extend(select.where_clause.into_iter().flat_map(|node| all_parts(*node)));
            }
            node => conditions.push(Node { node }),
        }
    }
    let mut select = empty_select();
    select.from_clause = from;
    select.where_clause = Some(Box::new(logical(BoolExprType::AndExpr, conditions)));
    Ok(wrap(NodeEnum::SubLink(Box::new(SubLink {
        xpr: None,
        sub_link_type: SubLinkType::ExistsSublink as i32,
        sub_link_id: 0,
        testexpr: None,
        oper_name: Vec::new(),
        subselect: Some(Box::new(wrap(NodeEnum::SelectStmt(Box::new(select))))),
        location: 0,
    }))))
}

/// What a condition joins by AND.
fn all_parts(node: Node) -> Vec<Node> {
    match node.node {
        Some(NodeEnum::BoolExpr(all)) if all.boolop == BoolExprType::AndExpr as i32 => {
            all.args.into_iter().flat_map(all_parts).collect()
        }
        node => vec![Node { node }],
    }
}

/// The name by which a condition's column is known: bare, or with the alias of another table.
pub(super) fn column_name(fields: &[Node]) -> Option<String> {
    match fields {
        [name] => string(name).map(str::to_owned),
        [qualifier, name] if string(qualifier) == Some(OWN) => string(name).map(str::to_owned),
        [qualifier, name] => Some(format!("{}{OF}{}", string(qualifier)?, string(name)?)),
        _no_column => None,
    }
}
