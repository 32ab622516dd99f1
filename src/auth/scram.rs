//! SCRAM-SHA-256 towards a client (RFC 5802, 7677), by pgwire's implementation, and what is learned from it.

use super::Denied;
use super::keys::{ClientKeys, hmac};
use super::messages::{initial_response, kind, offer, request};
use super::verifier::{KEY, Verifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use pgwire::api::auth::sasl::scram::{ScramSecret, ScramServerAuth, ScramServerAuthWaitingForClientFinal};

const PLAIN: &str = "SCRAM-SHA-256";
const BOUND: &str = "SCRAM-SHA-256-PLUS";

/// Stands in for users that do not exist: the same exchange, always the same salt for a name, and no password that fits.
/// Otherwise the first answer would tell who exists.
pub struct Stranger {
    secret: [u8; KEY],
    iterations: u32,
}

impl Stranger {
    /// `secret` is random, and the process's own. `iterations` should be those of the verifiers of users that exist.
    pub fn new(secret: [u8; KEY], iterations: u32) -> Stranger {
        Stranger { secret, iterations }
    }

    fn verifier(&self, user: &str) -> Verifier {
        let derived = |label: &[u8]| hmac(&self.secret, &[label, user.as_bytes()].concat());
        Verifier {
            iterations: self.iterations,
            salt: derived(b"salt")[..16].to_vec(),
            stored_key: derived(b"stored key"),
            server_key: derived(b"server key"),
        }
    }
}

/// One client's proof of its password.
pub struct Exchange {
    server: ScramServerAuth,
    verifier: Verifier,
    stranger: bool,
    mechanisms: &'static [&'static str],
    waiting: Option<Waiting>,
}

struct Waiting {
    last: ScramServerAuthWaitingForClientFinal,
    /// `client-first-message-bare,server-first-message`.
    said: String,
}

/// What is to be sent after a message of the client.
#[derive(Debug)]
pub enum Heard {
    /// The client answers again.
    Continue(BytesMut),
    /// The password is proven. AuthenticationOk comes after this.
    Proven(BytesMut, ClientKeys),
}

impl Exchange {
    /// `verifier` is `None` for a user that does not exist. `certificate` is the proxy's own, as DER, where the client's
    /// connection is encrypted under it: then its channel may be bound.
    pub fn new(verifier: Option<&Verifier>, stranger: &Stranger, user: &str, certificate: Option<&[u8]>) -> Exchange {
        let mut server = ScramServerAuth::new();
        if let Some(certificate) = certificate {
            let text = STANDARD.encode(certificate);
            let text = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
            // One whose signature has no hash of its own (Ed25519) binds nothing: then the mechanism is not offered.
            let _ = server.configure_certificate(text.as_bytes());
        }
        let binds = server.supports_channel_binding();
        Exchange {
            server,
            stranger: verifier.is_none(),
            verifier: verifier.cloned().unwrap_or_else(|| stranger.verifier(user)),
            mechanisms: if binds { &[BOUND, PLAIN] } else { &[PLAIN] },
            waiting: None,
        }
    }

    /// The first message of the exchange.
    pub fn offer(&self, out: &mut BytesMut) {
        offer(self.mechanisms, out);
    }

    /// Hears a message of the client, without its tag and length.
    pub fn hear(&mut self, body: &[u8]) -> Result<Heard, Denied> {
        match self.waiting.take() {
            None => self.first(body),
            Some(waiting) => self.last(&waiting, body),
        }
    }

