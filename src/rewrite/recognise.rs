//! Recognises guards in what a client sends, so that a rewritten statement is judged as the statement it came from.
//!
//! Nothing is trusted because it looks like a guard. Where a derived table has a guard's shape its relation is put back, and the
//! statement without guards is judged as any other. Only if that judgement ends with the very text that the client sent
//! is this what the client meant; else its text is judged as it stands.

use super::guard::SUBJECT;
use crate::analyze::{Context, Openness};
use crate::catalog::Relation;
use crate::sql::{Visitor, clear_locations, string, walk};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{Alias, Node, RangeSubselect, ResTarget, String as Text};

/// What a relation's columns are called that its guard does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// Their own names.
    Own,
    /// Names that nothing else has: the reference may have had column aliases that kept them out of `USING`.
    Hidden,
}

/// The statement with relations in place of its guards; `None` where nothing looks like one.
pub fn without_guards(
    tree: &mut Node,
    unlisted: Unlisted,
    context: &Context<'_>,
) -> Result<Option<Node>, NotUnderstood> {
    let mut finder = Finder { context, found: false };
    walk(tree, &mut finder)?;
    if !finder.found {
        return Ok(None);
    }
    let mut bare = tree.clone();
    walk(&mut bare, &mut Remover { context, unlisted })?;
    Ok(Some(bare))
}

/// Whether two trees mean the same text.
pub fn same_text(one: &Node, other: &Node) -> Result<bool, NotUnderstood> {
    let (mut one, mut other) = (one.clone(), other.clone());
    clear_locations(&mut one)?;
    clear_locations(&mut other)?;
    Ok(one == other)
}

struct Finder<'a> {
    context: &'a Context<'a>,
    found: bool,
}

impl Visitor for Finder<'_> {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        self.found |= !self.found && relation_behind(node, Unlisted::Own, self.context).is_some();
        Ok(())
    }
    fn location(&mut self, _at: &mut i32) {}
}

struct Remover<'a> {
    context: &'a Context<'a>,
    unlisted: Unlisted,
}

impl Visitor for Remover<'_> {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        if let Some(relation) = relation_behind(node, self.unlisted, self.context) {
            *node = relation;
        }
        Ok(())
    }
    fn location(&mut self, _at: &mut i32) {}
}

/// The relation, or the sample of one, that a derived table would be the guard of. Its conditions are not looked at: they must come back when the
/// guard is put again.
fn relation_behind(node: &Node, unlisted: Unlisted, context: &Context<'_>) -> Option<Node> {
    let Some(NodeEnum::RangeSubselect(derived)) = &node.node else { return None };
    let RangeSubselect { lateral: false, subquery, alias: Some(Alias { aliasname, colnames }) } = &**derived else {
        return None;
    };
    let Some(NodeEnum::SelectStmt(select)) = subquery.as_ref().and_then(|node| node.node.as_ref()) else { return None };
    let [from] = select.from_clause.as_slice() else { return None };
    let inner = match &from.node {
        Some(NodeEnum::RangeTableSample(sample)) => sample.relation.as_deref()?,
        _a_relation_or_nothing => from,
    };
    let Some(NodeEnum::RangeVar(range)) = &inner.node else { return None };
    let own = range.alias.as_ref().map_or(&range.relname, |alias| &alias.aliasname);
    if !colnames.is_empty() || own != aliasname || range.schemaname.is_empty() {
        return None;
    }
    let relation = context.catalog.relation_in(&range.schemaname, &range.relname)?;
    if !context.rulings.guarded(relation) {
        return None;
    }
    let masked = |index| context.rulings.openness(relation, index) == Openness::Masked;
    let names = visible_names(&select.target_list, aliasname, relation, unlisted, &masked)?;
    let renamed = *aliasname != range.relname || !names.is_empty();
    let colnames = names.into_iter().map(|sval| Node { node: Some(NodeEnum::String(Text { sval })) }).collect();
    let mut range = range.clone();
    range.alias = renamed.then(|| Alias { aliasname: aliasname.clone(), colnames });
    let mut relation = from.clone();
    let range = NodeEnum::RangeVar(range);
    match &mut relation.node {
        Some(NodeEnum::RangeTableSample(sample)) => sample.relation = Some(Box::new(Node { node: Some(range) })),
        _a_relation => relation.node = Some(range),
    }
    Some(relation)
}

/// The column in a fenced guard's `CAST(CASE WHEN condition THEN column END AS type)`; anything else as it is.
fn behind_fence(value: &NodeEnum) -> &NodeEnum {
    let NodeEnum::TypeCast(cast) = value else { return value };
    let Some(NodeEnum::CaseExpr(case)) = cast.arg.as_ref().and_then(|arg| arg.node.as_ref()) else { return value };
    let [Node { node: Some(NodeEnum::CaseWhen(when)) }] = case.args.as_slice() else { return value };
    match when.result.as_ref().and_then(|result| result.node.as_ref()) {
        Some(column @ NodeEnum::ColumnRef(_)) => column,
        Some(_) | None => value,
    }
}

/// The column aliases of the reference that a guard with these targets stands for; empty where it has none. `None`: no
/// guard has such targets.
fn visible_names(
    targets: &[Node],
    alias: &str,
    relation: &Relation,
    unlisted: Unlisted,
    masked: &dyn Fn(usize) -> bool,
) -> Option<Vec<String>> {
    let own = |name: &str| relation.columns.iter().position(|column| *column.name == *name);
    let mut names: Vec<Option<String>> = vec![None; relation.columns.len()];
    let mut next = 0;
    for target in targets {
        let Some(NodeEnum::ResTarget(target)) = &target.node else { return None };
        let ResTarget { name, indirection: _, val, location: _ } = &**target;
        if name == SUBJECT {
            continue;
        }
        match val.as_ref().and_then(|value| value.node.as_ref()).map(behind_fence) {
            Some(NodeEnum::ColumnRef(reference)) => {
                let [qualifier, base] = reference.fields.as_slice() else { return None };
                let (qualifier, base) = (string(qualifier)?, string(base)?);
                if qualifier != alias {
                    return None;
                }
                // System columns have no place among the names.
                if let Some(index) = own(base) {
                    names[index] = Some(if name.is_empty() { base.to_owned() } else { name.clone() });
                    next = index + 1;
                }
            }
            // A mask. Its name is the column's, or an alias of the first one that it can be.
            Some(NodeEnum::TypeCast(_)) => {
                let mut behind = (next..names.len()).filter(|index| masked(*index));
                let index = own(name).or_else(|| behind.next())?;
                names[index] = Some(name.clone());
                next = index + 1;
            }
            _nothing_a_guard_holds => return None,
        }
    }
    let plain =
        |index: usize, name: &Option<String>| name.as_ref().is_none_or(|name| *relation.columns[index].name == **name);
    let aliased = unlisted == Unlisted::Hidden || names.iter().enumerate().any(|(index, name)| !plain(index, name));
    if !aliased {
        return Some(Vec::new());
    }
    let shown = |(index, name): (usize, Option<String>)| match (name, unlisted) {
        (Some(name), _) => name,
        (None, Unlisted::Own) => relation.columns[index].name.to_string(),
        (None, Unlisted::Hidden) => format!("?{index}"),
    };
    Some(names.into_iter().enumerate().map(shown).collect())
}
