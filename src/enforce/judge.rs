//! One statement, from text to plan.
//!
//! `Parsed → Resolved → Permitted → Plan`: each phase is a type that only the one before can make, so that nothing is
//! sent that was not judged.

use super::aggregate;
use super::define;
use super::explain::RelationReport;
use super::plan::{Charge, Names, Plan, Reports, Rewritten, Sight, Understood};
use super::report;
use super::reports;
use super::sequences::check_sequences;
use super::settings;
use super::temporary;
use super::utility;
use super::view::{Encoding, View};
use crate::analyze::{
    ColumnUse, Context, FunctionRead, Openness, Place, RelationUse, Resolved, Rewrites, Rulings, Runs, Shape, Stars,
    Trouble, Verb, resolve,
};
use crate::catalog::{Function, Relation, quote_qualified};
use crate::policy::{Effect, Filter, RelationRuling};
use crate::rewrite::{NewRows, Standing, Unlisted, check_new_rows, put_guards, same_text, shape, without_guards};
use crate::sql::{Kind, SecondReading, Statement, Transaction, print, second_reading};
use crate::vocab::{AttNum, Closed, NotUnderstood, Oid, Positions, Refusal, Right, Usage, UsageSet};
use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use std::sync::Arc;

/// Judges one parsed statement under a restricted view. `text` is what it was parsed from.
pub(super) fn judge(view: &View, text: &str, understood: &Understood, statement: Statement) -> Plan {
    match plan(view, text, understood, statement) {
        Ok(plan) => plan,
        Err(refusal) => Plan::Refuse(Arc::new(*refusal)),
    }
}

fn plan(view: &View, text: &str, understood: &Understood, statement: Statement) -> Result<Plan, Box<Refusal>> {
    let refuse = |what: &str| Err(Box::new(report::not_understood(view, text, &NotUnderstood::new(what, None))));
    match &understood.kind {
        Kind::Read | Kind::Write | Kind::Bulk | Kind::Call if view.encoding() == Encoding::Overlapping => {
            refuse(super::OVERLAPPING)
        }
        Kind::Read | Kind::Write | Kind::Bulk | Kind::Call => data(view, text, statement.tree).map(Plan::Rewrite),
        Kind::Explain | Kind::Prepare(_) | Kind::Execute(_) | Kind::Declare(_) | Kind::Lock => {
            utility::judge(view, text, &understood.kind, statement.tree)
        }
        Kind::Define(words) => define::judge(view, text, words, statement.tree),
        Kind::Signal(signal) => utility::signal(view, text, signal),
        // Which statement or cursor a name stands for only the session knows.
        Kind::Fetch(_) | Kind::Close(_) => Ok(Plan::Forward),
        Kind::Transaction(
            Transaction::Begin
            | Transaction::Commit { chain: _ }
            | Transaction::Rollback { chain: _ }
            | Transaction::Savepoint
            | Transaction::Release
            | Transaction::RollbackTo
            | Transaction::Constraints
            | Transaction::TwoPhase,
        )
        | Kind::Show(_)
        | Kind::Discard(_)
        | Kind::Deallocate(_) => Ok(Plan::Forward),
        Kind::Set(set) if set.by_function && has_rival(view, "set_config") => refuse("a user's function set_config"),
        // The arguments may be cast to them.
        Kind::Set(set) if set.by_function && has_own_type(view, &["text", "bool"]) => {
            refuse("a user's type text or bool")
        }
        Kind::Set(set) => match settings::check(set, view.bound().policy(), view.bound().catalog()) {
            Ok(()) => Ok(Plan::Forward),
            Err(reason) => Err(Box::new(report::not_understood(view, text, &reason))),
        },
        Kind::Unread => refuse("a statement that could not be read"),
        Kind::Other(name) => refuse(name),
    }
}

/// Whether a function of that name outside `pg_catalog` stands on the search path.
fn has_rival(view: &View, function: &str) -> bool {
    let mut functions = view.bound().catalog().functions(function);
    functions.any(|other| &*other.schema != "pg_catalog" && view.path().searches(&other.schema))
}

