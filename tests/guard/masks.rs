//! Masks that keep a part of a value, over values that are hard on them: none fails, each gives what was computed otherwise,
//! keeps the column's type, and is as it was when masked again.

use super::{clients_on, rows, run};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::net::IpAddr;
use wherefore::catalog::pseudonyms;

/// A column of hostile values under one mask.
struct Masked {
    /// The column's type.
    type_sql: &'static str,
    /// The mask as a policy writes it.
    mask: &'static str,
    values: &'static [&'static str],
    expected: Expected,
}

/// What a mask is to give, computed without it.
enum Expected {
    /// By SQL over the value `v`.
    Sql(&'static str),
    /// From the value's text.
    Text(fn(&str) -> Option<String>),
}

/// Values of texts, as SQL.
const TEXTS: &[&str] = &[
    "''",
    "' '",
    "'a'",
    "'ab'",
    "'abcd'",
    "'abcdefg'",
    "'abcdefgh'",
    "'abcdefghijkl'",
    "'***'",
    "'ab***cd'",
    "'émilie.durand@exämple.org'",
    "'日本語テキスト漢字'",
    "U&'\\+01F468\\200D\\+01F469\\200D\\+01F467 family'",
    "'a\u{301}e\u{301}i\u{301}o\u{301}'",
    "'50% \\_off\\ ''quoted'' \"twice\"'",
    "E'line\\nbreak\\tand\\ttabs\\r\\n'",
    "repeat('x', 1000000)",
    "'75011'",
    "'SW1A 1AA'",
    "'NaN'",
    "'[]'",
    "'NULL'",
];
const INTS: &[&str] = &["0", "1", "-1", "9", "10", "-10", "-19", "32767", "-32768"];
const NUMERICS: &[&str] = &[
    "'NaN'",
    "'Infinity'",
    "'-Infinity'",
    "0",
    "0.0000",
    "-0.1",
    "29.9999999999999999999999999999999999",
    "-29.9999999999999999999999999999999999",
    "('1' || repeat('0', 131071))::numeric",
    "-(repeat('9', 131072)::numeric)",
    "('0.' || repeat('9', 16383))::numeric",
    "99.75",
];
const DATES: &[&str] = &[
    "'infinity'",
    "'-infinity'",
    "'4713-01-01 BC'",
    "'0001-01-01'",
    "'0299-12-31'",
    "'0300-01-01'",
    "'0304-02-29'",
    "'1969-12-31'",
    "'2000-02-29'",
    "'2024-12-30'",
    "'9999-12-30'",
    "'10000-01-01'",
    "'294276-12-31'",
];
const TIMES: &[&str] = &[
    "'infinity'",
    "'-infinity'",
    "'4713-01-01 00:00:00+00 BC'",
    "'0300-01-01 00:00:00+00'",
    "'0299-12-31 23:59:59.999999+00'",
    "'1999-12-31 23:59:59.999999+00'",
    "'2024-03-31 01:59:59+00'",
    "'2024-10-27 12:34:56.789-12'",
    "'2024-10-27 12:34:56.789+14'",
    "'294276-12-31 23:59:59.999999+00'",
];
const ADDRESSES: &[&str] = &[
    "'0.0.0.0'",
    "'255.255.255.255'",
    "'10.1.2.3/8'",
    "'192.168.77.99/30'",
    "'::'",
    "'::1'",
    "'::/0'",
    "'2001:db8:1:2:3:4:5:6'",
    "'2001:db8::ff/128'",
    "'::ffff:1.2.3.4'",
];
const OBJECTS: &[&str] = &[
    "'null'",
    "'1'",
    "'\"a\"'",
    "'[]'",
    "'[\"a\", {\"a\": 1}]'",
    "'{}'",
    "'{\"a\": null}'",
    "'{\"a\": {\"b\": [1, 2, {\"a\": 3}]}, \"b\": \"two\", \"c\": 3}'",
    "'{\"\": 0, \"a b\": 1, \"it''s\": {\"a\": 2}}'",
    "'{\"a\": \"\\u00e9\\ud83d\\ude00\", \"b\": \"\\u0001\"}'",
    "('{\"a\": ' || repeat('[', 3000) || repeat(']', 3000) || '}')::jsonb",
    "('{\"c\": 1' || repeat('0', 1000) || ', \"a\": 0.' || repeat('1', 1000) || '}')::jsonb",
    "(SELECT jsonb_object_agg('k' || i, i) FROM generate_series(1, 5000) AS i)",
];

fn stars(text: &str, first: usize, last: usize) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let hidden = (first + last).max(3);
    if characters.len() < first + last + hidden {
        return Some("***".to_owned());
    }
    let end: String = characters[characters.len() - last..].iter().collect();
    Some(characters[..first].iter().collect::<String>() + &"*".repeat(hidden) + &end)
}

