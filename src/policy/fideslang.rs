//! The keys of Fideslang's default taxonomy: what `fides = "…"` is held against, and categories for packs that want no others.

use super::Policy;
use super::document::{Word, with_suggestion};
use super::report::{Finding, Findings, Place};
use super::tree::{Declared, Node, Tree};

/// One key a line, below the name of its vocabulary.
const KEYS: &str = include_str!("fideslang.txt");

/// A vocabulary of the taxonomy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    Categories,
    Uses,
    Subjects,
}

impl Vocabulary {
    fn header(self) -> &'static str {
        match self {
            Vocabulary::Categories => "[data_categories]",
            Vocabulary::Uses => "[data_uses]",
            Vocabulary::Subjects => "[data_subjects]",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Vocabulary::Categories => "data category",
            Vocabulary::Uses => "data use",
            Vocabulary::Subjects => "data subject",
        }
    }

    /// Its keys, sorted.
    pub(crate) fn keys(self) -> impl Iterator<Item = &'static str> {
        let lines = KEYS.lines().skip_while(move |line| *line != self.header()).skip(1);
        lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty())
    }
}

/// The categories that a pack has by `taxonomy = "fideslang"`, but for those that it declares itself.
pub(super) fn categories(place: &Place, declared: &[Declared]) -> Vec<Declared> {
    let own = |key: &str| declared.iter().any(|node| *node.name.text == *key);
    let node = |key: &str| {
        let word = Word { text: key.into(), place: place.clone() };
        Declared { name: word.clone(), parent: None, fides: Some(word) }
    };
    Vocabulary::Categories.keys().filter(|key| !own(key)).map(node).collect()
}

/// Keys that are neither Fideslang's nor the pack's own.
pub(super) fn check(policy: &Policy, findings: &mut Findings) {
    let trees = &policy.trees;
    let extension = &policy.pack.extension;
    of_tree(&trees.categories, Vocabulary::Categories, extension, findings);
    of_tree(&trees.purposes, Vocabulary::Uses, extension, findings);
    of_tree(&trees.subjects, Vocabulary::Subjects, extension, findings);
}

fn of_tree<I: Node>(tree: &Tree<I>, vocabulary: Vocabulary, extension: &[Word], findings: &mut Findings) {
    let own = |key: &str| {
        let below = |known: &str| key.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        extension.iter().any(|known| below(&known.text))
    };
    let unknown = |word: &&Word| vocabulary.keys().all(|key| *key != *word.text) && !own(&word.text);
    for word in tree.fides().filter(unknown) {
        let message = format!("`{}` is no {} of Fideslang", word.text, vocabulary.word());
        let finding = Finding::new(message, &word.place, "not in the default taxonomy");
        findings.add(with_suggestion(finding, &word.text, vocabulary.keys()));
    }
}

/// Reports a term of DPV that is none by its form: `dpv:Marketing`, `pd:EmailAddress`, or its address.
pub(super) fn check_dpv(word: &Word, findings: &mut Findings) {
    let name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    let prefix = |prefix: &str| {
        prefix.starts_with(|c: char| c.is_ascii_lowercase())
            && prefix.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let address = |rest: &str| {
        let (path, fragment) = rest.split_once('#').unwrap_or_default();
        path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '.')) && name(fragment)
    };
    let term = match word.text.strip_prefix("https://w3id.org/dpv") {
        Some(rest) => address(rest),
        None => word.text.split_once(':').is_some_and(|(before, after)| prefix(before) && name(after)),
    };
    if !term {
        let label = "written `dpv:Marketing`, with the prefix of the vocabulary, or `https://w3id.org/dpv#Marketing`";
        findings.add(Finding::new(format!("`{}` is no term of DPV", word.text), &word.place, label));
    }
}

#[cfg(test)]
mod tests {
    use super::{Vocabulary, check_dpv};
    use crate::policy::document::Word;
    use crate::policy::report::{Findings, Place};

    #[test]
    fn the_list_is_the_default_taxonomy() {
        let counts = [Vocabulary::Categories, Vocabulary::Uses, Vocabulary::Subjects].map(|of| of.keys().count());
        assert_eq!(counts, [85, 56, 15]);
        for vocabulary in [Vocabulary::Categories, Vocabulary::Uses, Vocabulary::Subjects] {
            let keys: Vec<&str> = vocabulary.keys().collect();
            assert!(keys.is_sorted());
            // A dotted key is below one that is there, as the names of categories must be.
            let above = |key: &str| key.rsplit_once('.').is_none_or(|(above, _)| keys.contains(&above));
            assert!(keys.iter().all(|key| above(key)), "{keys:?}");
        }
    }

    #[test]
    fn terms_of_dpv_have_a_form() {
        for (term, expected) in [
            ("dpv:Marketing", true),
            ("pd:EmailAddress", true),
            ("dpv-gdpr:A6-1-a", true),
            ("https://w3id.org/dpv#Marketing", true),
            ("https://w3id.org/dpv/pd#EmailAddress", true),
            ("Marketing", false),
            ("dpv:marketing", false),
            ("dpv:", false),
            ("dpv:Two Words", false),
            ("https://w3id.org/dpv", false),
            ("https://example.org/dpv#Marketing", false),
        ] {
            let mut findings = Findings::default();
            check_dpv(&Word { text: term.into(), place: Place { file: 0, span: 0..0 } }, &mut findings);
            assert_eq!(findings.is_empty(), expected, "{term}");
        }
    }
}
