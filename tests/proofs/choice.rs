//! Whatever function of a user Postgres chooses for a statement is among those that the analysis saw.
//!
//! A view is made of each generated statement; `pg_depend` then says which operators and functions it runs. The schema
//! (`choice.sql`) has operators of users beside those of the server, over domains, enums, rows, ranges and types of users'
//! own, with implicit casts between them, in schemas before and after each other.

use crate::common::raw::{Frame, Raw};
use crate::common::{At, Cluster};
use crate::core::{on_workers_stack, read};
use crate::random::Random;
use std::collections::BTreeMap;
use std::sync::Arc;
use wherefore::analyze::{Context, FunctionRead, Openness, Rewrites, Rulings, Shape, Stars, Trouble, resolve};
use wherefore::catalog::{Catalog, Function, Relation, SearchPath};
use wherefore::sql::parse;
use wherefore::vocab::{NotUnderstood, Right};

/// Most of them Postgres refuses, for want of an operator or for too many.
const STATEMENTS: usize = 8000;

/// Everything is open, and what functions read is nothing: only what may be run is asked.
struct Open;

impl Rulings for Open {
    fn guarded(&self, _relation: &Relation) -> bool {
        false
    }
    fn filtered(&self, _relation: &Relation) -> bool {
        false
    }
    fn openness(&self, _relation: &Relation, _column: usize) -> Openness {
        Openness::Open
    }
    fn looks_up(&self, _: &Relation, _: usize) -> bool {
        false
    }
    fn shape(&self, _relation: &Relation, _alias: &str, _right: Right) -> Result<Shape, Trouble> {
        Err(Trouble::NotUnderstood(NotUnderstood::new("a write", None)))
    }
    fn listed(&self, _function: &Function) -> Option<Arc<[FunctionRead]>> {
        Some(Arc::default())
    }
    fn rewrites(&self, _relation: &Relation) -> Option<Rewrites> {
        None
    }

    fn messages_pass(&self, _function: &Function) -> bool {
        false
    }
    fn constant(&self, _number: i32) -> Option<String> {
        None
    }

    fn is_own_setting(&self, _name: &str) -> bool {
        false
    }
}

const COLUMNS: &[&str] = &[
    "i", "s", "b", "n", "te", "v", "c", "dt", "di", "dd", "dv", "m", "dm", "p", "r", "o", "am", "ao", "at", "ap", "j",
];
const OPERATORS: &[&str] = &["=", "=", "=", "<", "||", "LIKE", "===", "<>", ">=", "<="];
const TYPES: &[&str] = &[
    "text", "varchar", "int", "int8", "dtext", "dint", "ddint", "mood", "dmood", "pair", "span", "own", "hid",
    "mood[]", "own[]",
];

/// Generated expressions over the columns of `t`, `h`, `parent` and `child`, whichever are in sight.
struct Writer<'r> {
    random: &'r mut Random,
    tables: Vec<&'static str>,
}

