//! Start-up: from a fresh connection to a session that is ready for queries.
//!
//! Authentication is the server's: its messages pass in both directions until it says that all is well. Only then does the
//! client learn what the policy thinks of its purpose.

use super::gate::{Handle, Shared};
use super::hello;
use super::relay::Relay;
use super::stream::{Inbox, Stream};
use crate::catalog::Catalog;
use crate::control::{Database, NotReady};
use crate::enforce::setting_permitted;
use crate::observe::Counters;
use crate::policy::{Policy, RecipientId, Values};
use crate::session::{
    Fit, JUSTIFICATION, Opening, RECIPIENT, Session, Shelf, Start, Witness, justification, parameter_of, setting_of,
    start_purpose, start_up_setting, start_values, unknown_setting,
};
use crate::vocab::{Refusal, SqlState};
use crate::wire::{self, First, Startup, option_settings, split_options};
use bytes::BytesMut;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// The server cuts the name of a database (`NAMEDATALEN` - 1).
const LONGEST_NAME: usize = 63;

/// Whether there is room for another session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Free,
    Full,
}

/// Takes a connection from its first byte to its last.
pub async fn enter(shared: &Shared, mut client: Stream, handle: Arc<Handle>, room: Room) {
    let mut inbox = Inbox::default();
    let limit = shared.config.limits.login_time.0;
    let opened = tokio::time::timeout(limit, open(shared, &mut client, &mut inbox, room)).await;
    match opened {
        Ok(Ok(Some(Opened::Guarded(session, database, server)))) => {
            Counters::add(&shared.counters.sessions);
            let relay = Relay::new(*session, database, handle, (client, inbox), server);
            let _ = relay.run().await;
        }
        Ok(Ok(Some(Opened::Free(mut server)))) => {
            Counters::add(&shared.counters.sessions);
            let _ = pass_through(&mut client, inbox, &mut server).await;
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended before it was ready"),
        Err(_) => tracing::debug!("a connection took too long to log in"),
    }
}

/// A session that is ready for queries.
enum Opened {
    Guarded(Box<Session>, Arc<Database>, (Stream, Inbox)),
    /// Nothing is judged: a database that the config opens.
    Free(Stream),
}

/// The client's wishes, as far as they concern the proxy.
struct Wishes {
    user: String,
    /// The database by the name that the client used.
    database: String,
    /// `wherefore.purpose`, if declared.
    purpose: Option<String>,
    /// Other settings of the proxy's own, with their values.
    given: Vec<(String, String)>,
    /// The first setting that may not be made under a restricted purpose, once the database is known.
    unjudged: Option<Box<str>>,
    replication: bool,
}

async fn open(shared: &Shared, client: &mut Stream, inbox: &mut Inbox, room: Room) -> io::Result<Option<Opened>> {
    let Some(mut startup) = first(shared, client, inbox).await? else { return Ok(None) };
    if room == Room::Full {
        hello::fatal(client, "53300", "sorry, too many clients already").await;
        return Ok(None);
    }
    let mut wishes = match take_wishes(&mut startup) {
        Ok(wishes) => wishes,
        Err(name) => {
            let message = format!("invalid value for parameter \"{name}\" in the startup packet");
            hello::fatal(client, "22021", &message).await;
            return Ok(None);
        }
    };
    if wishes.database.len() > LONGEST_NAME && !shared.config.database.contains_key(&wishes.database) {
        // The server would cut the name, and find another database than this one.
        let message = format!("database \"{}\" does not exist", wishes.database);
        hello::fatal(client, "3D000", &message).await;
        return Ok(None);
    }
    let open = shared.config.database.get(&wishes.database).is_some_and(|alias| alias.open);
    let database = shared.databases.find(&wishes.database);
    startup.set("database", shared.config.dbname(&wishes.database).as_bytes());
    // Where the catalog cannot be read the server has the first word: the database may not exist.
    let shelf = match &database {
        Some(database) => database.ready().await,
        None => Err(NotReady::NoCatalog { database: wishes.database.clone() }),
    };
    let start = match (&database, &shelf) {
        (Some(_), Ok(shelf)) => start_of(shared, shelf, &wishes),
        (Some(_), Err(_)) | (None, _) => Ok(Beginning::default()),
    };
    if let (Some(database), Ok(beginning)) = (&database, &start) {
        let name = beginning.start.purpose.map_or("", |purpose| database.policy().purpose_name(purpose));
        startup.set("wherefore.purpose", name.as_bytes());
        if let Some(name) = recipient_setting(database.policy(), beginning.recipient) {
            startup.set(RECIPIENT, name.as_bytes());
        }
        if let Some(text) = &beginning.justification {
            startup.set(JUSTIFICATION, text.as_bytes());
        }
        for (id, parameter) in database.policy().parameters() {
            if let Some(value) = beginning.values.get(id) {
                startup.set(&setting_of(parameter), value.as_bytes());
            }
        }
    }
    let upstream = &shared.config.upstream;
    let mut server = match Stream::connect(&upstream.host, upstream.port).await {
        Ok(server) => server,
        Err(error) => {
            tracing::warn!(%error, "no connection to the server");
            hello::fatal(client, "08006", "the database server cannot be reached").await;
            return Ok(None);
        }
    };
    let mut packet = BytesMut::new();
    startup.write(&mut packet);
    server.write_all(&packet).await?;
    let mut from_server = Inbox::default();
    let entered = authenticate(client, inbox, &mut server, &mut from_server).await?;
    if entered == Entered::Refused {
        if let (Some(database), Err(_)) = (&database, &shelf) {
            shared.databases.forget(database);
        }
        return Ok(None);
    }
    let (database, shelf, start) = match (database, shelf, start) {
        (Some(database), Ok(shelf), Ok(start)) => (database, shelf, start),
        (None, _, _) if open => {
            client.write_all(from_server.bytes()).await?;
            return Ok(Some(Opened::Free(server)));
        }
        (database, shelf, start) => {
            // The server has the first word: the database may not exist, or not be open to this user.
            if hear_out(client, &mut server, &mut from_server).await? == Entered::Refused {
                if let (Some(database), Err(_)) = (&database, &shelf) {
                    shared.databases.forget(database);
                }
                return Ok(None);
            }
            let refusal = match (database, shelf, start) {
                (None, _, _) => Refusal::new(
                    SqlState::INSUFFICIENT_PRIVILEGE,
                    format!("no policy governs database \"{}\"", wishes.database),
                )
                .with_hint("Name a policy in the proxy's config, or say open = true for this database."),
                (Some(_), Err(error), _) => Refusal::new(SqlState("08006"), error.to_string()),
                (Some(_), Ok(_), Err(refusal)) => refusal,
                // Taken above.
                (Some(_), Ok(_), Ok(_)) => return Ok(None),
            };
            refuse(shared, client, &refusal).await;
            return Ok(None);
        }
    };
    wishes.unjudged = unjudged(&startup, shelf.bound().catalog());
    let restricted = start.start.purpose.is_none_or(|purpose| database.policy().enforces(purpose));
    if restricted && shelf.fit() == Fit::Unfit {
        let error = NotReady::Unfit { database: database.name().to_owned() };
        hello::fatal_with(client, "57P03", &error.to_string(), "", "The proxy's log says what does not fit.").await;
        return Ok(None);
    }
    if restricted && let Some(name) = &wishes.unjudged {
        if hear_out(client, &mut server, &mut from_server).await? == Entered::Yes {
            refuse(shared, client, &start_up_setting(name)).await;
        }
        return Ok(None);
    }
    if wishes.replication {
        if !restricted {
            client.write_all(from_server.bytes()).await?;
            return Ok(Some(Opened::Free(server)));
        }
        let message = "replication connections are not understood and need an unrestricted purpose";
        hello::fatal(client, "0A000", message).await;
        return Ok(None);
    }
    let Some(session) = settle_in(shared, client, &mut server, &mut from_server, shelf, start, &wishes).await? else {
        return Ok(None);
    };
    Ok(Some(Opened::Guarded(Box::new(session), database, (server, from_server))))
}

/// Waits until the server is ready, or passes on why it is not.
async fn hear_out(client: &mut Stream, server: &mut Stream, from_server: &mut Inbox) -> io::Result<Entered> {
    loop {
        let (tag, length) = hello::message(server, from_server).await?;
        if tag == b'E' {
            client.write_all(&from_server.bytes()[..length]).await?;
            return Ok(Entered::Refused);
        }
        from_server.consume(length);
        if tag == b'Z' {
            return Ok(Entered::Yes);
        }
    }
}

async fn refuse(shared: &Shared, client: &mut Stream, refusal: &Refusal) {
    Counters::add(&shared.counters.refused);
    tracing::info!(target: "wherefore::decision", decision = "refuse", code = refusal.code.0, "refused at start-up");
    let (detail, hint) = (refusal.detail.as_deref(), refusal.hint.as_deref());
    hello::fatal_with(client, refusal.code.0, &refusal.message, detail.unwrap_or_default(), hint.unwrap_or_default())
        .await;
}

/// Answers what comes before the start-up message. `None`: the connection is done with.
async fn first(shared: &Shared, client: &mut Stream, inbox: &mut Inbox) -> io::Result<Option<Startup>> {
    let (mut ssl, mut gss) = (false, false);
    loop {
        let (packet, length) = hello::first_packet(client, inbox).await?;
        let again = match packet {
            First::Ssl => std::mem::replace(&mut ssl, true),
            First::Gss => std::mem::replace(&mut gss, true),
            First::Cancel => {
                Counters::add(&shared.counters.cancels);
                cancel(shared, &inbox.bytes()[..length]).await;
                return Ok(None);
            }
            First::Startup(startup) => {
                inbox.consume(length);
                return Ok(Some(startup));
            }
            First::Bad(code, message) => {
                hello::fatal(client, code, &message).await;
                return Ok(None);
            }
        };
        inbox.consume(length);
        if again {
            hello::fatal(client, "08P01", "encryption was requested twice").await;
            return Ok(None);
        }
        if !inbox.is_empty() {
            // Nothing may be sent before the answer: it could have been put in by someone on the way (CVE-2021-23214).
            hello::fatal(client, "08P01", "received unencrypted data after an encryption request").await;
            return Ok(None);
        }
        client.write_all(b"N").await?;
    }
}

/// Passes a CancelRequest on. The key is the server's own, so it reaches only what the client could cancel directly.
async fn cancel(shared: &Shared, packet: &[u8]) {
    let upstream = &shared.config.upstream;
    let deliver = async {
        let mut server = Stream::connect(&upstream.host, upstream.port).await?;
        server.write_all(packet).await?;
        // The server closes when it has signalled; the client is told so by our closing after it.
        let mut inbox = Inbox::default();
        inbox.fill(&mut server).await
    };
    let _ = tokio::time::timeout(Duration::from_secs(5), deliver).await;
}

/// Takes what concerns the proxy out of the start-up message. An error names a parameter that is not UTF-8.
fn take_wishes(startup: &mut Startup) -> Result<Wishes, &'static str> {
    let text = |name: &'static str, startup: &Startup| match startup.get(name) {
        Some(value) => std::str::from_utf8(value).map(|value| Some(value.to_owned())).map_err(|_| name),
        None => Ok(None),
    };
    let user = text("user", startup)?.unwrap_or_default();
    let database = text("database", startup)?.filter(|name| !name.is_empty()).unwrap_or_else(|| user.clone());
    let mut own: Vec<(String, String)> = Vec::new();
    if let Some(options) = text("options", startup)? {
        let split = split_options(&options);
        if !split.own.is_empty() {
            match &split.rest {
                Some(rest) => startup.set("options", rest.as_bytes()),
                None => startup.parameters.retain(|(name, _)| name != b"options"),
            }
        }
        own = split.own;
    }
    let mut kept = Vec::new();
    for (name, value) in std::mem::take(&mut startup.parameters) {
        match std::str::from_utf8(&name).map(str::to_ascii_lowercase) {
            Ok(lower) if lower.starts_with("wherefore.") => {
                own.push((lower, String::from_utf8_lossy(&value).into_owned()));
            }
            Ok(_) | Err(_) => kept.push((name, value)),
        }
    }
    startup.parameters = kept;
    let replication = startup.get("replication").is_some_and(|value| {
        !matches!(value.to_ascii_lowercase().as_slice(), b"" | b"false" | b"off" | b"no" | b"0" | b"f" | b"n")
    });
    let (purposes, given): (Vec<_>, Vec<_>) = own.into_iter().partition(|(name, _)| name == "wherefore.purpose");
    let purpose = purposes.into_iter().next_back().map(|(_, value)| value);
    Ok(Wishes { user, database, purpose, given, unjudged: None, replication })
}