fn code(text: &str) -> Option<String> {
    let kept: String = text.chars().take(3).collect();
    Some(if text.chars().count() < 5 { "*".to_owned() } else { kept + "**" })
}

fn step(text: &str, step: i128) -> Option<String> {
    let number: i128 = text.parse().expect("a whole number");
    Some((number / step * step).to_string())
}

/// A network from an address and how many bits of it are kept.
fn network(text: &str, bits: u32) -> Option<String> {
    let (address, given) = text.split_once('/').map_or((text, None), |(address, given)| (address, given.parse().ok()));
    Some(match address.parse().expect("an address") {
        IpAddr::V4(v4) => {
            let kept = bits.min(given.unwrap_or(32));
            let mask = u32::MAX.checked_shl(32 - kept).unwrap_or(0);
            let shown = std::net::Ipv4Addr::from(u32::from(v4) & mask);
            if kept == 32 { shown.to_string() } else { format!("{shown}/{kept}") }
        }
        IpAddr::V6(v6) => {
            let kept = (2 * bits).min(given.unwrap_or(128));
            let mask = u128::MAX.checked_shl(128 - kept).unwrap_or(0);
            format!("{}/{kept}", std::net::Ipv6Addr::from(u128::from(v6) & mask))
        }
    })
}

const IN_RANGE: &str = "v >= '0300-01-01 00:00:00+00' AND v < '9999-12-31 00:00:00+00'";

