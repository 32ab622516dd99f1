//! What a token's claims and a certificate's names decide: which rows, which purposes, for whom, in which role.

use super::known::{Files, Issuer};
use super::{POLICY, Proxy, check, path, psql, tls, world};
use serde_json::{Value, json};

/// People are seen by the customer that the token names.
fn scoped() -> String {
    let rule = "purpose = \"service\"\nrights = [\"read\"]\neffect = \"allow\"";
    let table = "[table.\"public.people\"]\nsubject = \"person\"";
    assert!(POLICY.contains(rule) && POLICY.contains(table));
    let policy = POLICY.replacen(rule, &format!("where = [\"scope.customer\"]\n{rule}"), 1);
    let policy = policy.replace(table, &format!("{table}\nscope.customer = \"id = $customer\""));
    policy
        + "
[parameter.customer]
type = \"int4\"
from = \"claim\"
claim = \"customer_id\"
[recipient.partner]
[recipient.unused]
[role.partner]
purposes = [\"service\"]
recipient = \"partner\"
[role.batch]
purposes = [\"training\"]
certificates = [\"CN=batch\"]
"
}

/// A proxy that lets in by tokens of this issuer, with further keys of `[auth.token]`.
fn proxy(issuer: &Issuer, files: &Files, more: &str) -> Proxy {
    files.write("keys", &issuer.keys.to_string());
    let config = format!(
        "[auth]\nmethod = \"token\"\nfailures_per_minute = 0\n[auth.token]\nkeys_file = \"{}\"\n\
         issuer = \"https://issuer.example\"\naudience = \"wherefore\"\n{more}\n\
         [auth.service]\nuser = \"app\"\npassword_file = \"{}\"\n",
        files.at("keys"),
        files.at("password")
    );
    Proxy::start(&world().cluster, &scoped(), &config)
}

/// What someone with these claims is told, and that nothing else is.
fn told(proxy: &Proxy, issuer: &Issuer, claims: &Value, options: &str, sql: &str, expected: &str) {
    let token = issuer.token("one", claims);
    let environment = [("PGUSER", "app"), ("PGPASSWORD", &*token), ("PGOPTIONS", options)];
    let outcome = psql(proxy, &environment, sql);
    let case = format!("{claims} {options} {sql}");
    if expected.starts_with('!') {
        check(outcome, expected, &case);
    } else {
        assert_eq!(outcome.as_deref(), Ok(expected), "{case}");
    }
}

const SERVICE: &str = "-c wherefore.purpose=service";
const IDS: &str = "SELECT id FROM people ORDER BY id";

#[test]
fn a_claim_bounds_rows() {
    let (issuer, files) = (Issuer::new("one"), Files::new());
    let proxy = proxy(&issuer, &files, "");
    let told = |claims: Value, options: &str, sql: &str, expected: &str| {
        told(&proxy, &issuer, &claims, options, sql, expected);
    };
    let three = || json!({ "customer_id": "3" });
    told(three(), SERVICE, IDS, "3");
    told(json!({ "customer_id": 7 }), SERVICE, IDS, "7");
    told(three(), SERVICE, "SELECT current_setting('wherefore.customer')", "3");
    told(json!({ "customer_id": 999 }), SERVICE, IDS, "");
    // Without it nothing is seen, and what needs no value goes on.
    for missing in [json!({}), json!({ "customer_id": null }), json!({ "customer": 3 })] {
        told(missing, SERVICE, IDS, "!parameter \"customer\" has no value");
    }
    told(json!({}), SERVICE, IDS, "!claim \"customer_id\"");
    told(json!({}), SERVICE, "SELECT 1", "1");
    told(json!({}), "-c wherefore.purpose=training", "SELECT count(id) FROM people", "10");
    // What is no value of the type does not come in, and is not told.
    for (wrong, expected) in [
        (json!("3 OR true"), "!must be a value of type int4"),
        (json!("3'; --"), "!must be a value of type int4"),
        (json!(""), "!must be a value of type int4"),
        (json!(3.5), "!must be one value"),
        (json!(true), "!must be a value of type int4"),
        (json!(2_147_483_648_u64), "!must be a value of type int4"),
        (json!([3]), "!must be one value"),
        (json!({ "id": 3 }), "!must be one value"),
    ] {
        told(json!({ "customer_id": wrong }), SERVICE, IDS, expected);
    }
    // Nor does the session choose, before login or after it.
    let chosen = "!a session may not choose parameter \"customer\"";
    told(three(), "-c wherefore.purpose=service -c wherefore.customer=5", IDS, chosen);
    told(json!({}), "-c wherefore.purpose=service -c wherefore.customer=5", IDS, chosen);
    for sql in [
        "SET wherefore.customer = '5'",
        "SET LOCAL wherefore.customer = '5'",
        "SELECT set_config('wherefore.customer', '5', false)",
        "/*customer='5'*/ SELECT id FROM people",
        "RESET wherefore.customer",
        "RESET ALL",
        "DISCARD ALL",
    ] {
        let environment = [("PGUSER", "app"), ("PGPASSWORD", &*issuer.token("one", &three())), ("PGOPTIONS", SERVICE)];
        let mut command = std::process::Command::new(super::program("psql"));
        command.args(["-XAtq", "-c", sql, "-c", IDS]);
        let seen = super::said(&proxy, &environment, command).unwrap_or_else(|said| panic!("{sql}: {said}"));
        let last = seen.lines().next_back().unwrap_or_default();
        assert_eq!(last, "3", "{sql}: {seen}");
        assert!(!seen.lines().any(|line| line == "5"), "{sql}: {seen}");
    }
}

#[test]
fn claims_name_purposes_recipient_and_roles() {
    let (issuer, files) = (Issuer::new("one"), Files::new());
    let more = "purposes = \"purposes\"\nrecipient = \"org\"\nmember_of = \"groups\"";
    let proxy = proxy(&issuer, &files, more);
    let who = "SELECT current_setting('wherefore.purpose') || ' for ' || current_setting('wherefore.recipient')";
    for (claims, options, expected) in [
        (json!({ "purposes": ["service"], "org": "partner" }), SERVICE, "service for partner"),
        (json!({ "purposes": "service", "org": "partner" }), SERVICE, "service for partner"),
        (json!({ "purposes": ["service"], "org": "partner" }), "", "service for partner"),
        (
            json!({ "purposes": ["training"], "org": "partner" }),
            SERVICE,
            "!\"app\" may not declare the purpose \"service\"",
        ),
        (json!({ "org": "partner" }), SERVICE, "!\"app\" may not declare the purpose"),
        (
            json!({ "purposes": ["everything"], "org": "partner" }),
            "-c wherefore.purpose=everything",
            "!may not declare",
        ),
        (
            json!({ "purposes": ["everything"], "org": "partner", "groups": ["owner"] }),
            "-c wherefore.purpose=everything",
            "everything for partner",
        ),
        (
            json!({ "purposes": ["service"] }),
            SERVICE,
            "!the token does not say for whom its bearer reads: claim \"org\"",
        ),
        (json!({ "purposes": ["service"], "org": ["partner"] }), SERVICE, "!the token does not say"),
        (json!({ "purposes": ["service"], "org": "unused" }), SERVICE, "!for whom no role of the policy does"),
        (json!({ "purposes": ["service"], "org": "nobody" }), SERVICE, "!for whom no role of the policy does"),
        // A role with certificates is theirs alone.
        (
            json!({ "purposes": ["training"], "org": "partner", "sub": "ghost", "groups": ["batch"] }),
            "-c wherefore.purpose=training",
            "!password authentication failed",
        ),
    ] {
        told(&proxy, &issuer, &claims, options, who, expected);
    }
}

#[test]
fn certificates_say_who_comes_and_in_which_role() {
    let (authority, files) = (&world().authority, Files::new());
    authority.client("owner");
    authority.client("batch");
    let leg = |more: &str| {
        let ca = path(&authority.file("ca.crt"));
        let asked = format!("client_ca = \"{ca}\"\nclient_certificates = \"optional\"");
        let auth = format!(
            "[auth]\nmethod = \"certificate\"\n{more}\n[auth.service]\nuser = \"app\"\npassword_file = \"{}\"\n",
            files.at("password")
        );
        tls("allow", &format!("{asked}\n{auth}"))
    };
    let listed = "certificates = { \"CN=batch\" = [\"nightly\"], \"SAN=app@example.org\" = [\"bare\", \"nightly\"] }";
    let denied = "!certificate authentication failed for user";
    for (more, user, shown, purpose, expected) in [
        ("", "app", "app", "service", "service"),
        ("", "app", "owner", "service", denied),
        ("", "app", "", "service", denied),
        ("", "App", "app", "service", denied),
        (listed, "app", "app", "service", denied),
        (listed, "bare", "app", "service", "service"),
        (listed, "bare", "batch", "service", denied),
        // The policy knows the certificate by its name, whoever comes with it.
        (listed, "nightly", "batch", "training", "training"),
        (listed, "nightly", "app", "training", "!\"nightly\" may not declare the purpose \"training\""),
        (listed, "nightly", "batch", "service", "!\"nightly\" may not declare the purpose \"service\""),
    ] {
        let proxy = Proxy::behind(world().cluster.port, &scoped(), "sslmode = \"require\"", &leg(more));
        let (certificate, key) = (path(&authority.file("app.crt")), path(&authority.file("app.key")));
        let of = |file: &str| file.replace("app.", &format!("{shown}."));
        let (certificate, key, options) = (of(&certificate), of(&key), format!("-c wherefore.purpose={purpose}"));
        let mut environment = vec![("PGUSER", user), ("PGSSLMODE", "verify-full"), ("PGOPTIONS", &*options)];
        if !shown.is_empty() {
            environment.extend([("PGSSLCERT", &*certificate), ("PGSSLKEY", &*key)]);
        }
        let outcome = psql(&proxy, &environment, "SELECT current_setting('wherefore.purpose')");
        check(outcome, expected, &format!("{more} {user} {shown}"));
    }
}
