//! What a rule does: it permits, masks, denies or forbids.

use super::{mask, not_yet};
use crate::policy::document::{Fields, Shape, Value, with_suggestion};
use crate::policy::report::{Finding, Findings};
use crate::policy::ruling::Effect;

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
            let mask = mask.and_then(|value| mask::read(&value, findings));
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
