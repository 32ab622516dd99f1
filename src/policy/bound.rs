//! A policy tied to a catalog snapshot.

use super::bind::{self, ColumnTags, RelationTags, Tag, Usable};
use super::condition::Condition;
use super::declassifier;
use super::lock;
use super::masked;
use super::opened::{self, BoundFunctions, BoundRewrites};
use super::others::ReadOfOthers;
use super::parameter::{Missing, ParameterId};
use super::raw::Verdict;
use super::report::{Lint, Problem};
use super::rules::{Point, Rule, Sense, Wanted, decide};
use super::ruling::Aggregate;
use super::subjects;
use super::system::{self, Openness};
use super::{
    ColumnOf, ColumnRuling, Effect, Filter, Mask, Policy, Principal, Proof, PurposeId, Reader, RelationRuling,
    RowCondition, Slices, Untagged,
};
use crate::analyze::{FunctionRead, Rewrites};
use crate::catalog::{Catalog, Column, Function, Relation, is_temporary, pseudonyms};
use crate::vocab::{AttNum, Cause, Clause, ColumnId, Oid, Right, Usage};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::{Arc, PoisonError, RwLock};

/// A user column that no tag covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntaggedColumn {
    pub id: ColumnId,
    /// Schema-qualified, quoted where it needs it.
    pub relation: Arc<str>,
    pub column: Arc<str>,
    pub lack: Lack,
}

/// Why a column carries no tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    NoTag,
    /// Tags would cover it, and the lock file does not list it.
    NotLocked,
}

/// A line of a pattern, with what it tags in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterned {
    /// The form of the tables' names, with their schema.
    pub tables: String,
    /// The form of the columns' names.
    pub called: Arc<str>,
    pub categories: Vec<Arc<str>>,
    /// The columns that it tags, each with its table.
    pub columns: Vec<String>,
}

pub(super) type Deciding = RwLock<FxHashMap<Reader, Arc<FxHashSet<ColumnOf>>>>;
type Memo = RwLock<FxHashMap<(Option<Reader>, Right, Oid), Arc<RelationRuling>>>;

/// A policy and the catalog it is applied to. Swapped whole when either changes.
#[derive(Debug, Clone)]
pub struct Bound {
    pub(super) policy: Arc<Policy>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) relations: Arc<FxHashMap<Oid, RelationTags>>,
    functions: Arc<BoundFunctions>,
    /// What functions read that the policy declares: their results.
    results: Arc<FxHashMap<Oid, Arc<[FunctionRead]>>>,
    rewrites: Arc<BoundRewrites>,
    untagged: Arc<[UntaggedColumn]>,
    patterned: Arc<[Patterned]>,
    /// Whether the database can make pseudonyms.
    pub(super) pseudonyms: bool,
    lints: Arc<[Lint]>,
    errors: Arc<[Problem]>,
    rulings: Arc<Memo>,
    pub(super) deciding: Arc<Deciding>,
}

impl Bound {
    pub fn new(policy: Arc<Policy>, catalog: Arc<Catalog>) -> Bound {
        Bound::succeeding(policy, catalog, None)
    }

    /// Ties a policy to a newer catalog. Tags stick to column numbers: a column that was renamed keeps the tags it had
    /// beside those of its new name, and one that appeared since is covered by no table's default.
    pub fn succeeding(policy: Arc<Policy>, catalog: Arc<Catalog>, previous: Option<&Bound>) -> Bound {
        let declared = declassifier::declare(&policy, &catalog);
        let catalog = declared.catalog.unwrap_or(catalog);
        let mut binding = bind::bind(&policy, &catalog);
        if let Some(previous) = previous.filter(|previous| previous.policy.version() == policy.version()) {
            bind::keep_tags(&mut binding, &policy, &catalog, &previous.catalog, &previous.relations);
        }
        let mut findings = binding.findings;
        findings.extend(declared.findings);
        let functions = opened::bind(&policy, &catalog, &mut findings);
        let rewrites = opened::bind_rewrites(&policy, &catalog, &mut findings);
        let mut bound = Bound {
            pseudonyms: pseudonyms::installed(&catalog),
            policy,
            catalog,
            relations: Arc::new(binding.relations),
            functions: Arc::new(functions),
            results: Arc::new(declared.results),
            rewrites: Arc::new(rewrites),
            untagged: binding.untagged.into(),
            patterned: binding.patterned.into(),
            lints: Arc::default(),
            errors: Arc::default(),
            rulings: Arc::default(),
            deciding: Arc::default(),
        };
        masked::check(&bound, &mut findings);
        subjects::check(&bound, &mut findings);
        bound.errors = binding.errors.into_errors(&bound.policy.sources).problems().into();
        bound.lints = findings.into_lints(&bound.policy.sources).into();
        bound
    }

    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// What in the policy does not fit the catalog, in the order of the files.
    pub fn lints(&self) -> &[Lint] {
        &self.lints
    }

