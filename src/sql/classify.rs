//! From syntax tree to [`Kind`].

use super::kind::{Answer, Declare, Discard, Execute, Hold, Kind, Set, SetScope, SetValue, Signal, Transaction};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AConst, ClosePortalStmt, ConstraintsSetStmt, DeallocateStmt, DeclareCursorStmt, DiscardMode, DiscardStmt,
    ExecuteStmt, FetchStmt, FuncCall, ListenStmt, Node, NotifyStmt, ObjectType, ResTarget, SelectStmt, TransactionStmt,
    TransactionStmtKind, TypeCast, UnlistenStmt, VariableSetKind, VariableSetStmt, VariableShowStmt, a_const::Val,
};

/// The kind of a statement.
pub fn classify(tree: &Node) -> Kind {
    let Some(node) = &tree.node else { return Kind::Other("an empty node".into()) };
    match node {
        NodeEnum::SelectStmt(select) if select.into_clause.is_some() => Kind::Define("SELECT INTO"),
        NodeEnum::SelectStmt(select) => lone_set_config(select).map_or(Kind::Read, Kind::Set),
        NodeEnum::InsertStmt(_) | NodeEnum::UpdateStmt(_) | NodeEnum::DeleteStmt(_) | NodeEnum::MergeStmt(_) => {
            Kind::Write
        }
        NodeEnum::TruncateStmt(_) | NodeEnum::CopyStmt(_) => Kind::Bulk,
        NodeEnum::CallStmt(_) => Kind::Call,
        NodeEnum::TransactionStmt(stmt) => transaction(stmt),
        NodeEnum::ConstraintsSetStmt(ConstraintsSetStmt { constraints: _, deferred: _ }) => {
            Kind::Transaction(Transaction::Constraints)
        }
        NodeEnum::VariableSetStmt(stmt) => set(stmt),
        NodeEnum::VariableShowStmt(VariableShowStmt { name }) => Kind::Show(name.to_lowercase().into()),
        NodeEnum::DiscardStmt(DiscardStmt { target }) => match DiscardMode::try_from(*target) {
            Ok(DiscardMode::DiscardAll) => Kind::Discard(Discard::All),
            Ok(DiscardMode::DiscardPlans) => Kind::Discard(Discard::Plans),
            Ok(DiscardMode::DiscardSequences) => Kind::Discard(Discard::Sequences),
            Ok(DiscardMode::DiscardTemp) => Kind::Discard(Discard::Temp),
            Ok(DiscardMode::Undefined) | Err(_) => Kind::Other("DISCARD".into()),
        },
        NodeEnum::DeallocateStmt(DeallocateStmt { name, isall, location: _ }) => {
            Kind::Deallocate((!*isall).then(|| name.as_str().into()))
        }
        NodeEnum::ExplainStmt(explain) => match explain.query.as_ref().and_then(|query| query.node.as_ref()) {
            Some(NodeEnum::ExecuteStmt(ExecuteStmt { name, params: _ })) => {
                Kind::Execute(Execute { name: name.as_str().into(), answer: Answer::Plan })
            }
            Some(_) | None => Kind::Explain,
        },
        NodeEnum::PrepareStmt(prepare) => Kind::Prepare(prepare.name.as_str().into()),
        NodeEnum::ExecuteStmt(ExecuteStmt { name, params: _ }) => {
            Kind::Execute(Execute { name: name.as_str().into(), answer: Answer::Rows })
        }
        NodeEnum::DeclareCursorStmt(declare) => {
            let DeclareCursorStmt { portalname, options, query: _ } = &**declare;
            let hold = if options & CURSOR_OPT_HOLD == 0 { Hold::Without } else { Hold::With };
            Kind::Declare(Declare { name: portalname.as_str().into(), hold })
        }
        NodeEnum::FetchStmt(FetchStmt { direction: _, how_many: _, portalname, ismove: _ }) => {
            Kind::Fetch(portalname.as_str().into())
        }
        NodeEnum::ClosePortalStmt(ClosePortalStmt { portalname }) => Kind::Close(named(portalname)),
        NodeEnum::LockStmt(_) => Kind::Lock,
        NodeEnum::CreateStmt(_) => Kind::Define("CREATE TABLE"),
        NodeEnum::CreateTableAsStmt(create) if create.objtype == ObjectType::ObjectMatview as i32 => {
            Kind::Define("CREATE MATERIALIZED VIEW")
        }
        NodeEnum::CreateTableAsStmt(_) => Kind::Define("CREATE TABLE AS"),
        NodeEnum::ViewStmt(_) => Kind::Define("CREATE VIEW"),
        NodeEnum::RefreshMatViewStmt(_) => Kind::Define("REFRESH MATERIALIZED VIEW"),
        NodeEnum::IndexStmt(_) => Kind::Define("CREATE INDEX"),
        NodeEnum::CreateSeqStmt(_) => Kind::Define("CREATE SEQUENCE"),
        NodeEnum::CreateSchemaStmt(_) => Kind::Define("CREATE SCHEMA"),
        NodeEnum::CommentStmt(_) => Kind::Define("COMMENT"),
        NodeEnum::DropStmt(_) => Kind::Define("DROP"),
        NodeEnum::AlterTableStmt(alter) => Kind::Define(match ObjectType::try_from(alter.objtype) {
            Ok(ObjectType::ObjectType) => return Kind::Other("ALTER TYPE … ATTRIBUTE".into()),
            Ok(ObjectType::ObjectIndex) => return Kind::Other("ALTER INDEX, but for RENAME,".into()),
            Ok(ObjectType::ObjectView) => "ALTER VIEW",
            Ok(ObjectType::ObjectMatview) => "ALTER MATERIALIZED VIEW",
            Ok(_table) => "ALTER TABLE",
            Err(_) => return Kind::Other("ALTER".into()),
        }),
        NodeEnum::RenameStmt(_) => Kind::Define("ALTER … RENAME"),
        NodeEnum::AlterObjectSchemaStmt(_) => Kind::Define("ALTER … SET SCHEMA"),
        NodeEnum::AlterSeqStmt(_) => Kind::Define("ALTER SEQUENCE"),
        NodeEnum::CompositeTypeStmt(_) | NodeEnum::CreateEnumStmt(_) => Kind::Define("CREATE TYPE"),
        NodeEnum::AlterEnumStmt(_) => Kind::Define("ALTER TYPE"),
        NodeEnum::CreateDomainStmt(_) => Kind::Define("CREATE DOMAIN"),
        NodeEnum::ListenStmt(ListenStmt { conditionname }) => {
            Kind::Signal(Signal::Listen(conditionname.as_str().into()))
        }
        NodeEnum::UnlistenStmt(UnlistenStmt { conditionname }) => Kind::Signal(Signal::Unlisten(named(conditionname))),
        NodeEnum::NotifyStmt(NotifyStmt { conditionname, payload: _, payload_location: _ }) => {
            Kind::Signal(Signal::Notify(conditionname.as_str().into()))
        }
        other => Kind::Other(words(other).into()),
    }
}

