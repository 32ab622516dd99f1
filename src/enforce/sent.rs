//! What a statement puts where others find it without reading a table: channels and sequences.

use super::flow::{Origin, Why, conditions, control, name_of, open, tells};
use super::sequences::sees_numbers;
use super::utility::may_signal;
use super::view::View;
use crate::analyze::{Outlet, Resolved, Sent};
use crate::policy::Reader;
use crate::vocab::{Refusal, SqlState};

/// Holds what a statement puts into channels and sequences against those who find it there.
pub(super) fn permit_sent(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    let policy = view.bound().policy();
    for Sent { to, at, sources } in &resolved.sent {
        let into = match to {
            Outlet::Channel(channel) => {
                may_signal(view, text, channel, "notify", *at)?;
                format!("the channel \"{channel}\"")
            }
            Outlet::Sequence(oid) => format!("the sequence {}", name_of(view, *oid)),
        };
        let values = sources.iter().map(|source| Origin::Column(*source)).filter(|origin| tells(view, *origin));
        let control = control(view, &resolved.relations, None);
        let met = conditions(view, &resolved.relations, None).into_iter().flat_map(|condition| condition.columns);
        let origins: Vec<Origin> = values.chain(control.into_iter().chain(met).map(|flowing| flowing.origin)).collect();
        let finds = |reader: &&Reader| match to {
            Outlet::Channel(channel) => policy.may_signal(reader.purpose, channel),
            Outlet::Sequence(oid) => sees_numbers(view, **reader, *oid),
        };
        for finder in policy.readers().iter().filter(finds) {
            let hidden = |origin: &Origin| Some((*origin, hidden_from(view, *finder, *origin)?));
            let Some((origin, why)) = origins.iter().find_map(hidden) else { continue };
            let not = match why {
                Why::Closed => "may not read it",
                Why::Filtered => "may not read all of it",
            };
            let (source, finder) = (origin.name(view), policy.reader_words(*finder));
            let message = format!("this would carry {source} to {into}, where {finder} finds it, which {not}");
            let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_position(text, *at);
            let hint = "A value may be put only where everyone who finds it there may read its sources.";
            return Err(Box::new(refusal.with_hint(hint)));
        }
    }
    Ok(())
}

/// Why a purpose may not see the source of something that is not of a row it sees, if it may not.
fn hidden_from(view: &View, reader: Reader, origin: Origin) -> Option<Why> {
    let bound = view.bound();
    let oid = match origin {
        Origin::Column(source) | Origin::Stored(source) => source.relation,
        Origin::Rows(oid) => oid,
    };
    let ruling = bound.ruling(Some(reader), bound.catalog().relation(oid)?);
    match open(view, &ruling, origin) {
        false => Some(Why::Closed),
        true => (!ruling.rows.is_empty()).then_some(Why::Filtered),
    }
}
