//! A node of a tree, and which tags may not meet.

use super::word;
use crate::policy::document::{Fields, Value, Word};
use crate::policy::fideslang;
use crate::policy::report::Findings;
use crate::policy::tree::Declared;

#[derive(Debug)]
pub(in crate::policy) struct RawApart {
    pub(in crate::policy) category: Word,
    pub(in crate::policy) categories: Vec<Word>,
    pub(in crate::policy) subjects: Vec<Word>,
}

/// Reads a term of DPV, of which nothing but its form is known.
pub(super) fn dpv(fields: &mut Fields<'_>, findings: &mut Findings) {
    if let Some(word) = word(fields, "dpv", findings) {
        fideslang::check_dpv(&word, findings);
    }
}

/// Reads a node of a tree. `fides` and `dpv` name it in the vocabularies of others.
pub(super) fn node(
    what: &'static str,
    name: &Word,
    value: &Value<'_>,
    findings: &mut Findings,
    more: impl FnOnce(&mut Fields<'_>, &mut Findings),
) -> Option<Declared> {
    let mut fields = Fields::new(what, value, findings)?;
    let parent = word(&mut fields, "parent", findings);
    let fides = word(&mut fields, "fides", findings);
    word(&mut fields, "title", findings);
    dpv(&mut fields, findings);
    more(&mut fields, findings);
    fields.finish(&[], findings);
    Some(Declared { name: name.clone(), parent, fides })
}
