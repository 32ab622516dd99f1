//! The statement path: any text is judged without a panic or an abort, and what is sent is judged alike again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use wherefore::catalog::{Catalog, SearchPath};
use wherefore::enforce::{Encoding, Judged, Limits, Plan, View, judge_text};
use wherefore::policy::{Bound, Policy, SourceFile};

/// The proofs' schema, as `wherefore catalog` prints it (see `fuzz/README.md`).
const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/catalog.json");
const POLICY: &str = include_str!("../../tests/proofs/policy.toml");

static VIEWS: LazyLock<[View; 2]> = LazyLock::new(|| {
    let catalog = std::fs::read_to_string(CATALOG).expect("fuzz/catalog.json: fuzz/README.md says how to make it");
    let catalog = Arc::new(Catalog::new(serde_json::from_str(&catalog).expect("a catalog"), 1));
    let files = [SourceFile { path: "policy.toml".into(), text: POLICY.into() }];
    let policy = Policy::parse(&files).unwrap_or_else(|_| panic!("a policy")).policy;
    let bound = Arc::new(Bound::new(Arc::new(policy), catalog));
    ["plain", "both"].map(|purpose| {
        let principal = Arc::new(bound.policy().principal("tester", &[]));
        let purpose = bound.policy().purpose(purpose);
        View::new(Arc::clone(&bound), principal, purpose, SearchPath::new(["public".into()]), Encoding::Utf8)
    })
});

fuzz_target!(|text: &str| {
    for view in VIEWS.iter() {
        if let Judged::One(planned) = judge_text(view, text, &Limits::default())
            && let Plan::Rewrite(rewritten) = planned.plan
        {
            let Judged::One(again) = judge_text(view, &rewritten.text, &Limits::default()) else {
                panic!("one statement became several: {}", rewritten.text);
            };
            assert!(!matches!(again.plan, Plan::Forward), "a rewritten statement is forwarded: {}", rewritten.text);
        }
    }
});
