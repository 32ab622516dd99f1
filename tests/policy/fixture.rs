//! Policies from strings and catalogs from DDL.

use super::schema;
use std::fmt::Write as _;
use std::sync::Arc;
use wherefore::catalog::{Catalog, Column, ForeignKey, ReferentialAction, Relation, RelationKind, Snapshot};
use wherefore::policy::{
    Bound, Colour, Effect, Loaded, Mask, Policy, PolicyErrors, Reader, RelationRuling, SourceFile,
};
use wherefore::vocab::{AttNum, Cause, Oid};

/// Loads one file's text. What loads is in order by the schema too.
#[track_caller]
pub fn parse(text: &str) -> Result<Loaded, PolicyErrors> {
    let loaded = Policy::parse(&[SourceFile { path: "policy.toml".to_owned(), text: text.to_owned() }]);
    if loaded.is_ok() {
        assert_eq!(schema::wrong(&schema::POLICY, text), [""; 0], "loads, but is wrong by the schema:\n{text}");
    }
    loaded
}

/// Loads a policy that is in order.
#[track_caller]
pub fn policy(text: &str) -> Arc<Policy> {
    Arc::new(parse(text).unwrap_or_else(|errors| panic!("{}", errors.render(Colour::Plain))).policy)
}

/// Every `*.toml` of a pack and its lock file, by name.
pub fn pack(name: &str) -> Vec<SourceFile> {
    let directory = format!("policy/{name}");
    let mut paths: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml" || extension == "lock"));
    paths.sort();
    let read = |path: std::path::PathBuf| SourceFile {
        text: std::fs::read_to_string(&path).unwrap(),
        path: path.display().to_string(),
    };
    paths.into_iter().map(read).collect()
}

/// `pg_type.oid` of the types that the packs use; anything else is a user's type.
fn type_oid(name: &str) -> Oid {
    match name {
        "bool" => 16,
        "numeric" => 1700,
        "float8" => 701,
        "bytea" => 17,
        "int8" => 20,
        "int2" => 21,
        "int4" => 23,
        "text" => 25,
        "inet" => 869,
        "_text" => 1009,
        "date" => 1082,
        "timestamptz" => 1184,
        "uuid" => 2950,
        "jsonb" => 3802,
        _ => 16_500,
    }
}

/// A catalog from `CREATE TABLE` statements; `parents` is read from `INHERITS`.
pub fn catalog(ddl: &str) -> Arc<Catalog> {
    use pg_query::NodeEnum;
    use pg_query::protobuf::ConstrType;
    let string = |node: &pg_query::protobuf::Node| match &node.node {
        Some(NodeEnum::String(text)) => text.sval.clone(),
        other => panic!("not a name: {other:?}"),
    };
    let mut relations: Vec<Relation> = Vec::new();
    for statement in pg_query::parse(ddl, 0).unwrap().protobuf.stmts {
        let Some(NodeEnum::CreateStmt(create)) = statement.stmt.and_then(|node| node.node) else { continue };
        let relation = create.relation.unwrap();
        let (mut columns, mut primary_key, mut foreign_keys) = (Vec::new(), Vec::new(), Vec::new());
        for element in &create.table_elts {
            let Some(NodeEnum::ColumnDef(column)) = &element.node else { continue };
            let type_name = column.type_name.as_ref().unwrap();
            let mut name = string(type_name.names.last().unwrap());
            if !type_name.array_bounds.is_empty() {
                name = format!("_{name}");
            }
            let number = AttNum(columns.len() as i16 + 1);
            let constrained = |kinds: &[ConstrType]| {
                column.constraints.iter().any(|node| {
                    matches!(&node.node, Some(NodeEnum::Constraint(constraint))
                        if kinds.iter().any(|kind| constraint.contype == *kind as i32))
                })
            };
            for node in &column.constraints {
                let Some(NodeEnum::Constraint(constraint)) = &node.node else { continue };
                let Some(to) = constraint.pktable.as_ref() else { continue };
                let parent = relations.iter().find(|known| *known.name == to.relname).expect("what a key refers to");
                let named = constraint.pk_attrs.first().map(string);
                let at =
                    named.map(|name| parent.columns.iter().find(|column| *column.name == *name).expect("a column"));
                foreign_keys.push(ForeignKey {
                    columns: vec![number],
                    references: parent.oid,
                    referenced: vec![at.map_or(parent.primary_key[0], |column| column.number)],
                    on_delete: ReferentialAction::Refuse,
                    on_update: ReferentialAction::Refuse,
                    valid: true,
                });
            }
            if constrained(&[ConstrType::ConstrPrimary]) {
                primary_key.push(number);
            }
            columns.push(Column {
                number,
                name: column.colname.as_str().into(),
                type_oid: type_oid(&name),
                type_sql: name.into(),
                not_null: constrained(&[ConstrType::ConstrPrimary, ConstrType::ConstrNotnull]),
                nondeterministic: false,
                generated: false,
            });
        }
        let parent = |node: &pg_query::protobuf::Node| match &node.node {
            Some(NodeEnum::RangeVar(parent)) => {
                relations.iter().find(|known| *known.name == parent.relname).unwrap().oid
            }
            other => panic!("not a parent: {other:?}"),
        };
        let parents = create.inh_relations.iter().map(parent).collect();
        let schema = if relation.schemaname.is_empty() { "public" } else { &relation.schemaname };
        let oid = 20_000 + relations.len() as Oid;
        let bare = Relation::new(oid, schema, &relation.relname, RelationKind::Table, columns);
        relations.push(Relation { parents, primary_key, foreign_keys, ..bare });
    }
    Arc::new(Catalog::new(Snapshot { database: "test".to_owned(), relations, ..Snapshot::default() }, 1))
}