/// `CURSOR_OPT_HOLD` of `parsenodes.h`.
const CURSOR_OPT_HOLD: i32 = 0x20;

/// A name, or none for all.
fn named(name: &str) -> Option<Box<str>> {
    (!name.is_empty()).then(|| name.into())
}

fn transaction(stmt: &TransactionStmt) -> Kind {
    let TransactionStmt { kind, options: _, savepoint_name: _, gid: _, chain, location: _ } = stmt;
    Kind::Transaction(match TransactionStmtKind::try_from(*kind) {
        Ok(TransactionStmtKind::TransStmtBegin | TransactionStmtKind::TransStmtStart) => Transaction::Begin,
        Ok(TransactionStmtKind::TransStmtCommit) => Transaction::Commit { chain: *chain },
        Ok(TransactionStmtKind::TransStmtRollback) => Transaction::Rollback { chain: *chain },
        Ok(TransactionStmtKind::TransStmtSavepoint) => Transaction::Savepoint,
        Ok(TransactionStmtKind::TransStmtRelease) => Transaction::Release,
        Ok(TransactionStmtKind::TransStmtRollbackTo) => Transaction::RollbackTo,
        Ok(
            TransactionStmtKind::TransStmtPrepare
            | TransactionStmtKind::TransStmtCommitPrepared
            | TransactionStmtKind::TransStmtRollbackPrepared,
        ) => Transaction::TwoPhase,
        Ok(TransactionStmtKind::Undefined) | Err(_) => return Kind::Other("transaction control".into()),
    })
}

