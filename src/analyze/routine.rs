//! Whether a function may be run, and what it reads beside its arguments.
//!
//! A function that came with the server is in a list, or closed. One that the policy lists reads what the policy says.
//! One of an extension is open where the extension only computes. An aggregate is what its functions are. Of a function
//! written in SQL the body is resolved as a statement of its own: what it reads counts as read by the statement that
//! calls it. Any other function is closed.

use super::Stars;
use super::builtin::Listable;
use super::label::{FunctionRead, Label, Place, RelationUse, SequenceUse};
use super::resolver::{Outcome, Resolver, not_understood, unresolved};
use super::scope::Level;
use super::{Context, Trouble, builtin, extension};
use crate::catalog::{Body, FIRST_USER_OID, Function, FunctionKind, SearchPath, pseudonyms, quote_qualified};
use crate::sql::{Visitor, parse, string, walk, words};
use crate::vocab::{NotUnderstood, Oid, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{CallStmt, List, Node, ResTarget, ReturnStmt, SelectStmt};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// How deep functions may call functions.
const DEEPEST: usize = 16;
/// `pg_type.oid` of `internal`: a function that takes it cannot be called by SQL, only as part of an aggregate.
const INTERNAL: Oid = 2281;

/// What running something does beside computing.
#[derive(Debug, Clone, Default)]
pub(super) struct Effects {
    reads: Rc<[FunctionRead]>,
    sequences: Rc<[SequenceUse]>,
}

impl Effects {
    /// Something that only reads.
    pub(super) fn of_reads(reads: impl Iterator<Item = FunctionRead>) -> Effects {
        Effects { reads: reads.collect(), sequences: Rc::default() }
    }
}

/// What a function that the server calls of its own accord reads and draws from, where the policy lists it or it can be
/// seen through.
pub fn on_its_own(function: &Function, context: &Context<'_>) -> Result<OnItsOwn, Trouble> {
    let mut resolver = Resolver::new(context);
    resolver.run(function, -1)?;
    let (uses, _, sequences) = resolver.finish();
    Ok(OnItsOwn { reads: uses.iter().map(read).collect(), sequences })
}

/// What a function does that the server calls of its own accord.
#[derive(Debug)]
pub struct OnItsOwn {
    pub reads: Vec<FunctionRead>,
    pub sequences: Vec<SequenceUse>,
}

fn read(relation: &RelationUse) -> FunctionRead {
    FunctionRead {
        relation: relation.relation,
        columns: relation.columns.iter().map(|column| (column.index, column.usages)).collect(),
    }
}

/// The bodies of one statement, each resolved once for each search path.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    known: RefCell<FxHashMap<(Oid, SearchPath), Result<Effects, Trouble>>>,
    depth: Cell<usize>,
}

impl Bodies {
    /// Whether a function's body is being resolved, and not the statement itself.
    pub(super) fn are_being_read(&self) -> bool {
        self.depth.get() > 0
    }
}

/// Whether the function came with the server.
pub(super) fn is_built_in(function: &Function) -> bool {
    function.oid < FIRST_USER_OID
        && function.extension.is_none()
        && matches!(&*function.schema, "pg_catalog" | "information_schema")
}

