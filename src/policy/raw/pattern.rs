//! Tags by what tables and columns are called.

use super::{named, word};
use crate::policy::document::{Fields, Value, Word};
use crate::policy::report::{Finding, Findings};

#[derive(Debug)]
pub(in crate::policy) struct RawPattern {
    pub(in crate::policy) name: Word,
    pub(in crate::policy) subject: Option<Word>,
    pub(in crate::policy) columns: Vec<(Word, Vec<Word>)>,
}

pub(super) fn pattern(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawPattern> {
    let mut fields = Fields::new("a pattern", value, findings)?;
    let subject = word(&mut fields, "subject", findings);
    let mut columns = Vec::new();
    for (column, value) in named(fields.take("columns"), findings) {
        columns.extend(value.words(findings).map(|categories| (column, categories)));
    }
    let before = findings.len();
    fields.finish(&[], findings);
    if columns.is_empty() && findings.len() == before {
        let label = "which columns? for example columns.\"*_email\" = \"contact\"";
        findings.add(Finding::new("a pattern says what columns hold", &name.place, label));
    }
    Some(RawPattern { name: name.clone(), subject, columns })
}
