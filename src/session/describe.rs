//! Describe of prepared statements and portals.

use super::extended::{Usable, kind, statement_of};
use super::machine::{Frame, Outs, Session, Step};
use super::portals::{Does, Portal};
use crate::sql::{Kind, Named};
use crate::vocab::{Refusal, SqlState};
use crate::wire::{self, Target};
use std::sync::Arc;

impl Session {
    pub(super) fn describe(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> Result<usize, Step> {
        let name = match self.checked(wire::close_or_describe(b'D', frame.body()?), outs)? {
            Target::Portal(name) => {
                let kind = match self.portal(name)? {
                    Some(Portal { does: Does::Event(event), .. }) => Some(event.kind.clone()),
                    Some(_) | None => None,
                };
                let refusal = kind.map_or(Ok(None), |kind| self.undescribable(&kind))?;
                self.owed.open();
                return Ok(match refusal {
                    None => self.pass(frame, outs),
                    Some(refusal) => {
                        let name = self.poison(Arc::new(refusal));
                        wire::describe_portal(&name, outs.server.own(frame.input));
                        self.drop_frame(frame)
                    }
                });
            }
            Target::Statement(name) => name,
        };
        let mut usable = self.usable(name, frame, outs)?;
        let kind = statement_of(self, name).and_then(kind).cloned();
        if let Some(refusal) = kind.map_or(Ok(None), |kind| self.undescribable(&kind))? {
            usable = Usable::Refused(Arc::new(refusal));
        }
        self.owed.open();
        Ok(match usable {
            Usable::AsNamed => self.pass(frame, outs),
            Usable::Private(private) => {
                wire::describe_statement(&private, outs.server.own(frame.input));
                self.drop_frame(frame)
            }
            Usable::Refused(refusal) => {
                let name = self.poison(refusal);
                wire::describe_statement(&name, outs.server.own(frame.input));
                self.drop_frame(frame)
            }
        })
    }

    /// Why what names a statement or cursor may not be described. The server follows the name without looking whether it
    /// leads anywhere or back to where it began, and crashes (PostgreSQL 13 to 18).
    fn undescribable(&mut self, kind: &Kind) -> Result<Option<Refusal>, Step> {
        let message = match kind.named() {
            None => return Ok(None),
            Some(Named::Statement(name)) => match self.statement_named(name.as_bytes(), &[])? {
                Some(statement) if statement.traits.eventful => {
                    format!("EXECUTE of \"{name}\", which changes the session, cannot be described")
                }
                // Only the protocol prepares an EXECUTE, and what it prepares is known.
                Some(_) | None => return Ok(None),
            },
            Some(Named::Cursor(name)) => match self.portal(name.as_bytes())?.map(|portal| portal.does.clone()) {
                Some(Does::Nothing) => return Ok(None),
                Some(Does::Event(_)) => {
                    format!("FETCH from the portal \"{name}\", which changes the session, cannot be described")
                }
                None if self.is_restricted() => {
                    format!("FETCH from \"{name}\", which is not open, cannot be described")
                }
                // Declared by SQL, which is not followed under purposes that are not restricted.
                None => return Ok(None),
            },
        };
        Ok(Some(Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message)))
    }
}
