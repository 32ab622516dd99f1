//! How a database stands, for those who watch the proxy.

use super::database::Database;
use super::setup::Setup;
use crate::session::Fit;
use std::time::Duration;

/// How a database stands at one moment.
#[derive(Debug, Clone)]
pub struct Standing {
    pub database: String,
    /// The name of the policy pack.
    pub pack: String,
    /// Host and port of the server.
    pub server: String,
    pub sessions: usize,
    pub state: State,
    /// See [`crate::catalog::Catalog::version`]; `None` before the catalog was read.
    pub catalog_version: Option<u64>,
    /// The digest of the policy's files.
    pub policy_version: String,
    /// How long ago the catalog was read; `None` before, and while it is read.
    pub age: Option<Duration>,
    /// Columns that the policy says nothing of; `None` before the catalog was read.
    pub untagged: Option<usize>,
}

/// Whether restricted purposes are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ready,
    /// The policy's SQL does not work on it.
    Unfit,
    /// No connection could be made when its catalog was last to be read, or it was never read.
    Unread,
}

impl Standing {
    pub(super) fn of(database: &Database, setup: &Setup) -> Standing {
        let shelf = database.shelf();
        let (last, failed) = database.last_reading().unwrap_or_default();
        let state = match shelf {
            None => State::Unread,
            Some(_) if failed => State::Unread,
            Some(shelf) if shelf.fit() == Fit::Unfit => State::Unfit,
            Some(_) => State::Ready,
        };
        let bound = shelf.map(|shelf| shelf.bound());
        let policy = bound.as_ref().map(|bound| bound.policy()).or_else(|| setup.policy(database.pack()));
        Standing {
            database: database.name().to_owned(),
            pack: policy.map_or_else(String::new, |policy| policy.name().to_string()),
            server: setup.servers.name(database.at()),
            sessions: database.sessions(),
            state,
            catalog_version: bound.as_ref().map(|bound| bound.catalog().version()),
            policy_version: bound
                .as_ref()
                .map_or_else(String::new, |bound| format!("{:016x}", bound.policy().version())),
            age: last.map(|last| last.elapsed()),
            untagged: bound.as_ref().map(|bound| bound.untagged().len()),
        }
    }

    /// By what it is told from the others.
    pub(super) fn name(&self) -> (&str, &str, &str) {
        (&self.database, &self.server, &self.pack)
    }

    /// Why new sessions should not be sent here, if they should not.
    pub fn fault(&self) -> Option<String> {
        let (database, server) = (&self.database, &self.server);
        match self.state {
            State::Ready => None,
            State::Unfit => Some(format!("the policy does not fit database \"{database}\" on {server}")),
            State::Unread => Some(format!("the catalog of database \"{database}\" on {server} cannot be read")),
        }
    }
}
