//! ALTER TABLE.
//!
//! What it evaluates over rows that are there must be seen by who alters it: whether it succeeds tells of them. What it does to
//! names, parents and keys becomes steps ([`crate::catalog::Step`]), which the policy is held against as they will leave
//! the catalog. Columns are [`super::alter_column`].

use super::define;
use super::definition::{Definition, Of, Over, Touch};
use super::resolver::{Outcome, Resolver, not_understood, unresolved};
use crate::catalog::{Catalog, Column, ForeignKey, ReferentialAction, Relation, RelationKind, Step};
use crate::sql::{Visitor, string, walk};
use crate::vocab::{AttNum, NotUnderstood, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType, ColumnRef, ConstrType, Constraint, DropBehavior, Node, PartitionCmd,
    RangeVar,
};
use std::sync::Arc;

/// The table that is altered, and where it stands in the statement.
#[derive(Clone, Copy)]
pub(super) struct Altered<'a> {
    pub(super) table: &'a Relation,
    pub(super) at: i32,
}

/// What the server does where it finds nothing of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfMissing {
    Fails,
    /// `IF EXISTS`.
    Skips,
}

impl From<bool> for IfMissing {
    fn from(missing_ok: bool) -> IfMissing {
        if missing_ok { IfMissing::Skips } else { IfMissing::Fails }
    }
}

impl Altered<'_> {
    pub(super) fn place(self) -> Option<u32> {
        u32::try_from(self.at).ok()
    }

    /// A column, as the server finds it.
    pub(super) fn column(&self, name: &str) -> Outcome<&Column> {
        let found = self.table.columns.iter().find(|column| *column.name == *name);
        let message = || format!("column \"{name}\" of relation \"{}\" does not exist", self.table.name);
        found.map_or_else(|| unresolved(SqlState::UNDEFINED_COLUMN, message(), -1), Ok)
    }

    /// Notes something that is changed of it.
    pub(super) fn touches(self, touch: Touch, definition: &mut Definition) {
        definition.touches.push((touch, self.place()));
    }

    /// Notes that what these columns hold is looked at, in every row.
    pub(super) fn over(self, columns: Vec<Arc<str>>, definition: &mut Definition) {
        definition.over.push(Over { relation: self.table.oid, of: Of::Columns(columns), at: self.place() });
    }
}

impl<'a> Resolver<'a> {
    /// Resolves what alters or renames; false if it does neither.
    pub(super) fn alteration(&mut self, node: &mut NodeEnum, definition: &mut Definition) -> Outcome<bool> {
        match node {
            NodeEnum::AlterTableStmt(alter) => self.alter_table(alter, definition)?,
            NodeEnum::RenameStmt(rename) => self.rename(rename, definition)?,
            NodeEnum::AlterObjectSchemaStmt(alter) => self.set_schema(alter, definition)?,
            NodeEnum::AlterSeqStmt(alter) => self.alter_sequence(alter)?,
            _no_alteration => return Ok(false),
        }
        Ok(true)
    }

    fn alter_table(&mut self, alter: &mut AlterTableStmt, definition: &mut Definition) -> Outcome<()> {
        let AlterTableStmt { relation, cmds, objtype: _, missing_ok } = alter;
        let Some(range) = relation else { return not_understood("ALTER TABLE", -1) };
        let at = range.location;
        let table = self.there(range, IfMissing::from(*missing_ok))?;
        let owner = |command: &Node| match &command.node {
            Some(NodeEnum::AlterTableCmd(command)) => command.subtype == AlterTableType::AtChangeOwner as i32,
            Some(_) | None => false,
        };
        if !matches!(table.kind, RelationKind::Table | RelationKind::PartitionedTable) && !cmds.iter().all(owner) {
            return not_understood(format!("ALTER of a {}", table.kind.word()), at);
        }
        if !range.inh && !self.context.catalog.children(table.oid).is_empty() {
            return not_understood("ALTER TABLE ONLY of a table with children", at);
        }
        self.names(table, at)?;
        let altered = Altered { table, at };
        // Columns that are added in front of an expression may stand in it.
        let added = cmds.iter().filter_map(|command| match &command.node {
            Some(NodeEnum::AlterTableCmd(command)) => match command.def.as_ref()?.node.as_ref()? {
                NodeEnum::ColumnDef(column) if command.subtype == AlterTableType::AtAddColumn as i32 => {
                    Some(Arc::<str>::from(column.colname.as_str()))
                }
                _none => None,
            },
            Some(_) | None => None,
        });
        let mut names: Vec<Arc<str>> = table.columns.iter().map(|column| Arc::clone(&column.name)).collect();
        for name in added {
            if !names.contains(&name) {
                definition.added.push(Arc::clone(&name));
                names.push(name);
            }
        }
        self.levels.push(define::bare_level(&table.name, names.into_iter()));
        for command in cmds {
            let Some(NodeEnum::AlterTableCmd(command)) = &mut command.node else {
                return not_understood("ALTER TABLE", at);
            };
            self.command(command, altered, definition)?;
        }
        // Whatever the order, the server drops columns first.
        definition.steps.sort_by_key(|step| !matches!(step, Step::ColumnDropped { .. }));
        self.levels.pop();
        Ok(())
    }

