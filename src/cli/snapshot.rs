//! `wherefore catalog`: what a database contains, as JSON.

use super::load;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server and database to read, e.g. postgres://user@host:5432/database
    #[arg(long, value_name = "URL")]
    url: String,
}

pub(super) fn run(args: &Args) -> ExitCode {
    match snapshot(args) {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(failure) => super::fail(&*failure),
    }
}

fn snapshot(args: &Args) -> Result<String, Box<dyn std::error::Error>> {
    Ok(serde_json::to_string(&load::read(&load::Server::at(&args.url)?)?)?)
}
