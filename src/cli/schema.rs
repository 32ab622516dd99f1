//! `wherefore schema`: what editors complete and check policy files by.

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "wherefore schema > policy.schema.json, and `#:schema policy.schema.json` as the first line of a file \
                        beside it. docs/policy.md says which editors read it."
)]
pub struct Args {
    /// The schema of the files in a pack's tests/
    #[arg(long)]
    tests: bool,
}

const POLICY: &str = include_str!("../../policy/policy.schema.json");
const TESTS: &str = include_str!("../../policy/tests.schema.json");

pub(super) fn run(args: &Args) -> ExitCode {
    print!("{}", if args.tests { TESTS } else { POLICY });
    ExitCode::SUCCESS
}