impl Writer<'_> {
    fn leaf(&mut self) -> String {
        let table = *self.random.pick(&self.tables.clone());
        match self.random.below(12) {
            0 => "'a'".to_owned(),
            1 => "1".to_owned(),
            2 => "NULL".to_owned(),
            3 => "true".to_owned(),
            4 => format!("'1'::{}", self.random.pick(TYPES)),
            5 => table.to_owned(),
            6 => "give_own()".to_owned(),
            _ => match table {
                "h" => format!("h.{}", self.random.pick(&["k", "m", "te"])),
                "parent" => format!("parent.{}", self.random.pick(&["q", "m"])),
                "child" => format!("child.{}", self.random.pick(&["q", "m", "o"])),
                _t => format!("t.{}", self.random.pick(COLUMNS)),
            },
        }
    }

    fn value(&mut self, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else { return self.leaf() };
        let a = self.value(depth.min(1));
        let b = match self.random.below(4) {
            0 => self.value(depth.min(1)),
            1 => "'1'".to_owned(),
            2 => "NULL".to_owned(),
            _ => a.clone(),
        };
        let operator = *self.random.pick(OPERATORS);
        match self.random.below(34) {
            0..=5 => format!("({a} {operator} {b})"),
            6 => format!("coalesce({a}, {b})"),
            7 => format!("CASE WHEN true THEN {a} ELSE {b} END"),
            8 => format!("CASE {a} WHEN {b} THEN 1 WHEN 'a' THEN 2 END"),
            9 => format!("nullif({a}, {b})"),
            10 => format!("({a} IN ({b}, {}))", self.random.pick(&["'1'", "1", "NULL", "true", "1.5", "'1'::int8"])),
            11 => format!("({a} = ANY (ARRAY[{b}]))"),
            12 => format!("({a} = ANY (t.{}))", self.random.pick(&["am", "ao", "at", "ap"])),
            13 => format!("({a} BETWEEN {b} AND '1')"),
            14 => format!("(ROW({a}, {b}) = ROW({b}, 'a'))"),
            15 => format!("({a} IS DISTINCT FROM {b})"),
            16 => format!("({a})::{}", self.random.pick(TYPES)),
            17 => format!("g({a})"),
            18 => format!("same({a}, {b})"),
            19 => format!("(SELECT {a})"),
            20 => format!("({a} IN (SELECT {b} FROM h AS inside))"),
            21 => format!("greatest({a}, {b})"),
            22 => format!("ARRAY[{a}, {b}]"),
            23 => format!("(ARRAY[{a}, {b}])[1]"),
            24 => "(t.p).y".to_owned(),
            25 => format!("give_hid({a})"),
            26 => "(made()).h".to_owned(),
            27 => format!("lower({a})"),
            28 => format!("max({a}) OVER ()"),
            29 => format!("({a} COLLATE \"C\")"),
            30 => format!("({a} = {b})"),
            31 => format!("ROW({a}, {b})"),
            32 => format!("text({a})"),
            _ => a,
        }
    }

    fn statement(&mut self) -> String {
        let depth = 1 + self.random.below(3);
        let value = self.value(depth);
        let from = match self.tables.as_slice() {
            ["t"] => "t",
            ["t", "h"] => "t, h",
            ["t", "child"] => "t, child",
            _other => "t, parent",
        };
        let other = self.value(1);
        match self.random.below(10) {
            0 => format!(
                "SELECT 1 FROM (SELECT {value} AS x FROM {from}) AS one JOIN (SELECT {other} AS x FROM {from}) AS two USING (x)"
            ),
            1 => format!(
                "SELECT x = {} FROM (SELECT {value} AS x FROM {from}) AS q",
                ["'a'", "1", "x", "'a'::text"][self.random.below(4)]
            ),
            2 => format!("WITH q AS (SELECT {value} AS x, {other} AS y FROM {from}) SELECT x = y, x === y FROM q"),
            3 => format!("SELECT 1 FROM {from} ORDER BY {value} USING <"),
            4 => {
                format!("SELECT x = x FROM (SELECT {value} AS x FROM {from} UNION ALL SELECT {other} FROM {from}) AS q")
            }
            5 => format!(
                "SELECT x || x FROM (VALUES ({}), ('a')) AS q(x)",
                ["1", "'a'", "'1'::own", "NULL", "true"][self.random.below(5)]
            ),
            6 => format!("SELECT q = {other} FROM {from}, LATERAL (SELECT {value} AS q) AS l"),
            _ => format!("SELECT {value} AS x FROM {from}"),
        }
    }
}

/// The values of the first column of an answer; `None` where the server refuses.
fn column(frames: &[Frame]) -> Option<Vec<String>> {
    if frames.iter().any(|frame| frame.tag == b'E') {
        return None;
    }
    let rows = frames.iter().filter(|frame| frame.tag == b'D');
    Some(rows.map(|frame| String::from_utf8_lossy(frame.body.get(6..).unwrap_or_default()).into_owned()).collect())
}

