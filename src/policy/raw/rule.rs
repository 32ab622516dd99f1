//! A rule: whom it is for, what it covers, under which conditions.

use super::effect::{self, Verdict};
use super::{needed, rights, word, words};
use crate::policy::document::{Fields, Shape, Value, Word};
use crate::policy::report::{Finding, Findings};
use crate::policy::ruling::{Effect, Filter};
use crate::vocab::{Right, Usage, UsageSet};

#[derive(Debug)]
pub(in crate::policy) struct RawRule {
    pub(in crate::policy) id: Word,
    pub(in crate::policy) clause: Option<Word>,
    pub(in crate::policy) points: RawPoints,
    pub(in crate::policy) rights: Vec<Right>,
    pub(in crate::policy) conditions: Vec<Word>,
    pub(in crate::policy) except: Vec<Word>,
    /// `None` where the rule has an error in it.
    pub(in crate::policy) verdict: Option<Verdict>,
    pub(in crate::policy) filter: Filter,
    /// Usages that it closes though it gives something.
    pub(in crate::policy) closed: UsageSet,
}

/// Where a rule stands: the nodes it names in each dimension.
#[derive(Debug)]
pub(in crate::policy) struct RawPoints {
    pub(in crate::policy) subjects: Vec<Word>,
    pub(in crate::policy) categories: Vec<Word>,
    pub(in crate::policy) purposes: Vec<Word>,
    pub(in crate::policy) recipients: Vec<Word>,
}

impl RawPoints {
    pub(super) fn read(fields: &mut Fields<'_>, findings: &mut Findings) -> RawPoints {
        RawPoints {
            subjects: words(fields, "subject", findings),
            categories: words(fields, "category", findings),
            purposes: words(fields, "purpose", findings),
            recipients: words(fields, "recipient", findings),
        }
    }
}

