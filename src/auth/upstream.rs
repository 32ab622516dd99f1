//! The proxy's login to the server, with what it has: a client's keys, or a password of its own.

use super::keys::{ClientKeys, KeyLogin};
use super::messages::{kind, read_request, response};
use bytes::BytesMut;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256};

/// What a login shows.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Those of the client that has just proven its password.
    Keys(ClientKeys),
    Password(Secret),
    /// Nothing: the server trusts the proxy, or knows it by its certificate.
    Nothing,
}

/// A password that is never shown.
#[derive(Clone)]
pub struct Secret(pub Box<[u8]>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// How the connection to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// It never leaves the machine, or ends at a server that a certificate vouches for: a password may be sent as it is.
    Verified,
    Other,
}

/// What a login is bound to: the hash of the server's certificate (RFC 5929, tls-server-end-point).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// To nothing.
    No,
    /// To this, where the server offers it.
    IfOffered(Vec<u8>),
    /// To this, or the login fails.
    Always(Vec<u8>),
}

/// A login under way.
pub struct UpstreamLogin {
    user: String,
    credential: Credential,
    channel: Channel,
    bound: Bound,
    random: [u8; 18],
    scram: Option<Scram>,
    /// Whether the server has shown that it knows the password, where it asked for SCRAM.
    shown: bool,
}

enum Scram {
    Keys(Box<KeyLogin>),
    Password(Box<ScramSha256>),
}

/// What a request of the server asks of the proxy.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Send(BytesMut),
    /// The server goes on by itself.
    Wait,
    LoggedIn,
}

impl UpstreamLogin {
    /// `random` is for a nonce.
    pub fn new(user: &str, credential: Credential, channel: Channel, bound: Bound, random: [u8; 18]) -> UpstreamLogin {
        UpstreamLogin { user: user.to_owned(), credential, channel, bound, random, scram: None, shown: true }
    }

    /// Answers an authentication request, given without its tag and length. Errors are for the proxy's log.
    pub fn answer(&mut self, body: &[u8]) -> Result<Answer, String> {
        let (kind, rest) = read_request(body).ok_or("the server's authentication request is broken")?;
        let mut out = BytesMut::new();
        let is_scram = matches!(kind, kind::SASL | kind::SASL_CONTINUE | kind::SASL_FINAL);
        if matches!(self.bound, Bound::Always(_)) && !is_scram && self.scram.is_none() {
            return Err(UNBOUND.to_owned());
        }
        if self.scram.is_some() && !matches!(kind, kind::SASL_CONTINUE | kind::SASL_FINAL | kind::OK) {
            // Whoever stands between might ask for the password itself once it has seen the binding begin.
            return Err(format!("the server asks for authentication of kind {kind} in the middle of SCRAM"));
        }
        match kind {
            kind::OK if self.shown => return Ok(Answer::LoggedIn),
            kind::OK => return Err("the server ended SCRAM without showing that it knows the password".to_owned()),
            kind::CLEARTEXT => match (&self.credential, self.channel) {
                (Credential::Password(Secret(password)), Channel::Verified) => response(&[password, &[0]], &mut out),
                (Credential::Password(_), Channel::Other) => {
                    return Err("the server asks for the password in clear text, and nothing vouches for it".to_owned());
                }
                (Credential::Keys(_) | Credential::Nothing, _) => return Err(self.lacking("a password in clear text")),
            },
            kind::MD5 => {
                let Credential::Password(Secret(password)) = &self.credential else {
                    return Err(self.lacking("an md5 password"));
                };
                if self.channel == Channel::Other {
                    return Err("the server asks for an md5 password, and nothing vouches for it".to_owned());
                }
                let salt = rest.first_chunk::<4>().ok_or("the server's authentication request is broken")?;
                let hash = md5_hash(self.user.as_bytes(), password, *salt);
                response(&[hash.as_bytes(), &[0]], &mut out);
            }
            kind::SASL => self.begin(rest, &mut out)?,
            kind::SASL_CONTINUE => {
                let text = match self.scram.as_mut().ok_or("SCRAM goes on that was not begun")? {
                    Scram::Keys(login) => login.last(utf8(rest)?)?.into_bytes(),
                    Scram::Password(login) => {
                        login.update(rest).map_err(|error| error.to_string())?;
                        login.message().to_vec()
                    }
                };
                response(&[&text], &mut out);
            }
            kind::SASL_FINAL => {
                match self.scram.as_mut().ok_or("SCRAM ends that was not begun")? {
                    Scram::Keys(login) if login.is_answered(utf8(rest)?) => {}
                    Scram::Keys(_) => return Err("the server does not know the password".to_owned()),
                    Scram::Password(login) => login.finish(rest).map_err(|error| error.to_string())?,
                }
                self.shown = true;
                return Ok(Answer::Wait);
            }
            other => return Err(format!("the server asks for authentication of kind {other}, which is not supported")),
        }
        Ok(Answer::Send(out))
    }

