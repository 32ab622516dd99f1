//! `wherefore explain`: one statement, one purpose: what would become of it.

use super::load::{self, CatalogSource, colour};
use super::term::{Paint, Tone, table, wrap};
use crate::catalog::{Catalog, SearchPath};
use crate::enforce::{
    ColumnReport, Encoding, Explanation, Limits, Plan, RelationReport, RowReport, View, explain as explain_text, words,
};
use crate::policy::{Bound, Policy, Principal, PurposeId};
use crate::vocab::{Refusal, Usage};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// The width of wrapped text.
const WIDTH: usize = 104;
/// What follows a label is indented by this much.
const INDENT: &str = "            ";

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code: 0 permitted, 1 refused, 2 could not tell.\n\nExamples:\n  \
                        wherefore explain --purpose model_training --config wherefore.toml --database chat 'TABLE messages'\n  \
                        wherefore explain --purpose support --policy policy/acme --catalog snapshot.json 'SELECT …'")]
pub struct Args {
    /// The purpose to judge the statement under; without it, a session that declares none
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<String>,
    /// The database role that asks; it must be granted the purpose
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The recipient to judge it for, where no role says it
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "role")]
    recipient: Option<String>,
    /// The folder of the policy; with --config, the one it names
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    source: CatalogSource,
    /// The database, with --config
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// The session's search_path
    #[arg(long, value_name = "SCHEMAS", value_delimiter = ',', default_value = "public")]
    search_path: Vec<String>,
    /// Print only the SQL that would be sent, to pipe into psql
    #[arg(long)]
    sent: bool,
    /// The statement
    #[arg(value_name = "SQL")]
    sql: String,
}

/// Why a statement can not be explained.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Load(#[from] load::Failure),
    #[error("no policy: name its folder with --policy, or a configuration with --config")]
    NoPolicy,
    #[error("the policy does not load\n{0}")]
    Policy(String),
    #[error("no catalog: name one with --catalog, --url or --config")]
    NoCatalog,
    #[error("the policy knows no purpose `{name}`; it knows {known}")]
    UnknownPurpose { name: String, known: String },
    #[error("--sent takes one statement")]
    Several,
    #[error("role {role} may not declare `{purpose}`; it may declare {may}")]
    NotGranted { role: String, purpose: String, may: String },
}

pub(super) fn run(args: &Args) -> ExitCode {
    let paint = Paint::stdout();
    match explain(args, paint) {
        Ok((text, Verdict::Permitted)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok((text, Verdict::Refused)) => {
            // What is piped into psql must not be a report.
            if args.sent {
                eprint!("{text}")
            } else {
                print!("{text}")
            }
            ExitCode::FAILURE
        }
        Err(failure) => super::fail(&failure),
    }
}

/// Whether every statement of the text would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Permitted,
    Refused,
}

fn explain(args: &Args, paint: Paint) -> Result<(String, Verdict), Failure> {
    let policy = policy(args, paint)?;
    let snapshot = args.source.snapshot(args.database.as_deref())?.ok_or(Failure::NoCatalog)?;
    let bound = Arc::new(Bound::new(Arc::new(policy), Arc::new(Catalog::new(snapshot, 0))));
    let purpose = args.purpose.as_deref().map(|name| purpose(bound.policy(), name)).transpose()?;
    let principal = principal(args, &bound, purpose)?;
    let path = SearchPath::new(args.search_path.iter().map(|schema| Arc::from(schema.as_str())));
    let view = View::new(Arc::clone(&bound), Arc::new(principal), purpose, path, Encoding::Utf8);
    let explained = explain_text(&view, &args.sql, &Limits::default());
    if let (Ok([_, _, ..]), true) = (explained.as_deref(), args.sent) {
        return Err(Failure::Several);
    }
    Ok(match (explained, args.sent) {
        (Ok(explained), false) => show(&view, &args.sql, &explained, paint),
        (Ok(explained), true) => sent(&args.sql, &explained, paint),
        (Err(refusal), _) => (refused(&refusal, paint), Verdict::Refused),
    })
}

fn policy(args: &Args, paint: Paint) -> Result<Policy, Failure> {
    let folder = match (&args.policy, &args.source.config) {
        (Some(folder), _) => folder.clone(),
        (None, Some(config)) => load::policy_folder(config, args.database.as_deref())?,
        (None, None) => return Err(Failure::NoPolicy),
    };
    let loaded =
        Policy::parse(&load::pack(&folder)?).map_err(|errors| Failure::Policy(errors.render(colour(paint))))?;
    Ok(loaded.policy)
}

fn purpose(policy: &Policy, name: &str) -> Result<PurposeId, Failure> {
    policy
        .purpose(name)
        .ok_or_else(|| Failure::UnknownPurpose { name: name.to_owned(), known: names(policy, policy.purposes()) })
}