pub fn bound(text: &str, ddl: &str) -> Bound {
    Bound::new(policy(text), catalog(ddl))
}

/// `delivery`, or `delivery for provider`.
pub fn reader(bound: &Bound, name: &str) -> Option<Reader> {
    let (purpose, recipient) = name.split_once(" for ").map_or((name, None), |(name, of)| (name, Some(of)));
    let recipient = recipient.map(|name| bound.policy().recipient(name).unwrap());
    Some(Reader { purpose: bound.policy().purpose(purpose)?, recipient })
}

/// What a reader may see of a relation, one line per column and row condition.
pub fn ruling(bound: &Bound, who: Option<&str>, relation: &str) -> String {
    let (schema, name) = relation.split_once('.').unwrap_or(("public", relation));
    let relation = bound.catalog().relation_in(schema, name).unwrap();
    let reader = who.map(|name| reader(bound, name).unwrap());
    describe(relation, &bound.ruling(reader, relation))
}

fn describe(relation: &Relation, ruling: &RelationRuling) -> String {
    let mut out = String::new();
    for (column, ruled) in relation.columns.iter().zip(&ruling.columns) {
        assert_eq!(column.number, ruled.number);
        let effect = match &ruled.effect {
            Effect::Allow => "allow".to_owned(),
            Effect::Aggregate(aggregate) => format!("aggregates over {}", aggregate.min_subjects),
            Effect::Deny => "deny".to_owned(),
            Effect::Mask(Mask::Null) => "null".to_owned(),
            Effect::Mask(Mask::Constant(text)) => format!("'{text}'"),
            Effect::Mask(mask) => format!("{mask:?}"),
        };
        let cause = match &ruled.cause {
            Cause::Rule { rule, clause } => match clause {
                Some(clause) => format!("{rule} ({})", clause.id),
                None => rule.to_string(),
            },
            Cause::Mask { rule, why } => format!("{rule}, but {why}"),
            Cause::NoRule => "no rule".to_owned(),
            Cause::Untagged => "untagged".to_owned(),
            Cause::NoPurpose => "no purpose".to_owned(),
            Cause::System => "system".to_owned(),
            Cause::Temporary => "temporary".to_owned(),
        };
        writeln!(out, "{}: {effect}, {cause}", column.name).unwrap();
    }
    for row in &ruling.rows {
        writeln!(out, "where {}: {}", row.name, row.sql).unwrap();
    }
    out
}
