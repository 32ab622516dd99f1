//! Function calls: which functions they could mean, and whether those may be run.
//!
//! Functions stay unqualified in the text (their names appear in error messages); every function along the search path
//! that the call could mean must be one that may be run.

use super::builtin;
use super::columns::{Value, column_node};
use super::known::Known;
use super::label::{BaseColumn, ColumnSource, Label, Outlet, Sent, SequenceUse};
use super::resolver::{Outcome, Resolver, Use, not_understood, unresolved};
use super::scope::Columns;
use crate::catalog::{Catalog, Function, FunctionKind, Relation, RelationKind};
use crate::sql::{Visitor, constant_text, is_json_aggregate, set_config_name, string, walk};
use crate::vocab::{NotUnderstood, Oid, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{FuncCall, Node, TypeCast, a_const::Val};

/// Settings that `set_config` may change from within a query: they shape a session's speed and output only. asyncpg
/// switches `jit` off so.
const HARMLESS_SETTINGS: [&str; 4] = ["jit", "datestyle", "timezone", "extra_float_digits"];

impl Resolver<'_> {
    /// A function call. `node` is replaced where `f(t)` means the column `t.f`.
    pub(super) fn call(&mut self, node: &mut Node, usage: Use) -> Outcome<Value> {
        let Some(NodeEnum::FuncCall(call)) = &mut node.node else { return Ok(Value::of(Label::none())) };
        let location = call.location;
        let name: Vec<String> = call.funcname.iter().filter_map(string).map(str::to_owned).collect();
        if let ([name], true) = (name.as_slice(), is_plain_unary(call))
            && self.context.catalog.functions(name).next().is_none()
            && let Some(column) = self.projection(name, call, usage)?
        {
            *node = column_node(&column.0, location);
            return Ok(column.1);
        }
        let FuncCall {
            funcname: _,
            args,
            agg_order,
            agg_filter,
            over,
            agg_within_group: _,
            agg_star: _,
            agg_distinct: _,
            func_variadic: _,
            funcformat: _,
            location: _,
        } = &mut **call;
        let aggregate = over.is_some() || name.last().is_some_and(|name| self.is_aggregate(name));
        // What the target list of a view aggregates counts once the statement reaches it.
        let deferred = self.inside.is_some() && usage.is_none();
        let inner = if aggregate && !deferred { Some(Usage::Aggregate) } else { usage };
        let mut label = self.expressions(args, inner)?;
        label = label.join(&self.sort_list(agg_order)?);
        if let Some(filter) = agg_filter {
            label = label.join(&self.expression(filter, Some(Usage::Filter))?);
        }
        if let Some(window) = over {
            label = label.join(&self.window(window)?);
        }
        let read = self.called(&name, call, &label)?;
        label = label.join(&read);
        if name.last().is_some_and(|name| self.context.catalog.functions(name).any(|function| function.set)) {
            // How many rows it makes depends on its arguments.
            self.touch(&label, Some(Usage::Filter), location);
        }
        Ok(Value::of(label))
    }

    /// `f(t)` where `t` is a row and no function `f` exists: the column `t.f`.
    fn projection(
        &mut self,
        name: &str,
        call: &mut FuncCall,
        usage: Use,
    ) -> Outcome<Option<(super::scope::Written, Value)>> {
        let Some(Node { node: Some(NodeEnum::ColumnRef(argument)) }) = call.args.first() else { return Ok(None) };
        let [field] = argument.fields.as_slice() else { return Ok(None) };
        let Some(row) = string(field) else { return Ok(None) };
        let at = argument.location;
        if !matches!(self.find_column(row, at)?, super::resolver::Found::Nothing) {
            return Ok(None);
        }
        let Some(place) = self.find_entry(None, row, at)? else { return Ok(None) };
        self.column_of(place, name, usage, at)
    }

    /// The column of an entry by name, recorded as used.
    pub(super) fn column_of(
        &mut self,
        place: super::resolver::Place,
        name: &str,
        usage: Use,
        at: i32,
    ) -> Outcome<Option<(super::scope::Written, Value)>> {
        let Columns::Known(columns) = self.columns_at(place) else { return Ok(None) };
        let mut matches = columns.iter().filter(|column| &*column.name == name);
        match (matches.next(), matches.next()) {
            (Some(column), None) => {
                let column = column.clone();
                Ok(Some((column.written.clone(), self.use_column(place, column, usage, at))))
            }
            (Some(_), Some(_)) => {
                unresolved(SqlState::AMBIGUOUS_COLUMN, format!("column reference \"{name}\" is ambiguous"), at)
            }
            (None, _) => Ok(None),
        }
    }

    /// Checks a function call whose arguments are resolved and depend on `label`. Returns what the functions that it may
    /// mean read.
    fn called(&mut self, name: &[String], call: &FuncCall, label: &Label) -> Outcome<Label> {
        let at = call.location;
        let (schema, function) = match name {
            [function] => (None, function),
            [schema, function] => (Some(schema.as_str()), function),
            _other => return not_understood(format!("function {}", name.join(".")), at),
        };
        if matches!(schema, None | Some("pg_catalog")) {
            match function.as_str() {
                "set_config" => {
                    let harmless = set_config_name(call).is_some_and(|name| HARMLESS_SETTINGS.contains(&&*name));
                    if self.has_rival(schema, function) {
                        return not_understood("a user's function set_config", at);
                    }
                    if harmless {
                        return Ok(Label::none());
                    }
                    if set_config_name(call).is_some_and(|name| self.context.rulings.is_own_setting(&name)) {
                        self.sets.get_or_insert(at);
                        return Ok(Label::none());
                    }
                    return not_understood("function set_config inside a query", at);
                }
                "nextval" | "currval" if !self.has_rival(schema, function) => {
                    self.sequences(call)?;
                    return Ok(Label::none());
                }
                "setval" if !self.has_rival(schema, function) => {
                    for sequence in self.sequences(call)? {
                        self.send(Outlet::Sequence(sequence), label, "setval", at)?;
                    }
                    return Ok(Label::none());
                }
                "pg_notify" if !self.has_rival(schema, function) => {
                    self.notify(call, label)?;
                    return Ok(Label::none());
                }
                "pg_input_is_valid" | "pg_input_error_info" if !self.has_rival(schema, function) => {
                    self.type_by_text(call.args.get(1), at)?;
                }
                _other => {}
            }
        }
        let positional = !call.func_variadic && !call.agg_star && !call.agg_within_group;
        let named = call.args.iter().any(|arg| matches!(arg.node, Some(NodeEnum::NamedArgExpr(_))));
        let arguments = match positional && !named {
            true => Arguments::These(call.args.iter().map(|arg| self.known(Some(arg))).collect()),
            false => Arguments::Unknown,
        };
        self.run_by_name(schema, function, arguments, at)
    }

    /// Whether a function outside `pg_catalog` could be meant by the name.
    fn has_rival(&self, schema: Option<&str>, name: &str) -> bool {
        let mut functions = self.context.catalog.functions(name);
        schema.is_none() && functions.any(|f| &*f.schema != "pg_catalog" && self.context.path.searches(&f.schema))
    }

    /// Checks every function that a call could mean. Returns what they read.
    pub(super) fn run_by_name(
        &mut self,
        schema: Option<&str>,
        name: &str,
        arguments: Arguments,
        at: i32,
    ) -> Outcome<Label> {
        let shown = schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        let (catalog, path) = (self.context.catalog, self.context.path);
        let in_sight = |function: &&Function| match schema {
            Some(schema) => *function.schema == *schema,
            None => path.searches(&function.schema),
        };
        let functions: Vec<&Function> = catalog.functions(name).filter(in_sight).collect();
        if functions.is_empty() {
            return self.run_as_type(schema, name, &arguments, &shown, at);
        }
        let fitting: Vec<&Function> = functions.iter().copied().filter(|f| self.fits(f, &arguments)).collect();
        // Where none fits the server will find none either; should it, it is one of those by that name.
        let meant = if fitting.is_empty() { functions } else { fitting };
        let mut label = Label::none();
        for function in meant {
            label = label.join(&self.run(function, at)?);
        }
        Ok(label)
    }

    /// No function of that name is in sight: `regtype('int4')` is a cast.
    fn run_as_type(
        &mut self,
        schema: Option<&str>,
        name: &str,
        arguments: &Arguments,
        shown: &str,
        at: i32,
    ) -> Outcome<Label> {
        let built_in = matches!(schema, None | Some("pg_catalog"));
        // A snapshot without functions does not tell.
        let untold = built_in && self.context.catalog.snapshot().functions.is_empty();
        if (untold && builtin::permitted_whole(name)) || (built_in && builtin::is_type(name)) {
            return Ok(Label::none());
        }
        let one = matches!(arguments, Arguments::These(these) if these.len() == 1);
        let types = self.types_in_sight(schema, name);
        if one && !types.is_empty() {
            for info in types {
                self.type_info_open(info, at)?;
            }
            return self.written_cast(name, Known::Nothing, at);
        }
        if untold {
            return not_understood(format!("function {shown}"), at);
        }
        unresolved(SqlState::UNDEFINED_FUNCTION, format!("function {shown} does not exist"), at)
    }

    /// Whether a function can take so many arguments of these types.
    fn fits(&self, function: &Function, arguments: &Arguments) -> bool {
        let Arguments::These(these) = arguments else { return true };
        let types = &function.argument_types;
        if types.is_empty() && function.arguments != 0 {
            // An older snapshot does not tell.
            return true;
        }
        let (given, defaults) = (these.len(), usize::try_from(function.defaults).unwrap_or(0));
        let variadic = function.arguments < 0;
        let fixed = if variadic { types.len().saturating_sub(1) } else { types.len() };
        let enough = given >= fixed.saturating_sub(defaults) && (variadic || given <= types.len());
        enough && these.iter().zip(types.iter().take(fixed)).all(|(known, wanted)| self.reaches(*known, *wanted))
    }

    /// Whether there may be a function of that name. A snapshot without functions does not tell.
    pub(super) fn is_function(&self, name: &str) -> bool {
        let catalog = self.context.catalog;
        catalog.functions(name).next().is_some() || catalog.snapshot().functions.is_empty()
    }

    /// Whether a call of that name may be to an aggregate.
    fn is_aggregate(&self, name: &str) -> bool {
        let mut functions = self.context.catalog.functions(name);
        builtin::is_aggregate(name) || functions.any(|function| function.kind == FunctionKind::Aggregate)
    }

    /// `pg_notify('channel', payload)`, in the statement itself.
    fn notify(&mut self, call: &FuncCall, payload: &Label) -> Outcome<()> {
        let at = call.location;
        let channel = match call.args.as_slice() {
            [channel, _payload] => constant_text(channel),
            _other => None,
        };
        let Some(channel) = channel else { return not_understood("pg_notify to a channel that is no constant", at) };
        self.send(Outlet::Channel(channel.into()), payload, "pg_notify", at)
    }

    /// Notes what a function puts where others find it.
    fn send(&mut self, to: Outlet, value: &Label, function: &str, at: i32) -> Outcome<()> {
        if self.inside.is_some() || self.bodies.are_being_read() {
            return not_understood(format!("{function} in a view or function"), at);
        }
        let source =
            |(number, index): &BaseColumn| ColumnSource { relation: self.uses[*number].relation, index: *index };
        let sources = value.columns().iter().map(source).collect();
        self.sent.push(Sent { to, at: u32::try_from(at).ok(), sources });
        Ok(())
    }

    /// What a session sets outlives its purpose, so that nothing may decide whether it is set.
    pub(super) fn settings_stand_alone(&self) -> Outcome<()> {
        match self.sets {
            Some(at) if !self.uses.is_empty() => {
                not_understood("function set_config in a statement over relations", at)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// `nextval('s')`, `currval('s')`, `setval('s', n)`: which sequences may be meant.
    fn sequences(&mut self, call: &FuncCall) -> Outcome<Vec<Oid>> {
        let at = call.location;
        let refuse = || not_understood("a sequence function whose sequence is not a constant", at);
        let Some(argument) = call.args.first() else { return refuse() };
        let sequences = match (constant_name(argument), self.serial_column(argument)) {
            (Some(name), _) => match self.find_named(&name) {
                Some(relation) if relation.kind == RelationKind::Sequence => vec![relation.oid],
                Some(_) => return refuse(),
                None => return undefined_relation(&name, at),
            },
            (None, Some((table, column))) => {
                let Some(relation) = self.find_named(&table) else { return undefined_relation(&table, at) };
                let number = relation.columns.iter().find(|known| *known.name == *column).map(|known| known.number);
                let users = self.context.catalog.snapshot().sequence_users.iter();
                let of = users.filter(|user| user.table == relation.oid && Some(user.column) == number);
                of.map(|user| user.sequence).collect()
            }
            (None, None) => return refuse(),
        };
        if sequences.is_empty() {
            return refuse();
        }
        let uses = sequences.iter().map(|sequence| SequenceUse { sequence: *sequence, at: u32::try_from(at).ok() });
        self.sequences.extend(uses);
        Ok(sequences)
    }

    /// `pg_get_serial_sequence('table', 'column')`, with constants.
    fn serial_column(&self, node: &Node) -> Option<(Vec<String>, Box<str>)> {
        let call = match node.node.as_ref()? {
            NodeEnum::FuncCall(call) => call,
            NodeEnum::TypeCast(cast) if is_name_cast(cast) => return self.serial_column(cast.arg.as_ref()?),
            _other => return None,
        };
        let name: Vec<&str> = call.funcname.iter().filter_map(string).collect();
        let own = match name.as_slice() {
            ["pg_catalog", "pg_get_serial_sequence"] => true,
            ["pg_get_serial_sequence"] => !self.has_rival(None, "pg_get_serial_sequence"),
            _other => false,
        };
        match call.args.as_slice() {
            [table, column] if own => Some((qualified_name(&constant_text(table)?)?, constant_text(column)?)),
            _other => None,
        }
    }

    fn find_named(&self, name: &[String]) -> Option<&Relation> {
        let (catalog, path) = (self.context.catalog, self.context.path);
        match name {
            [name] => catalog.find_relation(path, name),
            [schema, name] => catalog.relation_in(schema, name),
            _other => None,
        }
    }
}

fn undefined_relation<T>(name: &[String], at: i32) -> Outcome<T> {
    unresolved(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", name.join(".")), at)
}

/// The arguments of a call, as far as they are known.
pub(super) enum Arguments {
    /// By position, each with what is known of its type.
    These(Vec<Known>),
    /// By name, or spread out: any function of the name could be meant.
    Unknown,
}

/// A relation's name from a constant, perhaps cast to `regclass`, as `stringToQualifiedNameList` reads it.
fn constant_name(node: &Node) -> Option<Vec<String>> {
    match node.node.as_ref()? {
        NodeEnum::TypeCast(cast) if is_name_cast(cast) => constant_name(cast.arg.as_ref()?),
        NodeEnum::AConst(value) => match value.val.as_ref()? {
            Val::Sval(text) => qualified_name(&text.sval),
            Val::Ival(_) | Val::Fval(_) | Val::Boolval(_) | Val::Bsval(_) => None,
        },
        _other => None,
    }
}

/// A cast that leaves a relation's name what it is.
fn is_name_cast(cast: &TypeCast) -> bool {
    let names = cast.type_name.as_ref().map(|name| name.names.iter().filter_map(string).collect::<Vec<_>>());
    matches!(names.as_deref(), Some(["regclass" | "text"] | ["pg_catalog", "regclass" | "text"]))
}

/// Splits `schema.name`; what is not quoted is folded to lower case. `None` where it is none, or the number of a relation.
pub(super) fn qualified_name(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.trim().chars().peekable();
    while let Some(c) = characters.next() {
        let part = parts.last_mut()?;
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            c if quoted => part.push(c),
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '$') => part.push(c.to_ascii_lowercase()),
            _space_or_foreign => return None,
        }
    }
    let number = parts.len() == 1 && text.trim().starts_with(|c: char| c.is_ascii_digit());
    (!quoted && !number && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

/// One argument and nothing that only functions have.
fn is_plain_unary(call: &FuncCall) -> bool {
    call.args.len() == 1
        && call.agg_order.is_empty()
        && call.agg_filter.is_none()
        && call.over.is_none()
        && !(call.agg_within_group || call.agg_star || call.agg_distinct || call.func_variadic)
}

/// Whether a query says by what it groups.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    ByKeys,
    /// An aggregate would make one row of all.
    None,
}

/// Whether a target of a query can be replaced by a constant without a change in the number of rows.
pub(super) fn is_row_neutral(node: &mut Node, catalog: &Catalog, grouping: Grouping) -> bool {
    struct Calls<'a> {
        catalog: &'a Catalog,
        grouping: Grouping,
    }
    impl Visitor for Calls<'_> {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            let several = || Err(NotUnderstood::new("a function that decides how many rows there are", None));
            if node.node.as_ref().is_some_and(is_json_aggregate) && self.grouping == Grouping::None {
                return several();
            }
            let Some(NodeEnum::FuncCall(call)) = &node.node else { return Ok(()) };
            let name = call.funcname.iter().filter_map(string).next_back().unwrap_or_default();
            let aggregate = call.over.is_none()
                && (builtin::is_aggregate(name)
                    || self.catalog.functions(name).any(|function| function.kind == FunctionKind::Aggregate));
            let set = self.catalog.functions(name).any(|function| function.set);
            if set || (aggregate && self.grouping == Grouping::None) {
                return several();
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    walk(node, &mut Calls { catalog, grouping }).is_ok()
}
