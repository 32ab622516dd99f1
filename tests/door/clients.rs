//! Clients of their own make, and how they get in.

use super::{POLICY, Proxy, block_on, check, path, program, psql, said, tls, world};
use std::process::Command;
use std::time::Duration;
use tokio_postgres::NoTls;

const ENCRYPTED: &str = "SSL connection (protocol: TLSv1.3";
const REFUSED: &str = "!no pg_hba.conf entry for host \"127.0.0.1\", user \"owner\", database \"shop\", no encryption";

#[test]
fn every_sslmode_of_psql() {
    for (mode, cases) in [
        (
            "off",
            [("disable", "connected"), ("prefer", "connected"), ("require", "!server does not support SSL")].as_slice(),
        ),
        (
            "allow",
            &[
                ("disable", "connected"),
                ("allow", "connected"),
                ("prefer", ENCRYPTED),
                ("require", ENCRYPTED),
                ("verify-ca", ENCRYPTED),
                ("verify-full", ENCRYPTED),
            ],
        ),
        ("require", &[("disable", REFUSED), ("allow", ENCRYPTED), ("prefer", ENCRYPTED), ("verify-full", ENCRYPTED)]),
    ] {
        let proxy = Proxy::start(&world().cluster, POLICY, &tls(mode, ""));
        for (sslmode, expected) in cases {
            let case = format!("{mode} {sslmode}");
            let outcome = psql(&proxy, &[("PGSSLMODE", sslmode)], "\\conninfo");
            let encrypted = outcome.as_ref().is_ok_and(|said| said.contains("SSL connection"));
            assert_eq!(encrypted, *expected == ENCRYPTED, "{case}: {outcome:?}");
            check(outcome, expected, &case);
        }
        if mode == "allow" {
            let stranger = path(&world().stranger.file("ca.crt"));
            let environment = [("PGSSLMODE", "verify-ca"), ("PGSSLROOTCERT", &stranger)];
            check(psql(&proxy, &environment, "SELECT 1"), "!certificate verify failed", "another authority");
        }
    }
}

#[test]
fn psycopg_with_direct_negotiation() {
    let proxy = Proxy::start(&world().cluster, POLICY, &tls("require", ""));
    let script = "import psycopg, sys\n\
        with psycopg.connect('sslmode=verify-full ' + sys.argv[1]) as c:\n    \
            print(c.pgconn.ssl_in_use, c.execute('SELECT count(*) FROM people').fetchone(), c.execute('SHOW wherefore.purpose').fetchone())\n";
    for negotiation in ["sslnegotiation=postgres", "sslnegotiation=direct"] {
        let mut command = Command::new(super::python());
        command.args(["-c", script, negotiation]);
        let outcome = said(&proxy, &[("PGOPTIONS", "-c wherefore.purpose=everything")], command);
        check(outcome, "True (10,) ('everything',)", negotiation);
    }
}

#[test]
fn certificates_of_clients() {
    let ca = path(&world().authority.file("ca.crt"));
    let of = |authority: &super::Authority| (path(&authority.file("app.crt")), path(&authority.file("app.key")));
    let (good, bad) = (of(&world().authority), of(&world().stranger));
    for (mode, asked, expected) in [
        ("allow", "optional", ["", "", "!"]),
        ("require", "optional", ["", "", "!"]),
        ("require", "required", ["!", "", "!"]),
    ] {
        let more = format!("client_ca = \"{ca}\"\nclient_certificates = \"{asked}\"");
        let proxy = Proxy::start(&world().cluster, POLICY, &tls(mode, &more));
        for (shown, expected) in [None, Some(&good), Some(&bad)].into_iter().zip(expected) {
            let mut environment = vec![("PGSSLMODE", "verify-full")];
            if let Some((certificate, key)) = shown {
                environment.extend([("PGSSLCERT", certificate.as_str()), ("PGSSLKEY", key.as_str())]);
            }
            check(psql(&proxy, &environment, "SELECT 1"), expected, &format!("{mode} {asked} {shown:?}"));
        }
    }
}

#[test]
fn the_oldest_version_is_a_choice() {
    for (oldest, version, expected) in [
        ("1.2", "TLSv1.2", "protocol: TLSv1.2"),
        ("1.3", "TLSv1.2", "!protocol version"),
        ("1.3", "TLSv1.3", "protocol: TLSv1.3"),
        ("1.2", "TLSv1.1", "!"),
    ] {
        let proxy = Proxy::start(&world().cluster, POLICY, &tls("allow", &format!("minimum_version = \"{oldest}\"")));
        let environment =
            [("PGSSLMODE", "require"), ("PGSSLMAXPROTOCOLVERSION", version), ("PGSSLMINPROTOCOLVERSION", "TLSv1.1")];
        check(psql(&proxy, &environment, "\\conninfo"), expected, &format!("{oldest} {version}"));
    }
}

