//! The function that makes pseudonyms: what `wherefore install` puts into a database, and whether it is there.
//!
//! A pseudonym is HMAC-SHA-256 of the value under a key of the purpose, which is derived from a key that only the schema's
//! owner can read. The function runs with its owner's rights; the key stands in no statement, setting or plan.

use super::lookup::Catalog;
use super::routine::{Body, Function, FunctionKind};

/// The schema that belongs to the proxy. Under a restricted purpose nothing in it can be named; only guards call into it.
pub const SCHEMA: &str = "wherefore";

/// The function: the value's text, the name of the key, the purpose.
pub const FUNCTION: &str = "wherefore.pseudonym";

/// The setting that pins what the names in its body mean.
const SETTING: &str = "search_path=pg_catalog, pg_temp";

/// `pg_type.oid` of `bytea`.
const BYTEA: u32 = 17;
/// `pg_type.oid` of `bigint`.
pub(super) const INT8: u32 = 20;

/// The body. The purpose's key is derived as SP 800-56C does in one step, `sha256(1 || key || purpose)`. HMAC's two pads are
/// that key, filled up to 64 bytes, xor 0x36 and 0x5c in every byte: eight bytes are one number here.
pub const BODY: &str = "
SELECT sha256(pad.o || sha256(pad.i || convert_to($1, getdatabaseencoding())))
  FROM (SELECT int8send(w.a # 3906369333256140342) || int8send(w.b # 3906369333256140342)
               || int8send(w.c # 3906369333256140342) || int8send(w.d # 3906369333256140342)
               || decode(repeat('36', 32), 'hex') AS i,
               int8send(w.a # 6655295901103053916) || int8send(w.b # 6655295901103053916)
               || int8send(w.c # 6655295901103053916) || int8send(w.d # 6655295901103053916)
               || decode(repeat('5c', 32), 'hex') AS o
          FROM (SELECT ('x' || substr(h.x, 1, 16))::bit(64)::int8 AS a, ('x' || substr(h.x, 17, 16))::bit(64)::int8 AS b,
                       ('x' || substr(h.x, 33, 16))::bit(64)::int8 AS c, ('x' || substr(h.x, 49, 16))::bit(64)::int8 AS d
                  FROM (SELECT encode(sha256(int4send(1) || k.secret || convert_to($3, getdatabaseencoding())), 'hex') AS x
                          FROM wherefore.keys AS k WHERE k.id = $2 OFFSET 0) AS h OFFSET 0) AS w OFFSET 0) AS pad
";

/// Whether the function is in the database as `wherefore install` makes it.
pub fn installed(catalog: &Catalog) -> bool {
    let mut here = catalog.functions("pseudonym").filter(|function| &*function.schema == SCHEMA);
    let shape = Shape { body: BODY, signature: "text, text, text", returns: BYTEA };
    here.next().is_some_and(|function| is_ours(function, &shape)) && here.next().is_none()
}

/// What a function of ours is known by.
pub(super) struct Shape {
    pub(super) body: &'static str,
    pub(super) signature: &'static str,
    pub(super) returns: u32,
}

/// Whether a function is what `wherefore install` makes.
pub(super) fn is_ours(function: &Function, shape: &Shape) -> bool {
    let body = matches!(&function.body, Body::Text(body) if **body == *shape.body);
    let settings = function.settings.iter().map(|setting| &**setting).eq([SETTING]);
    body && settings
        && function.kind == FunctionKind::Function
        && &*function.signature == shape.signature
        && function.returns == shape.returns
        && !function.set
}

/// The roles of a GRANT. `PUBLIC` is one.
pub(super) fn grantees(roles: &[String]) -> String {
    let quoted = |role: &String| if role == "PUBLIC" { role.clone() } else { super::quote_identifier(role) };
    roles.iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// The SQL that installs it, for these roles to call (`PUBLIC` is one), with these keys made where they are not there.
pub fn script(roles: &[String], keys: &[String]) -> String {
    let grantees = grantees(roles);
    let mut script = format!(
        "-- Pseudonyms for wherefore. Run it as the role that is to own the keys, in every database whose policy shows pseudonyms.
-- Running it again changes nothing. `wherefore install --remove` writes how to take it away.
BEGIN;
CREATE SCHEMA IF NOT EXISTS wherefore;
ALTER SCHEMA wherefore OWNER TO CURRENT_USER;
REVOKE ALL ON SCHEMA wherefore FROM PUBLIC;
CREATE TABLE IF NOT EXISTS wherefore.keys (
    id     text PRIMARY KEY,
    secret bytea NOT NULL CHECK (octet_length(secret) >= 32)
);
ALTER TABLE wherefore.keys OWNER TO CURRENT_USER;
REVOKE ALL ON TABLE wherefore.keys FROM PUBLIC;
CREATE OR REPLACE FUNCTION wherefore.pseudonym(value text, key text, purpose text) RETURNS bytea
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $wherefore${BODY}$wherefore$;
ALTER FUNCTION wherefore.pseudonym(text, text, text) OWNER TO CURRENT_USER;
REVOKE ALL ON FUNCTION wherefore.pseudonym(text, text, text) FROM PUBLIC;
GRANT USAGE ON SCHEMA wherefore TO {grantees};
GRANT EXECUTE ON FUNCTION wherefore.pseudonym(text, text, text) TO {grantees};
"
    );
    for key in keys {
        // The server draws the key: it stands in no statement. A version 4 UUID holds 122 bits of its strong random source.
        script.push_str(&format!(
            "INSERT INTO wherefore.keys (id, secret)
    SELECT {}, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
    ON CONFLICT (id) DO NOTHING;
",
            super::quote_literal(key)
        ));
    }
    script + "COMMIT;\n"
}

/// The SQL that takes it away, and the keys with it: pseudonyms made before cannot be made again.
pub const REMOVAL: &str = "BEGIN;
DROP FUNCTION IF EXISTS wherefore.pseudonym(text, text, text);
DROP TABLE IF EXISTS wherefore.keys;
DROP SCHEMA IF EXISTS wherefore;
COMMIT;
";
