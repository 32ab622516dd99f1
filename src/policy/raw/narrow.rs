//! Conditions that hold wherever a rule permits something.

use super::{RawPoints, needed, rights, word, words};
use crate::policy::document::{Fields, Value, Word};
use crate::policy::report::{Finding, Findings};
use crate::vocab::Right;

#[derive(Debug)]
pub(in crate::policy) struct RawNarrow {
    pub(in crate::policy) id: Word,
    pub(in crate::policy) clause: Option<Word>,
    pub(in crate::policy) points: RawPoints,
    pub(in crate::policy) rights: Vec<Right>,
    pub(in crate::policy) conditions: Vec<Word>,
    pub(in crate::policy) except: Vec<Word>,
}

pub(super) fn narrow(value: &Value<'_>, findings: &mut Findings) -> Option<RawNarrow> {
    let mut fields = Fields::new("a narrow", value, findings)?;
    let id = needed(&mut fields, "id", &value.place, findings);
    let clause = word(&mut fields, "clause", findings);
    let points = RawPoints::read(&mut fields, findings);
    let rights = rights(&mut fields, findings);
    let conditions = words(&mut fields, "where", findings);
    let except = words(&mut fields, "except", findings);
    word(&mut fields, "note", findings);
    fields.finish(&[], findings);
    if conditions.is_empty() {
        let label = "which condition holds here? for example where = [\"not erased\"]";
        findings.add(Finding::new("`where` is missing", &value.place, label));
    }
    Some(RawNarrow { id: id?, clause, points, rights, conditions, except })
}
