//! Who may declare which purpose, where, and what the refusal says otherwise.

use super::parameter::setting_of;
use super::settings::{Block, State};
use crate::policy::{Policy, Principal, PurposeId};
use crate::sql::{Kind, Set, SetScope, SetValue};
use crate::vocab::{Refusal, SqlState};
use std::sync::Arc;

/// The setting that carries the purpose.
pub const PURPOSE: &str = "wherefore.purpose";

/// The setting that carries the reason for what is read.
pub const JUSTIFICATION: &str = "wherefore.justification";

/// The setting that tells the database whom the session stands for. Nobody sets it.
pub const RECIPIENT: &str = "wherefore.recipient";

/// The longest justification, in bytes.
const LONGEST_JUSTIFICATION: usize = 1000;

const UNDEFINED_OBJECT: SqlState = SqlState("42704");

/// The purpose a session starts with and returns to by RESET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    pub purpose: Option<PurposeId>,
    /// Fixed by the config for the session's whole life.
    pub pinned: Option<PurposeId>,
    pub legs: Legs,
}

/// Whether the session's two connections are encrypted. A unix socket is as good, and towards the server the loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Legs {
    Encrypted,
    /// The client's is not.
    ClientPlain,
    /// The server's is not.
    ServerPlain,
}

/// What decides whether a purpose may be declared.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub policy: &'a Policy,
    pub principal: &'a Principal,
    pub start: Start,
}

/// The purposes a principal may declare, as a hint says it.
pub fn declarable(policy: &Policy, principal: &Principal) -> String {
    if let Some(disagreement) = &principal.disagreement {
        return disagreement.words();
    }
    let names: Vec<&str> = principal.purposes.iter().map(|purpose| &**policy.purpose_name(*purpose)).collect();
    if names.is_empty() {
        format!("The policy grants no purpose to {}.", quoted(&principal.user))
    } else {
        format!("{} may declare: {}.", quoted(&principal.user), names.join(", "))
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// A client's text in a message, cut to what fits on a line.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(63).collect();
    quoted(&cut)
}

/// The purpose that a session starts with: the pins of the database alias and of the role, which must agree, then what the
/// start-up packet declares, then the role's default.
pub fn start_purpose(
    policy: &Policy,
    principal: &Principal,
    legs: Legs,
    pins: &[&str],
    declared: Option<&str>,
) -> Result<Start, Refusal> {
    let open = Rules { policy, principal, start: Start { purpose: None, pinned: None, legs } };
    let mut pinned = None;
    for pin in pins {
        let purpose = open.declare(pin)?;
        if pinned.is_some_and(|other| other != purpose) {
            return Err(Refusal::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                "the database alias and the role are pinned to different purposes",
            )
            .with_detail(format!("The pins are: {}.", pins.join(", "))));
        }
        pinned = Some(purpose);
    }
    let rules = Rules { start: Start { purpose: pinned, pinned, legs }, ..open };
    let purpose = match declared.filter(|name| !name.is_empty()) {
        Some(name) => Some(rules.declare(name)?),
        None => pinned.or(principal.default),
    };
    if let Some(purpose) = purpose {
        rules.encrypted(purpose)?;
    }
    Ok(Start { purpose, pinned, legs })
}

/// Whether the purpose may be in force over these connections.
pub fn encrypted(policy: &Policy, purpose: PurposeId, legs: Legs) -> Result<(), Refusal> {
    let Some(demanded) = policy.requires_tls(purpose) else { return Ok(()) };
    let (which, hint) = match legs {
        Legs::Encrypted => return Ok(()),
        Legs::ClientPlain => ("the connection to the proxy", "Connect with sslmode=verify-full."),
        Legs::ServerPlain => ("the proxy's connection to the server", "Set upstream.sslmode in the proxy's config."),
    };
    let rests = demanded.clause.map_or_else(String::new, |clause| format!(" It rests on {}.", clause.quoted()));
    let name = quoted(policy.purpose_name(purpose));
    Err(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("purpose {name} requires an encrypted connection"))
        .with_detail(format!("The policy says require_tls, and {which} is not encrypted.{rests}"))
        .with_hint(hint))
}

