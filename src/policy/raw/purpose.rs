//! A purpose: what may be done under it beside reading.

use super::{needed, word, words};
use crate::analyze::Stars;
use crate::policy::document::{Fields, Shape, Value, Word};
use crate::policy::report::{Finding, Findings, Place};
use crate::policy::tree::Declared;
use regex::{Regex, RegexBuilder};

#[derive(Debug)]
pub(in crate::policy) struct RawPurpose {
    pub(in crate::policy) node: Declared,
    /// Where it says `unrestricted = true`.
    pub(in crate::policy) unrestricted: Option<Place>,
    /// Whether it says `ddl = true`.
    pub(in crate::policy) ddl: bool,
    /// Channels it may listen to and notify.
    pub(in crate::policy) listen: Vec<Word>,
    pub(in crate::policy) title: Option<Word>,
    pub(in crate::policy) settings: PurposeSettings,
}

/// What a purpose asks of sessions and statements; where it does not say, the one above it does.
#[derive(Debug, Default)]
pub(in crate::policy) struct PurposeSettings {
    /// What a declared justification must match.
    pub(in crate::policy) justification: Option<Demand<Regex>>,
    pub(in crate::policy) named_columns_only: Option<Demand<bool>>,
    pub(in crate::policy) require_tls: Option<Demand<bool>>,
    pub(in crate::policy) max_rows: Option<Demand<MaxRows>>,
    pub(in crate::policy) mode: Option<Mode>,
    pub(in crate::policy) stars: Option<Stars>,
    pub(in crate::policy) temporary_tables: Option<TemporaryTables>,
    /// What may be told with noise.
    pub(in crate::policy) budget: Option<Demand<Budget>>,
}

/// How much a role may be told with noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The sum of all epsilons, in thousandths.
    pub epsilon: u32,
    /// In so many seconds from the first.
    pub seconds: u32,
}

/// What becomes of what is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Mode {
    Enforce,
    /// It is recorded, and the statement passes as it was sent.
    Shadow,
}

/// Whether sessions may have temporary tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum TemporaryTables {
    Allow,
    Refuse,
}

/// How many rows a statement may release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxRows {
    pub rows: u32,
    pub over: Over,
}

/// What becomes of a statement that does not say that it releases no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Refuse,
    /// It gets a LIMIT, or a lower one, where it can have one.
    Limit,
}

/// What is asked, and on what words it rests.
#[derive(Debug, Clone)]
pub(in crate::policy) struct Demand<T> {
    pub(in crate::policy) asked: T,
    pub(in crate::policy) clause: Option<Word>,
}

impl PurposeSettings {
    /// The clauses that they cite, each with the key that cites it.
    pub(in crate::policy) fn clauses(&self) -> impl Iterator<Item = (&'static str, &Word)> {
        let PurposeSettings {
            justification,
            named_columns_only,
            require_tls,
            max_rows,
            mode: _,
            stars: _,
            temporary_tables: _,
            budget,
        } = self;
        let cited = [
            ("justification", justification.as_ref().and_then(|demand| demand.clause.as_ref())),
            ("named_columns_only", named_columns_only.as_ref().and_then(|demand| demand.clause.as_ref())),
            ("require_tls", require_tls.as_ref().and_then(|demand| demand.clause.as_ref())),
            ("budget", budget.as_ref().and_then(|demand| demand.clause.as_ref())),
            ("max_rows", max_rows.as_ref().and_then(|demand| demand.clause.as_ref())),
        ];
        cited.into_iter().filter_map(|(key, clause)| Some((key, clause?)))
    }
}

