//! Types and casts: what a cast may run.
//!
//! A cast to a type runs its input function, and what that runs: the conditions of a domain, the fields of a row, the
//! comparison of a range. A cast that the database's users have made may happen without being written; it can only where
//! one of its types is in play.

use super::call::Arguments;
use super::known::{Known, POLYMORPHIC};
use super::label::Label;
use super::resolver::{Outcome, Resolver, not_understood};
use super::{Trouble, extension};
use crate::catalog::{CastInfo, CastMethod, FIRST_USER_OID, TEMPORARY, TypeInfo, TypeKind, quote_qualified};
use crate::sql::string;
use crate::vocab::Oid;
use pg_query::NodeEnum;
use pg_query::protobuf::{Node, TypeName, a_const::Val};

/// `pg_type.oid` of `json` and `jsonb`.
const JSON: [Oid; 2] = [114, 3802];

impl<'a> Resolver<'a> {
    /// Checks a type that a value is cast to; `from` is what is known of the value.
    pub(super) fn type_name(&mut self, name: &mut TypeName, from: Known, at: i32) -> Outcome<Label> {
        let TypeName { names, type_oid: _, setof: _, pct_type, typmods, typemod: _, array_bounds, location } = name;
        let at = if *location >= 0 { *location } else { at };
        if *pct_type {
            return not_understood("%TYPE", at);
        }
        self.expressions(typmods, None)?;
        let parts: Vec<&str> = names.iter().filter_map(string).collect();
        let (schema, name) = match parts.as_slice() {
            [name] => (None, *name),
            [schema, name] => (Some(*schema), *name),
            _other => return not_understood(format!("type {}", parts.join(".")), at),
        };
        // The elements of an array are cast one by one.
        let from = if array_bounds.is_empty() && !name.starts_with('_') { from } else { Known::Nothing };
        let label = self.written_cast(name, from, at)?;
        if schema == Some("pg_catalog") {
            return Ok(label);
        }
        // What is temporary stands before all other types, and its rows are of a type of its name.
        let bare = name.trim_start_matches('_');
        let own = self.context.catalog.temporary().is_some_and(|temporary| temporary.own.has(bare));
        if schema == Some(TEMPORARY) || (schema.is_none() && own) {
            return not_understood(format!("the row type of temporary table {name}"), at);
        }
        let found = self.types_in_sight(schema, name);
        let shown = parts.join(".");
        for info in found {
            match self.type_info_open(info, at) {
                Ok(()) => {}
                Err(Trouble::NotUnderstood(_)) => return not_understood(format!("type {shown}"), at),
                Err(unresolved @ Trouble::Unresolved(_)) => return Err(unresolved),
            }
        }
        // Where none is found: a built-in type, or none; the server tells.
        Ok(label)
    }

