//! `[[hba]]`: who may come from where, the first row that matches decides, as in `pg_hba.conf`. What a row demands beside
//! is not part of the match: who does not meet it is refused, and does not fall through to a milder row.

use super::config::Config;
use crate::net::{ClientCertificates, ClientLeg, Identity, TlsMode};
use serde::Deserialize;
use std::net::IpAddr;

/// One row of the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// By the names that clients use; all if left out.
    databases: Option<Vec<String>>,
    users: Option<Vec<String>>,
    addresses: Option<Vec<Origin>>,
    #[serde(default)]
    tls: Encryption,
    certificates: Option<Certificates>,
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Allow,
    Reject,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encryption {
    #[default]
    Any,
    Required,
}

/// Which certificate a client must show.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Certificates {
    Of(Whose),
    /// One with any of these names.
    Named(Vec<Name>),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Whose {
    /// Its common name is the user.
    User,
}

/// A name in a certificate: `CN=…` or `SAN=…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Name {
    Common(String),
    Alternative(String),
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Name, &'static str> {
        match text.split_once('=') {
            Some((_, "")) => Err("a name in a certificate is not empty"),
            Some(("CN", name)) => Ok(Name::Common(name.to_owned())),
            Some(("SAN", name)) => Ok(Name::Alternative(name.to_owned())),
            Some(_) | None => Err("a name in a certificate is written CN=… or SAN=…"),
        }
    }
}

impl Name {
    pub fn is_in(&self, identity: &Identity) -> bool {
        match self {
            Name::Common(name) => identity.common_name.as_ref() == Some(name),
            Name::Alternative(name) => identity.alternative_names.contains(name),
        }
    }
}

/// Where a client comes from: `unix`, an address, or a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Origin {
    Unix,
    Network { address: IpAddr, bits: u8 },
}

impl TryFrom<String> for Origin {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Origin, &'static str> {
        const EXPECTED: &str = "\"unix\", an address or a network (10.0.0.0/8) was expected";
        if text == "unix" {
            return Ok(Origin::Unix);
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| EXPECTED)?)),
            None => (&*text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| EXPECTED)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(longest);
        if bits > longest {
            return Err(EXPECTED);
        }
        if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
            return Err("an address of version 4 is written as one (10.0.0.0/8), not within one of version 6");
        }
        if masked(address, bits) != number(address) {
            return Err("the network's address has bits set behind its mask");
        }
        Ok(Origin::Network { address, bits })
    }
}

impl Origin {
    pub fn holds(self, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Origin::Unix, None) => true,
            (Origin::Network { address: network, bits }, Some(address)) => {
                network.is_ipv4() == address.is_ipv4() && masked(address, bits) == number(network)
            }
            (Origin::Unix, Some(_)) | (Origin::Network { .. }, None) => false,
        }
    }
}

/// An address as a number, its first bit in front.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn masked(address: IpAddr, bits: u8) -> u128 {
    number(address) & u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

