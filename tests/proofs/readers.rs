//! Two readers: what a parser of another make sees of a statement is a subset of what our walk sees, and our walk sees what
//! libpg_query lists, and what libpg_query is known to miss.

use crate::core::{corpora, goldens, on_workers_stack};
use crate::generator::Generator;
use pg_query::NodeEnum;
use pg_query::protobuf::{IntoClause, Node, RangeVar};
use sqlparser::ast::{ObjectName, TableFactor, Visit, Visitor as OtherVisitor};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use wherefore::sql::{Visitor, on_deep_stack, parse, string, walk};
use wherefore::vocab::NotUnderstood;

/// Misreadings of sqlparser in these statements, each of which makes it see a relation that is not there.
const KNOWN: &[(&str, &str)] = &[
    // `FROM ONLY secret` is read as a table `only` with the alias `secret`.
    ("only", "ONLY"),
];

/// Every relation named in a tree, by its last name; `None` where the walk does not go through the statement.
fn ours(tree: &mut Node) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    #[derive(Default)]
    struct Names {
        relations: BTreeSet<String>,
        ctes: BTreeSet<String>,
    }
    impl Visitor for Names {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            match &node.node {
                Some(NodeEnum::RangeVar(range)) => {
                    self.relations.insert(range.relname.clone());
                }
                Some(NodeEnum::CommonTableExpr(cte)) => {
                    self.ctes.insert(cte.ctename.clone());
                }
                // The targets of writes are fields, not nodes.
                Some(NodeEnum::InsertStmt(insert)) => {
                    self.relations.extend(insert.relation.iter().map(|range| range.relname.clone()))
                }
                Some(NodeEnum::UpdateStmt(update)) => {
                    self.relations.extend(update.relation.iter().map(|range| range.relname.clone()))
                }
                Some(NodeEnum::DeleteStmt(delete)) => {
                    self.relations.extend(delete.relation.iter().map(|range| range.relname.clone()))
                }
                Some(NodeEnum::MergeStmt(merge)) => {
                    self.relations.extend(merge.relation.iter().map(|range| range.relname.clone()))
                }
                Some(NodeEnum::CopyStmt(copy)) => {
                    self.relations.extend(copy.relation.iter().map(|range| range.relname.clone()))
                }
                Some(NodeEnum::LockStmt(lock)) => {
                    // The walk goes through what is read, and a lock reads nothing.
                    for relation in &lock.relations {
                        if let Some(NodeEnum::RangeVar(range)) = &relation.node {
                            self.relations.insert(range.relname.clone());
                        }
                    }
                }
                Some(definition) => self.relations.extend(named_by_definition(definition)),
                None => {}
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut names = Names::default();
    walk(tree, &mut names).ok()?;
    Some((names.relations, names.ctes))
}

/// The relations that a definition makes, changes or drops, which are fields and names, not nodes.
fn named_by_definition(node: &NodeEnum) -> Vec<String> {
    let name = |range: &Option<RangeVar>| range.iter().map(|range| range.relname.clone()).collect();
    let into = |into: &Option<Box<IntoClause>>| into.as_ref().map(|into| name(&into.rel)).unwrap_or_default();
    // `a.b` is a table in a schema, or a column of a table: both parts are taken for one.
    let parts = |list: &Node| match &list.node {
        Some(NodeEnum::List(list)) => list.items.iter().filter_map(string).map(str::to_owned).collect(),
        Some(_) | None => string(list).map(str::to_owned).into_iter().collect::<Vec<_>>(),
    };
    match node {
        NodeEnum::CreateStmt(create) => name(&create.relation),
        NodeEnum::Constraint(constraint) => name(&constraint.pktable),
        NodeEnum::TableLikeClause(like) => name(&like.relation),
        NodeEnum::IndexStmt(index) => name(&index.relation),
        NodeEnum::ViewStmt(view) => name(&view.view),
        NodeEnum::CreateTableAsStmt(create) => into(&create.into),
        NodeEnum::SelectStmt(select) => into(&select.into_clause),
        NodeEnum::RefreshMatViewStmt(refresh) => name(&refresh.relation),
        NodeEnum::CreateSeqStmt(create) => name(&create.sequence),
        NodeEnum::AlterTableStmt(alter) => name(&alter.relation),
        NodeEnum::RenameStmt(rename) => name(&rename.relation),
        NodeEnum::AlterObjectSchemaStmt(alter) => name(&alter.relation),
        NodeEnum::AlterSeqStmt(alter) => name(&alter.sequence),
        NodeEnum::PartitionCmd(command) => name(&command.name),
        NodeEnum::DropStmt(drop) => drop.objects.iter().flat_map(parts).collect(),
        NodeEnum::CommentStmt(comment) => comment.object.iter().flat_map(|object| parts(object)).collect(),
        _another_node => Vec::new(),
    }
}

/// What sqlparser sees, if it can read the text at all.
fn others(text: &str) -> Option<BTreeSet<String>> {
    #[derive(Default)]
    struct Names {
        relations: BTreeSet<String>,
        functions: Vec<ObjectName>,
    }
    impl OtherVisitor for Names {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            if let TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } = factor {
                self.functions.push(name.clone());
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            if let Some(index) = self.functions.iter().rposition(|function| function == relation) {
                self.functions.remove(index);
            } else if let Some(name) = relation.0.last().and_then(|part| part.as_ident()) {
                let folded = if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() };
                self.relations.insert(folded);
            }
            ControlFlow::Continue(())
        }
    }
    let statements = Parser::parse_sql(&PostgreSqlDialect {}, text).ok()?;
    let mut names = Names::default();
    let _: ControlFlow<()> = statements.visit(&mut names);
    Some(names.relations)
}