impl<'a> Resolver<'a> {
    /// Checks that a function may be run; returns what its result depends on beside its arguments.
    pub(super) fn run(&mut self, function: &'a Function, at: i32) -> Outcome<Label> {
        let closed = || not_understood(format!("function {}.{}", function.schema, function.name), at);
        // What makes pseudonyms would make them of any value: only guards call it.
        if function.kind == FunctionKind::Procedure || &*function.schema == pseudonyms::SCHEMA {
            return closed();
        }
        let own = !is_built_in(function) && function.extension.is_none();
        if !is_built_in(function) {
            self.functions.insert(function.oid);
        }
        if let Some(reads) = self.context.rulings.listed(function) {
            self.runs_listed = true;
            self.calls_users |= !self.context.rulings.messages_pass(function);
            let label = self.types_of_function(function, at)?;
            let effects = Effects::of_reads(reads.iter().cloned());
            return Ok(label.join(&self.absorb(function, &effects, at)?));
        }
        self.calls_users |= own;
        if is_built_in(function) {
            let open = match &*function.schema {
                "pg_catalog" => builtin::permitted_overload(function),
                _information_schema => builtin::permitted_in_information_schema(&function.name),
            };
            return match (open, builtin::listable(&function.name)) {
                (true, _) => Ok(Label::none()),
                (false, Listable::Yes) => {
                    let key = format!("[function.\"pg_catalog.{}\"]", function.name);
                    not_understood(format!("function {}, unless the policy says {key},", function.name), at)
                }
                (false, Listable::Open | Listable::No) => not_understood(format!("function {}", function.name), at),
            };
        }
        let label = self.types_of_function(function, at)?;
        if let Some(owner) = &function.extension {
            let overload = builtin::permitted(&function.name) && !extension::is_closed(owner);
            return if extension::computes(owner, &function.name) || overload { Ok(Label::none()) } else { closed() };
        }
        match (function.kind, &function.body) {
            (FunctionKind::Aggregate, _) if !function.parts.is_empty() => {
                Ok(label.join(&self.run_parts(function, at)?))
            }
            (FunctionKind::Function, Body::Internal(source)) if is_constructor(source) => Ok(Label::none()),
            (FunctionKind::Aggregate | FunctionKind::Procedure, _) | (_, Body::Unreadable | Body::Internal(_)) => {
                closed()
            }
            (FunctionKind::Function | FunctionKind::Window, Body::Text(_) | Body::Parsed(_)) => {
                let effects = self.effects(function).map_err(|trouble| blame(function, &trouble, at))?;
                Ok(label.join(&self.absorb(function, &effects, at)?))
            }
        }
    }

    /// `CALL`: every procedure of that name along the path must be one that the policy lists. What it reads counts as
    /// shown: a procedure answers with what it likes.
    pub(super) fn call_procedure(&mut self, call: &mut CallStmt) -> Outcome<()> {
        let CallStmt { funccall, funcexpr: _, outargs: _ } = call;
        let Some(call) = funccall else { return not_understood("CALL of nothing", -1) };
        let at = call.location;
        self.levels.push(Level::default());
        let given = self.expressions(&mut call.args, Some(Usage::Output));
        self.levels.pop();
        let mut label = given?;
        let name: Vec<&str> = call.funcname.iter().filter_map(string).collect();
        let (schema, name) = match name.as_slice() {
            [name] => (None, *name),
            [schema, name] => (Some(*schema), *name),
            _other => return not_understood(format!("procedure {}", name.join(".")), at),
        };
        let (catalog, path) = (self.context.catalog, self.context.path);
        let in_sight = |function: &&Function| {
            schema.map_or_else(|| path.searches(&function.schema), |schema| *function.schema == *schema)
        };
        let (procedures, others): (Vec<&Function>, Vec<&Function>) =
            catalog.functions(name).filter(in_sight).partition(|function| function.kind == FunctionKind::Procedure);
        if procedures.is_empty() {
            return match others.is_empty() {
                true => unresolved(SqlState::UNDEFINED_FUNCTION, format!("procedure {name} does not exist"), at),
                false => unresolved(SqlState::WRONG_OBJECT_TYPE, format!("{name} is not a procedure"), at),
            };
        }
        for procedure in procedures {
            self.functions.insert(procedure.oid);
            let Some(reads) = self.context.rulings.listed(procedure) else {
                let key = format!("[function.\"{}.{}\"]", procedure.schema, procedure.name);
                let what = format!("procedure {}.{}, unless the policy says {key},", procedure.schema, procedure.name);
                return not_understood(what, at);
            };
            self.runs_listed = true;
            self.calls_users |= !self.context.rulings.messages_pass(procedure);
            let types = self.types_of_function(procedure, at)?;
            label = label.join(&types);
            label = label.join(&self.absorb(procedure, &Effects::of_reads(reads.iter().cloned()), at)?);
        }
        self.touch(&label, Some(Usage::Output), at);
        Ok(())
    }

