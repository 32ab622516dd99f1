//! `wherefore audit show`.

use super::Failure;
use super::pick::Pick;
use crate::audit::Line;
use crate::cli::term::{Paint, Tone};
use std::io::Write as _;
use std::process::ExitCode;

/// How much of a statement stands on a line.
const LONGEST_STATEMENT: usize = 100;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pick: Pick,
    /// Only refusals
    #[arg(long)]
    refused: bool,
    /// Write the records as they are
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (paint, mut out) = (Paint::stdout(), std::io::stdout().lock());
    let filtered = args.pick.clause.is_some() || args.pick.category.is_some() || args.refused;
    args.pick.each(|line, bytes| {
        let refuses =
            line.text("/unmapped/decision") == Some("refuse") || line.text("/unmapped/login") == Some("refused");
        if !args.pick.is_of(line) || args.refused && !refuses || !filtered && line.kind() == "checkpoint" {
            return;
        }
        // Whoever reads no longer does not want to.
        let _ = match args.json {
            true => out.write_all(bytes).and_then(|()| out.write_all(b"\n")),
            false => writeln!(out, "{}", words(line, paint)),
        };
    })?;
    Ok(ExitCode::SUCCESS)
}

fn words(line: &Line, paint: Paint) -> String {
    let get = |path: &str| line.text(path).unwrap_or_default();
    let time = line.number("/time").unwrap_or_default();
    let time = crate::audit::timestamp_of(time);
    let user = get("/actor/user/name");
    let who = format!("{} {user}", paint.tone(Tone::Faint, &time));
    match line.kind() {
        "decision" => {
            let decision = get("/unmapped/decision");
            let tone = if decision == "refuse" { Tone::Refused } else { Tone::Good };
            let statement: String = get("/query_info/query_string").chars().take(LONGEST_STATEMENT).collect();
            let (purpose, code) = (line.text("/unmapped/purpose").unwrap_or("no purpose"), get("/status_code"));
            let code = if code.is_empty() { String::new() } else { format!(" {code}") };
            format!("{who} [{purpose}] {}{code} {}", paint.tone(tone, decision), paint.tone(Tone::Sql, &statement))
        }
        "completion" => {
            let rows = line.number("/unmapped/rows").unwrap_or_default();
            format!(
                "{who} {} {}, {rows} rows, {} ms",
                get("/unmapped/end"),
                get("/metadata/correlation_uid"),
                line.number("/duration").unwrap_or_default()
            )
        }
        "login" => format!("{who} login {} to {}", get("/unmapped/login"), get("/database/name")),
        "chosen" => format!("{who} chose {} {}", get("/unmapped/parameter"), get("/unmapped/value")),
        "withheld" => format!("{who} withheld {} {}", get("/status_code"), get("/unmapped/reference")),
        "lost" => format!("{who} {} records were lost", line.number("/unmapped/records").unwrap_or_default()),
        kind => format!("{who} {kind} {}", get("/unmapped/reason")),
    }
}
