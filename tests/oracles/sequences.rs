//! Generated sequences of messages, each a session of its own, played in two worlds through the proxy: not a byte may differ.
//!
//! Single statements are generated elsewhere (`tests/proofs/generator.rs`). Here the same few statements come again and again
//! while everything that they mean something by moves: settings, transactions, definitions, names of statements, portals and
//! cursors; in both protocols, pipelined or not. A sequence that tells the worlds apart is made small and printed as a case for
//! `tests/attacks`.

#[path = "sequences/compose.rs"]
mod compose;
#[path = "sequences/tally.rs"]
mod tally;
#[path = "sequences/words.rs"]
mod words;

use crate::cases::{Case, Mode, Who, read};
use crate::common::raw::{Frame, Raw, query};
use crate::common::soak::soak;
use crate::common::transcript::bare;
use crate::common::worlds::{PACK, Pair, Side, Worlds};
use crate::common::{Cluster, Proxy};
use crate::play::{Stage, play, written};
use compose::{Sequence, compose};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tally::Tally;
use wherefore::cli::throwaway::SUPERUSER;

/// How many sequences where no soak is asked for.
const SEQUENCES: [(Pair, usize); 3] = [(Pair::Columns, 180), (Pair::Rows, 90), (Pair::Groups, 40)];
/// One of so many is played at the bare server, too.
const BARE: usize = 6;
/// How often a sequence is played to make it small.
const TRIES: usize = 220;
/// A pair of worlds is given up after so many findings.
const FINDINGS: usize = 4;

/// The policy of the worlds with the purposes of one pair only: it is tied anew to every catalog that a sequence leaves.
fn pack(pair: Pair) -> String {
    let mut pack: toml::Table = PACK.parse().expect("the policy of the worlds");
    let words = words::words(pair);
    let is_played = |name: &str| name == "clerk" || words.iter().any(|words| words.purpose == name);
    let keep = |value: &mut toml::Value| match value {
        toml::Value::Array(names) => {
            names.retain(|name| name.as_str().is_some_and(is_played));
            !names.is_empty()
        }
        value => value.as_str().is_some_and(is_played),
    };
    if let toml::Value::Table(purposes) = &mut pack["purpose"] {
        purposes.retain(|name, _| is_played(name));
    }
    if let toml::Value::Array(rules) = &mut pack["rule"] {
        rules.retain_mut(|rule| keep(&mut rule["purpose"]));
    }
    if let toml::Value::Table(roles) = &mut pack["role"] {
        roles.retain(|_, role| keep(&mut role["purposes"]));
    }
    pack.to_string()
}

/// Where sequences are played.
struct Theatre {
    worlds: Worlds,
    /// One in front of each pair.
    proxies: [(Pair, Stage, Proxy); 3],
    /// The definitions of each world when they were last put back.
    standing: Mutex<HashMap<String, Vec<Frame>>>,
    _cluster: Cluster,
}

/// Two performances of one sequence.
struct Played {
    transcripts: [Vec<Frame>; 2],
}

impl Theatre {
    fn build() -> Theatre {
        // What a prepared transaction has locked nobody else gets.
        let settings = [("max_prepared_transactions", "12"), ("autovacuum", "off"), ("lock_timeout", "1s")];
        let cluster = Cluster::with_settings(&settings);
        cluster.sql(
            "postgres",
            "CREATE ROLE attacker LOGIN SUPERUSER; CREATE ROLE insider LOGIN SUPERUSER; \
             CREATE ROLE partner LOGIN SUPERUSER; CREATE ROLE owner_of_worlds",
        );
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let worlds = Worlds::create(local(cluster.port()), SUPERUSER, "sequence");
        let open = |pair| {
            let proxy = Proxy::with_policy(&cluster, &pack(pair));
            let options = "-c wherefore.purpose={purpose}".to_owned();
            (pair, Stage::Proxy { address: local(proxy.port()), user: String::new(), options }, proxy)
        };
        let proxies = Pair::ALL.map(open);
        Theatre { worlds, standing: Mutex::default(), proxies, _cluster: cluster }
    }

    fn stage(&self, pair: Pair) -> &Stage {
        let (_, stage, _) = self.proxies.iter().find(|(of, ..)| *of == pair).expect("a proxy for every pair");
        stage
    }

    /// Plays it in both worlds, and puts them back.
    fn play(&self, sequence: &Sequence, pair: Pair, stage: &Stage) -> Played {
        let case = case(sequence);
        let transcripts = Side::BOTH.map(|side| {
            let frames = play(&case, &self.worlds, stage, pair, side, sequence.purpose, Mode::Simple);
            self.put_back(sequence, pair, side, &frames);
            numbered(frames)
        });
        Played { transcripts }
    }

