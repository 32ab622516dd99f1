//! Views by lineage: a reference to a user's view is resolved by resolving its definition as a sub-query of its own.
//!
//! The columns of a view carry the labels of the base columns they come from, and every relation in the definition is a
//! use of the statement. What the definition's conditions use always counts; a column of a target list counts when the
//! statement reaches it. Where nothing that the statement reaches needs a guard the reference stays; else the definition
//! takes its place, and guards go inside. A materialized view always stays: what it holds was stored without guards, so
//! its relations must be open as they are.

use super::Stars;
use super::call::{Grouping, is_row_neutral};
use super::label::{BaseColumn, Label, Place, RelationUse};
use super::recursion::NO_RELATION;
use super::resolver::{Outcome, Resolver, Use, known, not_understood};
use super::scope::{Columns, CteFrame, Entry, Level, Source, Star, Visible, Written};
use super::{Openness, Trouble};
use crate::catalog::{Relation, RelationKind, quote_qualified};
use crate::sql::{Visitor, expression, parse, walk};
use crate::vocab::{NotUnderstood, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{AConst, Alias, Node, RangeSubselect, SelectStmt};
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::Arc;

use super::columns::text_node;

/// How deep views may stand in views.
const DEEPEST: usize = 32;

/// Locations from here on are not byte offsets: they tell the relations in definitions of views apart. Nothing of the
/// client's text can be that long.
const SYNTHETIC: i32 = 1 << 30;

/// A reference to a view that has been resolved.
pub(super) struct ViewUse {
    /// The location of the reference, of the text or synthetic.
    at: i32,
    /// Its own number among the uses.
    own: usize,
    /// The numbers of the uses in its definition, those of nested views included.
    inside: Range<usize>,
    /// Views in its definition have numbers below this one and above its own.
    nested: usize,
    alias: Arc<str>,
    definition: SelectStmt,
    kind: RelationKind,
    /// Its columns have other names in the statement.
    renamed: bool,
    /// Its target list computes something from what is not open. Even where the statement does not reach it the server
    /// may evaluate it, and an error of it would tell of a value.
    computes: bool,
}

/// The view whose definition is being resolved.
#[derive(Clone)]
pub(super) struct Inside {
    /// Where the statement refers to the outermost view.
    pub at: i32,
    /// The views from the outermost inwards, for refusals.
    pub chain: Arc<str>,
    depth: usize,
    place: Place,
    /// Its number among the views.
    number: usize,
}

/// What a definition must not see.
struct Around {
    levels: Vec<Level>,
    ctes: Vec<CteFrame>,
    inside: Option<Inside>,
    reached: usize,
}

impl Resolver<'_> {
    /// Resolves a reference to a view and makes its entry.
    pub(super) fn view(
        &mut self,
        relation: &Relation,
        at: i32,
        alias: Option<Arc<str>>,
        colnames: &[Arc<str>],
    ) -> Outcome<Entry> {
        let name = quote_qualified(&relation.schema, &relation.name);
        let (kind, outermost) = (relation.kind, self.inside.as_ref().map_or(at, |inside| inside.at));
        let depth = self.inside.as_ref().map_or(0, |inside| inside.depth + 1);
        if depth > DEEPEST {
            return not_understood(format!("a view in {DEEPEST} other views"), outermost);
        }
        let Some(definition) = &relation.definition else {
            return not_understood(format!("{} {name}, whose definition is not known,", kind.word()), outermost);
        };
        let Some(mut definition) = self.definition(definition) else {
            return not_understood(format!("{} {name}, whose definition cannot be read,", kind.word()), outermost);
        };
        let shown: Arc<str> = alias.clone().unwrap_or_else(|| Arc::clone(&relation.name));
        let visible_name = |index: usize| Arc::clone(colnames.get(index).unwrap_or(&relation.columns[index].name));
        let names: Vec<Arc<str>> = (0..relation.columns.len()).map(visible_name).collect();
        let renamed = names.iter().zip(&relation.columns).any(|(name, column)| *name != column.name);
        let used = self.placed(RelationUse::new(relation.oid, at, Arc::clone(&shown), names.clone()));
        let own = self.add_use(RelationUse { place: Place::View, ..used })?;
        let number = self.views.len();
        let first = self.uses.len();
        // Its place, filled below: views in the definition come after it.
        self.views.push(ViewUse {
            at,
            own,
            inside: first..first,
            nested: number + 1,
            alias: Arc::clone(&shown),
            definition: crate::sql::empty_select(),
            kind,
            renamed,
            computes: false,
        });
        let around = self.enter(&name, kind, outermost, number);
        let columns = self.with_stars(Stars::Whole, |inner| inner.query(&mut definition, None));
        self.leave(around);
        let columns = columns.map_err(|trouble| through(trouble, kind, &name, outermost))?;
        let Columns::Known(columns) = columns else {
            return not_understood(format!("{} {name}, whose columns are not known,", kind.word()), outermost);
        };
        if columns.len() != relation.columns.len() {
            return not_understood(format!("{} {name}, whose definition is not known,", kind.word()), outermost);
        }
        let view = &mut self.views[number];
        (view.inside.end, view.definition) = (self.uses.len(), definition);
        self.views[number].nested = self.views.len();
        let columns = columns.iter().zip(&names).enumerate().map(|(index, (column, name))| Visible {
            name: Arc::clone(name),
            written: Written::Qualified(Arc::clone(&shown), Arc::clone(name)),
            label: column.label.clone().join(&Label::of((own, index))),
            base: None,
            typed: column.typed,
            star: Star::Expands,
        });
        Ok(Entry {
            schema: alias.is_none().then(|| Arc::clone(&relation.schema)),
            name: Some(Arc::clone(&shown)),
            by_name: true,
            by_column: true,
            columns: known(columns),
            source: Source::View(own),
            nullable: false,
        })
    }

    /// Resolves something of a view's definition by itself. What it reads must be open as it is.
    pub(super) fn in_definition<T>(
        &mut self,
        relation: &Relation,
        at: i32,
        work: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        let name = quote_qualified(&relation.schema, &relation.name);
        let (number, first) = (self.views.len(), self.uses.len());
        self.views.push(ViewUse {
            at,
            own: first,
            inside: first..first,
            nested: number + 1,
            alias: Arc::clone(&relation.name),
            definition: crate::sql::empty_select(),
            kind: relation.kind,
            renamed: false,
            computes: false,
        });
        let around = self.enter(&name, relation.kind, at, number);
        if let Some(inside) = &mut self.inside {
            inside.place = Place::Stored;
        }
        let outcome = work(self);
        self.leave(around);
        self.views.truncate(number);
        outcome.map_err(|trouble| through(trouble, relation.kind, &name, at))
    }

    /// The definition's tree. Its locations are -1, but for relations, which get numbers of their own.
    pub(super) fn definition(&mut self, text: &str) -> Option<SelectStmt> {
        struct Locator<'n>(&'n mut i32);
        impl Visitor for Locator<'_> {
            fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
                if let Some(NodeEnum::RangeVar(range)) = &mut node.node {
                    range.location = SYNTHETIC.saturating_add(*self.0);
                    *self.0 += 1;
                }
                Ok(())
            }
            fn location(&mut self, at: &mut i32) {
                if *at < SYNTHETIC {
                    *at = -1;
                }
            }
        }
        let mut parsed = parse(text).ok()?;
        let (mut statement, true) = (parsed.pop()?, parsed.is_empty()) else { return None };
        walk(&mut statement.tree, &mut Locator(&mut self.synthetic)).ok()?;
        match statement.tree.node {
            Some(NodeEnum::SelectStmt(select)) => Some(*select),
            Some(_) | None => None,
        }
    }

    fn enter(&mut self, name: &str, kind: RelationKind, at: i32, number: usize) -> Around {
        let here = format!("{} {name}", kind.word());
        let (chain, outer, depth) = match &self.inside {
            Some(inside) => (format!("{}, {here}", inside.chain), inside.place, inside.depth + 1),
            None => (here, Place::Text, 0),
        };
        let stored = kind == RelationKind::MaterializedView || outer == Place::Stored;
        let place = if stored { Place::Stored } else { Place::Text };
        Around {
            levels: std::mem::take(&mut self.levels),
            ctes: std::mem::take(&mut self.ctes),
            inside: self.inside.replace(Inside { at, chain: chain.into(), depth, place, number }),
            reached: self.reached.get(),
        }
    }

    fn leave(&mut self, around: Around) {
        let Around { levels, ctes, inside, reached } = around;
        self.reached.set(reached);
        (self.levels, self.ctes, self.inside) = (levels, ctes, inside);
    }

    /// A relation's use with what it gets from where it stands.
    pub(super) fn placed(&self, used: RelationUse) -> RelationUse {
        match &self.inside {
            Some(Inside { at, chain, depth: _, place, number: _ }) => {
                RelationUse { origin: *at, place: *place, through: Some(Arc::clone(chain)), ..used }
            }
            None => used,
        }
    }

    /// Whether a view's use is a materialized view's.
    pub(super) fn is_stored_view(&self, number: usize) -> bool {
        self.relation_of(number).is_some_and(|relation| relation.kind == RelationKind::MaterializedView)
    }

    /// Notes that the target list of a definition names columns; they count once the statement reaches them.
    pub(super) fn defer(&mut self, label: &Label) {
        self.deferred.extend(label.columns());
    }

    /// A column of a definition's target list that the purpose may not see: nothing but NULL stands there, unless the
    /// statement reaches it, which is a refusal. Where the column decides how many rows there are it counts at once.
    /// Returns what stands in for it.
    pub(super) fn close_target(
        &mut self,
        value: &mut Node,
        column: Option<&Visible>,
        label: &Label,
        usage: Use,
    ) -> Option<Node> {
        let (Some(inside), None) = (&self.inside, usage) else { return None };
        if column.is_none() && label.columns().iter().any(|column| self.openness(*column) != Openness::Open) {
            self.views[inside.number].computes = true;
        }
        // A column that is released in aggregates alone is closed where nothing aggregates it.
        let groups = self.levels.last().is_some_and(|level| level.governing);
        let aggregated = label.columns().iter().any(|column| self.openness(*column) == Openness::Aggregated);
        let shows = column.is_some() && !groups && aggregated;
        if !self.is_closed(label) && !shows {
            return None;
        }
        let grouping = match self.levels.last() {
            Some(level) if level.governing => Grouping::ByKeys,
            Some(_) | None => Grouping::None,
        };
        if !is_row_neutral(value, self.context.catalog, grouping) {
            self.touch(label, Some(Usage::Output), -1);
            return None;
        }
        let base = column.and_then(|column| column.typed);
        let base = base.and_then(|(number, index)| self.relation_of(number)?.columns.get(index));
        Some(null_of(base.map(|column| &*column.type_sql)))
    }

    /// A star in a definition, which `pg_get_viewdef` does not write: nothing of it can be left out.
    pub(super) fn close_star(&mut self, columns: &[Visible], usage: Use) {
        let deferring = self.inside.is_some() && usage.is_none();
        for column in columns.iter().filter(|_| deferring) {
            if self.is_closed(&column.label) {
                self.touch(&column.label, Some(Usage::Output), -1);
            }
        }
    }

    /// Whether a label holds a closed column.
    pub(super) fn is_closed(&self, label: &Label) -> bool {
        label.columns().iter().any(|column| self.openness(*column) == Openness::Closed)
    }

    fn openness(&self, (number, index): BaseColumn) -> Openness {
        if self.uses[number].relation == NO_RELATION {
            // What a recursive CTE passes on from round to round was judged where it came in.
            return Openness::Open;
        }
        match self.relation_of(number) {
            Some(relation) => self.context.rulings.openness(relation, index),
            None => Openness::Closed,
        }
    }

    /// Decides of every view whether its reference stays, and puts the definitions of the others into the tree.
    pub(super) fn place_views(&mut self, tree: &mut Node) -> Outcome<()> {
        let views = std::mem::take(&mut self.views);
        let mut inlined: FxHashMap<i32, Node> = FxHashMap::default();
        let mut number = 0;
        while let Some(view) = views.get(number) {
            let computes = views[number..view.nested].iter().any(|view| view.computes);
            let stays = view.kind == RelationKind::MaterializedView || (!computes && self.stays(view));
            if stays {
                for used in &mut self.uses[view.inside.clone()] {
                    if used.place == Place::Text {
                        used.place = Place::Within;
                    }
                }
                // What stands in it is not in the tree.
                number = view.nested;
                continue;
            }
            self.uses[view.own].place = Place::Inlined;
            if let (Some(at), true) = (self.uses[view.own].whole_row, view.renamed) {
                return not_understood("a whole row of a view under column aliases", i32::try_from(at).unwrap_or(-1));
            }
            inlined.insert(view.at, view.inline(&self.uses[view.own].names));
            number += 1;
        }
        for base in std::mem::take(&mut self.deferred) {
            if self.uses[base.0].place == Place::Text && self.openness(base) != Openness::Closed {
                self.uses[base.0].record(base.1, None, None);
            }
        }
        if inlined.is_empty() {
            return Ok(());
        }
        let expected = inlined.len();
        let mut inliner = Inliner { inlined, placed: 0 };
        walk(tree, &mut inliner)?;
        if inliner.placed == expected {
            return Ok(());
        }
        not_understood("a view that could not be found again", -1)
    }

    /// Whether a view shows the statement nothing that a guard would have to keep back.
    fn stays(&self, view: &ViewUse) -> bool {
        view.inside.clone().all(|number| {
            let used = &self.uses[number];
            if used.relation == NO_RELATION {
                return true;
            }
            let Some(relation) = self.relation_of(number) else { return false };
            match used.place {
                Place::Text => {
                    let openness = |index| self.context.rulings.openness(relation, index);
                    // Its rows are counted behind a threshold, whichever columns are named.
                    let aggregated = (0..relation.columns.len()).any(|index| openness(index) == Openness::Aggregated)
                        && (0..relation.columns.len())
                            .all(|index| matches!(openness(index), Openness::Aggregated | Openness::Closed));
                    !self.context.rulings.filtered(relation)
                        && !aggregated
                        && used.columns.iter().all(|column| self.openness((number, column.index)) == Openness::Open)
                }
                // Judged on their own, and open as they are or refused.
                // No definition writes.
                Place::Target => false,
                Place::View | Place::Inlined | Place::Within | Place::Stored | Place::Locked => true,
            }
        })
    }
}