    /// The role of this database with what the policy grants it and the roles that it is a member of.
    pub fn principal(&self, role: &str) -> Principal {
        self.proven_principal(role, &Proof::default())
    }

    /// The same, of someone who has proven more than to be this role.
    pub fn proven_principal(&self, role: &str, proof: &Proof) -> Principal {
        let member_of = self.catalog.role(role).map_or(&[][..], |role| &role.member_of);
        self.policy.proven_principal(role, member_of, proof)
    }

    /// Comments that cannot be read for tags, or say something else than the policy's files; patterns that disagree.
    pub fn errors(&self) -> &[Problem] {
        &self.errors
    }

    /// What each line of the policy's patterns tags, in the order of the files.
    pub fn patterned(&self) -> &[Patterned] {
        &self.patterned
    }

    /// The columns of user relations that carry no tag, in the catalog's order.
    pub fn untagged(&self) -> &[UntaggedColumn] {
        &self.untagged
    }

    /// The text of a lock file for this policy and this catalog.
    pub fn lock_file(&self) -> String {
        lock::text(&bind::unnamed(&self.policy, &self.catalog))
    }

    /// What a reader (or a session without a purpose) may see of a relation. Memoised.
    pub fn ruling(&self, reader: Option<Reader>, relation: &Relation) -> Arc<RelationRuling> {
        self.ruling_for(reader, Right::Read, relation)
    }

