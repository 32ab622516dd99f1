//! The state of a resolution, and what every part of it needs: recording uses, finding names.

use super::Stars;
use super::label::{BaseColumn, Label, RelationUse, Sent, SequenceUse};
use super::recursion::NO_RELATION;
use super::routine::Bodies;
use super::scope::{Columns, CteFrame, Entry, Level, Source, Star, Visible, Written};
use super::view::{Inside, ViewUse};
use super::write::Draft;
use super::{Context, Trouble};
use crate::catalog::{Function, Relation};
use crate::vocab::{NotUnderstood, Oid, SqlState, Unresolved, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

pub(super) struct Resolver<'a> {
    pub context: &'a Context<'a>,
    pub uses: Vec<RelationUse>,
    pub levels: Vec<Level>,
    pub ctes: Vec<CteFrame>,
    /// References to views, those in definitions after the one they stand in.
    pub views: Vec<ViewUse>,
    /// The view whose definition is being resolved.
    pub inside: Option<Inside>,
    /// Columns that only the target lists of definitions name.
    pub deferred: Vec<BaseColumn>,
    /// How many sub-queries in FROM were given an alias, and which of the client's look like theirs.
    pub unnamed: usize,
    pub named_alike: FxHashSet<Arc<str>>,
    /// How many relations in definitions have been given locations.
    pub synthetic: i32,
    /// The locations of all uses.
    places: FxHashSet<i32>,
    /// Writes met so far.
    pub drafts: Vec<Draft>,
    /// `DEFAULT` stands somewhere in place of a value.
    pub says_default: bool,
    /// See [`super::Resolved::leakproof`].
    pub leakproof: bool,
    /// Types that a PREPARE declares for its parameters.
    pub prepared: Vec<Oid>,
    /// The outermost level in which a name was found since the innermost query began.
    pub reached: Cell<usize>,
    /// Columns that look-ups may still pass over.
    pub budget: Cell<usize>,
    /// Sequences that are drawn from.
    pub sequences: Vec<SequenceUse>,
    /// See [`super::Resolved::sent`].
    pub sent: Vec<Sent>,
    /// Where `set_config` changes a setting of an application's own.
    pub sets: Option<i32>,
    /// See [`super::Resolved::calls_users`].
    pub calls_users: bool,
    /// See [`super::Resolved::runs_text`].
    pub runs_text: bool,
    /// See [`super::Resolved::runs_listed`].
    pub runs_listed: bool,
    /// See [`super::Resolved::functions`].
    pub functions: FxHashSet<Oid>,
    /// Bodies of functions; shared with the resolutions of the bodies themselves.
    pub bodies: Rc<Bodies>,
    /// What was taken over from functions, with what their results depend on.
    pub absorbed: FxHashMap<String, Label>,
    /// Types of users that values in the statement can have, beside those of its relations' columns.
    pub in_play: FxHashSet<Oid>,
    /// Types that were found open, or are being checked.
    pub checked_types: FxHashSet<Oid>,
    /// What is resolved next is the statement itself, and not a part of it.
    pub whole: bool,
    /// What stars stand for in the query at hand.
    pub stars: Stars,
    /// It is a function's body, and the first level holds the function's arguments.
    in_function: bool,
}

/// How many columns the look-ups of one statement may pass over: some tenths of a second. Every name is looked for in
/// every relation of its level, so a text of a megabyte could ask for far more.
const LOOKUP_BUDGET: usize = 20_000_000;

/// How many references to relations a statement may have, those in the definitions of views included: views that hold a
/// view twice double it.
const MOST_USES: usize = 10_000;

/// How a value is used; `None` where it is only named (the target list of a sub-query in FROM, of EXISTS).
pub(super) type Use = Option<Usage>;

pub(super) type Outcome<T> = Result<T, Trouble>;

/// Where a name was found: the level and the entry's index in it.
pub(super) type Place = (usize, usize);

/// What a bare column name means.
pub(super) enum Found {
    Column(Place, Visible),
    /// A system column of a base relation: the relation's use and the alias.
    System(Place, usize),
    /// Perhaps a column of an entry whose columns are not known.
    Opaque(Place, Label),
    Nothing,
}

/// System columns of a table (`pg_attribute.attnum < 0`).
pub(super) fn is_system_column(name: &str) -> bool {
    matches!(name, "ctid" | "xmin" | "xmax" | "cmin" | "cmax" | "tableoid")
}

pub(super) fn not_understood<T>(what: impl Into<Arc<str>>, at: i32) -> Outcome<T> {
    Err(Trouble::NotUnderstood(NotUnderstood::new(what, u32::try_from(at).ok())))
}

pub(super) fn unresolved<T>(code: SqlState, message: String, at: i32) -> Outcome<T> {
    Err(Trouble::Unresolved(Unresolved { code, message: message.into(), at: u32::try_from(at).ok() }))
}