pub(super) fn rule(value: &Value<'_>, findings: &mut Findings) -> Option<RawRule> {
    let before = findings.len();
    let mut fields = Fields::new("a rule", value, findings)?;
    let id = needed(&mut fields, "id", &value.place, findings);
    let clause = word(&mut fields, "clause", findings);
    let points = RawPoints::read(&mut fields, findings);
    let rights = rights(&mut fields, findings);
    let conditions = words(&mut fields, "where", findings);
    let except = fields.take_keyed("except");
    let effect = fields.take("effect");
    word(&mut fields, "note", findings);
    if effect.is_none() {
        let label = "needed here: allow, deny, forbid, a mask or aggregate";
        findings.add(Finding::new("`effect` is missing", &value.place, label));
    }
    let alone = effect.as_ref().is_some_and(effect::is_lookup);
    let verdict = effect.and_then(|value| effect::verdict(&value, findings));
    let filter = fields.take_keyed("filter");
    let usages = USAGES.map(|(key, usage)| (usage, fields.take_keyed(key)));
    let later = [
        "usage",
        "role",
        "principal",
        "parameters",
        "justification",
        "never_together",
        "named_columns_only",
        "max_rows",
    ];
    fields.finish(&later, findings);
    let shown = verdict.as_ref().filter(|_| !alone);
    let mut closed: UsageSet =
        usages.into_iter().filter_map(|(usage, given)| denied(usage, given?, findings)).collect();
    let says_deny =
        |(_, value): &(Word, Value<'_>)| matches!(value.shape(), Shape::Word(word) if &*word.text == "deny");
    let given = match filter {
        Some(given) if says_deny(&given) && alone => {
            let label = "a look-up filters";
            findings.add(Finding::new("`filter = \"deny\"` beside the effect `lookup`", &given.0.place, label));
            false
        }
        Some(given) if says_deny(&given) => {
            closed.insert(Usage::Filter);
            false
        }
        Some((key, value)) => looks_up(&key, &value, shown, findings),
        None => false,
    };
    let filter = if alone || given { Filter::LookUp } else { Filter::AsShown };
    let id = id?;
    let closes = matches!(verdict, Some(Verdict::Forbid | Verdict::Give(Effect::Deny)));
    if !closed.is_empty() && (closes || !rights.contains(&Right::Read)) {
        let message = format!("rule `{}` closes usages of what it does not give to read", id.text);
        findings.add(Finding::new(message, &id.place, "usages are closed of a permit, a mask or an aggregate"));
    }
    if let Some(verdict) = &verdict {
        check_parts(&id, verdict, &rights, &conditions, except.as_ref().map(|(key, _)| key), findings);
    }
    let except = except.and_then(|(_, value)| value.words(findings)).unwrap_or_default();
    let verdict = verdict.filter(|_| findings.len() == before);
    Some(RawRule { filter, closed, id, clause, points, rights, conditions, except, verdict })
}

/// Keys of usages that a rule can close; `filter` can also say `lookup`.
const USAGES: [(&str, Usage); 5] = [
    ("output", Usage::Output),
    ("join", Usage::Join),
    ("group", Usage::Group),
    ("sort", Usage::Sort),
    ("aggregate", Usage::Aggregate),
];

/// The usage, where its key says that it is denied.
fn denied(usage: Usage, (key, value): (Word, Value<'_>), findings: &mut Findings) -> Option<Usage> {
    let word = value.word(findings)?;
    if &*word.text == "deny" {
        return Some(usage);
    }
    let message = format!("`{} = \"{}\"` is not supported", key.text, word.text);
    findings.add(Finding::new(message, &word.place, "`deny` is all that it can say"));
    None
}

/// Whether `filter` says `lookup`, which needs a mask beside it: what is shown as it is may be filtered by anyway.
fn looks_up(key: &Word, value: &Value<'_>, shown: Option<&Verdict>, findings: &mut Findings) -> bool {
    let Some(word) = value.word(findings) else { return false };
    if &*word.text != "lookup" {
        let label = "`lookup` or `deny`";
        findings.add(Finding::new(format!("`filter = \"{}\"` is not supported", word.text), &word.place, label));
        return false;
    }
    if !matches!(shown, Some(Verdict::Give(Effect::Mask(_))) | None) {
        let label = "a look-up finds what is shown masked";
        findings.add(Finding::new("`filter` needs a mask as the effect", &key.place, label));
        return false;
    }
    true
}

/// The parts of a rule that only some effects can have.
fn check_parts(
    id: &Word,
    verdict: &Verdict,
    rights: &[Right],
    conditions: &[Word],
    except: Option<&Word>,
    findings: &mut Findings,
) {
    let closes = match verdict {
        Verdict::Forbid | Verdict::Give(Effect::Deny) => true,
        Verdict::Give(Effect::Allow | Effect::Mask(_) | Effect::Aggregate(_)) => false,
    };
    if let (true, Some(first)) = (closes, conditions.first()) {
        let message = format!("rule `{}` closes its columns under a condition", id.text);
        let help = "`where` says which rows a permit shows; a rule that closes columns closes them in every row";
        findings.add(Finding::new(message, &first.place, "no row is shown anyway").help(help));
    }
    if let (false, Some(except)) = (*verdict == Verdict::Forbid, except) {
        findings.add(Finding::new("`except` belongs to a forbid", &except.place, "this rule forbids nothing"));
    }
    let reading = match verdict {
        Verdict::Give(Effect::Mask(_)) => Some(("masks", "a mask")),
        Verdict::Give(Effect::Aggregate(_)) => Some(("aggregates", "`aggregate`")),
        Verdict::Forbid | Verdict::Give(Effect::Allow | Effect::Deny) => None,
    };
    if let (Some((does, what)), true) = (reading, rights.iter().any(|right| *right != Right::Read)) {
        findings.add(Finding::new(
            format!("rule `{}` {does} what is written", id.text),
            &id.place,
            format!("{what} is for `rights = [\"read\"]` only"),
        ));
    }
}