/// Whether one of these types exists outside `pg_catalog` too.
fn has_own_type(view: &View, names: &[&str]) -> bool {
    names.iter().any(|name| view.bound().catalog().types(name).next().is_some())
}

/// A reference to a relation with the ruling on it.
pub(super) struct Exposed {
    pub relation: Relation,
    pub reference: RelationUse,
    pub ruling: Arc<RelationRuling>,
}

/// What the policy says in this view, as far as resolution must know it.
impl Rulings for View {
    fn guarded(&self, relation: &Relation) -> bool {
        !self.bound().ruling(self.reader(), relation).whole()
    }

    fn filtered(&self, relation: &Relation) -> bool {
        self.bound().ruling(self.reader(), relation).hides_rows()
    }

    fn openness(&self, relation: &Relation, column: usize) -> Openness {
        let ruling = self.bound().ruling(self.reader(), relation);
        match ruling.columns.get(column).map(|column| &column.effect) {
            Some(Effect::Allow) => Openness::Open,
            Some(Effect::Mask(_)) => Openness::Masked,
            Some(Effect::Aggregate(_)) => Openness::Aggregated,
            Some(Effect::Deny) | None => Openness::Closed,
        }
    }

    fn looks_up(&self, relation: &Relation, column: usize) -> bool {
        let ruling = self.bound().ruling(self.reader(), relation);
        ruling.columns.get(column).is_some_and(|column| column.filter == Filter::LookUp)
    }

    fn shape(&self, relation: &Relation, alias: &str, right: Right) -> Result<Shape, Trouble> {
        let read = self.bound().ruling(self.reader(), relation);
        let write = self.bound().ruling_for(self.reader(), right, relation);
        shape(relation, alias, right, &read, &write, &context(self))
    }

    fn listed(&self, function: &Function) -> Option<Arc<[FunctionRead]>> {
        self.bound().listed(self.purpose(), function)
    }

    fn rewrites(&self, relation: &Relation) -> Option<Rewrites> {
        self.bound().rewrites(self.purpose(), relation.oid)
    }

    fn messages_pass(&self, function: &Function) -> bool {
        self.bound().messages_pass(self.purpose(), function)
    }

    fn constant(&self, number: i32) -> Option<String> {
        self.bound().policy().constant(&self.principal().values, number)
    }

    fn is_own_setting(&self, name: &str) -> bool {
        settings::is_custom(name, self.bound().catalog())
    }
}

/// What names mean in this view.
pub(super) fn context(view: &View) -> Context<'_> {
    let stars = view.purpose().map_or(Stars::Whole, |purpose| view.bound().policy().stars(purpose));
    Context { catalog: view.bound().catalog(), path: view.path(), rulings: view, parameters: view.parameters(), stars }
}

/// What a statement is exposed to, whether or not it is permitted; empty where its names don't resolve.
pub(super) fn exposures(view: &View, tree: Node) -> Vec<RelationReport> {
    let bound = view.bound();
    let context = context(view);
    let Ok(resolved) = resolve(tree, &context) else { return Vec::new() };
    let exposed = resolved.relations.into_iter().filter_map(|reference| {
        let relation = bound.catalog().relation(reference.relation)?.clone();
        let ruling = bound.ruling(view.reader(), &relation);
        Some(Exposed { relation, reference, ruling }.report())
    });
    exposed.collect()
}

/// Judges a statement that reads or writes data.
pub(super) fn data(view: &View, text: &str, mut tree: Node) -> Result<Rewritten, Box<Refusal>> {
    let context = context(view);
    for unlisted in [Unlisted::Own, Unlisted::Hidden] {
        let Ok(Some(bare)) = without_guards(&mut tree, unlisted, &context) else { break };
        if let Ok(guarded) = guarded(view, text, bare)
            && same_text(&guarded.resolved.tree, &tree).unwrap_or(false)
        {
            // A statement that was rewritten before: rewriting it again changes nothing.
            return send(view, text, guarded);
        }
    }
    send(view, text, guarded(view, text, tree)?)
}

