//! `wherefore audit report`: what was read, under which purpose, and what a clause has kept back.

use super::Failure;
use super::pick::{Pick, categories, closed, columns, lineage, purposes};
use crate::audit::{Line, timestamp_of};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(after_help = "It counts what the records say. Whether they are as they were written, `audit verify` says.")]
pub struct Args {
    #[command(flatten)]
    pick: Pick,
    /// Write it as JSON
    #[arg(long)]
    json: bool,
}

/// How often statements under a purpose got what of a category.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Counts {
    /// As it is.
    raw: u64,
    masked: u64,
    aggregated: u64,
    refused: u64,
}

/// A purpose's decisions.
#[derive(Debug, Default, Serialize)]
struct OfPurpose {
    decisions: u64,
    refused: u64,
    /// They passed, and not all that they name is known: unjudged, or cut off.
    unread: u64,
    #[serde(skip)]
    above: BTreeSet<String>,
    categories: BTreeMap<String, Counts>,
}

/// What a clause has decided.
#[derive(Debug, Default, Serialize)]
struct OfClause {
    /// Statements that were refused on it.
    refused: u64,
    /// Statements that were permitted with a column, mask or condition that rests on it.
    permitted: u64,
    /// What it has closed: categories by purpose, with what statements under that purpose, or one below it, got of them.
    closed: BTreeMap<String, BTreeMap<String, Counts>>,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    /// Of the first and the last record.
    from: Option<String>,
    to: Option<String>,
    decisions: u64,
    purposes: BTreeMap<String, OfPurpose>,
    clause: Option<OfClause>,
    /// Sessions in which nothing is judged nor recorded.
    unjudged_sessions: u64,
    /// Records that could not be kept.
    lost: u64,
}

const NO_PURPOSE: &str = "(none)";

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut report = Report::default();
    let mut of_clause = args.pick.clause.as_ref().map(|_| OfClause::default());
    args.pick.each(|line, _| report.take(&args.pick, line, of_clause.as_mut()))?;
    if let Some(mut of_clause) = of_clause {
        report.weigh(&mut of_clause);
        report.clause = Some(of_clause);
    }
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&report).unwrap_or_default()),
        false => print!("{}", report.words(&args.pick)),
    }
    Ok(ExitCode::SUCCESS)
}

impl Report {
    fn take(&mut self, pick: &Pick, line: &Line, of_clause: Option<&mut OfClause>) {
        let time = timestamp_of(line.number("/time").unwrap_or_default());
        self.from.get_or_insert_with(|| time.clone());
        self.to = Some(time);
        match line.kind() {
            "lost" => self.lost += line.number("/unmapped/records").map_or(0, i64::unsigned_abs),
            "login" if line.text("/unmapped/login") == Some("unjudged") => self.unjudged_sessions += 1,
            "decision" if pick.is_by(line) => self.decision(pick, line, of_clause),
            _another => {}
        }
    }

    fn decision(&mut self, pick: &Pick, line: &Line, of_clause: Option<&mut OfClause>) {
        self.decisions += 1;
        let purpose = line.text("/unmapped/purpose").unwrap_or(NO_PURPOSE);
        let refused = line.text("/unmapped/decision") == Some("refuse");
        let known = self.purposes.entry(purpose.to_owned()).or_default();
        known.above.extend(purposes(line).skip(1).map(str::to_owned));
        known.decisions += 1;
        known.refused += u64::from(refused);
        // In shadow mode statements pass as they were sent, whatever a rule would have made of them.
        let enforced = line.text("/unmapped/mode") == Some("enforced");
        let cut = ["relations_cut", "closed_cut"].iter().any(|key| line.value["unmapped"][*key] == true);
        // Nor are columns judged under an unrestricted purpose: of none is it said what it is.
        let uncategorised = |column: &Value| categories(column).next().is_none();
        known.unread += u64::from(!refused && (cut || !enforced && columns(line).all(uncategorised)));
        let mut got: BTreeMap<&str, Counts> = BTreeMap::new();
        for part in columns(line).chain(closed(line)) {
            for category in lineage(part) {
                let wanted = pick.category.as_ref().is_none_or(|wanted| category == wanted);
                if !wanted {
                    continue;
                }
                let counts = got.entry(category).or_default();
                match (refused, enforced, part["effect"].as_str()) {
                    (true, _, _) => counts.refused = 1,
                    (false, true, Some("mask")) => counts.masked = 1,
                    (false, true, Some("aggregate")) => counts.aggregated = 1,
                    (false, _, _) => counts.raw = 1,
                }
            }
        }
        for (category, counts) in got {
            known.categories.entry(category.to_owned()).or_default().add(counts);
        }
        let (Some(of_clause), Some(clause)) = (of_clause, &pick.clause) else { return };
        let names = |part: &serde_json::Value| part["clause"].as_str() == Some(clause);
        if !pick.is_of(line) {
            return;
        }
        match refused {
            true => of_clause.refused += u64::from(closed(line).any(names)),
            false => of_clause.permitted += 1,
        }
        for part in closed(line).filter(|part| names(part)) {
            let of_purpose = of_clause.closed.entry(purpose.to_owned()).or_default();
            for category in categories(part) {
                of_purpose.entry(category.to_owned()).or_default();
            }
        }
    }

