//! A policy pack from its directory.

use crate::policy::{Colour, Policy, SourceFile};
use std::path::Path;

/// Why a pack cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("{path}: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("{0}: there is no *.toml file in this directory")]
    Empty(String),
    #[error("{0}")]
    Wrong(String),
}

/// The files of a pack, by name.
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
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        Ok(SourceFile { path: path.display().to_string(), text })
    };
    paths.iter().map(read).collect()
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