/// Where a statement can't be resolved or printed: the report on it.
fn trouble(view: &View, text: &str, trouble: Trouble) -> Box<Refusal> {
    Box::new(match trouble {
        Trouble::NotUnderstood(reason) => report::not_understood(view, text, &reason),
        Trouble::Unresolved(reason) => report::unresolved(text, &reason),
    })
}

/// A permitted statement with its guards. Only [`guarded`] makes one.
struct Guarded {
    resolved: Resolved,
    sight: Sight,
    reports: Reports,
    charge: Option<Arc<Charge>>,
}

/// Resolves a statement, decides, and puts guards in place.
fn guarded(view: &View, text: &str, mut tree: Node) -> Result<Guarded, Box<Refusal>> {
    super::demands::names_columns(view, text, &mut tree)?;
    let catalog = view.bound().catalog();
    let context = context(view);
    let trouble = |reason| trouble(view, text, reason);
    let policy = view.bound().policy();
    let written = view.purpose().and_then(|purpose| policy.max_rows(purpose)).map(|_| tree.clone());
    let mut resolved = resolve(tree, &context).map_err(trouble)?;
    if let Some(written) = written
        && let Some(limited) = super::bounded::hold(view, text, &resolved, &written, &context)?
    {
        // Whether it locks rows beside a LIMIT is seen when it is resolved.
        resolved = resolve(limited, &context).map_err(trouble)?;
    }
    let charge = match runs(&resolved) {
        true => aggregate::permit(view, text, &mut resolved, &context)?,
        false => None,
    };
    let mut permitted = permit(view, text, resolved)?;
    let sight = permitted.references.iter().map(|(reference, ruling)| utility::sight(view, reference, ruling)).max();
    let standings: Vec<Standing<'_>> = permitted
        .references
        .iter()
        .filter_map(|(reference, ruling)| {
            let relation = catalog.relation(reference.relation)?;
            Some(Standing { relation, ruling, reference })
        })
        .collect();
    check_new(&mut permitted.resolved, view, &context).map_err(trouble)?;
    // LOCK reads nothing: no guard stands in for what it locks.
    if runs(&permitted.resolved) && !matches!(permitted.resolved.tree.node, Some(NodeEnum::LockStmt(_))) {
        put_guards(&mut permitted.resolved, &standings, &context).map_err(trouble)?;
    }
    let sight = sight.unwrap_or(Sight::Whole);
    let reports = reports::of_data(view, &permitted.resolved);
    Ok(Guarded { resolved: permitted.resolved, sight, reports, charge })
}

/// Holds new rows against the conditions of the right to insert them.
fn check_new(resolved: &mut Resolved, view: &View, context: &Context<'_>) -> Result<(), Trouble> {
    let bound = view.bound();
    let inserts = resolved.writes.iter().filter(|write| write.verbs.contains(&Verb::Insert));
    let bounded = inserts.filter_map(|write| {
        let relation = bound.catalog().relation(write.relation)?;
        let ruling = bound.ruling_for(view.reader(), Right::Insert, relation);
        (!ruling.rows.is_empty()).then_some((write.at, relation, ruling))
    });
    let bounded: Vec<_> = bounded.collect();
    let inserts: Vec<NewRows<'_>> =
        bounded.iter().map(|(at, relation, ruling)| NewRows { relation, at: *at, conditions: &ruling.rows }).collect();
    if inserts.is_empty() { Ok(()) } else { check_new_rows(&mut resolved.tree, &inserts, context) }
}

/// Whether what a statement reads is read now. What defines a relation stands as it was written, but for a query that runs
/// once; whoever reads it is judged.
fn runs(resolved: &Resolved) -> bool {
    resolved.definition.as_ref().is_none_or(|definition| definition.runs == Runs::Query)
}

/// A statement whose every use is open to the purpose. Only [`permit`] makes one.
struct Permitted {
    resolved: Resolved,
    references: Vec<(RelationUse, Arc<RelationRuling>)>,
}

