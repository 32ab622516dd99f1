//! A clause of the privacy document.

use super::{needed, word};
use crate::policy::document::{Fields, Value, Word};
use crate::policy::report::Findings;
use std::sync::Arc;

#[derive(Debug)]
pub(in crate::policy) struct RawClause {
    pub(in crate::policy) id: Word,
    pub(in crate::policy) section: Option<Word>,
    pub(in crate::policy) words: Word,
    pub(in crate::policy) document: Option<Word>,
    pub(in crate::policy) dated: Option<Arc<str>>,
    /// Why no rule cites it.
    pub(in crate::policy) without_rule: Option<Word>,
}

pub(super) fn clause(id: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawClause> {
    let mut fields = Fields::new("a clause", value, findings)?;
    let clause = (
        word(&mut fields, "section", findings),
        needed(&mut fields, "words", &id.place, findings),
        word(&mut fields, "document", findings),
        fields.take("dated").and_then(|value| value.date(findings)),
        word(&mut fields, "without_rule", findings),
    );
    fields.finish(&[], findings);
    let (section, words, document, dated, without_rule) = clause;
    Some(RawClause { id: id.clone(), section, words: words?, document, dated, without_rule })
}
