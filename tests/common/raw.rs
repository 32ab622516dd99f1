//! A client that speaks the protocol in bare frames, so that tests can compare bytes and order of messages.

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long a test waits for an answer before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// One message of the server: its tag and its body without the length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub tag: u8,
    pub body: Vec<u8>,
}

impl Frame {
    /// A field of an ErrorResponse or NoticeResponse.
    pub fn field(&self, name: u8) -> Option<String> {
        let fields = self.body.split(|byte| *byte == 0);
        let mut found = fields.filter(|field| field.first() == Some(&name));
        found.next().map(|field| String::from_utf8_lossy(&field[1..]).into_owned())
    }

    /// The frame as a line of a transcript: tag, and what of the body does not depend on which error it is.
    pub fn outline(&self) -> String {
        match self.tag {
            b'Z' => format!("Z {}", self.body[0] as char),
            b'C' => format!("C {}", String::from_utf8_lossy(&self.body[..self.body.len() - 1])),
            b'E' => format!("E {}", self.field(b'S').unwrap_or_default()),
            tag => (tag as char).to_string(),
        }
    }
}

/// The outlines of frames, in order.
pub fn outlines(frames: &[Frame]) -> Vec<String> {
    frames.iter().map(Frame::outline).collect()
}

/// A connection that has logged in.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    /// The same connection, read in big pieces.
    reader: BufReader<TcpStream>,
    /// What came before the first ReadyForQuery, BackendKeyData left out.
    pub greeting: Vec<Frame>,
}

impl Raw {
    /// Logs in with these start-up parameters, where the server trusts the user. The error is the server's.
    pub fn connect(port: u16, parameters: &[(&str, &str)]) -> Result<Raw, Frame> {
        Raw::connect_to((Ipv4Addr::LOCALHOST, port).into(), parameters)
    }

    /// As [`Raw::connect`], at another address.
    pub fn connect_to(address: SocketAddr, parameters: &[(&str, &str)]) -> Result<Raw, Frame> {
        let stream = TcpStream::connect(address).expect("connecting");
        stream.set_read_timeout(Some(PATIENCE)).expect("setting a time limit");
        stream.set_nodelay(true).expect("setting TCP_NODELAY");
        let mut body = 196_608u32.to_be_bytes().to_vec();
        for (name, value) in parameters {
            body.extend([name.as_bytes(), &[0], value.as_bytes(), &[0]].concat());
        }
        body.push(0);
        let reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut raw = Raw { stream, reader, greeting: Vec::new() };
        raw.send(&[&(body.len() as u32 + 4).to_be_bytes(), &body[..]].concat());
        loop {
            let frame = raw.frame();
            match frame.tag {
                b'E' => return Err(frame),
                b'K' => {}
                b'Z' => {
                    raw.greeting.push(frame);
                    return Ok(raw);
                }
                _ => raw.greeting.push(frame),
            }
        }
    }

    /// Waits longer than usual: for runs on a machine that is busy with other things.
    pub fn with_patience(self, patience: Duration) -> Raw {
        self.stream.set_read_timeout(Some(patience)).expect("setting a time limit");
        self
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("sending");
    }

    /// The next message.
    pub fn frame(&mut self) -> Frame {
        let mut head = [0; 5];
        self.reader.read_exact(&mut head).expect("the head of an answer");
        let length = u32::from_be_bytes(head[1..].try_into().expect("four bytes")) as usize;
        let mut body = vec![0; length - 4];
        self.reader.read_exact(&mut body).expect("the body of an answer");
        Frame { tag: head[0], body }
    }

    /// The next message; `None` where the server has ended the session or does not answer in time.
    pub fn frame_if_any(&mut self) -> Option<Frame> {
        let mut head = [0; 5];
        self.reader.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes(head[1..].try_into().expect("four bytes")) as usize;
        let mut body = vec![0; length - 4];
        self.reader.read_exact(&mut body).ok()?;
        Some(Frame { tag: head[0], body })
    }

    /// Sends, and says whether the connection still took it.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// A simple query and its whole answer, data for a `COPY … FROM STDIN` included; `None` where the connection was lost.
    pub fn ask(&mut self, sql: &str, data: Option<&str>) -> Option<Vec<Frame>> {
        self.stream.write_all(&query(sql)).ok()?;
        let mut frames = Vec::new();
        loop {
            let frame = self.frame_if_any()?;
            match frame.tag {
                b'G' => match data {
                    Some(data) => {
                        self.stream.write_all(&message(b'd', data.as_bytes())).ok()?;
                        self.stream.write_all(&message(b'c', &[])).ok()?;
                    }
                    None => self.stream.write_all(&message(b'f', b"no data\0")).ok()?,
                },
                b'Z' => {
                    frames.push(frame);
                    return Some(frames);
                }
                _ => {}
            }
            frames.push(frame);
        }
    }

    /// Everything up to and with the `count`-th ReadyForQuery.
    pub fn until_ready(&mut self, count: usize) -> Vec<Frame> {
        let (mut frames, mut seen) = (Vec::new(), 0);
        while seen < count {
            let frame = self.frame();
            seen += usize::from(frame.tag == b'Z');
            frames.push(frame);
        }
        frames
    }

    /// Sends messages in one go and reads until as many ReadyForQuery have come as they ask for.
    pub fn exchange(&mut self, messages: &[Vec<u8>]) -> Vec<Frame> {
        let ready = messages.iter().filter(|message| matches!(message[0], b'Q' | b'S')).count();
        self.send(&messages.concat());
        self.until_ready(ready)
    }
}

/// A message: tag, length, body.
pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

fn text(value: &str) -> Vec<u8> {
    [value.as_bytes(), &[0]].concat()
}

/// A simple query.
pub fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &text(sql))
}

/// Parse, with no parameter types given.
pub fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(b'P', &[text(name), text(sql), vec![0, 0]].concat())
}

/// The format in which a portal's rows come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Binary,
}

/// Bind with text parameters.
pub fn bind(portal: &str, statement: &str, parameters: &[&str], format: Format) -> Vec<u8> {
    let mut body = [text(portal), text(statement), vec![0, 0]].concat();
    body.extend((parameters.len() as u16).to_be_bytes());
    for parameter in parameters {
        body.extend((parameter.len() as u32).to_be_bytes());
        body.extend(parameter.as_bytes());
    }
    body.extend([0, 1, 0, u8::from(format == Format::Binary)]);
    message(b'B', &body)
}

pub fn describe_statement(name: &str) -> Vec<u8> {
    message(b'D', &[vec![b'S'], text(name)].concat())
}

pub fn describe_portal(name: &str) -> Vec<u8> {
    message(b'D', &[vec![b'P'], text(name)].concat())
}

/// Execute; 0 rows means all.
pub fn execute(portal: &str, rows: u32) -> Vec<u8> {
    message(b'E', &[text(portal), rows.to_be_bytes().to_vec()].concat())
}

pub fn close_statement(name: &str) -> Vec<u8> {
    message(b'C', &[vec![b'S'], text(name)].concat())
}

pub fn close_portal(name: &str) -> Vec<u8> {
    message(b'C', &[vec![b'P'], text(name)].concat())
}

pub fn sync() -> Vec<u8> {
    message(b'S', &[])
}

pub fn flush() -> Vec<u8> {
    message(b'H', &[])
}
