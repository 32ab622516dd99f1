//! From policy files to rulings.
//!
//! `Policy::parse` turns the files of a pack into trees and rules, or into every error at once: `document` reads TOML
//! with its places, `raw` the shapes, `load` looks the names up, `rules` settles which rule decides. `Bound` ties a policy
//! to a catalog snapshot: tags stick to (relation, column number). A `Bound` answers what a purpose may see of a relation.

mod apart;
mod bind;
mod bound;
mod change;
mod comments;
mod condition;
mod constant;
mod coverage;
mod declassifier;
mod document;
mod exists;
pub(crate) mod fideslang;
mod follow;
mod late;
mod lint;
mod load;
mod lock;
mod mask;
mod masked;
mod matrix;
mod moments;
mod narrow;
mod never_together;
mod opened;
mod others;
mod pack;
mod parameter;
mod pattern;
mod principal;
mod raw;
mod reader;
mod report;
mod retention;
mod rules;
mod ruling;
mod subjects;
mod system;
mod tags;
mod temporary;
mod tree;

pub use bound::{Bound, Lack, Opens, Patterned, UntaggedColumn};
pub use change::{Alteration, Change, Declaration};
pub use comments::OF_RELATION;
pub use coverage::Coverage;
pub use document::{basic, written};
pub use exists::OWN;
pub use load::Loaded;
pub use lock::LOCK_FILE;
pub use mask::{DateUnit, Keys, Mask, Pseudonym};
pub use matrix::{Cell, Extent, Gets, Heading, Matrix, Part, Row};
pub use never_together::Met;
pub use parameter::{Missing, Parameter, ParameterId, ValueSource, Values};
pub use principal::{Disagreement, Principal, Proof};
pub use raw::{Budget, MaxRows, Over};
pub use reader::{Reader, RecipientId};
pub use report::{Colour, Lint, PolicyErrors, Problem};
pub use retention::{End, Holders, Part as EndingPart, Past, Retention, Rows, Test};
pub use ruling::{
    Aggregate, ColumnOf, ColumnRuling, Effect, Filter, Hop, RelationRuling, RowCondition, RowsPerSubject, Slices,
    SubjectKey, Thousandths,
};
pub use tags::Untagged;

use crate::analyze::Stars;
use crate::vocab::Clause;
use apart::Apart;
use declassifier::Declassifier;
use follow::Follow;
use load::{PurposeTraits, Registered};
use lock::Lock;
use narrow::Narrow;
use never_together::NeverTogether;
use opened::Opened;
use pack::Pack;
use pattern::Pattern;
use principal::Grant;
use raw::{Demand, Mode, PurposeSettings, TemporaryTables};
use regex::Regex;
use report::Sources;
use rules::{Rule, Trees};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use tags::TableTags;

/// A purpose of a policy.
///
/// INVARIANT: it is used with the policy that it came from, or one of the same version. Only [`Policy::purpose`] and a [`Principal`] make one, so whoever holds one holds a name that
/// the policy knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PurposeId(u16);

/// What a purpose demands of a session or a statement, and on what words it rests.
#[derive(Debug, Clone)]
pub struct Demanded<T> {
    pub asked: T,
    pub clause: Option<Arc<Clause>>,
}

/// A file of a policy pack: its path as shown in errors, and its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// A category or a subject, as tools see it that propose tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub name: Arc<str>,
    /// Its key in the taxonomy of Fideslang, if the policy gives one.
    pub fides: Option<Arc<str>>,
}

/// A policy, checked and free of any catalog.
#[derive(Debug)]
pub struct Policy {
    version: u64,
    pack: Pack,
    trees: Trees,
    /// One for each purpose, in the order of the tree.
    traits: Vec<PurposeTraits>,
    clauses: Vec<Registered>,
    rules: Vec<Rule>,
    /// Conditions that bound what the rules permit.
    narrows: Vec<Narrow>,
    tables: Vec<TableTags>,
    patterns: Vec<Pattern>,
    declassifiers: Vec<Declassifier>,
    parameters: Vec<Parameter>,
    roles: FxHashMap<Arc<str>, Grant>,
    readers: Vec<Reader>,
    functions: Vec<Opened>,
    rewrites: Vec<Opened>,
    systems: Vec<Opened>,
    never_together: Vec<NeverTogether>,
    /// Tags that may not meet on a column.
    apart: Vec<Apart>,
    /// The columns that tags cover without naming them; all where the pack asks for no lock file.
    lock: Option<Lock>,
    sources: Arc<Sources>,
}

impl Policy {
    /// Reads the files of a pack (every `*.toml` of its directory; how they are split is free), or says everything that
    /// is wrong with them.
    pub fn parse(files: &[SourceFile]) -> Result<Loaded, PolicyErrors> {
        load::parse(files)
    }

