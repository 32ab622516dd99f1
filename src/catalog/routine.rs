//! Functions, operators, casts and types, as far as what they run and what they are made of goes.

use crate::vocab::{AttNum, Oid};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The first `oid` that `initdb` does not give (`FirstNormalObjectId`): what is below came with the server.
pub const FIRST_USER_OID: Oid = 16_384;

/// `pg_proc.prokind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionKind {
    Function,
    Procedure,
    Aggregate,
    Window,
}

/// What a function runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Something that cannot be read: another language, or a function that came with the server or an extension.
    #[default]
    Unreadable,
    /// A function of the server's own under another name: its name in C. A range type's constructors are such.
    Internal(Arc<str>),
    /// `LANGUAGE sql` with its body as text, whose names are looked up when it runs.
    Text(Arc<str>),
    /// `LANGUAGE sql` with a body that was parsed when it was made (`RETURN …`, `BEGIN ATOMIC …`), written out with
    /// qualified names.
    Parsed(Arc<str>),
}

/// A function, as far as the core needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// `pg_proc.oid`.
    #[serde(default)]
    pub oid: Oid,
    pub schema: Arc<str>,
    pub name: Arc<str>,
    pub kind: FunctionKind,
    /// Number of input arguments; -1 where it is variadic.
    pub arguments: i16,
    /// How many of the last arguments have defaults.
    #[serde(default)]
    pub defaults: i16,
    /// Types of the input arguments.
    #[serde(default)]
    pub argument_types: Box<[Oid]>,
    /// Those defaults as SQL, for a function of users: a list of expressions with qualified names.
    #[serde(default)]
    pub default_values: Option<Arc<str>>,
    /// Names of the input arguments, empty where one has none; empty if none has.
    #[serde(default)]
    pub argument_names: Box<[Arc<str>]>,
    /// Types of the input arguments as SQL that means the same under any search path: `text, public.citext`.
    #[serde(default)]
    pub signature: Arc<str>,
    /// Whether it returns a set.
    #[serde(default)]
    pub set: bool,
    /// Whether it may answer otherwise each time (`pg_proc.provolatile`).
    #[serde(default)]
    pub volatile: bool,
    /// The columns of its result where it has OUT parameters or RETURNS TABLE; empty otherwise.
    #[serde(default)]
    pub out: Vec<OutColumn>,
    /// What it returns: `pg_type.oid`; 2249 is `record`.
    pub returns: Oid,
    /// Whether that is a composite type.
    #[serde(default)]
    pub returns_row: bool,
    /// The extension that owns it (`pg_depend.deptype = 'e'`).
    #[serde(default)]
    pub extension: Option<Arc<str>>,
    #[serde(default)]
    pub body: Body,
    /// Settings that hold while it runs (`pg_proc.proconfig`), each `name=value`.
    #[serde(default)]
    pub settings: Box<[Arc<str>]>,
    /// The functions that an aggregate is made of.
    #[serde(default)]
    pub parts: Box<[Oid]>,
    /// SHA-256 of what defines it, in hexadecimal digits, where it is a user's and no aggregate.
    #[serde(default)]
    pub digest: Option<Arc<str>>,
    /// What a function of users is written as in a language that is neither SQL nor C.
    #[serde(default)]
    pub source: Option<Arc<str>>,
}

impl Function {
    /// Whether what it does cannot be read: it is written in another language than SQL.
    pub fn is_opaque(&self) -> bool {
        match self.body {
            Body::Unreadable => self.parts.is_empty(),
            Body::Internal(_) | Body::Text(_) | Body::Parsed(_) => false,
        }
    }
}

/// One column of a function's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutColumn {
    pub name: Arc<str>,
    pub type_oid: Oid,
}

/// An operator outside `pg_catalog`. It could capture a statement's operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    pub schema: Arc<str>,
    pub name: Arc<str>,
    /// Types of its operands; 0 where it has none on that side.
    #[serde(default)]
    pub left: Oid,
    #[serde(default)]
    pub right: Oid,
    /// The function it runs; 0 where that is not known.
    #[serde(default)]
    pub function: Oid,
    #[serde(default)]
    pub extension: Option<Arc<str>>,
}

/// `pg_cast.castmethod`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CastMethod {
    #[default]
    Function,
    /// By way of the text: the output function of the one type, the input function of the other.
    Text,
    /// Nothing is run.
    Binary,
}

/// A cast that did not come with the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CastInfo {
    pub source: Oid,
    pub target: Oid,
    /// The target type's bare name.
    #[serde(default)]
    pub target_name: Arc<str>,
    /// `pg_cast.castcontext` is not explicit: the cast can happen without being written.
    pub implicit: bool,
    #[serde(default)]
    pub method: CastMethod,
    /// The function it runs; 0 where that is not known, or it runs none.
    #[serde(default)]
    pub function: Oid,
    #[serde(default)]
    pub extension: Option<Arc<str>>,
}

/// `pg_type.typtype`, as far as types outside `pg_catalog` go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    Base,
    Composite,
    Domain,
    Enum,
    Range,
    Multirange,
    Pseudo,
}

/// A type outside `pg_catalog`, rows of relations among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeInfo {
    pub oid: Oid,
    pub schema: Arc<str>,
    pub name: Arc<str>,
    pub kind: TypeKind,
    /// The type of its arrays; 0 where it has none.
    #[serde(default)]
    pub array: Oid,
    /// What it is made of: a domain's base, a range's subtype, a composite type's fields.
    #[serde(default)]
    pub parts: Box<[Oid]>,
    /// The names of a composite type's fields.
    #[serde(default)]
    pub names: Box<[Arc<str>]>,
    /// The functions, not built in, that it runs: input and output, a range's comparison.
    #[serde(default)]
    pub functions: Box<[Oid]>,
    /// The conditions of a domain, over `VALUE`, with qualified names.
    #[serde(default)]
    pub checks: Box<[Arc<str>]>,
    /// A domain's default, for columns that have none.
    #[serde(default)]
    pub default: Option<Arc<str>>,
    #[serde(default)]
    pub extension: Option<Arc<str>>,
}

/// A column whose values come from a sequence: one that owns it, or one whose default calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceUser {
    pub sequence: Oid,
    pub table: Oid,
    pub column: AttNum,
}