    /// A relation that is altered. One that is not there the server would skip, unless another has made it by then.
    pub(super) fn there(&mut self, range: &mut RangeVar, if_missing: IfMissing) -> Outcome<&'a Relation> {
        let at = range.location;
        match self.users_relation(range) {
            Ok(relation) => Ok(relation),
            Err(super::Trouble::Unresolved(_)) if if_missing == IfMissing::Skips => {
                not_understood("ALTER … IF EXISTS of what is not there", at)
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// A relation of users that a definition names.
    pub(super) fn users_relation(&mut self, range: &mut RangeVar) -> Outcome<&'a Relation> {
        let at = range.location;
        let relation = self.named_relation(range)?;
        match &*relation.schema {
            "pg_catalog" | "information_schema" => not_understood("ALTER of a system relation", at),
            _of_users => Ok(relation),
        }
    }

    fn command(
        &mut self,
        command: &mut AlterTableCmd,
        altered: Altered<'a>,
        definition: &mut Definition,
    ) -> Outcome<()> {
        let AlterTableCmd { subtype, name, num: _, newowner: _, def, behavior, missing_ok, recurse: _ } = command;
        let Ok(kind) = AlterTableType::try_from(*subtype) else { return not_understood("ALTER TABLE", altered.at) };
        let cascades = *behavior == DropBehavior::DropCascade as i32;
        let def = def.as_mut().and_then(|def| def.node.as_mut());
        match (kind, def) {
            (AlterTableType::AtAddColumn, Some(NodeEnum::ColumnDef(column))) => {
                self.add_column(column, altered, definition)
            }
            (AlterTableType::AtDropColumn, None) => {
                if *missing_ok && altered.column(name).is_err() {
                    return not_understood("DROP COLUMN IF EXISTS of what is not there", altered.at);
                }
                if cascades {
                    self.nothing_goes_along(altered.table, Some(name), altered.at, definition)?;
                }
                self.drop_column(name, altered, definition)
            }
            (AlterTableType::AtColumnDefault, expression) => self.column_default(name, expression, altered, definition),
            (AlterTableType::AtSetNotNull, None) => {
                let column = Arc::clone(&altered.column(name)?.name);
                altered.over(vec![Arc::clone(&column)], definition);
                definition.steps.push(Step::NotNull { relation: altered.table.oid, column });
                Ok(())
            }
            (AlterTableType::AtAlterColumnType, Some(NodeEnum::ColumnDef(column))) => {
                self.retype(name, column, altered, definition)
            }
            (AlterTableType::AtAddConstraint, Some(NodeEnum::Constraint(constraint))) => {
                self.add_constraint(constraint, altered, definition)
            }
            (AlterTableType::AtValidateConstraint, None) => self.validate(name, altered, definition),
            (AlterTableType::AtAttachPartition, Some(NodeEnum::PartitionCmd(command))) => {
                let PartitionCmd { name: Some(child), bound: Some(bound), concurrent: _ } = command else {
                    return not_understood("ATTACH PARTITION", altered.at);
                };
                self.bound(bound)?;
                calls_nothing(altered.table, altered.at)?;
                let child = self.relative(child, definition)?;
                altered.touches(Touch::Rows(child.oid), definition);
                altered.touches(Touch::Rows(altered.table.oid), definition);
                definition.steps.push(Step::ParentAdded { relation: child.oid, parent: altered.table.oid });
                definition.over.push(Over { relation: altered.table.oid, of: Of::Whole, at: altered.place() });
                Ok(())
            }
            (AlterTableType::AtDetachPartition, Some(NodeEnum::PartitionCmd(command))) => {
                let PartitionCmd { name: Some(child), bound: None, concurrent: false } = command else {
                    return not_understood("DETACH PARTITION CONCURRENTLY", altered.at);
                };
                let child = self.relative(child, definition)?;
                altered.touches(Touch::Rows(child.oid), definition);
                altered.touches(Touch::Rows(altered.table.oid), definition);
                definition.steps.push(Step::ParentDropped { relation: child.oid, parent: altered.table.oid });
                definition.over.push(Over { relation: altered.table.oid, of: Of::Whole, at: altered.place() });
                Ok(())
            }
            // Less is kept from then on, and the analysis reads what is kept anew.
            (AlterTableType::AtDropNotNull, None) => Ok(()),
            (AlterTableType::AtDropConstraint, None) => {
                // A foreign key may be called as an index is.
                altered.touches(Touch::Keys(altered.table.oid), definition);
                let ties = altered.table.ties.iter().filter(|tie| cascades && *tie.name == **name);
                let columns: Vec<AttNum> = ties.flat_map(|tie| tie.columns.iter().copied()).collect();
                numbered(altered.table, &columns)
                    .iter()
                    .try_for_each(|column| self.nothing_goes_along(altered.table, Some(column), altered.at, definition))
            }
            // Who owns it is no matter of a policy's.
            (AlterTableType::AtChangeOwner, None) => Ok(()),
            // How it is stored and planned for.
            (
                AlterTableType::AtSetStatistics
                | AlterTableType::AtSetStorage
                | AlterTableType::AtSetCompression
                | AlterTableType::AtSetOptions
                | AlterTableType::AtResetOptions
                | AlterTableType::AtSetRelOptions
                | AlterTableType::AtResetRelOptions
                | AlterTableType::AtClusterOn
                | AlterTableType::AtDropCluster,
                _constants,
            ) => Ok(()),
            (AlterTableType::AtAddIdentity | AlterTableType::AtDropIdentity, options) => {
                match options {
                    Some(NodeEnum::Constraint(constraint)) => {
                        define::is_numbered_by_default(&constraint.options, altered.at)?;
                    }
                    Some(_) => return not_understood("an identity", altered.at),
                    None => {}
                }
                let column = Arc::clone(&altered.column(name)?.name);
                altered.touches(Touch::Column(altered.table.oid, Arc::clone(&column)), definition);
                if kind == AlterTableType::AtAddIdentity {
                    altered.touches(Touch::Default(altered.table.oid, column), definition);
                }
                Ok(())
            }
            (other, _) => not_understood(words(other), altered.at),
        }
    }

    /// A table that gets another as a parent or child, or loses it: its rows are read under other names from then on.
    fn relative(&mut self, range: &mut RangeVar, definition: &mut Definition) -> Outcome<&'a Relation> {
        let at = range.location;
        let relation = self.users_relation(range)?;
        self.over(relation, at, definition)?;
        calls_nothing(relation, at)?;
        Ok(relation)
    }

