//! The tags of a table, and the conditions on its rows.

use super::{named, word, words};
use crate::policy::document::{Fields, Value, Word};
use crate::policy::report::{Finding, Findings};

/// A named condition of a table, as written.
#[derive(Debug)]
pub(in crate::policy) struct RawCondition {
    pub(in crate::policy) name: Word,
    pub(in crate::policy) sql: Word,
}

#[derive(Debug)]
pub(in crate::policy) struct RawTable {
    pub(in crate::policy) name: Word,
    pub(in crate::policy) subject: Option<Word>,
    pub(in crate::policy) subject_key: Option<Word>,
    pub(in crate::policy) default: Option<Word>,
    pub(in crate::policy) columns: Vec<(Word, Vec<Word>)>,
    pub(in crate::policy) conditions: Vec<RawCondition>,
    pub(in crate::policy) measures: Measures,
    pub(in crate::policy) follows: Vec<Word>,
}

/// What numbers that are told with noise count of a person.
#[derive(Debug, Clone, Default)]
pub(in crate::policy) struct Measures {
    /// At most so many rows.
    pub(in crate::policy) rows_per_subject: Option<u32>,
    /// Values of these columns as at least, and at most.
    pub(in crate::policy) bounds: Vec<(Word, (i64, i64))>,
}

/// The most rows of a person, and the largest bound of a value.
const MOST_ROWS: u32 = 10_000;
const LARGEST_BOUND: i64 = 1_000_000_000_000;

/// Groups of conditions, `consent.marketing`, beside the plain ones in `conditions`.
const CONDITION_GROUPS: [&str; 3] = ["consent", "retention", "scope"];

pub(super) fn tags(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawTable> {
    let mut fields = Fields::new("a table", value, findings)?;
    // A declassifier follows no table: nothing of the policy holds within it.
    let follows = words(&mut fields, "follows", findings);
    Some(RawTable { follows, ..tags_of(name, fields, findings) })
}

/// The tags that are left of a relation's keys.
pub(super) fn tags_of(name: &Word, mut fields: Fields<'_>, findings: &mut Findings) -> RawTable {
    let subject = word(&mut fields, "subject", findings);
    let subject_key = word(&mut fields, "subject_key", findings);
    let default = word(&mut fields, "default", findings);
    let mut columns = Vec::new();
    for (column, value) in named(fields.take("columns"), findings) {
        columns.extend(value.words(findings).map(|categories| (column, categories)));
    }
    let mut conditions = Vec::new();
    if let Some((name, value)) = fields.take_keyed("erased") {
        conditions.extend(value.word(findings).map(|sql| RawCondition { name, sql }));
    }
    for group in CONDITION_GROUPS {
        for (name, value) in named(fields.take(group), findings) {
            let name = Word { text: format!("{group}.{}", name.text).into(), place: name.place };
            conditions.extend(value.word(findings).map(|sql| RawCondition { name, sql }));
        }
    }
    for (name, value) in named(fields.take("conditions"), findings) {
        let reserved = &*name.text == "erased" || name.text.contains(['.', ' ']) || name.text.is_empty();
        if reserved {
            let message = format!("`{}` is no name for a condition of your own", name.text);
            let label = "one word; `erased`, `consent.…`, `retention.…` and `scope.…` are keys of the table itself";
            findings.add(Finding::new(message, &name.place, label));
        }
        conditions.extend(value.word(findings).map(|sql| RawCondition { name, sql }));
    }
    let mut measures = Measures {
        rows_per_subject: fields.take("rows_per_subject").and_then(|value| value.number(1, MOST_ROWS, findings)),
        bounds: Vec::new(),
    };
    for (column, value) in named(fields.take("bounds"), findings) {
        measures.bounds.extend(value.range(LARGEST_BOUND, findings).map(|bounds| (column, bounds)));
    }
    fields.finish(&["declassifies", "subjects", "default_lock"], findings);
    RawTable { name: name.clone(), subject, subject_key, default, columns, conditions, follows: Vec::new(), measures }
}