    fn first(&mut self, body: &[u8]) -> Result<Heard, Denied> {
        let malformed = |what: &str| Denied::Malformed(what.to_owned());
        let (mechanism, data) = initial_response(body).ok_or_else(|| malformed("a broken SASLInitialResponse"))?;
        if !self.mechanisms.contains(&mechanism) {
            return Err(malformed("the client chose a mechanism that was not offered"));
        }
        let text = std::str::from_utf8(data).map_err(|_| malformed("a SCRAM message that is not UTF-8"))?;
        if (mechanism == BOUND) != text.starts_with("p=") {
            return Err(malformed("the client's mechanism and its channel binding do not agree"));
        }
        // The GS2 header ends at the second comma.
        let bare = text.splitn(3, ',').nth(2).ok_or_else(|| malformed("a broken SCRAM message"))?;
        let Verifier { iterations, salt, stored_key, server_key } = &self.verifier;
        let secret = ScramSecret::Verifier {
            salt: salt.clone(),
            iterations: usize::try_from(*iterations).unwrap_or(usize::MAX),
            stored_key: stored_key.to_vec(),
            server_key: server_key.to_vec(),
        };
        let answered = self.server.on_client_first_message_with_secret(data, secret);
        let (answer, last) = answered.map_err(|_| malformed("a broken SCRAM message"))?;
        let mut out = BytesMut::new();
        request(kind::SASL_CONTINUE, answer.as_bytes(), &mut out);
        self.waiting = Some(Waiting { last, said: format!("{bare},{answer}") });
        Ok(Heard::Continue(out))
    }

