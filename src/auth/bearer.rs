//! OAUTHBEARER (RFC 7628), by which clients of PostgreSQL 18 hand over a token.

use super::messages::{initial_response, kind, offer as offer_mechanisms, request};
use bytes::BytesMut;

const MECHANISM: &str = "OAUTHBEARER";

/// Offers the mechanism.
pub fn offer(out: &mut BytesMut) {
    offer_mechanisms(&[MECHANISM], out);
}

/// The token in a SASLInitialResponse's body: `n,,\x01auth=Bearer …\x01\x01`.
pub fn token(body: &[u8]) -> Option<&str> {
    let (mechanism, data) = initial_response(body)?;
    let text = std::str::from_utf8(data).ok().filter(|_| mechanism == MECHANISM)?;
    let rest = text.strip_prefix("n,,\x01").or_else(|| text.strip_prefix("y,,\x01"))?;
    let auth = rest.strip_suffix("\x01\x01")?.split('\x01').find_map(|pair| pair.strip_prefix("auth="))?;
    let (scheme, token) = auth.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

/// Says that a token is not taken, and where others are to be had.
pub fn failure(issuer: &str, out: &mut BytesMut) {
    let configuration = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let said = serde_json::json!({ "status": "invalid_token", "openid-configuration": configuration, "scope": "" });
    request(kind::SASL_CONTINUE, said.to_string().as_bytes(), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_where_clients_put_it() {
        for (mechanism, text, expected) in [
            ("OAUTHBEARER", "n,,\x01auth=Bearer abc\x01\x01", Some("abc")),
            ("OAUTHBEARER", "y,,\x01host=h\x01auth=bearer  abc\x01\x01", Some("abc")),
            ("OAUTHBEARER", "n,,\x01auth=\x01\x01", None),
            ("OAUTHBEARER", "n,,\x01auth=Basic abc\x01\x01", None),
            ("OAUTHBEARER", "n,,\x01auth=Bearer abc\x01", None),
            ("OAUTHBEARER", "p=x,,\x01auth=Bearer abc\x01\x01", None),
            ("OAUTHBEARER", "", None),
            ("SCRAM-SHA-256", "n,,\x01auth=Bearer abc\x01\x01", None),
        ] {
            let length = (text.len() as u32).to_be_bytes();
            let body = [mechanism.as_bytes(), &[0], &length, text.as_bytes()].concat();
            assert_eq!(token(&body), expected, "{mechanism} {text:?}");
        }
    }
}
