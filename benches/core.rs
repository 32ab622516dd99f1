//! What the core costs: a plan from the cache, and a statement never seen.
//!
//! `cargo bench --bench core`. Figures depend on the machine; `docs/performance.md` says what was measured where.

use std::hint::black_box;
use std::sync::Arc;
use wherefore::catalog::{Catalog, Column, Relation, RelationKind, SearchPath, Snapshot};
use wherefore::enforce::{Encoding, Enforcer, Limits, View, judge_text};
use wherefore::policy::{Bound, Policy, SourceFile};
use wherefore::sql::{STACK_BYTES, on_deep_stack, parse, print};
use wherefore::vocab::AttNum;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // Statements are judged on the stack that the proxy's workers have.
    let run = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(divan::main).expect("a thread");
    run.join().expect("the benches");
}

const PACK: &str = r#"
[pack]
name = "bench"
document = "Bench"
dated = 2026-01-01

[purpose.support]
[purpose.service]
[category.contact]
[category.operational]
[subject.person]

[clause.C]
section = "1"
words = "Contact data is for the service."

[[rule]]
id = "all-for-service"
clause = "C"
purpose = "service"
effect = "allow"

[[rule]]
id = "operational-for-support"
clause = "C"
category = "operational"
purpose = "support"
effect = "allow"

[[rule]]
id = "no-contact-for-support"
clause = "C"
category = "contact"
purpose = "support"
effect = { mask = "null" }

[table."public.people"]
subject = "person"
default = "operational"
columns.email = "contact"

[table."public.orders"]
subject = "person"
default = "operational"

[role.app]
purposes = ["support", "service"]
"#;

fn relation(oid: u32, name: &str, columns: &[&str]) -> Relation {
    let column = |(index, name): (usize, &&str)| Column {
        number: AttNum(index as i16 + 1),
        name: (*name).into(),
        type_oid: if *name == "email" { 25 } else { 23 },
        type_sql: if *name == "email" { "text" } else { "integer" }.into(),
        not_null: false,
        nondeterministic: false,
        generated: false,
    };
    let columns = columns.iter().enumerate().map(column).collect();
    Relation { primary_key: vec![AttNum(1)], ..Relation::new(oid, "public", name, RelationKind::Table, columns) }
}

fn view(purpose: &str) -> View {
    let files = [SourceFile { path: "pack.toml".into(), text: PACK.into() }];
    let policy = match Policy::parse(&files) {
        Ok(loaded) => Arc::new(loaded.policy),
        Err(errors) => panic!("{errors:?}"),
    };
    let snapshot = Snapshot {
        database: "bench".into(),
        server_version: 150_000,
        schemas: vec!["public".into()],
        relations: vec![
            relation(20_000, "people", &["id", "name", "email", "city", "age", "created_at"]),
            relation(20_001, "orders", &["id", "person_id", "amount", "status", "created_at"]),
        ],
        ..Snapshot::default()
    };
    let principal = Arc::new(policy.principal("app", &[]));
    let purpose = policy.purpose(purpose);
    let bound = Arc::new(Bound::new(policy, Arc::new(Catalog::new(snapshot, 1))));
    View::new(bound, principal, purpose, SearchPath::new(["public".into()]), Encoding::Utf8)
}

const SHORT: &str = "SELECT p.name, p.city FROM people p WHERE p.id = 12345";

/// About 480 bytes, as an ORM writes it.
const MEDIUM: &str = "SELECT \"people\".\"id\", \"people\".\"name\", \"people\".\"email\", \"people\".\"city\", \"people\".\"age\", \
    \"orders\".\"id\", \"orders\".\"amount\", \"orders\".\"status\", \"orders\".\"created_at\" FROM \"people\" \
    INNER JOIN \"orders\" ON (\"people\".\"id\" = \"orders\".\"person_id\") WHERE (\"people\".\"city\" = 7 AND \
    \"orders\".\"status\" IN (1, 2, 3) AND NOT (\"orders\".\"amount\" < 100)) ORDER BY \"orders\".\"created_at\" DESC, \
    \"people\".\"id\" ASC LIMIT 21";

/// About 3,000 bytes: a report.
fn long() -> String {
    let mut text = String::from("SELECT p.id");
    for index in 0..40 {
        text.push_str(&format!(", sum(CASE WHEN o.status = {index} THEN o.amount ELSE 0 END) AS s{index}"));
    }
    text.push_str(" FROM people p LEFT JOIN orders o ON o.person_id = p.id WHERE p.age > 18 GROUP BY p.id");
    text
}

#[divan::bench(args = ["support", "service"])]
fn plan_from_the_cache(bencher: divan::Bencher<'_, '_>, purpose: &str) {
    let (enforcer, view) = (Enforcer::new(Limits::default()), view(purpose));
    enforcer.judge(&view, SHORT);
    bencher.bench(|| black_box(enforcer.judge(&view, black_box(SHORT))));
}

#[divan::bench(args = ["short", "medium", "long"])]
fn statement_never_seen(bencher: divan::Bencher<'_, '_>, which: &str) {
    let (view, limits) = (view("support"), Limits::default());
    let text = text(which);
    bencher.bench(|| black_box(judge_text(&view, black_box(&text), &limits)));
}

/// Of a known shape, with a literal of its own each.
#[divan::bench(args = ["short", "medium", "long"])]
fn literal_never_seen(bencher: divan::Bencher<'_, '_>, which: &str) {
    let (enforcer, view) = (Enforcer::new(Limits::default()), view("support"));
    let (before, after) = match which {
        "short" => ("12345", SHORT.to_owned()),
        "medium" => ("100", MEDIUM.to_owned()),
        _long => ("18", long()),
    };
    let (front, back) = after.rsplit_once(before).expect("the literal");
    let number = std::cell::Cell::new(1000);
    let text = || {
        number.set(number.get() + 1);
        format!("{front}{}{back}", number.get())
    };
    (0..4).for_each(|_| drop(enforcer.judge(&view, &text())));
    bencher.with_inputs(text).bench_local_values(|text| black_box(enforcer.judge(&view, black_box(&text))));
}

#[divan::bench(args = ["short", "medium", "long"])]
fn parse_only(bencher: divan::Bencher<'_, '_>, which: &str) {
    let text = text(which);
    bencher.bench(|| black_box(on_deep_stack(|| parse(black_box(&text)).is_ok())));
}

#[divan::bench(args = ["short", "medium", "long"])]
fn print_and_compare(bencher: divan::Bencher<'_, '_>, which: &str) {
    let tree = parse(&text(which)).expect("a statement").remove(0).tree;
    bencher.bench(|| black_box(on_deep_stack(|| print(black_box(&tree)).is_ok())));
}

fn text(which: &str) -> String {
    match which {
        "short" => SHORT.to_owned(),
        "medium" => MEDIUM.to_owned(),
        _long => long(),
    }
}
