//! What Postgres keeps of a password (`pg_authid.rolpassword`): enough to check it, not to use it anywhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

/// Bytes of a SHA-256.
pub(super) const KEY: usize = 32;

/// `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, as RFC 5803 and Postgres write it.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    pub iterations: u32,
    pub salt: Vec<u8>,
    pub stored_key: [u8; KEY],
    pub server_key: [u8; KEY],
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// Why a text is no verifier. Nothing of the text is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    #[error("an md5 password cannot be used; set it again with password_encryption = 'scram-sha-256'")]
    Md5,
    #[error("this is no SCRAM-SHA-256 verifier; passwords in clear text are not kept")]
    Other,
    #[error("the SCRAM-SHA-256 verifier is broken")]
    Broken,
}

impl FromStr for Verifier {
    type Err = VerifierError;

    fn from_str(text: &str) -> Result<Verifier, VerifierError> {
        let Some(rest) = text.strip_prefix("SCRAM-SHA-256$") else {
            let md5 = text.strip_prefix("md5").is_some_and(|hash| hash.len() == 32);
            return Err(if md5 { VerifierError::Md5 } else { VerifierError::Other });
        };
        read(rest).ok_or(VerifierError::Broken)
    }
}

fn read(rest: &str) -> Option<Verifier> {
    let (head, keys) = rest.split_once('$')?;
    let (iterations, salt) = head.split_once(':')?;
    let (stored, server) = keys.split_once(':')?;
    let key = |text: &str| STANDARD.decode(text).ok()?.try_into().ok();
    let iterations = iterations.parse().ok().filter(|iterations| *iterations > 0)?;
    let salt = STANDARD.decode(salt).ok().filter(|salt| !salt.is_empty())?;
    Some(Verifier { iterations, salt, stored_key: key(stored)?, server_key: key(server)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the password `pencil` (RFC 7677, section 3).
    const PENCIL: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    #[test]
    fn verifiers_are_read_as_postgres_writes_them() {
        let verifier: Verifier = PENCIL.parse().expect("a verifier");
        assert_eq!((verifier.iterations, verifier.salt.len()), (4096, 16));
        assert!(!format!("{verifier:?}").contains("89"), "keys are not shown");
        for (text, error) in [
            ("md5c3fcd3d76192e4007dfb496cca67e13b", VerifierError::Md5),
            ("pencil", VerifierError::Other),
            ("", VerifierError::Other),
            ("SCRAM-SHA-256$", VerifierError::Broken),
            (
                "SCRAM-SHA-256$0:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
                VerifierError::Broken,
            ),
            (
                "SCRAM-SHA-256$4096:$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
                VerifierError::Broken,
            ),
            (
                "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
                VerifierError::Broken,
            ),
            (&PENCIL[..PENCIL.len() - 1], VerifierError::Broken),
        ] {
            assert_eq!(text.parse::<Verifier>().expect_err(text), error);
        }
    }
}
