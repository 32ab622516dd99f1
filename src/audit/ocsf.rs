//! What OCSF calls what happens: activities, and how they ended.

use crate::enforce::Judged;
use crate::sql::Kind;

/// OCSF's `activity_id` and `activity_name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Activity(pub u8);

impl Activity {
    pub const CONNECT: Activity = Activity(3);
    pub const OTHER: Activity = Activity(99);

    /// Of a statement.
    pub fn of(judged: Option<&Judged>) -> Activity {
        let kind = match judged {
            Some(Judged::One(planned)) => &planned.statement.kind,
            Some(Judged::Many(_) | Judged::Empty) | None => return Activity(0),
        };
        match kind {
            Kind::Read | Kind::Execute(_) | Kind::Declare(_) | Kind::Fetch(_) => Activity(4),
            Kind::Write => Activity(5),
            Kind::Define(_) => Activity(6),
            Kind::Unread => Activity(0),
            // COPY in either direction, and TRUNCATE.
            Kind::Bulk
            | Kind::Call
            | Kind::Transaction(_)
            | Kind::Set(_)
            | Kind::Show(_)
            | Kind::Discard(_)
            | Kind::Deallocate(_)
            | Kind::Explain
            | Kind::Prepare(_)
            | Kind::Close(_)
            | Kind::Lock
            | Kind::Signal(_)
            | Kind::Other(_) => Activity::OTHER,
        }
    }

    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "Unknown",
            1 => "Read",
            3 => "Connect",
            4 => "Query",
            5 => "Write",
            6 => "Create",
            _ => "Other",
        }
    }
}

/// How the outcome stands in OCSF's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Allowed,
    Denied,
    /// It passed, though the policy says otherwise.
    Logged,
    Failed,
    /// Something is wrong with the trail.
    Alarm,
}

impl Outcome {
    pub fn fields(self) -> &'static str {
        match self {
            Outcome::Allowed => {
                r#""severity_id":1,"severity":"Informational","status_id":1,"status":"Success","action_id":1,"action":"Allowed","disposition_id":1,"disposition":"Allowed""#
            }
            Outcome::Denied => {
                r#""severity_id":2,"severity":"Low","status_id":2,"status":"Failure","action_id":2,"action":"Denied","disposition_id":2,"disposition":"Blocked""#
            }
            Outcome::Logged => {
                r#""severity_id":1,"severity":"Informational","status_id":1,"status":"Success","action_id":1,"action":"Allowed","disposition_id":17,"disposition":"Logged""#
            }
            Outcome::Failed => {
                r#""severity_id":1,"severity":"Informational","status_id":2,"status":"Failure","action_id":1,"action":"Allowed","disposition_id":1,"disposition":"Allowed""#
            }
            Outcome::Alarm => {
                r#""severity_id":4,"severity":"High","status_id":2,"status":"Failure","action_id":0,"action":"Unknown","disposition_id":0,"disposition":"Unknown""#
            }
        }
    }
}
