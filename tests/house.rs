//! Holds the code to the house rules of ARCHITECTURE.md: modules import in one direction, the core is pure, files are
//! short.

use std::fs;
use std::path::{Path, PathBuf};

/// Every module with those it may import, in the order in which data meets them.
const MODULES: [(&str, &[&str]); 16] = [
    ("vocab", &[]),
    ("sql", &["vocab"]),
    ("catalog", &["vocab"]),
    ("analyze", &["vocab", "sql", "catalog"]),
    ("policy", &["vocab", "sql", "catalog", "analyze"]),
    ("rewrite", &["vocab", "sql", "catalog", "analyze", "policy"]),
    ("enforce", &["vocab", "sql", "catalog", "analyze", "policy", "rewrite"]),
    ("wire", &["vocab", "sql", "catalog", "analyze", "policy", "rewrite", "enforce"]),
    ("session", &["vocab", "sql", "catalog", "policy", "enforce", "wire"]),
    ("net", &[]),
    ("auth", &[]),
    ("audit", &["vocab", "sql", "policy", "enforce", "session"]),
    ("control", &["vocab", "sql", "catalog", "policy", "enforce", "wire", "session", "net", "auth", "audit"]),
    ("observe", &["vocab", "sql", "catalog", "policy", "enforce", "wire", "session", "audit"]),
    (
        "server",
        &[
            "vocab", "sql", "catalog", "policy", "enforce", "wire", "session", "net", "auth", "audit", "control",
            "observe",
        ],
    ),
    (
        "cli",
        &[
            "vocab", "sql", "catalog", "policy", "enforce", "wire", "session", "net", "auth", "audit", "control",
            "observe", "server",
        ],
    ),
];

/// The pure core: what none of its files may mention.
const CORE: [&str; 7] = ["vocab", "sql", "catalog", "analyze", "policy", "rewrite", "enforce"];
const IMPURE: &[&str] = &[
    "std::fs",
    "TcpStream",
    "UdpSocket",
    "UnixStream",
    "std::env",
    "std::process",
    "std::time",
    "std::thread",
    "SystemTime",
    "Instant::",
    "tokio",
    "async fn",
    ".await",
    "pgwire",
    "rustls",
    "getrandom",
    "rand::",
    "println!",
];

/// Lines that a file may have, its tests aside.
const MOST_LINES: usize = 560;

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of src") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn source(module: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module);
    files_below(&folder).into_iter().map(|path| (path.clone(), fs::read_to_string(&path).expect("a file"))).collect()
}

/// The part of a file in front of its unit tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn every_module_is_known() {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("src");
    let mut names: Vec<String> = folders
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut known: Vec<String> = MODULES.iter().map(|(name, _)| name.to_string()).collect();
    known.sort();
    assert_eq!(names, known);
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for (module, may) in MODULES {
        for (path, text) in source(module) {
            for (number, line) in text.lines().enumerate() {
                for after in line.split("crate::").skip(1) {
                    let other: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    let is_module = MODULES.iter().any(|(name, _)| *name == other);
                    if is_module && other != module && !may.contains(&other.as_str()) {
                        wrong.push(format!("{}:{}: {module} imports {other}", path.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the direction:\n{}", wrong.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for module in CORE {
        for (path, text) in source(module) {
            for (number, line) in without_tests(&text).lines().enumerate() {
                let code = line.split("//").next().unwrap_or(line);
                for word in IMPURE.iter().filter(|word| code.contains(**word)) {
                    wrong.push(format!("{}:{}: {word}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "the core does I/O, waits, or reads a clock:\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for (module, _) in MODULES {
        for (path, text) in source(module) {
            let lines = without_tests(&text).lines().count();
            if lines > MOST_LINES {
                long.push(format!("{}: {lines} lines", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "files too long to read in one go:\n{}", long.join("\n"));
}

/// `unsafe` stands in the one file that calls libpg_query, and nowhere else.
#[test]
fn unsafe_is_in_one_place() {
    for (module, _) in MODULES {
        for (path, text) in source(module) {
            let allowed = path.ends_with("sql/ffi.rs");
            assert!(allowed || !text.contains("unsafe {"), "unsafe code in {}", path.display());
        }
    }
}