/// The decision: every use held against the rulings.
fn permit(view: &View, text: &str, resolved: Resolved) -> Result<Permitted, Box<Refusal>> {
    let bound = view.bound();
    let mut closed: Vec<Closed> = Vec::new();
    let mut places: Vec<(Oid, Option<AttNum>)> = Vec::new();
    let mut first: Option<u32> = None;
    check_sequences(view, text, &resolved.sequences)?;
    let mut references = Vec::with_capacity(resolved.relations.len());
    for reference in &resolved.relations {
        let Some(relation) = bound.catalog().relation(reference.relation) else {
            let reason = NotUnderstood::new("a relation that vanished", u32::try_from(reference.at).ok());
            return Err(Box::new(report::not_understood(view, text, &reason)));
        };
        let ruling = bound.ruling(view.reader(), relation);
        let before = closed.len();
        // Its aggregates have their thresholds, or will have them where it is read.
        let released = reference.subject.is_some() || (ruling.min_subjects().is_some() && !runs(&resolved));
        for column in &reference.columns {
            let (Some(base), Some(verdict)) = (relation.columns.get(column.index), ruling.columns.get(column.index))
            else {
                let reason = NotUnderstood::new("a column that the policy does not know", column.at);
                return Err(Box::new(report::not_understood(view, text, &reason)));
            };
            let permitted = match (&verdict.effect, reference.place) {
                (Effect::Allow, _) => true,
                (Effect::Mask(_), place) => matches!(place, Place::Text | Place::Target | Place::Locked),
                (Effect::Aggregate(_), Place::Text) => released,
                (Effect::Aggregate(_), _) => {
                    let standing = Standing { relation, ruling: &ruling, reference };
                    let why = "it is stored, written to or read by a function, where no threshold can stand";
                    return Err(Box::new(aggregate::refusal(view, text, &standing, why)));
                }
                (Effect::Deny, _) => false,
            };
            if permitted && let Some((usage, cause)) = verdict.closing(told_apart(reference, column)) {
                let closed = (*usage, cause);
                return Err(Box::new(report::closed_usage(view, text, relation, base, verdict, closed, column.at)));
            }
            if permitted && verdict.filter == Filter::LookUp && column.usages.contains(Usage::Filter) {
                return Err(Box::new(report::looked_up_only(view, text, relation, base, verdict, column.at)));
            }
            if !permitted {
                add(&mut closed, &mut places, &reference.through, relation, Some((base.number, &base.name)), verdict);
                first = earlier(first, column.at);
            }
        }
        if ruling.hides_rows()
            && !matches!(reference.place, Place::Text | Place::Target)
            && let Some(verdict) = ruling.columns.iter().find(|column| column.effect != Effect::Deny)
        {
            // What is stored, or not guarded, has the rows that a condition would hide.
            add(&mut closed, &mut places, &reference.through, relation, None, verdict);
            first = earlier(first, u32::try_from(reference.origin).ok());
        }
        // An INSERT alone tells nothing of the rows that are there.
        let mut writes = resolved.writes.iter().filter(|write| write.at == reference.at);
        let counts = reference.place != Place::Target
            || writes.any(|write| write.verbs.iter().any(|verb| *verb != Verb::Insert));
        if closed.len() == before && counts && !ruling.countable() && !released {
            // The number of rows, and that there are any, is data of the subjects too.
            if let Some(verdict) = ruling.columns.first() {
                add(&mut closed, &mut places, &reference.through, relation, None, verdict);
                first = earlier(first, u32::try_from(reference.origin).ok());
            }
        }
        references.push((reference.clone(), ruling));
    }
    if !closed.is_empty() {
        return Err(Box::new(report::closed(view, text, Right::Read, closed, &places, first)));
    }
    temporary::permit(view, text, &resolved)?;
    super::demands::permit(view, text, &resolved)?;
    super::parameters::permit(view, text, &resolved)?;
    super::writes::permit(view, text, &resolved)?;
    super::flow::permit(view, text, &resolved)?;
    super::sent::permit_sent(view, text, &resolved)?;
    define::permit(view, text, &resolved)?;
    Ok(Permitted { resolved, references })
}

