//! Values of the policy's parameters: from the role, from the config, and, where the policy lets it, from the session itself,
//! once. They last as long as the session does: `RESET` and `DISCARD ALL` change nothing about them.

use super::settings::{Block, State};
use crate::policy::{Parameter, ParameterId, Policy, ValueSource, Values};
use crate::sql::{Set, SetScope, SetValue};
use crate::vocab::{Refusal, SqlState};
use std::sync::Arc;

/// What stands before a parameter's name in the name of its setting.
const PREFIX: &str = "wherefore.";

/// The parameter that a setting carries.
pub fn parameter_of<'p>(policy: &'p Policy, setting: &str) -> Option<(ParameterId, &'p Parameter)> {
    policy.parameter(setting.strip_prefix(PREFIX)?)
}

/// The setting that carries a parameter.
pub fn setting_of(parameter: &Parameter) -> String {
    format!("{PREFIX}{}", parameter.name())
}

/// The values that a session starts with beside those of its role: the pins of the config, and what the start-up packet
/// gives by settings.
pub fn start_values<'a>(
    policy: &Policy,
    pins: impl Iterator<Item = (&'a str, &'a str)>,
    given: &[(String, String)],
) -> Result<Values, Refusal> {
    let mut values = Values::default();
    for (name, text) in pins {
        let Some((id, parameter)) = policy.parameter(name) else {
            let message = format!("the config pins parameter \"{name}\", which the policy does not declare");
            return Err(Refusal::new(SqlState::INVALID_PARAMETER_VALUE, message));
        };
        if parameter.source() != ValueSource::Pin {
            let message = format!("the config pins parameter \"{name}\", whose values come from elsewhere");
            return Err(Refusal::new(SqlState::INVALID_PARAMETER_VALUE, message).with_hint(parameter.how()));
        }
        values.set(id, read(parameter, text)?);
    }
    for (name, text) in given {
        if let Some((id, parameter)) = parameter_of(policy, name) {
            let value = chosen(parameter, text)?;
            once(&values, id, parameter, &value)?;
            values.set(id, value);
        }
    }
    Ok(values)
}

/// The value that a `SET wherefore.…` gives, if it may stand where it does.
pub fn set_value(
    parameter: (ParameterId, &Parameter),
    values: &Values,
    set: &Set,
    state: &State,
) -> Result<Arc<str>, Refusal> {
    let (id, parameter) = parameter;
    let name = setting_of(parameter);
    let text = match &set.value {
        SetValue::Values(texts) => match &texts[..] {
            [text] => text,
            _none_or_many => return Err(wrong(format!("{name} takes one value"))),
        },
        SetValue::Default => {
            return Err(wrong(format!("{name} is set once per session")).with_hint("Open a new session."));
        }
        SetValue::Special | SetValue::Parameter => return Err(wrong(format!("{name} takes a constant"))),
    };
    if set.scope == SetScope::Local {
        let hint = format!("Send SET {name} before the transaction.");
        return Err(wrong(format!("{name} holds for a whole session")).with_hint(hint));
    }
    if state.block == Block::Inside || !state.fresh {
        let message = format!("{name} can be set only before anything else in a message, outside a transaction block");
        return Err(Refusal::new(SqlState::ACTIVE_SQL_TRANSACTION, message));
    }
    let value = chosen(parameter, text)?;
    once(values, id, parameter, &value)?;
    Ok(value)
}

/// A value that the session itself gives.
fn chosen(parameter: &Parameter, text: &str) -> Result<Arc<str>, Refusal> {
    if parameter.source() != ValueSource::Session {
        let message = format!("a session may not choose parameter \"{}\"", parameter.name());
        return Err(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_hint(parameter.how()));
    }
    read(parameter, text)
}

fn once(values: &Values, id: ParameterId, parameter: &Parameter, value: &str) -> Result<(), Refusal> {
    if values.get(id).is_none_or(|known| **known == *value) {
        return Ok(());
    }
    let message = format!("parameter \"{}\" has another value in this session", parameter.name());
    Err(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
        .with_hint("It is set once per session: another value needs a new one."))
}

fn read(parameter: &Parameter, text: &str) -> Result<Arc<str>, Refusal> {
    parameter.read(text).map_err(|wanted| wrong(format!("parameter \"{}\" must be {wanted}", parameter.name())))
}

fn wrong(message: String) -> Refusal {
    Refusal::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