fn set(stmt: &VariableSetStmt) -> Kind {
    let VariableSetStmt { kind, name, args, jumble_args: _, is_local, location: _ } = stmt;
    let value = match VariableSetKind::try_from(*kind) {
        Ok(VariableSetKind::VarSetValue) => {
            args.iter().map(constant_text).collect::<Option<Vec<_>>>().map_or(SetValue::Special, SetValue::Values)
        }
        Ok(VariableSetKind::VarSetDefault | VariableSetKind::VarReset | VariableSetKind::VarResetAll) => {
            SetValue::Default
        }
        Ok(VariableSetKind::VarSetCurrent | VariableSetKind::VarSetMulti | VariableSetKind::Undefined) | Err(_) => {
            SetValue::Special
        }
    };
    let all = VariableSetKind::try_from(*kind) == Ok(VariableSetKind::VarResetAll);
    Kind::Set(Set {
        scope: if *is_local { SetScope::Local } else { SetScope::Session },
        name: if all { "all".into() } else { name.to_lowercase().into() },
        value,
        by_function: false,
    })
}

/// `SELECT set_config('name', 'value', false)` and nothing else: what Django, pg_dump and SQLAlchemy send for SET.
fn lone_set_config(select: &SelectStmt) -> Option<Set> {
    let SelectStmt {
        distinct_clause,
        into_clause,
        target_list,
        from_clause,
        where_clause,
        group_clause,
        group_distinct: _,
        having_clause,
        window_clause,
        values_lists,
        sort_clause,
        limit_offset,
        limit_count,
        limit_option: _,
        locking_clause,
        with_clause,
        op: _,
        all: _,
        larg,
        rarg,
    } = select;
    let lists = [distinct_clause, from_clause, group_clause, window_clause, values_lists, sort_clause, locking_clause];
    let plain = lists.iter().all(|list| list.is_empty())
        && [where_clause, having_clause, limit_offset, limit_count].iter().all(|clause| clause.is_none())
        && (into_clause.is_none() && with_clause.is_none() && larg.is_none() && rarg.is_none());
    let [Node { node: Some(NodeEnum::ResTarget(target)) }] = target_list.as_slice() else { return None };
    let ResTarget { name: _, indirection, val, location: _ } = &**target;
    let Some(NodeEnum::FuncCall(call)) = val.as_ref().and_then(|val| val.node.as_ref()) else { return None };
    if !plain || !indirection.is_empty() {
        return None;
    }
    set_config(call)
}

/// The name, in lower case, of the setting that a call of `set_config` changes, where it is a constant.
pub fn set_config_name(call: &FuncCall) -> Option<Box<str>> {
    let [setting, _value, _local] = call.args.as_slice() else { return None };
    Some(constant_text(setting)?.to_lowercase().into())
}

/// The setting that a call of `set_config` with constant arguments changes.
fn set_config(call: &FuncCall) -> Option<Set> {
    let name: Vec<&str> = call.funcname.iter().filter_map(string).collect();
    if !matches!(name.as_slice(), ["set_config"] | ["pg_catalog", "set_config"]) {
        return None;
    }
    let [_setting, value, local] = call.args.as_slice() else { return None };
    let local = match &constant(local)?.val {
        Some(Val::Boolval(flag)) => flag.boolval,
        Some(Val::Sval(text)) => matches!(text.sval.as_str(), "t" | "true" | "on" | "1" | "yes"),
        Some(Val::Ival(_) | Val::Fval(_) | Val::Bsval(_)) | None => return None,
    };
    let name = set_config_name(call)?;
    let custom = name.contains('.') && !name.starts_with("wherefore.");
    let value =
        if custom && is_parameter(value) { SetValue::Parameter } else { SetValue::Values(vec![constant_text(value)?]) };
    let scope = if local { SetScope::Local } else { SetScope::Session };
    Some(Set { scope, name, value, by_function: true })
}