    fn add_constraint(
        &mut self,
        constraint: &mut Constraint,
        altered: Altered<'a>,
        definition: &mut Definition,
    ) -> Outcome<()> {
        let kind = ConstrType::try_from(constraint.contype);
        let keys = match kind {
            Ok(ConstrType::ConstrForeign) => &constraint.fk_attrs,
            Ok(_) | Err(_) => &constraint.keys,
        };
        let mut keys: Vec<Arc<str>> = keys.iter().filter_map(string).map(Arc::from).collect();
        if !constraint.indexname.is_empty() {
            let index = altered.table.ties.iter().find(|tie| *tie.name == *constraint.indexname && tie.compares);
            let Some(index) = index else { return not_understood("a constraint USING such an index", altered.at) };
            keys = numbered(altered.table, &index.columns);
        }
        match kind {
            Ok(ConstrType::ConstrForeign) => altered.touches(Touch::Keys(altered.table.oid), definition),
            Ok(ConstrType::ConstrPrimary | ConstrType::ConstrNotnull) => {
                let not_null =
                    |column: &Arc<str>| Step::NotNull { relation: altered.table.oid, column: Arc::clone(column) };
                definition.steps.extend(keys.iter().map(not_null));
            }
            Ok(ConstrType::ConstrUnique | ConstrType::ConstrCheck) => {}
            Ok(_) | Err(_) => return not_understood("such a constraint", constraint.location),
        }
        let mut read = keys.clone();
        read.extend(constraint.including.iter().filter_map(string).map(Arc::from));
        if let Some(check) = &constraint.raw_expr {
            read.extend(columns_in(check, altered.table, &definition.added)?);
        }
        self.new_constraint(constraint, definition)?;
        altered.over(read, definition);
        if let (Ok(ConstrType::ConstrForeign), Some(range)) = (kind, &constraint.pktable) {
            let referenced = self.context.catalog.relation_in(&range.schemaname, &range.relname);
            let key = referenced.and_then(|referenced| foreign_key(constraint, &keys, altered.table, referenced));
            definition.steps.extend(key.map(|key| Step::KeyAdded { relation: altered.table.oid, key }));
        }
        Ok(())
    }