fn columns() -> Vec<Masked> {
    let column = |type_sql, mask, values, expected| Masked { type_sql, mask, values, expected };
    use Expected::{Sql, Text};
    vec![
        column("text", "{ partial = { keep_last = 4 } }", TEXTS, Text(|text| stars(text, 0, 4))),
        column("text", "{ partial = { keep_first = 1 } }", TEXTS, Text(|text| stars(text, 1, 0))),
        column("text", "{ partial = { keep_first = 2, keep_last = 2 } }", TEXTS, Text(|text| stars(text, 2, 2))),
        column("varchar(7)", "{ partial = { keep_last = 2 } }", TEXTS, Text(|text| stars(text, 0, 2))),
        column("varchar(2)", "{ partial = { keep_last = 2 } }", TEXTS, Text(|_short| Some("**".to_owned()))),
        column(
            "char(9)",
            "{ partial = { keep_first = 1, keep_last = 1 } }",
            TEXTS,
            Text(|text| stars(text.trim_end_matches(' '), 1, 1).map(|masked| format!("{masked:<9}"))),
        ),
        column("text COLLATE \"C\"", "{ postal_code = 3 }", TEXTS, Text(code)),
        column("varchar(5)", "{ postal_code = 3 }", TEXTS, Text(code)),
        column("int2", "{ number = 10 }", INTS, Text(|text| step(text, 10))),
        column("int4", "{ number = 7 }", &["0", "6", "-8", "2147483647", "-2147483648"], Text(|text| step(text, 7))),
        column("int4", "{ number = 4000000000 }", INTS, Text(|_small| Some("0".to_owned()))),
        column(
            "int8",
            "{ number = 1000 }",
            &["0", "999", "-1001", "9223372036854775807", "-9223372036854775808"],
            Text(|text| step(text, 1000)),
        ),
        // The quotient of a number with many digits would be rounded, so the expected one is cut as text where it is plain.
        column(
            "numeric",
            "{ number = 10 }",
            NUMERICS,
            Sql("CASE WHEN v = 'NaN' OR v = 'Infinity' OR v = '-Infinity' THEN 'NaN'
                 ELSE sign(v) * (regexp_replace(trunc(abs(v))::text, '.$', '') || '0')::numeric END"),
        ),
        column(
            "numeric(32, 30)",
            "{ number = \"0.25\" }",
            &["99.999999999999999999999999999999", "-99.999999999999999999999999999999", "0.3", "0"],
            Sql("trunc(v * 4) / 4"),
        ),
        column("numeric(3, 1)", "{ number = \"0.25\" }", &["99.9", "-99.9", "0.3"], Sql("trunc(v * 4) / 4")),
        column(
            "float8",
            "{ number = 10 }",
            &[
                "'NaN'",
                "'Infinity'",
                "'-Infinity'",
                "'1e308'",
                "'5e-324'",
                "'-0'",
                "'1e15'",
                "'-1e15'",
                "123.456",
                "-19",
            ],
            Sql("CASE WHEN abs(v) < 1e-30 THEN 0 WHEN abs(v) <= 1e15 THEN trunc(v / 10) * 10 + 0 END"),
        ),
        column(
            "float4",
            "{ number = \"0.5\" }",
            &["'NaN'", "'Infinity'", "'3e38'", "'1e-45'", "1.75", "-1.75", "'-Infinity'"],
            Sql("CASE WHEN abs(v) < 1e-30 THEN 0 WHEN abs(v) <= 1e15 THEN trunc(v * 2) / 2 + 0 END"),
        ),
        column(
            "date",
            "{ date = \"year\" }",
            DATES,
            Sql("CASE WHEN v >= '0300-01-01' AND v < '9999-12-31' THEN make_date(date_part('year', v)::int, 1, 1) END"),
        ),
        column(
            "date",
            "{ date = \"week\" }",
            DATES,
            Sql("CASE WHEN v >= '0300-01-01' AND v < '9999-12-31' THEN v - (date_part('isodow', v)::int - 1) END"),
        ),
        column(
            "date",
            "{ date = \"decade\" }",
            DATES,
            Sql("CASE WHEN v >= '0300-01-01' AND v < '9999-12-31'
                 THEN make_date(date_part('year', v)::int / 10 * 10, 1, 1) END"),
        ),
        column(
            "timestamp",
            "{ date = \"month\" }",
            DATES,
            Sql("CASE WHEN v >= '0300-01-01' AND v < '9999-12-31'
                 THEN make_timestamp(date_part('year', v)::int, date_part('month', v)::int, 1, 0, 0, 0) END"),
        ),
        column(
            "timestamptz",
            "{ date = \"day\" }",
            TIMES,
            Sql("CASE WHEN IN_RANGE THEN (v AT TIME ZONE 'UTC')::date::timestamp AT TIME ZONE 'UTC' END"),
        ),
        column(
            "timestamptz",
            "{ date = \"hour\" }",
            TIMES,
            Sql("CASE WHEN IN_RANGE THEN v - ((extract(epoch FROM v) - floor(extract(epoch FROM v) / 3600) * 3600)
                 || ' s')::interval END"),
        ),
        column(
            "timestamptz",
            "{ date = \"quarter\" }",
            TIMES,
            Sql("CASE WHEN IN_RANGE THEN make_timestamptz(date_part('year', v AT TIME ZONE 'UTC')::int,
                 (date_part('quarter', v AT TIME ZONE 'UTC')::int - 1) * 3 + 1, 1, 0, 0, 0, 'UTC') END"),
        ),
        column("inet", "{ inet = 24 }", ADDRESSES, Text(|text| network(text, 24))),
        column("inet", "{ inet = 0 }", ADDRESSES, Text(|text| network(text, 0))),
        column("inet", "{ inet = 32 }", &["'1.2.3.4'", "'1.2.3.4/8'", "'::ff'"], Text(|text| network(text, 32))),
        column(
            "cidr",
            "{ inet = 16 }",
            &["'10.1.2.0/24'", "'::/0'", "'2001:db8::/64'"],
            Text(|text| network(text, 16)),
        ),
        column(
            "jsonb",
            "{ jsonb = { keep = [\"a\", \"it's\", \"missing\"] } }",
            OBJECTS,
            Sql("CASE WHEN jsonb_typeof(v) = 'object' THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}')
                 FROM jsonb_each(CASE WHEN jsonb_typeof(v) = 'object' THEN v END) WHERE key IN ('a', 'it''s')) END"),
        ),
        column(
            "jsonb",
            "{ jsonb = { remove = [\"a\", \"missing\"] } }",
            OBJECTS,
            Sql("CASE WHEN jsonb_typeof(v) = 'object' THEN (SELECT coalesce(jsonb_object_agg(key, value), '{}')
                 FROM jsonb_each(CASE WHEN jsonb_typeof(v) = 'object' THEN v END) WHERE key <> 'a') END"),
        ),
        column(
            "jsonb",
            "{ jsonb = { hide = [\"a\", \"missing\"] } }",
            OBJECTS,
            Sql("CASE WHEN jsonb_typeof(v) = 'object' THEN (SELECT coalesce(jsonb_object_agg(key,
                 CASE key WHEN 'a' THEN '\"***\"' ELSE value END), '{}')
                 FROM jsonb_each(CASE WHEN jsonb_typeof(v) = 'object' THEN v END)) END"),
        ),
    ]
}

/// A pack in which column `v` of table `tN` has the mask of that number, under the purpose `masked`.
fn pack(masks: &[&str]) -> String {
    let mut pack = "[pack]\nname = \"masks\"\n[category.number]\n[purpose.masked]\n[[rule]]\nid = \"number\"\n\
        category = \"number\"\nrights = [\"read\", \"insert\", \"update\", \"delete\"]\neffect = \"allow\"\n\
        [role.tester]\npurposes = [\"masked\"]\n"
        .to_owned();
    for (at, mask) in masks.iter().enumerate() {
        write!(
            pack,
            "[category.m{at}]\n[[rule]]\nid = \"m{at}\"\ncategory = \"m{at}\"\neffect = {{ mask = {mask} }}\n\
             [table.\"public.t{at}\"]\ncolumns.id = \"number\"\ncolumns.v = \"m{at}\"\n"
        )
        .expect("a string");
    }
    pack
}

#[test]
fn masks_give_what_they_promise_of_every_value() {
    run(async {
        let columns = columns();
        let mut schema = String::new();
        for (at, Masked { type_sql, values, .. }) in columns.iter().enumerate() {
            let plain = type_sql.split(" COLLATE").next().expect("a type");
            write!(schema, "CREATE TABLE t{at} (id int PRIMARY KEY, v {type_sql}); INSERT INTO t{at} VALUES (0, NULL)")
                .expect("a string");
            for (id, value) in values.iter().enumerate() {
                write!(schema, ", ({}, ({value})::{plain})", id + 1).expect("a string");
            }
            schema.push(';');
        }
        let masks: Vec<&str> = columns.iter().map(|column| column.mask).collect();
        let (guarded, direct, _proxy) = clients_on("guard_hostile", &schema, "masked", &pack(&masks)).await;
        let mut compared = 0;
        for (at, Masked { type_sql, mask, values, expected }) in columns.iter().enumerate() {
            let what = format!("{mask} of {type_sql}");
            // Where a session is, and how it writes, does not matter.
            for zone in ["UTC", "Asia/Kathmandu", "America/St_Johns"] {
                let set = format!("SET TimeZone = '{zone}'; SET extra_float_digits = 1; SET DateStyle = 'ISO'");
                direct.batch_execute(&set).await.expect("a setting");
                for set in set.split("; ") {
                    guarded.batch_execute(set).await.expect("a setting");
                }
                let shown = rows(&guarded, &format!("SELECT v FROM t{at} ORDER BY id")).await.expect(&what);
                let wanted = match expected {
                    Expected::Sql(sql) => {
                        let sql = sql.replace("IN_RANGE", IN_RANGE);
                        let sql = format!("SELECT ({sql})::{type_sql} FROM t{at} ORDER BY id");
                        rows(&direct, &sql).await.unwrap_or_else(|error| panic!("{what}: {error}"))
                    }
                    Expected::Text(compute) => {
                        let raw = rows(&direct, &format!("SELECT v FROM t{at} ORDER BY id")).await.expect(&what);
                        raw.into_iter().map(|row| vec![row[0].as_deref().and_then(compute)]).collect()
                    }
                };
                assert_eq!(shown.len(), values.len() + 1, "{what}");
                for ((shown, wanted), value) in shown.iter().zip(&wanted).zip(["NULL"].iter().chain(*values)) {
                    assert_eq!(shown, wanted, "{what} under {zone}: {value}");
                    compared += 1;
                }
            }
            // The type stays, with what bounds it.
            let types = format!("SELECT DISTINCT pg_typeof(v)::text FROM t{at}");
            assert_eq!(rows(&guarded, &types).await, rows(&direct, &types).await, "{what}");
            // In conditions, groups, orders and aggregates it is the mask too, and fails no more.
            for sql in [
                format!("SELECT count(*) FROM t{at} WHERE v::text LIKE '%x%'"),
                format!("SELECT count(*) FROM (SELECT DISTINCT v FROM t{at} ORDER BY v) AS s"),
                format!("SELECT count(*) FROM t{at} AS a JOIN t{at} AS b ON a.v = b.v"),
                format!("UPDATE t{at} SET id = id WHERE v IS NOT NULL OR v::text = 'x'"),
                format!("SELECT row_to_json(t{at}) FROM t{at}"),
            ] {
                rows(&guarded, &sql).await.unwrap_or_else(|error| panic!("{what}: {sql}: {error}"));
            }
            // What is masked stays as it is when masked again.
            let shown = rows(&guarded, &format!("SELECT id, v FROM t{at} ORDER BY id")).await.expect(&what);
            for row in &shown {
                let value = row[1].as_ref().map_or("NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")));
                let id = row[0].as_deref().expect("a number");
                let sql = format!("UPDATE t{at} SET v = {value} WHERE id = {id}");
                direct.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{what}: {value:.40}: {error}"));
            }
            let again = rows(&guarded, &format!("SELECT id, v FROM t{at} ORDER BY id")).await.expect(&what);
            assert_eq!(again, shown, "{what}, masked again");
        }
        assert!(compared > 1000, "{compared} values");
    });
}

