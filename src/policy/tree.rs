//! Trees of subjects, categories, purposes and recipients. A rule on a node covers what is below it.

use super::Term;
use super::document::{Word, with_suggestion};
use super::report::{Finding, Findings};
use super::{PurposeId, RecipientId};
use std::sync::Arc;

/// A subject of a policy: whose data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SubjectId(u16);

/// A category of a policy: what data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct CategoryId(u16);

/// A node's number in its tree.
pub(super) trait Node: Copy + Eq {
    /// What such a node is called in messages.
    const WORD: &'static str;
    fn new(at: u16) -> Self;
    fn at(self) -> usize;
}

macro_rules! node {
    ($id:ty, $word:literal, $make:expr) => {
        impl Node for $id {
            const WORD: &'static str = $word;
            fn new(at: u16) -> Self {
                $make(at)
            }
            fn at(self) -> usize {
                self.0 as usize
            }
        }
    };
}
node!(SubjectId, "subject", SubjectId);
node!(CategoryId, "category", CategoryId);
node!(PurposeId, "purpose", PurposeId);
node!(RecipientId, "recipient", RecipientId);

/// A declared node, before its parent is known to exist.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) name: Word,
    pub(super) parent: Option<Word>,
    /// Its key in the taxonomy of Fideslang.
    pub(super) fides: Option<Word>,
}

/// The nodes of one kind.
#[derive(Debug)]
pub(super) struct Tree<I> {
    names: Vec<Word>,
    fides: Vec<Option<Word>>,
    parents: Vec<Option<I>>,
    /// 1 for a root; a rule that omits the dimension has depth 0.
    depths: Vec<usize>,
}

impl<I: Node> Tree<I> {
    /// Builds the tree; reports names that are no names, missing parents and cycles.
    pub(super) fn build(declared: Vec<Declared>, findings: &mut Findings) -> Tree<I> {
        let word = I::WORD;
        if declared.len() > usize::from(u16::MAX) {
            let place = &declared[0].name.place;
            findings.add(Finding::new(format!("more than {} declarations of a {word}", u16::MAX), place, "from here"));
        }
        let names: Vec<Word> = declared.iter().map(|node| node.name.clone()).collect();
        let find = |name: &str| names.iter().position(|known| &*known.text == name).map(|at| I::new(at as u16));
        let mut parents = Vec::with_capacity(names.len());
        for node in &declared {
            check_name(word, &node.name, findings);
            // `contact.email` is below `contact`, which must be declared: a misspelt prefix would escape its rules.
            let prefix = node.name.text.rsplit_once('.').map(|(prefix, _)| prefix);
            let parent = match (&node.parent, prefix) {
                (Some(parent), Some(prefix)) if &*parent.text != prefix => {
                    let message = format!("`{}` is below `{prefix}` by its name", node.name.text);
                    findings.add(Finding::new(message, &parent.place, format!("but `{}` is named here", parent.text)));
                    None
                }
                (Some(parent), Some(_) | None) => Some((&*parent.text, &parent.place)),
                (None, Some(prefix)) => Some((prefix, &node.name.place)),
                (None, None) => None,
            };
            parents.push(parent.and_then(|(name, place)| {
                let found = find(name);
                if found.is_none() {
                    let message = format!("{word} `{name}` is not declared");
                    let finding = Finding::new(message, place, format!("`{}` is to be below it", node.name.text));
                    let others = names.iter().map(|known| &*known.text).filter(|known| *known != &*node.name.text);
                    findings.add(with_suggestion(finding, name, others));
                }
                found
            }));
        }
        let fides = declared.iter().map(|node| node.fides.clone()).collect();
        let mut tree = Tree { names, fides, parents, depths: Vec::new() };
        tree.cut_cycles(findings);
        tree.depths = (0..tree.names.len()).map(|at| tree.up(I::new(at as u16)).count()).collect();
        tree
    }

