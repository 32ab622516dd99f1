//! What values look like that are of a kind.

use super::kind::Kind;
use std::net::IpAddr;

impl Kind {
    /// Kinds whose values look like something.
    pub(super) const LOOKS: [Kind; 12] = [
        Kind::Email,
        Kind::Ip,
        Kind::Card,
        Kind::BankAccount,
        Kind::Credential,
        Kind::Coordinates,
        Kind::Phone,
        Kind::BirthDate,
        Kind::PostalCode,
        Kind::Navigation,
        Kind::Name,
        Kind::FreeText,
    ];

    /// Whether a value looks like one of this kind.
    pub(super) fn fits(self, value: &str) -> bool {
        let value = value.trim();
        match self {
            Kind::Email => is_email(value),
            Kind::Ip => value.split('/').next().is_some_and(|address| address.parse::<IpAddr>().is_ok()),
            Kind::Card => is_card(value),
            Kind::BankAccount => is_iban(value),
            Kind::Credential => is_secret(value),
            Kind::Coordinates => is_coordinates(value),
            Kind::Phone => is_phone(value),
            Kind::BirthDate => is_birth_date(value),
            Kind::PostalCode => is_postal_code(value),
            Kind::Navigation => value.starts_with("http://") || value.starts_with("https://") || value.starts_with('/'),
            Kind::Name => is_name(value),
            Kind::FreeText => value.split_whitespace().count() >= 5,
            Kind::Money
            | Kind::Age
            | Kind::Gender
            | Kind::Employment
            | Kind::Street
            | Kind::City
            | Kind::Country
            | Kind::Username
            | Kind::Language
            | Kind::Device
            | Kind::Consent
            | Kind::Interests
            | Kind::UserKey => false,
        }
    }
}

fn digits(value: &str) -> Vec<u32> {
    value.chars().filter_map(|letter| letter.to_digit(10)).collect()
}

fn made_of(value: &str, besides: &str) -> bool {
    !value.is_empty() && value.chars().all(|letter| letter.is_ascii_digit() || besides.contains(letter))
}

fn is_email(value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else { return false };
    let plain = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '@');
    plain(local) && plain(domain) && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
}

fn is_phone(value: &str) -> bool {
    let count = digits(value).len();
    let marked = value.starts_with('+') || value.starts_with("00") || value.contains(['-', ' ', '(', '/']);
    made_of(value, "+-() ./") && (7..=15).contains(&count) && marked && !is_birth_date(value) && !Kind::Ip.fits(value)
}

/// Thirteen to nineteen digits whose last one is Luhn's check digit (ISO/IEC 7812-1).
fn is_card(value: &str) -> bool {
    let digits = digits(value);
    if !made_of(value, " -") || !(13..=19).contains(&digits.len()) || digits.iter().all(|digit| *digit == digits[0]) {
        return false;
    }
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}

/// Two letters, two check digits, and what leaves one when divided by 97 (ISO 13616).
fn is_iban(value: &str) -> bool {
    let value: Vec<char> = value.chars().filter(|letter| *letter != ' ').collect();
    let shape = (15..=34).contains(&value.len())
        && value.iter().all(|letter| letter.is_ascii_alphanumeric())
        && value[..2].iter().all(char::is_ascii_alphabetic)
        && value[2..4].iter().all(char::is_ascii_digit);
    let number = value.iter().skip(4).chain(value.iter().take(4)).filter_map(|letter| letter.to_digit(36));
    shape && number.fold(0, |rest, digit| (rest * if digit > 9 { 100 } else { 10 } + digit) % 97) == 1
}

fn is_secret(value: &str) -> bool {
    let known = [
        "$2a$",
        "$2b$",
        "$2y$",
        "$argon2",
        "$6$",
        "$5$",
        "$scrypt$",
        "pbkdf2",
        "SCRAM-SHA-256$",
        "eyJ",
        "sk_",
        "ghp_",
        "xoxb-",
        "AKIA",
        "{SSHA}",
    ];
    let hex = value.len() >= 32 && value.len().is_multiple_of(2) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mixed = value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_uppercase())
        && value.bytes().any(|byte| byte.is_ascii_lowercase());
    let base = value.len() >= 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-.".contains(&byte));
    known.iter().any(|prefix| value.starts_with(prefix)) || hex || (base && mixed && !is_iban(value))
}

