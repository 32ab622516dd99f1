//! `max_rows`: how many rows one statement may release at most. What it says of itself bounds it: a LIMIT, rows written out, one
//! group, a primary key. Rows that are collected in one value are not one row.

use super::demands::{refusal, rests_on, words};
use super::view::View;
use crate::analyze::{Context, Resolved, is_aggregate, may_return_a_set};
use crate::catalog::{Catalog, Function, FunctionKind, RelationKind};
use crate::policy::{MaxRows, Over};
use crate::sql::{Visitor, is_json_aggregate, string, walk};
use crate::vocab::{AttNum, NotUnderstood, Oid, Refusal};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AConst, AExprKind, ColumnRef, CommonTableExpr, FuncCall, Integer, LimitOption, MinMaxExpr, MinMaxOp, Node,
    RangeVar, SelectStmt, SetOperation, String as Text, SubLinkType, TypeCast, TypeName, a_const::Val,
};

/// Aggregates that give one value of many. Any other may give all of them: `array_agg`, `percentile_disc` of a list, a user's.
const SINGLE: [&str; 35] = [
    "any_value",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "cume_dist",
    "dense_rank",
    "every",
    "max",
    "min",
    "mode",
    "percent_rank",
    "rank",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// Holds a statement against the number of rows that its purpose may read at once. Gives back the client's tree with a LIMIT where
/// the purpose would rather have one put there.
pub(super) fn hold(
    view: &View,
    text: &str,
    resolved: &Resolved,
    written: &Node,
    context: &Context<'_>,
) -> Result<Option<Node>, Box<Refusal>> {
    let Some(most) = view.purpose().and_then(|purpose| view.bound().policy().max_rows(purpose)) else {
        return Ok(None);
    };
    let MaxRows { rows, over } = most.asked;
    let catalog = context.catalog;
    let is_users = |oid: Oid| {
        let relation = catalog.relation(oid);
        relation.is_none_or(|relation| !matches!(&*relation.schema, "pg_catalog" | "information_schema"))
    };
    let first = resolved.relations.iter().find(|reference| is_users(reference.relation));
    // Without a relation in the text there are still the rows of a user's function, whatever it reads.
    if first.is_none() && !resolved.runs_users_set(catalog) {
        return Ok(None);
    }
    let refused = |why: &str, hint: String| {
        let message = format!("{} may read at most {rows} rows at once, and {why}", words(view));
        let refusal = refusal(text, message, first.and_then(|first| u32::try_from(first.origin).ok())).with_hint(hint);
        Box::new(rests_on(&most.clause, refusal))
    };
    let mut tree = resolved.tree.clone();
    let Some(release) = released(&mut tree) else { return Ok(None) };
    if let Some(what) = collected(release, resolved, catalog) {
        let why = format!("{what} collects rows in one value");
        return Err(refused(&why, "Select the rows themselves, with a LIMIT, or count them.".to_owned()));
    }
    if bound(release, resolved, catalog).is_some_and(|bound| bound <= u64::from(rows)) {
        return Ok(None);
    }
    let mut limited = written.clone();
    let takes_limit = limit(&mut limited, rows).is_some();
    match (over, takes_limit) {
        (Over::Limit, true) => Ok(Some(limited)),
        (Over::Refuse, true) => Err(refused(
            "this statement does not say that it reads no more",
            format!("Write LIMIT {rows}, or less, as a number, where the whole statement ends."),
        )),
        (Over::Refuse | Over::Limit, false) => Err(refused(
            "nothing bounds what this statement returns",
            format!(
                "A query takes LIMIT {rows}, COPY takes such a query in parentheses, and RETURNING stands where rows are written out or found \
                 by their primary key."
            ),
        )),
    }
}

/// A query with the LIMIT that bounds it; `None` where it cannot have one.
pub(super) fn with_limit(tree: &Node, rows: u32) -> Option<Node> {
    let mut tree = tree.clone();
    limit(&mut tree, rows).map(|()| tree)
}

/// Where the rows are that a statement releases.
enum Releases {
    Nothing,
    Itself,
    /// What the query in it does.
    Query,
}

fn releases(statement: &NodeEnum) -> Releases {
    let returning = |returns: bool| if returns { Releases::Itself } else { Releases::Nothing };
    match statement {
        NodeEnum::SelectStmt(select) => returning(select.into_clause.is_none()),
        NodeEnum::InsertStmt(insert) => returning(insert.returning_clause.is_some()),
        NodeEnum::UpdateStmt(update) => returning(update.returning_clause.is_some()),
        NodeEnum::DeleteStmt(delete) => returning(delete.returning_clause.is_some()),
        NodeEnum::MergeStmt(merge) => returning(merge.returning_clause.is_some()),
        NodeEnum::CopyStmt(copy) if copy.query.is_some() => Releases::Query,
        NodeEnum::CopyStmt(copy) => returning(!copy.is_from),
        NodeEnum::DeclareCursorStmt(_) | NodeEnum::PrepareStmt(_) => Releases::Query,
        // They make, change or lock, or tell of a plan.
        NodeEnum::CreateTableAsStmt(_)
        | NodeEnum::CreateStmt(_)
        | NodeEnum::ViewStmt(_)
        | NodeEnum::IndexStmt(_)
        | NodeEnum::RefreshMatViewStmt(_)
        | NodeEnum::DropStmt(_)
        | NodeEnum::CommentStmt(_)
        | NodeEnum::TruncateStmt(_)
        | NodeEnum::LockStmt(_)
        | NodeEnum::ExplainStmt(_) => Releases::Nothing,
        // Whatever else there is counts as releasing all that it reads.
        _another => Releases::Itself,
    }
}

/// What of a statement the client gets rows of; `None` where it gets none.
fn released(tree: &mut Node) -> Option<&mut NodeEnum> {
    match releases(tree.node.as_ref()?) {
        Releases::Nothing => None,
        Releases::Itself => tree.node.as_mut(),
        Releases::Query => match tree.node.as_mut()? {
            NodeEnum::CopyStmt(copy) => released(copy.query.as_deref_mut()?),
            NodeEnum::DeclareCursorStmt(declare) => released(declare.query.as_deref_mut()?),
            NodeEnum::PrepareStmt(prepare) => released(prepare.query.as_deref_mut()?),
            other => Some(other),
        },
    }
}

/// What collects rows in one value, wherever it stands.
fn collected(release: &mut NodeEnum, resolved: &Resolved, catalog: &Catalog) -> Option<String> {
    struct Collecting<'a> {
        resolved: &'a Resolved,
        catalog: &'a Catalog,
        found: Option<String>,
    }
    impl Visitor for Collecting<'_> {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            let Some(node) = &node.node else { return Ok(()) };
            let found = match node {
                NodeEnum::FuncCall(call) => collecting(call, self.catalog),
                NodeEnum::SubLink(link) if link.sub_link_type == SubLinkType::ArraySublink as i32 => {
                    Some("ARRAY (SELECT …)".to_owned())
                }
                node if is_json_aggregate(node) => Some("an aggregate of JSON".to_owned()),
                // Each round may add a row to a value of the one before.
                NodeEnum::CommonTableExpr(cte) if refers_to_itself(cte, self.resolved) => {
                    Some(format!("`{}`, which refers to itself,", cte.ctename))
                }
                _another => None,
            };
            if self.found.is_none() {
                self.found = found;
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut collecting = Collecting { resolved, catalog, found: None };
    let mut node = Node { node: Some(release.clone()) };
    match walk(&mut node, &mut collecting) {
        Ok(()) => collecting.found,
        // What cannot be walked was refused before.
        Err(reason) => Some(reason.what.to_string()),
    }
}

fn collecting(call: &FuncCall, catalog: &Catalog) -> Option<String> {
    let name = call.funcname.last().and_then(string)?;
    let prints_tables = ["_to_xml", "_to_xml_and_xmlschema"].iter().any(|end| name.ends_with(end));
    // One of a user's may give anything, whatever its name is.
    let is_users = |function: &Function| {
        function.kind == FunctionKind::Aggregate && is_of_user(function) && function.extension.is_none()
    };
    let single = SINGLE.contains(&name) && !catalog.functions(name).any(is_users);
    let collects = is_aggregate(name, catalog) && !single;
    (collects || prints_tables).then(|| name.to_owned())
}

/// How many rows are released at most, as far as the statement itself says.
fn bound(release: &NodeEnum, resolved: &Resolved, catalog: &Catalog) -> Option<u64> {
    let by_key = |at: &RangeVar, condition: Option<&Node>| is_one_by_key(at.location, condition, resolved, catalog);
    match release {
        NodeEnum::SelectStmt(select) => bound_of(select, resolved, catalog),
        NodeEnum::InsertStmt(insert) => match insert.select_stmt.as_ref().and_then(|node| node.node.as_ref()) {
            Some(NodeEnum::SelectStmt(select)) => bound_of(select, resolved, catalog),
            None => Some(1),
            Some(_) => None,
        },
        NodeEnum::UpdateStmt(update) => {
            let one = update.from_clause.is_empty()
                && update.relation.as_ref().is_some_and(|at| by_key(at, update.where_clause.as_deref()));
            one.then_some(1)
        }
        NodeEnum::DeleteStmt(delete) => {
            let one = delete.using_clause.is_empty()
                && delete.relation.as_ref().is_some_and(|at| by_key(at, delete.where_clause.as_deref()));
            one.then_some(1)
        }
        // What a procedure gives back is one row.
        NodeEnum::CallStmt(_) => Some(1),
        _whole_tables => None,
    }
}

fn bound_of(select: &SelectStmt, resolved: &Resolved, catalog: &Catalog) -> Option<u64> {
    let arm = |arm: &Option<Box<SelectStmt>>| bound_of(arm.as_deref()?, resolved, catalog);
    let inner = match SetOperation::try_from(select.op) {
        Ok(SetOperation::SetopNone) => bound_of_level(select, resolved, catalog),
        Ok(SetOperation::SetopUnion) => {
            arm(&select.larg).zip(arm(&select.rarg)).and_then(|(left, right)| left.checked_add(right))
        }
        Ok(SetOperation::SetopIntersect | SetOperation::SetopExcept) => arm(&select.larg),
        Ok(SetOperation::Undefined) | Err(_) => None,
    };
    let ties = select.limit_option == LimitOption::WithTies as i32;
    let limit = select.limit_count.as_deref().filter(|_| !ties).and_then(constant);
    match (inner, limit) {
        (Some(inner), Some(limit)) => Some(inner.min(limit)),
        (one, other) => one.or(other),
    }
}

fn bound_of_level(select: &SelectStmt, resolved: &Resolved, catalog: &Catalog) -> Option<u64> {
    let mut computed = select.target_list.iter().chain(&select.values_lists);
    if resolved.runs_users_set(catalog) || computed.any(|node| calls(node, &|call| may_return_a_set(call, catalog))) {
        return None;
    }
    if !select.values_lists.is_empty() {
        return u64::try_from(select.values_lists.len()).ok();
    }
    let aggregates = |call: &FuncCall| {
        let name = call.funcname.last().and_then(string);
        // Which of several functions of a name is meant is not looked at.
        let alone = |name| {
            let mut known = catalog.functions(name);
            known.all(|function| matches!(function.kind, FunctionKind::Aggregate | FunctionKind::Window))
        };
        call.over.is_none() && name.is_some_and(|name| is_aggregate(name, catalog) && alone(name))
    };
    let one_group =
        select.group_clause.is_empty() && select.target_list.iter().any(|target| calls(target, &aggregates));
    let by_key = || match select.from_clause.as_slice() {
        [] => true,
        [Node { node: Some(NodeEnum::RangeVar(at)) }] => {
            is_one_by_key(at.location, select.where_clause.as_deref(), resolved, catalog)
        }
        _more => false,
    };
    (one_group || by_key()).then_some(1)
}

/// Whether an expression calls such a function, but for the queries in it.
fn calls(node: &Node, is: &dyn Fn(&FuncCall) -> bool) -> bool {
    struct Calls<'a> {
        is: &'a dyn Fn(&FuncCall) -> bool,
        found: bool,
    }
    impl Visitor for Calls<'_> {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            match &mut node.node {
                Some(NodeEnum::FuncCall(call)) => self.found |= (self.is)(call),
                Some(NodeEnum::SubLink(link)) => link.subselect = None,
                Some(_) | None => {}
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut calls = Calls { is, found: false };
    let walked = walk(&mut node.clone(), &mut calls);
    calls.found || walked.is_err()
}

