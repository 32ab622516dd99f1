//! Start-up: from a fresh connection to a session that is ready for queries.
//!
//! Who a client is finds the server out, whose messages pass in both directions until it says that all is well, or the proxy
//! does. Only then does the client learn what the policy thinks of its purpose.

use super::arrival::{Arrival, arrive};
use super::buffers::Inbox;
use super::gate::Shared;
use super::handle::{Admission, Handle};
use super::hello;
use super::known::{Found, find_out};
use super::login::{Binding, Entered, authenticate, hear_out};
use super::places::Place;
use super::record::Login;
use super::relay::{Canceller, Hold, Relay};
use super::settle::settle_in;
use super::whence::{Whence, whence};
use super::wishes::{Beginning, start_of, take_wishes, unjudged};
use crate::audit::Mark;
use crate::auth::{Claims, network};
use crate::control::{Attending, Comer, Config, NotReady, Reached, Setup, admits};
use crate::net::{Acceptor, Stream};
use crate::observe::Counters;
use crate::session::{Fit, Legs, Session, start_up_setting};
use crate::vocab::{Refusal, SqlState};
use crate::wire::Startup;
use bytes::BytesMut;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout_at;

/// The server cuts the name of a database (`NAMEDATALEN` - 1).
const LONGEST_NAME: usize = 63;

/// Whether there is room for another session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Free,
    Full,
    /// Not for another one from the same address.
    FullFromThere,
}

/// Connections from one address beyond its limit that are heard out, because they may want to cancel.
const BEYOND: usize = 16;

/// Takes a connection from its first byte to its last.
pub async fn enter(shared: &Shared, setup: &Setup, mut client: Stream, handle: Arc<Handle>, room: Room) {
    let limits = &setup.config.limits;
    let until = tokio::time::Instant::now() + limits.login_time.0;
    let header = whence(&mut client, setup.config.proxy_protocol.as_ref());
    let whence = match timeout_at(until, header).await {
        Ok(Ok(Ok(whence))) => whence,
        Ok(Ok(Err(error))) => {
            tracing::info!(from = ?client.address(), %error, "turned away");
            let message = error.to_string();
            let told = hello::fatal(&mut client, "08P01", &message);
            let _ = tokio::time::timeout(LONGEST_GOODBYE, told).await;
            return;
        }
        Ok(Err(error)) => return tracing::debug!(%error, "a connection ended before it was ready"),
        Err(_) => return tracing::debug!("a connection took too long to begin"),
    };
    let place = whence.address.map(|address| shared.addresses.join(network(address)));
    let is_beyond = |most: usize| place.as_ref().is_some_and(|place| place.is_beyond(most));
    let most = limits.connections_per_address;
    if most > 0 && is_beyond(most + BEYOND) {
        return;
    }
    let room = if room == Room::Free && is_beyond(most) { Room::FullFromThere } else { room };
    let (mut client, mut inbox, startup) = match timeout_at(until, arrive(shared, setup, client)).await {
        Ok(Ok(Some(Arrival { client, inbox, startup }))) => (client, inbox, startup),
        Ok(Ok(None)) => return,
        Ok(Err(error)) => return tracing::debug!(%error, "a connection ended before it was ready"),
        // As the server, which says nothing to who has said nothing.
        Err(_) => return tracing::debug!("a connection took too long to begin"),
    };
    let opened = open(shared, setup, (&mut client, &mut inbox), startup, (room, &handle, whence));
    match timeout_at(until, opened).await {
        Ok(Ok(Some(Opened::Guarded { session, name, attending, server, canceller, mark, user: _user }))) => {
            Counters::add(&shared.counters.sessions);
            let database = Arc::clone(attending.database());
            handle.serve(&shared.databases, name, attending);
            handle.has_canceller(canceller.clone());
            let hold = Hold::new(shared.trail.clone(), mark);
            let relay = Relay::new(*session, database, handle, (client, inbox), server, (canceller, hold));
            let _ = relay.run().await;
        }
        Ok(Ok(Some(Opened::Free { mut server, user: _user }))) => {
            Counters::add(&shared.counters.sessions);
            let _ = pass_through(&mut client, inbox, &mut server).await;
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection ended before it was ready");
            if error.get_ref().is_some_and(|error| error.is::<hello::Lost>()) {
                let told = hello::fatal(&mut client, "08006", "the connection to the database server was lost");
                let _ = tokio::time::timeout(LONGEST_GOODBYE, told).await;
            }
        }
        Err(_) => {
            tracing::debug!("a connection took too long to log in");
            let told = hello::fatal(&mut client, "57014", "canceling authentication due to timeout");
            let _ = tokio::time::timeout(LONGEST_GOODBYE, told).await;
        }
    }
}