    /// Counts what statements got of what a clause has closed.
    fn weigh(&self, of_clause: &mut OfClause) {
        for (purpose, closed) in &mut of_clause.closed {
            for (category, counts) in closed {
                for (other, known) in &self.purposes {
                    if other == purpose || known.above.contains(purpose) {
                        known.categories.get(category).into_iter().for_each(|more| counts.add(*more));
                    }
                }
            }
        }
    }

    /// Statements under a purpose, or one below it, whose records do not say all that they read.
    fn unknown(&self, purpose: &str) -> u64 {
        let of = self.purposes.iter().filter(|(name, known)| *name == purpose || known.above.contains(purpose));
        of.map(|(_, known)| known.unread).sum()
    }

    fn words(&self, pick: &Pick) -> String {
        let mut lines = Vec::new();
        let span = self.from.as_deref().zip(self.to.as_deref());
        let span = span.map_or_else(|| "no records".to_owned(), |(from, to)| format!("records from {from} to {to}"));
        lines.push(format!("{} decisions; {span}", self.decisions));
        if let (Some(of_clause), Some(clause)) = (&self.clause, &pick.clause) {
            let OfClause { refused, permitted, closed } = of_clause;
            lines.push(format!("clause {clause}: {refused} statements refused on it, {permitted} permitted under it"));
            if *refused == 0 && *permitted == 0 {
                lines.push("  no record names it".to_owned());
            }
            for (purpose, categories) in closed {
                for (category, counts) in categories {
                    lines.push(format!("  it closes {category} to {purpose}: {}", counts.words()));
                    lines.push(format!("    {}", counts.verdict(category, purpose, self.unknown(purpose))));
                }
            }
        } else {
            for (purpose, known) in &self.purposes {
                let OfPurpose { decisions, refused, unread: _, above: _, categories } = known;
                lines.push(format!("purpose {purpose}: {decisions} statements, {refused} of them refused"));
                for (category, counts) in categories {
                    lines.push(format!("  {category}: {}", counts.words()));
                }
            }
            if let (Some(purpose), Some(category)) = (&pick.purpose, &pick.category) {
                let mut all = Counts::default();
                let counts = self.purposes.values().flat_map(|known| known.categories.values());
                counts.for_each(|counts| all.add(*counts));
                lines.push(all.verdict(category, purpose, self.unknown(purpose)));
            }
        }
        let unread: u64 = self.purposes.values().map(|known| known.unread).sum();
        for (count, what) in [
            (unread, "statements passed without all that they name being known: what they read is not known"),
            (self.unjudged_sessions, "sessions were let in unjudged: what they read is not recorded"),
            (self.lost, "records were lost"),
        ] {
            if count > 0 {
                lines.push(format!("{count} {what}"));
            }
        }
        lines.join("\n") + "\n"
    }
}

impl Counts {
    fn add(&mut self, more: Counts) {
        let Counts { raw, masked, aggregated, refused } = more;
        self.raw += raw;
        self.masked += masked;
        self.aggregated += aggregated;
        self.refused += refused;
    }

    fn words(&self) -> String {
        let Counts { raw, masked, aggregated, refused } = self;
        format!(
            "{raw} statements used it as it is, {masked} masked, {aggregated} in aggregates; {refused} were refused"
        )
    }

    fn verdict(&self, category: &str, purpose: &str, unknown: u64) -> String {
        match (self.raw, self.masked + self.aggregated) {
            (0, _) if unknown > 0 => format!(
                "whether {category} was read for {purpose} is not known: of {unknown} statements not all that they name is."
            ),
            (0, 0) => format!("{category} was never read for {purpose} in these records."),
            (0, _) => format!("{category} was never read as it is for {purpose} in these records."),
            (raw, _) => format!("{category} was read for {purpose} by {raw} statements."),
        }
    }
}
