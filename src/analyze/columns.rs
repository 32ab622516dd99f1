//! Column references: `a`, `t.a`, `s.t.a`, whole rows, functional notation, stars. After `transformColumnRef` and
//! `ExpandColumnRefStar` of Postgres's parser.

use super::Stars;
use super::label::Label;
use super::resolver::{Found, Outcome, Place, Resolver, Use, is_system_column, label_of, not_understood, unresolved};
use super::scope::{Columns, Source, Star, Visible, Written};
use crate::sql::string;
use crate::vocab::SqlState;
use pg_query::NodeEnum;
use pg_query::protobuf::{ColumnRef, Node, ResTarget, String as Text};
use std::sync::Arc;

/// What a column reference turned out to be.
pub(super) struct Value {
    pub label: Label,
    /// The column itself, where it is one and not a whole row or a system column.
    pub column: Option<Visible>,
}

impl Value {
    pub fn of(label: Label) -> Value {
        Value { label, column: None }
    }
}

pub(super) fn text_node(text: &str) -> Node {
    Node { node: Some(NodeEnum::String(Text { sval: text.to_owned() })) }
}

/// A column reference as it is printed.
pub(super) fn column_node(written: &Written, location: i32) -> Node {
    if let Written::Instead(node) = written {
        return Node::clone(node);
    }
    let mut reference = ColumnRef { fields: Vec::new(), location };
    write(&mut reference, written);
    Node { node: Some(NodeEnum::ColumnRef(reference)) }
}

/// Writes a reference so that it can mean only this column.
fn write(reference: &mut ColumnRef, written: &Written) {
    reference.fields = match written {
        Written::Qualified(alias, name) => vec![text_node(alias), text_node(name)],
        Written::Bare(name) => vec![text_node(name)],
        // INVARIANT: the node is replaced by `Resolver::value`; where it were not, no column has such a name.
        Written::Instead(_) => vec![text_node("wherefore: a column that is replaced")],
    };
}

/// The parts of a reference; `None` for a star, which can only be last.
fn parts(reference: &ColumnRef) -> (Vec<Arc<str>>, bool) {
    let names: Vec<Arc<str>> = reference.fields.iter().filter_map(string).map(Arc::from).collect();
    let star = names.len() < reference.fields.len();
    (names, star)
}

