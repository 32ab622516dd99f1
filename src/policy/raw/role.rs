//! A database role: which purposes it may declare, and for whom.

use super::{named, word};
use crate::policy::document::{Fields, Value, Word};
use crate::policy::report::{Finding, Findings};

#[derive(Debug)]
pub(in crate::policy) struct RawRole {
    pub(in crate::policy) name: Word,
    pub(in crate::policy) purposes: Vec<Word>,
    pub(in crate::policy) default: Option<Word>,
    pub(in crate::policy) recipient: Option<Word>,
    /// Values of parameters, by name.
    pub(in crate::policy) parameters: Vec<(Word, Word)>,
    /// Names of certificates whose bearers alone have the role.
    pub(in crate::policy) certificates: Vec<Word>,
}

pub(super) fn role(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawRole> {
    let mut fields = Fields::new("a role", value, findings)?;
    word(&mut fields, "title", findings);
    let purposes = fields.take("purposes");
    if purposes.is_none() {
        findings.add(Finding::new("`purposes` is missing", &name.place, "which purposes may it declare?"));
    }
    let purposes = purposes.and_then(|value| value.words(findings)).unwrap_or_default();
    let default = word(&mut fields, "default", findings);
    let recipient = word(&mut fields, "recipient", findings);
    let mut parameters = Vec::new();
    for (name, value) in named(fields.take("parameters"), findings) {
        parameters.extend(value.word_or_number(findings).map(|value| (name, value)));
    }
    let certificates = fields.take("certificates").and_then(|value| value.words(findings)).unwrap_or_default();
    for word in &certificates {
        if !matches!(word.text.split_once('='), Some(("CN" | "SAN", name)) if !name.is_empty()) {
            let message = format!("`{}` is no name in a certificate", word.text);
            findings.add(Finding::new(message, &word.place, "written CN=… or SAN=…"));
        }
    }
    fields.finish(&["justification", "require_tls"], findings);
    Some(RawRole { name: name.clone(), purposes, default, recipient, parameters, certificates })
}