/// How long a client may take to be told that it took too long.
const LONGEST_GOODBYE: Duration = Duration::from_secs(1);

/// A session that is ready for queries.
enum Opened<'a> {
    Guarded {
        session: Box<Session>,
        /// The database, and the name that the client used for it.
        name: String,
        attending: Attending,
        server: (Stream, Inbox),
        canceller: Canceller,
        /// How far what it records is written.
        mark: Arc<Mark>,
        user: Place<'a, String>,
    },
    /// Nothing is judged: a database that the config opens, or a replication connection.
    Free { server: Stream, user: Place<'a, String> },
}

async fn open<'a>(
    shared: &'a Shared,
    setup: &Setup,
    (client, inbox): (&mut Stream, &mut Inbox),
    mut startup: Startup,
    (room, handle, whence): (Room, &Handle, Whence),
) -> io::Result<Option<Opened<'a>>> {
    let config = &setup.config;
    match room {
        Room::Free => {}
        Room::Full => {
            hello::fatal(client, "53300", "sorry, too many clients already").await;
            return Ok(None);
        }
        Room::FullFromThere => {
            let from = whence.address.map_or_else(String::new, |address| address.to_string());
            hello::fatal(client, "53300", &format!("too many connections from address \"{from}\"")).await;
            return Ok(None);
        }
    }
    let mut wishes = match take_wishes(&mut startup) {
        Ok(wishes) => wishes,
        Err(name) => {
            let message = format!("invalid value for parameter \"{name}\" in the startup packet");
            hello::fatal(client, "22021", &message).await;
            return Ok(None);
        }
    };
    let mut login = Login::new(shared, &wishes.user, &wishes.database, whence.address);
    let identity = client.identity();
    let comer = Comer {
        user: &wishes.user,
        database: &wishes.database,
        address: whence.address,
        encrypted: client.is_encrypted(),
        identity: identity.as_ref(),
    };
    if let Err(turned) = admits(config, &comer) {
        login.refused("28000");
        let message = turned.words(&comer);
        Counters::add(&shared.counters.refused);
        let (user, database) = (&wishes.user, &wishes.database);
        tracing::info!(target: "wherefore::decision", decision = "refuse", code = "28000", ?user, ?database, "turned away");
        let hint = "The proxy's config decides this: [tls] and [[hba]].";
        hello::fatal_with(client, "28000", &message, "", hint).await;
        return Ok(None);
    }
    if wishes.user.is_empty() {
        hello::fatal(client, "28000", "no PostgreSQL user name specified in startup packet").await;
        return Ok(None);
    }
    if wishes.user.len() > LONGEST_NAME {
        // The server would cut it, and find another role than this one.
        hello::fatal(client, "28000", "the name of the user is longer than 63 bytes").await;
        return Ok(None);
    }
    if wishes.database.len() > LONGEST_NAME && !config.database.contains_key(&wishes.database) {
        // The server would cut the name, and find another database than this one.
        let message = format!("database \"{}\" does not exist", wishes.database);
        hello::fatal(client, "3D000", &message).await;
        return Ok(None);
    }
    let mut claims = Claims::default();
    let known = match find_out(shared, setup, (client, whence), inbox, &wishes.user).await? {
        Found::LeftToServer => None,
        Found::Known(mut known) => {
            claims = std::mem::take(&mut known.claims);
            let listed = known.listed.then(|| wishes.user.clone());
            handle.admit(Admission { listed, expires: claims.expires() });
            startup.set("user", known.user.as_bytes());
            wishes.session_user.clone_from(&known.user);
            Some(known)
        }
        Found::Denied => return Ok(None),
    };
    if known.is_some() && !std::ptr::eq(&*shared.databases.setup(), setup) {
        // What it was let in by may not let it in any more.
        hello::fatal(client, "57P01", "the proxy's config was reloaded: connect again").await;
        return Ok(None);
    }
    if let Err(refusal) = wishes.prove(identity.as_ref(), setup.doorman.token(), claims) {
        login.refused(refusal.code.0);
        refuse(shared, client, &refusal).await;
        return Ok(None);
    }
    // Who only says that it is this user does not count.
    let proven = match known.is_some() {
        true => match place_of(shared, config, client, &wishes.user).await {
            Some(place) => Some(place),
            None => return Ok(None),
        },
        false => None,
    };
    let open = config.database.get(&wishes.database).is_some_and(|alias| alias.open);
    let Reached { stream: mut server, at, upstream } = match setup.servers.connect().await {
        Ok(reached) => reached,
        Err(error) => {
            tracing::warn!(%error, "no connection to the server");
            let (code, message) = error.report();
            hello::fatal(client, code, message).await;
            return Ok(None);
        }
    };
    let attending = shared.databases.find(setup, &wishes.database, at).map(|database| database.attend());
    let database = attending.as_ref().map(Attending::database);
    let _tentative = shared.databases.tentatively(database);
    startup.set("database", config.dbname(&wishes.database).as_bytes());
    let legs = match client.is_encrypted() || whence.address.is_none() {
        false => Legs::ClientPlain,
        true if !setup.servers.is_protected() => Legs::ServerPlain,
        true => Legs::Encrypted,
    };
    // Where the catalog cannot be read the server has the first word: the database may not exist.
    let shelf = match database {
        Some(database) => database.ready().await,
        None => Err(NotReady::NoCatalog { database: wishes.database.clone() }),
    };
    let start = match &shelf {
        Ok(shelf) => start_of(config, &shelf.bound(), &wishes, legs),
        Err(_) => Ok(Beginning::default()),
    };
    if let (Some(_), Ok(beginning)) = (database, &start) {
        beginning.declare(&mut startup);
    }
    let mut packet = BytesMut::new();
    startup.write(&mut packet);
    server.send(&packet).await?;
    let mut from_server = Inbox::default();
    let entered = match known {
        Some(known) => {
            known.enter((&upstream, config.upstream.channel_binding), client, &mut server, &mut from_server).await?
        }
        None => {
            let binding = Binding::between(client, setup.acceptor.as_ref().map(Acceptor::certificate), &server);
            authenticate((client, whence), inbox, &mut server, &mut from_server, binding).await?
        }
    };
    if entered == Entered::Refused {
        return Ok(None);
    }
    let user = match proven {
        Some(place) => place,
        None => match place_of(shared, config, client, &wishes.user).await {
            Some(place) => place,
            None => return Ok(None),
        },
    };
    let (attending, shelf, start) = match (attending, shelf, start) {
        (Some(attending), Ok(shelf), Ok(start)) => (attending, shelf, start),
        (None, _, _) if open => {
            client.send(from_server.bytes()).await?;
            login.unjudged();
            return Ok(Some(Opened::Free { server, user }));
        }
        (attending, shelf, start) => {
            // The server has the first word: the database may not exist, or not be open to this user.
            if hear_out(client, &mut server, &mut from_server).await? == Entered::Refused {
                return Ok(None);
            }
            let refusal = match (attending, shelf, start) {
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
            login.refused(refusal.code.0);
            refuse(shared, client, &refusal).await;
            return Ok(None);
        }
    };
    wishes.unjudged = unjudged(&startup, shelf.bound().catalog());
    let restricted = start.is_restricted();
    if restricted && shelf.fit() == Fit::Unfit {
        let error = NotReady::Unfit { database: attending.database().name().to_owned() };
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
            client.send(from_server.bytes()).await?;
            login.unjudged();
            return Ok(Some(Opened::Free { server, user }));
        }
        let message = "replication connections are not understood and need an unrestricted purpose";
        hello::fatal(client, "0A000", message).await;
        return Ok(None);
    }
    let (witness, mark) = login.witness(shared);
    let io = (&mut server, &mut from_server);
    let Some((session, key)) = settle_in(shared, setup, client, io, shelf, start, (&wishes, witness)).await? else {
        return Ok(None);
    };
    login.accepted();
    let session = Box::new(session);
    Ok(Some(Opened::Guarded {
        session,
        name: wishes.database,
        attending,
        server: (server, from_server),
        canceller: Canceller { upstream, key },
        mark,
        user,
    }))
}

/// A place among the sessions of a user; `None` where there are too many, which the client is told.
async fn place_of<'a>(
    shared: &'a Shared,
    config: &Config,
    client: &mut Stream,
    user: &str,
) -> Option<Place<'a, String>> {
    let place = shared.users.join(user.to_owned());
    if place.is_beyond(config.limits.connections_per_user) {
        hello::fatal(client, "53300", &format!("too many connections for role \"{user}\"")).await;
        return None;
    }
    Some(place)
}

async fn refuse(shared: &Shared, client: &mut Stream, refusal: &Refusal) {
    Counters::add(&shared.counters.refused);
    tracing::info!(target: "wherefore::decision", decision = "refuse", code = refusal.code.0, "refused at start-up");
    let (detail, hint) = (refusal.detail.as_deref(), refusal.hint.as_deref());
    hello::fatal_with(client, refusal.code.0, &refusal.message, detail.unwrap_or_default(), hint.unwrap_or_default())
        .await;
}

/// Bytes in both directions, untouched.
async fn pass_through(client: &mut Stream, inbox: Inbox, server: &mut Stream) -> io::Result<()> {
    server.send(inbox.bytes()).await?;
    drop(inbox);
    tokio::io::copy_bidirectional(client, server).await.map(|_| ())
}