    /// Every row that is written will ask whether a row is there to refer to.
    pub(super) fn refers(&mut self, constraint: &mut Constraint, definition: &mut Definition) -> Outcome<()> {
        let Some(range) = &mut constraint.pktable else { return Ok(()) };
        let at = range.location;
        let referenced = self.named_relation(range)?;
        self.names(referenced, at)?;
        let named: Vec<Arc<str>> = constraint.pk_attrs.iter().filter_map(string).map(Arc::from).collect();
        let of = match (named.is_empty(), referenced.primary_key.is_empty()) {
            (false, _) => Of::Columns(named),
            (true, false) => Of::Columns(numbered(referenced, &referenced.primary_key)),
            (true, true) => Of::Whole,
        };
        definition.over.push(Over { relation: referenced.oid, of, at: u32::try_from(at).ok() });
        Ok(())
    }

    fn validate(&mut self, name: &str, altered: Altered<'_>, definition: &mut Definition) -> Outcome<()> {
        if let Some(call) = altered.table.calls.iter().find(|call| *call.by == *name) {
            return calling(&call.function.1, altered.at);
        }
        let mut ties = altered.table.ties.iter().filter(|tie| *tie.name == *name).peekable();
        let known = ties.peek().is_some();
        for tie in ties {
            altered.over(numbered(altered.table, &tie.columns), definition);
        }
        // Or a foreign key, which one the catalog does not say, even if an index is called so. From 18 on perhaps that a
        // column is not null.
        let oid = altered.table.oid;
        altered.touches(Touch::Keys(oid), definition);
        let keys = &altered.table.foreign_keys;
        if keys.is_empty() && !known {
            definition.over.push(Over { relation: oid, of: Of::Whole, at: altered.place() });
        }
        for key in keys {
            altered.over(numbered(altered.table, &key.columns), definition);
            if let Some(referenced) = self.context.catalog.relation(key.references) {
                let of = Of::Columns(numbered(referenced, &key.referenced));
                definition.over.push(Over { relation: referenced.oid, of, at: altered.place() });
            }
            let key = ForeignKey { valid: true, ..key.clone() };
            definition.steps.push(Step::KeyAdded { relation: oid, key });
        }
        let columns = altered.table.columns.iter().filter(|_| self.context.catalog.server_version() >= NOT_NULL_NAMED);
        let not_null = columns.map(|column| Step::NotNull { relation: oid, column: Arc::clone(&column.name) });
        definition.steps.extend(not_null);
        Ok(())
    }
}

/// What columns of these numbers are called.
fn numbered(relation: &Relation, numbers: &[AttNum]) -> Vec<Arc<str>> {
    let columns = relation.columns.iter().filter(|column| numbers.contains(&column.number));
    columns.map(|column| Arc::clone(&column.name)).collect()
}