const CHOSEN: &str = "
    SELECT DISTINCT coalesce(o.oprcode::oid, p.oid)::text
      FROM pg_rewrite r
      JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
      LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND d.refobjid = o.oid
     WHERE r.ev_class = 'chosen'::regclass AND coalesce(o.oprcode::oid, p.oid) >= 16384";

#[test]
fn what_postgres_chooses_was_seen() {
    let cluster = Cluster::shared();
    cluster.database("choice", include_str!("choice.sql"));
    let at = At { port: cluster.port(), database: "choice", user: "keeper", purpose: None };
    let mut session: Raw = at.raw();
    let catalog = Catalog::new(read("choice"), 1);
    let mut random = Random::new(7);
    let mut statements: Vec<(&'static str, String, Vec<u32>)> = Vec::new();
    let mut refused = 0;
    for number in 0..STATEMENTS {
        let path = *random.pick(&["public", "public, other", "other, public", "other, pg_catalog, public"]);
        let tables = match number % 4 {
            0 => vec!["t", "h"],
            1 => vec!["t", "child"],
            2 => vec!["t", "parent"],
            _ => vec!["t"],
        };
        let text = Writer { random: &mut random, tables }.statement();
        let _ = session.ask(&format!("SET search_path = {path}"), None);
        let made = session.ask(&format!("CREATE VIEW public.chosen AS {text}"), None).expect("the server");
        if column(&made).is_none() {
            refused += 1;
            continue;
        }
        let chosen = session.ask(CHOSEN, None).and_then(|frames| column(&frames)).expect("what was chosen");
        let chosen = chosen.iter().map(|oid| oid.trim().parse().expect("a number")).collect();
        let _ = session.ask("DROP VIEW public.chosen", None);
        statements.push((path, text, chosen));
    }
    let (seen, unseen, runs, not_understood) = on_workers_stack(move || judge(&catalog, statements));
    for (what, count) in not_understood.iter().take(20) {
        println!("    {count} × {what}");
    }
    println!(
        "PROOF choice statements={STATEMENTS} invalid={refused} resolved={seen} users-functions-chosen={runs} unseen={}",
        unseen.len()
    );
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
    assert!(seen > STATEMENTS / 5 && runs > STATEMENTS / 10, "{seen} resolved, {runs} functions chosen");
}

type Judged = (usize, Vec<String>, usize, BTreeMap<String, usize>);

/// How many were resolved, what was chosen but not seen, how many functions of users were chosen, what is not understood.
fn judge(catalog: &Catalog, statements: Vec<(&'static str, String, Vec<u32>)>) -> Judged {
    let (mut seen, mut runs, mut unseen, mut not_understood) = (0, 0, Vec::new(), BTreeMap::new());
    for (path, text, chosen) in statements {
        let path_of = SearchPath::new(path.split(", ").map(Arc::from));
        let context = Context { catalog, path: &path_of, rulings: &Open, parameters: &[], stars: Stars::Whole };
        let tree = parse(&text).expect("it was parsed by the server").pop().expect("one statement").tree;
        match resolve(tree, &context) {
            Ok(resolved) => {
                seen += 1;
                runs += chosen.len();
                for oid in chosen.iter().filter(|oid| !resolved.functions.contains(oid)) {
                    let function =
                        catalog.function(*oid).map_or_else(String::new, |f| format!("{}({})", f.name, f.signature));
                    unseen.push(format!("{function}, path {path}: {text}"));
                }
            }
            Err(Trouble::NotUnderstood(reason)) => *not_understood.entry(reason.what.to_string()).or_default() += 1,
            Err(Trouble::Unresolved(reason)) => *not_understood.entry(reason.message.to_string()).or_default() += 1,
        }
    }
    (seen, unseen, runs, not_understood)
}