    /// The functions of an aggregate.
    fn run_parts(&mut self, aggregate: &'a Function, at: i32) -> Outcome<Label> {
        let mut label = Label::none();
        for part in &aggregate.parts {
            let Some(part) = self.context.catalog.function(*part) else {
                return not_understood(format!("aggregate {}.{}", aggregate.schema, aggregate.name), at);
            };
            if is_built_in(part) && part.argument_types.contains(&INTERNAL) {
                continue;
            }
            label = label.join(&self.run(part, at)?);
        }
        Ok(label)
    }

    /// Values are passed as a function's types, and domains among them are checked.
    fn types_of_function(&mut self, function: &'a Function, at: i32) -> Outcome<Label> {
        let out = function.out.iter().map(|column| &column.type_oid);
        for oid in function.argument_types.iter().chain([&function.returns]).chain(out) {
            self.type_open(*oid, at)?;
        }
        if let Some(defaults) = &function.default_values {
            // They are computed where the call leaves an argument out.
            let effects = self.written_out(&format!("SELECT {defaults}"), &[]);
            let effects = effects.map_err(|trouble| blame(function, &trouble, at))?;
            let name = quote_qualified(&function.schema, &function.name);
            let (key, what) = (format!("defaults of {name}({})", function.signature), format!("function {name}"));
            return self.absorb_as(key, &what, &effects, at);
        }
        Ok(Label::none())
    }

    /// What a function written in SQL does.
    fn effects(&mut self, function: &'a Function) -> Outcome<Effects> {
        let path = match &function.body {
            Body::Parsed(_) => self.everywhere(),
            Body::Text(_) | Body::Unreadable | Body::Internal(_) => {
                self.runs_text = true;
                path_of(function)?.unwrap_or_else(|| self.context.path.clone())
            }
        };
        let key = (function.oid, path.clone());
        if let Some(known) = self.bodies.known.borrow().get(&key) {
            return known.clone();
        }
        // Whoever asks again before the body is known calls itself.
        let again = Err(Trouble::NotUnderstood(NotUnderstood::new("a function that calls itself", None)));
        self.bodies.known.borrow_mut().insert(key.clone(), again);
        let select = body(function);
        let effects =
            select.and_then(|select| self.resolve_apart(select, &path, &function.argument_types, Some(function)));
        self.bodies.known.borrow_mut().insert(key, effects.clone());
        effects
    }

    /// A search path over every schema: what stands in a text that the server wrote out names relations with their
    /// schema, but an operator that is only implied (`CASE x WHEN y`) could be anyone's.
    fn everywhere(&self) -> SearchPath {
        let schemas = self.context.catalog.snapshot().schemas.iter().filter(|schema| &***schema != "pg_catalog");
        SearchPath::new(schemas.cloned())
    }

    /// The condition of a domain, over values of it.
    pub(super) fn check_of_domain(&mut self, domain: Oid, check: &str) -> Outcome<Effects> {
        self.written_out(&format!("SELECT {check} FROM (SELECT NULL) AS d(value)"), &[domain])
    }

    /// Expressions that the server wrote out, over values of some types.
    fn written_out(&mut self, text: &str, types: &[Oid]) -> Outcome<Effects> {
        let path = self.everywhere();
        self.resolve_apart(single(text)?, &path, types, None)
    }

    /// Resolves a SELECT in a scope of its own. It is not sent; only what it does counts.
    fn resolve_apart(
        &mut self,
        mut select: Box<SelectStmt>,
        path: &SearchPath,
        parameters: &[Oid],
        function: Option<&Function>,
    ) -> Outcome<Effects> {
        let depth = self.bodies.depth.get();
        if depth >= DEEPEST {
            return not_understood(format!("functions that call each other more than {DEEPEST} deep"), -1);
        }
        let Context { catalog, path: _, rulings, parameters: _, stars: _ } = self.context;
        // The server runs it as it is.
        let context = Context { catalog, path, rulings: *rulings, parameters, stars: Stars::Whole };
        let mut inner = Resolver::new(&context);
        inner.bodies = Rc::clone(&self.bodies);
        inner.budget = Cell::new(self.budget.get());
        if let Some(function) = function {
            inner.push_arguments(function);
        }
        self.bodies.depth.set(depth + 1);
        let outcome = inner.query(&mut select, Some(Usage::Output)).and_then(|_| inner.no_captured_casts());
        self.bodies.depth.set(depth);
        self.budget.set(inner.budget.get());
        if let (Ok(()), Some(at)) = (&outcome, inner.sets) {
            return not_understood("function set_config", at);
        }
        self.calls_users |= inner.calls_users;
        self.runs_text |= inner.runs_text;
        self.runs_listed |= inner.runs_listed;
        self.functions.extend(inner.functions.drain());
        outcome?;
        Ok(Effects { reads: inner.uses.iter().map(read).collect(), sequences: inner.sequences.into() })
    }