    fn begin(&mut self, offered: &[u8], out: &mut BytesMut) -> Result<(), String> {
        let offers = |name: &str| offered.split(|byte| *byte == 0).any(|offer| offer == name.as_bytes());
        let (hash, header) = match (&self.bound, offers(SCRAM_SHA_256_PLUS)) {
            (Bound::IfOffered(hash) | Bound::Always(hash), true) => (Some(hash.clone()), "p=tls-server-end-point,,"),
            (Bound::Always(_), false) => return Err(UNBOUND.to_owned()),
            // A server that did offer it learns that someone has struck it out on the way.
            (Bound::IfOffered(_), false) => (None, "y,,"),
            (Bound::No, _) => (None, "n,,"),
        };
        if hash.is_none() && !offers(SCRAM_SHA_256) {
            return Err("the server offers no mechanism that the proxy knows".to_owned());
        }
        let mechanism = if hash.is_some() { SCRAM_SHA_256_PLUS } else { SCRAM_SHA_256 };
        let (scram, first) = match &self.credential {
            Credential::Keys(keys) => {
                let login = KeyLogin::new(keys.clone(), header, hash.as_deref(), self.random);
                let first = login.first().into_bytes();
                (Scram::Keys(Box::new(login)), first)
            }
            Credential::Password(Secret(password)) => {
                let binding = match (hash, &self.bound) {
                    (Some(hash), _) => ChannelBinding::tls_server_end_point(hash),
                    (None, Bound::No) => ChannelBinding::unsupported(),
                    (None, Bound::IfOffered(_) | Bound::Always(_)) => ChannelBinding::unrequested(),
                };
                let login = ScramSha256::new(password, binding);
                let first = login.message().to_vec();
                (Scram::Password(Box::new(login)), first)
            }
            Credential::Nothing => return Err(self.lacking("a password")),
        };
        let length = (first.len() as u32).to_be_bytes();
        response(&[mechanism.as_bytes(), &[0], &length, &first], out);
        (self.scram, self.shown) = (Some(scram), false);
        Ok(())
    }

    fn lacking(&self, asked: &str) -> String {
        format!("the server asks for {asked} of \"{}\", which the proxy does not have", self.user)
    }
}

const UNBOUND: &str = "channel binding is required, and the server does not offer it";

fn utf8(text: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(text).map_err(|_| "the server's SCRAM message is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Answer, Bound, Channel, Credential, Secret, UpstreamLogin};

    /// Whoever stands between could ask for the password once it has seen the binding begin.
    #[test]
    fn once_scram_has_begun_nothing_else_is_answered() {
        let request = |kind: u8, rest: &[u8]| [&[0, 0, 0, kind], rest].concat();
        for (bound, offered) in [
            (Bound::Always(vec![1; 32]), &b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"[..]),
            (Bound::IfOffered(vec![1; 32]), b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"),
            (Bound::No, b"SCRAM-SHA-256\0\0"),
        ] {
            for (kind, rest) in [(3, &b""[..]), (5, b"salt"), (10, offered), (7, b"")] {
                let secret = Credential::Password(Secret(b"secret".as_slice().into()));
                let mut login = UpstreamLogin::new("app", secret, Channel::Verified, bound.clone(), [7; 18]);
                assert!(matches!(login.answer(&request(10, offered)), Ok(Answer::Send(_))), "{bound:?}");
                let error = login.answer(&request(kind, rest)).expect_err("an answer in the middle of SCRAM");
                assert_eq!(error, format!("the server asks for authentication of kind {kind} in the middle of SCRAM"));
            }
        }
    }
}
