//! The function that draws noise, and the table of what was spent: what `wherefore install` puts into a database, and whether
//! it is there.
//!
//! Noise is a whole number, from the two-sided geometric distribution: the difference of two numbers that are each at
//! least k with probability exp(-k s / t). Each is floor(-ln(u) t / s), where u is one of 2^120 equally likely numbers
//! up to 1, from the server's strong random source: no session can steer it, as it can random(). All is computed
//! with whole numbers and forty decimals, so no rounding of floats tells what noise was added to.

use super::lookup::Catalog;
use super::pseudonyms::{INT8, SCHEMA, Shape, is_ours};

/// The function: `t` and `s`.
pub const FUNCTION: &str = "wherefore.noise";

/// The body. 83.17… is ln(2^120).
pub const BODY: &str = "
SELECT (floor(greatest(83.177661667193437130067854574981188169060016123 - ln(r.a), 0) * $1 / $2)
        - floor(greatest(83.177661667193437130067854574981188169060016123 - ln(r.b), 0) * $1 / $2))::int8
  FROM (SELECT ('x' || substr(d.h, 1, 15))::bit(60)::int8 * 1152921504606846976::numeric
               + ('x' || substr(d.h, 16, 15))::bit(60)::int8 + 1.0000000000000000000000000000000000000000 AS a,
               ('x' || substr(d.h, 31, 15))::bit(60)::int8 * 1152921504606846976::numeric
               + ('x' || substr(d.h, 46, 15))::bit(60)::int8 + 1.0000000000000000000000000000000000000000 AS b
          FROM (SELECT encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex') AS h
                OFFSET 0) AS d OFFSET 0) AS r
";

/// Whether the function is in the database as `wherefore install` makes it.
pub fn installed(catalog: &Catalog) -> bool {
    let mut here = catalog.functions("noise").filter(|function| &*function.schema == SCHEMA);
    let shape = Shape { body: BODY, signature: "bigint, bigint", returns: INT8 };
    // One that is not would be drawn once for all that a statement tells, or once for a plan.
    here.next().is_some_and(|function| is_ours(function, &shape) && function.volatile) && here.next().is_none()
}

/// The SQL that installs it, for these roles to call, after [`super::pseudonyms::script`]. `keeper` is the role that the
/// proxy reads the catalog as: it alone writes down what was spent. Without one that is whoever runs the script.
pub fn script(roles: &[String], keeper: Option<&str>) -> String {
    let grantees = super::pseudonyms::grantees(roles);
    let script = format!(
        "-- Noise for wherefore, and the budgets that it is told out of.
BEGIN;
CREATE OR REPLACE FUNCTION wherefore.noise(t bigint, s bigint) RETURNS bigint
    LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $wherefore${BODY}$wherefore$;
ALTER FUNCTION wherefore.noise(bigint, bigint) OWNER TO CURRENT_USER;
REVOKE ALL ON FUNCTION wherefore.noise(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wherefore.noise(bigint, bigint) TO {grantees};
CREATE TABLE IF NOT EXISTS wherefore.budget (
    role    text NOT NULL,
    purpose text NOT NULL,
    began   timestamptz NOT NULL,
    spent   bigint NOT NULL CHECK (spent > 0),
    PRIMARY KEY (role, purpose)
);
ALTER TABLE wherefore.budget OWNER TO CURRENT_USER;
REVOKE ALL ON TABLE wherefore.budget FROM PUBLIC;
"
    );
    let keeper = keeper.map_or_else(String::new, |keeper| {
        let keeper = super::quote_identifier(keeper);
        format!(
            "GRANT USAGE ON SCHEMA wherefore TO {keeper};\nGRANT SELECT, INSERT, UPDATE ON TABLE wherefore.budget TO {keeper};\n"
        )
    });
    script + &keeper + "COMMIT;\n"
}

/// The SQL that takes it away, with what was spent, before [`super::pseudonyms::REMOVAL`].
pub const REMOVAL: &str = "BEGIN;
DROP FUNCTION IF EXISTS wherefore.noise(bigint, bigint);
DROP TABLE IF EXISTS wherefore.budget;
COMMIT;
";
