//! Query levels: WITH, SELECT, VALUES and set operations. After `transformSelectStmt` of Postgres's parser.

use super::Stars;
use super::columns::{MOST_TARGETS, column_node, target_node, too_many_targets};
use super::from::renamed;
use super::known::Known;
use super::label::{BaseColumn, Label, Lock};
use super::naming::figure_name;
use super::recursion::{Recursive, made_columns};
use super::resolver::{Found, Outcome, Resolver, Use, known, label_of, not_understood};
use super::scope::{Columns, Cte, CteFrame, Level, Star, Visible, Written};
use crate::sql::{Visitor, string, walk, words};
use crate::vocab::{NotUnderstood, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    CommonTableExpr, GroupingSet, GroupingSetKind, List, Node, ResTarget, RowExpr, SelectStmt, SetOperation, SortBy,
    WithClause, a_const::Val,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

impl Resolver<'_> {
    /// Resolves a query; its columns are used as `usage` says. Returns them.
    pub(super) fn query(&mut self, select: &mut SelectStmt, usage: Use) -> Outcome<Columns> {
        self.query_of(select, usage, None)
    }

    fn query_of(&mut self, select: &mut SelectStmt, usage: Use, recursive: Option<Recursive>) -> Outcome<Columns> {
        if select.into_clause.is_some() {
            return not_understood("SELECT INTO", -1);
        }
        let (frames, first, depth) = (self.ctes.len(), self.uses.len(), self.levels.len());
        let around = self.reached.replace(usize::MAX);
        let whole = std::mem::take(&mut self.whole);
        if let Some(with) = &mut select.with_clause {
            self.with(with)?;
        }
        self.levels.push(Level::default());
        let columns = match SetOperation::try_from(select.op) {
            Ok(SetOperation::SetopUnion | SetOperation::SetopIntersect | SetOperation::SetopExcept) => {
                self.with_stars(Stars::Whole, |arms| arms.set_operation(select, usage, recursive))
            }
            Ok(SetOperation::SetopNone) if !select.values_lists.is_empty() => self.values(select, usage),
            Ok(SetOperation::SetopNone) => {
                self.whole = whole;
                self.plain(select, usage)
            }
            Ok(SetOperation::Undefined) | Err(_) => not_understood("an unknown set operation", -1),
        };
        self.levels.pop();
        self.ctes.truncate(frames);
        if self.reached.get() < depth {
            self.uses[first..].iter_mut().for_each(|used| used.correlated = true);
        }
        self.reached.set(around.min(self.reached.get()));
        columns
    }

    pub(super) fn with(&mut self, with: &mut WithClause) -> Outcome<()> {
        let WithClause { ctes, recursive, location: _ } = with;
        let pending = if *recursive { ctes.iter().filter_map(cte_name).collect() } else { Vec::new() };
        let frame = self.ctes.len();
        self.ctes.push(CteFrame { ready: Vec::new(), pending });
        let order = if *recursive { dependency_order(ctes) } else { (0..ctes.len()).collect() };
        for index in order {
            let node = &mut ctes[index];
            let Some(NodeEnum::CommonTableExpr(cte)) = &mut node.node else {
                return not_understood("a WITH item", -1);
            };
            let CommonTableExpr {
                ctename,
                aliascolnames,
                ctematerialized: _,
                ctequery,
                search_clause,
                cycle_clause,
                location,
                cterecursive: _,
                cterefcount: _,
                ctecolnames: _,
                ctecoltypes: _,
                ctecoltypmods: _,
                ctecolcollations: _,
            } = &mut **cte;
            let name: Arc<str> = ctename.as_str().into();
            let colnames: Vec<Arc<str>> = aliascolnames.iter().filter_map(string).map(Arc::from).collect();
            let columns = match ctequery.as_mut().and_then(|query| query.node.as_mut()) {
                Some(NodeEnum::SelectStmt(select)) => {
                    let recursive = recursive.then(|| Recursive {
                        name: Arc::clone(&name),
                        colnames: colnames.clone(),
                        made: made_columns(search_clause, cycle_clause),
                    });
                    // A CTE sees the entries of the levels around its query, but not those of the query itself,
                    // which are not there yet.
                    let stars = if colnames.is_empty() { self.stars } else { Stars::Whole };
                    self.with_stars(stars, |inner| inner.query_of(select, None, recursive))?
                }
                Some(
                    statement @ (NodeEnum::InsertStmt(_)
                    | NodeEnum::UpdateStmt(_)
                    | NodeEnum::DeleteStmt(_)
                    | NodeEnum::MergeStmt(_)),
                ) => self.with_stars(Stars::Whole, |inner| inner.write(statement))?,
                Some(other) => return not_understood(format!("{} in WITH", words(other)), *location),
                None => return not_understood("an empty WITH item", *location),
            };
            let mut columns = renamed(&columns, None, &colnames);
            if let Some(search) = search_clause {
                columns = self.search_columns(search, columns)?;
            }
            if let Some(cycle) = cycle_clause {
                columns = self.cycle_columns(cycle, columns)?;
            }
            let CteFrame { ready, pending } = &mut self.ctes[frame];
            pending.retain(|other| *other != name);
            ready.retain(|other| other.name != name);
            ready.push(Cte { name, columns });
        }
        Ok(())
    }

    fn set_operation(&mut self, select: &mut SelectStmt, usage: Use, recursive: Option<Recursive>) -> Outcome<Columns> {
        let SelectStmt {
            distinct_clause: _,
            into_clause: _,
            target_list: _,
            from_clause: _,
            where_clause: _,
            group_clause: _,
            group_distinct: _,
            having_clause: _,
            window_clause: _,
            values_lists: _,
            sort_clause,
            limit_offset,
            limit_count,
            limit_option: _,
            locking_clause: _,
            with_clause: _,
            op,
            all,
            larg,
            rarg,
        } = select;
        let (Some(left), Some(right)) = (larg, rarg) else { return not_understood("a set operation", -1) };
        let first = self.query(left, usage)?;
        let round = recursive.map(|recursive| self.begin_round(&recursive, &first)).transpose()?;
        let second = self.query(right, usage)?;
        let mut columns = united(&first, &second);
        if let Some(round) = round {
            columns = self.end_round(&round, columns)?;
        }
        // EXCEPT ALL and INTERSECT ALL compare rows too.
        if !*all || *op != SetOperation::SetopUnion as i32 {
            self.touch(&label_of(&columns), Some(Usage::Group), -1);
        }
        for sort in sort_clause {
            let Some(NodeEnum::SortBy(sort)) = &sort.node else { return not_understood("ORDER BY", -1) };
            let sorted = sort.node.as_ref().and_then(|node| output_reference(node, &columns));
            // Postgres takes only the names and numbers of result columns here.
            let Some(label) = sorted else { return not_understood("ORDER BY of a set operation", sort.location) };
            self.touch(&label, Some(Usage::Sort), sort.location);
        }
        self.limits(limit_offset, limit_count)?;
        Ok(columns)
    }

    fn limits(&mut self, offset: &mut Option<Box<Node>>, count: &mut Option<Box<Node>>) -> Outcome<()> {
        for limit in [offset, count].into_iter().flatten() {
            self.expression(limit, Some(Usage::Filter))?;
        }
        Ok(())
    }

    fn values(&mut self, select: &mut SelectStmt, usage: Use) -> Outcome<Columns> {
        let mut labels: Vec<Label> = Vec::new();
        // A row of VALUES has no target that could be left out.
        let usage = if self.inside.is_some() { usage.or(Some(Usage::Output)) } else { usage };
        for row in &mut select.values_lists {
            let Some(NodeEnum::List(List { items })) = &mut row.node else { return not_understood("VALUES", -1) };
            let fields = self.fields(items, usage)?;
            labels.resize(labels.len().max(fields.len()), Label::none());
            for (label, field) in labels.iter_mut().zip(&fields) {
                *label = std::mem::take(label).join(field);
            }
        }
        let columns = known(labels.into_iter().enumerate().map(|(index, label)| {
            let name: Arc<str> = format!("column{}", index + 1).into();
            Visible {
                written: Written::Bare(Arc::clone(&name)),
                name,
                label,
                base: None,
                typed: None,
                star: Star::Expands,
            }
        }));
        let mut sorts = std::mem::take(&mut select.sort_clause);
        self.order_by(&mut sorts, &columns)?;
        select.sort_clause = sorts;
        self.limits(&mut select.limit_offset, &mut select.limit_count)?;
        Ok(columns)
    }

    fn plain(&mut self, select: &mut SelectStmt, usage: Use) -> Outcome<Columns> {
        let SelectStmt {
            distinct_clause,
            into_clause: _,
            target_list,
            from_clause,
            where_clause,
            group_clause,
            group_distinct: _,
            having_clause,
            window_clause,
            values_lists: _,
            sort_clause,
            limit_offset,
            limit_count,
            limit_option: _,
            locking_clause,
            with_clause: _,
            op: _,
            all: _,
            larg: _,
            rarg: _,
        } = select;
        let whole = std::mem::take(&mut self.whole);
        super::call::name_setting(target_list, where_clause.as_deref());
        let first = self.uses.len();
        let limited = limit_count.is_some() || limit_offset.is_some();
        if limited {
            self.announce_locks(locking_clause);
        }
        self.resolve_from(from_clause)?;
        let from = first..self.uses.len();
        self.locks(locking_clause, from, if limited { Lock::Limited } else { Lock::Returned })?;
        if whole {
            self.look_up(where_clause)?;
        }
        if let Some(condition) = where_clause {
            self.condition(condition, Usage::Filter)?;
            self.harvest(condition);
        }
        let level = self.levels.len() - 1;
        self.levels[level].governing = !group_clause.is_empty();
        let columns = self.targets(target_list, usage)?;
        if let Some(condition) = having_clause {
            self.condition(condition, Usage::Filter)?;
        }
        for window in window_clause {
            let Some(NodeEnum::WindowDef(window)) = &mut window.node else { return not_understood("WINDOW", -1) };
            self.window(window)?;
        }
        self.order_by(sort_clause, &columns)?;
        for item in distinct_clause.iter_mut() {
            match item.node {
                // Plain DISTINCT: a list of one empty node.
                None => self.touch(&label_of(&columns), Some(Usage::Group), -1),
                Some(_) => self.sorted_by(item, &columns, Usage::Group)?,
            }
        }
        self.levels[level].governing = false;
        let (mut keys, mut some) = (Vec::new(), Vec::new());
        for item in group_clause.iter_mut() {
            keys.extend(self.group_item(item, &columns, &mut some)?);
        }
        self.complete_group_by(group_clause, &keys, &some);
        self.limits(limit_offset, limit_count)?;
        Ok(columns)
    }

    /// Resolves the target list and writes its stars out.
    pub(super) fn targets(&mut self, targets: &mut Vec<Node>, usage: Use) -> Outcome<Columns> {
        let mut columns = Vec::with_capacity(targets.len());
        let mut written = Vec::with_capacity(targets.len());
        let mut opaque: Option<Label> = None;
        for node in std::mem::take(targets) {
            let Some(NodeEnum::ResTarget(target)) = node.node else { return not_understood("a target list", -1) };
            if columns.len() > MOST_TARGETS {
                return too_many_targets(target.location);
            }
            if let Some((nodes, expanded)) = self.star(&target, usage)? {
                self.close_star(&expanded, usage);
                written.extend(nodes);
                columns.extend(expanded.into_iter().map(|column| Visible { base: column.base, ..column }));
                continue;
            }
            let ResTarget { name, indirection, val, location } = *target;
            let (Some(mut value), true) = (val, indirection.is_empty()) else {
                return not_understood("a target list", location);
            };
            if let Some(fields) = self.composite_star(&mut value, usage)? {
                match fields {
                    Columns::Known(fields) => columns.extend(fields.iter().cloned()),
                    Columns::Opaque(label) => opaque = Some(opaque.unwrap_or_default().join(&label)),
                }
                written.push(target_node(*value, location));
                continue;
            }
            let given: Arc<str> = if name.is_empty() { figure_name(&value) } else { name.as_str().into() };
            let resolved = self.value(&mut value, usage)?;
            let mut name = name;
            if let Some(null) = self.close_target(&mut value, resolved.column.as_ref(), &resolved.label, usage) {
                *value = null;
                name = given.to_string();
            }
            let source = resolved.column.as_ref();
            columns.push(Visible {
                written: Written::Bare(Arc::clone(&given)),
                name: Arc::clone(&given),
                label: resolved.label.clone(),
                base: source.and_then(|column| column.base),
                typed: source.and_then(|column| column.typed),
                star: Star::Expands,
            });
            let Some(NodeEnum::ResTarget(mut again)) = target_node(*value, location).node else { continue };
            // What stands in for a column does not lend it its name.
            let stands_in = source.is_some_and(|column| matches!(column.written, Written::Instead(_)));
            again.name = if name.is_empty() && stands_in { given.to_string() } else { name };
            written.push(Node { node: Some(NodeEnum::ResTarget(again)) });
        }
        *targets = written;
        let columns = known(columns);
        Ok(match opaque {
            Some(label) => Columns::Opaque(label.join(&label_of(&columns))),
            None => columns,
        })
    }

    fn order_by(&mut self, sorts: &mut [Node], columns: &Columns) -> Outcome<()> {
        for sort in sorts {
            let Some(NodeEnum::SortBy(sort)) = &mut sort.node else { return not_understood("ORDER BY", -1) };
            let SortBy { node, sortby_dir: _, sortby_nulls: _, use_op, location } = &mut **sort;
            if let Some(node) = node {
                self.sorted_by(node, columns, Usage::Sort)?;
            }
            self.operator_named(use_op, (Known::Typed, Known::Typed), *location)?;
        }
        Ok(())
    }

    /// An item of ORDER BY or DISTINCT ON: a result column by name or number first, else an expression.
    fn sorted_by(&mut self, node: &mut Node, columns: &Columns, usage: Usage) -> Outcome<()> {
        match output_reference(node, columns) {
            Some(label) => self.touch(&label, Some(usage), -1),
            None => {
                self.expression(node, Some(usage))?;
            }
        }
        Ok(())
    }

    /// An item of GROUP BY: a column of this level by name, else a result column by name or number, else an expression.
    /// Returns the base columns that it groups by in every grouping set, and adds to `some` those that it groups by in
    /// any: in the other sets they are null.
    fn group_item(
        &mut self,
        node: &mut Node,
        columns: &Columns,
        some: &mut Vec<BaseColumn>,
    ) -> Outcome<Vec<BaseColumn>> {
        let level = self.levels.len() - 1;
        match &mut node.node {
            Some(NodeEnum::GroupingSet(GroupingSet { kind, content, location: _ })) => {
                let mut sets = Vec::with_capacity(content.len());
                for item in content {
                    sets.push(self.group_item(item, columns, some)?);
                }
                return Ok(match GroupingSetKind::try_from(*kind) {
                    Ok(GroupingSetKind::GroupingSetSets) => {
                        let first = sets.pop().unwrap_or_default();
                        first.into_iter().filter(|key| sets.iter().all(|set| set.contains(key))).collect()
                    }
                    // One of their sets is empty.
                    Ok(
                        GroupingSetKind::GroupingSetRollup
                        | GroupingSetKind::GroupingSetCube
                        | GroupingSetKind::GroupingSetEmpty
                        | GroupingSetKind::GroupingSetSimple
                        | GroupingSetKind::Undefined,
                    )
                    | Err(_) => Vec::new(),
                });
            }
            Some(NodeEnum::RowExpr(row)) => {
                let RowExpr { xpr: _, args, row_typeid: _, row_format: _, colnames: _, location: _ } = &mut **row;
                let mut keys = Vec::new();
                for item in args {
                    keys.extend(self.group_item(item, columns, some)?);
                }
                return Ok(keys);
            }
            Some(NodeEnum::ColumnRef(reference)) => {
                let local = match reference.fields.as_slice() {
                    [name] => match string(name) {
                        Some(name) => !matches!(self.find_column_at(level, name, -1)?, Found::Nothing),
                        None => false,
                    },
                    _qualified => true,
                };
                if local {
                    let value = self.column_ref(reference, Some(Usage::Group))?;
                    let base = value.column.and_then(|column| column.base);
                    some.extend(base);
                    return Ok(base.into_iter().collect());
                }
            }
            Some(_) | None => {}
        }
        if let Some(label) = output_reference(node, columns) {
            self.touch(&label, Some(Usage::Group), -1);
            let base = output_column(node, columns).and_then(|column| column.base);
            some.extend(base);
            return Ok(base.into_iter().collect());
        }
        self.expression(node, Some(Usage::Group))?;
        Ok(Vec::new())
    }

    /// Where the grouped columns contain a guarded relation's primary key, adds the relation's other columns that the
    /// level refers to: Postgres infers them from the key of a table, but not from that of a derived table. Beside
    /// grouping sets an item of GROUP BY belongs to each of them.
    fn complete_group_by(&mut self, group: &mut Vec<Node>, keys: &[BaseColumn], some: &[BaseColumn]) {
        let level = self.levels.len() - 1;
        let governed = std::mem::take(&mut self.levels[level].governed);
        let mut added: Vec<BaseColumn> = Vec::new();
        for (base, written) in governed {
            let Some(relation) = self.relation_of(base.0) else { continue };
            let key_of = |number| {
                let index = relation.columns.iter().position(|column| column.number == number);
                index.is_some_and(|index| keys.contains(&(base.0, index)))
            };
            // A closed one is refused, or null in the target list of a view.
            let closed = self.is_closed(&Label::of(base));
            let keyed = !closed
                && !relation.primary_key.is_empty()
                && relation.primary_key.iter().all(|number| key_of(*number));
            if keyed && self.context.rulings.guarded(relation) && !some.contains(&base) && !added.contains(&base) {
                added.push(base);
                group.push(column_node(&written, -1));
            }
        }
    }
}