impl Rules<'_> {
    /// The purpose of that name, if this principal may declare it.
    pub fn declare(&self, name: &str) -> Result<PurposeId, Refusal> {
        let Some(purpose) = self.policy.purpose(name) else {
            return Err(Refusal::new(SqlState::INVALID_PARAMETER_VALUE, format!("unknown purpose {}", shown(name)))
                .with_hint(declarable(self.policy, self.principal)));
        };
        self.pinned_to(Some(purpose))?;
        if !self.principal.may_declare(purpose) {
            let message = format!("{} may not declare the purpose {}", quoted(&self.principal.user), shown(name));
            return Err(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .with_hint(declarable(self.policy, self.principal)));
        }
        self.encrypted(purpose)?;
        Ok(purpose)
    }

    /// Whether a purpose that was declared may stay.
    pub fn may_hold(&self, purpose: PurposeId) -> bool {
        self.principal.may_declare(purpose) && self.encrypted(purpose).is_ok()
    }

    fn encrypted(&self, purpose: PurposeId) -> Result<(), Refusal> {
        encrypted(self.policy, purpose, self.start.legs)
    }

    fn pinned_to(&self, purpose: Option<PurposeId>) -> Result<(), Refusal> {
        match self.start.pinned {
            Some(pin) if purpose != Some(pin) => Err(Refusal::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("this session is pinned to the purpose {}", quoted(self.policy.purpose_name(pin))),
            )
            .with_hint("Another purpose needs a connection by another database name or role.")),
            Some(_) | None => Ok(()),
        }
    }

    /// The purpose that a `SET wherefore.purpose` or `RESET` puts in force, if it may stand where it does.
    pub fn set(&self, set: &Set, state: &State) -> Result<Option<PurposeId>, Refusal> {
        let purpose = match &set.value {
            SetValue::Default => self.start.purpose,
            SetValue::Values(values) => match &values[..] {
                [name] if name.is_empty() => {
                    self.pinned_to(None)?;
                    None
                }
                [name] => Some(self.declare(name)?),
                _ => {
                    let message = "wherefore.purpose takes one purpose";
                    return Err(Refusal::new(SqlState::INVALID_PARAMETER_VALUE, message));
                }
            },
            SetValue::Special | SetValue::Parameter => {
                let message = format!("{PURPOSE} takes the name of a purpose");
                return Err(Refusal::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
        };
        self.place(set.scope, state)?;
        Ok(purpose)
    }

    /// Whether the purpose may change here.
    pub fn place(&self, scope: SetScope, state: &State) -> Result<(), Refusal> {
        let wrong = |message: &str, hint: &str| {
            Err(Refusal::new(SqlState::ACTIVE_SQL_TRANSACTION, message).with_hint(hint.to_owned()))
        };
        match scope {
            SetScope::Session if state.block == Block::Inside => wrong(
                "the purpose of a session cannot be set inside a transaction block",
                "End the transaction first, or declare with SET LOCAL as the transaction's first statement.",
            ),
            SetScope::Session if !state.fresh => wrong(
                "the purpose of a session can be set only before anything else in a message",
                "Send SET wherefore.purpose on its own.",
            ),
            SetScope::Local if !state.fresh => wrong(
                "SET LOCAL wherefore.purpose must be the first statement of a transaction",
                "End the transaction and declare the purpose right after BEGIN.",
            ),
            SetScope::Session | SetScope::Local => Ok(()),
        }
    }
}

/// What a `SET wherefore.justification` declares; `first` is what the session began with.
pub fn declared_justification(set: &Set, first: Option<&Arc<str>>) -> Result<Option<Arc<str>>, Refusal> {
    let wrong = |message: &str| Refusal::new(SqlState::INVALID_PARAMETER_VALUE, format!("{JUSTIFICATION} {message}"));
    match &set.value {
        SetValue::Default => Ok(first.map(Arc::clone)),
        SetValue::Values(texts) => match &texts[..] {
            [text] => justification(text),
            _none_or_many => Err(wrong("takes one text")),
        },
        SetValue::Special | SetValue::Parameter => Err(wrong("takes a constant")),
    }
}

/// A justification as a session declares it; an empty one is none.
pub fn justification(text: &str) -> Result<Option<Arc<str>>, Refusal> {
    if text.len() > LONGEST_JUSTIFICATION {
        let message = format!("{JUSTIFICATION} is longer than {LONGEST_JUSTIFICATION} bytes");
        return Err(Refusal::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok((!text.is_empty()).then(|| text.into()))
}

/// A setting of ours that does not exist.
pub fn unknown_setting(policy: &Policy, name: &str) -> Refusal {
    if name == RECIPIENT {
        let message = format!("a session may not choose {RECIPIENT}");
        return Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .with_hint("The policy gives it by role: recipient.");
    }
    let own = policy.parameters().map(|(_, parameter)| setting_of(parameter));
    let known: Vec<String> = [PURPOSE, JUSTIFICATION].map(str::to_owned).into_iter().chain(own).collect();
    Refusal::new(UNDEFINED_OBJECT, format!("unrecognized configuration parameter {}", shown(name)))
        .with_hint(format!("The proxy knows {}.", known.join(", ")))
}

/// A comment that names another purpose than the one in force, where it cannot change.
pub fn comment_out_of_place(policy: &Policy, in_force: Option<PurposeId>) -> Refusal {
    let message = match in_force {
        Some(purpose) => format!(
            "a comment cannot change the purpose inside a transaction or message; in force is {}",
            quoted(policy.purpose_name(purpose))
        ),
        None => "a comment cannot change the purpose inside a transaction or message; none is in force".to_owned(),
    };
    Refusal::new(SqlState::ACTIVE_SQL_TRANSACTION, message)
        .with_hint("Declare the purpose with SET LOCAL wherefore.purpose as the transaction's first statement.")
}

/// A restricted purpose in a session that started with a setting that such a purpose may not have.
pub fn needs_new_session(setting: &str) -> Refusal {
    let message = format!("a session that started with {setting} set cannot come under a restricted purpose");
    Refusal::new(SqlState::ACTIVE_SQL_TRANSACTION, message)
        .with_detail("DISCARD ALL would return to that value.")
        .with_hint("Open a new session without it.")
}

/// A start-up parameter that may not be set under a restricted purpose.
pub fn start_up_setting(setting: &str) -> Refusal {
    let message = format!("the start-up parameter {} is not understood under a restricted purpose", shown(setting));
    Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        .with_hint("Leave it out, or declare a purpose that is not restricted.")
}

/// A restricted purpose after statements that were never understood.
pub fn needs_clean_session() -> Refusal {
    Refusal::new(
        SqlState::ACTIVE_SQL_TRANSACTION,
        "a session that has worked under an unrestricted purpose cannot go on under a restricted one",
    )
    .with_detail("Temporary tables, prepared statements and cursors made before were never understood.")
    .with_hint("Open a new session or run DISCARD ALL.")
}

/// `SET wherefore.…`, whose place in the transaction matters.
pub fn is_declaration(kind: &Kind) -> bool {
    matches!(kind, Kind::Set(set) if set.name.starts_with("wherefore."))
}

/// A policy whose conditions and masks do not fit the database.
pub fn unfit() -> Refusal {
    Refusal::new(SqlState("57P03"), "the policy does not fit this database")
        .with_hint("Restricted purposes are not served until it does. The proxy's log says what does not fit.")
}

/// A catalog that is known to have changed.
pub fn unread_catalog() -> Refusal {
    Refusal::new(SqlState("57P03"), "the catalog cannot be read after a change")
        .with_hint("Try again later. The proxy's log says why.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::SourceFile;

    #[test]
    fn a_purpose_that_requires_tls_names_the_leg_that_lacks_it() {
        let text = "[pack]\nname = \"p\"\ndocument = \"d\"\n[purpose.sealed]\nrequire_tls = true\n[purpose.open]\n";
        let file = SourceFile { path: "pack.toml".to_owned(), text: text.to_owned() };
        let policy = Policy::parse(&[file]).expect("a policy").policy;
        for (name, legs, expected) in [
            ("open", Legs::ClientPlain, None),
            ("open", Legs::ServerPlain, None),
            ("sealed", Legs::Encrypted, None),
            ("sealed", Legs::ClientPlain, Some("the connection to the proxy is not encrypted")),
            ("sealed", Legs::ServerPlain, Some("the proxy's connection to the server is not encrypted")),
        ] {
            let purpose = policy.purpose(name).expect("a purpose");
            let detail = encrypted(&policy, purpose, legs).err().and_then(|refusal| refusal.detail);
            assert_eq!(detail.is_some(), expected.is_some(), "{name} {legs:?}");
            assert!(detail.is_none_or(|detail| detail.contains(expected.unwrap_or_default())), "{name} {legs:?}");
        }
    }
}