/// The first start-up setting that may not be made under a restricted purpose.
fn unjudged(startup: &Startup, catalog: &Catalog) -> Option<Box<str>> {
    let permitted = |name: &str, value: &str| setting_permitted(name, value, catalog);
    for (name, value) in &startup.parameters {
        let value = String::from_utf8_lossy(value);
        let name = String::from_utf8_lossy(name);
        match &*name {
            // Of the protocol itself.
            "user" | "database" | "replication" => {}
            extension if extension.starts_with("_pq_.") => {}
            // The proxy's own: the client's were taken out.
            own if own.starts_with("wherefore.") => {}
            "options" => match option_settings(&value) {
                Ok(settings) => {
                    if let Some((name, _)) = settings.iter().find(|(name, value)| !permitted(name, value)) {
                        return Some(name.as_str().into());
                    }
                }
                Err(word) => return Some(word.into()),
            },
            setting if permitted(setting, &value) => {}
            setting => return Some(setting.into()),
        }
    }
    None
}

/// What a session begins with.
struct Beginning {
    start: Start,
    /// Whom the role stands for.
    recipient: Option<RecipientId>,
    /// Values of parameters beside those of the role.
    given: Values,
    /// All values of parameters.
    values: Values,
    justification: Option<Arc<str>>,
}