impl Row {
    /// What does not go together, in itself and with how clients connect.
    pub(super) fn contradiction(&self, leg: &ClientLeg) -> Option<&'static str> {
        let is_empty = |list: &Option<Vec<String>>| list.as_ref().is_some_and(Vec::is_empty);
        let nobody = is_empty(&self.databases)
            || is_empty(&self.users)
            || self.addresses.as_ref().is_some_and(Vec::is_empty)
            || matches!(&self.certificates, Some(Certificates::Named(names)) if names.is_empty());
        if nobody {
            return Some("an empty list matches nobody: leave it out to match everyone");
        }
        if self.tls == Encryption::Required && leg.mode == TlsMode::Off {
            return Some("`tls = \"required\"` needs [tls] with a mode other than \"off\"");
        }
        if self.certificates.is_some() && leg.client_certificates == ClientCertificates::Off {
            return Some("`certificates` needs [tls] with `client_certificates`");
        }
        None
    }

    fn matches(&self, comer: &Comer<'_>) -> bool {
        let names = |list: &Option<Vec<String>>, name: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|known| known == name))
        };
        names(&self.databases, comer.database)
            && names(&self.users, comer.user)
            && self.addresses.as_ref().is_none_or(|list| list.iter().any(|origin| origin.holds(comer.address)))
    }

    fn decide(&self, comer: &Comer<'_>) -> Result<(), Turned> {
        if self.action == Action::Reject {
            return Err(Turned::Rejected);
        }
        if self.tls == Encryption::Required && comer.is_readable() {
            return Err(Turned::NoRow);
        }
        let Some(wanted) = &self.certificates else { return Ok(()) };
        let identity = comer.identity.ok_or(Turned::NoCertificate)?;
        let fits = match wanted {
            Certificates::Of(Whose::User) => identity.common_name.as_deref() == Some(comer.user),
            Certificates::Named(names) => names.iter().any(|name| name.is_in(identity)),
        };
        if fits { Ok(()) } else { Err(Turned::WrongCertificate) }
    }
}

/// Someone at the door, before any password.
#[derive(Debug, Clone, Copy)]
pub struct Comer<'a> {
    pub user: &'a str,
    /// By the name that it used.
    pub database: &'a str,
    /// `None` on a unix socket.
    pub address: Option<IpAddr>,
    pub encrypted: bool,
    pub identity: Option<&'a Identity>,
}

impl Comer<'_> {
    /// Whether someone on the way could read what it sends. A unix socket does not leave the machine.
    fn is_readable(&self) -> bool {
        !self.encrypted && self.address.is_some()
    }
}

/// Why someone is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    NoRow,
    Rejected,
    NoCertificate,
    WrongCertificate,
}

impl Turned {
    /// In Postgres's words.
    pub fn words(self, comer: &Comer<'_>) -> String {
        let host = comer.address.map_or_else(|| "[local]".to_owned(), |address| address.to_string());
        let encryption = if comer.encrypted { "SSL encryption" } else { "no encryption" };
        let whole = format!("host \"{host}\", user \"{}\", database \"{}\", {encryption}", comer.user, comer.database);
        match self {
            Turned::NoRow => format!("no pg_hba.conf entry for {whole}"),
            Turned::Rejected => format!("pg_hba.conf rejects connection for {whole}"),
            Turned::NoCertificate => "connection requires a valid client certificate".to_owned(),
            Turned::WrongCertificate => format!("certificate authentication failed for user \"{}\"", comer.user),
        }
    }
}

