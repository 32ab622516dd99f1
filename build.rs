//! Refuses to build with a libpg_query that redirects stderr around every parse.
fn main() {
    println!("cargo:rerun-if-env-changed=CFLAGS");
    let flags = std::env::var("CFLAGS").unwrap_or_default();
    assert!(
        flags.split_whitespace().any(|f| f == "-DDEBUG"),
        "CFLAGS must contain -DDEBUG (see .cargo/config.toml): without it libpg_query swaps the process's stderr \
         around every parse, which races between threads"
    );
}
