//! The second reader: sqlparser, a parser of another make, reads what is about to be sent.
//!
//! It is never the authority: where it cannot parse there is no objection. But a schema-qualified relation that it sees
//! and the first reading does not know is a reason to refuse (`docs/decisions/0001-parser.md`).

use sqlparser::ast::{ObjectName, ObjectNamePart, TableFactor, Visit, Visitor};
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
    let mut collector = Collector::default();
    let _: ControlFlow<()> = statements.visit(&mut collector);
    SecondReading::Relations(collector.relations)
}

#[derive(Default)]
struct Collector {
    relations: Vec<(String, String)>,
    /// Names of functions in FROM that are about to be visited as if they were relations.
    functions: Vec<ObjectName>,
}

impl Visitor for Collector {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                self.functions.push(name.clone());
            }
            _a_relation_or_something_nested => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        if let Some(index) = self.functions.iter().rposition(|function| function == relation) {
            self.functions.remove(index);
            return ControlFlow::Continue(());
        }
        if let [.., schema, name] = relation.0.as_slice()
            && let (Some(schema), Some(name)) = (part(schema), part(name))
        {
            self.relations.push((schema, name));
        }
        ControlFlow::Continue(())
    }
}

/// One part of a name, folded as Postgres folds it.
fn part(part: &ObjectNamePart) -> Option<String> {
    match part {
        ObjectNamePart::Identifier(identifier) if identifier.quote_style.is_some() => Some(identifier.value.clone()),
        ObjectNamePart::Identifier(identifier) => Some(identifier.value.to_lowercase()),
        ObjectNamePart::Function(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sees_relations_wherever_they_stand_and_no_functions() {
        let text = "SELECT (SELECT max(x) FROM s.inner_one) FROM public.a JOIN \"S\".\"B\" ON true, pg_catalog.unnest(ARRAY[1]) u";
        let seen = |pairs: &[(&str, &str)]| {
            SecondReading::Relations(pairs.iter().map(|(s, n)| (s.to_string(), n.to_string())).collect())
        };
        assert_eq!(second_reading(text), seen(&[("s", "inner_one"), ("public", "a"), ("S", "B")]));
        assert_eq!(second_reading("SELECT )("), SecondReading::NoOpinion);
    }
}
