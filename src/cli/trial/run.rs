//! Tests played: judged as the proxy would, and, where there is a database, run in it.

use super::case::{Case, Expected};
use crate::catalog::{Catalog, SearchPath};
use crate::enforce::{Encoding, Limits, Plan, View, explain};
use crate::policy::{Bound, Policy, Principal};
use crate::session::{Legs, encrypted};
use crate::vocab::Refusal;
use std::sync::Arc;
use tokio_postgres::{Client, SimpleQueryMessage};

/// What became of a test.
#[derive(Debug)]
pub(super) struct Outcome {
    /// What is not as it should be.
    pub failure: Option<String>,
    /// It needs a database, and there is none.
    pub skipped: bool,
    /// What was decided.
    decided: Result<Decided, String>,
}

/// What would become of a statement.
#[derive(Debug, PartialEq, Eq)]
enum Decided {
    /// What is sent.
    Sent(String),
    Refused(String),
}

/// Where tests are played.
pub(super) struct Ground<'g> {
    catalog: Arc<Catalog>,
    client: Option<&'g Client>,
    runtime: &'g tokio::runtime::Runtime,
}

impl<'g> Ground<'g> {
    pub(super) fn new(
        catalog: Arc<Catalog>,
        client: Option<&'g Client>,
        runtime: &'g tokio::runtime::Runtime,
    ) -> Ground<'g> {
        Ground { catalog, client, runtime }
    }

    /// Plays every test.
    pub(super) fn play(&self, policy: &Arc<Policy>, cases: &[Case]) -> Vec<Outcome> {
        let bound = self.bound(policy);
        cases.iter().map(|case| self.play_one(&bound, case)).collect()
    }

    /// Whether some test comes out otherwise under another policy. What is decided as before needs no second run.
    pub(super) fn notices(&self, policy: &Arc<Policy>, cases: &[Case], outcomes: &[Outcome]) -> bool {
        let bound = self.bound(policy);
        cases.iter().zip(outcomes).any(|(case, before)| {
            let decided = decide(&bound, case);
            decided != before.decided && self.failure(case, &decided).is_some()
        })
    }

    fn bound(&self, policy: &Arc<Policy>) -> Arc<Bound> {
        Arc::new(Bound::new(Arc::clone(policy), Arc::clone(&self.catalog)))
    }

    fn play_one(&self, bound: &Arc<Bound>, case: &Case) -> Outcome {
        let decided = decide(bound, case);
        let skipped = case.needs_rows() && self.client.is_none();
        Outcome { failure: self.failure(case, &decided), skipped, decided }
    }

    /// What is not as the test wants it.
    fn failure(&self, case: &Case, decided: &Result<Decided, String>) -> Option<String> {
        match (decided, case.expect) {
            (Err(why), _) => Some(why.clone()),
            (Ok(Decided::Refused(report)), Expected::Answered) => Some(format!("refused: {report}")),
            (Ok(Decided::Sent(text)), Expected::Refused) => Some(format!("answered, sent as: {text}")),
            (Ok(Decided::Refused(report)), Expected::Refused) => {
                let clause = case.clause.iter().map(|clause| format!("clause {clause} "));
                let missing = case.says.iter().cloned().chain(clause).find(|words| !report.contains(words.as_str()));
                missing.map(|words| format!("the refusal does not say `{}`: {report}", words.trim_end()))
            }
            (Ok(Decided::Sent(text)), Expected::Answered) => match &case.sent {
                Some(wanted) if wanted.trim() != text.trim() => Some(format!("sent as: {text}")),
                Some(_) | None => self.client.and_then(|client| self.answer(client, case, text)),
            },
        }
    }

    /// What is not right about the answer of the database.
    fn answer(&self, client: &Client, case: &Case, text: &str) -> Option<String> {
        let asked = async {
            client.batch_execute("BEGIN").await?;
            if let Some(before) = &case.before {
                client.batch_execute(before).await?;
            }
            client.simple_query(text).await
        };
        let answer = self.runtime.block_on(asked);
        let _undone = self.runtime.block_on(client.batch_execute("ROLLBACK"));
        let rows: Vec<String> = match answer {
            Ok(messages) => messages.iter().filter_map(line).collect(),
            Err(error) => return Some(format!("the database says: {}", super::load::words(&error))),
        };
        let wanted = case.rows.as_ref().filter(|wanted| **wanted != rows)?;
        Some(format!("answered {rows:?}, not {wanted:?}"))
    }
}

fn line(message: &SimpleQueryMessage) -> Option<String> {
    match message {
        SimpleQueryMessage::Row(row) => {
            let values: Vec<&str> = (0..row.len()).map(|at| row.get(at).unwrap_or_default()).collect();
            Some(values.join("|"))
        }
        _no_row => None,
    }
}

/// What the proxy would do; an error where the test names what the policy lacks.
fn decide(bound: &Arc<Bound>, case: &Case) -> Result<Decided, String> {
    let policy = bound.policy();
    if let Some(clause) = case.clause.as_deref().filter(|id| !policy.clauses().any(|(known, _)| *known.id == **id)) {
        return Err(format!("the policy has no clause `{clause}`"));
    }
    let purpose = match &case.purpose {
        Some(name) => Some(policy.purpose(name).ok_or_else(|| format!("the policy has no purpose `{name}`"))?),
        None => None,
    };
    let mut principal = match &case.role {
        Some(role) => bound.principal(role),
        None => {
            let unknown = |name| format!("the policy has no recipient `{name}`");
            let recipient = case.recipient.as_ref();
            let recipient = recipient.map(|name| policy.recipient(name).ok_or_else(|| unknown(name))).transpose()?;
            Principal::of_purpose("test", purpose, recipient)
        }
    };
    if let Some(purpose) = purpose.filter(|purpose| !principal.may_declare(*purpose)) {
        let role = case.role.as_deref().unwrap_or_default();
        return Ok(Decided::Refused(format!("{role} may not declare {}", policy.purpose_name(purpose))));
    }
    let legs = if case.tls.unwrap_or(true) { Legs::Encrypted } else { Legs::ClientPlain };
    if let Some(Err(refusal)) = purpose.map(|purpose| encrypted(policy, purpose, legs)) {
        return Ok(Decided::Refused(report(&refusal)));
    }
    for (name, given) in &case.parameters {
        let (id, parameter) = policy.parameter(name).ok_or_else(|| format!("the policy has no parameter `{name}`"))?;
        principal.values.set(id, parameter.read(&given.text())?);
    }
    let path = SearchPath::new(["public".into()]);
    let view = View::new(Arc::clone(bound), Arc::new(principal), purpose, path, Encoding::Utf8)
        .justified(case.justification.as_deref());
    let explained = match explain(&view, &case.sql, &Limits::default()) {
        Ok(explained) => explained,
        Err(refusal) => return Ok(Decided::Refused(report(&refusal))),
    };
    let mut sent = Vec::with_capacity(explained.len());
    for explanation in explained {
        match explanation.plan {
            Plan::Refuse(refusal) => return Ok(Decided::Refused(report(&refusal))),
            Plan::Rewrite(rewritten) => sent.push(rewritten.text.to_string()),
            Plan::Forward => sent.push(case.sql.trim().to_owned()),
        }
    }
    Ok(Decided::Sent(sent.join("; ")))
}

/// A refusal in one text.
fn report(refusal: &Refusal) -> String {
    let Refusal { code: _, message, detail, hint, position: _, closed: _ } = refusal;
    let more = [detail, hint].into_iter().flatten();
    more.fold(message.clone(), |text, more| format!("{text} — {more}"))
}
