//! What the core must know of a session to judge a statement.

use crate::catalog::SearchPath;
use crate::policy::{Bound, Principal, PurposeId};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Bounds on a statement. Each has a name, a default and an error of its own.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest statement text judged under a restricted purpose, in bytes.
    pub statement_bytes: usize,
    /// The bytes that cached plans may take.
    pub cache_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { statement_bytes: 1 << 20, cache_bytes: 64 << 20 }
    }
}

/// A session as the core sees it. Immutable: a session makes a new one when anything in it changes.
#[derive(Debug, Clone)]
pub struct View {
    bound: Arc<Bound>,
    principal: Arc<Principal>,
    purpose: Option<PurposeId>,
    path: SearchPath,
    encoding: Encoding,
    hash: u64,
}

/// Whether the server reads the client's bytes as the parser does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// `client_encoding` is UTF8 and `standard_conforming_strings` is on.
    Utf8,
    /// Another `client_encoding`: only ASCII statements are understood.
    AsciiOnly,
    /// `standard_conforming_strings` is off: nothing is understood.
    Foreign,
}

impl View {
    pub fn new(
        bound: Arc<Bound>,
        principal: Arc<Principal>,
        purpose: Option<PurposeId>,
        path: SearchPath,
        encoding: Encoding,
    ) -> View {
        let mut hasher = rustc_hash::FxHasher::default();
        (bound.policy().version(), bound.catalog().version(), bound.catalog().database()).hash(&mut hasher);
        (principal.class, purpose, &path, encoding).hash(&mut hasher);
        let hash = hasher.finish();
        View { bound, principal, purpose, path, encoding, hash }
    }

    /// The same session under another purpose.
    pub fn under(&self, purpose: Option<PurposeId>) -> View {
        View::new(Arc::clone(&self.bound), Arc::clone(&self.principal), purpose, self.path.clone(), self.encoding)
    }

    pub fn bound(&self) -> &Arc<Bound> {
        &self.bound
    }

    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    pub fn purpose(&self) -> Option<PurposeId> {
        self.purpose
    }

    pub fn path(&self) -> &SearchPath {
        &self.path
    }

    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Whether statements must be understood: no purpose, or one that is not unrestricted.
    pub fn restricted(&self) -> bool {
        self.purpose.is_none_or(|purpose| !self.bound.policy().is_unrestricted(purpose))
    }

    /// A hash of everything a plan may depend on.
    pub fn hash_value(&self) -> u64 {
        self.hash
    }

    /// Whether a plan made for one holds for the other.
    pub fn same(&self, other: &View) -> bool {
        self.hash == other.hash
            && self.principal.class == other.principal.class
            && self.purpose == other.purpose
            && self.encoding == other.encoding
            && self.path == other.path
            && (Arc::ptr_eq(&self.bound, &other.bound)
                || (self.bound.policy().version() == other.bound.policy().version()
                    && self.bound.catalog().version() == other.bound.catalog().version()
                    && self.bound.catalog().database() == other.bound.catalog().database()))
    }
}
