//! Authentication that is the proxy's own: of the client, and then of the proxy towards the server.

use super::buffers::Inbox;
use super::gate::Shared;
use super::hello;
use super::login::{Entered, answer, is_private};
use super::whence::Whence;
use crate::auth::{
    Answer, Bound, Channel, Claims, Credential, Denied, Exchange, Heard, Stranger, Tokens, UpstreamLogin, Verifier,
    ask_for_password, bearer, ok, password,
};
use crate::control::{Carrier, ChannelBinding, Doorman, Name, Setup};
use crate::net::{Acceptor, Stream, Upstream};
use crate::observe::Counters;
use crate::wire;
use bytes::BytesMut;
use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

/// What was found out of a client.
pub enum Found {
    /// Nothing: the server is to find out.
    LeftToServer,
    Known(Known),
    /// It has been told that it may not come in.
    Denied,
}

/// How a client that was let in goes on to the server.
pub struct Known {
    /// As whom.
    pub user: String,
    credential: Credential,
    whose: Whose,
    /// What its token says of it; nothing where it came by none.
    pub claims: Claims,
    /// The file of users has it.
    pub listed: bool,
}

/// Whose role it is that logs in to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Client,
    Proxy,
}

/// Finds out whether a client is the user that it says it is, where that is the proxy's to do.
pub async fn find_out(
    shared: &Shared,
    setup: &Setup,
    (client, whence): (&mut Stream, Whence),
    inbox: &mut Inbox,
    user: &str,
) -> io::Result<Found> {
    // What the server finds out nothing is counted of.
    if !matches!(setup.doorman, Doorman::Server) && !may_try(shared, setup, user, whence) {
        too_many(client, user).await;
        return Ok(Found::Denied);
    }
    let mut claims = Claims::default();
    let listed = setup.doorman.lists(user);
    let proven = match &setup.doorman {
        Doorman::Server => return Ok(Found::LeftToServer),
        Doorman::Scram { users, query } => {
            let verifier = match (users.get(user), query) {
                (Some(verifier), _) => Some(verifier.clone()),
                (None, None) => None,
                (None, Some(query)) => match query.verifier(user, &setup.config, &setup.servers).await {
                    Ok(verifier) => verifier,
                    Err(error) => {
                        tracing::warn!(error, "the server told no verifier");
                        hello::fatal(client, "57P03", "users cannot be looked up now").await;
                        return Ok(Found::Denied);
                    }
                },
            };
            by_scram(shared, setup, (client, whence), inbox, user, verifier.as_ref()).await?
        }
        Doorman::Token { tokens, config } => {
            let told = match config.carrier {
                Carrier::Password => by_password(tokens, (client, whence), inbox).await?,
                Carrier::OAuthBearer => by_bearer(tokens, (client, whence), inbox).await?,
            };
            told.and_then(|told| {
                claims = told;
                may_be(&claims, &config.role, user).map(|()| Credential::Nothing)
            })
        }
        Doorman::Certificate { names } => by_certificate(client, names, user).map(|()| Credential::Nothing),
    };
    match proven {
        Ok(credential) => Ok(Found::Known(match &setup.service {
            Some((user, credential)) => {
                Known { user: user.clone(), credential: credential.clone(), whose: Whose::Proxy, claims, listed }
            }
            None => Known { user: user.to_owned(), credential, whose: Whose::Client, claims, listed },
        })),
        Err(Denied::TooMany) => {
            too_many(client, user).await;
            Ok(Found::Denied)
        }
        Err(denied) => {
            let address = whence.address;
            Counters::add(&shared.counters.refused);
            let reason = denied.to_string();
            tracing::info!(target: "wherefore::decision", decision = "refuse", code = "28P01", ?user, ?address, reason, "not let in");
            match denied {
                Denied::Certificate => {
                    let message = format!("certificate authentication failed for user \"{user}\"");
                    hello::fatal(client, "28000", &message).await;
                }
                _by_other_means => not_let_in(client, user).await,
            }
            Ok(Found::Denied)
        }
    }
}

/// Whether a client's certificate makes it this user.
fn by_certificate(client: &Stream, names: &BTreeMap<Name, Vec<String>>, user: &str) -> Result<(), Denied> {
    let identity = client.identity().ok_or(Denied::Certificate)?;
    let mut listed = names.iter().filter(|(name, _)| name.is_in(&identity)).flat_map(|(_, roles)| roles);
    let may = match names.is_empty() {
        true => identity.common_name.as_deref() == Some(user),
        false => listed.any(|role| role == user),
    };
    if may { Ok(()) } else { Err(Denied::Certificate) }
}

/// Whether a user has failed seldom enough to go on from there.
fn may_try(shared: &Shared, setup: &Setup, user: &str, whence: Whence) -> bool {
    shared.attempts.may_try(user, whence.address, setup.config.auth.failures_per_minute, Instant::now())
}

async fn too_many(client: &mut Stream, user: &str) {
    let message = format!("too many failed logins of user \"{user}\"");
    hello::fatal_with(client, "28000", &message, "", "Try again in a minute.").await;
}

/// The same words for whoever is not let in, whatever the reason.
async fn not_let_in(client: &mut Stream, user: &str) {
    hello::fatal(client, "28P01", &format!("password authentication failed for user \"{user}\"")).await;
}

