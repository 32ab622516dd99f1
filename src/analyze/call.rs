//! Function calls: which functions they could mean, and whether those may be run.
//!
//! Functions stay unqualified in the text (their names appear in error messages); every function along the search path
//! that the call could mean must be one that may be run.

use super::builtin;
use super::columns::{Value, column_node};
use super::known::Known;
use super::label::{BaseColumn, ColumnSource, Label, Outlet, Sent};
use super::resolver::{Outcome, Resolver, Use, not_understood, unresolved};
use super::routine::is_built_in;
use super::scope::Columns;
use super::sequence::{constant, qualified_name};
use super::sizes::sized;
use crate::catalog::{Catalog, Function, FunctionKind, quote_identifier};
use crate::sql::{Visitor, constant_text, is_json_aggregate, set_config_name, string, walk};
use crate::vocab::{NotUnderstood, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{FuncCall, Node};

/// Settings that `set_config` may change from within a query: they shape a session's speed and output only, or make it refuse
/// more. asyncpg switches `jit` off so, pg_dump views.
const HARMLESS_SETTINGS: [&str; 5] =
    ["jit", "datestyle", "timezone", "extra_float_digits", "restrict_nonsystem_relation_kind"];

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
        if inner != usage && usage.is_some() {
            // What is computed of it is used as well.
            self.touch(&label, usage, location);
        }
        label = label.join(&self.sort_list(agg_order)?);
        if let Some(filter) = agg_filter {
            label = label.join(&self.deciding(filter, Usage::Filter)?);
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
    fn called(&mut self, name: &[String], call: &mut FuncCall, label: &Label) -> Outcome<Label> {
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
                "pg_notify" if !self.has_rival(schema, function) => {
                    self.notify(call, label)?;
                    return Ok(Label::none());
                }
                "nextval" | "currval" | "lastval" | "setval"
                    if !self.has_rival(schema, function) && !self.is_listed_whole(function) =>
                {
                    let set = (function == "setval").then_some(label);
                    self.sequence(call, set)?;
                    return Ok(Label::none());
                }
                "pg_input_is_valid" | "pg_input_error_info" if !self.has_rival(schema, function) => {
                    self.type_by_text(call.args.get(1), at)?;
                }
                "ts_rewrite"
                | "ts_stat"
                | "query_to_xml"
                | "query_to_xmlschema"
                | "query_to_xml_and_xmlschema"
                | "table_to_xml"
                | "table_to_xmlschema"
                | "table_to_xml_and_xmlschema"
                    if !self.has_rival(schema, function) =>
                {
                    if let Some(text) = text_that_is_run(function, &call.args) {
                        return self.run_text(function, &text, at);
                    }
                }
                name => {
                    if let Some(sized) = sized(name)
                        && self.is_sent()
                        && !self.has_rival(schema, name)
                        && !self.is_listed_whole(name)
                    {
                        self.bound_size(sized, call)?;
                        return Ok(Label::none());
                    }
                }
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
    pub(super) fn has_rival(&self, schema: Option<&str>, name: &str) -> bool {
        let mut functions = self.context.catalog.functions(name);
        schema.is_none() && functions.any(|f| &*f.schema != "pg_catalog" && self.context.path.searches(&f.schema))
    }

    /// Whether what is resolved is sent as it is printed: it stands neither in a view nor in a function.
    fn is_sent(&self) -> bool {
        self.inside.is_none() && !self.bodies.are_being_read()
    }

    /// Whether the policy lists every function of `pg_catalog` by that name.
    fn is_listed_whole(&self, name: &str) -> bool {
        let functions = self.context.catalog.functions(name).filter(|function| is_built_in(function));
        let mut listed = functions.map(|function| self.context.rulings.listed(function).is_some()).peekable();
        listed.peek().is_some() && listed.all(|listed| listed)
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
        let mut label = Label::none();
        if !self.types_in_sight(schema, name).is_empty() && arguments.is_one() {
            // Where no function of the name takes the argument it is a cast.
            label = self.run_as_type(schema, name, &arguments, &shown, at)?;
        }
        let fitting: Vec<&Function> = functions.iter().copied().filter(|f| self.fits(f, &arguments)).collect();
        // Where none fits the server will find none either; should it, it is one of those by that name.
        let meant = if fitting.is_empty() { functions } else { fitting };
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
        let types = self.types_in_sight(schema, name);
        if arguments.is_one() && !types.is_empty() {
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
        is_aggregate(name, self.context.catalog)
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
    pub(super) fn send(&mut self, to: Outlet, value: &Label, function: &str, at: i32) -> Outcome<()> {
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
}

/// The SELECT that a function runs, where it is given as a constant, or as a constant name of a table.
fn text_that_is_run(function: &str, arguments: &[Node]) -> Option<String> {
    let text = |at: usize| arguments.get(at).and_then(constant);
    match (function, arguments.len()) {
        ("ts_rewrite", 2) => Some(text(1)?.to_owned()),
        ("ts_rewrite", _) => None,
        (name, _) if name.starts_with("table_to_xml") => {
            let parts: Vec<String> = qualified_name(text(0)?)?.iter().map(|part| quote_identifier(part)).collect();
            Some(format!("SELECT * FROM {}", parts.join(".")))
        }
        _given_a_query => Some(text(0)?.to_owned()),
    }
}

/// The arguments of a call, as far as they are known.
pub(super) enum Arguments {
    /// By position, each with what is known of its type.
    These(Vec<Known>),
    /// By name, or spread out: any function of the name could be meant.
    Unknown,
}

impl Arguments {
    fn is_one(&self) -> bool {
        matches!(self, Arguments::These(these) if these.len() == 1)
    }
}

/// One argument and nothing that only functions have.
fn is_plain_unary(call: &FuncCall) -> bool {
    call.args.len() == 1
        && call.agg_order.is_empty()
        && call.agg_filter.is_none()
        && call.over.is_none()
        && !(call.agg_within_group || call.agg_star || call.agg_distinct || call.func_variadic)
}

/// Whether a function of that name aggregates.
pub fn is_aggregate(name: &str, catalog: &Catalog) -> bool {
    builtin::is_aggregate(name) || catalog.functions(name).any(|function| function.kind == FunctionKind::Aggregate)
}

/// Whether a call may be to a function that returns a set. One that is not known counts.
pub fn may_return_a_set(call: &FuncCall, catalog: &Catalog) -> bool {
    let Some(name) = call.funcname.last().and_then(string) else { return true };
    let mut known = catalog.functions(name).peekable();
    known.peek().is_none() || known.any(|function| function.set)
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
            let aggregate = call.over.is_none() && is_aggregate(name, self.catalog);
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

/// pg_dump's `SELECT set_config(name, 'x', false) FROM pg_settings WHERE name = 'y'` sets `y`, if there is such a setting.
pub(super) fn name_setting(targets: &mut [Node], condition: Option<&Node>) {
    let ends_in_name = |node: Option<&Node>| match node.map(|node| &node.node) {
        Some(Some(NodeEnum::ColumnRef(column))) => column.fields.last().and_then(string) == Some("name"),
        Some(_) | None => false,
    };
    let Some(Some(NodeEnum::AExpr(equality))) = condition.map(|condition| &condition.node) else { return };
    let (Some(right), [operator]) = (equality.rexpr.as_deref(), equality.name.as_slice()) else { return };
    let constant = matches!(right.node, Some(NodeEnum::AConst(_))) && string(operator) == Some("=");
    if !constant || !ends_in_name(equality.lexpr.as_deref()) {
        return;
    }
    let [Node { node: Some(NodeEnum::ResTarget(target)) }] = targets else { return };
    let Some(Some(NodeEnum::FuncCall(call))) = target.val.as_mut().map(|value| &mut value.node) else { return };
    if call.funcname.last().and_then(string) == Some("set_config") && ends_in_name(call.args.first()) {
        call.args[0] = right.clone();
    }
}
