//! Widening a policy never turns a permitted statement into a refused one.
//!
//! Random policies over the proofs' schema, each with a wider one: effects may rise from denied to masked to open, rights to
//! write may come, and row conditions may go. One thing differs by design: who may read what a write stores is part of its
//! judgement, so opening a column to more readers can close a way to fill it, and must. Such refusals are counted.

use crate::core::{bound, on_workers_stack, outcome, proofs_catalog, view};
use crate::generator::Generator;
use crate::random::Random;
use std::fmt::Write as _;

/// What a rule gives of a category, in ascending order.
const EFFECTS: [&str; 5] =
    ["\"deny\"", "{ mask = \"null\" }", "{ mask = { constant = \"20\" } }", "a part", "\"allow\""];
const ALLOW: usize = 4;
const CATEGORIES: [&str; 5] = ["operational", "contact", "contact.phone", "contact.age", "secret"];
const CONDITIONS: [&str; 2] = ["\"consent.mail\"", "\"not erased\""];

#[derive(Debug, Clone)]
struct Rules {
    /// For each category an index into [`EFFECTS`].
    effects: [usize; 5],
    /// Which conditions hold for everything that is open.
    conditions: [bool; 2],
    /// Which categories may be written.
    writes: [bool; 5],
}

impl Rules {
    fn random(random: &mut Random) -> Rules {
        let mut effects = [0; 5];
        // Most of what the statements name should be open, or there would be nothing to compare.
        effects.iter_mut().for_each(|effect| *effect = *random.pick(&[0, 1, 2, 3, ALLOW, ALLOW, ALLOW]));
        if random.percent(85) {
            effects[0] = ALLOW;
        }
        let writes = std::array::from_fn(|_| random.percent(75));
        Rules { effects, conditions: [random.percent(35), random.percent(35)], writes }
    }

    fn wider(&self, random: &mut Random) -> Rules {
        let mut wider = self.clone();
        for effect in &mut wider.effects {
            if random.percent(40) {
                *effect = *random.pick(&[ALLOW, (*effect + 1).min(ALLOW)]);
            }
        }
        for condition in &mut wider.conditions {
            *condition &= random.percent(60);
        }
        for right in &mut wider.writes {
            *right |= random.percent(40);
        }
        wider
    }

    fn policy(&self) -> String {
        let original = include_str!("policy.toml");
        let (head, tail) = original.split_once("[[rule]]").expect("rules");
        let tables = &tail[tail.find("[table.").expect("tables")..];
        let conditions: Vec<&str> =
            CONDITIONS.iter().zip(self.conditions).filter(|(_, holds)| *holds).map(|(name, _)| *name).collect();
        let mut out = head.to_owned();
        for (category, _) in CATEGORIES.iter().zip(self.writes).filter(|(_, writes)| *writes) {
            let _ = write!(
                out,
                "[[rule]]\nid = \"write {category}\"\nclause = \"P-2\"\ncategory = \"{category}\"\npurpose = \"plain\"\n\
                 rights = [\"insert\", \"update\", \"delete\"]\neffect = \"allow\"\n\n"
            );
        }
        for (category, effect) in CATEGORIES.iter().zip(self.effects) {
            let rows = if effect > 0 && !conditions.is_empty() {
                format!("where = [{}]\n", conditions.join(", "))
            } else {
                String::new()
            };
            let _ = write!(
                out,
                "[[rule]]\nid = \"{category}\"\nclause = \"P-2\"\ncategory = \"{category}\"\npurpose = \"plain\"\n{rows}effect = {}\n\n",
                match (EFFECTS[effect], *category) {
                    // Its columns are of many types, and one that a mask does not fit is closed.
                    (masked, "operational") if masked.contains("constant") => EFFECTS[1],
                    ("a part", "operational") => EFFECTS[ALLOW],
                    ("a part", "contact.age") => "{ mask = { number = 10 } }",
                    ("a part", _texts) => "{ mask = { partial = { keep_last = 2 } } }",
                    (effect, _) => effect,
                }
            );
        }
        out + tables
    }
}

#[test]
fn what_is_permitted_stays_permitted_under_a_wider_policy() {
    const PAIRS: usize = 60;
    const STATEMENTS: usize = 60;
    /// Every third one writes, beside those that the generator makes of its own accord.
    const WRITES: usize = 3;
    let (permitted, writes, carried, wrong) = on_workers_stack(|| {
        let catalog = proofs_catalog();
        let mut random = Random::new(77);
        let (mut permitted, mut writes, mut carried, mut wrong) = (0, 0, 0, Vec::new());
        for pair in 0..PAIRS {
            let narrow = Rules::random(&mut random);
            let wide = narrow.wider(&mut random);
            let (one, other) =
                (view(&bound(&narrow.policy(), &catalog), "plain"), view(&bound(&wide.policy(), &catalog), "plain"));
            let mut generator = Generator::new(9000 + pair as u64);
            for index in 0..STATEMENTS {
                let statement = if index % WRITES == 0 { generator.writing() } else { generator.statement() };
                let text = statement.doc.render();
                if !matches!(outcome(&one, &text), Some(Ok(_))) {
                    continue;
                }
                permitted += 1;
                writes += usize::from(statement.writes);
                if let Some(Err(refusal)) = outcome(&other, &text) {
                    if refusal.contains("this would carry ") {
                        carried += 1;
                        continue;
                    }
                    let small = statement.doc.shrink(300, &mut |text| {
                        matches!(outcome(&one, text), Some(Ok(_))) && matches!(outcome(&other, text), Some(Err(_)))
                    });
                    wrong.push(format!("{narrow:?}\n{wide:?}\n  {}\n  {refusal}", small.render()));
                }
            }
        }
        (permitted, writes, carried, wrong)
    });
    println!(
        "PROOF widening policy_pairs={PAIRS} permitted={permitted} writes={writes} kept_from_new_readers={carried} refused_when_wider={}",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong[..wrong.len().min(8)].join("\n\n"));
    assert!(permitted > 1000, "only {permitted} statements were permitted");
    assert!(writes > 300, "only {writes} writes were permitted");
}