/// From this version on NOT NULL is a constraint that can be validated.
const NOT_NULL_NAMED: u32 = 180_000;

/// The refusal for a function of users that the server would call for every row.
pub(super) fn calling<T>(function: &str, at: i32) -> Outcome<T> {
    not_understood(format!("calling function {function} for every row"), at)
}

/// Refuses a relation where functions of users are called for every row: by what it is held to, or parted by.
pub(super) fn calls_nothing(relation: &Relation, at: i32) -> Outcome<()> {
    match relation.calls.iter().find(|call| call.column.is_none()) {
        Some(call) => calling(&call.function.1, at),
        None => Ok(()),
    }
}

/// A key that is added, as the catalog will have it.
fn foreign_key(
    constraint: &Constraint,
    keys: &[Arc<str>],
    table: &Relation,
    referenced: &Relation,
) -> Option<ForeignKey> {
    let numbers = |of: &Relation, names: &[Arc<str>]| {
        let number =
            |name: &Arc<str>| of.columns.iter().find(|column| column.name == *name).map(|column| column.number);
        names.iter().map(number).collect::<Option<Vec<AttNum>>>()
    };
    let named: Vec<Arc<str>> = constraint.pk_attrs.iter().filter_map(string).map(Arc::from).collect();
    let action = |word: &str| match word {
        "c" => ReferentialAction::Cascade,
        "n" | "d" => ReferentialAction::Set,
        _refuse => ReferentialAction::Refuse,
    };
    Some(ForeignKey {
        columns: numbers(table, keys)?,
        references: referenced.oid,
        referenced: if named.is_empty() { referenced.primary_key.clone() } else { numbers(referenced, &named)? },
        on_delete: action(&constraint.fk_del_action),
        on_update: action(&constraint.fk_upd_action),
        valid: !constraint.skip_validation && !constraint.deferrable,
    })
}

/// The columns of a table that stand in an expression; all of them where it is named whole. What is `added` is none of them.
pub(super) fn columns_in(
    expression: &Node,
    table: &Relation,
    added: &[Arc<str>],
) -> Result<Vec<Arc<str>>, NotUnderstood> {
    struct Named<'r>(&'r Relation, &'r [Arc<str>], Vec<Arc<str>>);
    impl Visitor for Named<'_> {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            if let Some(NodeEnum::ColumnRef(ColumnRef { fields, location: _ })) = &node.node {
                let name = fields.last().and_then(string);
                let column = self.0.columns.iter().find(|column| Some(&*column.name) == name);
                match column {
                    Some(column) => self.2.push(Arc::clone(&column.name)),
                    None if name.is_some_and(|name| self.1.iter().any(|added| **added == *name)) => {}
                    None => self.2.extend(self.0.columns.iter().map(|column| Arc::clone(&column.name))),
                }
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut named = Named(table, added, Vec::new());
    walk(&mut expression.clone(), &mut named)?;
    Ok(named.2)
}

/// Every table that a column's type is on, with the columns.
pub(super) fn users_of_type(catalog: &Catalog, oid: crate::vocab::Oid) -> Vec<(&Relation, &Column)> {
    let is_made_of = |column: &Column| {
        let mut next = vec![column.type_oid];
        let mut seen = Vec::new();
        while let Some(info) = next.pop().and_then(|oid| catalog.type_of(oid)) {
            if info.oid == oid {
                return true;
            }
            if !seen.contains(&info.oid) {
                seen.push(info.oid);
                next.extend(&info.parts);
            }
        }
        false
    };
    let stored = |relation: &&Relation| match relation.kind {
        RelationKind::Table
        | RelationKind::PartitionedTable
        | RelationKind::MaterializedView
        | RelationKind::ForeignTable => relation.declared != Some(crate::catalog::Declared::Result),
        RelationKind::View | RelationKind::Sequence => false,
    };
    let relations = catalog.relations().iter().filter(stored);
    relations
        .flat_map(|relation| relation.columns.iter().map(move |column| (relation, column)))
        .filter(|(_, column)| is_made_of(column))
        .collect()
}

