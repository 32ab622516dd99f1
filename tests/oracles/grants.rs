//! Column grants: for policies that only permit or deny, Postgres has a check of its own. A role gets exactly the column
//! privileges that a purpose has rights, and for each statement the proxy must answer 42501 if and only if Postgres does.
//!
//! Statements: those that Django, SQLAlchemy and pgbench send (`tests/corpora`), those of `grants.sql`, and templates
//! over every column. Policies: each column closed alone, and rights drawn by a seed. What differs by design is listed in
//! [`BY_DESIGN`], each with its reason; nothing else may.

use crate::common::raw::{Raw, bind, execute, message, parse, query, sync};
use crate::common::worlds::run;
use crate::common::{At, Cluster};
use std::collections::BTreeMap;
use std::sync::Arc;
use wherefore::catalog::{Catalog, SearchPath};
use wherefore::cli::throwaway::SUPERUSER;
use wherefore::enforce::{Encoding, Judged, Limits, Plan, View, judge_text};
use wherefore::policy::{Bound, Colour, Policy, SourceFile};
use wherefore::sql::STACK_BYTES;

const DJANGO: &str = include_str!("../corpora/django.jsonl");
const SQLALCHEMY: &str = include_str!("../corpora/sqlalchemy.jsonl");
const PGBENCH: &str = include_str!("../corpora/pgbench.jsonl");
const OWN_SCHEMA: &str = include_str!("grants_schema.sql");
const OWN: &str = include_str!("grants.sql");

/// What Postgres said and what the core said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Permitted,
    /// 42501.
    Refused,
    /// Refused for another reason: not understood, say.
    Otherwise,
}

/// Where the two differ by design.
struct Difference {
    name: &'static str,
    why: &'static str,
    postgres: Verdict,
    /// Of the statement, and what the refusing side said.
    applies: fn(&str, &str) -> bool,
}

const BY_DESIGN: &[Difference] = &[
    Difference {
        name: "tied columns",
        why: "a constraint that ties a written column to a closed one would tell of the closed value (23505, 23514); Postgres's \
              privileges do not prevent that",
        postgres: Verdict::Permitted,
        applies: |_, said| said.contains(" ties to "),
    },
    Difference {
        name: "keys of closed columns",
        why: "whether a row may go, or its key change, depends on the columns of the foreign keys that refer to it (23503), and \
              with a cascade on those below; Postgres's privileges do not prevent that",
        postgres: Verdict::Permitted,
        applies: |_, said| said.contains(" refers to by columns that are closed"),
    },
    Difference {
        name: "generated columns of closed ones",
        why: "a generated column is closed where a column is that it is computed from, for every right; Postgres knows no such \
              descent",
        postgres: Verdict::Permitted,
        applies: |_, said| [".shop_book.g", ".order.gen"].iter().any(|column| said.replace('"', "").ends_with(column)),
    },
    Difference {
        name: "common table expressions that nothing reads",
        why: "they are judged like those that are read; Postgres never gets to their privileges",
        postgres: Verdict::Permitted,
        applies: |sql, _| sql.starts_with("WITH q AS (SELECT") && sql.ends_with("SELECT 1"),
    },
    Difference {
        name: "system columns",
        why: "ctid, xmin and tableoid hold no data of a column; Postgres has privileges on them for the whole table only",
        postgres: Verdict::Refused,
        applies: |sql, _| {
            ["ctid", "xmin", "tableoid"].iter().any(|column| sql.starts_with(&format!("SELECT {column} ")))
        },
    },
    Difference {
        name: "a column written as a function",
        why: "`secret(p)` is the column and nothing else of the row; Postgres asks for the whole row",
        postgres: Verdict::Refused,
        applies: |sql, _| sql == "SELECT secret(p) FROM people AS p",
    },
];

/// How long to go on: a few policies, or hundreds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Soak {
    Yes,
    No,
}

/// Whom a policy gives the rights of the role: everyone under a purpose, or a recipient only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Purpose,
    Recipient,
}

/// A column's privileges: SELECT, INSERT, UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rights(u8);

impl Rights {
    const ALL: Rights = Rights(7);
    const WORDS: [(u8, &'static str, &'static str); 3] =
        [(1, "SELECT", "read"), (2, "INSERT", "insert"), (4, "UPDATE", "update")];
}

/// A column of a user's table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Column {
    table: String,
    /// The table's parent, or itself. By design a column has the tags of its parent's beside its own, and a parent's those of
    /// its children's, so columns of a family are opened and closed together.
    family: String,
    name: String,
    rights: Rights,
}