/// `$1` or `$1::text`.
fn is_parameter(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => {
            let TypeCast { arg, type_name, location: _ } = &**cast;
            let names = type_name.as_ref().map(|name| name.names.iter().filter_map(string).collect::<Vec<_>>());
            names.is_some_and(|names| names == ["text"]) && arg.as_ref().is_some_and(|arg| is_parameter(arg))
        }
        Some(_) | None => false,
    }
}

/// The text of a String node.
pub fn string(node: &Node) -> Option<&str> {
    match &node.node {
        Some(NodeEnum::String(value)) => Some(&value.sval),
        Some(_) | None => None,
    }
}

/// A constant, also below a cast that leaves it as it is (`'t'::bool`, `'UTC'::text`, the interval of SET TIME ZONE). A
/// cast that could change the value, such as to `varchar(4)`, makes it an expression.
fn constant(node: &Node) -> Option<&AConst> {
    match node.node.as_ref()? {
        NodeEnum::AConst(constant) => Some(constant),
        NodeEnum::TypeCast(cast) => {
            let TypeCast { arg, type_name, location: _ } = &**cast;
            let name = type_name.as_ref()?;
            let last = name.names.iter().filter_map(string).next_back();
            let keeps = matches!(last, Some("bool" | "text" | "interval")) && name.array_bounds.is_empty();
            (keeps && (name.typmods.is_empty() || last == Some("interval"))).then_some(constant(arg.as_ref()?)?)
        }
        _not_constant => None,
    }
}

/// The text of a constant, as it is written or below a cast that leaves it as it is.
pub fn constant_text(node: &Node) -> Option<Box<str>> {
    let value = constant(node)?;
    match value.val.as_ref() {
        Some(Val::Sval(text)) => Some(text.sval.as_str().into()),
        Some(Val::Ival(number)) => Some(number.ival.to_string().into()),
        Some(Val::Fval(number)) => Some(number.fval.as_str().into()),
        Some(Val::Boolval(flag)) => Some(if flag.boolval { "true" } else { "false" }.into()),
        Some(Val::Bsval(_)) => None,
        // A zero is written as no value at all.
        None => (!value.isnull).then(|| "0".into()),
    }
}

/// A node's name in SQL words, for messages: `InsertStmt` is `INSERT`, `AlterTableStmt` is `ALTER TABLE`.
pub fn words(node: &NodeEnum) -> String {
    match node {
        NodeEnum::RangeTableSample(_) => return "TABLESAMPLE".into(),
        NodeEnum::RangeTableFunc(_) => return "XMLTABLE".into(),
        NodeEnum::JsonTable(_) => return "JSON_TABLE".into(),
        NodeEnum::CreateTableAsStmt(_) => return "CREATE TABLE AS".into(),
        NodeEnum::CreateStmt(_) => return "CREATE TABLE".into(),
        NodeEnum::IndexStmt(_) => return "CREATE INDEX".into(),
        NodeEnum::ViewStmt(_) => return "CREATE VIEW".into(),
        NodeEnum::FetchStmt(_) => return "FETCH".into(),
        NodeEnum::DeclareCursorStmt(_) => return "DECLARE CURSOR".into(),
        NodeEnum::ClosePortalStmt(_) => return "CLOSE".into(),
        NodeEnum::CreatedbStmt(_) => return "CREATE DATABASE".into(),
        NodeEnum::DropdbStmt(_) => return "DROP DATABASE".into(),
        NodeEnum::VacuumStmt(vacuum) if !vacuum.is_vacuumcmd => return "ANALYZE".into(),
        NodeEnum::CheckPointStmt(_) => return "CHECKPOINT".into(),
        NodeEnum::SecLabelStmt(_) => return "SECURITY LABEL".into(),
        NodeEnum::XmlExpr(_) | NodeEnum::XmlSerialize(_) => return "an SQL/XML function".into(),
        _named_by_its_node => {}
    }
    let debug = Head::of(node);
    let name = debug.strip_suffix("Stmt").unwrap_or(&debug);
    let mut words = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            words.push(' ');
        }
        words.extend(letter.to_uppercase());
    }
    words
}