fn is_of_user(function: &Function) -> bool {
    !matches!(&*function.schema, "pg_catalog" | "information_schema")
}

/// Whether a common table expression reads its own rows. Another's of the same name within it count too.
fn refers_to_itself(cte: &CommonTableExpr, resolved: &Resolved) -> bool {
    struct Reads<'a> {
        name: &'a str,
        resolved: &'a Resolved,
        found: bool,
    }
    impl Visitor for Reads<'_> {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            if let Some(NodeEnum::RangeVar(at)) = &node.node {
                let of_table = || self.resolved.relations.iter().any(|reference| reference.at == at.location);
                self.found |= at.schemaname.is_empty() && at.relname == self.name && !of_table();
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let Some(query) = cte.ctequery.as_deref() else { return true };
    let mut reads = Reads { name: &cte.ctename, resolved, found: false };
    let walked = walk(&mut query.clone(), &mut reads);
    reads.found || walked.is_err()
}

/// Whether a condition holds every column of a table's primary key equal to a constant or a parameter.
fn is_one_by_key(at: i32, condition: Option<&Node>, resolved: &Resolved, catalog: &Catalog) -> bool {
    let Some(reference) = resolved.relations.iter().find(|reference| reference.at == at) else { return false };
    let Some(relation) = catalog.relation(reference.relation) else { return false };
    let one_table = match relation.kind {
        RelationKind::Table => catalog.with_descendants(relation).len() == 1,
        RelationKind::PartitionedTable => true,
        RelationKind::View | RelationKind::MaterializedView | RelationKind::ForeignTable | RelationKind::Sequence => {
            false
        }
    };
    let mut held: Vec<AttNum> = Vec::new();
    let mut left: Vec<&Node> = condition.into_iter().collect();
    while let Some(node) = left.pop() {
        match &node.node {
            Some(NodeEnum::BoolExpr(all)) if all.boolop == pg_query::protobuf::BoolExprType::AndExpr as i32 => {
                left.extend(&all.args);
            }
            Some(NodeEnum::AExpr(equal))
                if equal.kind == AExprKind::AexprOp as i32 && equal.name.last().and_then(string) == Some("=") =>
            {
                let sides = [(&equal.lexpr, &equal.rexpr), (&equal.rexpr, &equal.lexpr)];
                for (column, value) in sides {
                    let (Some(column), Some(value)) = (column, value) else { continue };
                    if !is_given(value) {
                        continue;
                    }
                    let Some(NodeEnum::ColumnRef(ColumnRef { fields, location: _ })) = &column.node else { continue };
                    let [.., name] = fields.as_slice() else { continue };
                    let index = reference.names.iter().position(|known| Some(&**known) == string(name));
                    // Of the server's own types only: who makes a type says what its equality is.
                    let own =
                        index.and_then(|index| relation.columns.get(index)).filter(|column| column.type_oid < 16_384);
                    held.extend(own.map(|column| column.number));
                }
            }
            Some(_) | None => {}
        }
    }
    one_table && !relation.primary_key.is_empty() && relation.primary_key.iter().all(|number| held.contains(number))
}

