//! The key that signs checkpoints: ed25519, in PKCS#8 as PEM.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use std::path::Path;

/// What stands before the 32 bytes of an ed25519 key in its SubjectPublicKeyInfo (RFC 8410, section 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{path}: {why}")]
    Unusable { path: String, why: String },
    #[error("no key could be made")]
    NotMade,
}

fn unusable(path: &Path, why: impl ToString) -> KeyError {
    KeyError::Unusable { path: path.display().to_string(), why: why.to_string() }
}

/// Signs.
#[derive(Debug)]
pub struct Signer {
    pair: Ed25519KeyPair,
    id: String,
}

impl Signer {
    /// Reads a private key.
    pub fn load(path: &Path) -> Result<Signer, KeyError> {
        let der = PrivateKeyDer::from_pem_file(path).map_err(|error| unusable(path, error))?;
        let wrong = "an ed25519 key in PKCS#8 was expected (`wherefore audit keygen` makes one)";
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_der()).map_err(|_| unusable(path, wrong))?;
        let id = id(pair.public_key().as_ref());
        Ok(Signer { pair, id })
    }

    /// The name of the key in checkpoints.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn sign(&self, message: &[u8]) -> String {
        hex(self.pair.sign(message).as_ref())
    }
}

/// A new key: the private one and the public one, as PEM.
pub fn generate() -> Result<(String, String), KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::NotMade)?;
    let private = pair.to_pkcs8v1().map_err(|_| KeyError::NotMade)?;
    let public = [&SPKI[..], pair.public_key().as_ref()].concat();
    Ok((pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", &public)))
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Checks signatures.
#[derive(Debug)]
pub struct Verifier {
    key: Vec<u8>,
    id: String,
}

impl Verifier {
    /// Reads a public key.
    pub fn load(path: &Path) -> Result<Verifier, KeyError> {
        let der = SubjectPublicKeyInfoDer::from_pem_file(path).map_err(|error| unusable(path, error))?;
        let key = der.strip_prefix(&SPKI).filter(|key| key.len() == 32);
        let key = key.ok_or_else(|| unusable(path, "an ed25519 public key was expected"))?.to_vec();
        Ok(Verifier { id: id(&key), key })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether a signature, in hexadecimal, is one of this message by this key.
    pub fn holds(&self, message: &[u8], signature: &str) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.key);
        unhex(signature).is_some_and(|signature| key.verify(message, &signature).is_ok())
    }
}

fn id(public: &[u8]) -> String {
    hex(&digest(&SHA256, public).as_ref()[..8])
}

/// Bytes as lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
