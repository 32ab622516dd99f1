//! Authentication at the proxy: who gets in by SCRAM or by a token, and as whom the server sees them.

use super::{POLICY, Proxy, check, path, psql, tls, world};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const WHO: &str = "SELECT session_user, current_setting('wherefore.purpose', true)";
const QUERY: &str = "query = \"SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1\"";

/// The verifier that the server has of `app`, whose password is `secret`.
fn verifier() -> String {
    world()
        .cluster
        .psql("shop", "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")
        .expect("a verifier")
        .trim()
        .to_owned()
}

/// A folder with a file of users, a password and an issuer's keys, and the config's part that names them.
pub(super) struct Files(TempDir);

impl Files {
    pub(super) fn new() -> Files {
        let files = Files(tempfile::tempdir().expect("a folder"));
        let verifier = verifier();
        files.write("users", &format!("\"app\" \"{verifier}\"\n\"ghost\" \"{verifier}\"\n"));
        files.write("password", "secret\n");
        files.write("wrong", "guess\n");
        files
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
    }

    pub(super) fn at(&self, name: &str) -> String {
        path(&self.0.path().join(name))
    }
}

/// Plays a case: who comes with which password, and what comes of it.
fn comes(proxy: &Proxy, user: &str, password: &str, more: &[(&str, &str)], expected: &str, case: &str) {
    let environment =
        [&[("PGUSER", user), ("PGPASSWORD", password), ("PGOPTIONS", "-c wherefore.purpose=service")], more];
    check(psql(proxy, &environment.concat(), WHO), expected, &format!("{case}: {user} {password} {more:?}"));
}

const WRONG: &str = "!password authentication failed for user";

#[test]
fn users_of_a_file_and_of_the_server() {
    let files = Files::new();
    let file = format!("users_file = \"{}\"", files.at("users"));
    for (case, source) in [("file", file.clone()), ("query", QUERY.to_owned()), ("both", format!("{file}\n{QUERY}"))] {
        let proxy = Proxy::start(&world().cluster, POLICY, &format!("[auth]\nmethod = \"scram\"\n{source}\n"));
        comes(&proxy, "app", "secret", &[], "app|service", case);
        comes(&proxy, "app", "guess", &[], WRONG, case);
        comes(&proxy, "app", "", &[], "!", case);
        comes(&proxy, "nobody", "secret", &[], WRONG, case);
        // It has no password; the server would trust it.
        comes(&proxy, "bare", "secret", &[], WRONG, case);
        // The server does not know it.
        let expected = if case == "query" { WRONG } else { "!password authentication failed for user \"ghost\"" };
        comes(&proxy, "ghost", "secret", &[], expected, case);
    }
}

#[test]
fn a_channel_is_bound_to_the_proxys_certificate() {
    let files = Files::new();
    let auth = format!("[auth]\nmethod = \"scram\"\nusers_file = \"{}\"\n", files.at("users"));
    let proxy =
        Proxy::behind(world().cluster.port, POLICY, "sslmode = \"require\"", &format!("{}{auth}", tls("allow", "")));
    for (sslmode, binding, expected) in [
        ("disable", "prefer", "app|service"),
        ("disable", "require", "!channel binding"),
        ("verify-full", "prefer", "app|service"),
        ("verify-full", "require", "app|service"),
        ("verify-full", "disable", "app|service"),
    ] {
        let environment = [("PGSSLMODE", sslmode), ("PGCHANNELBINDING", binding)];
        comes(&proxy, "app", "secret", &environment, expected, "binding");
        comes(&proxy, "app", "guess", &environment, "!", "binding");
    }
}

#[test]
fn the_proxys_own_logins_are_bound_to_the_servers_certificate() {
    let files = Files::new();
    let users = format!("users_file = \"{}\"", files.at("users"));
    let service = format!("[auth.service]\nuser = \"app\"\npassword_file = \"{}\"\n", files.at("password"));
    for binding in ["disable", "prefer", "require"] {
        for (case, more) in [("the client's keys", ""), ("a service role", &*service)] {
            let upstream = format!("sslmode = \"require\"\nchannel_binding = \"{binding}\"");
            let auth = format!("[auth]\nmethod = \"scram\"\n{users}\n{more}");
            let proxy = Proxy::behind(world().cluster.port, POLICY, &upstream, &auth);
            comes(&proxy, "app", "secret", &[], "app|service", &format!("{binding} {case}"));
        }
    }
    // A server that trusts, and asks for nothing, proves nothing.
    for (binding, expected) in
        [("prefer", "bare|service"), ("require", "!the proxy cannot log in to the database server")]
    {
        let upstream = format!("sslmode = \"require\"\nchannel_binding = \"{binding}\"");
        let service = service.replace("\"app\"", "\"bare\"");
        let auth = format!("[auth]\nmethod = \"scram\"\n{users}\n{service}");
        let proxy = Proxy::behind(world().cluster.port, POLICY, &upstream, &auth);
        comes(&proxy, "app", "secret", &[], expected, binding);
    }
}

#[test]
fn a_service_role_stands_in_on_the_server() {
    let files = Files::new();
    let auth = |password: &str| {
        format!(
            "[database.raw]\ndbname = \"shop\"\nopen = true\n[auth]\nmethod = \"scram\"\nusers_file = \"{}\"\n\
             [auth.service]\nuser = \"app\"\npassword_file = \"{}\"\n",
            files.at("users"),
            files.at(password)
        )
    };
    let proxy = Proxy::start(&world().cluster, POLICY, &auth("password"));
    comes(&proxy, "app", "secret", &[], "app|service", "its own");
    comes(&proxy, "ghost", "secret", &[("PGDATABASE", "raw")], "app|", "unknown to the server");
    // The policy knows clients by their own names, whatever the server sees.
    comes(
        &proxy,
        "ghost",
        "secret",
        &[],
        "!\"ghost\" may not declare the purpose \"service\"",
        "unknown to the policy",
    );
    comes(&proxy, "ghost", "guess", &[("PGDATABASE", "raw")], WRONG, "a wrong password");
    let proxy = Proxy::start(&world().cluster, POLICY, &auth("wrong"));
    comes(&proxy, "app", "secret", &[], "!the proxy cannot log in to the database server", "a wrong service");
}

