//! What to do with a statement.

use super::trace::Trace;
use crate::catalog::Filled;
use crate::policy::Thousandths;
use crate::sql::Kind;
use crate::vocab::{Clause, Refusal, SqlState};
use std::sync::Arc;

/// A statement's plan: the only thing the shell may send. Only the core makes one.
#[derive(Debug, Clone)]
pub enum Plan {
    /// The client's own bytes.
    Forward,
    /// Another text in their place.
    Rewrite(Rewritten),
    /// Nothing: a poison statement takes the slot and its error's body is replaced by this report.
    Refuse(Arc<Refusal>),
}

/// A rewritten statement.
#[derive(Debug, Clone)]
pub struct Rewritten {
    /// One statement, without a trailing semicolon.
    pub text: Arc<str>,
    /// Where error positions in `text` (one-based characters, ascending) stand in the client's message:
    /// `(position in text, position in the original)`, 0 for what the proxy put in. A position between two entries
    /// belongs to the earlier one.
    pub positions: Arc<[(u32, u32)]>,
    /// Names of the result's columns, where known: a prepared statement whose columns changed must answer 0A000.
    pub columns: Option<Arc<[Arc<str>]>>,
    pub sight: Sight,
    pub reports: Reports,
    /// It finds a row by what a column holds that is shown as something else: how often that is done is bounded.
    pub looks_up: bool,
    /// What is paid before each execution.
    pub charge: Option<Arc<Charge>>,
    pub names: Names,
    pub temporary: Temporary,
}

/// What a statement has to do with temporary tables of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Temporary {
    pub defines: Defines,
    pub text: Text,
    /// What it fills some with, if it does.
    pub fills: Filled,
}

impl Temporary {
    /// Of a statement that knows of none.
    pub(super) const NONE: Temporary =
        Temporary { defines: Defines::Nothing, text: Text::Certain, fills: Filled::ByClient };
}

/// What a statement does to the set of temporary tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defines {
    Nothing,
    /// It makes one.
    Makes,
    /// It drops some, or makes an index of one.
    Changes,
}

/// Whether all names in what a statement runs are bound to what they mean before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    Certain,
    /// It may run text in which a name means a temporary relation if there is one, or that makes some.
    Late,
}

/// When the server finds out what a statement's names mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// When it is parsed, or at the latest when it is bound.
    Bound,
    /// Some only when it runs.
    Late,
}

/// What executing a statement costs that tells numbers with noise: of budgets that the login role has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// In thousandths, of each of the purses.
    pub epsilon: u64,
    /// That of the purpose in force and of those above it; the outermost first, at least one.
    pub purses: Arc<[Purse]>,
}

/// A budget of a login role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purse {
    /// The purpose whose budget it is.
    pub purpose: Arc<str>,
    /// How much there is, in thousandths.
    pub budget: u64,
    /// In so many seconds.
    pub seconds: u32,
    /// The words that the budget rests on.
    pub clause: Option<Arc<Clause>>,
}

impl Charge {
    /// The refusal where so much of a purse is spent, which is full again at this time.
    pub fn spent(&self, user: &str, purse: &Purse, spent: u64, renewed: &str) -> Refusal {
        let Purse { purpose, budget, seconds, clause } = purse;
        let message = format!("the budget of role \"{user}\" for purpose \"{purpose}\" is spent");
        let clause = clause.as_ref().map_or_else(String::new, |clause| format!("; {}", clause.quoted()));
        let [cost, all, left] = [self.epsilon, *budget, budget.saturating_sub(spent)].map(Thousandths);
        let detail = format!(
            "this statement tells an epsilon of {cost} with noise; of {all} in {}, {left} are left{clause}",
            length(*seconds)
        );
        let hint = format!("It is renewed at {renewed}. Fewer numbers and fewer grouping sets cost less.");
        Refusal::new(SqlState("53400"), message).with_detail(detail).with_hint(hint)
    }

    /// The refusal where nothing can be paid.
    pub fn unpaid(&self) -> Refusal {
        let purposes: Vec<String> = self.purses.iter().map(|purse| format!("\"{}\"", purse.purpose)).collect();
        let message = format!("the budget for purpose {} cannot be charged", purposes.join(" or "));
        let hint =
            "Run what `wherefore install` writes, and let the role that the proxy reads the catalog as keep budgets.";
        Refusal::new(SqlState("57P03"), message).with_hint(hint)
    }
}

fn length(seconds: u32) -> String {
    let (number, unit) = match seconds {
        _ if seconds.is_multiple_of(86_400) => (seconds / 86_400, "day"),
        _ if seconds.is_multiple_of(3600) => (seconds / 3600, "hour"),
        _ => (seconds / 60, "minute"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// How much of its relations a statement sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// Every column and row of each: nothing about them is hidden, their statistics included.
    Whole,
    /// Every row, but not every column as it is.
    Columns,
    /// Not every row.
    Rows,
}

/// One statement of a message with everything about it that does not depend on the session.
#[derive(Debug, Clone)]
pub struct Understood {
    pub kind: Kind,
    /// Byte range in the message, without the semicolon; leading comments and space belong to it.
    pub span: (u32, u32),
    /// The purpose that its comment declares (`/*purpose='…'*/`, sqlcommenter).
    pub comment: Option<Box<str>>,
}

/// How the server's errors and notices on a statement reach the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    /// As they come: the policy opens all of what they could quote.
    Verbatim,
    /// Only what is known to carry no value.
    Discreet,
}

/// A statement and its plan.
#[derive(Debug, Clone)]
pub struct Planned {
    pub statement: Understood,
    pub plan: Plan,
    pub reports: Reports,
    /// Under a purpose in shadow mode, what would have become of it.
    pub shadow: Option<Shadow>,
    /// What a record says of it, where there are records.
    pub trace: Option<Arc<Trace>>,
}

/// What would have become of a statement that passes as it was sent.
#[derive(Debug, Clone)]
pub enum Shadow {
    Refused(Arc<Refusal>),
    /// Something is kept back of what it names: columns, values or rows.
    Rewritten,
}

impl Shadow {
    /// Of a plan that is not carried out.
    pub(super) fn of(plan: Plan) -> Option<Shadow> {
        match plan {
            Plan::Refuse(refusal) => Some(Shadow::Refused(refusal)),
            Plan::Rewrite(rewritten) if rewritten.sight != Sight::Whole || rewritten.looks_up => {
                Some(Shadow::Rewritten)
            }
            Plan::Rewrite(_) | Plan::Forward => None,
        }
    }
}

/// What a text holds.
#[derive(Debug, Clone)]
pub enum Judged {
    One(Planned),
    /// Several statements, in order. Each is to be judged on its own: `&text[span]`.
    Many(Box<[Understood]>),
    /// Nothing but space, comments and semicolons.
    Empty,
}
