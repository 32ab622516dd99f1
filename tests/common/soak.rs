//! How long tests of generated things go on.

use std::time::Duration;

/// How long the soak that `WHEREFORE_SOAK` asks for lasts: `90s`, `10m`, `1h`.
pub fn soak() -> Option<Duration> {
    let text = std::env::var("WHEREFORE_SOAK").ok()?;
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => panic!("WHEREFORE_SOAK is a number and s, m or h"),
    };
    Some(Duration::from_secs(number.parse::<u64>().expect("WHEREFORE_SOAK is a number and s, m or h") * unit))
}