    /// Runs a SELECT that a function is given as a text: it is what the body of a function would be.
    pub(super) fn run_text(&mut self, function: &str, text: &str, at: i32) -> Outcome<Label> {
        self.runs_text = true;
        let what = format!("function {function}");
        let closed = |reason: &str| not_understood(format!("{what}, for {reason} in its text,"), at);
        if text.contains('\\') {
            return closed("a backslash");
        }
        let path = self.context.path.clone();
        let effects = match single(text).and_then(|select| self.resolve_apart(select, &path, &[], None)) {
            Ok(effects) => effects,
            Err(Trouble::NotUnderstood(reason)) => return closed(&reason.what),
            Err(Trouble::Unresolved(reason)) => return closed(&reason.message),
        };
        self.absorb_as(format!("text {text}"), &what, &effects, at)
    }

    /// Takes over what running a function does, once. Returns what its result depends on.
    pub(super) fn absorb(&mut self, function: &Function, effects: &Effects, at: i32) -> Outcome<Label> {
        let name = quote_qualified(&function.schema, &function.name);
        self.absorb_as(format!("{name}({})", function.signature), &format!("function {name}"), effects, at)
    }

    /// `key` tells overloads apart.
    pub(super) fn absorb_as(&mut self, key: String, what: &str, effects: &Effects, at: i32) -> Outcome<Label> {
        if let Some(label) = self.absorbed.get(&key) {
            return Ok(label.clone());
        }
        let (origin, through) = match &self.inside {
            Some(view) => (view.at, format!("{}, {what}", view.chain)),
            None => (at, what.to_owned()),
        };
        let (place, through): (_, Arc<str>) = (u32::try_from(origin).ok(), through.into());
        self.sequences.extend(effects.sequences.iter().map(|used| SequenceUse { at: place, ..*used }));
        let mut label = Label::none();
        for FunctionRead { relation, columns } in effects.reads.iter() {
            let Some(read) = self.context.catalog.relation(*relation) else { continue };
            let names = read.columns.iter().map(|column| Arc::clone(&column.name)).collect();
            let mut used = RelationUse::new(*relation, self.nowhere(), Arc::clone(&read.name), names);
            (used.origin, used.place, used.through) = (origin, Place::Stored, Some(Arc::clone(&through)));
            for (index, usages) in columns {
                used.record(*index, None, place);
                usages.iter().for_each(|usage| used.record(*index, Some(usage), place));
            }
            let number = self.add_use(used)?;
            let columns = columns.iter().map(|(index, _)| (number, *index));
            label = columns.fold(label, |label, column| label.join(&Label::of(column)));
        }
        self.absorbed.insert(key, label.clone());
        Ok(label)
    }
}

/// Why a body is not understood, said of the function.
fn blame(function: &Function, trouble: &Trouble, at: i32) -> Trouble {
    let name = format!("function {}.{}", function.schema, function.name);
    let what = match trouble {
        Trouble::NotUnderstood(reason) => format!("{name}, for {} in its body,", reason.what),
        Trouble::Unresolved(reason) => format!("{name}, whose body does not resolve ({}),", reason.message),
    };
    Trouble::NotUnderstood(NotUnderstood::new(what, u32::try_from(at).ok()))
}

/// Whether a function of the server's own makes a range of its arguments.
fn is_constructor(source: &str) -> bool {
    matches!(
        source,
        "range_constructor2"
            | "range_constructor3"
            | "multirange_constructor0"
            | "multirange_constructor1"
            | "multirange_constructor2"
    )
}

