//! From AuthenticationOk to the first ReadyForQuery.

use super::buffers::Inbox;
use super::gate::Shared;
use super::hello;
use super::wishes::{Beginning, Wishes};
use crate::control::Setup;
use crate::net::Stream;
use crate::session::{Opening, Session, Shelf, Witness};
use crate::wire;
use bytes::BytesMut;
use std::io;
use std::sync::Arc;

/// Asks the server what the session starts from.
const QUESTION: &str = "SELECT pg_catalog.current_setting('wherefore.purpose', true), \
    pg_catalog.current_setting('search_path'), session_user, current_user";

/// The body of the server's BackendKeyData, by which what the session runs is cancelled.
pub type CancelKey = Box<[u8]>;

/// From AuthenticationOk to the first ReadyForQuery, the proxy's own question put in between.
pub async fn settle_in(
    shared: &Shared,
    setup: &Setup,
    client: &mut Stream,
    (server, from_server): (&mut Stream, &mut Inbox),
    shelf: Arc<Shelf>,
    Beginning { start, recipient, given, values: _, justification, policy }: Beginning,
    (wishes, witness): (&Wishes, Arc<dyn Witness>),
) -> io::Result<Option<(Session, CancelKey)>> {
    let mut question = BytesMut::new();
    wire::make_query(QUESTION, &mut question);
    server.send(&question).await?;
    let mut told: Option<wire::DataRow> = None;
    let (mut client_encoding, mut conforming_strings) = (Vec::new(), Vec::new());
    let mut key = CancelKey::default();
    let mut ready = 0;
    let mut to_client = BytesMut::new();
    while ready < 2 {
        let (tag, length) = hello::said(server, from_server).await?;
        let body = hello::body(from_server, length);
        match tag {
            b'Z' => ready += 1,
            b'D' if ready == 1 => told = wire::data_row(body),
            b'T' | b'C' if ready == 1 => {}
            b'E' => {
                to_client.extend_from_slice(&from_server.bytes()[..length]);
                client.send(&to_client).await?;
                return Ok(None);
            }
            tag => {
                if tag == b'K' {
                    key = body.into();
                } else if tag == b'S' {
                    match wire::parameter_status(body) {
                        Some((b"client_encoding", value)) => client_encoding = value.to_vec(),
                        Some((b"standard_conforming_strings", value)) => conforming_strings = value.to_vec(),
                        Some(_) | None => {}
                    }
                }
                to_client.extend_from_slice(&from_server.bytes()[..length]);
            }
        }
        from_server.consume(length);
    }
    let told: Option<Vec<String>> = told.map(|row| row.into_iter().map(Option::unwrap_or_default).collect());
    let Some([purpose, path, session_user, current_user]) = told.as_deref() else {
        hello::fatal(client, "08P01", "the server does not tell the session's settings").await;
        return Ok(None);
    };
    let name = |purpose| policy.as_ref().map_or("", |policy| &**policy.purpose_name(purpose));
    let expected = start.purpose.map_or("", name);
    if purpose != expected || *session_user != wishes.session_user {
        hello::fatal(client, "08P01", "the session did not start as it was asked to").await;
        return Ok(None);
    }
    to_client.extend_from_slice(b"Z\0\0\0\x05I");
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
    let session = Session::new(Opening {
        judge: Arc::clone(&shared.enforcer) as _,
        witness,
        shelf,
        bounds: Arc::clone(&setup.bounds),
        user: Arc::from(wishes.user.as_str()),
        current_user: Arc::from(current_user.as_str()),
        start,
        proof: wishes.proof.clone(),
        given,
        justification,
        path: path.clone(),
        client_encoding,
        conforming_strings,
        unjudged: wishes.unjudged.clone(),
        nonce,
    });
    if policy.is_none_or(|policy| policy.version() != session.policy_version()) {
        hello::fatal(client, "57P01", "the policy has changed: open a new session").await;
        return Ok(None);
    }
    if session.recipient() != recipient {
        hello::fatal(client, "57P01", "the recipient of this role has changed: open a new session").await;
        return Ok(None);
    }
    client.send(&to_client).await?;
    Ok(Some((session, key)))
}