#[derive(Debug, Default)]
struct Tally {
    statements: usize,
    read_by_both: usize,
    known_misreadings: usize,
    missed_by_libpg_query: usize,
    wrong: Vec<String>,
}

fn check(text: &str, tally: &mut Tally) {
    let Ok(mut statements) = on_deep_stack(|| parse(text)) else { return };
    let [statement] = statements.as_mut_slice() else { return };
    let Some((relations, ctes)) = ours(&mut statement.tree) else { return };
    tally.statements += 1;
    if let Some(seen) = others(text) {
        tally.read_by_both += 1;
        for name in seen.difference(&relations) {
            if KNOWN.iter().any(|(known, word)| known == name && text.to_uppercase().contains(word)) {
                tally.known_misreadings += 1;
            } else {
                tally.wrong.push(format!("sqlparser sees {name}: {text}"));
            }
        }
    }
    let Ok(listed) = pg_query::parse(text, 0) else { return };
    let listed: BTreeSet<String> = listed
        .tables()
        .into_iter()
        .filter_map(|name| name.rsplit('.').next().map(|name| name.trim_matches('"').to_owned()))
        .collect();
    for name in listed.difference(&relations) {
        tally.wrong.push(format!("libpg_query lists {name}: {text}"));
    }
    if relations.iter().any(|name| !listed.contains(name) && !ctes.contains(name)) {
        tally.missed_by_libpg_query += 1;
    }
}

#[test]
fn the_other_readers_see_no_relation_that_ours_does_not() {
    let tally = on_workers_stack(|| {
        let mut tally = Tally::default();
        corpora().iter().for_each(|(_, text)| check(text, &mut tally));
        goldens().iter().for_each(|text| check(text, &mut tally));
        let mut generator = Generator::new(31);
        for _ in 0..3000 {
            check(&generator.statement().doc.render(), &mut tally);
        }
        tally
    });
    println!(
        "PROOF two-readers statements={} read_by_both={} known_misreadings={} missed_by_libpg_querys_own_list={} unexplained={}",
        tally.statements,
        tally.read_by_both,
        tally.known_misreadings,
        tally.missed_by_libpg_query,
        tally.wrong.len()
    );
    assert!(tally.wrong.is_empty(), "{}", tally.wrong[..tally.wrong.len().min(20)].join("\n"));
    assert!(tally.read_by_both > 3000, "only {} statements were read by both", tally.read_by_both);
}
