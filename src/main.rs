//! Parses the arguments and hands over to `wherefore::cli`.
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    wherefore::cli::main()
}
