//! The command line.
pub mod throwaway;

pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