/// HMAC-SHA-256 under the key of a purpose, as `wherefore.pseudonym` makes it.
fn pseudonym(secret: &[u8], purpose: &str, text: &str) -> Vec<u8> {
    let mut derived = Sha256::new();
    derived.update([0, 0, 0, 1]);
    derived.update(secret);
    derived.update(purpose.as_bytes());
    let mut mac = Hmac::<Sha256>::new_from_slice(&derived.finalize()).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const PSEUDONYMS: &str = r#"
[pack]
name = "pseudonyms"
[category.open]
[category.person]
[category.other]
[purpose.training]
[purpose.research]
[purpose.entry]
[[rule]]
id = "open"
category = "open"
rights = ["read", "insert", "update", "delete"]
effect = "allow"
[[rule]]
id = "pseudonyms"
category = "person"
effect = { mask = "pseudonym" }
[[rule]]
id = "another-key"
category = "other"
effect = { mask = { pseudonym = "second" } }
[[rule]]
id = "writes"
category = ["person", "other"]
rights = ["insert", "update", "delete"]
effect = "allow"
[[rule]]
id = "entry"
category = ["person", "other"]
purpose = "entry"
effect = "allow"
[role.tester]
purposes = ["training", "research", "entry"]
[table."public.people"]
default = "person"
columns.id = "open"
columns.second = "other"
[table."public.orders"]
columns.id = "open"
columns.email = "person"
[table."public.followers"]
columns.id = "open"
columns.key = "person"
[table."public.keyed"]
columns.key = "open"
"#;

const PEOPLE: &str =
    "CREATE TABLE people (id int PRIMARY KEY, email text, short varchar(32), code char(40), number int4,
        big int8, uid uuid, tiny varchar(31), small int2, amount numeric, second text);
    INSERT INTO people SELECT i, 'mail' || i || '@x.example', 'é' || i, 'c' || i, i * 1000, -i,
        ('00000000-0000-0000-0000-00000000000' || i)::uuid, 't' || i, i, i, 'mail' || i || '@x.example'
        FROM generate_series(1, 5) AS i;
    INSERT INTO people (id, email) VALUES (6, ''), (7, NULL), (8, repeat('long', 100000));
    CREATE TABLE orders (id int, email text);
    INSERT INTO orders SELECT i, 'mail' || i || '@x.example' FROM generate_series(2, 9) AS i;
    CREATE TABLE keyed (key text PRIMARY KEY);
    CREATE TABLE followers (id int, key text REFERENCES keyed ON UPDATE CASCADE);
    INSERT INTO keyed VALUES ('a'); INSERT INTO followers VALUES (1, 'a');";

