//! What of a policy enforces each clause of its document.

use super::Policy;
use crate::vocab::Clause;
use std::sync::Arc;

/// A clause, and what of the policy cites it.
#[derive(Debug, Clone)]
pub struct Coverage {
    pub clause: Arc<Clause>,
    /// Ids of rules, and what else cites the clause in words.
    pub enforced_by: Vec<String>,
    /// Why no rule cites it, where the policy says.
    pub without_rule: Option<Arc<str>>,
}

impl Policy {
    /// Every clause that the policy registers, in its order.
    pub fn coverage(&self) -> Vec<Coverage> {
        let citing = self.citing();
        let covered = |known: &super::Registered| {
            let of_it = citing.iter().filter(|(clause, _)| **clause == *known.clause.id);
            Coverage {
                clause: Arc::clone(&known.clause),
                enforced_by: of_it.map(|(_, by)| by.clone()).collect(),
                without_rule: known.without_rule.as_ref().map(|word| Arc::clone(&word.text)),
            }
        };
        self.clauses.iter().map(covered).collect()
    }

    /// Everything that cites a clause: the clause's id, and what cites it.
    fn citing(&self) -> Vec<(&str, String)> {
        let rules = self.rules.iter().map(|rule| (&rule.clause, rule.id.text.to_string()));
        let narrows = self.narrows.iter().map(|narrow| (&narrow.clause, narrow.id.text.to_string()));
        let apart = self.never_together.iter().map(|apart| (&apart.clause, "never_together".to_owned()));
        let opened = self.functions.iter().chain(&self.rewrites).chain(&self.systems);
        let opened = opened.map(|entry| (&entry.clause, entry.shown()));
        let all = rules.chain(narrows).chain(apart).chain(opened);
        let mut citing: Vec<(&str, String)> =
            all.filter_map(|(clause, by)| Some((&*clause.as_ref()?.id, by))).collect();
        let declared = self.declassifiers.iter();
        citing
            .extend(declared.map(|declared| (&*declared.clause.id, format!("{}.{}", declared.schema, declared.name))));
        for purpose in self.trees.purposes.nodes() {
            let name = self.purpose_name(purpose);
            for (demand, clause) in self.traits[usize::from(purpose.0)].settings.clauses() {
                citing.push((&clause.text, format!("{name}: {demand}")));
            }
        }
        citing
    }
}