/// A trouble in a definition, told of the view at the place where the statement refers to it.
fn through(trouble: Trouble, kind: RelationKind, name: &str, at: i32) -> Trouble {
    let (what, at) = match trouble {
        Trouble::NotUnderstood(reason) => (format!("{} (in {} {name})", reason.what, kind.word()), at),
        Trouble::Unresolved(reason) => {
            (format!("{} {name}, whose definition does not resolve ({}),", kind.word(), reason.message), at)
        }
    };
    Trouble::NotUnderstood(NotUnderstood::new(what, u32::try_from(at).ok()))
}

impl ViewUse {
    /// The definition as a derived table with the view's alias and the names of its columns.
    fn inline(&self, names: &[Arc<str>]) -> Node {
        let subquery = Node { node: Some(NodeEnum::SelectStmt(Box::new(self.definition.clone()))) };
        let colnames = names.iter().map(|name| text_node(name)).collect();
        Node {
            node: Some(NodeEnum::RangeSubselect(Box::new(RangeSubselect {
                lateral: false,
                subquery: Some(Box::new(subquery)),
                alias: Some(Alias { aliasname: self.alias.to_string(), colnames }),
            }))),
        }
    }
}

/// Puts definitions where their views stand, also those that stand in others.
struct Inliner {
    inlined: FxHashMap<i32, Node>,
    placed: usize,
}

impl Visitor for Inliner {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        if let Some(NodeEnum::RangeVar(range)) = &node.node
            && let Some(definition) = self.inlined.remove(&range.location)
        {
            *node = definition;
            self.placed += 1;
        }
        Ok(())
    }

    fn location(&mut self, _at: &mut i32) {}
}

/// NULL, of a type where that is known.
fn null_of(type_sql: Option<&str>) -> Node {
    let bare = || {
        let value = AConst { isnull: true, location: -1, val: None };
        Node { node: Some(NodeEnum::AConst(value)) }
    };
    type_sql.and_then(|type_sql| expression(&format!("NULL::{type_sql}"))).unwrap_or_else(bare)
}

/// Sets the numbers that tell relations in definitions apart to -1, as they stand in no text.
pub fn clear_synthetic_locations(tree: &mut Node) -> Result<(), NotUnderstood> {
    struct Clearer;
    impl Visitor for Clearer {
        fn node(&mut self, _node: &mut Node) -> Result<(), NotUnderstood> {
            Ok(())
        }
        fn location(&mut self, at: &mut i32) {
            if *at >= SYNTHETIC {
                *at = -1;
            }
        }
    }
    walk(tree, &mut Clearer)
}