#[test]
fn cancel_over_both_encrypted_legs() {
    let proxy = Proxy::behind(world().cluster.port, POLICY, "sslmode = \"require\"", &tls("require", ""));
    // A libpq of 17 or newer encrypts its cancel request.
    let script = "import psycopg, threading\n\
        c = psycopg.connect('sslmode=require')\n\
        threading.Timer(0.5, lambda: c.cancel_safe()).start()\n\
        try:\n    c.execute('SELECT pg_sleep(20)')\n\
        except psycopg.errors.QueryCanceled as e:\n    print(e.sqlstate)\n";
    let mut command = Command::new(super::python());
    command.args(["-c", script]);
    check(said(&proxy, &[("PGOPTIONS", "-c wherefore.purpose=everything")], command), "57014", "cancel");
    // An older one does not, and TLS is not demanded of it, as in Postgres.
    block_on(async {
        let (client, connection) = super::encrypted(&proxy, "owner", "everything").await;
        tokio::spawn(connection);
        let token = client.cancel_token();
        let (slept, ()) = tokio::join!(client.simple_query("SELECT pg_sleep(20)"), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let plain = tokio::net::TcpStream::connect(proxy.address).await.expect("connects");
            token.cancel_query_raw(plain, NoTls).await.expect("cancels");
        });
        let error = slept.expect_err("cancelled");
        assert_eq!(error.code().map(|code| code.code()), Some("57014"), "{error}");
    });
}

#[test]
fn much_data_through_both_encrypted_legs() {
    let proxy = Proxy::behind(world().cluster.port, POLICY, "sslmode = \"require\"", &tls("require", ""));
    block_on(async {
        let (client, connection) = super::encrypted(&proxy, "owner", "everything").await;
        tokio::spawn(connection);
        for (sql, expected) in [
            ("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", "t"),
            (
                "SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'wherefore catalog' AND a.backend_start > now() - interval '1 minute' AND s.ssl",
                "t",
            ),
        ] {
            let rows = client.simple_query(sql).await.expect(sql);
            let told = rows.iter().find_map(|row| match row {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _no_row => None,
            });
            assert_eq!(told.as_deref(), Some(expected), "{sql}");
        }
        let sql = "SELECT g, repeat('x', 1000) FROM generate_series(1, 30000) g";
        assert_eq!(client.query(sql, &[]).await.expect("rows").len(), 30_000);
        let value = "y".repeat(5 << 20);
        let row = client.query_one("SELECT length($1::text), $1::text", &[&value]).await.expect("a row");
        assert_eq!((row.get::<_, i32>(0), row.get::<_, &str>(1).len()), (5 << 20, 5 << 20));
    });
    let script = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(script.path(), "SELECT id FROM people WHERE id = 3;\nSELECT repeat('z', 100000);\n")
        .expect("writes");
    let mut bench = Command::new(program("pgbench"));
    bench.args(["-n", "-c", "4", "-t", "100", "-M", "prepared", "-f", &path(script.path())]);
    let environment = [("PGSSLMODE", "require"), ("PGOPTIONS", "-c wherefore.purpose=everything")];
    check(said(&proxy, &environment, bench), "processed: 400/400", "pgbench");
}

/// What SCRAM binds to its channel ends at the proxy, unless both channels show the same certificate.
#[test]
fn channel_binding() {
    let elsewhere = |mode| tls(mode, "").replace("server.crt", "elsewhere.crt").replace("server.key", "elsewhere.key");
    let ended = "!channel binding does not reach through the proxy";
    for (name, upstream, config, cases) in [
        (
            "two certificates",
            "sslmode = \"require\"",
            elsewhere("allow"),
            [
                ("require", "prefer", ended),
                ("require", "disable", "1"),
                ("require", "require", "!channel binding"),
                ("disable", "prefer", "1"),
            ],
        ),
        (
            "one certificate",
            "sslmode = \"require\"",
            tls("allow", ""),
            [
                ("require", "prefer", "1"),
                ("require", "disable", "1"),
                ("require", "require", "1"),
                ("disable", "prefer", "1"),
            ],
        ),
        (
            "a plain server's leg",
            "",
            elsewhere("allow"),
            [
                ("require", "prefer", "1"),
                ("require", "disable", "1"),
                ("require", "require", "!channel binding"),
                ("disable", "prefer", "1"),
            ],
        ),
    ] {
        let proxy = Proxy::behind(world().cluster.port, POLICY, upstream, &config);
        for (sslmode, binding, expected) in cases {
            let environment = [
                ("PGSSLMODE", sslmode),
                ("PGCHANNELBINDING", binding),
                ("PGUSER", "app"),
                ("PGSSLROOTCERT", "/nonexistent"),
            ];
            let outcome = psql(&proxy, &environment, "SELECT count(id) / 10 FROM people");
            check(outcome, expected, &format!("{name}: sslmode={sslmode} channel_binding={binding}"));
        }
    }
}