    fn last(&self, waiting: &Waiting, body: &[u8]) -> Result<Heard, Denied> {
        let answered = waiting.last.on_client_final_message(body);
        let absent = if self.stranger { Denied::NoSuchUser } else { Denied::WrongPassword };
        // What went wrong of a final message is not told apart: a wrong password, a wrong channel, a wrong nonce.
        let answer = answered.map_err(|_| absent.clone())?;
        let text = std::str::from_utf8(body).map_err(|_| absent.clone())?;
        let (unproven, proof) = text.rsplit_once(",p=").ok_or_else(|| absent.clone())?;
        let proof: [u8; KEY] =
            STANDARD.decode(proof).ok().and_then(|proof| proof.try_into().ok()).ok_or_else(|| absent.clone())?;
        if self.stranger {
            return Err(absent);
        }
        let said = format!("{},{unproven}", waiting.said);
        let keys = ClientKeys::of_proof(&self.verifier, &proof, said.as_bytes()).ok_or(absent)?;
        let mut out = BytesMut::new();
        request(kind::SASL_FINAL, answer.as_bytes(), &mut out);
        Ok(Heard::Proven(out, keys))
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages::read_request;
    use super::super::upstream::{Answer, Bound, Channel, Credential, Secret, UpstreamLogin};
    use super::*;
    use sha2::{Digest, Sha256};

    /// Made by Postgres, of the password `pencil`.
    const VERIFIER: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    fn stranger() -> Stranger {
        Stranger::new([7; KEY], 4096)
    }

    fn verifier() -> Verifier {
        VERIFIER.parse().expect("a verifier")
    }

    fn password(text: &str) -> Credential {
        Credential::Password(Secret(text.as_bytes().into()))
    }

    /// A message without its tag and length.
    fn body(message: &[u8]) -> &[u8] {
        &message[5..]
    }

    /// A client with a credential logs in to an exchange; every message that passed, and how it ended.
    fn play(exchange: &mut Exchange, credential: Credential) -> (Vec<BytesMut>, Result<ClientKeys, Denied>) {
        let mut client = UpstreamLogin::new("ada", credential, Channel::Other, Bound::No, [1; 18]);
        let mut request = BytesMut::new();
        exchange.offer(&mut request);
        let mut said = vec![request];
        loop {
            let answer = client.answer(body(&said[said.len() - 1])).expect("an answer");
            let Answer::Send(answer) = answer else { panic!("{answer:?} in the middle") };
            said.push(answer);
            match exchange.hear(body(&said[said.len() - 1])) {
                Ok(Heard::Continue(request)) => said.push(request),
                Ok(Heard::Proven(last, keys)) => {
                    assert_eq!(client.answer(body(&last)), Ok(Answer::Wait), "the client believes it");
                    return (said, Ok(keys));
                }
                Err(denied) => return (said, Err(denied)),
            }
        }
    }

    #[test]
    fn a_password_is_proven_and_its_keys_open_the_same_verifier() {
        let verifier = verifier();
        let mut exchange = Exchange::new(Some(&verifier), &stranger(), "ada", None);
        let keys = play(&mut exchange, password("pencil")).1.expect("let in");
        assert!(!format!("{keys:?}").contains("client_key"), "keys are not shown");
        let mut server = Exchange::new(Some(&verifier), &stranger(), "ada", None);
        play(&mut server, Credential::Keys(keys.clone())).1.expect("let in by keys");
        // The same password under another salt is another verifier.
        let other = Verifier { salt: vec![1; 16], ..verifier };
        let mut server = Exchange::new(Some(&other), &stranger(), "ada", None);
        let mut offer = BytesMut::new();
        server.offer(&mut offer);
        let mut client = UpstreamLogin::new("ada", Credential::Keys(keys), Channel::Other, Bound::No, [1; 18]);
        let Ok(Answer::Send(first)) = client.answer(body(&offer)) else { panic!("no answer") };
        let Ok(Heard::Continue(request)) = server.hear(body(&first)) else { panic!("no challenge") };
        let error = client.answer(body(&request)).expect_err("another verifier");
        assert!(error.contains("another verifier"), "{error}");
    }

    #[test]
    fn a_stranger_hears_what_a_user_with_a_wrong_password_hears() {
        let verifier = verifier();
        let shape = |said: &[BytesMut]| said.iter().map(|message| (message[0], message.len())).collect::<Vec<_>>();
        let mut known = Exchange::new(Some(&verifier), &stranger(), "ada", None);
        let mut unknown = Exchange::new(None, &stranger(), "ada", None);
        let (known, wrong) = play(&mut known, password("pen"));
        let (unknown, nobody) = play(&mut unknown, password("pencil"));
        assert_eq!((wrong.err(), nobody.err()), (Some(Denied::WrongPassword), Some(Denied::NoSuchUser)));
        assert_eq!(shape(&known), shape(&unknown));
        let salt = |said: &[BytesMut]| {
            let text = String::from_utf8_lossy(read_request(body(&said[2])).expect("a request").1).into_owned();
            text.split(',').find_map(|part| part.strip_prefix("s=").map(str::to_owned)).expect("a salt")
        };
        let mut again = Exchange::new(None, &stranger(), "ada", None);
        assert_eq!(salt(&unknown), salt(&play(&mut again, password("x")).0), "the same salt every time");
        let mut other = Exchange::new(None, &stranger(), "bob", None);
        assert_ne!(salt(&unknown), salt(&play(&mut other, password("x")).0), "another for another name");
    }

    #[test]
    fn broken_messages_are_denied() {
        let verifier = verifier();
        let first = |text: &str| [b"SCRAM-SHA-256\0", &(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat();
        for message in [
            Vec::new(),
            b"SCRAM-SHA-256".to_vec(),
            b"SCRAM-SHA-256\0\0\0\0\x08n,,n=,r=x".to_vec(),
            b"SCRAM-SHA-256\0\xff\xff\xff\xff".to_vec(),
            b"SCRAM-SHA-1\0\0\0\0\x09n,,n=,r=x".to_vec(),
            b"SCRAM-SHA-256-PLUS\0\0\0\0\x09n,,n=,r=x".to_vec(),
            first(""),
            first("n,,"),
            first("n"),
            first("p=tls-unique,,n=,r=x"),
            first("x,,n=,r=x"),
            [&first("n,,n=,r=")[..], &[0xff, 0xfe]].concat(),
        ] {
            let mut exchange = Exchange::new(Some(&verifier), &stranger(), "ada", None);
            let denied = exchange.hear(&message).expect_err("denied");
            assert!(matches!(denied, Denied::Malformed(_)), "{message:?}: {denied:?}");
        }
        for message in ["", "c=biws", "c=biws,r=x,p=", "p=", "c=biws,r=x,p=AAAA", "c=eSws,r=x,p=AAAA", ",p=,p=,p="] {
            let mut exchange = Exchange::new(Some(&verifier), &stranger(), "ada", None);
            exchange.hear(&first("n,,n=,r=abc")).expect("a challenge");
            assert_eq!(exchange.hear(message.as_bytes()).expect_err("denied"), Denied::WrongPassword, "{message}");
        }
    }

    #[test]
    fn a_proof_is_for_one_nonce() {
        let verifier = verifier();
        let mut exchange = Exchange::new(Some(&verifier), &stranger(), "ada", None);
        let (said, proven) = play(&mut exchange, password("pencil"));
        proven.expect("let in");
        let mut again = Exchange::new(Some(&verifier), &stranger(), "ada", None);
        again.hear(body(&said[1])).expect("a challenge");
        assert_eq!(again.hear(body(&said[3])).expect_err("denied"), Denied::WrongPassword);
    }

    #[test]
    fn a_server_must_show_that_it_knows_the_password() {
        let sasl = [&10_u32.to_be_bytes()[..], b"SCRAM-SHA-256\0\0"].concat();
        for credential in [password("pencil"), Credential::Nothing] {
            let mut client = UpstreamLogin::new("ada", credential, Channel::Verified, Bound::No, [1; 18]);
            if client.answer(&sasl).is_ok() {
                let error = client.answer(&0_u32.to_be_bytes()).expect_err("too early");
                assert!(error.contains("without showing"), "{error}");
            }
        }
        let mut open = UpstreamLogin::new("ada", password("pencil"), Channel::Other, Bound::No, [1; 18]);
        assert!(open.answer(&3_u32.to_be_bytes()).expect_err("in clear text").contains("nothing vouches"));
        let mut private = UpstreamLogin::new("ada", password("pencil"), Channel::Verified, Bound::No, [1; 18]);
        assert_eq!(private.answer(&3_u32.to_be_bytes()), Ok(Answer::Send(BytesMut::from(&b"p\0\0\0\x0bpencil\0"[..]))));
        let md5 = [&5_u32.to_be_bytes()[..], &[1, 2, 3, 4]].concat();
        assert!(matches!(private.answer(&md5), Ok(Answer::Send(hash)) if hash.starts_with(b"p\0\0\0\x28md5")));
        for broken in
            [&[][..], &[0, 0], &7_u32.to_be_bytes(), &5_u32.to_be_bytes(), &11_u32.to_be_bytes(), &12_u32.to_be_bytes()]
        {
            assert!(private.answer(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn the_digest_of_a_verifier_is_that_of_its_key() {
        // StoredKey = H(ClientKey): what a proof reveals is checked against it.
        let stored: [u8; KEY] = Sha256::digest([0; KEY]).into();
        let verifier = Verifier { stored_key: stored, ..verifier() };
        let proof = super::super::keys::hmac(&stored, b"said");
        assert!(ClientKeys::of_proof(&verifier, &proof, b"said").is_some());
        assert!(ClientKeys::of_proof(&verifier, &proof, b"other").is_none());
    }

    #[test]
    fn what_a_login_is_bound_to() {
        let hash = || vec![9; 32];
        let both: &[u8] = b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";
        let plain: &[u8] = b"SCRAM-SHA-256\0\0";
        for (bound, offered, expected) in [
            (Bound::No, both, Some("SCRAM-SHA-256 n,,")),
            (Bound::No, plain, Some("SCRAM-SHA-256 n,,")),
            (Bound::IfOffered(hash()), both, Some("SCRAM-SHA-256-PLUS p=tls-server-end-point,,")),
            // Someone may have struck it out.
            (Bound::IfOffered(hash()), plain, Some("SCRAM-SHA-256 y,,")),
            (Bound::Always(hash()), both, Some("SCRAM-SHA-256-PLUS p=tls-server-end-point,,")),
            (Bound::Always(hash()), plain, None),
        ] {
            let mut login = UpstreamLogin::new("ada", password("pencil"), Channel::Verified, bound.clone(), [1; 18]);
            let said = login.answer(&[&10_u32.to_be_bytes()[..], offered].concat()).ok().map(|answer| match answer {
                Answer::Send(message) => {
                    let text = String::from_utf8_lossy(&message[5..]).into_owned();
                    let (mechanism, rest) = text.split_once('\0').expect("a mechanism");
                    format!("{mechanism} {}", &rest[4..rest.find("n=").expect("a name")])
                }
                Answer::Wait | Answer::LoggedIn => panic!("an answer"),
            });
            assert_eq!(said.as_deref(), expected, "{bound:?}");
        }
        // Nothing else will do where it is required.
        for kind in [0_u32, 3, 5] {
            let mut login =
                UpstreamLogin::new("ada", password("pencil"), Channel::Verified, Bound::Always(hash()), [1; 18]);
            assert!(login.answer(&[&kind.to_be_bytes()[..], &[1; 4]].concat()).is_err(), "{kind}");
        }
    }
}