    /// A number that changes whenever the meaning of the policy may have changed (a hash of its files).
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether purposes, recipients and parameters have the same numbers as in another policy, and parameters the same
    /// meaning.
    pub fn numbers_as(&self, other: &Policy) -> bool {
        let purposes = |policy: &Policy| -> Vec<Arc<str>> {
            (0..policy.traits.len()).map(|at| Arc::clone(policy.purpose_name(PurposeId(at as u16)))).collect()
        };
        let recipients = |policy: &Policy| -> Vec<Arc<str>> {
            policy.recipients().map(|recipient| Arc::clone(policy.recipient_name(recipient))).collect()
        };
        let alike = |(one, other): (&Parameter, &Parameter)| {
            one.name() == other.name()
                && one.kind == other.kind
                && one.claim() == other.claim()
                && one.source == other.source
        };
        purposes(self) == purposes(other)
            && recipients(self) == recipients(other)
            && self.parameters.len() == other.parameters.len()
            && self.parameters.iter().zip(&other.parameters).all(alike)
    }

    /// The pack's name, as it gives it; empty if it gives none.
    pub fn name(&self) -> &Arc<str> {
        &self.pack.name
    }

    /// The title of the privacy document; empty if the pack gives none.
    pub fn document(&self) -> &Arc<str> {
        &self.pack.document
    }

    /// The clauses of the document that the pack registers, each with its section where the pack gives one.
    pub fn clauses(&self) -> impl Iterator<Item = (&Arc<Clause>, Option<&str>)> {
        self.clauses.iter().map(|known| (&known.clause, known.section.as_deref()))
    }

    /// Whether a view of this name is declared to be weaker than what it is made of.
    pub fn declares(&self, schema: &str, name: &str) -> bool {
        declassifier::is_name_of_one(self, schema, name)
    }

    /// What becomes of columns without a tag.
    pub fn untagged(&self) -> Untagged {
        self.pack.untagged
    }

    /// Whether comments in the database are read for tags: then whoever comments changes them.
    pub fn reads_comments(&self) -> bool {
        self.pack.comments.is_some()
    }

    pub fn categories(&self) -> impl Iterator<Item = Term> {
        self.trees.categories.terms()
    }

    pub fn subjects(&self) -> impl Iterator<Item = Term> {
        self.trees.subjects.terms()
    }

    /// Whether a table has a section of its own.
    pub fn has_tags_of(&self, schema: &str, table: &str) -> bool {
        self.tags_of(schema, table).is_some()
    }

    /// Whose data a table holds, as its section says.
    pub fn subject_of(&self, schema: &str, table: &str) -> Option<&Arc<str>> {
        Some(self.trees.subjects.name(self.tags_of(schema, table)?.subject?))
    }

    /// Whether a table has a condition of that name, its own or of a table that it follows.
    fn has_condition(&self, table: &TableTags, name: &str) -> bool {
        let followed = |follow: &Follow| self.tags_of(&follow.schema, &follow.table);
        table.condition(name).is_some()
            || table.follows.iter().filter_map(followed).any(|parent| self.has_condition(parent, name))
    }

    fn tags_of(&self, schema: &str, table: &str) -> Option<&TableTags> {
        self.tables.iter().find(|tags| *tags.schema == *schema && *tags.table == *table)
    }

    pub fn purpose(&self, name: &str) -> Option<PurposeId> {
        self.trees.purposes.find(name)
    }

    pub fn purpose_name(&self, purpose: PurposeId) -> &Arc<str> {
        self.trees.purposes.name(purpose)
    }

    /// What the purpose is in words, if the policy says.
    pub fn purpose_title(&self, purpose: PurposeId) -> Option<&Arc<str>> {
        self.traits[usize::from(purpose.0)].title.as_ref()
    }

    /// The purpose above this one.
    pub fn purpose_parent(&self, purpose: PurposeId) -> Option<PurposeId> {
        self.trees.purposes.parent(purpose)
    }

    /// Every purpose, in the order of the files.
    pub fn purposes(&self) -> impl Iterator<Item = PurposeId> + use<> {
        self.trees.purposes.nodes()
    }

    /// Whether what is decided under this purpose is recorded only, and statements pass as they were sent.
    pub fn is_shadowed(&self, purpose: PurposeId) -> bool {
        self.nearest(purpose, |settings| settings.mode) == Some(Mode::Shadow)
    }

    /// Whether statements under this purpose must be understood and permitted before they are sent.
    pub fn enforces(&self, purpose: PurposeId) -> bool {
        !self.is_unrestricted(purpose) && !self.is_shadowed(purpose)
    }

    /// Whether statements under this purpose are not judged at all.
    pub fn is_unrestricted(&self, purpose: PurposeId) -> bool {
        self.traits[usize::from(purpose.0)].unrestricted
    }

    /// Whether a session may change the schema under the purpose: it or one above it says so.
    pub fn may_define(&self, purpose: PurposeId) -> bool {
        let mut lineage = std::iter::successors(Some(purpose), |below| self.purpose_parent(*below));
        lineage.any(|purpose| self.traits[usize::from(purpose.0)].ddl)
    }

