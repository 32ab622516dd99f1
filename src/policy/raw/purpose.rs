//! A purpose: what may be done under it beside reading.

use super::{word, words};
use crate::policy::document::{Fields, Value, Word};
use crate::policy::report::{Finding, Findings, Place};
use crate::policy::tree::Declared;

#[derive(Debug)]
pub(in crate::policy) struct RawPurpose {
    pub(in crate::policy) node: Declared,
    /// Where it says `unrestricted = true`.
    pub(in crate::policy) unrestricted: Option<Place>,
    /// Whether it says `ddl = true`.
    pub(in crate::policy) ddl: bool,
    /// Channels it may listen to and notify.
    pub(in crate::policy) listen: Vec<Word>,
    pub(in crate::policy) title: Option<Word>,
}

pub(super) fn purpose(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawPurpose> {
    let mut fields = Fields::new("a purpose", value, findings)?;
    let parent = word(&mut fields, "parent", findings);
    let title = word(&mut fields, "title", findings);
    for key in ["fides", "dpv"] {
        word(&mut fields, key, findings);
    }
    let unrestricted =
        fields.take("unrestricted").and_then(|value| value.truth(findings)?.then(|| value.place.clone()));
    let listen = words(&mut fields, "listen", findings);
    let ddl = fields.take("ddl").and_then(|value| value.truth(findings)).unwrap_or(false);
    if let Some(mode) = word(&mut fields, "mode", findings) {
        match &*mode.text {
            "enforce" => {}
            "shadow" => findings.add(Finding::new("`shadow` is not supported yet", &mode.place, "only `enforce` is")),
            other => {
                findings.add(Finding::new(format!("unknown mode `{other}`"), &mode.place, "only `enforce` is known"))
            }
        }
    }
    let later = ["justification", "require_tls", "named_columns_only", "max_rows", "stars", "subject", "parameters"];
    fields.finish(&later, findings);
    Some(RawPurpose { node: Declared { name: name.clone(), parent }, unrestricted, ddl, listen, title })
}
