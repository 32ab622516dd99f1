//! A policy pack from its directory.

use crate::policy::{Colour, LOCK_FILE, Policy, SourceFile};
use std::path::{Path, PathBuf};

/// Why a pack cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("{path}: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("{0}: there is no *.toml file in this directory")]
    Empty(String),
    #[error("{file}: include `{pattern}` {why}")]
    Include { file: String, pattern: String, why: &'static str },
    #[error("{0}")]
    Wrong(String),
}

/// How many files a pack may have, those that it includes among them.
const MOST_FILES: usize = 500;

/// The files of a pack, by name; behind them those that its `[pack]` includes, and its lock file.
pub fn pack_files(directory: &Path) -> Result<Vec<SourceFile>, PackError> {
    let unreadable = |path: &Path, source| PackError::Unreadable { path: path.display().to_string(), source };
    let entries = std::fs::read_dir(directory).map_err(|error| unreadable(directory, error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(directory, error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(PackError::Empty(directory.display().to_string()));
    }
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        Ok(SourceFile { path: path.display().to_string(), text })
    };
    let mut files: Vec<SourceFile> = paths.iter().map(read).collect::<Result<_, _>>()?;
    // A pack has one [pack], so what is included cannot include more.
    let own = files.len();
    for at in 0..own {
        for pattern in includes(&files[at].text) {
            let wrong = |why| PackError::Include { file: files[at].path.clone(), pattern: pattern.clone(), why };
            for path in included(directory, &pattern).map_err(wrong)? {
                if !paths.iter().any(|known| same_file(known, &path)) {
                    files.push(read(&path)?);
                    paths.push(path);
                }
                if files.len() > MOST_FILES {
                    return Err(PackError::Include {
                        file: files[at].path.clone(),
                        pattern,
                        why: "makes more than 500 files",
                    });
                }
            }
        }
    }
    let lock = directory.join(LOCK_FILE);
    if lock.is_file() {
        files.push(read(&lock)?);
    }
    Ok(files)
}

/// The patterns that a file's `[pack]` includes. What is wrong with the file itself is said when it is loaded.
fn includes(text: &str) -> Vec<String> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    match table.get("pack").and_then(|pack| pack.get("include")) {
        Some(toml::Value::String(one)) => vec![one.clone()],
        Some(toml::Value::Array(many)) => many.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        Some(_) | None => Vec::new(),
    }
}

/// The files of a pattern: a path from the pack's directory, with stars in its last part only.
fn included(directory: &Path, pattern: &str) -> Result<Vec<PathBuf>, &'static str> {
    let path = directory.join(pattern);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err("names no file");
    };
    if !name.ends_with(".toml") {
        return Err("names no *.toml file");
    }
    if folder.to_string_lossy().contains('*') {
        return Err("has a star before its last part");
    }
    let entries = std::fs::read_dir(folder).map_err(|_| "names a folder that cannot be read")?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut found: Vec<PathBuf> = names.filter(|file| matches(name, file)).map(|file| folder.join(file)).collect();
    found.sort();
    if found.is_empty() { Err("matches no file") } else { Ok(found) }
}

/// Whether a name matches a pattern in which a star stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| matches(rest, &name[at..]))
}

fn same_file(one: &Path, other: &Path) -> bool {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    canonical(one) == canonical(other)
}

/// Reads a pack, logs what is probably not meant in it, and fails with every error at once.
pub fn read_pack(directory: &Path) -> Result<Policy, PackError> {
    let loaded =
        Policy::parse(&pack_files(directory)?).map_err(|errors| PackError::Wrong(errors.render(Colour::Plain)))?;
    for lint in &loaded.lints {
        tracing::warn!(pack = %directory.display(), "{}", lint.message());
    }
    Ok(loaded.policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new folder with `pack/pack.toml`, which says this, and `shared/` with three files.
    fn folder(name: &str, pack: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("wherefore-include-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        for part in ["pack", "shared"] {
            std::fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        std::fs::write(folder.join("pack/pack.toml"), pack).expect("a file");
        for file in ["a.toml", "b.toml", "c.txt"] {
            std::fs::write(folder.join("shared").join(file), format!("# {file}")).expect("a file");
        }
        folder
    }

    #[test]
    fn a_pack_includes_what_it_names() {
        for (name, include, expected) in [
            ("all", "[\"../shared/*.toml\"]", Ok(vec!["pack.toml", "a.toml", "b.toml"])),
            ("one", "\"../shared/b.toml\"", Ok(vec!["pack.toml", "b.toml"])),
            (
                "twice",
                "[\"../shared/*.toml\", \"../shared/a*.toml\", \"pack.toml\"]",
                Ok(vec!["pack.toml", "a.toml", "b.toml"]),
            ),
            ("none", "[\"../shared/x*.toml\"]", Err("include `../shared/x*.toml` matches no file")),
            ("text", "[\"../shared/c.txt\"]", Err("include `../shared/c.txt` names no *.toml file")),
            ("star", "[\"../*/a.toml\"]", Err("include `../*/a.toml` has a star before its last part")),
            (
                "gone",
                "[\"../elsewhere/*.toml\"]",
                Err("include `../elsewhere/*.toml` names a folder that cannot be read"),
            ),
        ] {
            let folder = folder(name, &format!("[pack]\ninclude = {include}\n"));
            let found = pack_files(&folder.join("pack"));
            let _ = std::fs::remove_dir_all(&folder);
            match (found, expected) {
                (Ok(files), Ok(expected)) => {
                    let name = |file: &SourceFile| file.path.rsplit('/').next().unwrap_or_default().to_owned();
                    assert_eq!(files.iter().map(name).collect::<Vec<_>>(), expected, "{include}");
                }
                (Err(error), Err(expected)) => assert!(error.to_string().ends_with(expected), "{error}"),
                (found, expected) => panic!("{include}: {found:?}, not {expected:?}"),
            }
        }
    }
}
