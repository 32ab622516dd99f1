//! Categories that may not meet in one statement.

use super::{word, words};
use crate::policy::document::{Fields, Value, Word};
use crate::policy::report::{Finding, Findings, Place};

#[derive(Debug)]
pub(in crate::policy) struct RawNeverTogether {
    pub(in crate::policy) place: Place,
    pub(in crate::policy) categories: Vec<Word>,
    pub(in crate::policy) purposes: Vec<Word>,
    pub(in crate::policy) recipients: Vec<Word>,
    pub(in crate::policy) clause: Option<Word>,
}

pub(super) fn never_together(value: &Value<'_>, findings: &mut Findings) -> Option<RawNeverTogether> {
    let mut fields = Fields::new("a never_together", value, findings)?;
    let categories = words(&mut fields, "categories", findings);
    let purposes = words(&mut fields, "purpose", findings);
    let recipients = words(&mut fields, "recipient", findings);
    let clause = word(&mut fields, "clause", findings);
    word(&mut fields, "note", findings);
    fields.finish(&[], findings);
    if categories.len() < 2 {
        let label = "for example categories = [\"usage.log\", \"identity.direct\"]";
        findings.add(Finding::new("`categories` names at least two", &value.place, label));
    }
    Some(RawNeverTogether { place: value.place.clone(), categories, purposes, recipients, clause })
}
