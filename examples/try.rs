use std::sync::Arc;
use wherefore::{catalog::*, enforce::*, policy::*};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let snap: Snapshot = serde_json::from_str(&std::fs::read_to_string(&a[1]).unwrap()).unwrap();
    let catalog = Arc::new(Catalog::new(snap, 1));
    let files: Vec<SourceFile> = std::fs::read_dir(&a[2]).unwrap().filter_map(|e| { let p = e.unwrap().path(); (p.extension()?.to_str()? == "toml").then(|| SourceFile { path: p.display().to_string(), text: std::fs::read_to_string(&p).unwrap() }) }).collect();
    let loaded = Policy::parse(&files).unwrap_or_else(|_| panic!("policy"));
    let policy = Arc::new(loaded.policy);
    let bound = Arc::new(Bound::new(policy.clone(), catalog));
    let principal = Arc::new(policy.principal("tester", &[]));
    let purpose = if a[3] == "-" { None } else { Some(policy.purpose(&a[3]).expect("purpose")) };
    let view = View::new(bound, principal, purpose, SearchPath::new(["public".into()]), Encoding::Utf8);
    for sql in std::io::stdin().lines() {
        let sql = sql.unwrap();
        if sql.trim().is_empty() { continue }
        println!("--- {}", &sql[..sql.len().min(300)]);
        match judge_text(&view, &sql, &Limits::default()) {
            Judged::One(p) => match p.plan {
                Plan::Forward => println!("forward {:?}", p.statement.kind),
                Plan::Rewrite(r) => println!("=> {}\n   {:?}", &r.text[..r.text.len().min(600)], r.columns.map(|c| c.len())),
                Plan::Refuse(r) => println!("{} (at {})", r.report(), r.position),
            },
            other => println!("{other:?}"),
        }
    }
}
