//! MERGE and TRUNCATE.

use super::resolver::{Outcome, Resolver, not_understood, unresolved};
use super::scope::{Columns, Entry, Level};
use super::target::Target;
use super::updatable::Standing;
use super::write::Draft;
use super::{Manner, Verb};
use crate::sql::words;
use crate::vocab::{Right, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{CmdType, DropBehavior, MergeMatchKind, MergeStmt, MergeWhenClause, TruncateStmt};

impl Resolver<'_> {
    pub(super) fn merge(&mut self, merge: &mut MergeStmt) -> Outcome<Columns> {
        let MergeStmt { relation, source_relation, join_condition, merge_when_clauses, returning_clause, with_clause } =
            merge;
        self.with_clause(with_clause)?;
        let target = self.target(relation, Right::Update)?;
        if let Some(view) = target.view.as_ref().filter(|view| view.standing == Standing::Table) {
            let what = format!("MERGE into view {}, whose rows are filtered or columns masked,", view.relation.name);
            return not_understood(what, target.at);
        }
        let mut draft = Draft {
            number: target.number,
            at: target.at,
            manner: Manner::Merge,
            verbs: Vec::new(),
            assigned: Vec::new(),
        };
        self.levels.push(Level::default());
        // RETURNING * of a MERGE lists the source first.
        let Some(source) = source_relation else { return not_understood("MERGE without a source", target.at) };
        self.resolve_from(std::slice::from_mut(&mut **source))?;
        self.push_entry(target.entry());
        self.check_target_name(&target)?;
        if let Some(condition) = join_condition {
            self.condition(condition, Usage::Join)?;
        }
        for node in merge_when_clauses {
            let Some(NodeEnum::MergeWhenClause(when)) = &mut node.node else {
                return not_understood("a part of MERGE", target.at);
            };
            let MergeWhenClause { match_kind, command_type, r#override: _, condition, target_list, values } =
                &mut **when;
            let all = self.show_for(*match_kind, target.at)?;
            if let Some(condition) = condition {
                self.condition(condition, Usage::Filter)?;
            }
            match CmdType::try_from(*command_type) {
                Ok(CmdType::CmdUpdate) => {
                    draft.verbs.push(Verb::Update);
                    let mut assigned = self.assignments(&target, target_list)?;
                    draft.assigned.append(&mut assigned);
                }
                Ok(CmdType::CmdInsert) => {
                    draft.verbs.push(Verb::Insert);
                    let mut labels = Vec::with_capacity(values.len());
                    for value in values.iter_mut() {
                        labels.push(self.expression(value, Some(Usage::Output))?);
                    }
                    let mut assigned = self.insert_columns(&target, target_list, &labels)?;
                    draft.assigned.append(&mut assigned);
                }
                Ok(CmdType::CmdDelete) => draft.verbs.push(Verb::Delete),
                Ok(CmdType::CmdNothing) => {}
                Ok(CmdType::CmdUnknown | CmdType::CmdSelect | CmdType::CmdMerge | CmdType::CmdUtility)
                | Ok(CmdType::Undefined)
                | Err(_) => return not_understood("an unknown action of MERGE", target.at),
            }
            if let Some(level) = self.levels.last_mut() {
                level.entries = all;
            }
        }
        self.drafts.push(draft);
        self.push_old_and_new(&target);
        self.returning(returning_clause)
    }

    /// The source may not be called what the target is called.
    fn check_target_name(&self, target: &Target<'_>) -> Outcome<()> {
        let same = |entry: &&Entry| entry.by_name && entry.name.as_ref() == Some(&target.alias);
        match self.levels.last().map_or(0, |level| level.entries.iter().filter(same).count()) {
            0 | 1 => Ok(()),
            _several => {
                let message = format!("name \"{}\" specified more than once", target.alias);
                unresolved(SqlState::DUPLICATE_ALIAS, message, -1)
            }
        }
    }

    /// Hides from an action the side that has no row then, the target or the source; returns the entries as they were.
    fn show_for(&mut self, match_kind: i32, at: i32) -> Outcome<Vec<Entry>> {
        let Some(level) = self.levels.last_mut() else { return not_understood("MERGE outside a statement", at) };
        let all = level.entries.clone();
        let Some((target, source)) = level.entries.split_last_mut() else { return Ok(all) };
        let hidden = match MergeMatchKind::try_from(match_kind) {
            Ok(MergeMatchKind::MergeWhenMatched) => &mut [],
            Ok(MergeMatchKind::MergeWhenNotMatchedBySource) => source,
            Ok(MergeMatchKind::MergeWhenNotMatchedByTarget) => std::slice::from_mut(target),
            Ok(MergeMatchKind::Undefined) | Err(_) => return not_understood("an unknown WHEN of MERGE", at),
        };
        for entry in hidden {
            (entry.by_name, entry.by_column) = (false, false);
        }
        Ok(all)
    }

    pub(super) fn truncate(&mut self, truncate: &mut TruncateStmt) -> Outcome<()> {
        let TruncateStmt { relations, restart_seqs: _, behavior } = truncate;
        let verb = match DropBehavior::try_from(*behavior) {
            Ok(DropBehavior::DropCascade) => Verb::TruncateCascade,
            Ok(DropBehavior::DropRestrict | DropBehavior::Undefined) | Err(_) => Verb::Truncate,
        };
        for node in relations {
            let range = match &mut node.node {
                Some(NodeEnum::RangeVar(range)) => range,
                Some(other) => return not_understood(words(other), -1),
                None => return not_understood("TRUNCATE of nothing", -1),
            };
            let mut named = Some(std::mem::take(range));
            let target = self.target(&mut named, Right::Delete)?;
            if let Some(view) = &target.view {
                let message = format!("\"{}\" is not a table", view.relation.name);
                return unresolved(SqlState::WRONG_OBJECT_TYPE, message, target.at);
            }
            *range = named.unwrap_or_default();
            self.drafts.push(Draft::plain(&target, verb, Vec::new()));
        }
        Ok(())
    }
}