/// The usages of a column, and all those that it may have where they are not told apart.
fn told_apart(reference: &RelationUse, column: &ColumnUse) -> UsageSet {
    if reference.is_of_function() || reference.place == Place::Stored {
        return UsageSet::all();
    }
    let mut usages = column.usages;
    match (&reference.through, usages.is_empty()) {
        // What a statement does not reach of a view flows nowhere.
        (Some(_), true) => {}
        // What a view aggregates counts as what the statement does with it.
        (Some(_), false) => usages.insert(Usage::Aggregate),
        (None, true) => usages.insert(Usage::Output),
        (None, false) => {}
    }
    usages
}

fn earlier(first: Option<u32>, at: Option<u32>) -> Option<u32> {
    [first, at].into_iter().flatten().min()
}

pub(super) fn add(
    closed: &mut Vec<Closed>,
    places: &mut Vec<(Oid, Option<AttNum>)>,
    through: &Option<Arc<str>>,
    relation: &Relation,
    column: Option<(AttNum, &Arc<str>)>,
    verdict: &crate::policy::ColumnRuling,
) {
    let place = (relation.oid, column.map(|(number, _)| number));
    if places.contains(&place) {
        return;
    }
    places.push(place);
    closed.push(Closed {
        relation: quote_qualified(&relation.schema, &relation.name).into(),
        column: column.map(|(_, name)| Arc::clone(name)),
        categories: Arc::clone(&verdict.categories),
        subject: verdict.subject.clone(),
        through: through.clone(),
        cause: verdict.cause.clone(),
    });
}

/// Prints what is to be sent and has it read by the second reader.
fn send(view: &View, text: &str, guarded: Guarded) -> Result<Rewritten, Box<Refusal>> {
    let Guarded { resolved, sight, reports, charge } = guarded;
    let looks_up = resolved.relations.iter().any(|reference| reference.looks_up);
    let catalog = view.bound().catalog();
    let refuse = |reason: NotUnderstood| trouble(view, text, reason.into());
    let printed = print(&resolved.tree).map_err(refuse)?;
    if view.encoding() != Encoding::Utf8 && !printed.text.is_ascii() {
        return Err(refuse(NotUnderstood::new("a name that is not ASCII under this client_encoding", None)));
    }
    if let SecondReading::Relations(relations) = second_reading(&printed.text) {
        for (schema, name) in relations {
            let fresh = resolved.definition.as_ref().and_then(|definition| definition.fresh.as_ref());
            let made = fresh.is_some_and(|(made_in, made)| **made_in == *schema && **made == *name);
            let of_conditions = view.reader().is_some_and(|reader| {
                let deciding = view.bound().deciding(reader);
                let relation = catalog.relation_in(&schema, &name);
                relation.is_some_and(|relation| deciding.iter().any(|(oid, _)| *oid == relation.oid))
            });
            let known = made
                || of_conditions
                || resolved.relations.iter().any(|reference| {
                    let relation = catalog.relation(reference.relation);
                    relation.is_some_and(|relation| *relation.schema == *schema && *relation.name == *name)
                });
            if !known {
                let what = format!("a statement that two parsers read differently ({schema}.{name})");
                return Err(refuse(NotUnderstood::new(what, None)));
            }
        }
    }
    let positions = positions(&printed.text, text, &printed.offsets);
    let late = resolved.runs_text || temporary::is_stored(view, &resolved);
    let names = if late { Names::Late } else { Names::Bound };
    let temporary = temporary::marks(view, &resolved);
    let (text, columns) = (printed.text.into(), resolved.columns);
    Ok(Rewritten { text, positions, columns, sight, reports, looks_up, charge, names, temporary })
}

/// Byte offsets to one-based character positions, in both texts.
fn positions(new: &str, old: &str, offsets: &[(u32, Option<u32>)]) -> Arc<[(u32, u32)]> {
    let (new, old) = (Positions::new(new), Positions::new(old));
    let original = |from: Option<u32>| from.map_or(0, |from| old.of(from as usize));
    offsets.iter().map(|(to, from)| (new.of(*to as usize), original(*from))).collect()
}