    /// What a reader may do of one kind with a relation's columns and rows. For the rights to write every column is
    /// allowed or denied, and the conditions are those that a row must meet to be written. Memoised.
    pub fn ruling_for(&self, reader: Option<Reader>, right: Right, relation: &Relation) -> Arc<RelationRuling> {
        if is_temporary(relation) {
            return Arc::new(RelationRuling::of_temporary(relation));
        }
        let key = (reader, right, relation.oid);
        // What a poisoned lock guards is whole: entries are only ever added.
        if let Some(known) = self.rulings.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(known);
        }
        let ruling = Arc::new(self.rule_on(reader, right, relation));
        let mut rulings = self.rulings.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(rulings.entry(key).or_insert(ruling))
    }

    /// What a function reads beyond its arguments, where the policy lists it for the purpose, or declares its result.
    pub fn listed(&self, purpose: Option<PurposeId>, function: &Function) -> Option<Arc<[FunctionRead]>> {
        if let Some(result) = self.results.get(&function.oid) {
            return Some(Arc::clone(result));
        }
        self.functions.listed(&self.policy, purpose?, function)
    }

    /// Whether the policy lets what a function raises pass under the purpose.
    pub fn messages_pass(&self, purpose: Option<PurposeId>, function: &Function) -> bool {
        purpose.is_some_and(|purpose| self.functions.messages_pass(&self.policy, purpose, function))
    }

    /// What the policy says of a relation's rules, where it lists them for the purpose.
    pub fn rewrites(&self, purpose: Option<PurposeId>, relation: Oid) -> Option<Rewrites> {
        self.rewrites.listed(&self.policy, purpose?, relation)
    }

    /// The purposes that this principal may declare and under which this right to none of these is denied; `None` stands for the
    /// relation's rows. At most `most` names, those that open them unmasked first, each with how it opens them.
    pub fn purposes_that_open(
        &self,
        principal: &Principal,
        right: Right,
        columns: &[(Oid, Option<AttNum>)],
        most: usize,
    ) -> Vec<(Arc<str>, Opens)> {
        let rank = |purpose: &PurposeId| Some((self.rank(principal.reader(*purpose), right, columns)?, *purpose));
        let ranked = principal.purposes.iter().filter_map(rank);
        let mut ranked: Vec<(Opens, PurposeId)> = ranked.collect();
        ranked.sort_unstable();
        let named = |(opens, purpose)| (Arc::clone(self.policy.purpose_name(purpose)), opens);
        ranked.into_iter().take(most).map(named).collect()
    }

    /// How a reader opens columns; `None` if it does not.
    fn rank(&self, reader: Reader, right: Right, columns: &[(Oid, Option<AttNum>)]) -> Option<Opens> {
        if self.policy.is_unrestricted(reader.purpose) {
            return Some(Opens::Everything);
        }
        let mut opens = Opens::AsTheyAre;
        for (oid, number) in columns {
            let ruling = self.ruling_for(Some(reader), right, self.catalog.relation(*oid)?);
            let Some(number) = number else {
                if !ruling.countable() {
                    return None;
                }
                continue;
            };
            match &ruling.columns.iter().find(|column| column.number == *number)?.effect {
                Effect::Allow => {}
                Effect::Mask(_) => opens = opens.max(Opens::Masked),
                Effect::Aggregate(_) => opens = Opens::InAggregates,
                Effect::Deny => return None,
            }
        }
        Some(opens)
    }

    /// What a reader would see of a table that is to be made, by the tags that the policy has for its name.
    pub fn ruling_on_new(&self, reader: Option<Reader>, relation: &Relation) -> RelationRuling {
        self.rule_by(reader, Right::Read, relation, &bind::tags_of_new(&self.policy, &self.catalog, relation))
    }

    fn rule_on(&self, reader: Option<Reader>, right: Right, relation: &Relation) -> RelationRuling {
        let unknown = RelationTags::default();
        self.rule_by(reader, right, relation, self.relations.get(&relation.oid).unwrap_or(&unknown))
    }

    fn rule_by(
        &self,
        reader: Option<Reader>,
        right: Right,
        relation: &Relation,
        tags: &RelationTags,
    ) -> RelationRuling {
        let purpose = reader.map(|reader| reader.purpose);
        let columns = relation.columns.iter();
        let unrestricted = purpose.is_some_and(|purpose| self.policy.is_unrestricted(purpose));
        let openness = system::openness(relation);
        if openness != Openness::User || unrestricted {
            let named = openness != Openness::User
                && purpose.is_some_and(|id| opened::opens_system(&self.policy, id, &relation.schema, &relation.name));
            let effect = |column: &Column| match right {
                _any if unrestricted => Effect::Allow,
                Right::Read if named => Effect::Allow,
                Right::Read => system::column_effect(openness, relation, &column.name),
                Right::Insert | Right::Update | Right::Delete => Effect::Deny,
            };
            let ruling = |column: &Column| ColumnRuling {
                number: column.number,
                effect: effect(column),
                filter: Filter::AsShown,
                closed: Arc::default(),
                categories: Arc::default(),
                subject: None,
                cause: Cause::System,
            };
            return RelationRuling {
                relation: relation.oid,
                columns: columns.map(ruling).collect(),
                rows: Box::default(),
                subject_key: None,
                rows_per_subject: None,
                bounds: Arc::default(),
                declared: None,
            };
        }
        let none = ColumnTags::default();
        let mut rows: Vec<RowCondition> = Vec::new();
        let mut rulings = Vec::with_capacity(relation.columns.len());
        for (at, column) in columns.enumerate() {
            let of_column = tags.columns.get(at).unwrap_or(&none);
            let decided = match right {
                Right::Read if relation.is_by_lineage() => {
                    self.column_of_view(reader, (relation, tags), of_column, column)
                }
                Right::Read | Right::Insert | Right::Update | Right::Delete => {
                    self.column(reader, right, (relation, tags), of_column, column)
                }
            };
            if decided.ruling.effect != Effect::Deny {
                for row in decided.rows {
                    if !rows.iter().any(|known| known.sql == row.sql) {
                        rows.push(row);
                    }
                }
            }
            rulings.push(decided.ruling);
        }
        RelationRuling {
            relation: relation.oid,
            columns: rulings.into(),
            rows: rows.into(),
            subject_key: tags.subject_key.clone(),
            rows_per_subject: tags.rows_per_subject,
            bounds: Arc::clone(&tags.bounds),
            declared: relation.declared,
        }
    }

    /// The ruling on a column of a view. What it shows is judged where it comes from; tags of the view's own can only
    /// close it further, as nothing in it can be masked or filtered.
    fn column_of_view(
        &self,
        reader: Option<Reader>,
        relation: (&Relation, &RelationTags),
        tags: &ColumnTags,
        column: &Column,
    ) -> Decided {
        if tags.own.is_empty() {
            return Decided::bare(ColumnRuling {
                number: column.number,
                effect: Effect::Allow,
                filter: Filter::AsShown,
                closed: Arc::default(),
                categories: Arc::default(),
                subject: None,
                cause: Cause::Untagged,
            });
        }
        let Decided { ruling, rows } = self.column(reader, Right::Read, relation, tags, column);
        let effect = match ruling.effect {
            Effect::Allow if rows.is_empty() => Effect::Allow,
            Effect::Allow | Effect::Mask(_) | Effect::Aggregate(_) | Effect::Deny => Effect::Deny,
        };
        Decided::bare(ColumnRuling { effect, filter: Filter::AsShown, ..ruling })
    }

    /// The ruling on a column of a user relation under a restricted purpose or none.
    fn column(
        &self,
        reader: Option<Reader>,
        right: Right,
        (base, relation): (&Relation, &RelationTags),
        tags: &ColumnTags,
        column: &Column,
    ) -> Decided {
        let trees = &self.policy.trees;
        let all = || tags.own.iter().chain(&tags.below);
        let mut categories: Vec<Arc<str>> = Vec::new();
        for tag in all() {
            let name = trees.categories.name(tag.category);
            if !categories.contains(name) {
                categories.push(Arc::clone(name));
            }
        }
        let categories: Arc<[Arc<str>]> = categories.into();
        let subject = |tag: Option<&Tag>| Some(Arc::clone(trees.subjects.name(tag?.subject?)));
        let ruling = |effect, cause, tag| ColumnRuling {
            number: column.number,
            effect,
            filter: Filter::AsShown,
            closed: Arc::default(),
            categories: Arc::clone(&categories),
            subject: subject(tag),
            cause,
        };
        let Some(reader) = reader else {
            return Decided::bare(ruling(Effect::Deny, Cause::NoPurpose, all().next()));
        };
        if tags.own.is_empty() && self.policy.untagged() == Untagged::Deny {
            return Decided::bare(ruling(Effect::Deny, Cause::Untagged, all().next()));
        }
        let mut worst: Option<((u8, u32), Effect, Cause, &Tag)> = None;
        let mut rows = Vec::new();
        let (mut masked, mut aggregate) = (false, None);
        // A look-up needs every tag's leave: its own, or that of whoever sees the value.
        let mut filter = Filter::LookUp;
        let mut closed: Vec<(Usage, Cause)> = Vec::new();
        for tag in all() {
            let point = Point::of(tag.subject, tag.category, reader);
            let rule = decide(&self.policy.rules, trees, right, point);
            let (mut effect, cause) = match rule {
                None => (Effect::Deny, Cause::NoRule),
                Some(rule) => self.effect(rule, (right, point), reader, (base, relation), column, &mut rows),
            };
            if let (Some(rule), Right::Read) = (rule, right) {
                closed.extend(rule.closed.iter().map(|usage| (usage, cause.clone())));
            }
            match (rule.map(|rule| rule.filter), &effect) {
                (Some(Filter::LookUp), _) | (_, Effect::Allow) => {}
                (Some(Filter::AsShown) | None, _) => filter = Filter::AsShown,
            }
            if let (Some((_, Effect::Mask(known), _, _)), Effect::Mask(mask)) = (&worst, &effect) {
                effect = Effect::Mask(known.clone().meet(mask.clone()));
            }
            // Of several reasons to deny, a rule that says so tells more than the lack of one.
            let least = effect.aggregate().map_or(0, |aggregate| aggregate.min_subjects);
            let strict = (strictness(&effect) + u8::from(rule.is_some_and(Rule::closes)), least);
            masked |= matches!(effect, Effect::Mask(_));
            aggregate = [aggregate, effect.aggregate()].into_iter().flatten().reduce(Aggregate::meet);
            if worst.as_ref().is_none_or(|(known, _, _, _)| strict > *known) {
                worst = Some((strict, effect, cause, tag));
            }
        }
        if let (Right::Insert | Right::Update, Some((_, effect @ Effect::Allow, cause, _))) = (right, &mut worst)
            && let read = self.column(Some(reader), Right::Read, (base, relation), tags, column).ruling
            && matches!(read.effect, Effect::Mask(Mask::Pseudonym(_)))
        {
            // Whoever could store values of his choice would read which pseudonyms they have.
            (*effect, *cause) = (Effect::Deny, masked::planted(&read.cause));
        }
        match worst {
            Some((_, effect, cause, tag)) => {
                let effect = match (effect, aggregate) {
                    // Neither does what the other asks for: a mask shows rows, an aggregate what is masked.
                    (_, Some(_)) if masked => Effect::Deny,
                    (Effect::Aggregate(_), Some(strictest)) => Effect::Aggregate(strictest),
                    (effect, _) => effect,
                };
                let filter = if matches!(effect, Effect::Mask(_)) { filter } else { Filter::AsShown };
                let closed = closed.into();
                Decided { ruling: ColumnRuling { filter, closed, ..ruling(effect, cause, Some(tag)) }, rows }
            }
            // Untagged, and the policy leaves such columns open.
            None => Decided::bare(ruling(Effect::Allow, Cause::Untagged, None)),
        }
    }

    /// What a rule gives of a column, with the conditions that it and what narrows it ask for added to `rows`.
    fn effect(
        &self,
        rule: &Rule,
        (right, point): (Right, Point),
        reader: Reader,
        (at, relation): (&Relation, &RelationTags),
        column: &Column,
        rows: &mut Vec<RowCondition>,
    ) -> (Effect, Cause) {
        let decided = Source { rule: &rule.id.text, clause: &rule.clause };
        let effect = match &rule.verdict {
            Verdict::Forbid | Verdict::Give(Effect::Deny) => return (Effect::Deny, decided.cause()),
            Verdict::Give(Effect::Mask(mask)) => match masked::unfit(mask, column, self.pseudonyms) {
                None => Effect::Mask(mask.under(self.policy.keyed(reader))),
                Some(why) => return (Effect::Deny, Cause::Mask { rule: Arc::clone(&rule.id.text), why }),
            },
            Verdict::Give(effect @ (Effect::Allow | Effect::Aggregate(_))) => effect.clone(),
        };
        let narrows = self.policy.narrows.iter().filter(|narrow| narrow.covers(&self.policy.trees, right, point));
        let of_narrows = narrows.flat_map(|narrow| {
            let source = Source { rule: &narrow.id.text, clause: &narrow.clause };
            narrow.conditions.iter().map(move |wanted| (wanted, source))
        });
        for (wanted, source) in rule.conditions.iter().map(|wanted| (wanted, decided)).chain(of_narrows) {
            // A condition that this relation lacks cannot be met: the column stays closed.
            let Some(Usable::All(conditions)) = relation.conditions.get(&wanted.condition) else {
                return (Effect::Deny, source.cause());
            };
            rows.extend(conditions.iter().filter_map(|condition| self.row(wanted, source, condition, at)));
        }
        (effect, decided.cause())
    }

    /// A condition on rows as a rule asks for it; `None` where the table writes that none is needed.
    fn row(&self, wanted: &Wanted, source: Source<'_>, condition: &Condition, at: &Relation) -> Option<RowCondition> {
        let (sql, always) = match wanted.sense {
            Sense::Holds => (&condition.sql, "true"),
            Sense::DoesNotHold => (&condition.negated, "false"),
        };
        if condition.sql.trim_matches(['(', ')']) == always {
            return None;
        }
        let ReadOfOthers { reads, anchors, ties } = self.read_of_others(condition, at, wanted.sense);
        let missing = |parameter: ParameterId| match wanted.sense {
            Sense::Holds => self.policy.parameters[usize::from(parameter.0)].missing,
            // Nothing is equal to null, so every row would be shown.
            Sense::DoesNotHold => Missing::Refuses,
        };
        let parameters = condition.parameters().into_iter().map(|parameter| (parameter, missing(parameter)));
        Some(RowCondition {
            name: Arc::clone(&wanted.written.text),
            sql: Arc::clone(sql),
            columns: condition.columns.iter().map(Arc::clone).collect(),
            parameters: parameters.collect(),
            slices: if wanted.sense == Sense::Holds { self.slices(condition) } else { Slices::Overlapping },
            reads,
            anchors,
            ties,
            equality: condition.equality.clone().filter(|_| wanted.sense == Sense::Holds),
            rule: Arc::clone(source.rule),
            clause: source.clause.clone(),
        })
    }
}

/// Who asks for something, and on what words it rests.
#[derive(Clone, Copy)]
struct Source<'p> {
    rule: &'p Arc<str>,
    clause: &'p Option<Arc<Clause>>,
}

impl Source<'_> {
    fn cause(self) -> Cause {
        Cause::Rule { rule: Arc::clone(self.rule), clause: self.clause.clone() }
    }
}

/// How a purpose opens columns, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opens {
    AsTheyAre,
    /// Some of them masked.
    Masked,
    /// Some of them in aggregates only.
    InAggregates,
    /// The purpose is unrestricted: suggested last.
    Everything,
}

/// A column's ruling with the conditions of the rules that decided.
struct Decided {
    ruling: ColumnRuling,
    rows: Vec<RowCondition>,
}

impl Decided {
    fn bare(ruling: ColumnRuling) -> Decided {
        Decided { ruling, rows: Vec::new() }
    }
}

/// Of several effects the strictest wins.
fn strictness(effect: &Effect) -> u8 {
    match effect {
        Effect::Allow => 0,
        Effect::Mask(Mask::Null) => 3,
        Effect::Mask(mask) => 2 - u8::from(mask.tells()),
        Effect::Aggregate(_) => 4,
        Effect::Deny => 5,
    }
}