/// Whether someone may come in. Without a table everyone may whom the server lets in.
pub fn admits(config: &Config, comer: &Comer<'_>) -> Result<(), Turned> {
    if config.tls.mode == TlsMode::Require && comer.is_readable() {
        return Err(Turned::NoRow);
    }
    if config.hba.is_empty() {
        return Ok(());
    }
    config.hba.iter().find(|row| row.matches(comer)).map_or(Err(Turned::NoRow), |row| row.decide(comer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(table: &str) -> Config {
        let text = format!(
            "{table}\n[tls]\nmode = \"allow\"\ncertificate = \"c\"\nkey = \"k\"\nclient_ca = \"a\"\n\
             client_certificates = \"optional\"\n[upstream]\nhost = \"localhost\"\ncatalog_user = \"reader\"\n"
        );
        Config::parse("wherefore.toml", &text).unwrap_or_else(|error| panic!("{table}: {error}"))
    }

    const TABLE: &str = "
        [[hba]]
        users = [\"intruder\"]
        action = \"reject\"
        [[hba]]
        users = [\"etl\"]
        databases = [\"chat\", \"chat_ml\"]
        certificates = [\"CN=batch\", \"SAN=batch@example.org\"]
        action = \"allow\"
        [[hba]]
        users = [\"ada\"]
        certificates = \"user\"
        tls = \"required\"
        action = \"allow\"
        [[hba]]
        addresses = [\"10.1.0.0/16\", \"2001:db8::/32\", \"192.0.2.7\"]
        tls = \"required\"
        action = \"allow\"
        [[hba]]
        addresses = [\"unix\"]
        action = \"allow\"
    ";

    #[test]
    fn the_first_row_that_matches_decides() {
        let config = config(TABLE);
        let (plain, tls) = (false, true);
        use Turned::{NoCertificate, NoRow, Rejected, WrongCertificate};
        for (user, database, address, encrypted, name, expected) in [
            ("intruder", "chat", "10.1.2.3", tls, None, Err(Rejected)),
            ("intruder", "chat", "", plain, None, Err(Rejected)),
            ("etl", "chat", "203.0.113.1", tls, Some("batch"), Ok(())),
            ("etl", "chat_ml", "203.0.113.1", tls, Some("batch"), Ok(())),
            ("etl", "chat", "10.1.2.3", tls, Some("other"), Err(WrongCertificate)),
            // It does not fall through to the network's row.
            ("etl", "chat", "10.1.2.3", tls, None, Err(NoCertificate)),
            ("etl", "shop", "203.0.113.1", tls, Some("batch"), Err(NoRow)),
            ("ada", "chat", "203.0.113.1", tls, Some("ada"), Ok(())),
            ("ada", "chat", "203.0.113.1", tls, Some("eve"), Err(WrongCertificate)),
            ("ada", "chat", "203.0.113.1", plain, None, Err(NoRow)),
            ("bob", "chat", "10.1.2.3", tls, None, Ok(())),
            ("bob", "chat", "10.1.2.3", plain, None, Err(NoRow)),
            ("bob", "chat", "10.2.2.3", tls, None, Err(NoRow)),
            ("bob", "chat", "192.0.2.7", tls, None, Ok(())),
            ("bob", "chat", "192.0.2.8", tls, None, Err(NoRow)),
            ("bob", "chat", "2001:db8:1::1", tls, None, Ok(())),
            ("bob", "chat", "2001:db9::1", tls, None, Err(NoRow)),
            // The same bits, but of the other family.
            ("bob", "chat", "a01:203::", tls, None, Err(NoRow)),
            ("bob", "chat", "", plain, None, Ok(())),
        ] {
            let identity =
                name.map(|name| Identity { common_name: Some(name.to_owned()), alternative_names: Vec::new() });
            let address = (!address.is_empty()).then(|| address.parse().expect("an address"));
            let comer = Comer { user, database, address, encrypted, identity: identity.as_ref() };
            assert_eq!(admits(&config, &comer), expected, "{comer:?}");
        }
    }

    #[test]
    fn what_cannot_be_meant_does_not_load() {
        for (table, expected) in [
            ("[[hba]]\nusers = []\naction = \"reject\"", "matches nobody"),
            ("[[hba]]\naddresses = [\"10.0.0.1/8\"]\naction = \"allow\"", "behind its mask"),
            ("[[hba]]\naddresses = [\"10.0.0.0/33\"]\naction = \"allow\"", "was expected"),
            ("[[hba]]\naddresses = [\"everywhere\"]\naction = \"allow\"", "was expected"),
            ("[[hba]]\nusers = [\"ada\"]", "missing field `action`"),
            ("[[hba]]\ncertificates = []\naction = \"allow\"", "matches nobody"),
            ("[[hba]]\ncertificates = [\"ada\"]\naction = \"allow\"", "did not match"),
            ("[[hba]]\ntls = \"required\"\naction = \"allow\"", "needs [tls]"),
            ("[[hba]]\ncertificates = \"user\"\naction = \"allow\"", "needs [tls]"),
        ] {
            let text = format!("{table}\n[upstream]\nhost = \"localhost\"\ncatalog_user = \"reader\"\n");
            let error = Config::parse("wherefore.toml", &text).map(|_| ()).expect_err(table).to_string();
            assert!(error.contains(expected), "{table}: {error}");
        }
    }
}