impl Default for Beginning {
    fn default() -> Beginning {
        let start = Start { purpose: None, pinned: None };
        let (given, values) = Default::default();
        Beginning { start, recipient: None, given, values, justification: None }
    }
}

/// The purpose and the values that the session starts with.
fn start_of(shared: &Shared, shelf: &Shelf, wishes: &Wishes) -> Result<Beginning, Refusal> {
    let bound = shelf.bound();
    let policy: &Policy = bound.policy();
    let principal = bound.principal(&wishes.user);
    let declared = wishes.given.iter().rev().find(|(name, _)| name == JUSTIFICATION);
    let justification = declared.map(|(_, text)| justification(text)).transpose()?.flatten();
    let is_known = |name: &str| name == JUSTIFICATION || parameter_of(policy, name).is_some();
    if let Some((name, _)) = wishes.given.iter().find(|(name, _)| !is_known(name)) {
        return Err(unknown_setting(policy, name));
    }
    let config = shared.config.database.get(&wishes.database);
    let pinned = config.into_iter().flat_map(|alias| &alias.parameters);
    let pinned: Vec<(&str, String)> = pinned.map(|(name, value)| (name.as_str(), value.to_string())).collect();
    let given = start_values(policy, pinned.iter().map(|(name, value)| (*name, value.as_str())), &wishes.given)?;
    let values = given.or(&principal.values);
    let alias = config.and_then(|alias| alias.purpose.as_deref());
    let role = shared.config.role.get(&wishes.user).map(|role| role.purpose.as_str());
    let pins: Vec<&str> = alias.into_iter().chain(role).collect();
    let start = start_purpose(policy, &principal, &pins, wishes.purpose.as_deref())?;
    Ok(Beginning { start, recipient: principal.recipient, given, values, justification })
}