/// A database with the statements that can be run in it.
struct Bench {
    name: &'static str,
    /// The superuser, who becomes the role for each statement.
    session: Raw,
    catalog: Arc<Catalog>,
    columns: Vec<Column>,
    statements: Vec<String>,
}

/// The statements of a corpus.
fn statements_of(corpus: &str) -> Vec<String> {
    let of = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        value["sql"].as_str().expect("a statement").to_owned()
    };
    let mut statements: Vec<String> = corpus.lines().map(of).collect();
    statements.dedup();
    statements
}

fn first_word(sql: &str) -> String {
    sql.trim_start_matches(['(', ' ', '\n'])
        .split(|c: char| !c.is_alphabetic())
        .next()
        .unwrap_or_default()
        .to_uppercase()
}

fn is_definition(sql: &str) -> bool {
    let kept = !sql.contains("zz") && !sql.contains("RENAME");
    matches!(first_word(sql).as_str(), "CREATE" | "ALTER") && kept
}

fn is_data(sql: &str) -> bool {
    const WORDS: [&str; 9] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "MERGE", "TABLE", "COPY"];
    WORDS.contains(&first_word(sql).as_str())
}

/// Every use of every column, alone.
fn templates(columns: &[Column]) -> Vec<String> {
    let mut out = Vec::new();
    for Column { table: t, family: _, name, rights: _ } in columns {
        let c = quoted(name);
        out.extend([
            format!("SELECT {c} FROM {t}"),
            format!("SELECT 1 FROM {t} WHERE {c} IS NULL"),
            format!("SELECT count({c}) FROM {t}"),
            format!("SELECT 1 FROM {t} ORDER BY {c}"),
            format!("SELECT count(*) FROM {t} GROUP BY {c}"),
            format!("SELECT 1 FROM {t} AS a JOIN {t} AS b ON a.{c} IS NOT DISTINCT FROM b.{c}"),
            format!("SELECT q.x FROM (SELECT {c} AS x FROM {t}) AS q"),
            format!("INSERT INTO {t} ({c}) VALUES (DEFAULT)"),
            format!("INSERT INTO {t} ({c}) VALUES (DEFAULT) RETURNING {c}"),
            format!("INSERT INTO {t} ({c}) VALUES (DEFAULT) ON CONFLICT DO NOTHING"),
            format!("INSERT INTO {t} ({c}) SELECT {c} FROM {t}"),
            format!("UPDATE {t} SET {c} = DEFAULT"),
            format!("UPDATE {t} SET {c} = {c}"),
            format!("UPDATE {t} SET {c} = NULL WHERE {c} IS NULL"),
            format!("UPDATE {t} SET {c} = DEFAULT RETURNING 1"),
            format!("UPDATE {t} SET {c} = DEFAULT RETURNING {c}"),
            format!("DELETE FROM {t} WHERE {c} IS NULL"),
            format!("DELETE FROM {t} RETURNING {c}"),
            format!("WITH q AS (UPDATE {t} SET {c} = DEFAULT RETURNING {c}) SELECT * FROM q"),
            format!("COPY {t} ({c}) TO STDOUT"),
            format!("COPY {t} ({c}) FROM STDIN"),
        ]);
    }
    let tables: std::collections::BTreeSet<&String> = columns.iter().map(|column| &column.table).collect();
    for t in tables {
        out.extend([
            format!("SELECT * FROM {t}"),
            format!("SELECT x FROM {t} AS x"),
            format!("SELECT count(*) FROM {t}"),
            format!("SELECT 1 FROM {t}"),
            format!("SELECT FROM {t}"),
            format!("TABLE {t}"),
            format!("DELETE FROM {t}"),
            format!("DELETE FROM {t} RETURNING *"),
            format!("SELECT to_json(x) FROM {t} AS x"),
            format!("COPY {t} TO STDOUT"),
        ]);
    }
    out
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Bench {
    fn start(runtime: &tokio::runtime::Runtime, name: &'static str, schema: &[String], data: Vec<String>) -> Bench {
        let cluster = Cluster::shared();
        let database = format!("grants_{name}");
        cluster.database(&database, "");
        let at = At { port: cluster.port(), database: &database, user: SUPERUSER, purpose: None };
        let mut session = at.raw();
        for statement in schema {
            // What a corpus says twice, or in another order, fails.
            session.exchange(&[query(statement)]);
        }
        let list = "SELECT format('%I.%I', n.nspname, c.relname), a.attname,
                coalesce((SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid), c.oid)
            FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
            ORDER BY 1, a.attnum";
        let rows = session.exchange(&[query(list)]);
        let columns: Vec<Column> = rows
            .iter()
            .filter(|frame| frame.tag == b'D')
            .map(|row| fields(&row.body))
            .map(|row| Column {
                table: row[0].clone(),
                name: row[1].clone(),
                family: row[2].clone(),
                rights: Rights::ALL,
            })
            .collect();
        assert!(!columns.is_empty(), "{name}: the definitions have made no table");
        let mut statements: Vec<String> = data;
        statements.extend(templates(&columns));
        let catalog = runtime.block_on(async {
            let client = at.tokio().await;
            wherefore::control::catalog::read(&client).await.expect("the catalog")
        });
        let role = format!(
            "CREATE ROLE grantee_{name}; GRANT USAGE ON SCHEMA public TO grantee_{name};
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO grantee_{name}; SET lock_timeout = '5s'"
        );
        run(&mut session, &role);
        Bench { name, session, catalog: Arc::new(Catalog::new(catalog, 1)), columns, statements }
    }

    /// Gives the role these privileges and no others.
    fn grant(&mut self, columns: &[Column]) {
        let role = format!("grantee_{}", self.name);
        let mut sql = String::new();
        let mut tables: BTreeMap<&str, Vec<&Column>> = BTreeMap::new();
        for column in columns {
            tables.entry(&column.table).or_default().push(column);
        }
        for (table, columns) in tables {
            sql += &format!("REVOKE ALL ON {table} FROM {role}; GRANT DELETE ON {table} TO {role};");
            for (bit, privilege, _) in Rights::WORDS {
                let granted: Vec<String> = columns
                    .iter()
                    .filter(|column| column.rights.0 & bit != 0)
                    .map(|column| quoted(&column.name))
                    .collect();
                if granted.len() == columns.len() {
                    sql += &format!("GRANT {privilege} ON {table} TO {role};");
                } else if !granted.is_empty() {
                    sql += &format!("GRANT {privilege} ({}) ON {table} TO {role};", granted.join(", "));
                }
            }
        }
        run(&mut self.session, &sql);
    }

    /// The view of a purpose with the same rights, or of a recipient who has them where others may do everything.
    fn view(&self, columns: &[Column], to: To) -> View {
        let mut pack = String::from(
            "[pack]\nname = \"grants\"\n[subject.person]\n[purpose.use]\n[recipient.provider]\n[role.tester]\npurposes = [\"use\"]\n",
        );
        if to == To::Recipient {
            pack += "recipient = \"provider\"\n[[rule]]\nid = \"within\"\npurpose = \"use\"\n\
                     rights = [\"read\", \"insert\", \"update\", \"delete\"]\neffect = \"allow\"\n";
        }
        let mut kinds: Vec<u8> = columns.iter().map(|column| column.rights.0).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let given = |(bit, _, _): &&(u8, &str, &str)| (kind & bit != 0) == (to == To::Purpose);
            let rights = Rights::WORDS.iter().filter(given).map(|(_, _, right)| format!("\"{right}\""));
            // DELETE is a privilege of the table; every category of it may be deleted.
            let (more, effect, recipient) = match to {
                To::Purpose => (Some("\"delete\"".to_owned()), "allow", ""),
                To::Recipient => (None, "forbid", "recipient = \"provider\"\n"),
            };
            let rights: Vec<String> = rights.chain(more).collect();
            pack += &format!("[category.k{kind}]\n");
            if !rights.is_empty() {
                let rights = rights.join(", ");
                pack += &format!(
                    "[[rule]]\nid = \"k{kind}\"\ncategory = \"k{kind}\"\npurpose = \"use\"\n{recipient}rights = [{rights}]\neffect = \"{effect}\"\n",
                );
            }
        }
        let mut table = "";
        for column in columns {
            if column.table != table {
                table = &column.table;
                let name = table.replace('"', "");
                pack += &format!("[table.{}]\nsubject = \"person\"\n", toml_string(&name));
            }
            pack += &format!("columns.{} = \"k{}\"\n", toml_string(&column.name), column.rights.0);
        }
        let files = [SourceFile { path: "pack.toml".into(), text: pack }];
        let policy = Policy::parse(&files).unwrap_or_else(|errors| panic!("{}", errors.render(Colour::Plain))).policy;
        let bound = Arc::new(Bound::new(Arc::new(policy), Arc::clone(&self.catalog)));
        let principal = Arc::new(bound.policy().principal("tester", &[]));
        let purpose = bound.policy().purpose("use");
        View::new(bound, principal, purpose, SearchPath::new(["public".into()]), Encoding::Utf8)
    }

    /// What Postgres says to the role, and nothing of it stays.
    fn postgres(&mut self, sql: &str) -> (Verdict, String) {
        let parameters = parameters(sql);
        let begin = query(&format!("BEGIN; SET LOCAL ROLE grantee_{}; SET LOCAL statement_timeout = '5s'", self.name));
        let mut messages = vec![begin];
        if parameters == 0 {
            messages.push(query(sql));
        } else {
            messages.extend([parse("", sql), bound_to_nulls(parameters), execute("", 1), sync()]);
        }
        self.session.send(&messages.concat());
        let mut code = None;
        for _ in 0..2 {
            loop {
                let frame = self.session.frame();
                match frame.tag {
                    b'E' => code = Some((frame.field(b'C').unwrap_or_default(), frame.field(b'M').unwrap_or_default())),
                    b'G' => self.session.send(&message(b'f', b"no\0")),
                    b'Z' => break,
                    _ => {}
                }
            }
        }
        self.session.exchange(&[query("ROLLBACK")]);
        match code {
            Some((code, said)) if code == "42501" => (Verdict::Refused, said),
            // What the data or a constraint refuses is permitted; a name that is not there is not.
            Some((code, said)) if matches!(&code[..2], "42" | "0A" | "3F" | "26" | "34" | "25") => {
                (Verdict::Otherwise, said)
            }
            _ => (Verdict::Permitted, String::new()),
        }
    }
}

