//! The file: appended to, cut back where a write fails half-way, rotated, and found again after a crash.

use super::chain::{NOTHING, Place, hash};
use super::read::Line;
use super::record::{After, Stopped};
use super::settings::Sync;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How much of a file's end is looked at for its last line, which is much shorter.
const LONGEST_END: u64 = 8 << 20;

/// Who may read a new file: its owner. It says who has asked what.
const PRIVATE: u32 = 0o600;

/// Digits of the number that a rotated file's name ends with: that of its last line.
const DIGITS: usize = 12;

/// A file that the trail is written to.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    file: File,
    /// Where the last whole line ends.
    length: u64,
    /// What must stand before the next line: the end of one that has none.
    lead: &'static [u8],
    began: SystemTime,
    pub rotation: Rotation,
    pub sync: Sync,
}

/// When a new file is begun, and how many are kept.
#[derive(Debug, Clone, Copy)]
pub struct Rotation {
    /// 0: never by size.
    pub bytes: u64,
    /// Zero: never by time.
    pub time: Duration,
    /// Rotated files that stay; 0: all.
    pub keep: usize,
}

/// Where the last run left a chain.
#[derive(Debug)]
pub struct Found {
    pub place: Place,
    pub after: After,
}

impl FileSink {
    /// Opens the file, and says where its chain goes on. Half a line at its end is ended, so that what comes stands on a line
    /// of its own.
    pub fn open(path: &Path, rotation: Rotation, sync: Sync) -> io::Result<(FileSink, Option<Found>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(PRIVATE).open(path)?;
        file.try_lock().map_err(|_| io::Error::other("another process writes to it"))?;
        let length = file.metadata()?.len();
        let End { last, torn, lead } = end_of(&mut file, length)?;
        let last = match last {
            Some(last) => Some(last),
            None if torn.is_some() => {
                let what = "it holds nothing of the trail: move it away to begin another";
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            // A crash may have come between the rotation and the first line.
            None => match rotated(path)?.pop() {
                Some((_, old)) => {
                    let mut old = File::open(old)?;
                    let length = old.metadata()?.len();
                    end_of(&mut old, length)?.last
                }
                None => None,
            },
        };
        let found = match &last {
            Some((last, line)) => {
                let stopped = if line.checkpoint() == Some("stop") { Stopped::Cleanly } else { Stopped::Otherwise };
                let place = Place { id: line.chain.id.clone(), seq: line.chain.seq, hash: hash(last) };
                let torn = torn.as_ref().map(|torn| (torn.len() as u64, hash(torn)));
                Some(Found { place, after: After { stopped, torn } })
            }
            None => None,
        };
        let began = SystemTime::now();
        Ok((FileSink { path: path.to_owned(), file, length, lead, began, rotation, sync }, found))
    }

    /// Appends lines, all of them or none.
    pub fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let lead = self.lead;
        let written =
            self.file.write_all(lead).and_then(|()| self.file.write_all(lines)).and_then(|()| match self.sync {
                Sync::Batch => self.file.sync_data(),
                Sync::None => Ok(()),
            });
        match written {
            Ok(()) => {
                self.length += (lead.len() + lines.len()) as u64;
                self.lead = b"";
                Ok(())
            }
            Err(error) => {
                // What cannot be cut back either is told as torn by whoever opens it next.
                self.file.set_len(self.length)?;
                Err(error)
            }
        }
    }

    /// Whether a new file is due.
    pub fn is_due(&self) -> bool {
        let Rotation { bytes, time, keep: _ } = self.rotation;
        let old = self.began.elapsed().unwrap_or_default();
        self.length > 0 && (bytes > 0 && self.length >= bytes || !time.is_zero() && old >= time)
    }

    /// Begins a new file. The old one is named by the number of its last line.
    pub fn rotate(&mut self, last: u64) -> io::Result<()> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{last:0DIGITS$}"));
        std::fs::rename(&self.path, &name)?;
        let file = OpenOptions::new().read(true).append(true).create(true).mode(PRIVATE).open(&self.path)?;
        file.try_lock().map_err(|_| io::Error::other("another process writes to it"))?;
        if self.sync == Sync::Batch
            && let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty())
        {
            File::open(folder)?.sync_all()?;
        }
        (self.file, self.length, self.lead, self.began) = (file, 0, b"", SystemTime::now());
        if self.rotation.keep > 0 {
            let old = rotated(&self.path)?;
            let surplus = old.len().saturating_sub(self.rotation.keep);
            for (_, path) in old.into_iter().take(surplus) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// The rotated files beside a path, by their numbers.
fn rotated(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?.path();
        let number =
            entry.file_name().and_then(|other| other.to_str()?.strip_prefix(name)?.strip_prefix('.')?.parse().ok());
        if let Some(number) = number {
            found.push((number, entry));
        }
    }
    found.sort();
    Ok(found)
}

/// How a file ends.
struct End {
    /// Its last line that belongs to a chain.
    last: Option<(Vec<u8>, Line)>,
    /// What stands behind that.
    torn: Option<Vec<u8>>,
    lead: &'static [u8],
}

fn end_of(file: &mut File, length: u64) -> io::Result<End> {
    let from = length.saturating_sub(LONGEST_END);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(length - from).read_to_end(&mut bytes)?;
    let lead: &[u8] = if matches!(bytes.last(), None | Some(b'\n')) { b"" } else { b"\n" };
    let mut end = bytes.strip_suffix(b"\n").unwrap_or(&bytes).len();
    let whole = end;
    while end > 0 {
        let start = bytes[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if let Ok(line) = Line::parse(&bytes[start..end]) {
            let torn = bytes.get(end + 1..whole).map(<[u8]>::to_vec);
            return Ok(End { last: Some((bytes[start..end].to_vec(), line)), torn, lead });
        }
        end = start.saturating_sub(1);
    }
    let torn = Some(bytes).filter(|bytes| !bytes.is_empty());
    Ok(End { last: None, torn, lead })
}

impl Found {
    /// A chain that begins.
    pub fn beginning(id: String) -> Place {
        Place { id, seq: 0, hash: NOTHING }
    }
}
