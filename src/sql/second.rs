//! The second reader: sqlparser, a parser of another make, reads what is about to be sent.
//!
//! It is never the authority: where it cannot parse there is no objection. But a schema-qualified relation that it sees
//! and the first reading does not know is a reason to refuse (`docs/decisions/0001-parser.md`).

use sqlparser::ast::{ObjectName, ObjectNamePart, visit_relations};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use std::ops::ControlFlow;

/// The longest text the second reader is asked about. Its parser recurses on the call stack; within this bound it
/// cannot overflow the stack of [`super::on_deep_stack`].
const MOST_BYTES: usize = 16 << 10;

/// What the second reader saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondReading {
    /// Schema-qualified relations, as `(schema, name)`.
    Relations(Vec<(String, String)>),
    /// It could not, or was not asked to, read the text.
    NoOpinion,
}

/// Reads a text. Call inside [`super::on_deep_stack`].
pub fn second_reading(text: &str) -> SecondReading {
    if text.len() > MOST_BYTES {
        return SecondReading::NoOpinion;
    }
    let Ok(statements) = Parser::parse_sql(&PostgreSqlDialect {}, text) else { return SecondReading::NoOpinion };
    let mut relations = Vec::new();
    let _: ControlFlow<()> = visit_relations(&statements, |ObjectName(parts)| {
        if let [.., schema, name] = parts.as_slice()
            && let (Some(schema), Some(name)) = (part(schema), part(name))
        {
            relations.push((schema, name));
        }
        ControlFlow::Continue(())
    });
    SecondReading::Relations(relations)
}

/// One part of a name, folded as Postgres folds it.
fn part(part: &ObjectNamePart) -> Option<String> {
    match part {
        ObjectNamePart::Identifier(identifier) if identifier.quote_style.is_some() => Some(identifier.value.clone()),
        ObjectNamePart::Identifier(identifier) => Some(identifier.value.to_lowercase()),
        ObjectNamePart::Function(_) => None,
    }
}