async fn by_scram(
    shared: &Shared,
    setup: &Setup,
    (client, whence): (&mut Stream, Whence),
    inbox: &mut Inbox,
    user: &str,
    verifier: Option<&Verifier>,
) -> io::Result<Result<Credential, Denied>> {
    let certificate = setup.acceptor.as_ref().filter(|_| client.is_encrypted()).map(Acceptor::certificate);
    let stranger = Stranger::new(setup.secret.unwrap_or(shared.secret), setup.config.auth.scram_iterations);
    let mut exchange = Exchange::new(verifier, &stranger, user, certificate);
    let mut out = BytesMut::new();
    exchange.offer(&mut out);
    loop {
        client.send(&out).await?;
        let length = answer(client, inbox).await?;
        // Others may have guessed while this one thought.
        if !may_try(shared, setup, user, whence) {
            return Ok(Err(Denied::TooMany));
        }
        let heard = exchange.hear(hello::body(inbox, length));
        inbox.consume(length);
        match heard {
            Ok(Heard::Continue(more)) => out = more,
            Ok(Heard::Proven(last, keys)) => {
                client.send(&last).await?;
                return Ok(Ok(Credential::Keys(keys)));
            }
            Err(denied) => {
                // Before anything else is waited for.
                shared.attempts.failed(user, whence.address, Instant::now());
                return Ok(Err(denied));
            }
        }
    }
}

/// The claims of a token that is sent as a password.
async fn by_password(
    tokens: &Tokens,
    (client, whence): (&mut Stream, Whence),
    inbox: &mut Inbox,
) -> io::Result<Result<Claims, Denied>> {
    if !is_private(client, whence) {
        // It would be anyone's who listens.
        return Ok(Err(Denied::Token("a token over an unencrypted connection".to_owned())));
    }
    let mut out = BytesMut::new();
    ask_for_password(&mut out);
    client.send(&out).await?;
    let length = answer(client, inbox).await?;
    let token = password(hello::body(inbox, length)).and_then(|text| std::str::from_utf8(text).ok()).map(str::to_owned);
    inbox.consume(length);
    Ok(token
        .ok_or_else(|| Denied::Malformed("a password that is no text".to_owned()))
        .and_then(|token| tokens.check(&token)))
}

/// The claims of a token that comes by OAUTHBEARER.
async fn by_bearer(
    tokens: &Tokens,
    (client, whence): (&mut Stream, Whence),
    inbox: &mut Inbox,
) -> io::Result<Result<Claims, Denied>> {
    if !is_private(client, whence) {
        return Ok(Err(Denied::Token("a token over an unencrypted connection".to_owned())));
    }
    let mut out = BytesMut::new();
    bearer::offer(&mut out);
    client.send(&out).await?;
    let length = answer(client, inbox).await?;
    let checked = match bearer::token(hello::body(inbox, length)) {
        Some(token) => tokens.check(token),
        None => Err(Denied::Malformed("no token in the client's message".to_owned())),
    };
    inbox.consume(length);
    if checked.is_err() {
        // The client learns where tokens are to be had, and answers with a byte that says nothing (RFC 7628, section 3.2.3).
        out.clear();
        bearer::failure(tokens.issuer(), &mut out);
        client.send(&out).await?;
        let length = answer(client, inbox).await?;
        inbox.consume(length);
    }
    Ok(checked)
}

/// Whether a token names the role that its bearer wants to be.
fn may_be(claims: &Claims, claim: &str, user: &str) -> Result<(), Denied> {
    if claims.texts(claim).contains(&user) {
        return Ok(());
    }
    Err(Denied::Token(format!("the token's claim \"{claim}\" does not name the user")))
}

impl Known {
    /// Logs in to the server, and tells the client that it is in.
    pub async fn enter(
        self,
        (upstream, binding): (&Upstream, ChannelBinding),
        client: &mut Stream,
        server: &mut Stream,
        from_server: &mut Inbox,
    ) -> io::Result<Entered> {
        let channel = if upstream.is_verified() { Channel::Verified } else { Channel::Other };
        let mut random = [0; 18];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let bound = match (binding, server.end_point()) {
            (ChannelBinding::Disable, _) | (ChannelBinding::Prefer, None) => Bound::No,
            (ChannelBinding::Prefer, Some(hash)) => Bound::IfOffered(hash),
            // An empty hash binds to no certificate there is.
            (ChannelBinding::Require, hash) => Bound::Always(hash.unwrap_or_default()),
        };
        let mut login = UpstreamLogin::new(&self.user, self.credential, channel, bound, random);
        let failed = loop {
            let (tag, length) = hello::said(server, from_server).await?;
            match tag {
                b'R' => {
                    let answered = login.answer(hello::body(from_server, length));
                    from_server.consume(length);
                    match answered {
                        Ok(Answer::Send(message)) => server.send(&message).await?,
                        Ok(Answer::Wait) => {}
                        Ok(Answer::LoggedIn) => {
                            let mut out = BytesMut::new();
                            ok(&mut out);
                            client.send(&out).await?;
                            return Ok(Entered::Yes);
                        }
                        Err(why) => break why,
                    }
                }
                // Of the client's own role the server speaks for itself; of the proxy's the client has nothing to know.
                b'E' if self.whose == Whose::Client => {
                    client.send(&from_server.bytes()[..length]).await?;
                    return Ok(Entered::Refused);
                }
                b'E' => {
                    let said = wire::error_fields(hello::body(from_server, length));
                    let message = said.and_then(|fields| fields.fields().find(|(code, _)| *code == b'M'));
                    break message.map_or_else(String::new, |(_, text)| String::from_utf8_lossy(text).into_owned());
                }
                b'v' | b'N' => {
                    client.send(&from_server.bytes()[..length]).await?;
                    from_server.consume(length);
                }
                tag => break format!("a message of type {tag} during the login"),
            }
        };
        tracing::warn!(user = self.user, why = failed, "the proxy could not log in to the server");
        match self.whose {
            // The server does not know the user, or by another password.
            Whose::Client => not_let_in(client, &self.user).await,
            Whose::Proxy => hello::fatal(client, "08006", "the proxy cannot log in to the database server").await,
        }
        Ok(Entered::Refused)
    }
}
