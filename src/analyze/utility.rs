//! Utilities that hold other statements, expressions or relations: EXPLAIN, PREPARE, EXECUTE, DECLARE CURSOR, LOCK TABLE.
//!
//! A wrapper resolves what it wraps and stays in the tree, so that everything after resolution works on the whole.

use super::known::Known;
use super::resolver::{Outcome, Resolver, not_understood};
use super::scope::Level;
use crate::sql::words;
use crate::vocab::{Oid, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    DeclareCursorStmt, DefElem, ExecuteStmt, ExplainStmt, LockStmt, Node, PrepareStmt, a_const::Val,
};
use std::sync::Arc;

/// Names of a result's columns, where they are all known.
type Names = Option<Arc<[Arc<str>]>>;

/// Options of EXPLAIN. Those of extensions are not known.
const EXPLAIN_OPTIONS: [&str; 12] = [
    "analyze",
    "buffers",
    "costs",
    "format",
    "generic_plan",
    "memory",
    "serialize",
    "settings",
    "summary",
    "timing",
    "verbose",
    "wal",
];

/// Stands for any type whose comparisons may fail.
pub(super) const SOME_TYPE: Oid = Oid::MAX;

impl Resolver<'_> {
    /// Resolves a utility that this module knows.
    pub(super) fn utility(&mut self, node: &mut NodeEnum) -> Outcome<Names> {
        match node {
            NodeEnum::ExplainStmt(explain) => {
                let ExplainStmt { query, options } = &mut **explain;
                for option in options {
                    explain_option(option, query.as_deref())?;
                }
                self.wrapped(query, "EXPLAIN")?;
                Ok(None)
            }
            NodeEnum::PrepareStmt(prepare) => {
                let PrepareStmt { name: _, argtypes, query } = &mut **prepare;
                let mut types = Vec::with_capacity(argtypes.len());
                for node in argtypes {
                    let Some(NodeEnum::TypeName(name)) = &mut node.node else {
                        return not_understood("a parameter type of PREPARE", -1);
                    };
                    types.push(self.named_type(name).unwrap_or(SOME_TYPE));
                    self.type_name(name, Known::Untyped, -1)?;
                }
                self.prepared = types;
                self.wrapped(query, "PREPARE")
            }
            NodeEnum::DeclareCursorStmt(declare) => {
                let DeclareCursorStmt { portalname: _, options: _, query } = &mut **declare;
                self.wrapped(query, "DECLARE CURSOR")?;
                Ok(None)
            }
            NodeEnum::ExecuteStmt(execute) => {
                let ExecuteStmt { name: _, params } = execute;
                self.levels.push(Level::default());
                let arguments = self.expressions(params, Some(Usage::Output));
                self.levels.pop();
                arguments?;
                Ok(None)
            }
            NodeEnum::LockStmt(lock) => {
                let LockStmt { relations, mode: _, nowait: _ } = lock;
                self.levels.push(Level::default());
                let found = relations.iter_mut().try_for_each(|relation| self.resolve_item(relation));
                self.levels.pop();
                found?;
                Ok(None)
            }
            other => not_understood(words(other), -1),
        }
    }

    /// What a wrapper wraps: a statement that reads or writes, or the EXECUTE of an EXPLAIN.
    fn wrapped(&mut self, query: &mut Option<Box<Node>>, wrapper: &str) -> Outcome<Names> {
        let Some(query) = query else { return not_understood(format!("an empty {wrapper}"), -1) };
        match &query.node {
            Some(
                NodeEnum::SelectStmt(_)
                | NodeEnum::InsertStmt(_)
                | NodeEnum::UpdateStmt(_)
                | NodeEnum::DeleteStmt(_)
                | NodeEnum::MergeStmt(_),
            ) => self.statement(query),
            Some(NodeEnum::ExecuteStmt(_)) if wrapper == "EXPLAIN" => self.statement(query),
            Some(other) => not_understood(format!("{} in {wrapper}", words(other)), -1),
            None => not_understood(format!("an empty {wrapper}"), -1),
        }
    }

    /// The type that is declared for the parameter of this index, by a PREPARE or a Parse.
    pub(super) fn declared_parameter(&self, index: usize) -> Option<Oid> {
        self.prepared.get(index).or_else(|| self.context.parameters.get(index)).copied()
    }
}

/// Whether an option of EXPLAIN is known.
fn explain_option(option: &Node, explained: Option<&Node>) -> Outcome<()> {
    let Some(NodeEnum::DefElem(option)) = &option.node else { return not_understood("an option of EXPLAIN", -1) };
    let DefElem { defnamespace: _, defname, arg, defaction: _, location, arg_location: _ } = &**option;
    let name = defname.to_ascii_lowercase();
    // What an EXECUTE would run the session knows.
    let runs_execute = name == "analyze" && matches!(explained, Some(Node { node: Some(NodeEnum::ExecuteStmt(_)) }));
    if is_off(arg.as_deref()) || (EXPLAIN_OPTIONS.contains(&&*name) && !runs_execute) {
        return Ok(());
    }
    not_understood(format!("EXPLAIN with {}", name.to_uppercase()), *location)
}

/// `defGetBoolean`: whether an option is written out as off.
fn is_off(value: Option<&Node>) -> bool {
    match value.and_then(|value| value.node.as_ref()) {
        Some(NodeEnum::Integer(number)) => number.ival == 0,
        Some(NodeEnum::Boolean(flag)) => !flag.boolval,
        Some(NodeEnum::String(word)) => matches!(&*word.sval.to_ascii_lowercase(), "false" | "off"),
        Some(NodeEnum::AConst(constant)) => match &constant.val {
            Some(Val::Ival(number)) => number.ival == 0,
            Some(Val::Boolval(flag)) => !flag.boolval,
            Some(Val::Sval(word)) => matches!(&*word.sval.to_ascii_lowercase(), "false" | "off"),
            Some(Val::Fval(_) | Val::Bsval(_)) | None => false,
        },
        Some(_) | None => false,
    }
}