/// A constant or a parameter, cast or not.
fn is_given(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::AConst(_) | NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().is_some_and(is_given),
        Some(_) | None => false,
    }
}

/// The number that a LIMIT is at most.
fn constant(node: &Node) -> Option<u64> {
    match &node.node {
        Some(NodeEnum::AConst(AConst { isnull: false, val: Some(Val::Ival(Integer { ival })), location: _ })) => {
            u64::try_from(*ival).ok()
        }
        // Over anything else a cast may make another number of it: `1::bit(1)::bit(31)::int` is 2^30.
        Some(NodeEnum::TypeCast(cast)) if cast.type_name.as_ref().is_some_and(|kind| is_own(kind, &INTEGERS)) => {
            cast.arg.as_deref().filter(|arg| matches!(arg.node, Some(NodeEnum::AConst(_)))).and_then(constant)
        }
        // Numbers throughout: of texts the least is the first by the alphabet.
        Some(NodeEnum::MinMaxExpr(least)) if least.op == MinMaxOp::IsLeast as i32 => {
            let known = least.args.iter().all(|arg| constant(arg).is_some() || is_bigint(arg));
            least.args.iter().filter_map(constant).min().filter(|_| known)
        }
        Some(_) | None => None,
    }
}

const INTEGERS: [&str; 3] = ["int2", "int4", "int8"];

