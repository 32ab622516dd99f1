//! JSON Web Tokens in place of passwords: signed by an issuer whose public keys the proxy has in a file (RFC 7517, 7519).

use super::Denied;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The longest token; its issuer's are a fraction of it.
const LONGEST: usize = 16 << 10;

/// By how many seconds clocks may differ.
pub const LEEWAY: u64 = 30;

/// Signatures by keys that only the issuer has. Those with a shared secret are not among them.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Which tokens are believed.
#[derive(Debug, Clone)]
pub struct Tokens {
    keys: JwkSet,
    issuer: String,
    audience: String,
}

/// Why tokens cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error("{}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: {why}", path.display())]
    NoKeys { path: PathBuf, why: String },
}

/// A claim that would have to be one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotOneValue;

/// What a token says of its bearer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Tokens {
    /// Reads the issuer's keys, a JSON Web Key Set.
    pub fn read(path: &Path, issuer: &str, audience: &str) -> Result<Tokens, TokensError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TokensError::Unreadable { path: path.to_owned(), source })?;
        let no_keys = |why: String| TokensError::NoKeys { path: path.to_owned(), why };
        let keys: JwkSet = serde_json::from_str(&text).map_err(|error| no_keys(error.to_string()))?;
        if keys.keys.is_empty() {
            return Err(no_keys("the set of keys is empty".to_owned()));
        }
        Ok(Tokens { keys, issuer: issuer.to_owned(), audience: audience.to_owned() })
    }

    /// What a token says, if its signature, issuer, audience and time are right.
    pub fn check(&self, token: &str) -> Result<Claims, Denied> {
        let denied = |why: &str| Denied::Token(why.to_owned());
        if token.len() > LONGEST {
            return Err(denied("the token is too long"));
        }
        let header = decode_header(token).map_err(|error| Denied::Token(error.to_string()))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(denied("the token is signed by an algorithm that is not permitted"));
        }
        if header.crit.is_some() {
            // It says that whoever does not know some extension must not take it (RFC 7515, section 4.1.11).
            return Err(denied("the token has critical extensions"));
        }
        let key = self.key(header.kid.as_deref()).ok_or_else(|| denied("the token is signed by an unknown key"))?;
        let own = key.common.key_algorithm.map(|algorithm| algorithm.to_string());
        if own.is_some_and(|own| own != format!("{:?}", header.alg)) {
            return Err(denied("the token is signed by another algorithm than its key is for"));
        }
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        let key = DecodingKey::from_jwk(key).map_err(|error| Denied::Token(error.to_string()))?;
        let checked = decode::<Map<String, Value>>(token, &key, &validation);
        checked.map(|token| Claims(token.claims)).map_err(|error| Denied::Token(error.to_string()))
    }

    /// Who signs them.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The key by its name. A token without one is by the only key there is.
    fn key(&self, name: Option<&str>) -> Option<&Jwk> {
        match name {
            Some(name) => self.keys.find(name),
            None => match self.keys.keys.as_slice() {
                [only] => Some(only),
                _many => None,
            },
        }
    }
}

impl Claims {
    /// A claim's texts: one, or each of a list. What is no text is not among them.
    pub fn texts(&self, claim: &str) -> Vec<&str> {
        match self.0.get(claim) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
        }
    }

    /// When it ends to be true, in seconds since 1970; there is always a time.
    pub fn expires(&self) -> Option<u64> {
        let at = self.0.get("exp")?;
        at.as_u64().or_else(|| at.as_f64().filter(|at| *at >= 0.0).map(|at| at as u64))
    }

    /// A claim that is one text, whole number or truth value, as text; an error where it is a list, an object or another number.
    pub fn value(&self, claim: &str) -> Result<Option<String>, NotOneValue> {
        match self.0.get(claim) {
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Bool(value)) => Ok(Some(value.to_string())),
            // What is no whole number of 64 bits was rounded when it was read: two of them might be one.
            Some(Value::Number(number)) if !number.is_f64() => Ok(Some(number.to_string())),
            Some(Value::Number(_) | Value::Array(_) | Value::Object(_)) => Err(NotOneValue),
            Some(Value::Null) | None => Ok(None),
        }
    }
}
