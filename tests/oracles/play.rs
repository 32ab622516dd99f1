//! Plays a case in a world and writes down every frame that comes back.

use crate::cases::{Case, Mode, Step, Who};
use crate::common::raw::{
    Format, Frame, Raw, bind, describe_portal, describe_statement, execute, message, parse, query, sync,
};
use crate::common::worlds::{Pair, Side, Worlds};
use std::net::SocketAddr;

/// Where the sessions of a case connect.
#[derive(Debug, Clone)]
pub enum Stage {
    /// The server itself, as superuser.
    Bare,
    Proxy {
        address: SocketAddr,
        /// The user, and the start-up `options`, of a session; `{purpose}` is put in.
        user: String,
        options: String,
    },
}

/// The frame that stands for a session that the other side has ended, or that no longer answers.
fn silence() -> Frame {
    Frame { tag: b'!', body: b"no answer".to_vec() }
}

/// One performance of a case.
struct Performance<'a> {
    worlds: &'a Worlds,
    stage: &'a Stage,
    database: String,
    purpose: &'a str,
    mode: Mode,
    /// Everyone who has spoken so far.
    sessions: Vec<(Who, Raw)>,
}

/// The transcript of the attacker's session.
pub fn play(
    case: &Case,
    worlds: &Worlds,
    stage: &Stage,
    pair: Pair,
    side: Side,
    purpose: &str,
    mode: Mode,
) -> Vec<Frame> {
    let database = worlds.database(pair, side);
    let mut performance = Performance { worlds, stage, database, purpose, mode, sessions: Vec::new() };
    let mut transcript = Vec::new();
    for (who, step) in &case.steps {
        let frames = performance.take(who, step, &mut transcript);
        if *who == Who::Attacker {
            let over = frames.iter().any(|frame| frame.tag == b'!');
            transcript.extend(frames);
            if over {
                break;
            }
        }
    }
    let mut transcript: Vec<Frame> = transcript.into_iter().map(|frame| worlds.normalised(pair, side, frame)).collect();
    if case.unordered.is_some() {
        for rows in transcript.chunk_by_mut(|a, b| a.tag == b'D' && b.tag == b'D') {
            rows.sort_by(|a, b| a.body.cmp(&b.body));
        }
    }
    transcript
}

impl Performance<'_> {
    /// Takes a step; a session that has to be opened for it adds its greeting to the transcript.
    fn take(&mut self, who: &Who, step: &Step, transcript: &mut Vec<Frame>) -> Vec<Frame> {
        let at = match self.sessions.iter().position(|(known, _)| known == who) {
            Some(at) => at,
            None => {
                let session = match self.open(who) {
                    Ok(session) => session,
                    Err(error) => return vec![error, silence()],
                };
                if *who == Who::Attacker {
                    transcript.extend(session.greeting.iter().cloned());
                }
                self.sessions.push((who.clone(), session));
                self.sessions.len() - 1
            }
        };
        let mode = if *who == Who::Owner { Mode::Simple } else { self.mode };
        let session = &mut self.sessions[at].1;
        match step {
            Step::Messages(messages) => exchange(session, messages, b""),
            Step::Statement { text, data } => exchange(session, &messages(text, mode), data),
        }
    }

    fn open(&self, who: &Who) -> Result<Raw, Frame> {
        let (Stage::Proxy { address, user, options }, false) = (self.stage, *who == Who::Owner) else {
            return Ok(self.worlds.owner(&self.database));
        };
        let purpose = match who {
            Who::Other(purpose) => purpose.as_str(),
            Who::Attacker | Who::Owner => self.purpose,
        };
        let usual = match (who, purpose) {
            (Who::Attacker | Who::Owner, "shared") => "partner",
            (Who::Other(_), "shared") | (_, "clerk") => "insider",
            (Who::Attacker | Who::Owner | Who::Other(_), _) => "attacker",
        };
        let user = if user.is_empty() { usual } else { user }.replace("{purpose}", purpose);
        let options = options.replace("{purpose}", purpose);
        let mut parameters = vec![("user", &*user), ("database", &self.database), ("client_encoding", "UTF8")];
        if !options.is_empty() {
            parameters.push(("options", &options));
        }
        Raw::connect_to(*address, &parameters)
    }
}

/// The messages of a statement.
fn messages(text: &str, mode: Mode) -> Vec<Vec<u8>> {
    let format = match mode {
        Mode::Simple => return vec![query(text)],
        Mode::Extended => Format::Text,
        Mode::Binary => Format::Binary,
    };
    let bound = bind("", "", &[], format);
    vec![parse("", text), describe_statement(""), bound, describe_portal(""), execute("", 0), sync()]
}

/// Sends messages and reads all their answers. A COPY FROM STDIN gets `data`, unless what it gets is among them.
fn exchange(session: &mut Raw, messages: &[Vec<u8>], data: &[u8]) -> Vec<Frame> {
    let mut ready = messages.iter().filter(|message| matches!(message[0], b'Q' | b'S' | b'F')).count();
    let extended = messages.iter().any(|message| message[0] == b'S');
    let own_data = messages.iter().any(|message| matches!(message[0], b'd' | b'c' | b'f'));
    let mut frames = Vec::new();
    if !session.try_send(&messages.concat()) {
        return vec![silence()];
    }
    while ready > 0 {
        let Some(frame) = session.frame_if_any() else {
            frames.push(silence());
            return frames;
        };
        match frame.tag {
            b'Z' => ready -= 1,
            // The server took the Sync behind the Execute for part of the COPY, so it needs another.
            b'G' if !own_data => {
                let tail = if extended { sync() } else { Vec::new() };
                session.try_send(&[message(b'd', data), message(b'c', b""), tail].concat());
            }
            _ => {}
        }
        frames.push(frame);
    }
    frames
}

/// A transcript as text, for people.
pub fn written(frames: &[Frame]) -> String {
    frames.iter().filter(|frame| !matches!(frame.tag, b'S' | b'R')).map(line).collect::<Vec<_>>().join("\n")
}

fn line(frame: &Frame) -> String {
    let printable: String =
        String::from_utf8_lossy(&frame.body).chars().map(|c| if c.is_control() { '·' } else { c }).collect();
    format!("      {} {printable}", frame.tag as char)
}