/// `52.5200, 13.4050`, `(52.52,13.405)`.
fn is_coordinates(value: &str) -> bool {
    let inside = value.trim_start_matches('(').trim_end_matches(')');
    let Some((latitude, longitude)) = inside.split_once(',') else { return false };
    let within = |text: &str, most: f64| {
        let text = text.trim();
        text.split_once('.').is_some_and(|(_, fraction)| fraction.len() >= 2)
            && text.parse::<f64>().is_ok_and(|number| number.abs() <= most)
    };
    within(latitude, 90.0) && within(longitude, 180.0)
}

/// A day, as ISO writes it, on which somebody may have been born who is of age or nearly so.
fn is_birth_date(value: &str) -> bool {
    let parts: Vec<&str> = value.split('-').collect();
    let number = |at: usize| parts.get(at).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    parts.len() == 3
        && (1915..=2015).contains(&number(0))
        && (1..=12).contains(&number(1))
        && (1..=31).contains(&number(2))
}

/// Four to six digits, `12345-6789`, `SW1A 1AA`, `K1A 0B1`, `1234 AB`.
fn is_postal_code(value: &str) -> bool {
    let compact: String = value.chars().filter(|letter| !" -".contains(*letter)).collect();
    let letters = compact.chars().filter(char::is_ascii_alphabetic).count();
    let figures = compact.chars().filter(char::is_ascii_digit).count();
    letters + figures == compact.chars().count()
        && match letters {
            0 => (4..=6).contains(&figures) || figures == 9,
            _some => {
                (2..=5).contains(&letters)
                    && (1..=4).contains(&figures)
                    && compact.to_ascii_uppercase() == compact
                    && (5..=7).contains(&(figures + letters))
            }
        }
}

/// Two or three capitalised words without a digit.
fn is_name(value: &str) -> bool {
    let words: Vec<&str> = value.split_whitespace().collect();
    let capitalised = |word: &&str| {
        word.chars().next().is_some_and(char::is_uppercase)
            && word.chars().all(|c| c.is_alphabetic() || "'’.-".contains(c))
    };
    (2..=3).contains(&words.len()) && words.iter().all(capitalised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_recognised() {
        for (kind, fits, does_not) in [
            (
                Kind::Email,
                &["a@b.example", "a.b+c@sub.example.org"][..],
                &["a@b", "@b.example", "a b@c.example", "a@@b.example"][..],
            ),
            (
                Kind::Card,
                &["4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005"],
                &["4111111111111112", "1234", "0000000000000000"],
            ),
            (
                Kind::BankAccount,
                &["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"],
                &["DE89370400440532013001", "XX"],
            ),
            (Kind::Ip, &["10.0.0.1", "2001:db8::1", "192.168.0.0/16"], &["10.0.0", "1.2.3.4.5", "host"]),
            (
                Kind::Phone,
                &["+49 30 1234567", "(555) 010-9999", "0049301234567"],
                &["12345", "2001-02-03", "+abc", "203.0.113.17/32"],
            ),
            (
                Kind::Credential,
                &["$2b$12$abcdefghijklmnopqrstuv", "d41d8cd98f00b204e9800998ecf8427e", "eyJhbGciOiJIUzI1NiJ9"],
                &["password", "hello world", "1234"],
            ),
            (Kind::Coordinates, &["52.5200, 13.4050", "(52.52,13.405)"], &["95.00, 13.00", "1, 2", "52.52"]),
            (Kind::PostalCode, &["10115", "12345-6789", "SW1A 1AA", "1234 AB"], &["Berlin", "123", "12 345 678 90"]),
            (Kind::BirthDate, &["1980-02-29", "2001-12-31"], &["2026-01-01", "1890-01-01", "1980-13-01"]),
            (Kind::Name, &["Ada Lovelace", "Jean-Luc O'Neil"], &["ada", "Ada", "Ada 2", "Four Words Are Many"]),
            (Kind::FreeText, &["this is a text of words"], &["two words"]),
            (Kind::Navigation, &["https://a.example/b", "/pricing"], &["pricing"]),
        ] {
            for value in fits {
                assert!(kind.fits(value), "{value} fits {kind:?}");
            }
            for value in does_not {
                assert!(!kind.fits(value), "{value} does not fit {kind:?}");
            }
        }
    }
}