impl Resolver<'_> {
    /// Resolves a column reference, rewrites it in place with its alias, and records the use.
    pub fn column_ref(&mut self, reference: &mut ColumnRef, usage: Use) -> Outcome<Value> {
        let at = reference.location;
        let (names, star) = parts(reference);
        if star {
            return self.row_star(reference, &names, usage);
        }
        match names.as_slice() {
            [name] => self.bare(reference, name, usage),
            [table, name] => self.qualified(reference, None, table, name, usage),
            [schema, table, name] => self.qualified(reference, Some(schema), table, name, usage),
            [database, schema, table, name] => {
                self.own_database(database, at)?;
                self.qualified(reference, Some(schema), table, name, usage)
            }
            _too_many => unresolved(
                SqlState::SYNTAX_ERROR,
                format!("improper qualified name (too many dotted names): {}", names.join(".")),
                at,
            ),
        }
    }

    /// `t.*` in an expression: the whole row.
    fn row_star(&mut self, reference: &mut ColumnRef, names: &[Arc<str>], usage: Use) -> Outcome<Value> {
        let at = reference.location;
        let (schema, table) = match names {
            [table] => (None, table),
            [schema, table] => (Some(&**schema), table),
            _other => return not_understood("a star in an expression", at),
        };
        let Some(place) = self.find_entry(schema, table, at)? else {
            let message = format!("missing FROM-clause entry for table \"{table}\"");
            return unresolved(SqlState::UNDEFINED_TABLE, message, at);
        };
        if schema.is_some() {
            reference.fields.remove(0);
        }
        self.whole_row(place, usage, at)
    }

    fn own_database(&self, database: &str, at: i32) -> Outcome<()> {
        if database == self.context.catalog.database() {
            return Ok(());
        }
        not_understood(format!("a reference to another database (\"{database}\")"), at)
    }

    fn bare(&mut self, reference: &mut ColumnRef, name: &Arc<str>, usage: Use) -> Outcome<Value> {
        let at = reference.location;
        match self.find_column(name, at)? {
            Found::Column(place, column) => {
                self.not_an_argument_and_a_row(place, name, at)?;
                write(reference, &column.written);
                Ok(self.use_column(place, column, usage, at))
            }
            Found::System(place, number) => {
                let alias = self.levels[place.0].entries[place.1].name.clone();
                self.use_system(reference, number, alias, name)
            }
            Found::Opaque(place, label) => {
                // With its alias it can mean nothing but a column of this entry, whatever the server finds there.
                let Some(alias) = self.levels[place.0].entries[place.1].name.clone() else {
                    return not_understood("a sub-query without alias whose columns are not known", at);
                };
                write(reference, &Written::Qualified(alias, Arc::clone(name)));
                self.touch(&label, usage, at);
                Ok(Value::of(label))
            }
            // Not a column anywhere: perhaps a whole row.
            Found::Nothing => match self.find_entry(None, name, at)? {
                Some(place) => self.whole_row(place, usage, at),
                None => unresolved(SqlState::UNDEFINED_COLUMN, format!("column \"{name}\" does not exist"), at),
            },
        }
    }

    fn qualified(
        &mut self,
        reference: &mut ColumnRef,
        schema: Option<&str>,
        table: &Arc<str>,
        name: &Arc<str>,
        usage: Use,
    ) -> Outcome<Value> {
        let at = reference.location;
        let Some(place) = self.find_entry(schema, table, at)? else {
            return unresolved(
                SqlState::UNDEFINED_TABLE,
                format!("missing FROM-clause entry for table \"{table}\""),
                at,
            );
        };
        if let Columns::Opaque(label) = self.columns_at(place) {
            let label = label.join(&self.attribute(name, at)?);
            self.touch(&label, usage, at);
            return Ok(Value::of(label));
        }
        if let Some((written, value)) = self.column_of(place, name, usage, at)? {
            write(reference, &written);
            return Ok(value);
        }
        let entry = &self.levels[place.0].entries[place.1];
        if let (Source::Base(number), true) = (&entry.source, is_system_column(name)) {
            let (number, alias) = (*number, entry.name.clone());
            return self.use_system(reference, number, alias, name);
        }
        if self.context.catalog.functions(name).next().is_some() {
            // `t.f` is `f(t)`: a function that takes the whole row.
            return not_understood(format!("function {name} in functional notation ({table}.{name})"), at);
        }
        unresolved(SqlState::UNDEFINED_COLUMN, format!("column {table}.{name} does not exist"), at)
    }

    /// Records the use of a column.
    pub(super) fn use_column(&mut self, place: Place, column: Visible, usage: Use, at: i32) -> Value {
        self.touch(&column.label, usage, at);
        self.govern(place.0, &column);
        Value { label: column.label.clone(), column: Some(column) }
    }

    /// Notes a reference that GROUP BY of its level governs.
    fn govern(&mut self, level: usize, column: &Visible) {
        let level = &mut self.levels[level];
        if let (true, Some(base)) = (level.governing, column.base) {
            level.governed.push((base, column.written.clone()));
        }
    }

    fn use_system(
        &mut self,
        reference: &mut ColumnRef,
        number: usize,
        alias: Option<Arc<str>>,
        name: &Arc<str>,
    ) -> Outcome<Value> {
        let at = reference.location;
        let Some(alias) = alias else { return not_understood(format!("system column {name} of a join"), at) };
        self.uses[number].system.push((Arc::clone(name), u32::try_from(at).ok()));
        reference.fields = vec![text_node(&alias), text_node(name)];
        Ok(Value::of(Label::none()))
    }

    /// Records the use of an entry's whole row. A whole-row reference exposes every column.
    pub fn whole_row(&mut self, place: Place, usage: Use, at: i32) -> Outcome<Value> {
        let columns = self.columns_at(place);
        let label = label_of(&columns);
        self.touch(&label, usage, at);
        if let Source::Base(number) | Source::View(number) = self.levels[place.0].entries[place.1].source {
            self.uses[number].whole_row.get_or_insert(u32::try_from(at).unwrap_or(0));
        }
        if let Columns::Known(columns) = &columns {
            if columns.iter().any(|column| matches!(column.written, Written::Instead(_))) {
                return not_understood(
                    "a whole row of a relation that is written to or locked, and partly masked or filtered",
                    at,
                );
            }
            columns.iter().for_each(|column| self.govern(place.0, column));
        }
        Ok(Value { label, column: None })
    }

    /// Writes a star of a target list out. Returns the columns it stands for; `None` if the target is no star.
    pub fn star(&mut self, target: &ResTarget, usage: Use) -> Outcome<Option<(Vec<Node>, Vec<Visible>)>> {
        let Some(node) = target.val.as_ref().and_then(|value| value.node.as_ref()) else { return Ok(None) };
        let places = match node {
            NodeEnum::ColumnRef(reference) => {
                let (names, star) = parts(reference);
                if !star {
                    return Ok(None);
                }
                self.star_places(&names, reference.location)?
            }
            NodeEnum::AIndirection(indirection) => {
                // `(t).*`: a star of a whole row.
                let ends_in_star =
                    matches!(indirection.indirection.last(), Some(Node { node: Some(NodeEnum::AStar(_)) }));
                if !ends_in_star {
                    return Ok(None);
                }
                let at = target.location;
                let inner = indirection.arg.as_ref().and_then(|arg| arg.node.as_ref());
                let Some(NodeEnum::ColumnRef(reference)) = inner else { return Ok(None) };
                let (names, _) = parts(reference);
                let [name] = names.as_slice() else { return Ok(None) };
                let is_column = !matches!(self.find_column(name, at)?, Found::Nothing);
                match self.find_entry(None, name, at)? {
                    Some(place) if !is_column && indirection.indirection.len() == 1 => vec![place],
                    Some(_) | None => return Ok(None),
                }
            }
            _no_star => return Ok(None),
        };
        let (mut nodes, mut columns) = (Vec::new(), Vec::new());
        for place in places {
            self.expand(place, usage, target.location, &mut nodes, &mut columns)?;
        }
        Ok(Some((nodes, columns)))
    }

    /// The entries that `*`, `t.*` or `s.t.*` stands for.
    fn star_places(&self, names: &[Arc<str>], at: i32) -> Outcome<Vec<Place>> {
        let (schema, table) = match names {
            [] => {
                let level = self.levels.len() - 1;
                let entries = self.levels[level].entries.iter().enumerate();
                let places: Vec<Place> =
                    entries.filter(|(_, entry)| entry.by_column).map(|(index, _)| (level, index)).collect();
                if places.is_empty() {
                    let message = "SELECT * with no tables specified is not valid".to_owned();
                    return unresolved(SqlState::SYNTAX_ERROR, message, at);
                }
                return Ok(places);
            }
            [table] => (None, table),
            [schema, table] => (Some(&**schema), table),
            [database, schema, table] => {
                self.own_database(database, at)?;
                (Some(&**schema), table)
            }
            _too_many => return not_understood("a name with too many parts", at),
        };
        match self.find_entry(schema, table, at)? {
            Some(place) => Ok(vec![place]),
            None => {
                unresolved(SqlState::UNDEFINED_TABLE, format!("missing FROM-clause entry for table \"{table}\""), at)
            }
        }
    }

    /// Adds the columns of one entry to a target list.
    fn expand(
        &mut self,
        place: Place,
        usage: Use,
        at: i32,
        nodes: &mut Vec<Node>,
        columns: &mut Vec<Visible>,
    ) -> Outcome<()> {
        let name = self.levels[place.0].entries[place.1].name.clone();
        let known = match self.columns_at(place) {
            Columns::Known(known) => known,
            Columns::Opaque(_) => return not_understood("a star over a function whose columns are not known", at),
        };
        let shown = known.iter().any(|column| column.star == Star::Expands);
        let expands = |column: &&Visible| match column.star {
            Star::Expands => true,
            // Of a relation that is closed altogether nothing is left out: the refusal names its columns.
            Star::Closed => self.stars == Stars::Whole || !shown,
            Star::LeftOut => false,
        };
        let known: Vec<&Visible> = known.iter().filter(expands).collect();
        self.spend(STAR_COST * known.len())?;
        for column in known.iter() {
            self.touch(&column.label, usage, at);
            self.govern(place.0, column);
        }
        if columns.len() + known.len() > MOST_TARGETS {
            return too_many_targets(at);
        }
        // A derived table may have two columns of one name, a relation has not.
        let unique = |column: &&Visible| {
            matches!(column.written, Written::Instead(_))
                || known.iter().filter(|other| other.written == column.written).count() == 1
        };
        if known.iter().all(unique) {
            nodes.extend(known.iter().map(|column| target_named(column, at)));
        } else {
            // Two columns of one name can't be told apart by name; the entry is derived, so its star is safe.
            let Some(name) = name else { return not_understood("a star over two columns of the same name", at) };
            let star = Node { node: Some(NodeEnum::AStar(pg_query::protobuf::AStar {})) };
            let fields = vec![text_node(&name), star];
            let reference = Node { node: Some(NodeEnum::ColumnRef(ColumnRef { fields, location: at })) };
            nodes.push(target_node(reference, at));
        }
        columns.extend(known.into_iter().map(|column| Visible { star: Star::Expands, ..column.clone() }));
        Ok(())
    }
}

/// What a column of a star counts for in a statement's budget: a few nodes are made for it.
const STAR_COST: usize = 100;

/// What Postgres takes in a target list (`MaxTupleAttributeNumber`).
pub(super) const MOST_TARGETS: usize = 1664;

pub(super) fn too_many_targets<T>(at: i32) -> Outcome<T> {
    let message = format!("target lists can have at most {MOST_TARGETS} entries");
    unresolved(SqlState::TOO_MANY_COLUMNS, message, at)
}

/// A column as a target, under its own name.
fn target_named(column: &Visible, location: i32) -> Node {
    let mut node = target_node(column_node(&column.written, location), location);
    if let (Written::Instead(_), Some(NodeEnum::ResTarget(target))) = (&column.written, &mut node.node) {
        target.name = column.name.to_string();
    }
    node
}

/// A target without a name of its own.
pub(super) fn target_node(value: Node, location: i32) -> Node {
    let target = ResTarget { name: String::new(), indirection: Vec::new(), val: Some(Box::new(value)), location };
    Node { node: Some(NodeEnum::ResTarget(Box::new(target))) }
}