/// The highest `$n` outside string literals.
fn parameters(sql: &str) -> usize {
    let bare: String = sql.split('\'').step_by(2).collect();
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    bare.split('$').skip(1).filter_map(number).max().unwrap_or(0)
}

fn toml_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn bound_to_nulls(parameters: usize) -> Vec<u8> {
    let empty = bind("", "", &[], crate::common::raw::Format::Text);
    // Behind tag and length: two empty names, no formats, no parameters; then the result's format.
    let head = [&[0, 0, 0, 0][..], &(parameters as u16).to_be_bytes()].concat();
    message(b'B', &[head, vec![0xFF; 4 * parameters], empty[empty.len() - 4..].to_vec()].concat())
}

/// The text fields of a DataRow.
fn fields(body: &[u8]) -> Vec<String> {
    let (mut fields, mut rest) = (Vec::new(), &body[2..]);
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (field, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        fields.push(String::from_utf8_lossy(field).into_owned());
        rest = after;
    }
    fields
}

/// What the core says.
fn core(view: &View, sql: &str) -> (Verdict, String) {
    match judge_text(view, sql, &Limits::default()) {
        Judged::One(planned) => match planned.plan {
            Plan::Refuse(refusal) if refusal.code.0 == "42501" => (Verdict::Refused, refusal.message.clone()),
            Plan::Refuse(refusal) => (Verdict::Otherwise, refusal.message.clone()),
            Plan::Forward | Plan::Rewrite(_) => (Verdict::Permitted, String::new()),
        },
        Judged::Many(_) | Judged::Empty => (Verdict::Otherwise, "not one statement".to_owned()),
    }
}