fn cte_name(node: &Node) -> Option<Arc<str>> {
    match &node.node {
        Some(NodeEnum::CommonTableExpr(cte)) => Some(cte.ctename.as_str().into()),
        Some(_) | None => None,
    }
}

/// The order in which the queries of a WITH RECURSIVE are resolved: those that others refer to first. Postgres takes no
/// two that refer to each other; they keep their places and meet a name that is not resolved yet.
fn dependency_order(ctes: &mut [Node]) -> Vec<usize> {
    struct Names(FxHashSet<String>);
    impl Visitor for Names {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            if let Some(NodeEnum::RangeVar(range)) = &node.node
                && range.schemaname.is_empty()
            {
                self.0.insert(range.relname.clone());
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let names: Vec<Option<Arc<str>>> = ctes.iter().map(cte_name).collect();
    let mut needs: Vec<FxHashSet<String>> = Vec::with_capacity(ctes.len());
    for cte in ctes.iter_mut() {
        let mut found = Names(FxHashSet::default());
        // What the walk refuses resolution refuses too, at its place.
        let _ = walk(cte, &mut found);
        needs.push(found.0);
    }
    let places: FxHashMap<&str, usize> =
        names.iter().enumerate().filter_map(|(index, name)| Some((name.as_deref()?, index))).collect();
    let mut waiting = vec![0; names.len()];
    let mut wanted_by: Vec<Vec<usize>> = vec![Vec::new(); names.len()];
    for (one, needs) in needs.iter().enumerate() {
        for other in needs.iter().filter_map(|name| places.get(name.as_str())).filter(|other| **other != one) {
            waiting[one] += 1;
            wanted_by[*other].push(one);
        }
    }
    let mut order: Vec<usize> = Vec::with_capacity(names.len());
    let mut taken = vec![false; names.len()];
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..names.len()).filter(|one| waiting[*one] == 0).map(Reverse).collect();
    let mut first = 0;
    while order.len() < names.len() {
        // In a circle all wait: the first of them goes on.
        let next = ready.pop().map_or_else(|| (first..).find(|one| !taken[*one]).unwrap_or(first), |Reverse(one)| one);
        if std::mem::replace(&mut taken[next], true) {
            continue;
        }
        order.push(next);
        while taken.get(first) == Some(&true) {
            first += 1;
        }
        for one in &wanted_by[next] {
            waiting[*one] -= 1;
            if waiting[*one] == 0 {
                ready.push(Reverse(*one));
            }
        }
    }
    order
}

/// The result column that an item of ORDER BY or GROUP BY names by its name or number.
fn output_column<'c>(node: &Node, columns: &'c Columns) -> Option<&'c Visible> {
    let Columns::Known(columns) = columns else { return None };
    match node.node.as_ref()? {
        NodeEnum::ColumnRef(reference) => {
            let [name] = reference.fields.as_slice() else { return None };
            let name = string(name)?;
            columns.iter().find(|column| &*column.name == name)
        }
        NodeEnum::AConst(value) => match value.val.as_ref()? {
            Val::Ival(number) => columns.get(usize::try_from(number.ival).ok()?.checked_sub(1)?),
            Val::Fval(_) | Val::Boolval(_) | Val::Sval(_) | Val::Bsval(_) => None,
        },
        _expression => None,
    }
}

/// The label of the result columns that an item names; several may have the name, the server then complains if they
/// differ.
fn output_reference(node: &Node, columns: &Columns) -> Option<Label> {
    let column = output_column(node, columns)?;
    let Columns::Known(all) = columns else { return None };
    let twins = all.iter().filter(|other| other.name == column.name);
    Some(twins.fold(column.label.clone(), |label, twin| label.join(&twin.label)))
}

/// The columns of a set operation: the first arm's names, both arms' labels.
fn united(first: &Columns, second: &Columns) -> Columns {
    let (Columns::Known(first), Columns::Known(second)) = (first, second) else {
        return Columns::Opaque(label_of(first).join(&label_of(second)));
    };
    known(first.iter().enumerate().map(|(index, column)| Visible {
        label: match second.get(index) {
            Some(other) => column.label.clone().join(&other.label),
            None => column.label.clone(),
        },
        base: None,
        typed: None,
        ..column.clone()
    }))
}
