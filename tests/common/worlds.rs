//! Two worlds: databases that differ only in what a purpose may not see. What a session is answered through the proxy must be
//! the same in both, to the byte; what it is answered without must not be, or the session has shown nothing.
//!
//! `tests/attacks/worlds/` holds their definition, their rows and the policy; `tests/attacks/README.md` explains them.

use super::raw::{Frame, Raw, query};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;

pub const SCHEMA: &str = include_str!("../attacks/worlds/schema.sql");
pub const PACK: &str = include_str!("../attacks/worlds/pack.toml");
const COLUMNS: &str = include_str!("../attacks/worlds/columns.sql");
const ROWS: &str = include_str!("../attacks/worlds/rows.sql");
const GROUPS: &str = include_str!("../attacks/worlds/groups.sql");

/// What the two worlds of a pair differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// The values of closed columns.
    Columns,
    /// The rows that a condition hides.
    Rows,
    /// Who has which of the values that are released in aggregates only.
    Groups,
}

impl Pair {
    pub const ALL: [Pair; 3] = [Pair::Columns, Pair::Rows, Pair::Groups];

    pub fn name(self) -> &'static str {
        match self {
            Pair::Columns => "columns",
            Pair::Rows => "rows",
            Pair::Groups => "groups",
        }
    }

    /// The pair that must look the same under a purpose of the pack.
    pub fn of(purpose: &str) -> Pair {
        match purpose {
            "denied" | "masked" | "writer" | "shared" => Pair::Columns,
            "filtered" | "filtered_writer" | "scoped" | "agreed" | "declared" => Pair::Rows,
            "statistics" | "statistics_writer" => Pair::Groups,
            other => panic!("no pair of worlds for purpose `{other}`"),
        }
    }

    fn seed(self) -> &'static str {
        match self {
            Pair::Columns => COLUMNS,
            Pair::Rows => ROWS,
            Pair::Groups => GROUPS,
        }
    }
}

/// One of a pair's worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    A,
    B,
}

impl Side {
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    fn letter(self) -> char {
        match self {
            Side::A => 'a',
            Side::B => 'b',
        }
    }
}

/// The six databases of a run, at a server where everyone is trusted.
#[derive(Debug)]
pub struct Worlds {
    server: SocketAddr,
    superuser: &'static str,
    /// What the names of the databases begin with.
    prefix: String,
    /// The superuser's session in each database that has been put back before.
    owners: Mutex<HashMap<String, Raw>>,
}

impl Worlds {
    /// Makes the databases anew. All are copies of one, so that every object has the same oid in each.
    pub fn create(server: SocketAddr, superuser: &'static str, prefix: &str) -> Worlds {
        let worlds = Worlds { server, superuser, prefix: prefix.to_owned(), owners: Mutex::default() };
        let mut maker = worlds.owner("postgres");
        let template = format!("{prefix}_template");
        run(&mut maker, &format!("DROP DATABASE IF EXISTS {template}"));
        run(&mut maker, &format!("CREATE DATABASE {template}"));
        run(&mut worlds.owner(&template), SCHEMA);
        for pair in Pair::ALL {
            for side in Side::BOTH {
                worlds.copy(&mut maker, pair, side);
            }
        }
        worlds
    }

    fn copy(&self, maker: &mut Raw, pair: Pair, side: Side) {
        let (name, template) = (self.database(pair, side), format!("{}_template", self.prefix));
        self.owners.lock().expect("no thread has failed").remove(&name);
        run(maker, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        run(maker, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        let mut owner = self.owner(&name);
        run(&mut owner, &pair.seed().replace(":'side'", &format!("'{}'", side.letter())));
        run(&mut owner, "ANALYZE");
        self.owners.lock().expect("no thread has failed").insert(name, owner);
    }

    /// Makes one world anew, whatever became of its definitions.
    pub fn renew(&self, pair: Pair, side: Side) {
        self.copy(&mut self.owner("postgres"), pair, side);
    }

    /// Puts the rows back.
    pub fn reset(&self, pair: Pair, side: Side) {
        self.run_as_owner(pair, side, &pair.seed().replace(":'side'", &format!("'{}'", side.letter())));
    }

    /// Puts back what a rolled back transaction leaves changed: sequences.
    pub fn rewind(&self, pair: Pair, side: Side) {
        let seed = pair.seed();
        let from = seed.find("SELECT setval").expect("a seed sets the sequences");
        let line = &seed[from..from + seed[from..].find('\n').expect("a line")];
        self.run_as_owner(pair, side, &line.replace(":'side'", &format!("'{}'", side.letter())));
    }

    /// Runs statements of the superuser that must succeed, in a session that is kept.
    pub fn run_as_owner(&self, pair: Pair, side: Side, sql: &str) -> Vec<Frame> {
        let name = self.database(pair, side);
        // Not held while the server works: the pairs are played at the same time.
        let owner = self.owners.lock().expect("no thread has failed").remove(&name);
        let mut owner = owner.unwrap_or_else(|| self.owner(&name));
        let frames = run(&mut owner, sql);
        self.owners.lock().expect("no thread has failed").insert(name, owner);
        frames
    }

    pub fn database(&self, pair: Pair, side: Side) -> String {
        format!("{}_{}_{}", self.prefix, pair.name(), side.letter())
    }

    /// A session of the superuser, around any proxy.
    pub fn owner(&self, database: &str) -> Raw {
        let parameters = [("user", self.superuser), ("database", database), ("client_encoding", "UTF8")];
        Raw::connect_to(self.server, &parameters).expect("the superuser's login")
    }

    /// A frame without what two databases differ in by nature: their names, the server processes' numbers.
    pub fn normalised(&self, pair: Pair, side: Side, mut frame: Frame) -> Frame {
        if frame.tag == b'A' && frame.body.len() > 4 {
            frame.body[..4].fill(0);
        }
        let (name, common) = (self.database(pair, side).into_bytes(), self.database(pair, Side::A).into_bytes());
        // A text that is withheld carries a number of its own, to be looked up in the log.
        let marker = b"reference ";
        for at in 0..frame.body.len().saturating_sub(marker.len()) {
            if matches!(frame.tag, b'E' | b'N') && frame.body[at..].starts_with(marker) {
                let number = &mut frame.body[at + marker.len()..];
                let digits = number.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                number[..digits].fill(b'0');
            }
        }
        if name != common {
            let mut at = 0;
            while at + name.len() <= frame.body.len() {
                if frame.body[at..].starts_with(&name) {
                    frame.body[at..at + name.len()].copy_from_slice(&common);
                }
                at += 1;
            }
        }
        frame
    }
}

/// Runs statements that must succeed, and returns their answers.
pub fn run(session: &mut Raw, sql: &str) -> Vec<Frame> {
    let frames = session.exchange(&[query(sql)]);
    if let Some(error) = frames.iter().find(|frame| frame.tag == b'E') {
        let at: usize = error.field(b'P').and_then(|at| at.parse().ok()).unwrap_or(1);
        let near: String = sql.chars().skip(at.saturating_sub(60)).take(120).collect();
        panic!("{}: {near}", error.field(b'M').unwrap_or_default());
    }
    frames
}