/// Whatever it is a cast of: the server computes the least of it as numbers.
fn is_bigint(node: &Node) -> bool {
    let Some(NodeEnum::TypeCast(cast)) = &node.node else { return false };
    cast.type_name.as_ref().is_some_and(|kind| is_own(kind, &["int8"]))
}

/// Whether it is one of these types of the server's, and no array of it.
fn is_own(kind: &TypeName, names: &[&str]) -> bool {
    let TypeName { names: parts, type_oid: _, setof, pct_type, typmods, typemod: _, array_bounds, location: _ } = kind;
    let parts: Option<Vec<&str>> = parts.iter().map(string).collect();
    let of_server = matches!(parts.as_deref(), Some(["pg_catalog", name]) if names.contains(name));
    of_server && !setof && !pct_type && typmods.is_empty() && array_bounds.is_empty()
}

/// Adds or lowers the LIMIT of what a statement releases; `None` where it can have none.
fn limit(tree: &mut Node, rows: u32) -> Option<()> {
    let NodeEnum::SelectStmt(select) = released(tree)? else { return None };
    if select.limit_option == LimitOption::WithTies as i32 {
        return None;
    }
    let most = Node {
        node: Some(NodeEnum::AConst(AConst {
            isnull: false,
            location: -1,
            val: Some(Val::Ival(Integer { ival: i32::try_from(rows).ok()? })),
        })),
    };
    let limit = match select.limit_count.take() {
        None => most,
        Some(count) => match &count.node {
            Some(NodeEnum::AConst(_)) => most,
            _computed => least(*count, most),
        },
    };
    select.limit_count = Some(Box::new(limit));
    select.limit_option = LimitOption::Count as i32;
    Some(())
}

/// `LEAST(CAST(count AS bigint), most)`: a null limits nothing, and is passed over.
fn least(count: Node, most: Node) -> Node {
    let text = |sval: &str| Node { node: Some(NodeEnum::String(Text { sval: sval.to_owned() })) };
    let bigint = TypeName {
        names: vec![text("pg_catalog"), text("int8")],
        type_oid: 0,
        setof: false,
        pct_type: false,
        typmods: Vec::new(),
        typemod: -1,
        array_bounds: Vec::new(),
        location: -1,
    };
    let cast = TypeCast { arg: Some(Box::new(count)), type_name: Some(bigint), location: -1 };
    let args = vec![Node { node: Some(NodeEnum::TypeCast(Box::new(cast))) }, most];
    Node {
        node: Some(NodeEnum::MinMaxExpr(Box::new(MinMaxExpr {
            xpr: None,
            minmaxtype: 0,
            minmaxcollid: 0,
            inputcollid: 0,
            op: MinMaxOp::IsLeast as i32,
            args,
            location: -1,
        }))),
    }
}
