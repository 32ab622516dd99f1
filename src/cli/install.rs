//! `wherefore install`: the SQL that lets a database make pseudonyms and noise, and keep budgets.

use crate::catalog::{noise, pseudonyms};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "It writes SQL and runs nothing: wherefore install | psql -v ON_ERROR_STOP=1 DATABASE. Keys are drawn by \
                        the server; none is written here. docs/policy.md says what the functions keep to themselves, and \
                        what not."
)]
pub struct Args {
    /// A role that the proxy's clients log in as, which may call the functions; PUBLIC for all [default: PUBLIC]
    #[arg(long = "to", value_name = "ROLE")]
    roles: Vec<String>,
    /// A key that rules name, made where it is not there [default: default]
    #[arg(long = "key", value_name = "NAME")]
    keys: Vec<String>,
    /// The role that the proxy reads the catalog as (`upstream.catalog_user`), which keeps budgets [default: who runs it]
    #[arg(long, value_name = "ROLE")]
    keeper: Option<String>,
    /// Write the SQL that takes it all away, the keys too: no pseudonym can be made again
    #[arg(long, conflicts_with_all = ["roles", "keys", "keeper"])]
    remove: bool,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let or = |given: &[String], otherwise: &str| match given {
        [] => vec![otherwise.to_owned()],
        given => given.to_vec(),
    };
    match args.remove {
        true => print!("{}{}", noise::REMOVAL, pseudonyms::REMOVAL),
        false => {
            let roles = or(&args.roles, "PUBLIC");
            let functions = pseudonyms::script(&roles, &or(&args.keys, "default"));
            print!("{functions}{}", noise::script(&roles, args.keeper.as_deref()));
        }
    }
    ExitCode::SUCCESS
}
