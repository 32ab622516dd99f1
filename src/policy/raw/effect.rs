//! What a rule does: it permits, masks, denies or forbids.

use super::{not_yet, word};
use crate::policy::document::{Fields, Shape, Value, with_suggestion};
use crate::policy::report::{Finding, Findings};
use crate::policy::ruling::{Effect, Mask};

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) enum Verdict {
    /// Open, or masked, or denied where no deeper rule says otherwise.
    Give(Effect),
    /// Denied, and nothing below may say otherwise.
    Forbid,
}

pub(super) fn verdict(value: &Value<'_>, findings: &mut Findings) -> Option<Verdict> {
    match value.shape() {
        Shape::Word(word) => match &*word.text {
            "allow" => Some(Verdict::Give(Effect::Allow)),
            "deny" => Some(Verdict::Give(Effect::Deny)),
            "forbid" => Some(Verdict::Forbid),
            later @ ("aggregate" | "lookup") => {
                not_yet(later, &word.place, findings);
                None
            }
            other => {
                let finding = Finding::new(format!("unknown effect `{other}`"), &word.place, "not an effect");
                let known = ["allow", "deny", "forbid", "{ mask = … }"];
                findings.add(with_suggestion(finding, other, known.into_iter()));
                None
            }
        },
        Shape::Table => {
            let mut fields = Fields::new("an effect", value, findings)?;
            let mask = fields.take("mask");
            let missing = mask.is_none() && fields.is_empty();
            let mask = mask.and_then(|value| self::mask(&value, findings));
            fields.finish(&["aggregate", "lookup"], findings);
            if missing {
                findings.add(Finding::new("the effect is empty", &value.place, "for example { mask = \"null\" }"));
            }
            mask.map(|mask| Verdict::Give(Effect::Mask(mask)))
        }
        Shape::Other => {
            findings.add(Finding::new("an effect is a string or a table", &value.place, "neither of the two"));
            None
        }
    }
}

/// The masks of a later version.
const LATER_MASKS: [&str; 10] =
    ["partial", "hash", "pseudonym", "generalise", "generalize", "date", "number", "inet", "postal_code", "jsonb"];

fn mask(value: &Value<'_>, findings: &mut Findings) -> Option<Mask> {
    match value.shape() {
        Shape::Word(word) if &*word.text == "null" => Some(Mask::Null),
        Shape::Word(word) if LATER_MASKS.contains(&&*word.text) => {
            not_yet(&word.text, &word.place, findings);
            None
        }
        Shape::Word(word) => {
            let finding = Finding::new(format!("unknown mask `{}`", word.text), &word.place, "not a mask");
            findings.add(with_suggestion(finding, &word.text, ["null", "{ constant = \"…\" }"].into_iter()));
            None
        }
        Shape::Table => {
            let mut fields = Fields::new("a mask", value, findings)?;
            let constant = word(&mut fields, "constant", findings);
            fields.finish(&LATER_MASKS, findings);
            constant.map(|word| Mask::Constant(word.text))
        }
        Shape::Other => {
            findings.add(Finding::new("a mask is a string or a table", &value.place, "neither of the two"));
            None
        }
    }
}
