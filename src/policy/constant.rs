//! Whether a masking constant is sure to cast to a column's type. A mask must never raise an error, so where that is not
//! certain the answer is no and the column stays closed.

use crate::catalog::Column;

/// Built-in types by `pg_type.oid` (src/include/catalog/pg_type.dat of PostgreSQL).
pub(super) mod oid {
    pub const BOOL: u32 = 16;
    pub const INT8: u32 = 20;
    pub const INT2: u32 = 21;
    pub const INT4: u32 = 23;
    pub const TEXT: u32 = 25;
    pub const JSON: u32 = 114;
    pub const CIDR: u32 = 650;
    pub const FLOAT4: u32 = 700;
    pub const FLOAT8: u32 = 701;
    pub const INET: u32 = 869;
    pub const BPCHAR: u32 = 1042;
    pub const VARCHAR: u32 = 1043;
    pub const DATE: u32 = 1082;
    pub const TIMESTAMP: u32 = 1114;
    pub const TIMESTAMPTZ: u32 = 1184;
    pub const NUMERIC: u32 = 1700;
    pub const UUID: u32 = 2950;
    pub const JSONB: u32 = 3802;
}

/// Whether `constant` casts to the column's type without an error, whatever the session's settings.
pub(super) fn casts(constant: &str, column: &Column) -> bool {
    match column.type_oid {
        // An explicit cast to a length cuts; it does not fail.
        oid::TEXT | oid::VARCHAR | oid::BPCHAR => !constant.contains('\0'),
        oid::BOOL => matches!(constant, "true" | "false"),
        oid::INT2 => constant.parse::<i16>().is_ok(),
        oid::INT4 => constant.parse::<i32>().is_ok(),
        oid::INT8 => constant.parse::<i64>().is_ok(),
        // Without a precision anything plain fits.
        oid::NUMERIC => decimal(constant) && !column.type_sql.contains('('),
        oid::FLOAT4 => decimal(constant) && constant.len() <= 30,
        oid::FLOAT8 => decimal(constant) && constant.len() <= 100,
        oid::DATE => date(constant),
        oid::TIMESTAMP | oid::TIMESTAMPTZ => date(constant),
        oid::UUID => uuid(constant),
        oid::INET => constant.parse::<core::net::IpAddr>().is_ok(),
        oid::JSON | oid::JSONB => json(constant),
        _ => false,
    }
}

/// Digits with an optional sign and fraction.
fn decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.len() <= 100 && part.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

/// `YYYY-MM-DD`, which every DateStyle reads alike; the 29th to the 31st are left out rather than counted.
fn date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten();
    let [_, _, _, _, b'-', _, _, b'-', _, _] = bytes else { return false };
    let (Some(year), Some(month), Some(day)) = (number(&text[..4]), number(&text[5..7]), number(&text[8..])) else {
        return false;
    };
    year >= 1 && (1..=12).contains(&month) && (1..=28).contains(&day)
}

fn uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn json(text: &str) -> bool {
    // Postgres refuses the escape of the zero character in jsonb.
    !text.contains("\\u") && serde_json::from_str::<serde_json::Value>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{casts, oid};
    use crate::catalog::Column;
    use crate::vocab::AttNum;

    #[test]
    fn only_what_is_sure_to_cast_does() {
        let check = |type_oid: u32, type_sql: &str, constant: &str, expected: bool| {
            let column = Column {
                number: AttNum(1),
                name: "c".into(),
                type_oid,
                type_sql: type_sql.into(),
                not_null: false,
                nondeterministic: false,
                generated: false,
            };
            assert_eq!(casts(constant, &column), expected, "{constant} as {type_sql}");
        };
        check(oid::TEXT, "text", "anything", true);
        check(oid::VARCHAR, "character varying(3)", "anything", true);
        check(oid::INT4, "integer", "0", true);
        check(oid::INT4, "integer", "zero", false);
        check(oid::INT4, "integer", "2147483648", false);
        check(oid::NUMERIC, "numeric", "-1.50", true);
        check(oid::NUMERIC, "numeric(3,2)", "1000", false);
        check(oid::DATE, "date", "1970-01-01", true);
        check(oid::DATE, "date", "1970-02-30", false);
        check(oid::DATE, "date", "yesterday", false);
        check(oid::DATE, "date", "１970-01-1", false);
        check(oid::UUID, "uuid", "00000000-0000-0000-0000-000000000000", true);
        check(oid::UUID, "uuid", "0", false);
        check(oid::INET, "inet", "0.0.0.0", true);
        check(oid::INET, "inet", "nowhere", false);
        check(oid::JSONB, "jsonb", "{\"a\": 1}", true);
        check(oid::JSONB, "jsonb", "{a}", false);
        check(oid::BOOL, "boolean", "false", true);
        check(16_500, "public.mood", "happy", false);
    }
}