/// The search path that a function sets for itself. Nothing else may be set: a setting can change what a text means.
fn path_of(function: &Function) -> Outcome<Option<SearchPath>> {
    let mut path = None;
    for setting in &function.settings {
        let Some(("search_path", value)) = setting.split_once('=') else {
            return not_understood("a setting of its own", -1);
        };
        let schemas: Option<Vec<Arc<str>>> = value.split(',').map(|schema| plain_schema(schema.trim())).collect();
        let Some(schemas) = schemas else { return not_understood("a search path of its own", -1) };
        path = Some(SearchPath::new(schemas.into_iter().filter(|schema| !schema.is_empty())));
    }
    Ok(path)
}

/// A schema as `proconfig` writes it; `None` where it depends on who runs it (`"$user"`) or is hard to read.
fn plain_schema(written: &str) -> Option<Arc<str>> {
    let bare = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(written);
    let plain = bare.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    // `pg_temp` keeps its place: where it is not listed, temporary tables come first.
    plain.then(|| Arc::from(bare))
}

/// The one SELECT that a function's body is.
fn body(function: &Function) -> Outcome<Box<SelectStmt>> {
    match &function.body {
        Body::Unreadable | Body::Internal(_) => not_understood("a body that cannot be read", -1),
        // What a backslash means in a string depends on the session.
        Body::Text(text) if text.contains('\\') => not_understood("a backslash", -1),
        Body::Text(text) => single(text),
        Body::Parsed(text) => {
            let tree = match parse(&format!("CREATE FUNCTION f() RETURNS void LANGUAGE sql {text}")) {
                Ok(mut statements) => statements.pop().and_then(|statement| statement.tree.node),
                Err(_) => None,
            };
            let Some(NodeEnum::CreateFunctionStmt(create)) = tree else {
                return not_understood("a body that cannot be read", -1);
            };
            parsed(create.sql_body.map(|body| *body))
        }
    }
}

/// The one statement of a text, a SELECT.
fn single(text: &str) -> Outcome<Box<SelectStmt>> {
    let mut statements = match parse(text) {
        Ok(statements) => statements,
        Err(_) => return not_understood("a syntax error", -1),
    };
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => selecting(Some(statement.tree)),
        (Some(_) | None, _) => not_understood("more or less than one statement", -1),
    }
}

/// `RETURN expression`, or the one statement of `BEGIN ATOMIC … END`.
fn parsed(body: Option<Node>) -> Outcome<Box<SelectStmt>> {
    match body.and_then(|body| body.node) {
        Some(NodeEnum::ReturnStmt(statement)) => {
            let ReturnStmt { returnval } = *statement;
            let target = ResTarget { name: String::new(), indirection: Vec::new(), val: returnval, location: -1 };
            let mut select = crate::sql::empty_select();
            select.target_list.push(Node { node: Some(NodeEnum::ResTarget(Box::new(target))) });
            selecting(Some(Node { node: Some(NodeEnum::SelectStmt(Box::new(select))) }))
        }
        Some(NodeEnum::List(List { mut items })) => match (items.pop(), items.is_empty()) {
            (Some(only), true) => match &only.node {
                Some(NodeEnum::List(_)) => parsed(Some(only)),
                _statement => selecting(Some(only)),
            },
            (Some(_) | None, _) => not_understood("more or less than one statement", -1),
        },
        Some(other) => not_understood(words(&other), -1),
        None => not_understood("a body that cannot be read", -1),
    }
}

/// A statement that is a SELECT and writes nowhere in it.
fn selecting(tree: Option<Node>) -> Outcome<Box<SelectStmt>> {
    struct OnlySelects;
    impl Visitor for OnlySelects {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            match &node.node {
                Some(
                    writing @ (NodeEnum::InsertStmt(_)
                    | NodeEnum::UpdateStmt(_)
                    | NodeEnum::DeleteStmt(_)
                    | NodeEnum::MergeStmt(_)),
                ) => Err(NotUnderstood::new(words(writing), None)),
                Some(_) | None => Ok(()),
            }
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let Some(mut tree) = tree else { return not_understood("an empty body", -1) };
    walk(&mut tree, &mut OnlySelects)?;
    match tree.node {
        Some(NodeEnum::SelectStmt(select)) => Ok(select),
        Some(other) => not_understood(words(&other), -1),
        None => not_understood("an empty body", -1),
    }
}