/// What a kind of ALTER TABLE that stays refused is called.
fn words(kind: AlterTableType) -> &'static str {
    match kind {
        AlterTableType::AtSetExpression => "ALTER COLUMN … SET EXPRESSION",
        // Nothing says any more what the values were computed from.
        AlterTableType::AtDropExpression => "ALTER COLUMN … DROP EXPRESSION",
        AlterTableType::AtSetIdentity => "ALTER COLUMN … SET GENERATED",
        AlterTableType::AtAlterConstraint => "ALTER CONSTRAINT",
        AlterTableType::AtSetLogged | AlterTableType::AtSetUnLogged => "ALTER TABLE … SET LOGGED",
        AlterTableType::AtSetAccessMethod => "ALTER TABLE … SET ACCESS METHOD",
        AlterTableType::AtSetTableSpace => "ALTER TABLE … SET TABLESPACE",
        AlterTableType::AtEnableTrig
        | AlterTableType::AtEnableAlwaysTrig
        | AlterTableType::AtEnableReplicaTrig
        | AlterTableType::AtEnableTrigAll
        | AlterTableType::AtEnableTrigUser => "ALTER TABLE … ENABLE TRIGGER",
        // Foreign keys are kept by triggers.
        AlterTableType::AtDisableTrig | AlterTableType::AtDisableTrigAll | AlterTableType::AtDisableTrigUser => {
            "ALTER TABLE … DISABLE TRIGGER"
        }
        AlterTableType::AtEnableRule | AlterTableType::AtEnableAlwaysRule | AlterTableType::AtEnableReplicaRule => {
            "ALTER TABLE … ENABLE RULE"
        }
        AlterTableType::AtDisableRule => "ALTER TABLE … DISABLE RULE",
        AlterTableType::AtAddOf | AlterTableType::AtDropOf => "ALTER TABLE … OF",
        AlterTableType::AtReplicaIdentity => "ALTER TABLE … REPLICA IDENTITY",
        AlterTableType::AtEnableRowSecurity
        | AlterTableType::AtDisableRowSecurity
        | AlterTableType::AtForceRowSecurity
        | AlterTableType::AtNoForceRowSecurity => "ALTER TABLE … ROW LEVEL SECURITY",
        AlterTableType::AtDetachPartitionFinalize => "DETACH PARTITION … FINALIZE",
        AlterTableType::AtAddInherit | AlterTableType::AtDropInherit => "ALTER TABLE … INHERIT",
        AlterTableType::Undefined
        | AlterTableType::AtChangeOwner
        | AlterTableType::AtAddColumn
        | AlterTableType::AtAddColumnToView
        | AlterTableType::AtColumnDefault
        | AlterTableType::AtCookedColumnDefault
        | AlterTableType::AtDropNotNull
        | AlterTableType::AtSetNotNull
        | AlterTableType::AtSetStatistics
        | AlterTableType::AtSetOptions
        | AlterTableType::AtResetOptions
        | AlterTableType::AtSetStorage
        | AlterTableType::AtSetCompression
        | AlterTableType::AtDropColumn
        | AlterTableType::AtAddIndex
        | AlterTableType::AtReAddIndex
        | AlterTableType::AtAddConstraint
        | AlterTableType::AtReAddConstraint
        | AlterTableType::AtReAddDomainConstraint
        | AlterTableType::AtValidateConstraint
        | AlterTableType::AtAddIndexConstraint
        | AlterTableType::AtDropConstraint
        | AlterTableType::AtReAddComment
        | AlterTableType::AtAlterColumnType
        | AlterTableType::AtAlterColumnGenericOptions
        | AlterTableType::AtClusterOn
        | AlterTableType::AtDropCluster
        | AlterTableType::AtDropOids
        | AlterTableType::AtSetRelOptions
        | AlterTableType::AtResetRelOptions
        | AlterTableType::AtReplaceRelOptions
        | AlterTableType::AtGenericOptions
        | AlterTableType::AtAttachPartition
        | AlterTableType::AtDetachPartition
        | AlterTableType::AtAddIdentity
        | AlterTableType::AtDropIdentity
        | AlterTableType::AtReAddStatistics => "ALTER TABLE of such a kind",
    }
}

/// What a default is used for: whoever writes a row runs it.
pub(super) const KEPT: Option<Usage> = Some(Usage::Filter);
