//! The policy, tied to the catalog that a transaction sees that has changed it.

use super::catalog::{next_version, same};
use crate::catalog::Catalog;
use crate::policy::Bound;
use crate::session::{Fault, InnerReading};
use std::sync::Arc;

/// Ties the policy of the shared catalog to what was read, on a thread that may be kept busy.
pub async fn bind_inner(reading: InnerReading) -> Result<Arc<Bound>, Fault> {
    tokio::task::spawn_blocking(move || bind(&reading)).await.unwrap_or(Err(Fault::Unread))
}

fn bind(InnerReading { answers, shared }: &InnerReading) -> Result<Arc<Bound>, Fault> {
    let snapshot = answers.inside(shared.catalog().snapshot()).map_err(|_| Fault::Unread)?;
    if same(shared.catalog().snapshot(), &snapshot) {
        return Ok(Arc::clone(shared));
    }
    // It succeeds the shared one, as what is committed will: tags stick to what others have seen.
    let catalog = Arc::new(Catalog::new(snapshot, next_version()));
    let bound = Bound::succeeding(Arc::clone(shared.policy()), catalog, Some(shared));
    let known = |message: &str| shared.errors().iter().any(|error| error.message() == message);
    match bound.errors().iter().all(|error| known(error.message())) {
        true => Ok(Arc::new(bound)),
        false => Err(Fault::Unfit),
    }
}
