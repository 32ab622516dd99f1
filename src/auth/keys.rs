//! The keys of a client that has proven its password, and a login with them to a server that has the same verifier.
//!
//! From a proof and the verifier follows the ClientKey (RFC 5802, section 3), which is what SCRAM asks for; the password
//! itself stays unknown. So the client's own role can be opened on the server without any password in a file.

use super::verifier::{KEY, Verifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;

/// What opens a role on a server whose verifier is the one that the client was checked against.
#[derive(Clone)]
pub struct ClientKeys {
    client_key: [u8; KEY],
    verifier: Verifier,
}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKeys").finish_non_exhaustive()
    }
}

pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; KEY] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn xor(one: &[u8; KEY], other: &[u8; KEY]) -> [u8; KEY] {
    std::array::from_fn(|index| one[index] ^ other[index])
}

impl ClientKeys {
    /// The key behind a proof over `said`, the AuthMessage; `None` where the proof is wrong.
    pub(super) fn of_proof(verifier: &Verifier, proof: &[u8; KEY], said: &[u8]) -> Option<ClientKeys> {
        let client_key = xor(proof, &hmac(&verifier.stored_key, said));
        let stored: [u8; KEY] = Sha256::digest(client_key).into();
        (stored == verifier.stored_key).then(|| ClientKeys { client_key, verifier: verifier.clone() })
    }
}

/// A SCRAM login with keys instead of a password.
pub(super) struct KeyLogin {
    keys: ClientKeys,
    /// The GS2 header, and with it what the channel is bound to.
    header: String,
    bound_to: Vec<u8>,
    first_bare: String,
    nonce: String,
    /// The signature that the server owes.
    owed: Option<String>,
}

impl KeyLogin {
    /// `header` says what `certificate_hash` is (RFC 5802, section 6): `p=…` where there is one.
    pub(super) fn new(keys: ClientKeys, header: &str, certificate_hash: Option<&[u8]>, random: [u8; 18]) -> KeyLogin {
        let nonce = STANDARD.encode(random);
        KeyLogin {
            keys,
            header: header.to_owned(),
            bound_to: certificate_hash.unwrap_or_default().to_vec(),
            // The user's name stands in the start-up message.
            first_bare: format!("n=,r={nonce}"),
            nonce,
            owed: None,
        }
    }

    /// The client-first-message.
    pub(super) fn first(&self) -> String {
        format!("{}{}", self.header, self.first_bare)
    }

    /// The client-final-message for what the server said first.
    pub(super) fn last(&mut self, server_first: &str) -> Result<String, String> {
        let broken = || "the server's SCRAM message is broken".to_owned();
        let mut parts = server_first.split(',');
        let mut value = |name: &str| parts.next().and_then(|part| part.strip_prefix(name)).ok_or_else(broken);
        let (nonce, salt, iterations) = (value("r=")?, value("s=")?, value("i=")?);
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(broken());
        }
        let Verifier { iterations: known, salt: own, stored_key, server_key } = &self.keys.verifier;
        if STANDARD.decode(salt).ok().as_ref() != Some(own) || iterations.parse() != Ok(*known) {
            return Err(
                "the server has another verifier of this role than the proxy: the password was set anew on one of \
                        them only"
                    .to_owned(),
            );
        }
        let binding = STANDARD.encode([self.header.as_bytes(), &self.bound_to].concat());
        let unproven = format!("c={binding},r={nonce}");
        let said = format!("{},{server_first},{unproven}", self.first_bare);
        let proof = xor(&self.keys.client_key, &hmac(stored_key, said.as_bytes()));
        self.owed = Some(STANDARD.encode(hmac(server_key, said.as_bytes())));
        Ok(format!("{unproven},p={}", STANDARD.encode(proof)))
    }

    /// Whether the server has shown that it knows the verifier, too.
    pub(super) fn is_answered(&self, server_final: &str) -> bool {
        let signature = server_final.strip_prefix("v=").and_then(|rest| rest.split(',').next());
        self.owed.is_some() && signature == self.owed.as_deref()
    }
}