/// The schema with the functions for pseudonyms, and a client beside the proxy for each purpose.
fn installed() -> String {
    let script = pseudonyms::script(&["PUBLIC".to_owned()], &["default".to_owned(), "second".to_owned()]);
    format!("{PEOPLE}{script}{script}")
}

#[test]
fn pseudonyms_are_keyed_hashes_by_purpose() {
    run(async {
        let (training, direct, proxy) = clients_on("guard_pseudonyms", &installed(), "training", PSEUDONYMS).await;
        let at = |purpose| super::At { port: proxy.port(), database: "guard_pseudonyms", user: "tester", purpose };
        let research = at(Some("research")).tokio().await;
        let secret = |id: &str| {
            let sql = format!("SELECT secret FROM wherefore.keys WHERE id = '{id}'");
            let direct = &direct;
            async move { direct.query_one(&sql, &[]).await.expect("a key").get::<_, Vec<u8>>(0) }
        };
        let (first, second) = (secret("default").await, secret("second").await);
        assert_ne!(first, second);
        let raw = rows(&direct, "SELECT email, short, rtrim(code), number, big, uid, second FROM people ORDER BY id")
            .await
            .expect("values");
        for (client, purpose) in [(&training, "training"), (&research, "research")] {
            let shown =
                rows(client, "SELECT email, short, rtrim(code), number, big, uid, second FROM people ORDER BY id")
                    .await
                    .expect("pseudonyms");
            for (shown, raw) in shown.iter().zip(&raw) {
                for (at, (shown, raw)) in shown.iter().zip(raw).enumerate() {
                    let key = if at == 6 { &second } else { &first };
                    let expected = raw.as_ref().map(|raw| {
                        let mac = pseudonym(key, purpose, raw);
                        match at {
                            3 => i32::from_be_bytes(mac[..4].try_into().expect("four bytes")).to_string(),
                            4 => i64::from_be_bytes(mac[..8].try_into().expect("eight bytes")).to_string(),
                            5 => {
                                let digits = hex(&mac[..16]);
                                let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20]];
                                format!("{}-{}", parts.join("-"), &digits[20..])
                            }
                            _text => hex(&mac[..16]),
                        }
                    });
                    assert_eq!(*shown, expected, "column {at} under {purpose}");
                }
            }
            // They join within a purpose.
            let join = "SELECT p.id FROM people p JOIN orders o ON o.email = p.email ORDER BY 1";
            let joined = rows(client, join).await.expect("a join");
            assert_eq!(joined, rows(&direct, join).await.expect("a join"));
            // Another key keeps what it names apart.
            assert_eq!(rows(client, "SELECT id FROM people WHERE email = second").await, Ok(vec![]));
            for closed in ["tiny", "small", "amount"] {
                let refused = rows(client, &format!("SELECT {closed} FROM people")).await.expect_err(closed);
                assert!(refused.contains("may not read"), "{refused}");
            }
        }
        // And not across.
        let of = "SELECT email FROM people WHERE id = 1";
        assert_ne!(rows(&training, of).await, rows(&research, of).await);
        // The plan, the activity and the function's source hold no key.
        let hidden = [hex(&first), hex(&second)];
        let pid = rows(&training, "SELECT pg_backend_pid()").await.expect("a pid")[0][0].clone().expect("a pid");
        rows(&training, of).await.expect("a pseudonym");
        let seen = rows(&direct, &format!("SELECT query FROM pg_stat_activity WHERE pid = {pid}")).await.expect("it");
        let sent = seen[0][0].clone().expect("a statement");
        let plan = rows(&direct, &format!("EXPLAIN (VERBOSE, ANALYZE) {sent}")).await.expect("a plan");
        let source = rows(&training, "SELECT prosrc, proconfig::text FROM pg_proc WHERE proname = 'pseudonym'").await;
        for told in [sent, format!("{plan:?}"), format!("{source:?}")] {
            assert!(told.contains("pseudonym") || told.contains("secret"), "{told}");
            assert!(hidden.iter().all(|key| !told.contains(key)), "{told}");
        }
    });
}