/// What the database sees as the recipient; nothing where the policy knows none.
fn recipient_setting(policy: &Policy, recipient: Option<RecipientId>) -> Option<&str> {
    policy.recipients().next()?;
    Some(recipient.map_or("", |recipient| policy.recipient_name(recipient)))
}

/// Whether the server let the client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entered {
    /// AuthenticationOk was passed on; what follows it is in the inbox.
    Yes,
    Refused,
}

/// Passes authentication between client and server.
async fn authenticate(
    client: &mut Stream,
    inbox: &mut Inbox,
    server: &mut Stream,
    from_server: &mut Inbox,
) -> io::Result<Entered> {
    loop {
        let (tag, length) = hello::message(server, from_server).await?;
        let message = &from_server.bytes()[..length];
        client.write_all(message).await?;
        let kind = (tag == b'R').then(|| message.get(5..9)).flatten().map(<[u8]>::to_vec);
        from_server.consume(length);
        match (tag, kind.as_deref()) {
            (b'R', Some([0, 0, 0, 0])) => return Ok(Entered::Yes),
            // SASLFinal: AuthenticationOk follows without a word of the client.
            (b'R', Some([0, 0, 0, 12])) => {}
            (b'R', Some(_)) => answer(client, inbox, server).await?,
            (b'v' | b'N', _) => {}
            _ => return Ok(Entered::Refused),
        }
    }
}