    /// Types by a name. An array is named by its elements: `_people` is an array of rows.
    pub(super) fn types_in_sight(&self, schema: Option<&str>, name: &str) -> Vec<&'a TypeInfo> {
        let (catalog, path) = (self.context.catalog, self.context.path);
        let in_sight = |found: &&TypeInfo| match schema {
            Some(schema) => *found.schema == *schema,
            None => path.searches(&found.schema),
        };
        let underscores = name.len() - name.trim_start_matches('_').len();
        (0..=underscores).flat_map(|cut| catalog.types(&name[cut..])).filter(in_sight).collect()
    }

    /// A cast by a function of the users that is written out.
    pub(super) fn written_cast(&mut self, name: &str, from: Known, at: i32) -> Outcome<Label> {
        let mut label = Label::none();
        let bare = name.trim_start_matches('_');
        self.spend(self.context.catalog.casts().len())?;
        for cast in self.context.catalog.casts() {
            let source = self.bottom(cast.source);
            let possible = match from {
                // A literal is read as the type, and not cast.
                Known::Untyped | Known::Absent => false,
                Known::Type(oid) => self.bottom(oid) == source,
                Known::BuiltIn => source < FIRST_USER_OID,
                // Whatever the value is made of has been resolved by now.
                Known::Typed | Known::Nothing => source < FIRST_USER_OID || self.is_in_play(source),
            };
            // A row is cast field by field, a domain as its base.
            let meant = |info: &&TypeInfo| {
                info.kind == TypeKind::Composite || self.bottom(info.oid) == self.bottom(cast.target)
            };
            let named = *cast.target_name == *bare || *cast.target_name == *name;
            if possible && (named || self.types_in_sight(None, name).iter().any(meant)) {
                label = label.join(&self.run_cast(cast, at)?);
            }
        }
        Ok(label)
    }

    /// What a cast runs.
    fn run_cast(&mut self, cast: &'a CastInfo, at: i32) -> Outcome<Label> {
        if cast.extension.as_ref().is_some_and(|owner| !extension::is_closed(owner)) {
            return Ok(Label::none());
        }
        match cast.method {
            CastMethod::Binary => Ok(Label::none()),
            CastMethod::Text => {
                self.type_open(cast.source, at)?;
                self.type_open(cast.target, at)?;
                Ok(Label::none())
            }
            CastMethod::Function => match self.context.catalog.function(cast.function) {
                Some(function) => self.run(function, at).map_err(|_| closed_cast(cast, at)),
                None => Err(closed_cast(cast, at)),
            },
        }
    }

    /// Refuses what a cast that no one writes could take part in, unless it may be run.
    pub(super) fn no_captured_casts(&mut self) -> Outcome<()> {
        // What makes JSON of a value looks for a cast to it.
        let unwritten = |cast: &&CastInfo| cast.implicit || JSON.contains(&cast.target);
        let implicit = self.context.catalog.casts().iter().filter(unwritten).filter(|cast| cast.extension.is_none());
        for cast in implicit {
            let user = |oid: Oid| self.bottom(oid) >= FIRST_USER_OID;
            let (source, target) = (self.bottom(cast.source), self.bottom(cast.target));
            let absent = |oid: Oid| user(oid) && !self.is_in_play(oid);
            // It takes a value of the one type, and something that wants the other.
            if absent(source) || (!user(source) && absent(target)) {
                continue;
            }
            self.run_cast(cast, -1)?;
        }
        Ok(())
    }

    /// Whether the statement can hold a value of a user's type. A value can be made of what has been resolved by now: of
    /// columns and whole rows, which pass as rows of their parents, of parameters, casts and results of functions.
    pub(super) fn is_in_play(&self, oid: Oid) -> bool {
        let catalog = self.context.catalog;
        let mut next: Vec<Oid> = self.context.parameters.iter().chain(&self.prepared).copied().collect();
        // A parameter of a polymorphic function can be of any type.
        if next.iter().any(|oid| POLYMORPHIC.contains(oid)) {
            return true;
        }
        let mut relations: Vec<Oid> = self.uses.iter().map(|used| used.relation).collect();
        let mut known = rustc_hash::FxHashSet::default();
        while let Some(relation) = relations.pop() {
            let Some(relation) = catalog.relation(relation).filter(|relation| known.insert(relation.oid)) else {
                continue;
            };
            next.extend(relation.columns.iter().map(|column| column.type_oid));
            let rows = catalog.types(&relation.name).filter(|info| info.schema == relation.schema);
            next.extend(rows.map(|info| info.oid));
            relations.extend(&relation.parents);
        }
        next.extend(&self.in_play);
        let mut seen = rustc_hash::FxHashSet::default();
        while let Some(other) = next.pop() {
            if other == oid {
                return true;
            }
            if let Some(info) = self.context.catalog.type_of(other)
                && seen.insert(info.oid)
            {
                next.push(info.oid);
                next.extend(&info.parts);
            }
        }
        false
    }

    /// Checks a type that a function is given by its name (`pg_input_is_valid('x', 'integer')`).
    pub(super) fn type_by_text(&mut self, argument: Option<&Node>, at: i32) -> Outcome<()> {
        let refuse = || not_understood("a function that is given a type by other than a constant name", at);
        let Some(Some(NodeEnum::AConst(constant))) = argument.map(|node| &node.node) else { return refuse() };
        let Some(Val::Sval(text)) = &constant.val else { return refuse() };
        let bare = text.sval.trim_start().split([' ', '(', '[', '%']).next().unwrap_or_default();
        let Some(name) = super::sequence::qualified_name(bare) else { return refuse() };
        let (schema, name) = match name.as_slice() {
            [name] => (None, name),
            [schema, name] => (Some(schema.as_str()), name),
            _other => return refuse(),
        };
        self.types_in_sight(schema, name).into_iter().try_for_each(|info| self.type_info_open(info, at))
    }

    /// Checks a type by its number: that nothing is run by a value becoming one but what may be run.
    pub(super) fn type_open(&mut self, oid: Oid, at: i32) -> Outcome<()> {
        match self.context.catalog.type_of(oid) {
            Some(info) => self.type_info_open(info, at),
            None if oid < FIRST_USER_OID => Ok(()),
            None => not_understood("a type that the catalog does not tell of", at),
        }
    }

    pub(super) fn type_info_open(&mut self, info: &'a TypeInfo, at: i32) -> Outcome<()> {
        self.in_play.insert(info.oid);
        if !self.checked_types.insert(info.oid) {
            // Being checked, or found open; what is closed ends the statement.
            return Ok(());
        }
        let trusted = info.extension.as_ref().is_some_and(|owner| !extension::is_closed(owner));
        if trusted || (info.oid < FIRST_USER_OID && &*info.schema == "information_schema") {
            return Ok(());
        }
        let closed = || not_understood(format!("type {}.{}", info.schema, info.name), at);
        match info.kind {
            TypeKind::Enum | TypeKind::Composite | TypeKind::Domain | TypeKind::Range | TypeKind::Multirange => {}
            TypeKind::Base if !info.functions.is_empty() => {}
            TypeKind::Base | TypeKind::Pseudo => return closed(),
        }
        for function in &info.functions {
            match self.context.catalog.function(*function) {
                Some(function) => self.run(function, at)?,
                None => return closed(),
            };
        }
        for part in &info.parts {
            self.type_open(*part, at)?;
        }
        for (number, check) in info.checks.iter().enumerate() {
            let effects = match self.check_of_domain(info.oid, check) {
                Ok(effects) => effects,
                Err(_) => return closed(),
            };
            let what = format!("domain {}", quote_qualified(&info.schema, &info.name));
            self.absorb_as(format!("{what} {number}"), &what, &effects, at)?;
        }
        Ok(())
    }

    /// Checks `value.name`. Where the value has no such field Postgres calls the function of that name on it, so that
    /// `('/etc/passwd'::text).pg_read_file` reads a file. Likewise a type: `(value).checked` casts to the domain `checked`.
    pub(super) fn attribute(&mut self, name: &str, at: i32) -> Outcome<Label> {
        for info in self.types_in_sight(None, name) {
            match self.type_info_open(info, at) {
                Ok(()) => {}
                Err(_) => return not_understood(format!("a field or a cast by the name of the type {name}"), at),
            }
        }
        // Few who look for sets look for them here.
        if self.context.catalog.functions(name).any(|function| function.set) {
            return not_understood(format!("a set ({name}) in the notation of a field"), at);
        }
        match self.is_function(name) {
            true => self.run_by_name(None, name, Arguments::These(vec![Known::Nothing]), at),
            false => Ok(Label::none()),
        }
    }
}

fn closed_cast(cast: &CastInfo, at: i32) -> Trouble {
    let what = format!("a cast to {} by a function of the database's users", cast.target_name);
    Trouble::NotUnderstood(crate::vocab::NotUnderstood::new(what, u32::try_from(at).ok()))
}