#[test]
fn guesses_are_bounded() {
    let files = Files::new();
    let auth = format!("[auth]\nmethod = \"scram\"\nfailures_per_minute = 2\nusers_file = \"{}\"\n", files.at("users"));
    let proxy = Proxy::start(&world().cluster, POLICY, &auth);
    for user in ["app", "nobody"] {
        comes(&proxy, user, "guess", &[], WRONG, "first");
        comes(&proxy, user, "guess", &[], WRONG, "second");
        comes(&proxy, user, "secret", &[], "!too many failed logins of user", "third");
    }
}

/// An issuer of tokens: its key, and the set of keys that the proxy is given.
pub(super) struct Issuer {
    key: EncodingKey,
    pub(super) keys: Value,
}

impl Issuer {
    pub(super) fn new(name: &str) -> Issuer {
        let pair = rcgen::KeyPair::generate().expect("a key");
        let point = pair.public_key_raw();
        let coordinate = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        let key = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": name,
            "x": coordinate(1), "y": coordinate(33) });
        Issuer { key: EncodingKey::from_ec_der(&pair.serialize_der()), keys: json!({ "keys": [key] }) }
    }

    pub(super) fn token(&self, kid: &str, change: &Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
        let mut claims = json!({ "iss": "https://issuer.example", "aud": "wherefore", "sub": "app", "exp": now + 300,
            "roles": ["other", "app"] });
        for (name, value) in change.as_object().expect("claims") {
            match value {
                Value::Null => drop(claims.as_object_mut().and_then(|claims| claims.remove(name))),
                // Seconds from now.
                Value::Number(number) if ["exp", "nbf"].contains(&&**name) => {
                    claims[name] = json!(now as i64 + number.as_i64().expect("a number"))
                }
                other => claims[name] = other.clone(),
            }
        }
        self.sign(Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) }, &claims)
    }

    fn sign(&self, header: Header, claims: &Value) -> String {
        encode(&header, claims, &self.key).expect("a token")
    }
}

#[test]
fn tokens_in_place_of_passwords() {
    let (issuer, other) = (Issuer::new("one"), Issuer::new("one"));
    let files = Files::new();
    files.write("keys", &issuer.keys.to_string());
    let auth = |role: &str| {
        format!(
            "[auth]\nmethod = \"token\"\nfailures_per_minute = 0\n[auth.token]\nkeys_file = \"{}\"\n\
             issuer = \"https://issuer.example\"\naudience = \"wherefore\"\n{role}\n\
             [auth.service]\nuser = \"app\"\npassword_file = \"{}\"\n",
            files.at("keys"),
            files.at("password")
        )
    };
    let good = issuer.token("one", &json!({}));
    let unsigned = {
        let parts: Vec<&str> = good.split('.').collect();
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "typ": "JWT", "kid": "one" }).to_string());
        format!("{header}.{}.", parts[1])
    };
    let shared = {
        // Signed with the public key as if it were a secret that both sides share.
        let secret = EncodingKey::from_secret(issuer.keys.to_string().as_bytes());
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
        let claims = json!({ "iss": "https://issuer.example", "aud": "wherefore", "sub": "app", "exp": u32::MAX });
        encode(&header, &claims, &secret).expect("a token")
    };
    let critical = {
        let crit = Some(vec!["b64".to_owned()]);
        let header = Header { kid: Some("one".to_owned()), crit, ..Header::new(Algorithm::ES256) };
        let claims = json!({ "iss": "https://issuer.example", "aud": "wherefore", "sub": "app", "exp": u32::MAX });
        issuer.sign(header, &claims)
    };
    let proxy = Proxy::start(&world().cluster, POLICY, &auth(""));
    for (case, token, expected) in [
        ("good", good.clone(), "app|service"),
        ("with a critical extension", critical, WRONG),
        ("another issuer's key", other.token("one", &json!({})), WRONG),
        ("an unknown key", issuer.token("two", &json!({})), WRONG),
        ("expired", issuer.token("one", &json!({ "exp": -60 })), WRONG),
        ("not yet", issuer.token("one", &json!({ "nbf": 120 })), WRONG),
        ("without an end", issuer.token("one", &json!({ "exp": null })), WRONG),
        ("another issuer", issuer.token("one", &json!({ "iss": "https://other.example" })), WRONG),
        ("for someone else", issuer.token("one", &json!({ "aud": "other" })), WRONG),
        ("for nobody", issuer.token("one", &json!({ "aud": null })), WRONG),
        ("another role", issuer.token("one", &json!({ "sub": "owner" })), WRONG),
        ("no role", issuer.token("one", &json!({ "sub": null })), WRONG),
        ("unsigned", unsigned, WRONG),
        ("a shared secret", shared, WRONG),
        ("a changed signature", format!("{}AAAA", &good[..good.len() - 4]), WRONG),
        ("a password", "secret".to_owned(), WRONG),
    ] {
        comes(&proxy, "app", &token, &[], expected, case);
    }
    // A list of roles, by another claim.
    let proxy = Proxy::start(&world().cluster, POLICY, &auth("role = \"roles\""));
    comes(&proxy, "app", &good, &[], "app|service", "roles");
    comes(&proxy, "owner", &good, &[], WRONG, "roles");
}
