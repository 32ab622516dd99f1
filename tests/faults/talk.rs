//! A client that follows a script in bare frames, and takes whatever comes of it.

use crate::raw::{Frame, message};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long a client waits before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes to send at once, and what is awaited after them: so many frames with this tag.
#[derive(Debug, Clone)]
pub struct Step {
    pub bytes: Vec<u8>,
    pub tag: u8,
    pub count: usize,
}

impl Step {
    pub fn until(tag: u8, bytes: Vec<u8>) -> Step {
        Step { bytes, tag, count: 1 }
    }
}

/// Messages, and every answer that they ask for.
pub fn whole(messages: &[Vec<u8>]) -> Step {
    let count = messages.iter().filter(|message| matches!(message[0], b'Q' | b'S' | b'F')).count();
    Step { bytes: messages.concat(), tag: b'Z', count }
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everything awaited has come.
    Done,
    /// The connection was closed or reset before.
    Closed,
    /// Nothing came for too long.
    Stuck,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub frames: Vec<Frame>,
    pub end: End,
}

impl Heard {
    pub fn is_stuck(&self) -> bool {
        self.end == End::Stuck
    }

    /// Every frame in a line.
    pub fn lines(&self) -> Vec<String> {
        self.frames.iter().map(line).chain([format!("{:?}", self.end)]).collect()
    }

    /// Tags of frames, SQLSTATEs of errors and the state that is ready, in a row.
    pub fn words(&self) -> String {
        let word = |frame: &Frame| match frame.tag {
            b'E' => format!("E{}", frame.field(b'C').unwrap_or_default()),
            b'N' => format!("N{}", frame.field(b'C').unwrap_or_default()),
            b'Z' => format!("Z{}", frame.body[0] as char),
            tag => (tag as char).to_string(),
        };
        let end = match self.end {
            End::Done => None,
            End::Closed => Some("end".to_owned()),
            End::Stuck => Some("stuck".to_owned()),
        };
        self.frames.iter().map(word).chain(end).collect::<Vec<_>>().join(" ")
    }

    pub fn assert_same(&self, other: &Heard, name: &str) {
        let (one, other) = (self.lines(), other.lines());
        let at = one.iter().zip(&other).position(|(a, b)| a != b).unwrap_or(one.len().min(other.len()));
        assert!(one == other, "{name}: frame {at}\n  {:?}\n  {:?}\n{one:#?}\n{other:#?}", one.get(at), other.get(at));
    }
}

/// A frame without what differs between sessions and servers: keys, process numbers, lines of source.
fn line(frame: &Frame) -> String {
    let body = match frame.tag {
        b'K' => format!("{} bytes", frame.body.len()).into_bytes(),
        b'A' => frame.body[4..].to_vec(),
        b'T' => without_tables(&frame.body),
        b'E' | b'N' => {
            let fields = frame.body.split(|byte| *byte == 0);
            let is_own =
                |field: &&[u8]| matches!(field.first(), Some(b'F' | b'L' | b'R')) || field.starts_with(b"spg_temp_");
            fields.filter(|field| !is_own(field)).collect::<Vec<_>>().join(&b'|')
        }
        _ => frame.body.clone(),
    };
    format!("{} {}", frame.tag as char, body.escape_ascii())
}

/// A row description without the numbers of its tables: temporary ones differ.
fn without_tables(body: &[u8]) -> Vec<u8> {
    let (mut body, mut at) = (body.to_vec(), 2);
    while let Some(end) = body[at.min(body.len())..].iter().position(|byte| *byte == 0) {
        body[at + end + 1..at + end + 5].fill(b'#');
        at += end + 1 + 18;
    }
    body
}

/// A connection.
pub struct Talk {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Talk {
    pub fn open(port: u16) -> Talk {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connecting");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        Talk { stream, buffer: Vec::new() }
    }

    /// A session that is ready.
    pub fn session(port: u16, parameters: &[(&str, &str)]) -> Talk {
        let mut talk = Talk::open(port);
        let heard = talk.play(&[Step::until(b'Z', startup(0x0003_0000, parameters))]);
        assert!(heard.end == End::Done, "{heard:?}");
        talk
    }

    /// A session from start-up to goodbye.
    pub fn whole(port: u16, parameters: &[(&str, &str)], steps: &[Step]) -> Heard {
        let mut talk = Talk::open(port);
        let first = Step::until(b'Z', startup(0x0003_0000, parameters));
        let heard = talk.play(&[std::slice::from_ref(&first), steps].concat());
        talk.send(&message(b'X', b""));
        heard
    }

    /// Whether it still could be sent.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Plays the steps as far as they go.
    pub fn play(&mut self, steps: &[Step]) -> Heard {
        let mut frames = Vec::new();
        for step in steps {
            // What was said before a reset is heard all the same.
            self.send(&step.bytes);
            let mut count = 0;
            while count < step.count {
                match self.frame() {
                    Ok(frame) => {
                        count += usize::from(frame.tag == step.tag);
                        frames.push(frame);
                    }
                    Err(end) => return Heard { frames, end },
                }
            }
        }
        Heard { frames, end: End::Done }
    }

    /// A simple query's answers in words.
    pub fn ask(&mut self, sql: &str) -> String {
        self.play(&[whole(&[crate::raw::query(sql)])]).words()
    }

    /// The first value of a simple query's answer.
    pub fn value(&mut self, sql: &str) -> String {
        let heard = self.play(&[whole(&[crate::raw::query(sql)])]);
        let row = heard.frames.iter().find(|frame| frame.tag == b'D');
        row.map_or_else(|| heard.words(), |row| String::from_utf8_lossy(&row.body[6..]).into_owned())
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Heard {
        let mut frames = Vec::new();
        loop {
            match self.frame() {
                Ok(frame) => frames.push(frame),
                Err(end) => return Heard { frames, end },
            }
        }
    }

    /// One byte, if it comes.
    pub fn byte(&mut self) -> Option<u8> {
        self.fill(1).ok()?;
        Some(self.buffer.remove(0))
    }

    pub fn frame(&mut self) -> Result<Frame, End> {
        self.fill(5)?;
        let length = u32::from_be_bytes([self.buffer[1], self.buffer[2], self.buffer[3], self.buffer[4]]) as usize;
        self.fill(length + 1)?;
        let rest = self.buffer.split_off(length + 1);
        let whole = std::mem::replace(&mut self.buffer, rest);
        Ok(Frame { tag: whole[0], body: whole[5..].to_vec() })
    }

    fn fill(&mut self, count: usize) -> Result<(), End> {
        let mut piece = vec![0; 64 << 10];
        while self.buffer.len() < count {
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(End::Closed),
                Ok(read) => self.buffer.extend_from_slice(&piece[..read]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Err(End::Stuck);
                }
                Err(_) => return Err(End::Closed),
            }
        }
        Ok(())
    }
}

/// A start-up message.
pub fn startup(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    packet(&body)
}

/// A length word and a body.
pub fn packet(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
}
