//! `wherefore audit verify`.

use super::Failure;
use crate::audit::{Anchor, End, Gravity, Verdict, Verifier, verify};
use crate::cli::term::{Paint, Tone};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code: 0 the trail is as it was written; 1 it is not; 2 it could not be read.")]
pub struct Args {
    /// The trail's files, rotated ones included, in any order
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The public key that checks the signatures of checkpoints
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A record that is known from elsewhere, by its number and the beginning of its hash: what `verify` said last
    #[arg(long, value_name = "NUMBER:HASH")]
    known: Option<String>,
    /// The proxy has stopped: the trail must end with the line that says so
    #[arg(long)]
    stopped: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let verifier = args.key.as_deref().map(Verifier::load).transpose()?;
    let anchor = args.known.as_deref().map(anchor).transpose()?;
    let read = |source| Failure::file(args.files.first().map_or("".as_ref(), |file| file.as_path()), source);
    let verdict = verify(&args.files, verifier.as_ref(), anchor.as_ref()).map_err(read)?;
    let cut = args.stopped && verdict.end == End::Open;
    let paint = Paint::stdout();
    for finding in &verdict.findings {
        let tone = match finding.gravity {
            Gravity::Broken => paint.tone(Tone::Bad, "broken:"),
            Gravity::Note => paint.tone(Tone::Faint, "note:"),
        };
        match finding.line {
            0 => println!("{tone} {}", finding.what),
            line => println!("{tone} {}:{line}: {}", finding.file.display(), finding.what),
        }
    }
    if cut {
        let broken = paint.tone(Tone::Bad, "broken:");
        println!(
            "{broken} the trail does not end with the line that says that the proxy stops: its tail is gone, or it crashed"
        );
    }
    summary(&verdict, verifier.is_some());
    let holds = verdict.holds() && !cut;
    println!("{}", if holds { "The trail is as it was written." } else { "The trail is not as it was written." });
    Ok(ExitCode::from(u8::from(!holds)))
}

fn summary(verdict: &Verdict, checked: bool) {
    let Verdict { findings: _, lines, checkpoints, signed, last, uncovered, end } = verdict;
    let signatures = match checked {
        true => format!("{signed} of them signed by this key"),
        false => "signatures were not checked: --key".to_owned(),
    };
    println!("{lines} records, {checkpoints} checkpoints ({signatures})");
    if *uncovered > 0 {
        println!(
            "{uncovered} records stand behind the last checkpoint: whoever can write the file could have made them"
        );
    }
    if let Some((seq, hash)) = last {
        println!("last record {seq}:{hash}");
    }
    match end {
        End::Stopped => println!("It ends with the proxy's last line."),
        End::Open => println!("It does not end with a last line: the proxy runs or has crashed, or the tail is gone."),
    }
}

fn anchor(text: &str) -> Result<Anchor, Failure> {
    let parts = text.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, hash)));
    let hash = parts.filter(|(_, hash)| hash.len() >= 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let wrong = || Failure::Wish("--known is a number and at least 16 digits of a hash, as 17:0f3a…".to_owned());
    hash.map(|(seq, hash)| Anchor { seq, hash: hash.to_ascii_lowercase() }).ok_or_else(wrong)
}