    /// Puts back what a performance has changed.
    fn put_back(&self, sequence: &Sequence, pair: Pair, side: Side, frames: &[Frame]) {
        let tag =
            |words: &[&[u8]]| frames.iter().any(|f| f.tag == b'C' && words.iter().any(|word| f.body.starts_with(word)));
        let database = self.worlds.database(pair, side);
        let owner = |sql: &str| self.worlds.run_as_owner(pair, side, sql);
        if tag(&[b"PREPARE TRANSACTION"]) {
            let found = owner("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()");
            for row in found.iter().filter(|frame| frame.tag == b'D') {
                let gid = String::from_utf8_lossy(&row.body[6..]).replace('\'', "''");
                owner(&format!("ROLLBACK PREPARED '{gid}'"));
            }
        }
        // What was rolled back has changed nothing.
        if self.standing.lock().expect("no thread has failed").get(&database) != Some(&owner(STANDING)) {
            owner(DEFINITIONS);
            self.tell(pair, &database);
            self.standing.lock().expect("no thread has failed").insert(database, owner(STANDING));
        }
        let others = sequence.units.iter().any(|unit| unit.who != Who::Attacker);
        let silent = frames.iter().any(|frame| frame.tag == b'!');
        if others
            || silent
            || tag(&[b"INSERT", b"UPDATE", b"DELETE", b"MERGE", b"COPY", b"TRUNCATE", b"REFRESH", b"COMMIT PREPARED"])
        {
            self.worlds.reset(pair, side);
        }
    }

    /// The definitions were put back around the proxy, which would notice in a while: it sees something dropped.
    fn tell(&self, pair: Pair, database: &str) {
        let Stage::Proxy { address, .. } = self.stage(pair) else { return };
        let parameters = [("user", "insider"), ("database", database), ("options", "-c wherefore.purpose=clerk")];
        let mut session = Raw::connect_to(*address, &parameters).expect("a session through the proxy");
        let frames = session.exchange(&[query("DROP TABLE IF EXISTS nothing_of_this_name")]);
        assert!(frames.iter().any(|frame| frame.tag == b'C'), "what is not there may be dropped");
    }

    /// Leaves out what makes no difference to there being one.
    fn small(&self, sequence: &Sequence, pair: Pair) -> Sequence {
        let mut small = sequence.clone();
        let mut tries = 0;
        let mut differs = |candidate: &Sequence| {
            if tries > TRIES || !candidate.is_well_formed() {
                return false;
            }
            tries += 1;
            self.play(candidate, pair, self.stage(pair)).tells().is_some()
        };
        let mut length = small.units.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            while at < small.units.len() {
                let mut candidate = small.clone();
                candidate.units.drain(at..(at + length).min(small.units.len()));
                if differs(&candidate) { small = candidate } else { at += length }
            }
            if length == 1 {
                break;
            }
            length = length.div_ceil(2);
        }
        for unit in 0..small.units.len() {
            let mut line = 0;
            // The last says when they are sent.
            while line + 1 < small.units[unit].lines.len() {
                let mut candidate = small.clone();
                candidate.units[unit].lines.remove(line);
                if differs(&candidate) { small = candidate } else { line += 1 }
            }
        }
        small
    }
}

/// Tells whether a definition is another than before.
const STANDING: &str =
    "SELECT md5(string_agg(concat(oid, xmin, relfilenode), ',' ORDER BY oid)), (SELECT count(*) FROM pg_namespace),
    (SELECT count(*) FROM pg_description), (SELECT md5(string_agg(xmin::text, ',' ORDER BY oid)) FROM pg_rewrite)
    FROM pg_class WHERE oid >= 16384";

/// What a sequence may have changed.
const DEFINITIONS: &str = "SET client_min_messages = warning; DROP SCHEMA IF EXISTS aside CASCADE; DROP SCHEMA IF EXISTS insider CASCADE;
    DO $$DECLARE r record; BEGIN
        FOR r IN SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace
            AND relname IN ('mine', 'mine_seq', 'people_names') AND relkind IN ('r', 'v', 'm', 'S')
        LOOP EXECUTE format('DROP %s IF EXISTS public.%I CASCADE',
            CASE r.relkind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'SEQUENCE' END, r.relname);
        END LOOP; END$$;
    CREATE VIEW people_names AS SELECT id, name FROM people";

fn case(sequence: &Sequence) -> Case {
    read("sequences", &sequence.text("generated")).remove(0)
}

