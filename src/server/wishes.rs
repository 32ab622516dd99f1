//! What a start-up packet asks of the proxy, and what a session begins with by it.

use crate::auth::{Claims, NotOneValue};
use crate::catalog::Catalog;
use crate::control::{Config, Token};
use crate::enforce::setting_permitted;
use crate::net::Identity;
use crate::policy::{Bound, Policy, Proof, RecipientId, Values};
use crate::session::{
    JUSTIFICATION, Legs, RECIPIENT, Start, justification, parameter_of, setting_of, start_purpose, start_values,
    unknown_setting,
};
use crate::vocab::{Refusal, SqlState};
use crate::wire::{Startup, option_settings, split_options};
use std::sync::Arc;

/// The client's wishes, as far as they concern the proxy.
pub struct Wishes {
    pub user: String,
    /// As whom the session is on the server.
    pub session_user: String,
    /// The database by the name that the client used.
    pub database: String,
    /// `wherefore.purpose`, if declared.
    pub purpose: Option<String>,
    /// Other settings of the proxy's own, with their values.
    pub given: Vec<(String, String)>,
    /// The first setting that may not be made under a restricted purpose, once the database is known.
    pub unjudged: Option<Box<str>>,
    pub replication: bool,
    /// What its token says of it.
    pub claims: Claims,
    /// What it has proven beside who it is.
    pub proof: Proof,
}

impl Wishes {
    /// Takes down what was found out of the client.
    pub fn prove(&mut self, identity: Option<&Identity>, token: Option<&Token>, claims: Claims) -> Result<(), Refusal> {
        let texts = |claim: &String| claims.texts(claim).into_iter().map(Arc::from).collect::<Box<[Arc<str>]>>();
        let recipient = match token.and_then(|token| token.recipient.as_ref()) {
            None => None,
            Some(claim) => match claims.value(claim) {
                Ok(Some(name)) => Some(Arc::from(name)),
                Ok(None) | Err(NotOneValue) => {
                    let message = format!("the token does not say for whom its bearer reads: claim \"{claim}\"");
                    return Err(Refusal::new(INVALID_AUTHORIZATION, message));
                }
            },
        };
        self.proof = Proof {
            certificate: identity.into_iter().flat_map(Identity::names).map(Arc::from).collect(),
            roles: token.and_then(|token| token.member_of.as_ref()).map(texts).unwrap_or_default(),
            purposes: token.and_then(|token| token.purposes.as_ref()).map(texts),
            recipient,
        };
        self.claims = claims;
        Ok(())
    }
}

const INVALID_AUTHORIZATION: SqlState = SqlState("28000");

/// The values of parameters that a token gives.
fn claimed(policy: &Policy, claims: &Claims) -> Result<Values, Refusal> {
    let mut values = Values::default();
    for (id, parameter) in policy.parameters() {
        let Some(claim) = parameter.claim() else { continue };
        let wrong = |wanted: &str| {
            let message =
                format!("the token's claim \"{claim}\", parameter \"{}\", must be {wanted}", parameter.name());
            Refusal::new(INVALID_AUTHORIZATION, message)
        };
        if let Some(text) = claims.value(claim).map_err(|NotOneValue| wrong("one value"))? {
            values.set(id, parameter.read(&text).map_err(|wanted| wrong(&wanted))?);
        }
    }
    Ok(values)
}

/// Takes what concerns the proxy out of the start-up message. An error names a parameter that is not UTF-8.
pub fn take_wishes(startup: &mut Startup) -> Result<Wishes, &'static str> {
    let text = |name: &'static str, startup: &Startup| match startup.get(name) {
        Some(value) => std::str::from_utf8(value).map(|value| Some(value.to_owned())).map_err(|_| name),
        None => Ok(None),
    };
    let user = text("user", startup)?.unwrap_or_default();
    let database = text("database", startup)?.filter(|name| !name.is_empty()).unwrap_or_else(|| user.clone());
    let mut own: Vec<(String, String)> = Vec::new();
    if let Some(options) = text("options", startup)? {
        let split = split_options(&options);
        if !split.own.is_empty() {
            match &split.rest {
                Some(rest) => startup.set("options", rest.as_bytes()),
                None => startup.parameters.retain(|(name, _)| name != b"options"),
            }
        }
        own = split.own;
    }
    let mut kept = Vec::new();
    for (name, value) in std::mem::take(&mut startup.parameters) {
        match std::str::from_utf8(&name).map(str::to_ascii_lowercase) {
            Ok(lower) if lower.starts_with("wherefore.") => {
                own.push((lower, String::from_utf8_lossy(&value).into_owned()));
            }
            Ok(_) | Err(_) => kept.push((name, value)),
        }
    }
    startup.parameters = kept;
    let replication = startup.get("replication").is_some_and(|value| !is_false(value));
    let (purposes, given): (Vec<_>, Vec<_>) = own.into_iter().partition(|(name, _)| name == "wherefore.purpose");
    let purpose = purposes.into_iter().next_back().map(|(_, value)| value);
    Ok(Wishes {
        session_user: user.clone(),
        user,
        database,
        purpose,
        given,
        unjudged: None,
        replication,
        claims: Claims::default(),
        proof: Proof::default(),
    })
}