#[test]
fn only_guards_make_pseudonyms() {
    run(async {
        let schema = installed()
            + "CREATE FUNCTION mine(text) RETURNS bytea LANGUAGE sql AS
                     $$ SELECT wherefore.pseudonym($1, 'default', 'training') $$;
                 CREATE VIEW ours AS SELECT id, wherefore.pseudonym('mail1@x.example', 'default', 'training') AS p FROM people;
                 CREATE OPERATOR public.#%# (RIGHTARG = text, FUNCTION = mine)";
        let (training, direct, _proxy) = clients_on("guard_own_calls", &schema, "training", PSEUDONYMS).await;
        rows(&direct, "SELECT mine('x')").await.expect("it works beside the proxy");
        let attempts = [
            "SELECT wherefore.pseudonym('mail1@x.example', 'default', 'training')",
            "SELECT id FROM people WHERE email = left(encode(wherefore.pseudonym('x', 'default', 'training'), 'hex'), 32)",
            "SELECT mine('mail1@x.example')",
            "SELECT p FROM ours",
            "SELECT #%# 'mail1@x.example'::text",
            "SELECT secret FROM wherefore.keys",
            "SELECT count(*) FROM wherefore.keys",
            "TABLE wherefore.keys",
            "COPY wherefore.keys TO STDOUT",
            "INSERT INTO wherefore.keys VALUES ('mine', '\\x00')",
            "UPDATE wherefore.keys SET secret = '\\x00'",
            "DELETE FROM wherefore.keys",
            "DROP TABLE wherefore.keys",
            "SELECT k FROM wherefore.keys AS k",
            "SELECT query_to_xml('TABLE wherefore.keys', true, false, '')",
            "SET search_path = wherefore, public; SELECT pseudonym('x', 'default', 'training')",
        ];
        for sql in attempts {
            let refused = rows(&training, sql).await.expect_err(sql);
            assert!(refused.starts_with("42501") || refused.starts_with("0A000"), "{sql}: {refused}");
        }
    });
}

