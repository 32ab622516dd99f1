//! A view or function that is declared to be weaker than what it is made of.

use super::table::{self, RawTable};
use super::{needed, word};
use crate::policy::document::{Fields, Value, Word};
use crate::policy::report::{Finding, Findings};

#[derive(Debug)]
pub(in crate::policy) struct RawDeclassifier {
    pub(in crate::policy) clause: Word,
    /// The definition that it is declared for.
    pub(in crate::policy) definition: Option<Word>,
    /// The categories of what a function returns; `None` for a view.
    pub(in crate::policy) result: Option<Vec<Word>>,
    pub(in crate::policy) tags: RawTable,
}

pub(super) fn declassifier(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawDeclassifier> {
    let mut fields = Fields::new("a declassifier", value, findings)?;
    // What weakens data rests on words of the document, or is none.
    let clause = needed(&mut fields, "clause", &name.place, findings);
    let definition = word(&mut fields, "definition", findings).filter(|word| is_digest(word, findings));
    let result = fields.take_keyed("category");
    word(&mut fields, "note", findings);
    let tags = table::tags_of(name, fields, findings);
    let tagged = tags.default.is_some() || !tags.columns.is_empty();
    match (&result, tagged) {
        (Some((key, _)), true) => {
            let label = "the category of a function's result; a view has `columns` and `default`";
            findings.add(Finding::new("a declassifier is a view or a function", &key.place, label));
        }
        (None, false) => {
            let label = "`columns.name = \"…\"` or `default` of a view, `category` of a function's result";
            findings.add(Finding::new("a declassifier says what it gives", &name.place, label));
        }
        (Some(_), false) | (None, true) => {}
    }
    if let (Some(_), Some(condition)) = (&result, tags.conditions.first()) {
        let label = "no condition holds within a function";
        findings.add(Finding::new("a function has no rows to condition", &condition.name.place, label));
    }
    let result = result.and_then(|(_, value)| value.words(findings));
    Some(RawDeclassifier { clause: clause?, definition, result, tags })
}

fn is_digest(word: &Word, findings: &mut Findings) -> bool {
    let digits = word.text.strip_prefix("sha256:").unwrap_or_default();
    let is = digits.len() == 64 && digits.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    if !is {
        let finding = Finding::new("`definition` is no digest", &word.place, "`sha256:` and 64 hexadecimal digits");
        findings.add(finding.help("left out, `wherefore check` with a catalog says what to write"));
    }
    is
}