    /// Reports each cycle once and cuts it, so that walking up always ends.
    fn cut_cycles(&mut self, findings: &mut Findings) {
        for start in 0..self.names.len() {
            let mut seen = vec![start];
            let mut at = start;
            while let Some(parent) = self.parents[at] {
                at = parent.at();
                if let Some(first) = seen.iter().position(|node| *node == at) {
                    let ring: Vec<&str> = seen[first..].iter().map(|node| &*self.names[*node].text).collect();
                    let message = format!("{} `{}` is below itself", I::WORD, self.names[at].text);
                    let path = format!("{} → {}", ring.join(" → "), self.names[at].text);
                    findings.add(Finding::new(message, &self.names[at].place, path));
                    self.parents[at] = None;
                    break;
                }
                seen.push(at);
            }
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<I> {
        self.names.iter().position(|known| &*known.text == name).map(|at| I::new(at as u16))
    }

    /// The one node with this key of Fideslang.
    pub(super) fn of_fides(&self, key: &str) -> Option<I> {
        let mut found =
            self.nodes().filter(|node| self.fides[node.at()].as_ref().is_some_and(|word| *word.text == *key));
        found.next().filter(|_| found.next().is_none())
    }

    /// Finds a node that the policy names, or reports that there is none.
    pub(super) fn resolve(&self, word: &Word, findings: &mut Findings) -> Option<I> {
        let found = self.find(&word.text);
        if found.is_none() {
            let finding = Finding::new(format!("unknown {} `{}`", I::WORD, word.text), &word.place, "not declared");
            findings.add(with_suggestion(finding, &word.text, self.names.iter().map(|known| &*known.text)));
        }
        found
    }

    pub(super) fn name(&self, node: I) -> &Arc<str> {
        &self.names[node.at()].text
    }

    /// Every node, as tools see it.
    pub(super) fn terms(&self) -> impl Iterator<Item = Term> {
        let named = self.names.iter().zip(&self.fides);
        let text = |word: &Word| Arc::clone(&word.text);
        named.map(move |(name, fides)| Term { name: text(name), fides: fides.as_ref().map(text) })
    }

    /// The keys of Fideslang that nodes have.
    pub(super) fn fides(&self) -> impl Iterator<Item = &Word> {
        self.fides.iter().flatten()
    }

    pub(super) fn word(&self, node: I) -> &Word {
        &self.names[node.at()]
    }

    pub(super) fn parent(&self, node: I) -> Option<I> {
        self.parents[node.at()]
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = I> + use<I> {
        (0..self.names.len()).map(|at| I::new(at as u16))
    }

    /// The node and everything above it.
    pub(super) fn up(&self, node: I) -> Up<'_, I> {
        Up { tree: self, next: Some(node) }
    }

    /// Whether a rule on `node` covers `other`: it is the same or above it. A rule that names no node covers everything.
    pub(super) fn covers(&self, node: Option<I>, other: Option<I>) -> bool {
        match (node, other) {
            (None, None | Some(_)) => true,
            (Some(_), None) => false,
            (Some(node), Some(other)) => self.up(other).any(|above| above == node),
        }
    }

    /// The deeper of two nodes where one covers the other; `None` where they have nothing in common.
    pub(super) fn meet(&self, a: Option<I>, b: Option<I>) -> Option<Option<I>> {
        if self.covers(a, b) {
            Some(b)
        } else if self.covers(b, a) {
            Some(a)
        } else {
            None
        }
    }

    pub(super) fn depth(&self, node: Option<I>) -> usize {
        node.map_or(0, |node| self.depths[node.at()])
    }
}

/// Walks from a node to its root.
pub(super) struct Up<'a, I> {
    tree: &'a Tree<I>,
    next: Option<I>,
}

impl<I: Node> Iterator for Up<'_, I> {
    type Item = I;

    fn next(&mut self) -> Option<I> {
        let node = self.next?;
        self.next = self.tree.parents[node.at()];
        Some(node)
    }
}

/// A name is made of lower-case words with digits and underscores, joined by dots.
fn check_name(word: &str, name: &Word, findings: &mut Findings) {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    if !name.text.split('.').all(plain) {
        let message = format!("`{}` is no name for a {word}", name.text);
        let label = "lower-case letters, digits and underscores, joined by dots";
        findings.add(Finding::new(message, &name.place, label));
    }
}
