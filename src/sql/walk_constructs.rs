//! The rarer constructs of statements that read, taken apart: SQL/XML, SQL/JSON, TABLESAMPLE, SEARCH and CYCLE, row
//! locks. One list of parts for each serves both the walk and the resolution of names.

use super::walk::{Visitor, Walked, each, maybe, walk, walk_alias, walk_type, walk_window};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    Alias, CteCycleClause, CteSearchClause, JsonAggConstructor, JsonArgument, JsonArrayAgg, JsonArrayConstructor,
    JsonArrayQueryConstructor, JsonBehavior, JsonFormat, JsonFuncExpr, JsonIsPredicate, JsonKeyValue, JsonObjectAgg,
    JsonObjectConstructor, JsonOutput, JsonParseExpr, JsonReturning, JsonScalarExpr, JsonSerializeExpr, JsonTable,
    JsonTableColumn, JsonTablePathSpec, JsonValueExpr, LockingClause, Node, RangeTableFunc, RangeTableFuncCol,
    RangeTableSample, ResTarget, TypeName, WindowDef, XmlExpr, XmlSerialize,
};

/// A part of a construct.
pub enum Part<'n> {
    /// An expression, or another construct.
    Value(&'n mut Node),
    /// A query in an expression.
    Query(&'n mut Node),
    /// What an aggregate filters by.
    Filter(&'n mut Node),
    /// What an aggregate sorts by.
    Sort(&'n mut [Node]),
    Window(&'n mut WindowDef),
    /// Names without a meaning of their own.
    Names(&'n mut [Node]),
    Type(&'n mut TypeName),
    Alias(&'n mut Option<Alias>),
    Location(&'n mut i32),
}

type Parts<'n> = Vec<Part<'n>>;

/// The parts of a construct of SQL/XML or SQL/JSON, in a fixed order; `None` if the node is none.
pub fn parts(node: &mut NodeEnum) -> Option<Parts<'_>> {
    let mut out = Vec::new();
    match node {
        NodeEnum::XmlExpr(xml) => {
            let XmlExpr {
                xpr,
                op: _,
                name: _,
                named_args,
                arg_names,
                args,
                xmloption: _,
                indent: _,
                r#type: _,
                typmod: _,
                location,
            } = &mut **xml;
            out.push(Part::Location(location));
            value(&mut out, xpr);
            named(&mut out, named_args);
            out.push(Part::Names(arg_names));
            values(&mut out, args);
        }
        NodeEnum::XmlSerialize(xml) => {
            let XmlSerialize { xmloption: _, expr, type_name, indent: _, location } = &mut **xml;
            out.push(Part::Location(location));
            value(&mut out, expr);
            out.extend(type_name.as_mut().map(Part::Type));
        }
        NodeEnum::RangeTableFunc(table) => {
            let RangeTableFunc { lateral: _, docexpr, rowexpr, namespaces, columns, alias, location } = &mut **table;
            out.push(Part::Location(location));
            value(&mut out, docexpr);
            value(&mut out, rowexpr);
            named(&mut out, namespaces);
            values(&mut out, columns);
            out.push(Part::Alias(alias));
        }
        NodeEnum::RangeTableFuncCol(column) => {
            let RangeTableFuncCol {
                colname: _,
                type_name,
                for_ordinality: _,
                is_not_null: _,
                colexpr,
                coldefexpr,
                location,
            } = &mut **column;
            out.push(Part::Location(location));
            out.extend(type_name.as_mut().map(Part::Type));
            value(&mut out, colexpr);
            value(&mut out, coldefexpr);
        }
        NodeEnum::JsonTable(table) => {
            let JsonTable { context_item, pathspec, passing, columns, on_error, alias, lateral: _, location } =
                &mut **table;
            out.push(Part::Location(location));
            json_value(&mut out, context_item.as_deref_mut());
            path(&mut out, pathspec.as_deref_mut());
            values(&mut out, passing);
            values(&mut out, columns);
            behavior(&mut out, on_error.as_deref_mut());
            out.push(Part::Alias(alias));
        }
        NodeEnum::JsonTableColumn(column) => {
            let JsonTableColumn {
                coltype: _,
                name: _,
                type_name,
                pathspec,
                format,
                wrapper: _,
                quotes: _,
                columns,
                on_empty,
                on_error,
                location,
            } = &mut **column;
            out.push(Part::Location(location));
            out.extend(type_name.as_mut().map(Part::Type));
            path(&mut out, pathspec.as_deref_mut());
            json_format(&mut out, format.as_mut());
            values(&mut out, columns);
            behavior(&mut out, on_empty.as_deref_mut());
            behavior(&mut out, on_error.as_deref_mut());
        }
        NodeEnum::JsonValueExpr(json) => json_value(&mut out, Some(&mut **json)),
        NodeEnum::JsonArgument(argument) => {
            let JsonArgument { val, name: _ } = &mut **argument;
            json_value(&mut out, val.as_deref_mut());
        }
        NodeEnum::JsonKeyValue(pair) => key_value(&mut out, pair),
        NodeEnum::JsonFuncExpr(function) => {
            let JsonFuncExpr {
                op: _,
                column_name: _,
                context_item,
                pathspec,
                passing,
                output,
                on_empty,
                on_error,
                wrapper: _,
                quotes: _,
                location,
            } = &mut **function;
            out.push(Part::Location(location));
            json_value(&mut out, context_item.as_deref_mut());
            value(&mut out, pathspec);
            values(&mut out, passing);
            json_output(&mut out, output.as_mut());
            behavior(&mut out, on_empty.as_deref_mut());
            behavior(&mut out, on_error.as_deref_mut());
        }
        NodeEnum::JsonParseExpr(json) => {
            let JsonParseExpr { expr, output, unique_keys: _, location } = &mut **json;
            out.push(Part::Location(location));
            json_value(&mut out, expr.as_deref_mut());
            json_output(&mut out, output.as_mut());
        }
        NodeEnum::JsonScalarExpr(json) => {
            let JsonScalarExpr { expr, output, location } = &mut **json;
            out.push(Part::Location(location));
            value(&mut out, expr);
            json_output(&mut out, output.as_mut());
        }
        NodeEnum::JsonSerializeExpr(json) => {
            let JsonSerializeExpr { expr, output, location } = &mut **json;
            out.push(Part::Location(location));
            json_value(&mut out, expr.as_deref_mut());
            json_output(&mut out, output.as_mut());
        }
        NodeEnum::JsonObjectConstructor(json) => {
            let JsonObjectConstructor { exprs, output, absent_on_null: _, unique: _, location } = json;
            out.push(Part::Location(location));
            values(&mut out, exprs);
            json_output(&mut out, output.as_mut());
        }
        NodeEnum::JsonArrayConstructor(json) => {
            let JsonArrayConstructor { exprs, output, absent_on_null: _, location } = json;
            out.push(Part::Location(location));
            values(&mut out, exprs);
            json_output(&mut out, output.as_mut());
        }
        NodeEnum::JsonArrayQueryConstructor(json) => {
            let JsonArrayQueryConstructor { query, output, format, absent_on_null: _, location } = &mut **json;
            out.push(Part::Location(location));
            out.extend(query.as_deref_mut().map(Part::Query));
            json_output(&mut out, output.as_mut());
            json_format(&mut out, format.as_mut());
        }
        NodeEnum::JsonObjectAgg(json) => {
            let JsonObjectAgg { constructor, arg, absent_on_null: _, unique: _ } = &mut **json;
            aggregate(&mut out, constructor.as_deref_mut());
            if let Some(pair) = arg {
                key_value(&mut out, pair);
            }
        }
        NodeEnum::JsonArrayAgg(json) => {
            let JsonArrayAgg { constructor, arg, absent_on_null: _ } = &mut **json;
            aggregate(&mut out, constructor.as_deref_mut());
            json_value(&mut out, arg.as_deref_mut());
        }
        NodeEnum::JsonIsPredicate(json) => {
            let JsonIsPredicate { expr, format, item_type: _, unique_keys: _, location } = &mut **json;
            out.push(Part::Location(location));
            value(&mut out, expr);
            json_format(&mut out, format.as_mut());
        }
        _no_construct => return None,
    }
    Some(out)
}

/// Whether a construct is an aggregate.
pub fn is_json_aggregate(node: &NodeEnum) -> bool {
    matches!(node, NodeEnum::JsonObjectAgg(_) | NodeEnum::JsonArrayAgg(_))
}

fn value<'n>(out: &mut Parts<'n>, node: &'n mut Option<Box<Node>>) {
    out.extend(node.as_deref_mut().map(Part::Value));
}

fn values<'n>(out: &mut Parts<'n>, nodes: &'n mut [Node]) {
    out.extend(nodes.iter_mut().map(Part::Value));
}

/// Expressions with names: `XMLFOREST(a AS b)`, `XMLNAMESPACES('uri' AS x)`.
fn named<'n>(out: &mut Parts<'n>, nodes: &'n mut [Node]) {
    for node in nodes {
        if matches!(&node.node, Some(NodeEnum::ResTarget(_))) {
            let Some(NodeEnum::ResTarget(target)) = &mut node.node else { continue };
            let ResTarget { name: _, indirection, val, location } = &mut **target;
            out.push(Part::Location(location));
            out.push(Part::Names(indirection));
            value(out, val);
        } else {
            out.push(Part::Value(node));
        }
    }
}

fn json_value<'n>(out: &mut Parts<'n>, json: Option<&'n mut JsonValueExpr>) {
    let Some(JsonValueExpr { raw_expr, formatted_expr, format }) = json else { return };
    value(out, raw_expr);
    value(out, formatted_expr);
    json_format(out, format.as_mut());
}

fn json_format<'n>(out: &mut Parts<'n>, format: Option<&'n mut JsonFormat>) {
    let Some(JsonFormat { format_type: _, encoding: _, location }) = format else { return };
    out.push(Part::Location(location));
}

fn json_output<'n>(out: &mut Parts<'n>, output: Option<&'n mut JsonOutput>) {
    let Some(JsonOutput { type_name, returning }) = output else { return };
    out.extend(type_name.as_mut().map(Part::Type));
    if let Some(JsonReturning { format, typid: _, typmod: _ }) = returning {
        json_format(out, format.as_mut());
    }
}

fn behavior<'n>(out: &mut Parts<'n>, behavior: Option<&'n mut JsonBehavior>) {
    let Some(JsonBehavior { btype: _, expr, coerce: _, location }) = behavior else { return };
    out.push(Part::Location(location));
    value(out, expr);
}

