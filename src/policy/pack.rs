//! `[pack]`: what a pack says about itself.

use super::document::Word;
use super::raw::RawPack;
use super::report::{Finding, Findings, Place};
use super::tags::Untagged;
use std::sync::Arc;

/// What a pack says about itself.
#[derive(Debug, Default)]
pub(super) struct Pack {
    pub(super) name: Arc<str>,
    pub(super) document: Arc<str>,
    pub(super) dated: Arc<str>,
    pub(super) untagged: Untagged,
    /// Where it says that comments in the database are read for tags.
    pub(super) comments: Option<Place>,
    /// Where it says that Fideslang's categories are its own.
    pub(super) taxonomy: Option<Place>,
    /// Keys that it adds to Fideslang's, with what is below them.
    pub(super) extension: Vec<Word>,
    /// Where it says that a lock file lists what tags cover without naming it.
    pub(super) lock: Option<Place>,
}

impl Pack {
    pub(super) fn of(raw: &RawPack, findings: &mut Findings) -> Pack {
        let text = |word: &Option<Word>| word.as_ref().map_or_else(|| "".into(), |word| Arc::clone(&word.text));
        let untagged = match raw.untagged.as_ref().map(|word| (&*word.text, word)) {
            None | Some(("deny", _)) => Untagged::Deny,
            Some(("allow", _)) => Untagged::Allow,
            Some((other, word)) => {
                let message = format!("untagged columns are denied or allowed, not `{other}`");
                findings.add(Finding::new(message, &word.place, "`deny` or `allow`"));
                Untagged::Deny
            }
        };
        if let (Some(place), Untagged::Allow) = (&raw.comments, untagged) {
            let label = "a comment that cannot be read would leave its column open";
            findings.add(Finding::new("`comments` needs `untagged = \"deny\"`", place, label));
        }
        let taxonomy = raw.taxonomy.as_ref().and_then(|word| match &*word.text {
            "fideslang" => Some(word.place.clone()),
            other => {
                let message = format!("unknown taxonomy `{other}`");
                findings.add(Finding::new(message, &word.place, "`fideslang`"));
                None
            }
        });
        let dated = raw.dated.clone().unwrap_or_else(|| "".into());
        let (comments, lock, extension) = (raw.comments.clone(), raw.lock.clone(), raw.extension.clone());
        let (name, document) = (text(&raw.name), text(&raw.document));
        Pack { name, document, dated, untagged, comments, taxonomy, extension, lock }
    }
}
