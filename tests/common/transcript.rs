//! What a session observes of a statement, and how two observations differ.

use super::raw::Frame;

/// How what came through the proxy differs from what Postgres says itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The same bytes, but for the source lines of errors that the proxy finds itself.
    None,
    /// The same rows in another order.
    Order,
    /// Errors with the same SQLSTATE and other words.
    Words,
    /// Errors with different SQLSTATEs.
    Codes,
    /// An error on one side only.
    ErrorThroughProxy,
    ErrorDirect,
    /// Other columns or types of columns.
    Columns,
    /// Other rows, tags or notices.
    Rows,
}

/// A frame without what is allowed to differ: the source file, line and routine of errors and notices, and the number under
/// which the proxy keeps the details of one.
pub fn bare(frame: &Frame) -> Frame {
    const NUMBER: &str = ": reference ";
    const DIGITS: usize = 16;
    if !matches!(frame.tag, b'E' | b'N') {
        return frame.clone();
    }
    let fields = frame.body.split(|byte| *byte == 0).filter(|field| !matches!(field.first(), Some(b'F' | b'L' | b'R')));
    let mut body = fields.collect::<Vec<_>>().join(&0);
    let at = body.windows(NUMBER.len()).position(|bytes| bytes == NUMBER.as_bytes());
    if let Some(number) = at.and_then(|at| body.get_mut(at + NUMBER.len()..at + NUMBER.len() + DIGITS)) {
        number.fill(b'#');
    }
    Frame { tag: frame.tag, body }
}

/// The first error of an answer.
pub fn error(frames: &[Frame]) -> Option<&Frame> {
    frames.iter().find(|frame| frame.tag == b'E')
}

/// The first error's SQLSTATE.
pub fn code(frames: &[Frame]) -> Option<String> {
    error(frames).and_then(|frame| frame.field(b'C'))
}

/// What the proxy did not understand, where the answer is such a refusal.
pub fn not_understood(frames: &[Frame]) -> Option<String> {
    let error = error(frames).filter(|error| error.field(b'C').as_deref() == Some("0A000"))?;
    let message = error.field(b'M')?;
    let what = message.split_once(" is restricted, and ")?.1;
    Some(what.strip_suffix(" is not understood").unwrap_or(what).to_owned())
}

/// Compares answers.
pub fn compare(direct: &[Frame], proxied: &[Frame]) -> Difference {
    let (one, other): (Vec<Frame>, Vec<Frame>) =
        (direct.iter().map(bare).collect(), proxied.iter().map(bare).collect());
    if one == other {
        return Difference::None;
    }
    match (code(direct), code(proxied)) {
        (Some(one), Some(other)) if one == other => return Difference::Words,
        (Some(_), Some(_)) => return Difference::Codes,
        (None, Some(_)) => return Difference::ErrorThroughProxy,
        (Some(_), None) => return Difference::ErrorDirect,
        (None, None) => {}
    }
    // Two servers number their relations and types each in its own way.
    let (one, other): (Vec<Frame>, Vec<Frame>) =
        (one.iter().map(unnumbered).collect(), other.iter().map(unnumbered).collect());
    if one == other {
        return Difference::None;
    }
    let of = |frames: &[Frame], tag| frames.iter().filter(|frame| frame.tag == tag).cloned().collect::<Vec<_>>();
    if of(&one, b'T') != of(&other, b'T') {
        return Difference::Columns;
    }
    if sorted(&one) == sorted(&other) { Difference::Order } else { Difference::Rows }
}

/// A row description without the OIDs of relations and types that users made.
fn unnumbered(frame: &Frame) -> Frame {
    let mut frame = frame.clone();
    if frame.tag != b'T' {
        return frame;
    }
    let mut at = 2;
    while let Some(end) = frame.body[at.min(frame.body.len())..].iter().position(|byte| *byte == 0) {
        let numbers = at + end + 1;
        for begin in [numbers, numbers + 6] {
            let Some(oid) = frame.body.get_mut(begin..begin + 4) else { return frame };
            if u32::from_be_bytes([oid[0], oid[1], oid[2], oid[3]]) >= FIRST_OWN_OID {
                oid.fill(0xff);
            }
        }
        at = numbers + 18;
    }
    frame
}

/// `FirstNormalObjectId` of Postgres.
const FIRST_OWN_OID: u32 = 16_384;

/// Frames with runs of rows in an order of their own.
pub fn sorted(frames: &[Frame]) -> Vec<Frame> {
    let mut frames = frames.to_vec();
    // Rows, and lines of a COPY.
    for run in frames.chunk_by_mut(|a, b| a.tag == b.tag && matches!(a.tag, b'D' | b'd')) {
        run.sort_by(|a, b| a.body.cmp(&b.body));
    }
    frames
}

/// An answer in a line, for reports.
pub fn outline(frames: &[Frame]) -> String {
    let line = |frame: &Frame| match frame.tag {
        b'E' | b'N' => format!(
            "{} {} {}",
            frame.tag as char,
            frame.field(b'C').unwrap_or_default(),
            frame.field(b'M').unwrap_or_default()
        ),
        tag => {
            let text: String =
                String::from_utf8_lossy(&frame.body).chars().map(|c| if c.is_control() { '·' } else { c }).collect();
            format!("{} {text}", tag as char)
        }
    };
    frames.iter().map(line).collect::<Vec<_>>().join(" | ")
}
