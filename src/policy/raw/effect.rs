//! What a rule does: it permits, masks, denies or forbids.

use super::mask;
use crate::policy::document::{Fields, Shape, Value, with_suggestion};
use crate::policy::mask::Mask;
use crate::policy::report::{Finding, Findings};
use crate::policy::ruling::{Aggregate, Effect};

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) enum Verdict {
    /// Open, or masked, or denied where no deeper rule says otherwise.
    Give(Effect),
    /// Denied, and nothing below may say otherwise.
    Forbid,
}

/// Whether an effect is a look-up and nothing else.
pub(super) fn is_lookup(value: &Value<'_>) -> bool {
    matches!(value.shape(), Shape::Word(word) if &*word.text == "lookup")
}

pub(super) fn verdict(value: &Value<'_>, findings: &mut Findings) -> Option<Verdict> {
    match value.shape() {
        Shape::Word(word) => match &*word.text {
            "allow" => Some(Verdict::Give(Effect::Allow)),
            "deny" => Some(Verdict::Give(Effect::Deny)),
            "forbid" => Some(Verdict::Forbid),
            "aggregate" => {
                let finding = Finding::new("`aggregate` lacks its threshold", &word.place, "over how many subjects?");
                findings.add(finding.help("{ aggregate = { min_subjects = 10 } }"));
                None
            }
            // Found, and shown as nothing.
            "lookup" => Some(Verdict::Give(Effect::Mask(Mask::Null))),
            other => {
                let finding = Finding::new(format!("unknown effect `{other}`"), &word.place, "not an effect");
                let known = ["allow", "lookup", "deny", "forbid", "{ mask = … }", "{ aggregate = … }"];
                findings.add(with_suggestion(finding, other, known.into_iter()));
                None
            }
        },
        Shape::Table => {
            let mut fields = Fields::new("an effect", value, findings)?;
            let (mask, aggregate) = (fields.take("mask"), fields.take_keyed("aggregate"));
            let missing = mask.is_none() && aggregate.is_none() && fields.is_empty();
            if let (Some(_), Some((key, _))) = (&mask, &aggregate) {
                findings.add(Finding::new("two effects in one rule", &key.place, "masked, or in aggregates only"));
            }
            let mask = mask.and_then(|value| mask::read(&value, findings)).map(Effect::Mask);
            let aggregate = aggregate.and_then(|(_, value)| self::aggregate(&value, findings)).map(Effect::Aggregate);
            fields.finish(&[], findings);
            if missing {
                findings.add(Finding::new("the effect is empty", &value.place, "for example { mask = \"null\" }"));
            }
            mask.or(aggregate).map(Verdict::Give)
        }
        Shape::Other => {
            findings.add(Finding::new("an effect is a string or a table", &value.place, "neither of the two"));
            None
        }
    }
}

/// The least threshold that is one: an aggregate over one person is that person's value.
const LEAST_SUBJECTS: i64 = 2;
/// The largest step that numbers are rounded to.
const COARSEST: u32 = 1_000_000_000;
/// The most that one number may tell of a person: with more there is hardly any noise.
const MOST_EPSILON: u32 = 10;

/// `{ epsilon = 0.5 }`, in thousandths.
fn noise(value: &Value<'_>, findings: &mut Findings) -> Option<u32> {
    let mut fields = Fields::new("noise", value, findings)?;
    let epsilon = fields.take("epsilon");
    if epsilon.is_none() {
        let finding = Finding::new("`epsilon` is missing", &value.place, "how much does a number tell of a person?");
        findings.add(finding.help("{ noise = { epsilon = 0.5 } }"));
    }
    fields.finish(&[], findings);
    epsilon?.thousandths(MOST_EPSILON, findings)
}

fn aggregate(value: &Value<'_>, findings: &mut Findings) -> Option<Aggregate> {
    let mut fields = Fields::new("the effect `aggregate`", value, findings)?;
    let written = fields.take("min_subjects");
    let round = fields.take("round").and_then(|value| value.number(1, COARSEST, findings));
    let noise = fields.take("noise").and_then(|value| noise(&value, findings));
    let missing = written.is_none();
    let place = written.as_ref().map_or_else(|| value.place.clone(), |value| value.place.clone());
    let number = written.and_then(|value| value.integer());
    fields.finish(&[], findings);
    match number.filter(|number| *number >= LEAST_SUBJECTS).and_then(|number| u32::try_from(number).ok()) {
        Some(min_subjects) => Some(Aggregate { min_subjects, round, noise }),
        None => {
            let message = if missing { "`min_subjects` is missing" } else { "`min_subjects` is no threshold" };
            let finding = Finding::new(message, &place, "a whole number, at least 2");
            findings.add(finding.help("{ aggregate = { min_subjects = 10 } }"));
            None
        }
    }
}
