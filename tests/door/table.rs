//! `[[hba]]`, and purposes that require TLS.

use super::{POLICY, Proxy, check, path, psql, tls, world};

const TABLE: &str = r#"
[[hba]]
users = ["postgres"]
action = "reject"
[[hba]]
databases = ["trained"]
users = ["app"]
tls = "required"
certificates = ["CN=app", "SAN=batch@example.org"]
action = "allow"
[[hba]]
users = ["owner"]
certificates = "user"
action = "allow"
[[hba]]
users = ["bare"]
addresses = ["10.0.0.0/8", "127.0.0.1"]
databases = ["shop"]
action = "allow"
[[hba]]
databases = ["shop"]
addresses = ["127.0.0.0/8"]
tls = "required"
action = "allow"
[[hba]]
addresses = ["unix"]
action = "allow"
[database.trained]
dbname = "shop"
purpose = "training"
"#;

#[test]
fn who_may_come_from_where() {
    let authority = &world().authority;
    authority.client("owner");
    authority.client("batch");
    let folder = tempfile::tempdir().expect("a folder");
    let more =
        format!("client_ca = \"{}\"\nclient_certificates = \"optional\"\n{TABLE}", path(&authority.file("ca.crt")));
    let proxy = Proxy::full(
        world().cluster.port,
        POLICY,
        &format!("listen_unix = \"{}\"", path(folder.path())),
        "",
        &tls("allow", &more),
    );
    let unix = path(folder.path());
    for (user, database, way, certificate, expected) in [
        (
            "postgres",
            "shop",
            "require",
            "",
            "!pg_hba.conf rejects connection for host \"127.0.0.1\", user \"postgres\", database \"shop\", SSL encryption",
        ),
        ("postgres", "shop", "unix", "", "!pg_hba.conf rejects connection for host \"[local]\", user \"postgres\""),
        ("app", "trained", "require", "app", "1"),
        // By its other name.
        ("app", "trained", "require", "batch", "1"),
        ("app", "trained", "require", "owner", "!certificate authentication failed for user \"app\""),
        ("app", "trained", "require", "", "!connection requires a valid client certificate"),
        (
            "app",
            "trained",
            "disable",
            "",
            "!no pg_hba.conf entry for host \"127.0.0.1\", user \"app\", database \"trained\", no encryption",
        ),
        ("owner", "shop", "require", "owner", "1"),
        ("owner", "shop", "require", "app", "!certificate authentication failed for user \"owner\""),
        ("bare", "shop", "require", "", "1"),
        (
            "bare",
            "other",
            "require",
            "",
            "!no pg_hba.conf entry for host \"127.0.0.1\", user \"bare\", database \"other\", SSL encryption",
        ),
        ("app", "shop", "require", "", "1"),
        (
            "app",
            "shop",
            "disable",
            "",
            "!no pg_hba.conf entry for host \"127.0.0.1\", user \"app\", database \"shop\", no encryption",
        ),
        ("app", "shop", "unix", "", "1"),
        // Before any password, and whether there is such a user or not.
        ("nobody", "other", "require", "", "!no pg_hba.conf entry"),
    ] {
        let mut environment = vec![("PGUSER", user), ("PGDATABASE", database), ("PGCHANNELBINDING", "disable")];
        match way {
            "unix" => environment.push(("PGHOST", &unix)),
            sslmode => environment.push(("PGSSLMODE", sslmode)),
        }
        let files = [".crt", ".key"].map(|kind| path(&authority.file(&format!("{certificate}{kind}"))));
        if !certificate.is_empty() {
            environment.extend([("PGSSLCERT", files[0].as_str()), ("PGSSLKEY", files[1].as_str())]);
        }
        let outcome = psql(&proxy, &environment, "SELECT 1");
        check(outcome, expected, &format!("{user} {database} {way} {certificate}"));
    }
}

#[test]
fn a_purpose_that_requires_tls() {
    let policy = format!("{POLICY}\n[clause.\"2\"]\nwords = \"We encrypt what is transmitted.\"\n");
    let policy = policy.replace("[purpose.training]", "[purpose.training]\nrequire_tls = { clause = \"2\" }");
    let folder = tempfile::tempdir().expect("a folder");
    let listen = format!("listen_unix = \"{}\"", path(folder.path()));
    let proxy = Proxy::full(world().cluster.port, &policy, &listen, "sslmode = \"require\"", &tls("allow", ""));
    let unix = path(folder.path());
    let refused = "!purpose \"training\" requires an encrypted connection";
    for (name, value, options, sql, expected) in [
        ("PGSSLMODE", "require", "-c wherefore.purpose=training", "SELECT count(id) FROM people", "10"),
        ("PGSSLMODE", "require", "", "SET wherefore.purpose = 'training'", ""),
        ("PGHOST", &*unix, "-c wherefore.purpose=training", "SELECT count(id) FROM people", "10"),
        ("PGSSLMODE", "disable", "-c wherefore.purpose=training", "SELECT 1", refused),
        ("PGSSLMODE", "disable", "", "SET wherefore.purpose = 'training'", refused),
        ("PGSSLMODE", "disable", "", "SELECT id FROM people /*purpose='training'*/", refused),
        ("PGSSLMODE", "disable", "", "SET wherefore.purpose = 'training'", "!We encrypt what is transmitted."),
        ("PGSSLMODE", "disable", "", "SELECT count(id) FROM people", "10"),
    ] {
        let environment = [(name, value), ("PGOPTIONS", options), ("PGUSER", "bare"), ("PGCHANNELBINDING", "disable")];
        check(psql(&proxy, &environment, sql), expected, &format!("{value} {options} {sql}"));
    }
}