fn names(policy: &Policy, purposes: impl Iterator<Item = PurposeId>) -> String {
    let names: Vec<&str> = purposes.map(|purpose| &**policy.purpose_name(purpose)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The named role, or someone who may declare this purpose and no other.
fn principal(args: &Args, bound: &Bound, purpose: Option<PurposeId>) -> Result<Principal, Failure> {
    let Some(role) = &args.role else {
        let recipient = args.recipient.as_deref().map(|name| load::recipient(bound.policy(), name)).transpose()?;
        return Ok(Principal::of_purpose("explain", purpose, recipient));
    };
    let principal = bound.principal(role);
    if let Some(purpose) = purpose.filter(|purpose| !principal.may_declare(*purpose)) {
        return Err(Failure::NotGranted {
            role: role.clone(),
            purpose: bound.policy().purpose_name(purpose).to_string(),
            may: names(bound.policy(), principal.purposes.iter().copied()),
        });
    }
    Ok(principal)
}

/// What Postgres would get of the text: nothing if any statement is refused.
fn sent(text: &str, explained: &[Explanation], paint: Paint) -> (String, Verdict) {
    let mut out = String::new();
    for explanation in explained {
        match &explanation.plan {
            Plan::Refuse(refusal) => return (refused(refusal, paint), Verdict::Refused),
            Plan::Rewrite(rewritten) => out.push_str(&format!("{};\n", rewritten.text)),
            Plan::Forward => out.push_str(&format!("{}\n", text.trim())),
        }
    }
    (out, Verdict::Permitted)
}

/// Shows every statement of the text.
fn show(view: &View, text: &str, explained: &[Explanation], paint: Paint) -> (String, Verdict) {
    let mut out = String::new();
    let mut verdict = Verdict::Permitted;
    line(&mut out, "text", &paint.tone(Tone::Sql, &wrap(INDENT, WIDTH, text.trim())));
    let purpose = view.purpose().map(|purpose| view.bound().policy().purpose_name(purpose));
    line(&mut out, "purpose", purpose.map_or("none", |name| name));
    if view.shadowed() {
        line(&mut out, "mode", "shadow: it passes as it was sent; this is what would become of it");
    }
    if let Some(recipient) = view.principal().recipient {
        line(&mut out, "recipient", view.bound().policy().recipient_name(recipient));
    }
    for (at, explanation) in explained.iter().enumerate() {
        if explained.len() > 1 {
            let heading = format!("statement {} of {}", at + 1, explained.len());
            out.push_str(&format!("\n{}\n", paint.tone(Tone::Strong, &heading)));
        }
        line(&mut out, "kind", words::kind(&explanation.kind));
        let refused = matches!(explanation.plan, Plan::Refuse(_));
        for relation in &explanation.relations {
            let stands = words::stands(relation, &explanation.plan);
            exposures(relation, &paint.tone(Tone::Faint, stands), paint, &mut out);
        }
        if refused {
            verdict = Verdict::Refused;
        }
        out.push_str(&decision(&explanation.plan, paint));
        if let Some(nearest) = explanation.nearest(view, &Limits::default()) {
            line(&mut out, "instead", &paint.tone(Tone::Sql, &wrap(INDENT, WIDTH, &nearest)));
        }
    }
    (out, verdict)
}

/// Shows what of a relation the statement uses, and what the purpose gets of it.
fn exposures(relation: &RelationReport, stands: &str, paint: Paint, out: &mut String) {
    line(out, "relation", &format!("{} AS {}{stands}", relation.relation, relation.alias));
    let head = ["column", "used for", "category", "subject", "gets", "by"].map(str::to_owned);
    let row = |column: &ColumnReport| {
        let usages: Vec<&str> = column.usages.iter().map(Usage::word).collect();
        let subject = column.subject.as_ref().map_or("-", |subject| &**subject);
        let gets = format!("{}{}", words::effect(&column.effect), words::not_for(column.closed));
        let by = words::cause(&column.cause);
        let texts = [column.column.to_string(), usages.join(", "), column.categories.join(", "), subject.to_owned()];
        texts.into_iter().chain([gets, by]).map(Some).collect::<Vec<_>>()
    };
    let rows: Vec<_> = relation.columns.iter().map(row).collect();
    if !rows.is_empty() {
        out.push_str(&table(paint, INDENT, &head, &rows));
    }
    for RowReport { condition, rule, clause } in &relation.rows {
        let clause = clause.as_ref().map_or_else(String::new, |clause| format!(", clause {clause}"));
        out.push_str(&format!("{INDENT}only rows where: {condition} (rule {rule}{clause})\n"));
    }
}

fn decision(plan: &Plan, paint: Paint) -> String {
    let mut out = String::new();
    match plan {
        Plan::Forward => line(&mut out, "decision", &paint.tone(Tone::Good, "permitted, sent as it is")),
        Plan::Rewrite(rewritten) => {
            line(&mut out, "decision", &paint.tone(Tone::Good, "permitted, rewritten"));
            line(&mut out, "sent", &paint.tone(Tone::Sql, &wrap(INDENT, WIDTH, &rewritten.text)));
        }
        Plan::Refuse(refusal) => out = refused(refusal, paint),
    }
    out
}

fn refused(refusal: &Refusal, paint: Paint) -> String {
    let mut out = String::new();
    line(&mut out, "decision", &paint.tone(Tone::Refused, &format!("refused ({})", refusal.code.0)));
    line(&mut out, "message", &wrap(INDENT, WIDTH, &refusal.message));
    if let Some(detail) = &refusal.detail {
        line(&mut out, "detail", &wrap(INDENT, WIDTH, detail));
    }
    if let Some(hint) = &refusal.hint {
        line(&mut out, "hint", &wrap(INDENT, WIDTH, hint));
    }
    if refusal.position > 0 {
        line(&mut out, "at", &format!("character {}", refusal.position));
    }
    out
}

fn line(out: &mut String, label: &str, text: &str) {
    out.push_str(&format!("{label:<10}  {text}\n"));
}
