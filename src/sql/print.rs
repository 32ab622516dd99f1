//! A tree to text, and proof that the text means the tree.
//!
//! The deparser of libpg_query is good but not perfect (`docs/decisions/0001-parser.md`), so what it prints is parsed
//! again and compared with the tree that was meant. The same comparison yields where each position of the new text
//! stood in the client's statement.

use super::deparse::deparse;
use super::parse::parse;
use super::walk::{Visitor, walk};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{MultiAssignRef, Node};

/// A statement printed from a tree.
#[derive(Debug, Clone)]
pub struct Printed {
    pub text: String,
    /// `(byte offset in text, byte offset in the statement the tree came from)`, ascending by the first; `None` for what
    /// did not come from there.
    pub offsets: Vec<(u32, Option<u32>)>,
}

/// Prints a tree whose locations are byte offsets into the client's statement. Fails where the printed text does not
/// parse back to the same tree.
pub fn print(tree: &Node) -> Result<Printed, NotUnderstood> {
    let unprintable = || NotUnderstood::new("a construct that can't be printed faithfully", None);
    let text = deparse(tree).ok_or_else(unprintable)?;
    let mut reparsed = parse(&text).map_err(|_| unprintable())?;
    let (Some(mut again), true) = (reparsed.pop(), reparsed.is_empty()) else { return Err(unprintable()) };
    let mut meant = tree.clone();
    let (meant_at, again_at) = (take_locations(&mut meant)?, take_locations(&mut again.tree)?);
    if meant != again.tree || meant_at.len() != again_at.len() {
        return Err(unprintable());
    }
    let both = again_at.into_iter().zip(meant_at);
    let mut offsets: Vec<(u32, Option<u32>)> =
        both.filter_map(|(new, old)| Some((u32::try_from(new).ok()?, u32::try_from(old).ok()))).collect();
    // Of several nodes that begin at one place errors speak of the innermost, which the walk meets last.
    offsets.reverse();
    offsets.sort_by_key(|(new, _)| *new);
    offsets.dedup_by_key(|(new, _)| *new);
    Ok(Printed { text, offsets })
}

/// The parser gives every column of `(a, b) = (SELECT …)` the same source; the deparser prints the first one's.
pub fn keep_first_source(assigned: &mut MultiAssignRef) {
    if assigned.colno > 1 {
        assigned.source = None;
    }
}

/// Sets every location to zero and returns what they were.
fn take_locations(tree: &mut Node) -> Result<Vec<i32>, NotUnderstood> {
    struct Taker(Vec<i32>);
    impl Visitor for Taker {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            if let Some(NodeEnum::MultiAssignRef(assigned)) = &mut node.node {
                keep_first_source(assigned);
            }
            Ok(())
        }
        fn location(&mut self, at: &mut i32) {
            self.0.push(std::mem::take(at));
        }
    }
    let mut taker = Taker(Vec::new());
    walk(tree, &mut taker)?;
    Ok(taker.0)
}
