//! What the core must know of a session to judge a statement.

use crate::catalog::{Filled, SearchPath};
use crate::policy::{Bound, Policy, Principal, PurposeId, Reader, RecipientId, Values};
use crate::vocab::Oid;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Bounds on a statement. Each has a name, a default and an error of its own.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest statement text judged under a restricted purpose, in bytes.
    pub statement_bytes: usize,
    /// The bytes that cached plans may take.
    pub cache_bytes: u64,
    pub traces: Traces,
}

/// Whether plans say what a record of them needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traces {
    Kept,
    /// Nothing is recorded.
    None,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { statement_bytes: 1 << 20, cache_bytes: 64 << 20, traces: Traces::None }
    }
}

/// A session as the core sees it. Immutable: a session makes a new one when anything in it changes.
#[derive(Debug, Clone)]
pub struct View {
    bound: Arc<Bound>,
    principal: Arc<Principal>,
    key: Arc<ViewKey>,
}

/// Everything of a view that a plan may depend on. Two views with equal keys share plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ViewKey {
    hash: u64,
    policy: u64,
    catalog: u64,
    database: Box<str>,
    class: u64,
    purpose: Option<PurposeId>,
    recipient: Option<RecipientId>,
    /// The values of the policy's parameters: they stand in plans as constants.
    values: Values,
    justification: Justification,
    path: SearchPath,
    encoding: Encoding,
    /// The session's temporary tables, by their number.
    temporary: Option<(u64, Filled)>,
    /// Types that the client declares for a statement's parameters.
    parameters: Box<[Oid]>,
}

impl ViewKey {
    fn compute_hash(&self) -> u64 {
        let ViewKey {
            hash: _,
            policy,
            catalog,
            database,
            class,
            purpose,
            recipient,
            values,
            justification,
            path,
            encoding,
            temporary,
            parameters,
        } = self;
        let mut hasher = rustc_hash::FxHasher::default();
        (policy, catalog, database, class, purpose, recipient).hash(&mut hasher);
        (values, justification, path, encoding, temporary, parameters).hash(&mut hasher);
        hasher.finish()
    }

    /// What a session chooses of it, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.values.bytes() + 4 * self.parameters.len()
    }
}

impl Hash for ViewKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Whether a session has justified what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Justification {
    /// The purpose demands none.
    NotNeeded,
    /// It matches what the purpose demands.
    Given,
    /// There is none, or another.
    Missing,
}

impl Justification {
    fn of(policy: &Policy, purpose: Option<PurposeId>, declared: Option<&str>) -> Justification {
        match purpose.filter(|purpose| policy.needs_justification(*purpose)) {
            None => Justification::NotNeeded,
            Some(purpose) if declared.is_some_and(|text| policy.justifies(purpose, text)) => Justification::Given,
            Some(_) => Justification::Missing,
        }
    }
}

/// Whether the server reads the client's bytes as the parser does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// `client_encoding` is UTF8 and `standard_conforming_strings` is on.
    Utf8,
    /// Another `client_encoding`: only ASCII statements are understood.
    AsciiOnly,
    /// `standard_conforming_strings` is off: only ASCII statements without a backslash are understood.
    Foreign,
    /// Which of these, the server has yet to tell: it was set earlier in the same message.
    Unsettled,
    /// A `client_encoding` whose characters may contain bytes of ASCII: nothing is read under it.
    Overlapping,
}

impl View {
    pub fn new(
        bound: Arc<Bound>,
        principal: Arc<Principal>,
        purpose: Option<PurposeId>,
        path: SearchPath,
        encoding: Encoding,
    ) -> View {
        let mut key = ViewKey {
            hash: 0,
            policy: bound.policy().version(),
            catalog: bound.catalog().version(),
            database: bound.catalog().database().into(),
            class: principal.class,
            purpose,
            recipient: principal.recipient,
            values: principal.values.clone(),
            justification: Justification::of(bound.policy(), purpose, None),
            path,
            encoding,
            temporary: bound.catalog().temporary().map(|temporary| temporary.key()),
            parameters: Box::default(),
        };
        key.hash = key.compute_hash();
        View { bound, principal, key: Arc::new(key) }
    }

    /// The same session with what it declares as its justification. What that is no plan depends on, but whether it will do.
    pub fn justified(&self, declared: Option<&str>) -> View {
        let justification = Justification::of(self.bound.policy(), self.key.purpose, declared);
        if justification == self.key.justification {
            return self.clone();
        }
        let mut key = ViewKey { justification, ..(*self.key).clone() };
        key.hash = key.compute_hash();
        View { bound: Arc::clone(&self.bound), principal: Arc::clone(&self.principal), key: Arc::new(key) }
    }

    /// Whether what the purpose demands by way of justification is there.
    pub fn justification(&self) -> Justification {
        self.key.justification
    }

    /// The same session for a statement whose parameters have these declared types (0: undeclared). Without any it is
    /// the view itself.
    pub fn with_parameters(&self, types: &[Oid]) -> View {
        if types.iter().all(|declared| *declared == 0) {
            return self.clone();
        }
        let mut key = ViewKey { parameters: types.into(), ..(*self.key).clone() };
        key.hash = key.compute_hash();
        View { bound: Arc::clone(&self.bound), principal: Arc::clone(&self.principal), key: Arc::new(key) }
    }

    pub(super) fn parameters(&self) -> &[Oid] {
        &self.key.parameters
    }

    /// The same session under another purpose.
    pub fn under(&self, purpose: Option<PurposeId>) -> View {
        if purpose == self.key.purpose {
            return self.clone();
        }
        let (bound, principal) = (Arc::clone(&self.bound), Arc::clone(&self.principal));
        View::new(bound, principal, purpose, self.key.path.clone(), self.key.encoding)
    }

    /// What is left of a view whose catalog is gone: still the same as none under another catalog.
    pub fn outlived(&self, bound: &Arc<Bound>) -> View {
        View { bound: Arc::clone(bound), principal: Arc::clone(&self.principal), key: Arc::clone(&self.key) }
    }

    pub fn bound(&self) -> &Arc<Bound> {
        &self.bound
    }

    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    pub fn purpose(&self) -> Option<PurposeId> {
        self.key.purpose
    }

    /// The purpose in force, with whom the session stands for.
    pub fn reader(&self) -> Option<Reader> {
        self.key.purpose.map(|purpose| Reader { purpose, recipient: self.key.recipient })
    }

    pub fn path(&self) -> &SearchPath {
        &self.key.path
    }

    pub fn encoding(&self) -> Encoding {
        self.key.encoding
    }

    /// Whether statements must be understood: no purpose, or one that the policy enforces.
    pub fn restricted(&self) -> bool {
        self.key.purpose.is_none_or(|purpose| self.bound.policy().enforces(purpose))
    }

    /// Whether statements pass, but what would become of them is recorded.
    pub fn shadowed(&self) -> bool {
        self.key.purpose.is_some_and(|purpose| self.bound.policy().is_shadowed(purpose))
    }

    /// Whether a plan made for one holds for the other.
    pub fn same(&self, other: &View) -> bool {
        Arc::ptr_eq(&self.key, &other.key) || self.key == other.key
    }

    pub(super) fn key(&self) -> &Arc<ViewKey> {
        &self.key
    }
}