/// Whether the server takes a value for false (`parse_bool`): any beginning of a word that is no other's.
fn is_false(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    let begins = |word: &[u8], least: usize| value.len() >= least && word.starts_with(&value);
    begins(b"false", 1) || begins(b"no", 1) || begins(b"off", 2) || value == b"0"
}

/// The first start-up setting that may not be made under a restricted purpose.
pub fn unjudged(startup: &Startup, catalog: &Catalog) -> Option<Box<str>> {
    let permitted = |name: &str, value: &str| setting_permitted(name, value, catalog);
    for (name, value) in &startup.parameters {
        let value = String::from_utf8_lossy(value);
        let name = String::from_utf8_lossy(name);
        match &*name {
            // Of the protocol itself.
            "user" | "database" | "replication" => {}
            extension if extension.starts_with("_pq_.") => {}
            // The proxy's own: the client's were taken out.
            own if own.starts_with("wherefore.") => {}
            "options" => match option_settings(&value) {
                Ok(settings) => {
                    if let Some((name, _)) = settings.iter().find(|(name, value)| !permitted(name, value)) {
                        return Some(name.as_str().into());
                    }
                }
                Err(word) => return Some(word.into()),
            },
            setting if permitted(setting, &value) => {}
            setting => return Some(setting.into()),
        }
    }
    None
}

/// What a session begins with.
pub struct Beginning {
    pub start: Start,
    /// Whom the role stands for.
    pub recipient: Option<RecipientId>,
    /// Values of parameters beside those of the role.
    pub given: Values,
    /// All values of parameters.
    pub values: Values,
    pub justification: Option<Arc<str>>,
    /// What all of this was decided by.
    pub policy: Option<Arc<Policy>>,
}

impl Beginning {
    /// Declares it to the server.
    pub fn declare(&self, startup: &mut Startup) {
        let Some(policy) = &self.policy else {
            startup.set("wherefore.purpose", b"");
            return;
        };
        let name = self.start.purpose.map_or("", |purpose| policy.purpose_name(purpose));
        startup.set("wherefore.purpose", name.as_bytes());
        if let Some(name) = recipient_setting(policy, self.recipient) {
            startup.set(RECIPIENT, name.as_bytes());
        }
        if let Some(text) = &self.justification {
            startup.set(JUSTIFICATION, text.as_bytes());
        }
        for (id, parameter) in policy.parameters() {
            if let Some(value) = self.values.get(id) {
                startup.set(&setting_of(parameter), value.as_bytes());
            }
        }
    }

    /// Whether the session begins under a restricted purpose, or none.
    pub fn is_restricted(&self) -> bool {
        let purpose = self.policy.as_ref().zip(self.start.purpose);
        purpose.is_none_or(|(policy, purpose)| policy.enforces(purpose))
    }
}

impl Default for Beginning {
    fn default() -> Beginning {
        let start = Start { purpose: None, pinned: None, legs: Legs::ClientPlain };
        let (given, values) = Default::default();
        Beginning { start, recipient: None, given, values, justification: None, policy: None }
    }
}

/// The purpose and the values that the session starts with.
pub fn start_of(config: &Config, bound: &Bound, wishes: &Wishes, legs: Legs) -> Result<Beginning, Refusal> {
    let policy = bound.policy();
    let principal = bound.proven_principal(&wishes.user, &wishes.proof);
    let declared = wishes.given.iter().rev().find(|(name, _)| name == JUSTIFICATION);
    let justification = declared.map(|(_, text)| justification(text)).transpose()?.flatten();
    let is_known = |name: &str| name == JUSTIFICATION || parameter_of(policy, name).is_some();
    if let Some((name, _)) = wishes.given.iter().find(|(name, _)| !is_known(name)) {
        return Err(unknown_setting(policy, name));
    }
    let database = config.database.get(&wishes.database);
    let pinned = database.into_iter().flat_map(|alias| &alias.parameters);
    let pinned: Vec<(&str, String)> = pinned.map(|(name, value)| (name.as_str(), value.to_string())).collect();
    let given = start_values(policy, pinned.iter().map(|(name, value)| (*name, value.as_str())), &wishes.given)?;
    let given = given.or(&claimed(policy, &wishes.claims)?);
    let values = given.or(&principal.values);
    let alias = database.and_then(|alias| alias.purpose.as_deref());
    let role = config.role.get(&wishes.user).map(|role| role.purpose.as_str());
    let pins: Vec<&str> = alias.into_iter().chain(role).collect();
    let start = start_purpose(policy, &principal, legs, &pins, wishes.purpose.as_deref())?;
    let policy = Some(Arc::clone(policy));
    Ok(Beginning { start, recipient: principal.recipient, given, values, justification, policy })
}

/// What the database sees as the recipient; nothing where the policy knows none.
fn recipient_setting(policy: &Policy, recipient: Option<RecipientId>) -> Option<&str> {
    policy.recipients().next()?;
    Some(recipient.map_or("", |recipient| policy.recipient_name(recipient)))
}