pub(super) fn purpose(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawPurpose> {
    let mut fields = Fields::new("a purpose", value, findings)?;
    let parent = word(&mut fields, "parent", findings);
    let title = word(&mut fields, "title", findings);
    let fides = word(&mut fields, "fides", findings);
    super::tree::dpv(&mut fields, findings);
    let unrestricted =
        fields.take("unrestricted").and_then(|value| value.truth(findings)?.then(|| value.place.clone()));
    let listen = words(&mut fields, "listen", findings);
    let ddl = fields.take("ddl").and_then(|value| value.truth(findings)).unwrap_or(false);
    let mode = word(&mut fields, "mode", findings).and_then(|mode| match &*mode.text {
        "enforce" => Some(Mode::Enforce),
        "shadow" if unrestricted.is_some() => {
            let message = format!("purpose `{}` is unrestricted and in shadow mode", name.text);
            findings.add(Finding::new(message, &mode.place, "nothing under it is judged"));
            None
        }
        "shadow" => Some(Mode::Shadow),
        other => {
            let message = format!("unknown mode `{other}`");
            findings.add(Finding::new(message, &mode.place, "`enforce` or `shadow`"));
            None
        }
    });
    let stars = word(&mut fields, "stars", findings).and_then(|stars| match &*stars.text {
        "refuse" => Some(Stars::Whole),
        "permitted" => Some(Stars::Permitted),
        other => {
            let message = format!("stars cannot be `{other}`");
            findings.add(Finding::new(message, &stars.place, "`refuse` or `permitted`"));
            None
        }
    });
    let temporary_tables = word(&mut fields, "temporary_tables", findings).and_then(|tables| match &*tables.text {
        "allow" => Some(TemporaryTables::Allow),
        "refuse" => Some(TemporaryTables::Refuse),
        other => {
            let message = format!("temporary_tables cannot be `{other}`");
            findings.add(Finding::new(message, &tables.place, "`allow` or `refuse`"));
            None
        }
    });
    let settings = PurposeSettings {
        justification: fields.take("justification").and_then(|value| justification(&value, findings)),
        named_columns_only: fields.take("named_columns_only").and_then(|value| switch(&value, findings)),
        require_tls: fields.take("require_tls").and_then(|value| switch(&value, findings)),
        max_rows: fields.take("max_rows").and_then(|value| max_rows(&value, findings)),
        mode,
        stars,
        temporary_tables,
        budget: fields.take("budget").and_then(|value| budget(&value, findings)),
    };
    fields.finish(&["subject", "parameters"], findings);
    Some(RawPurpose {
        node: Declared { name: name.clone(), parent, fides },
        unrestricted,
        ddl,
        listen,
        title,
        settings,
    })
}

/// The longest pattern, in bytes, and the most memory that its matcher may take.
const LONGEST_PATTERN: usize = 1000;
const LARGEST_MATCHER: usize = 1 << 20;

/// `true`, or `{ clause = "8.1" }`
fn switch(value: &Value<'_>, findings: &mut Findings) -> Option<Demand<bool>> {
    match value.shape() {
        Shape::Table => {
            let mut fields = Fields::new("a demand", value, findings)?;
            let clause = needed(&mut fields, "clause", &value.place, findings);
            fields.finish(&[], findings);
            Some(Demand { asked: true, clause })
        }
        Shape::Word(_) | Shape::Other => Some(Demand { asked: value.truth(findings)?, clause: None }),
    }
}

/// The largest budget.
const MOST_BUDGET: u32 = 1_000_000;

/// `{ epsilon = 10, per = "30 days", clause = "3e" }`
fn budget(value: &Value<'_>, findings: &mut Findings) -> Option<Demand<Budget>> {
    let mut fields = Fields::new("a budget", value, findings)?;
    let epsilon = fields.take("epsilon");
    if epsilon.is_none() {
        let finding = Finding::new("`epsilon` of the budget is missing", &value.place, "how much may be told?");
        findings.add(finding.help("budget = { epsilon = 10, per = \"30 days\" }"));
    }
    let per = needed(&mut fields, "per", &value.place, findings);
    let clause = word(&mut fields, "clause", findings);
    fields.finish(&[], findings);
    let epsilon = epsilon.and_then(|value| value.thousandths(MOST_BUDGET, findings));
    let per = per?;
    let seconds = seconds(&per.text);
    if seconds.is_none() {
        let message = format!("`{}` is no length of time", per.text);
        findings.add(Finding::new(message, &per.place, "for example \"30 days\", \"1 week\", \"12 hours\""));
    }
    Some(Demand { asked: Budget { epsilon: epsilon?, seconds: seconds? }, clause })
}

/// `30 days`
fn seconds(text: &str) -> Option<u32> {
    let (number, unit) = text.split_once(' ')?;
    let unit = match unit.strip_suffix('s').unwrap_or(unit) {
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        _another => return None,
    };
    number.parse::<u32>().ok().filter(|number| (1..=9999).contains(number))?.checked_mul(unit)
}

/// The most that a bound may be: it is written as an `int4`.
const MOST_ROWS: u32 = 1_000_000_000;

/// `100`, or `{ rows = 100, over = "limit", clause = "8.1" }`
fn max_rows(value: &Value<'_>, findings: &mut Findings) -> Option<Demand<MaxRows>> {
    let Shape::Table = value.shape() else {
        let rows = value.number(1, MOST_ROWS, findings)?;
        return Some(Demand { asked: MaxRows { rows, over: Over::Refuse }, clause: None });
    };
    let mut fields = Fields::new("max_rows", value, findings)?;
    let rows = fields.take("rows");
    if rows.is_none() {
        findings.add(Finding::new("`rows` is missing", &value.place, "how many rows at most?"));
    }
    let rows = rows.and_then(|rows| rows.number(1, MOST_ROWS, findings));
    let clause = word(&mut fields, "clause", findings);
    let over = word(&mut fields, "over", findings).map_or(Some(Over::Refuse), |over| match &*over.text {
        "refuse" => Some(Over::Refuse),
        "limit" => Some(Over::Limit),
        other => {
            let message = format!("what is over cannot be `{other}`");
            findings.add(Finding::new(message, &over.place, "`refuse` or `limit`"));
            None
        }
    });
    fields.finish(&[], findings);
    Some(Demand { asked: MaxRows { rows: rows?, over: over? }, clause })
}

/// `{ pattern = "^CASE-[0-9]+$", clause = "3i" }`
fn justification(value: &Value<'_>, findings: &mut Findings) -> Option<Demand<Regex>> {
    let mut fields = Fields::new("a justification", value, findings)?;
    let pattern = needed(&mut fields, "pattern", &value.place, findings);
    let clause = word(&mut fields, "clause", findings);
    fields.finish(&[], findings);
    let pattern = pattern?;
    let built = match pattern.text.len() {
        0 => Err("it is empty".to_owned()),
        1..=LONGEST_PATTERN => RegexBuilder::new(&pattern.text)
            .size_limit(LARGEST_MATCHER)
            .build()
            .map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned()),
        _longer => Err(format!("it is longer than {LONGEST_PATTERN} bytes")),
    };
    match built {
        Ok(asked) => Some(Demand { asked, clause }),
        Err(reason) => {
            findings.add(Finding::new("the pattern cannot be used", &pattern.place, reason));
            None
        }
    }
}
