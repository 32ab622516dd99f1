use std::{collections::BTreeMap, sync::Arc};
use wherefore::{catalog::*, enforce::*, policy::*, sql::Kind};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let snap: Snapshot = serde_json::from_str(&std::fs::read_to_string(&a[1]).unwrap()).unwrap();
    let catalog = Arc::new(Catalog::new(snap, 1));
    let files: Vec<SourceFile> = std::fs::read_dir(&a[2]).unwrap().filter_map(|e| { let p = e.unwrap().path(); (p.extension()?.to_str()? == "toml").then(|| SourceFile { path: p.display().to_string(), text: std::fs::read_to_string(&p).unwrap() }) }).collect();
    let policy = Arc::new(Policy::parse(&files).unwrap_or_else(|_| panic!("policy")).policy);
    let bound = Arc::new(Bound::new(policy.clone(), catalog));
    let principal = Arc::new(policy.principal("tester", &[]));
    let view = View::new(bound, principal, policy.purpose(&a[3]), SearchPath::new(["public".into()]), Encoding::Utf8);
    let mut stats: BTreeMap<String, usize> = BTreeMap::new();
    for f in &a[4..] {
        for line in std::fs::read_to_string(f).unwrap().lines() {
            let v: serde_json::Value = serde_json::from_str(line).unwrap();
            let sql = v["sql"].as_str().unwrap();
            let Judged::One(p) = judge_text(&view, sql, &Limits::default()) else { *stats.entry("many/empty".into()).or_default() += 1; continue };
            let read = p.statement.kind == Kind::Read;
            let key = match p.plan { Plan::Forward => "forward".into(), Plan::Rewrite(_) => "rewrite".into(),
                Plan::Refuse(r) if r.code.0 == "0A000" && !read => "0A000 no read".into(),
                Plan::Refuse(r) if r.code.0.starts_with("42P01") => "42P01".into(),
                Plan::Refuse(r) => format!("{} {}", r.code.0, r.message.split(" and ").last().unwrap()) };
            *stats.entry(key).or_default() += 1;
        }
    }
    for (k, n) in stats { println!("{n:6} {}", &k[..k.len().min(150)]); }
}