/// A generator that gives the same everywhere.
fn draw(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[derive(Debug, Default)]
struct Figures {
    statements: usize,
    policies: usize,
    checks: usize,
    refused: usize,
    permitted: usize,
    not_understood: usize,
    differing: Vec<String>,
    by_design: BTreeMap<&'static str, usize>,
    /// Nothing was left out.
    whole: bool,
}

fn prove(bench: &mut Bench, soak: Soak, figures: &mut Figures) {
    let all = bench.columns.clone();
    bench.grant(&all);
    let mut statements = std::mem::take(&mut bench.statements);
    statements.sort();
    statements.dedup();
    statements.retain(|sql| bench.postgres(sql).0 == Verdict::Permitted);
    figures.statements += statements.len();
    let mut policies: Vec<Vec<Column>> = vec![all.clone()];
    for at in 0..all.len() {
        let mut columns = all.clone();
        let same = |column: &Column| column.family == all[at].family && column.name == all[at].name;
        columns.iter_mut().filter(|column| same(column)).for_each(|column| column.rights = Rights(0));
        policies.push(columns);
    }
    let mut seed = 0x9E37_79B9_7F4A_7C15;
    let drawn = if soak == Soak::Yes { 400 } else { 8 };
    for _ in 0..drawn {
        let mut of: BTreeMap<(&str, &str), Rights> = BTreeMap::new();
        let drawn = all.iter().map(|column| {
            let bits = draw(&mut seed);
            // Mostly open, so that some statements pass.
            let rights = if bits.is_multiple_of(4) { Rights((bits >> 8) as u8 & 7) } else { Rights::ALL };
            let rights = *of.entry((&column.family, &column.name)).or_insert(rights);
            Column { rights, ..column.clone() }
        });
        policies.push(drawn.collect());
    }
    for columns in policies {
        let closed: Vec<&Column> = columns.iter().filter(|column| column.rights != Rights::ALL).collect();
        bench.grant(&columns);
        let view = bench.view(&columns, To::Purpose);
        let of_recipient = bench.view(&columns, To::Recipient);
        figures.policies += 1;
        // Where one column is closed the statements that do not name its table can't tell.
        let alone = (closed.len() == 1
            && all.iter().all(|column| column.family != closed[0].family || column.table == closed[0].table))
        .then(|| closed[0].table.rsplit('.').next().unwrap_or_default().replace('"', ""));
        for sql in statements.iter().filter(|sql| alone.as_ref().is_none_or(|table| sql.contains(table))) {
            let named = closed.len() != 1 || sql.contains(&closed[0].name) || sql.contains('*');
            if soak == Soak::No && !named && !draw(&mut seed).is_multiple_of(4) {
                continue;
            }
            let ((postgres, said), (core, words)) = (bench.postgres(sql), core(&view, sql));
            figures.checks += 1;
            let (given, why) = self::core(&of_recipient, sql);
            assert_eq!(given, core, "{sql}: a recipient with the same rights: {why}");
            match (postgres, core) {
                (Verdict::Refused, Verdict::Refused) => figures.refused += 1,
                (Verdict::Permitted, Verdict::Permitted) => figures.permitted += 1,
                (_, Verdict::Otherwise) => figures.not_understood += 1,
                (Verdict::Otherwise, _) => panic!("{sql}: {said}"),
                (Verdict::Refused, Verdict::Permitted) | (Verdict::Permitted, Verdict::Refused) => {
                    let said_by = if postgres == Verdict::Refused { &said } else { &words };
                    let known =
                        BY_DESIGN.iter().find(|known| known.postgres == postgres && (known.applies)(sql, said_by));
                    match known {
                        Some(known) => *figures.by_design.entry(known.name).or_default() += 1,
                        None => {
                            let closed: Vec<String> = closed
                                .iter()
                                .filter(|column| sql.contains(&column.name))
                                .map(|column| format!("{}.{} {:03b}", column.table, column.name, column.rights.0))
                                .collect();
                            figures.differing.push(format!(
                                "{}: {sql}\n   closed: {}\n   Postgres: {postgres:?} {said}; wherefore: {core:?} {words}",
                                bench.name,
                                closed.join(", ")
                            ));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn column_grants_agree() {
    let started = std::time::Instant::now();
    let soak = if std::env::var_os("WHEREFORE_SOAK").is_some() { Soak::Yes } else { Soak::No };
    // Statements are judged on a stack like that of the proxy's workers.
    let work = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let chosen = std::env::var("WHEREFORE_GRANTS").unwrap_or_default();
        let mut figures = Figures { whole: chosen.is_empty(), ..Figures::default() };
        let corpora = [("django", DJANGO), ("sqlalchemy", SQLALCHEMY), ("pgbench", PGBENCH)];
        for (name, corpus) in corpora.into_iter().filter(|(name, _)| name.contains(&chosen)) {
            let (schema, rest): (Vec<String>, Vec<String>) =
                statements_of(corpus).into_iter().partition(|sql| is_definition(sql));
            let data = rest.into_iter().filter(|sql| is_data(sql)).collect();
            prove(&mut Bench::start(&runtime, name, &schema, data), soak, &mut figures);
        }
        let own = OWN.lines().filter(|line| !line.is_empty() && !line.starts_with("--")).map(str::to_owned).collect();
        prove(&mut Bench::start(&runtime, "own", &[OWN_SCHEMA.to_owned()], own), soak, &mut figures);
        figures
    });
    let figures = work.expect("a thread").join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    println!(
        "PROOF grants statements={} policies={} checks={} refused={} permitted={} not_understood={} by_design={} differences={} seconds={}",
        figures.statements,
        figures.policies,
        figures.checks,
        figures.refused,
        figures.permitted,
        figures.not_understood,
        figures.by_design.values().sum::<usize>(),
        figures.differing.len(),
        started.elapsed().as_secs()
    );
    for known in BY_DESIGN {
        let times = figures.by_design.get(known.name).copied().unwrap_or_default();
        println!("  by design, {times} times: {}: {}", known.name, known.why);
        assert!(times > 0 || !figures.whole, "{} does not differ any more", known.name);
    }
    let shown = figures.differing.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(figures.differing.is_empty(), "{} times Postgres and the policy differ:\n{shown}", figures.differing.len());
}
