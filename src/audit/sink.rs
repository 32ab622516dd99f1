//! Where lines go.

use super::chain::hash;
use super::file::FileSink;
use super::key::hex;
use std::io::{self, Write};
use std::net::{TcpStream, UdpSocket};
use std::ops::Range;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest line in a datagram: UDP takes 65,507 bytes, the head of a message included.
const LONGEST_DATAGRAM: usize = 60_000;

/// How long a syslog server may take.
const LONGEST: Duration = Duration::from_secs(5);

/// Some sink beside files. A batch is taken whole, or tried again.
pub trait Sink: Send {
    /// Takes lines, each with its end; `lines` says where they stand in `batch`.
    fn write(&mut self, batch: &[u8], lines: &[Range<usize>]) -> io::Result<()>;
    /// What it is called in the log.
    fn name(&self) -> &'static str;
    /// The longest line that it takes, in bytes, where there is one.
    fn longest(&self) -> Option<usize> {
        None
    }
}

/// Every sink of a trail. The file goes first.
pub(super) struct Sinks {
    pub file: Option<FileSink>,
    pub others: Vec<Box<dyn Sink>>,
}

/// How many of the sinks have a batch.
#[derive(Debug, Default)]
pub(super) struct Progress(usize);

impl Sinks {
    /// Writes a batch to the sinks that do not have it yet. The error names the first that does not take it.
    pub fn write(
        &mut self,
        batch: &[u8],
        lines: &[Range<usize>],
        progress: &mut Progress,
    ) -> Result<(), (&'static str, io::Error)> {
        if progress.0 == 0 {
            if let Some(file) = &mut self.file {
                file.write(batch).map_err(|error| ("file", error))?;
            }
            progress.0 = 1;
        }
        for sink in self.others.iter_mut().skip(progress.0 - 1) {
            sink.write(batch, lines).map_err(|error| (sink.name(), error))?;
            progress.0 += 1;
        }
        Ok(())
    }
}

/// Standard output.
#[derive(Debug)]
pub struct StdoutSink;

impl Sink for StdoutSink {
    fn write(&mut self, batch: &[u8], _: &[Range<usize>]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(batch)?;
        out.flush()
    }

    fn name(&self) -> &'static str {
        "stdout"
    }
}

/// Where a syslog server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogTo {
    /// A datagram socket, as `/dev/log`.
    Unix(PathBuf),
    Udp(String),
    /// Messages with their length in front (RFC 6587, section 3.4.1).
    Tcp(String),
}

/// Syslog as in RFC 5424.
#[derive(Debug)]
pub struct SyslogSink {
    to: SyslogTo,
    facility: u8,
    host: String,
    open: Option<Open>,
    /// Lines of the batch at hand that were taken.
    taken: usize,
}

#[derive(Debug)]
enum Open {
    Unix(UnixDatagram),
    Udp(UdpSocket),
    Tcp(TcpStream),
}

/// `info`.
const SEVERITY: u8 = 6;

impl SyslogSink {
    /// `host` is what messages say that they come from.
    pub fn new(to: SyslogTo, facility: u8, host: String) -> SyslogSink {
        SyslogSink { to, facility, host, open: None, taken: 0 }
    }

    fn connect(&self) -> io::Result<Open> {
        Ok(match &self.to {
            SyslogTo::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                socket.set_write_timeout(Some(LONGEST))?;
                Open::Unix(socket)
            }
            SyslogTo::Udp(address) => {
                let socket = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.connect(address).map(|()| socket));
                Open::Udp(match socket {
                    Ok(socket) => socket,
                    // The server may have an address of version 6 only.
                    Err(_) => {
                        let socket = UdpSocket::bind("[::]:0")?;
                        socket.connect(address)?;
                        socket
                    }
                })
            }
            SyslogTo::Tcp(address) => {
                let socket = TcpStream::connect(address)?;
                socket.set_write_timeout(Some(LONGEST))?;
                Open::Tcp(socket)
            }
        })
    }

    fn send(&mut self, line: &[u8]) -> io::Result<()> {
        // The system would never take it, and everything behind it would wait for ever.
        if self.longest().is_some_and(|longest| line.len() > longest) {
            return self.send(&stub(line));
        }
        let mut message = Vec::with_capacity(line.len() + 96);
        let priority = self.facility * 8 + SEVERITY;
        let time = timestamp(SystemTime::now());
        write!(message, "<{priority}>1 {time} {} wherefore {} audit - ", self.host, std::process::id())?;
        message.extend_from_slice(line);
        if self.open.is_none() {
            self.open = Some(self.connect()?);
        }
        match &mut self.open {
            Some(Open::Unix(socket)) => socket.send(&message).map(drop),
            Some(Open::Udp(socket)) => socket.send(&message).map(drop),
            Some(Open::Tcp(socket)) => {
                let mut framed = format!("{} ", message.len()).into_bytes();
                framed.extend_from_slice(&message);
                socket.write_all(&framed)
            }
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Sink for SyslogSink {
    fn write(&mut self, batch: &[u8], lines: &[Range<usize>]) -> io::Result<()> {
        while let Some(line) = lines.get(self.taken) {
            if let Err(error) = self.send(&batch[line.start..line.end.saturating_sub(1)]) {
                self.open = None;
                return Err(error);
            }
            self.taken += 1;
        }
        self.taken = 0;
        Ok(())
    }

    fn name(&self) -> &'static str {
        "syslog"
    }

    fn longest(&self) -> Option<usize> {
        match self.to {
            SyslogTo::Unix(_) | SyslogTo::Udp(_) => Some(LONGEST_DATAGRAM),
            SyslogTo::Tcp(_) => None,
        }
    }
}

/// What stands for a line that is too long: how long it is, its hash, and its place in the chain.
fn stub(line: &[u8]) -> Vec<u8> {
    const CHAIN: &[u8] = b",\"chain\":{";
    let chain = line.windows(CHAIN.len()).rposition(|window| window == CHAIN);
    let link = chain.map_or(&b"}}"[..], |at| &line[at..]);
    let (bytes, hash) = (line.len(), hex(&hash(line)));
    let head = format!("{{\"unmapped\":{{\"kind\":\"too long\",\"bytes\":{bytes},\"sha256\":\"{hash}\"");
    [head.as_bytes(), link].concat()
}

/// A moment in milliseconds since 1970 as RFC 3339 writes it.
pub fn timestamp_of(milliseconds: i64) -> String {
    timestamp(UNIX_EPOCH + Duration::from_millis(milliseconds.unsigned_abs()))
}

/// A time as RFC 3339 writes it, in UTC, with milliseconds.
pub(super) fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, milliseconds) = (since.as_secs(), since.subsec_millis());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to a date: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_DATAGRAM, stub, timestamp};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_line_that_is_too_long_leaves_its_place() {
        let link = ",\"chain\":{\"id\":\"0\",\"seq\":7,\"prev\":\"0\"}}}";
        let line = format!("{{\"unmapped\":{{\"text\":\"{}\"{link}", "x".repeat(LONGEST_DATAGRAM));
        let stub = String::from_utf8(stub(line.as_bytes())).expect("text");
        let read: serde_json::Value = serde_json::from_str(&stub).expect("JSON");
        assert_eq!(
            (&read["unmapped"]["chain"]["seq"], read["unmapped"]["bytes"].as_u64()),
            (&7.into(), Some(line.len() as u64))
        );
    }

    #[test]
    fn times() {
        for (milliseconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_767_225_599_000, "2025-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(timestamp(UNIX_EPOCH + Duration::from_millis(milliseconds)), expected);
        }
    }
}