/// Passes one answer of the client on: a password message, whose length Postgres bounds to 64 KiB at most.
async fn answer(client: &mut Stream, inbox: &mut Inbox, server: &mut Stream) -> io::Result<()> {
    let (tag, length) = hello::message(client, inbox).await?;
    if tag != b'p' || length > 64 << 10 {
        hello::fatal(client, "08P01", &format!("expected password response, got message type {tag}")).await;
        return Err(io::Error::other("not a password message"));
    }
    server.write_all(&inbox.bytes()[..length]).await?;
    inbox.consume(length);
    Ok(())
}

/// Asks the server what the session starts from.
const QUESTION: &str = "SELECT pg_catalog.current_setting('wherefore.purpose', true), \
    pg_catalog.current_setting('search_path'), session_user, current_user";

/// From AuthenticationOk to the first ReadyForQuery, the proxy's own question put in between.
async fn settle_in(
    shared: &Shared,
    client: &mut Stream,
    server: &mut Stream,
    from_server: &mut Inbox,
    shelf: Arc<Shelf>,
    Beginning { start, recipient, given, values: _, justification }: Beginning,
    wishes: &Wishes,
) -> io::Result<Option<Session>> {
    let mut question = BytesMut::new();
    wire::make_query(QUESTION, &mut question);
    server.write_all(&question).await?;
    let mut told: Option<wire::DataRow> = None;
    let (mut client_encoding, mut conforming_strings) = (Vec::new(), Vec::new());
    let mut ready = 0;
    let mut to_client = BytesMut::new();
    while ready < 2 {
        let (tag, length) = hello::message(server, from_server).await?;
        let body = hello::body(from_server, length);
        match tag {
            b'Z' => ready += 1,
            b'D' if ready == 1 => told = wire::data_row(body),
            b'T' | b'C' if ready == 1 => {}
            b'E' => {
                to_client.extend_from_slice(&from_server.bytes()[..length]);
                client.write_all(&to_client).await?;
                return Ok(None);
            }
            tag => {
                if tag == b'S' {
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
    let bound = shelf.bound();
    let expected = start.purpose.map_or("", |purpose| bound.policy().purpose_name(purpose));
    if purpose != expected || *session_user != wishes.user {
        hello::fatal(client, "08P01", "the session did not start as it was asked to").await;
        return Ok(None);
    }
    to_client.extend_from_slice(b"Z\0\0\0\x05I");
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
    let session = Session::new(Opening {
        judge: Arc::clone(&shared.enforcer) as _,
        witness: Arc::clone(&shared.counters) as Arc<dyn Witness>,
        shelf,
        bounds: Arc::clone(&shared.bounds),
        user: Arc::from(wishes.user.as_str()),
        current_user: Arc::from(current_user.as_str()),
        start,
        given,
        justification,
        path: path.clone(),
        client_encoding,
        conforming_strings,
        unjudged: wishes.unjudged.clone(),
        nonce,
    });
    if session.recipient() != recipient {
        hello::fatal(client, "57P01", "the recipient of this role has changed: open a new session").await;
        return Ok(None);
    }
    client.write_all(&to_client).await?;
    Ok(Some(session))
}

/// Bytes in both directions, untouched.
async fn pass_through(client: &mut Stream, inbox: Inbox, server: &mut Stream) -> io::Result<()> {
    server.write_all(inbox.bytes()).await?;
    drop(inbox);
    tokio::io::copy_bidirectional(client, server).await.map(|_| ())
}
