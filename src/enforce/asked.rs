//! `EXPLAIN (WHEREFORE) …`: what would become of a statement, asked in a session. What is sent in its place is a query that
//! gives the explanation's lines, so that the server keeps the protocol's state as for any other.

use super::explain::explain;
use super::plan::{Names, Plan, Rewritten, Sight, Temporary};
use super::report;
use super::view::{Encoding, View};
use super::words;
use super::{Limits, Reports};
use crate::catalog::quote_literal;
use crate::vocab::{NotUnderstood, Refusal};
use pg_query::NodeEnum;
use pg_query::protobuf::{Node, Token};
use std::sync::Arc;

/// The option that asks, and the column that answers.
const OPTION: &str = "wherefore";
const COLUMN: &str = "WHEREFORE";

/// The plan of a statement that asks for an explanation; `None` for any other.
pub(super) fn plan(view: &View, text: &str, tree: &Node, limits: &Limits) -> Option<Plan> {
    let Some(NodeEnum::ExplainStmt(asked)) = &tree.node else { return None };
    let name = |option: &Node| match &option.node {
        Some(NodeEnum::DefElem(option)) => Some(option.defname.clone()),
        Some(_) | None => None,
    };
    let options: Vec<Option<String>> = asked.options.iter().map(name).collect();
    if !options.iter().any(|option| option.as_deref() == Some(OPTION)) {
        return None;
    }
    let alone = options.len() == 1;
    Some(match inner(text).filter(|_| alone) {
        Some(inner) => Plan::Rewrite(answer(view, inner, limits)),
        None => {
            let what = NotUnderstood::new("EXPLAIN (WHEREFORE) beside other options", None);
            Plan::Refuse(Arc::new(report::not_understood(view, text, &what)))
        }
    })
}

/// What follows `EXPLAIN (…)`.
fn inner(text: &str) -> Option<&str> {
    let scanned = pg_query::scan(text).ok()?;
    let close = scanned.tokens.iter().find(|token| token.token == Token::Ascii41 as i32)?;
    text.get(usize::try_from(close.end).ok()?..)
}

/// A query of constants: the lines of the explanation.
fn answer(view: &View, inner: &str, limits: &Limits) -> Rewritten {
    let lines: Vec<String> = match explain(view, inner, limits) {
        Ok(explained) => explained.iter().flat_map(|explanation| words::lines(view, limits, explanation)).collect(),
        Err(refusal) => {
            let Refusal { code, message, detail: _, hint: _, position: _, closed: _ } = *refusal;
            vec![format!("decision: refused ({})", code.0), format!("message: {message}")]
        }
    };
    let lines = lines.iter().flat_map(|line| line.lines());
    let rows: Vec<String> =
        lines.map(|line| format!("({})", quote_literal(&readable(view, line)).trim_start())).collect();
    Rewritten {
        text: format!("SELECT \"{COLUMN}\" FROM (VALUES {}) AS explanation (\"{COLUMN}\")", rows.join(", ")).into(),
        positions: Arc::default(),
        columns: Some(Arc::from([Arc::from(COLUMN)])),
        sight: Sight::Whole,
        reports: Reports::Verbatim,
        looks_up: false,
        charge: None,
        names: Names::Bound,
        temporary: Temporary::NONE,
    }
}

/// A line in characters that the client's encoding has.
fn readable(view: &View, line: &str) -> String {
    match view.encoding() {
        Encoding::Utf8 => line.to_owned(),
        Encoding::AsciiOnly | Encoding::Foreign | Encoding::Unsettled | Encoding::Overlapping => {
            line.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
        }
    }
}