fn path<'n>(out: &mut Parts<'n>, path: Option<&'n mut JsonTablePathSpec>) {
    let Some(JsonTablePathSpec { string, name: _, name_location, location }) = path else { return };
    out.push(Part::Location(name_location));
    out.push(Part::Location(location));
    value(out, string);
}

fn key_value<'n>(out: &mut Parts<'n>, pair: &'n mut JsonKeyValue) {
    let JsonKeyValue { key, value: json } = pair;
    value(out, key);
    json_value(out, json.as_deref_mut());
}

fn aggregate<'n>(out: &mut Parts<'n>, constructor: Option<&'n mut JsonAggConstructor>) {
    let Some(JsonAggConstructor { output, agg_filter, agg_order, over, location }) = constructor else { return };
    out.push(Part::Location(location));
    json_output(out, output.as_mut());
    out.extend(agg_filter.as_deref_mut().map(Part::Filter));
    out.push(Part::Sort(agg_order));
    out.extend(over.as_deref_mut().map(Part::Window));
}

/// Walks the parts of a construct.
pub(super) fn walk_parts(parts: Parts<'_>, visitor: &mut dyn Visitor) -> Walked {
    for part in parts {
        match part {
            Part::Value(node) | Part::Query(node) | Part::Filter(node) => walk(node, visitor)?,
            Part::Sort(nodes) | Part::Names(nodes) => each(nodes, visitor)?,
            Part::Window(window) => walk_window(window, visitor)?,
            Part::Type(name) => walk_type(name, visitor)?,
            Part::Alias(alias) => walk_alias(alias, visitor)?,
            Part::Location(at) => visitor.location(at),
        }
    }
    Ok(())
}