impl<'a> Resolver<'a> {
    pub fn new(context: &'a Context<'a>) -> Resolver<'a> {
        Resolver {
            context,
            uses: Vec::new(),
            levels: Vec::new(),
            ctes: Vec::new(),
            views: Vec::new(),
            inside: None,
            deferred: Vec::new(),
            unnamed: 0,
            named_alike: FxHashSet::default(),
            synthetic: 0,
            places: FxHashSet::default(),
            drafts: Vec::new(),
            says_default: false,
            leakproof: true,
            prepared: Vec::new(),
            reached: Cell::new(usize::MAX),
            budget: Cell::new(LOOKUP_BUDGET),
            sequences: Vec::new(),
            sent: Vec::new(),
            sets: None,
            calls_users: false,
            runs_text: false,
            runs_listed: false,
            functions: FxHashSet::default(),
            bodies: Rc::default(),
            absorbed: FxHashMap::default(),
            in_play: FxHashSet::default(),
            checked_types: FxHashSet::default(),
            whole: false,
            stars: Stars::Whole,
            in_function: false,
        }
    }

    /// Makes a function's arguments visible to what is resolved next, its body. A column takes precedence.
    pub fn push_arguments(&mut self, function: &Function) {
        let named = function.argument_names.iter().filter(|name| !name.is_empty());
        let argument = |name: &Arc<str>| Visible {
            name: Arc::clone(name),
            written: Written::Bare(Arc::clone(name)),
            label: Label::none(),
            base: None,
            typed: None,
            star: Star::Expands,
        };
        let mut level = Level::default();
        level.entries.push(Entry {
            name: Some(Arc::clone(&function.name)),
            schema: None,
            by_name: true,
            by_column: true,
            columns: known(named.map(argument)),
            source: Source::Derived,
            nullable: false,
        });
        self.levels.push(level);
        self.in_function = true;
    }

    /// Postgres takes a bare name for a whole row before it takes it for an argument.
    pub fn not_an_argument_and_a_row(&self, place: Place, name: &str, at: i32) -> Outcome<()> {
        let argument = self.in_function && place.0 == 0;
        match argument && self.find_entry(None, name, at)?.is_some_and(|row| row.0 > 0) {
            true => not_understood(format!("{name}, an argument and a relation,"), at),
            false => Ok(()),
        }
    }

    /// Resolves a part in which stars stand for this.
    pub fn with_stars<T>(&mut self, stars: Stars, part: impl FnOnce(&mut Self) -> T) -> T {
        let around = std::mem::replace(&mut self.stars, stars);
        let out = part(self);
        self.stars = around;
        out
    }

    /// Resolves a whole statement; returns the names of its result's columns.
    pub fn statement(&mut self, tree: &mut Node) -> Outcome<Option<Arc<[Arc<str>]>>> {
        match &mut tree.node {
            Some(NodeEnum::SelectStmt(select)) => {
                let columns = self.with_stars(self.context.stars, |inner| inner.query(select, Some(Usage::Output)))?;
                Ok(names_of(&columns))
            }
            Some(
                statement @ (NodeEnum::InsertStmt(_)
                | NodeEnum::UpdateStmt(_)
                | NodeEnum::DeleteStmt(_)
                | NodeEnum::MergeStmt(_)),
            ) => Ok(names_of(&self.write(statement)?)),
            Some(NodeEnum::TruncateStmt(truncate)) => self.truncate(truncate).map(|()| None),
            Some(NodeEnum::CopyStmt(copy)) => self.copy(copy).map(|()| None),
            Some(NodeEnum::CallStmt(call)) => self.call_procedure(call).map(|()| None),
            Some(other) => self.utility(other),
            None => not_understood("an empty statement", -1),
        }
    }

    /// The uses in the order of their places in the text, whether all conditions were leakproof, and the sequences.
    pub fn finish(mut self) -> (Vec<RelationUse>, bool, Vec<SequenceUse>) {
        self.uses.retain(|used| used.relation != NO_RELATION);
        self.uses.sort_by_key(|relation| relation.at);
        (self.uses, self.leakproof, self.sequences)
    }

    /// Records that the columns of a label are used.
    pub fn touch(&mut self, label: &Label, usage: Use, at: i32) {
        let at = match (&self.inside, usage) {
            (Some(_), None) => return self.defer(label),
            (Some(inside), Some(_)) => inside.at,
            (None, _) => at,
        };
        // Where the budget ends the next that spends of it says so.
        self.budget.set(self.budget.get().saturating_sub(label.columns().len()));
        for (relation, column) in label.columns() {
            self.uses[*relation].record(*column, usage, u32::try_from(at).ok());
        }
    }

    /// Adds the use of a relation; returns its number.
    pub fn add_use(&mut self, used: RelationUse) -> Outcome<usize> {
        if !self.places.insert(used.at) {
            return not_understood("two references to a relation at one place", used.at);
        }
        if self.uses.len() >= MOST_USES {
            return unresolved(SqlState::STATEMENT_TOO_COMPLEX, "the statement is too complex".to_owned(), -1);
        }
        self.uses.push(used);
        Ok(self.uses.len() - 1)
    }

    /// A place for the next use at which nothing in the tree stands.
    pub(super) fn nowhere(&self) -> i32 {
        -2 - i32::try_from(self.uses.len()).unwrap_or(0)
    }

    /// The relation behind a use. INVARIANT: uses are made from the catalog of the context only.
    pub fn relation_of(&self, number: usize) -> Option<&'a Relation> {
        self.context.catalog.relation(self.uses[number].relation)
    }

    /// Entries of a level that the expression at hand may see.
    fn visible(&self, level: usize) -> impl Iterator<Item = (usize, &Entry)> {
        let from = if self.levels[level].hidden { usize::MAX } else { self.levels[level].from };
        self.levels[level].entries.iter().enumerate().skip(from)
    }

    /// Counts work that grows with both the relations and the references of a statement.
    pub fn spend(&self, work: usize) -> Outcome<()> {
        match self.budget.get().checked_sub(work) {
            Some(left) => {
                self.budget.set(left);
                Ok(())
            }
            None => unresolved(SqlState::STATEMENT_TOO_COMPLEX, "the statement is too complex".to_owned(), -1),
        }
    }

    /// Finds an entry by its alias, innermost level first.
    pub fn find_entry(&self, schema: Option<&str>, name: &str, at: i32) -> Outcome<Option<Place>> {
        for level in (0..self.levels.len()).rev() {
            let mut found = None;
            self.spend(self.levels[level].entries.len())?;
            for (index, entry) in self.visible(level) {
                let named = entry.by_name && entry.name.as_deref() == Some(name);
                if !named || (schema.is_some() && entry.schema.as_deref() != schema) {
                    continue;
                }
                if found.replace((level, index)).is_some() {
                    return unresolved(
                        SqlState::AMBIGUOUS_ALIAS,
                        format!("table reference \"{name}\" is ambiguous"),
                        at,
                    );
                }
            }
            if found.is_some() {
                self.reached.set(self.reached.get().min(level));
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Finds a bare column name, innermost level first.
    pub fn find_column(&self, name: &str, at: i32) -> Outcome<Found> {
        for level in (0..self.levels.len()).rev() {
            match self.find_column_at(level, name, at)? {
                Found::Nothing => {}
                found => {
                    self.reached.set(self.reached.get().min(level));
                    return Ok(found);
                }
            }
        }
        Ok(Found::Nothing)
    }

    /// Finds a bare column name at one level.
    pub fn find_column_at(&self, level: usize, name: &str, at: i32) -> Outcome<Found> {
        let mut found = Found::Nothing;
        for (index, entry) in self.visible(level).filter(|(_, entry)| entry.by_column) {
            let here = match &entry.columns {
                Columns::Known(columns) => {
                    self.spend(columns.len())?;
                    let mut matches = columns.iter().filter(|column| &*column.name == name);
                    match (matches.next(), matches.next()) {
                        (Some(column), None) => Found::Column((level, index), column.clone()),
                        (Some(_), Some(_)) => return self.ambiguous(name, at),
                        (None, _) => match entry.source {
                            Source::Base(number) if is_system_column(name) => Found::System((level, index), number),
                            Source::Base(_) | Source::View(_) | Source::Derived => Found::Nothing,
                        },
                    }
                }
                Columns::Opaque(label) => match found {
                    Found::Nothing => Found::Opaque((level, index), label.clone()),
                    Found::Column(..) | Found::System(..) => Found::Nothing,
                    Found::Opaque(..) => {
                        return not_understood(format!("{name}, which may be a column of several functions"), at);
                    }
                },
            };
            found = match (found, here) {
                (found, Found::Nothing) => found,
                (Found::Nothing | Found::Opaque(..), here) => here,
                (Found::Column(..) | Found::System(..), Found::Opaque(..)) => return self.ambiguous(name, at),
                (Found::Column(..) | Found::System(..), Found::Column(..) | Found::System(..)) => {
                    return self.ambiguous(name, at);
                }
            };
        }
        Ok(found)
    }

    fn ambiguous<T>(&self, name: &str, at: i32) -> Outcome<T> {
        unresolved(SqlState::AMBIGUOUS_COLUMN, format!("column reference \"{name}\" is ambiguous"), at)
    }

    /// The columns of an entry, shared.
    pub fn columns_at(&self, place: Place) -> Columns {
        self.levels[place.0].entries[place.1].columns.clone()
    }
}

/// The names of a result's columns.
fn names_of(columns: &Columns) -> Option<Arc<[Arc<str>]>> {
    match columns {
        Columns::Known(columns) => Some(columns.iter().map(|column| Arc::clone(&column.name)).collect()),
        Columns::Opaque(_) => None,
    }
}

/// The label of a whole entry.
pub(super) fn label_of(columns: &Columns) -> Label {
    match columns {
        Columns::Known(columns) => columns.iter().fold(Label::none(), |label, column| label.join(&column.label)),
        Columns::Opaque(label) => label.clone(),
    }
}

/// Columns known by name.
pub(super) fn known(columns: impl IntoIterator<Item = Visible>) -> Columns {
    Columns::Known(columns.into_iter().collect::<Rc<[Visible]>>())
}
