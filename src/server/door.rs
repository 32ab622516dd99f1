//! Start-up: from a fresh connection to a session that is ready for queries.
//!
//! Who a client is finds the server out, whose messages pass in both directions until it says that all is well, or the proxy
//! does. Only then does the client learn what the policy thinks of its purpose.

use super::arrival::{Arrival, arrive};
use super::buffers::Inbox;
use super::gate::{Handle, Shared};
use super::hello;
use super::known::{Found, find_out};
use super::login::{Binding, Entered, authenticate, hear_out};
use super::relay::Relay;
use super::settle::settle_in;
use super::wishes::{Beginning, start_of, take_wishes, unjudged};
use crate::control::{Attending, Comer, NotReady, Setup, admits};
use crate::net::{Acceptor, Stream};
use crate::observe::Counters;
use crate::session::{Fit, Legs, Session, start_up_setting};
use crate::vocab::{Refusal, SqlState};
use crate::wire::Startup;
use bytes::BytesMut;
use std::io;
use std::sync::Arc;

/// The server cuts the name of a database (`NAMEDATALEN` - 1).
const LONGEST_NAME: usize = 63;

/// Whether there is room for another session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Free,
    Full,
}

/// Takes a connection from its first byte to its last.
pub async fn enter(shared: &Shared, setup: &Setup, client: Stream, handle: Arc<Handle>, room: Room) {
    let limit = setup.config.limits.login_time.0;
    let opening = async {
        let Some(Arrival { mut client, mut inbox, startup }) = arrive(shared, setup, client).await? else {
            return Ok(None);
        };
        let opened = open(shared, setup, (&mut client, &mut inbox), startup, room).await?;
        Ok::<_, io::Error>(opened.map(|opened| (client, inbox, opened)))
    };
    match tokio::time::timeout(limit, opening).await {
        Ok(Ok(Some((client, inbox, Opened::Guarded { session, name, attending, server })))) => {
            Counters::add(&shared.counters.sessions);
            let database = Arc::clone(attending.database());
            handle.serve(&shared.databases, name, attending);
            let relay = Relay::new(*session, database, handle, (client, inbox), server);
            let _ = relay.run().await;
        }
        Ok(Ok(Some((mut client, inbox, Opened::Free(mut server))))) => {
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
    Guarded {
        session: Box<Session>,
        /// The database, and the name that the client used for it.
        name: String,
        attending: Attending,
        server: (Stream, Inbox),
    },
    /// Nothing is judged: a database that the config opens.
    Free(Stream),
}

async fn open(
    shared: &Shared,
    setup: &Setup,
    (client, inbox): (&mut Stream, &mut Inbox),
    mut startup: Startup,
    room: Room,
) -> io::Result<Option<Opened>> {
    let config = &setup.config;
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
    let identity = client.identity();
    let comer = Comer {
        user: &wishes.user,
        database: &wishes.database,
        address: client.address(),
        encrypted: client.is_encrypted(),
        identity: identity.as_ref(),
    };
    if let Err(turned) = admits(config, &comer) {
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
    let known = match find_out(shared, setup, client, inbox, &wishes.user).await? {
        Found::LeftToServer => None,
        Found::Known(known) => {
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
    let open = config.database.get(&wishes.database).is_some_and(|alias| alias.open);
    let attending = shared.databases.find(setup, &wishes.database).map(|database| database.attend());
    let database = attending.as_ref().map(Attending::database);
    let _tentative = shared.databases.tentatively(database);
    startup.set("database", config.dbname(&wishes.database).as_bytes());
    let legs = match client {
        Stream::Tcp(_) => Legs::ClientPlain,
        Stream::Tls(_) | Stream::Unix(_) if !setup.upstream.is_protected() => Legs::ServerPlain,
        Stream::Tls(_) | Stream::Unix(_) => Legs::Encrypted,
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
    let mut server = match setup.upstream.connect().await {
        Ok(server) => server,
        Err(error) => {
            tracing::warn!(%error, "no connection to the server");
            hello::fatal(client, "08006", "the database server cannot be reached").await;
            return Ok(None);
        }
    };
    let mut packet = BytesMut::new();
    startup.write(&mut packet);
    server.send(&packet).await?;
    let mut from_server = Inbox::default();
    let entered = match known {
        Some(known) => known.enter(setup, client, &mut server, &mut from_server).await?,
        None => {
            let binding = Binding::between(client, setup.acceptor.as_ref().map(Acceptor::certificate), &server);
            authenticate(client, inbox, &mut server, &mut from_server, binding).await?
        }
    };
    if entered == Entered::Refused {
        return Ok(None);
    }
    let (attending, shelf, start) = match (attending, shelf, start) {
        (Some(attending), Ok(shelf), Ok(start)) => (attending, shelf, start),
        (None, _, _) if open => {
            client.send(from_server.bytes()).await?;
            return Ok(Some(Opened::Free(server)));
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
            return Ok(Some(Opened::Free(server)));
        }
        let message = "replication connections are not understood and need an unrestricted purpose";
        hello::fatal(client, "0A000", message).await;
        return Ok(None);
    }
    let Some(session) =
        settle_in(shared, setup, client, (&mut server, &mut from_server), shelf, start, &wishes).await?
    else {
        return Ok(None);
    };
    let session = Box::new(session);
    Ok(Some(Opened::Guarded { session, name: wishes.database, attending, server: (server, from_server) }))
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