impl Played {
    /// How the worlds, or that there is something amiss, can be told.
    fn tells(&self) -> Option<String> {
        let [a, b] = &self.transcripts;
        let silent = |frames: &[Frame]| {
            let end = frames.iter().position(|frame| frame.tag == b'!')?;
            let ended = frames[..end].iter().any(|f| f.tag == b'E' && f.field(b'V').as_deref() == Some("FATAL"));
            (!ended).then(|| "the session is stuck, or was ended without a word".to_owned())
        };
        if a == b {
            let marked = a.iter().any(|frame| frame.body.windows(6).any(|bytes| bytes == b"SECRET"));
            return silent(a).or_else(|| marked.then(|| format!("what is marked came out:\n{}", written(a))));
        }
        let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let shown = |frames: &[Frame]| written(&frames[same.min(frames.len())..(same + 6).min(frames.len())]);
        Some(format!("  from frame {same} on:\n    a\n{}\n    b\n{}", shown(a), shown(b)))
    }
}

/// A transcript without what two performances differ in by nature: places in the server's source, and the numbers of what was
/// made in them, which are counted in the order in which they come.
fn numbered(frames: Vec<Frame>) -> Vec<Frame> {
    const FIRST_OWN: u32 = 16_384;
    let mut known: Vec<u32> = Vec::new();
    let mut frames: Vec<Frame> = frames.iter().map(bare).collect();
    for frame in frames.iter_mut().filter(|frame| frame.tag == b'T') {
        let mut at = 2;
        while let Some(end) = frame.body.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0)) {
            let numbers = at + end + 1;
            for begin in [numbers, numbers + 6] {
                let Some(oid) = frame.body.get_mut(begin..begin + 4) else { break };
                let number = u32::from_be_bytes([oid[0], oid[1], oid[2], oid[3]]);
                if number >= FIRST_OWN {
                    let place = known.iter().position(|known| *known == number).unwrap_or_else(|| {
                        known.push(number);
                        known.len() - 1
                    });
                    oid.copy_from_slice(&(FIRST_OWN + place as u32).to_be_bytes());
                }
            }
            at = numbers + 18;
        }
    }
    frames
}

/// Plays sequences until there are no more, or the time is over.
fn run_pair(
    theatre: &Theatre,
    pair: Pair,
    count: usize,
    first: u64,
    deadline: Option<Instant>,
) -> (Tally, Vec<String>) {
    let (mut tally, mut findings) = (Tally::default(), Vec::new());
    let only: Option<u64> = std::env::var("WHEREFORE_SEED").ok().and_then(|seed| seed.parse().ok());
    for number in 0.. {
        let over = deadline.map_or(number >= count, |deadline| Instant::now() >= deadline);
        if over || findings.len() >= FINDINGS || only.is_some() && number > 0 {
            break;
        }
        let seed = only.unwrap_or(first + number as u64);
        let sequence = compose(seed, pair);
        let played = theatre.play(&sequence, pair, theatre.stage(pair));
        tally.count(&sequence, &played.transcripts[0]);
        if only.is_some() {
            println!("{}\n{}", sequence.text("chosen"), written(&played.transcripts[0]));
        }
        if number % BARE == 0 {
            let bare = theatre.play(&sequence, pair, &Stage::Bare);
            tally.bare(bare.transcripts[0] != bare.transcripts[1]);
        }
        if let Some(told) = played.tells() {
            let small = theatre.small(&sequence, pair);
            let again = theatre.play(&small, pair, theatre.stage(pair)).tells();
            let steady = if again.is_some() { "" } else { " (not every time)" };
            let text = format!(
                "{} seed {seed}{steady}, sequence {number}\n{}\n{}",
                pair.name(),
                small.text(&format!("seed_{seed}")),
                again.unwrap_or(told)
            );
            println!("{text}");
            findings.push(text);
        }
    }
    (tally, findings)
}

#[test]
fn no_sequence_tells_the_worlds_apart() {
    let theatre = Theatre::build();
    let began = Instant::now();
    let deadline = soak().map(|length| began + length);
    let first = match deadline {
        Some(_) => {
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs() << 20
        }
        None => 1,
    };
    let theatre = &theatre;
    let runs: Vec<(Tally, Vec<String>)> = std::thread::scope(|scope| {
        let threads =
            SEQUENCES.map(|(pair, count)| scope.spawn(move || run_pair(theatre, pair, count, first, deadline)));
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let (mut total, mut findings) = (Tally::default(), Vec::new());
    for (tally, found) in runs {
        total.add(&tally);
        findings.extend(found);
    }
    total.show();
    println!("PROOF sequences {total} differences={} seconds={}", findings.len(), began.elapsed().as_secs());
    assert!(findings.is_empty(), "{} sequences tell something:\n{}", findings.len(), findings.join("\n"));
    if deadline.is_none() && std::env::var_os("WHEREFORE_SEED").is_none() {
        total.suffices();
    }
}