#[test]
fn what_is_read_as_a_pseudonym_is_not_written() {
    run(async {
        let schema = format!(
            "{}ALTER TABLE people ADD lower text GENERATED ALWAYS AS (lower('x' || id::text)) STORED",
            installed()
        );
        let (training, direct, proxy) = clients_on("guard_planting", &schema, "training", PSEUDONYMS).await;
        for sql in [
            "INSERT INTO people (id, email) VALUES (100, 'known@x.example')",
            "UPDATE people SET email = 'known@x.example' WHERE id = 1",
            "UPDATE people SET email = second WHERE id = 1",
            "INSERT INTO people (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET email = 'known@x.example'",
            "MERGE INTO people p USING (VALUES (1)) AS v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET email = 'known'",
            // A generated column, and a key that follows, take what is written elsewhere.
            "UPDATE people SET id = 50 WHERE id = 1",
            "UPDATE keyed SET key = 'known' WHERE key = 'a'",
        ] {
            let refused = rows(&training, sql).await.expect_err(sql);
            assert!(refused.starts_with("42501"), "{sql}: {refused}");
        }
        let error = training.simple_query("INSERT INTO people (email) VALUES ('a')").await.expect_err("closed");
        let detail = error.as_db_error().and_then(|error| error.detail().map(str::to_owned)).unwrap_or_default();
        assert!(detail.contains("known values would show which pseudonyms they have"), "{detail}");
        // Who reads the value itself writes it.
        let at = super::At { port: proxy.port(), database: "guard_planting", user: "tester", purpose: Some("entry") };
        let entry = at.tokio().await;
        rows(&entry, "UPDATE people SET email = 'new@x.example' WHERE id = 1").await.expect("an update");
        let email = rows(&direct, "SELECT email FROM people WHERE id = 1").await.expect("a value");
        assert_eq!(email[0][0].as_deref(), Some("new@x.example"));
    });
}

const COPIES: &str = r#"
[pack]
name = "copies"
[category.open]
[category.closed]
[category.part]
[purpose.clerk]
[purpose.viewer]
[[rule]]
id = "open"
category = "open"
rights = ["read", "insert", "update", "delete"]
effect = "allow"
[[rule]]
id = "parts"
category = "part"
effect = { mask = { partial = { keep_last = 4 } } }
[[rule]]
id = "clerk"
category = ["closed", "part"]
purpose = "clerk"
rights = ["read", "insert", "update", "delete"]
effect = "allow"
[role.tester]
purposes = ["clerk", "viewer"]
[table."public.t"]
default = "open"
columns.secret = "closed"
columns.part = "part"
columns.other = "part"
"#;