    /// What the nearest purpose that says something about it says, from this one upwards.
    fn nearest<'p, T>(&'p self, purpose: PurposeId, said: impl Fn(&'p PurposeSettings) -> Option<T>) -> Option<T> {
        let mut lineage = std::iter::successors(Some(purpose), |below| self.purpose_parent(*below));
        lineage.find_map(|purpose| said(&self.traits[usize::from(purpose.0)].settings))
    }

    /// What a session must declare under the purpose to justify what it reads.
    pub fn justification(&self, purpose: PurposeId) -> Option<Demanded<Regex>> {
        self.demanded(self.nearest(purpose, |settings| settings.justification.as_ref()))
    }

    /// Whether a session must justify what it reads under the purpose.
    pub fn needs_justification(&self, purpose: PurposeId) -> bool {
        self.nearest(purpose, |settings| settings.justification.as_ref()).is_some()
    }

    /// Whether this justifies what a session reads under the purpose.
    pub fn justifies(&self, purpose: PurposeId, justification: &str) -> bool {
        let wanted = self.nearest(purpose, |settings| settings.justification.as_ref());
        wanted.is_none_or(|wanted| wanted.asked.is_match(justification))
    }

    /// Whether statements must name their columns under the purpose; `None` where they need not.
    pub fn named_columns_only(&self, purpose: PurposeId) -> Option<Demanded<bool>> {
        self.demanded(self.nearest(purpose, |settings| settings.named_columns_only.as_ref()).filter(|said| said.asked))
    }

    /// How many rows a statement may release under the purpose.
    pub fn max_rows(&self, purpose: PurposeId) -> Option<Demanded<MaxRows>> {
        self.demanded(self.nearest(purpose, |settings| settings.max_rows.as_ref()))
    }

    /// Whether both of a session's connections must be encrypted under the purpose; `None` where they need not.
    pub fn requires_tls(&self, purpose: PurposeId) -> Option<Demanded<bool>> {
        self.demanded(self.nearest(purpose, |settings| settings.require_tls.as_ref()).filter(|said| said.asked))
    }

    /// How much may be told with noise under the purpose: its own budget and those of the purposes above it, which are
    /// part of one another. The outermost comes first.
    pub fn budgets(&self, purpose: PurposeId) -> Vec<(PurposeId, Demanded<Budget>)> {
        let lineage = std::iter::successors(Some(purpose), |below| self.purpose_parent(*below));
        let budget = |purpose: PurposeId| {
            let said = self.traits[usize::from(purpose.0)].settings.budget.as_ref();
            Some((purpose, self.demanded(said)?))
        };
        let mut budgets: Vec<_> = lineage.filter_map(budget).collect();
        budgets.reverse();
        budgets
    }

    fn demanded<T: Clone>(&self, demand: Option<&Demand<T>>) -> Option<Demanded<T>> {
        let Demand { asked, clause } = demand?;
        let known = clause.as_ref().and_then(|word| self.clauses.iter().find(|known| known.clause.id == word.text));
        Some(Demanded { asked: asked.clone(), clause: known.map(|known| Arc::clone(&known.clause)) })
    }

    /// What a star means under the purpose.
    pub fn stars(&self, purpose: PurposeId) -> Stars {
        self.nearest(purpose, |settings| settings.stars).unwrap_or(Stars::Whole)
    }

    /// Whether sessions under the purpose may have temporary tables.
    pub fn has_temporary(&self, purpose: PurposeId) -> bool {
        let said = self.nearest(purpose, |settings| settings.temporary_tables);
        said.unwrap_or(TemporaryTables::Allow) == TemporaryTables::Allow
    }

    /// Whether a session may listen to this channel under the purpose, and notify it: the purpose or one above it says so.
    pub fn may_signal(&self, purpose: PurposeId, channel: &str) -> bool {
        let mut lineage = std::iter::successors(Some(purpose), |below| self.purpose_parent(*below));
        lineage.any(|purpose| self.traits[usize::from(purpose.0)].listen.iter().any(|known| &**known == channel))
    }

    /// The parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<(ParameterId, &Parameter)> {
        self.parameters().find(|(_, parameter)| &**parameter.name() == name)
    }

    /// Every parameter, in the order in which conditions number them.
    pub fn parameters(&self) -> impl Iterator<Item = (ParameterId, &Parameter)> {
        self.parameters.iter().enumerate().map(|(at, parameter)| (ParameterId(at as u16), parameter))
    }

    /// What stands for `$number` of a condition where the parameters have these values, as SQL.
    pub fn constant(&self, values: &Values, number: i32) -> Option<String> {
        parameter::constant(&self.parameters, values, number)
    }

    /// The principal for a database user that is a member of these roles.
    pub fn principal(&self, user: &str, member_of: &[Arc<str>]) -> Principal {
        self.proven_principal(user, member_of, &Proof::default())
    }

    /// The same, of someone who has proven more than to be this user.
    pub fn proven_principal(&self, user: &str, member_of: &[Arc<str>], proof: &Proof) -> Principal {
        principal::principal(self, user, member_of, proof)
    }
}
