//! Self-contained pages: everything in one file, nothing fetched, light and dark.

use super::matrix::{LEGEND, marks, sign, words_of};
use crate::policy::{Cell, Gets, Matrix, Policy};
use crate::vocab::Right;
use std::fmt::Write as _;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #d0d0d0; --head: #f4f4f4; --raw: #d7f0dc; --mask: #dbe9fb; --no: #f9e3c8; --faint: #707070; }
@media (prefers-color-scheme: dark) { :root { --line: #444; --head: #222; --raw: #17401f; --mask: #173457; --no: #4d3413; --faint: #999; } }
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; }
table { border-collapse: collapse; margin: 0 0 2rem; }
caption { text-align: left; font-weight: 600; font-size: 1.1rem; padding: .5rem 0; }
th, td { border: 1px solid var(--line); padding: .25rem .45rem; text-align: left; vertical-align: bottom; white-space: nowrap; }
thead th { background: var(--head); position: sticky; top: 0; }
thead th span { writing-mode: vertical-rl; transform: rotate(180deg); }
tbody th { font-weight: 400; background: var(--head); position: sticky; left: 0; }
td.raw { background: var(--raw); } td.masked { background: var(--mask); } td.no { background: var(--no); }
td small, dt { color: var(--faint); } td.nothing { color: var(--faint); }
dl { display: grid; grid-template-columns: max-content auto; gap: .1rem 1rem; }
dd { margin: 0; }
";

/// The matrix of one right as a page.
pub(super) fn matrix(policy: &Policy, right: Right, matrix: &Matrix) -> String {
    let title = format!("{}: who may {}", or(policy.name(), "policy"), right.word());
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p>{}</p>\n",
        escape(policy.document()),
        title = escape(&title),
    );
    for part in &matrix.parts {
        let subject = part.subject.as_deref().unwrap_or("(no subject)");
        let _ =
            write!(out, "<table>\n<caption>{}</caption>\n<thead><tr><th scope=\"col\">category</th>", escape(subject));
        for purpose in &matrix.purposes {
            let title = purpose.title.as_deref().unwrap_or_default();
            let mode = if purpose.shadowed { " (shadow)" } else { "" };
            let _ = write!(
                out,
                "<th scope=\"col\" title=\"{}\"><span>{}{mode}</span></th>",
                escape(title),
                escape(&purpose.name)
            );
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &part.rows {
            let indent = row.category.depth;
            let _ = write!(
                out,
                "<tr><th scope=\"row\" style=\"padding-left: {}rem\">{}</th>",
                indent + 1,
                escape(&row.category.name)
            );
            row.cells.iter().for_each(|cell| out.push_str(&cell_of(cell)));
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n");
    }
    out.push_str("<dl>\n");
    for (sign, words) in LEGEND {
        let _ = writeln!(out, "<dt>{sign}</dt><dd>{words}</dd>");
    }
    out.push_str("</dl>\n<h2>Clauses</h2>\n<dl>\n");
    for (clause, section) in policy.clauses() {
        let section = section.map_or_else(String::new, |section| format!("{section}: "));
        let _ = writeln!(
            out,
            "<dt id=\"{id}\">{id}</dt><dd>{}“{}”</dd>",
            escape(&section),
            escape(&clause.words),
            id = escape(&clause.id)
        );
    }
    out + "</dl>\n</body>\n</html>\n"
}

fn cell_of(cell: &Cell) -> String {
    let class = match cell.gets {
        Gets::Raw => "raw",
        Gets::Masked(_) | Gets::Aggregated(_) => "masked",
        Gets::Denied | Gets::Forbidden => "no",
        Gets::Nothing | Gets::Everything => "nothing",
    };
    let mut told = words_of(cell);
    if !cell.conditions.is_empty() {
        let conditions: Vec<&str> = cell.conditions.iter().map(|condition| &**condition).collect();
        let _ = write!(told, ", rows where {}", conditions.join(", "));
    }
    if let Some(rule) = &cell.rule {
        let _ = write!(told, " (rule {rule})");
    }
    let star = marks(cell);
    let clause = cell.clause.as_ref().map_or_else(String::new, |clause| {
        let id = escape(&clause.id);
        format!(" <small><a href=\"#{id}\">{id}</a></small>")
    });
    // A sign alone says nothing to who hears the page.
    let label = escape(&told);
    format!(
        "<td class=\"{class}\" title=\"{label}\"><span role=\"img\" aria-label=\"{label}\">{}{star}</span>{clause}</td>",
        sign(&cell.gets)
    )
}

fn or<'t>(text: &'t str, otherwise: &'t str) -> &'t str {
    if text.is_empty() { otherwise } else { text }
}

/// Text inside an element or an attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