/// A viewer reads `note` as it is, the ends of `part` and `other`, and nothing of `secret`.
#[test]
fn parts_are_copied_only_to_where_they_are_shown_anyway() {
    run(async {
        let schema = "CREATE TABLE t (id int PRIMARY KEY, note text, secret text, part text, other text);
            INSERT INTO t VALUES (1, 'note', 'secret', 'part of a text', 'other')";
        let (clerk, _direct, proxy) = clients_on("guard_copies", schema, "clerk", COPIES).await;
        let at = super::At { port: proxy.port(), database: "guard_copies", user: "tester", purpose: Some("viewer") };
        let viewer = at.tokio().await;
        for (client, who, sql, permitted) in [
            // The whole value goes where a part of it is shown: no further than it is.
            (&clerk, "clerk", "UPDATE t SET part = secret", false),
            (&clerk, "clerk", "UPDATE t SET part = 'x' WHERE length(secret) > 3", false),
            (&clerk, "clerk", "INSERT INTO t (id, part) SELECT 2, secret FROM t", false),
            (&clerk, "clerk", "UPDATE t SET note = part", false),
            (&clerk, "clerk", "UPDATE t SET other = part", false),
            (&clerk, "clerk", "UPDATE t SET part = note", true),
            // What a viewer sees of a part all may see who see the same part, or more.
            (&viewer, "viewer", "UPDATE t SET note = part", true),
            (&viewer, "viewer", "UPDATE t SET note = 'x' WHERE part LIKE '%text'", true),
            (&viewer, "viewer", "UPDATE t SET part = 'x'", false),
            (&viewer, "viewer", "UPDATE t SET note = secret", false),
        ] {
            let answer = rows(client, sql).await;
            assert_eq!(answer.is_ok(), permitted, "{who}: {sql}: {answer:?}");
            assert!(answer.is_ok() || answer.as_ref().is_err_and(|refused| refused.starts_with("42501")), "{answer:?}");
        }
    });
}

#[test]
fn without_the_function_pseudonyms_are_closed() {
    run(async {
        let schema = format!(
            "{PEOPLE} CREATE SCHEMA wherefore; CREATE FUNCTION wherefore.pseudonym(value text, key text,
            purpose text) RETURNS bytea LANGUAGE sql AS $$ SELECT convert_to($1, 'UTF8') $$"
        );
        for (database, schema) in [("guard_not_installed", PEOPLE), ("guard_installed_otherwise", schema.as_str())] {
            let (training, direct, _proxy) = clients_on(database, schema, "training", PSEUDONYMS).await;
            let error = training.simple_query("SELECT email FROM people").await.expect_err("closed");
            let detail = error.as_db_error().and_then(|error| error.detail().map(str::to_owned)).unwrap_or_default();
            assert!(detail.contains("wherefore install"), "{detail}");
            assert_eq!(rows(&training, "SELECT id FROM people WHERE id = 1").await, Ok(vec![vec![Some("1".into())]]));
            // A key that is not there shows nothing.
            direct.batch_execute("DROP SCHEMA IF EXISTS wherefore CASCADE").await.expect("a schema");
            direct
                .batch_execute(&pseudonyms::script(&["PUBLIC".into()], &["second".into()]))
                .await
                .expect("installing");
            direct.batch_execute(pseudonyms::REMOVAL).await.expect("removing");
            let left = rows(&direct, "SELECT 1 FROM pg_namespace WHERE nspname = 'wherefore'").await;
            assert_eq!(left, Ok(vec![]));
        }
    });
}

#[test]
fn what_a_mask_does_not_fit_stays_closed() {
    run(async {
        let schema = "CREATE DOMAIN mail AS text; CREATE TYPE mood AS ENUM ('good');
            CREATE TABLE t0 (id int, v mail); CREATE TABLE t1 (id int, v text[]); CREATE TABLE t2 (id int, v mood);
            CREATE TABLE t3 (id int, v json); CREATE TABLE t4 (id int, v time); CREATE TABLE t5 (id int, v int4);
            CREATE TABLE t6 (id int, v bytea); CREATE TABLE t7 (id int, v date); CREATE TABLE t8 (id int, v interval)";
        let partial = "{ partial = { keep_last = 1 } }";
        let masks = [
            partial,
            partial,
            partial,
            "{ jsonb = { keep = [\"a\"] } }",
            "{ date = \"hour\" }",
            "{ number = \"0.5\" }",
            partial,
            "{ date = \"hour\" }",
            "{ date = \"day\" }",
        ];
        let (guarded, _direct, _proxy) = clients_on("guard_unfit", schema, "masked", &pack(&masks)).await;
        for at in 0..masks.len() {
            let error = guarded.simple_query(&format!("SELECT v FROM t{at}")).await.expect_err("closed");
            let detail = error.as_db_error().and_then(|error| error.detail().map(str::to_owned)).unwrap_or_default();
            assert!(detail.contains("does not fit"), "t{at}: {detail}");
            assert_eq!(rows(&guarded, &format!("SELECT id FROM t{at}")).await, Ok(vec![]));
        }
    });
}
