//! Lines read back.

use serde::Deserialize;
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The longest line that is read.
const LONGEST: u64 = 8 << 20;

/// A line's place in its chain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Link {
    pub id: String,
    pub seq: u64,
    /// The hash of the line before, in hexadecimal.
    pub prev: String,
}

/// A line of the trail.
#[derive(Debug, Clone)]
pub struct Line {
    pub chain: Link,
    /// All of it.
    pub value: Value,
}

/// Why a text is no line of a trail.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("it is no JSON")]
    NoJson,
    #[error("it has no place in a chain")]
    NoChain,
}

impl Line {
    pub fn parse(bytes: &[u8]) -> Result<Line, LineError> {
        let value: Value = serde_json::from_slice(bytes).map_err(|_| LineError::NoJson)?;
        let chain = value.pointer("/unmapped/chain").ok_or(LineError::NoChain)?;
        let chain = Link::deserialize(chain).map_err(|_| LineError::NoChain)?;
        Ok(Line { chain, value })
    }

    /// A text in it, by its path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.value.pointer(path)?.as_str()
    }

    /// A number in it, by its path.
    pub fn number(&self, path: &str) -> Option<i64> {
        self.value.pointer(path)?.as_i64()
    }

    pub fn kind(&self) -> &str {
        self.text("/unmapped/kind").unwrap_or_default()
    }

    /// Why there is a checkpoint, if it is one.
    pub fn checkpoint(&self) -> Option<&str> {
        if self.kind() == "checkpoint" { self.text("/unmapped/reason") } else { None }
    }
}

/// A file's lines without their ends, and whether the last had one.
pub fn lines_of(path: &Path, mut each: impl FnMut(Vec<u8>, Whole)) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
    loop {
        let mut line = Vec::new();
        if reader.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let whole = if line.pop_if(|byte| *byte == b'\n').is_some() { Whole::Yes } else { Whole::No };
        each(line, whole);
    }
}

/// Whether a line has an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    Yes,
    No,
}
