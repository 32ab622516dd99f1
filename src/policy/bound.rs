//! A policy tied to a catalog snapshot.

use super::{Policy, Principal, PurposeId, RelationRuling};
use crate::catalog::{Catalog, Relation};
use crate::vocab::{AttNum, Oid};
use std::sync::Arc;

/// A policy and the catalog it is applied to. Swapped whole when either changes.
#[derive(Debug)]
pub struct Bound {
    policy: Arc<Policy>,
    catalog: Arc<Catalog>,
}

impl Bound {
    pub fn new(policy: Arc<Policy>, catalog: Arc<Catalog>) -> Bound {
        Bound { policy, catalog }
    }

    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// What `purpose` (or a session without one) may see of a relation. Memoised.
    pub fn ruling(&self, _purpose: Option<PurposeId>, _relation: &Relation) -> Arc<RelationRuling> {
        unimplemented!()
    }

    /// The purposes that this principal may declare and under which none of these is denied; `None` stands for the
    /// relation's rows. At most `most` names, those that open them unmasked first.
    pub fn purposes_that_open(
        &self,
        _principal: &Principal,
        _columns: &[(Oid, Option<AttNum>)],
        _most: usize,
    ) -> Vec<Arc<str>> {
        unimplemented!()
    }
}
