//! The name a result column gets where the statement gives none. After `FigureColname` of Postgres's parser; it matters
//! for names that an outer level or ORDER BY refers to.

use crate::sql::string;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AExprKind, JsonExprOp, MinMaxOp, Node, SelectStmt, SqlValueFunctionOp, SubLinkType, XmlExprOp,
};
use std::sync::Arc;

/// The name of an expression as a result column.
pub fn figure_name(node: &Node) -> Arc<str> {
    figure(node).map_or_else(|| "?column?".into(), |(name, _)| name)
}

/// How sure a name is: a cast's type name gives way to nothing better.
#[derive(PartialEq)]
enum Strength {
    Weak,
    Strong,
}

fn strong(name: &str) -> Option<(Arc<str>, Strength)> {
    Some((name.into(), Strength::Strong))
}

fn figure(node: &Node) -> Option<(Arc<str>, Strength)> {
    let last = |names: &[Node]| names.iter().filter_map(string).next_back().and_then(strong);
    match node.node.as_ref()? {
        NodeEnum::ColumnRef(reference) => last(&reference.fields),
        NodeEnum::AIndirection(indirection) => {
            last(&indirection.indirection).or_else(|| figure(indirection.arg.as_ref()?))
        }
        NodeEnum::FuncCall(call) => last(&call.funcname),
        NodeEnum::AExpr(expr) if expr.kind == AExprKind::AexprNullif as i32 => strong("nullif"),
        NodeEnum::TypeCast(cast) => {
            let inner = cast.arg.as_ref().and_then(|arg| figure(arg));
            match inner {
                Some((name, Strength::Strong)) => Some((name, Strength::Strong)),
                weaker => {
                    let name =
                        cast.type_name.as_ref().and_then(|name| name.names.iter().filter_map(string).next_back());
                    name.map(|name| (name.into(), Strength::Weak)).or(weaker)
                }
            }
        }
        NodeEnum::CollateClause(collate) => figure(collate.arg.as_ref()?),
        NodeEnum::GroupingFunc(_) => strong("grouping"),
        NodeEnum::MergeSupportFunc(_) => strong("merge_action"),
        NodeEnum::SubLink(sublink) => match SubLinkType::try_from(sublink.sub_link_type) {
            Ok(SubLinkType::ExistsSublink) => strong("exists"),
            Ok(SubLinkType::ArraySublink) => strong("array"),
            Ok(SubLinkType::ExprSublink) => match sublink.subselect.as_ref()?.node.as_ref()? {
                NodeEnum::SelectStmt(select) => first_target(select),
                _no_select => None,
            },
            Ok(
                SubLinkType::Undefined
                | SubLinkType::AllSublink
                | SubLinkType::AnySublink
                | SubLinkType::RowcompareSublink
                | SubLinkType::MultiexprSublink
                | SubLinkType::CteSublink,
            )
            | Err(_) => None,
        },
        NodeEnum::CaseExpr(case) => match case.defresult.as_ref().and_then(|node| figure(node)) {
            Some((name, Strength::Strong)) => Some((name, Strength::Strong)),
            Some((_, Strength::Weak)) | None => Some(("case".into(), Strength::Weak)),
        },
        NodeEnum::AArrayExpr(_) => strong("array"),
        NodeEnum::RowExpr(_) => strong("row"),
        NodeEnum::CoalesceExpr(_) => strong("coalesce"),
        NodeEnum::MinMaxExpr(extreme) => {
            strong(if extreme.op == MinMaxOp::IsGreatest as i32 { "greatest" } else { "least" })
        }
        NodeEnum::SqlvalueFunction(function) => value_function(function.op).and_then(strong),
        NodeEnum::XmlExpr(xml) => xml_function(xml.op).and_then(strong),
        NodeEnum::XmlSerialize(_) => strong("xmlserialize"),
        NodeEnum::JsonParseExpr(_) => strong("json"),
        NodeEnum::JsonScalarExpr(_) => strong("json_scalar"),
        NodeEnum::JsonSerializeExpr(_) => strong("json_serialize"),
        NodeEnum::JsonObjectConstructor(_) => strong("json_object"),
        NodeEnum::JsonArrayConstructor(_) | NodeEnum::JsonArrayQueryConstructor(_) => strong("json_array"),
        NodeEnum::JsonObjectAgg(_) => strong("json_objectagg"),
        NodeEnum::JsonArrayAgg(_) => strong("json_arrayagg"),
        NodeEnum::JsonFuncExpr(function) => json_function(function.op).and_then(strong),
        _nameless => None,
    }
}

/// The name of a scalar sub-query's only column.
fn first_target(select: &SelectStmt) -> Option<(Arc<str>, Strength)> {
    if let Some(left) = &select.larg {
        return first_target(left);
    }
    if !select.values_lists.is_empty() {
        return strong("column1");
    }
    match select.target_list.first()?.node.as_ref()? {
        NodeEnum::ResTarget(target) if !target.name.is_empty() => strong(&target.name),
        NodeEnum::ResTarget(target) => {
            Some((target.val.as_ref().map_or_else(|| "?column?".into(), |value| figure_name(value)), Strength::Strong))
        }
        _no_target => None,
    }
}

fn value_function(op: i32) -> Option<&'static str> {
    Some(match SqlValueFunctionOp::try_from(op).ok()? {
        SqlValueFunctionOp::SvfopCurrentDate => "current_date",
        SqlValueFunctionOp::SvfopCurrentTime | SqlValueFunctionOp::SvfopCurrentTimeN => "current_time",
        SqlValueFunctionOp::SvfopCurrentTimestamp | SqlValueFunctionOp::SvfopCurrentTimestampN => "current_timestamp",
        SqlValueFunctionOp::SvfopLocaltime | SqlValueFunctionOp::SvfopLocaltimeN => "localtime",
        SqlValueFunctionOp::SvfopLocaltimestamp | SqlValueFunctionOp::SvfopLocaltimestampN => "localtimestamp",
        SqlValueFunctionOp::SvfopCurrentRole => "current_role",
        SqlValueFunctionOp::SvfopCurrentUser => "current_user",
        SqlValueFunctionOp::SvfopUser => "user",
        SqlValueFunctionOp::SvfopSessionUser => "session_user",
        SqlValueFunctionOp::SvfopCurrentCatalog => "current_catalog",
        SqlValueFunctionOp::SvfopCurrentSchema => "current_schema",
        SqlValueFunctionOp::SqlvalueFunctionOpUndefined => return None,
    })
}

/// `FigureColname` names all of SQL/XML but `IS DOCUMENT`.
fn xml_function(op: i32) -> Option<&'static str> {
    Some(match XmlExprOp::try_from(op).ok()? {
        XmlExprOp::IsXmlconcat => "xmlconcat",
        XmlExprOp::IsXmlelement => "xmlelement",
        XmlExprOp::IsXmlforest => "xmlforest",
        XmlExprOp::IsXmlparse => "xmlparse",
        XmlExprOp::IsXmlpi => "xmlpi",
        XmlExprOp::IsXmlroot => "xmlroot",
        XmlExprOp::IsXmlserialize => "xmlserialize",
        XmlExprOp::IsDocument | XmlExprOp::Undefined => return None,
    })
}

fn json_function(op: i32) -> Option<&'static str> {
    Some(match JsonExprOp::try_from(op).ok()? {
        JsonExprOp::JsonExistsOp => "json_exists",
        JsonExprOp::JsonQueryOp => "json_query",
        JsonExprOp::JsonValueOp => "json_value",
        JsonExprOp::JsonTableOp | JsonExprOp::Undefined => return None,
    })
}