pub(super) fn walk_sample(sample: &mut RangeTableSample, visitor: &mut dyn Visitor) -> Walked {
    let RangeTableSample { relation, method, args, repeatable, location } = sample;
    visitor.location(location);
    maybe(relation, visitor)?;
    each(method, visitor)?;
    each(args, visitor)?;
    maybe(repeatable, visitor)
}

pub(super) fn walk_lock(lock: &mut LockingClause, visitor: &mut dyn Visitor) -> Walked {
    let LockingClause { locked_rels, strength: _, wait_policy: _ } = lock;
    each(locked_rels, visitor)
}

pub(super) fn walk_search(search: &mut CteSearchClause, visitor: &mut dyn Visitor) -> Walked {
    let CteSearchClause { search_col_list, search_breadth_first: _, search_seq_column: _, location } = search;
    visitor.location(location);
    each(search_col_list, visitor)
}

pub(super) fn walk_cycle(cycle: &mut CteCycleClause, visitor: &mut dyn Visitor) -> Walked {
    let CteCycleClause {
        cycle_col_list,
        cycle_mark_column: _,
        cycle_mark_value,
        cycle_mark_default,
        cycle_path_column: _,
        location,
        cycle_mark_type: _,
        cycle_mark_typmod: _,
        cycle_mark_collation: _,
        cycle_mark_neop: _,
    } = cycle;
    visitor.location(location);
    each(cycle_col_list, visitor)?;
    maybe(cycle_mark_value, visitor)?;
    maybe(cycle_mark_default, visitor)
}
