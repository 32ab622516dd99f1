use std::sync::Arc;
use wherefore::{catalog::*, enforce::*, policy::*};
fn main() { std::thread::Builder::new().stack_size(64<<20).spawn(real).unwrap().join().unwrap() }
fn real() {
    let a: Vec<String> = std::env::args().collect();
    let snap: Snapshot = serde_json::from_str(&std::fs::read_to_string(&a[1]).unwrap()).unwrap();
    let catalog = Arc::new(Catalog::new(snap, 1));
    let files: Vec<SourceFile> = std::fs::read_dir(&a[2]).unwrap().filter_map(|e| { let p = e.unwrap().path(); (p.extension()?.to_str()? == "toml").then(|| SourceFile { path: p.display().to_string(), text: std::fs::read_to_string(&p).unwrap() }) }).collect();
    let policy = Arc::new(Policy::parse(&files).unwrap_or_else(|_| panic!("policy")).policy);
    let bound = Arc::new(Bound::new(policy.clone(), catalog));
    let principal = Arc::new(policy.principal("tester", &[]));
    let view = View::new(bound, principal, policy.purpose(&a[3]), SearchPath::new(["public".into()]), Encoding::Utf8);
    for sql in std::io::stdin().lines() {
        let sql = sql.unwrap();
        let t = std::time::Instant::now();
        let j = judge_text(&view, &sql, &Limits::default());
        let w = match &j { Judged::One(Planned{plan: Plan::Refuse(r), ..}) => r.message.chars().take(100).collect::<String>(), Judged::One(Planned{plan: Plan::Rewrite(r), ..}) => format!("rewrite {}", r.text.len()), _ => "other".into() };
        println!("{:?} {} bytes: {} -> {w}", t.elapsed(), sql.len(), &sql[..sql.len().min(40)]);
    }
}