/// Writes only the head of a debug representation: the variant's name.
struct Head(String);

impl Head {
    fn of(node: &NodeEnum) -> String {
        let mut head = Head(String::new());
        // The error is how the writer stops at the parenthesis.
        let _ = std::fmt::Write::write_fmt(&mut head, format_args!("{node:?}"));
        head.0
    }
}

impl std::fmt::Write for Head {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        let end = piece.find(['(', ' ', '{']).unwrap_or(piece.len());
        self.0.push_str(&piece[..end]);
        if end < piece.len() { Err(std::fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parse;

    #[track_caller]
    fn kind(text: &str) -> Kind {
        classify(&parse(text).expect(text)[0].tree)
    }

    fn set(scope: SetScope, name: &str, value: &str, by_function: bool) -> Kind {
        Kind::Set(Set { scope, name: name.into(), value: SetValue::Values(vec![value.into()]), by_function })
    }

    #[test]
    fn settings_are_told_however_they_are_written() {
        let path = |scope, by_function| set(scope, "search_path", "a", by_function);
        assert_eq!(kind("SET search_path = a"), path(SetScope::Session, false));
        assert_eq!(kind("SET LOCAL search_path TO 'a'"), path(SetScope::Local, false));
        assert_eq!(kind("SELECT set_config('search_path', 'a', false)"), path(SetScope::Session, true));
        assert_eq!(
            kind("SELECT pg_catalog.set_config('SEARCH_PATH', 'a'::text, 't'::bool)"),
            path(SetScope::Local, true)
        );
    }

    #[test]
    fn giving_up_all_is_told_from_giving_up_one() {
        assert_eq!(kind("CLOSE ALL"), Kind::Close(None));
        assert_eq!(kind("UNLISTEN *"), Kind::Signal(Signal::Unlisten(None)));
        assert_eq!(kind("CLOSE a"), Kind::Close(Some("a".into())));
        assert_eq!(kind("UNLISTEN a"), Kind::Signal(Signal::Unlisten(Some("a".into()))));
    }

    #[test]
    fn names_are_folded_and_cut_as_the_server_does() {
        let (long, cut) = ("A".repeat(70), "a".repeat(63));
        assert_eq!(kind(&format!("PREPARE {long} AS SELECT 1")), Kind::Prepare(cut.as_str().into()));
        assert_eq!(kind(&format!("FETCH ALL FROM {long}")), Kind::Fetch(cut.as_str().into()));
        assert_eq!(kind(&format!("CLOSE \"{long}\"")), Kind::Close(Some("A".repeat(63).as_str().into())));
        assert_eq!(kind(&format!("DEALLOCATE {long}")), Kind::Deallocate(Some(cut.as_str().into())));
        let execute = |answer| Kind::Execute(Execute { name: "a".into(), answer });
        assert_eq!(kind("EXECUTE A (1)"), execute(Answer::Rows));
        assert_eq!(kind("EXPLAIN (VERBOSE) EXECUTE a"), execute(Answer::Plan));
        assert_eq!(kind("EXPLAIN ANALYZE SELECT 1"), Kind::Explain);
        let declare = |hold| Kind::Declare(Declare { name: "c".into(), hold });
        assert_eq!(kind("DECLARE c BINARY CURSOR WITHOUT HOLD FOR SELECT 1"), declare(Hold::Without));
        assert_eq!(kind("DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1"), declare(Hold::With));
    }

    #[test]
    fn a_cast_that_changes_the_value_is_no_constant() {
        assert_eq!(kind("SELECT set_config('search_path', 'evilx'::varchar(4), false)"), Kind::Read);
        assert_eq!(kind("SELECT set_config('search_path', 'evilx'::char, false)"), Kind::Read);
        assert_eq!(kind("SELECT set_config('search_path', 'a' || 'b', false)"), Kind::Read);
        assert_eq!(kind("SELECT set_config('search_path', 'a', false) WHERE false"), Kind::Read);
    }
}
