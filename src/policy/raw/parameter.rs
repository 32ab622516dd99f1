//! A parameter: a value that bounds rows, and who gives it.

use super::{needed, word};
use crate::policy::document::{Fields, Value, Word, with_suggestion};
use crate::policy::parameter::{Missing, Parameter, ParameterType, ValueSource};
use crate::policy::report::{Finding, Findings};
use std::sync::Arc;

/// Settings of the proxy's own, whose names no parameter may have.
const TAKEN: [&str; 3] = ["purpose", "justification", "recipient"];

/// Settings are named by the parameters: Postgres bounds a name of one.
const LONGEST_NAME: usize = 40;

pub(super) fn parameter(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<Parameter> {
    let mut fields = Fields::new("a parameter", value, findings)?;
    word(&mut fields, "title", findings);
    let kind = needed(&mut fields, "type", &name.place, findings);
    let source = needed(&mut fields, "from", &name.place, findings);
    let required = fields.take("required").and_then(|value| value.truth(findings)).unwrap_or(true);
    let claim = word(&mut fields, "claim", findings);
    fields.finish(&[], findings);
    let starts = name.text.starts_with(|c: char| c.is_ascii_lowercase());
    let word = name.text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !starts || !word || name.text.len() > LONGEST_NAME {
        let label = "a lower-case word with digits and underscores: it names a setting";
        findings.add(Finding::new(format!("`{}` is no name for a parameter", name.text), &name.place, label));
    }
    if TAKEN.contains(&&*name.text) {
        let message = format!("`{}` is no name for a parameter", name.text);
        findings.add(Finding::new(message, &name.place, format!("wherefore.{} means something else", name.text)));
    }
    let kind = kind.and_then(|word| {
        let kind = ParameterType::named(&word.text);
        if kind.is_none() {
            let finding = Finding::new(format!("unknown type `{}`", word.text), &word.place, "not a parameter's type");
            findings.add(with_suggestion(finding, &word.text, ParameterType::WORDS.into_iter()));
        }
        kind
    });
    let source = source.and_then(|word| {
        let source = ValueSource::named(&word.text);
        if source.is_none() {
            let message = format!("unknown source `{}`", word.text);
            let finding = Finding::new(message, &word.place, "not a source of values");
            findings.add(with_suggestion(finding, &word.text, ValueSource::WORDS.into_iter()));
        }
        source
    });
    if let (Some(claim), Some(ValueSource::Principal | ValueSource::Pin | ValueSource::Session)) = (&claim, source) {
        let message = format!("parameter `{}` names a claim, and its values come from elsewhere", name.text);
        findings.add(Finding::new(message, &claim.place, "needs from = \"claim\""));
    }
    let claim = claim.map_or_else(|| Arc::clone(&name.text), |claim| claim.text);
    let missing = if required { Missing::Refuses } else { Missing::IsNull };
    Some(Parameter { name: name.clone(), kind: kind?, source: source?, missing, claim })
}
