//! The attack corpus, played in two worlds. Through the proxy nothing may differ between them; at a bare server something
//! must, or the case shows nothing.

use crate::cases::{Case, Mode, corpus};
use crate::common::raw::{Frame, Raw, query};
use crate::common::worlds::{PACK, Pair, Side, Worlds};
use crate::common::{Cluster, Proxy};
use crate::play::{Stage, play, written};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Once;
use wherefore::cli::throwaway::SUPERUSER;

/// Cases that are known to tell something, each with its reason: `class/name: reason`.
const KNOWN: &str = include_str!("../attacks/known.txt");
/// The least share of each class that is answered without an error, in percent: `class: share`. A proxy that refuses everything
/// tells no worlds apart either.
const ANSWERED: &str = include_str!("../attacks/answered.txt");
/// The promise of the corpus.
const LEAST_CASES: usize = 400;
const LEAST_CLASSES: usize = 25;

/// What became of one case.
#[derive(Debug, Default)]
struct Outcome {
    performances: usize,
    /// Performances in which no statement met an error.
    answered: usize,
    /// Where the worlds differed: purpose and mode, and both transcripts.
    differing: Vec<String>,
}

/// Runs `one` for each case that concerns a pair; each pair on a thread of its own, because cases write.
fn over_pairs<T: Send>(cases: &[Case], one: impl Fn(&Case, Pair) -> T + Sync) -> Vec<(String, T)> {
    let of = |pair: Pair| cases.iter().filter(move |case| Pair::of(&case.purposes[0]) == pair);
    let one = &one;
    std::thread::scope(|scope| {
        let threads = Pair::ALL
            .map(|pair| scope.spawn(move || of(pair).map(|case| (case.id(), one(case, pair))).collect::<Vec<_>>()));
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// A subset for one who looks into one case, which is then shown: `WHEREFORE_ATTACK=class/name`.
fn chosen() -> Vec<Case> {
    let wanted = std::env::var("WHEREFORE_ATTACK").unwrap_or_default();
    corpus().into_iter().filter(|case| case.id().contains(&wanted)).collect()
}

fn address(variable: &str) -> Option<SocketAddr> {
    let text = std::env::var(variable).ok()?;
    use std::net::ToSocketAddrs as _;
    Some(text.to_socket_addrs().ok().and_then(|mut found| found.next()).unwrap_or_else(|| panic!("{variable}: {text}")))
}

/// The server where the worlds are, and the stage in front of it: our own proxy, or the one that is named.
fn stage() -> (SocketAddr, Stage, Option<Proxy>) {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let user = setting("WHEREFORE_ATTACK_USER", "");
    let options = setting("WHEREFORE_ATTACK_OPTIONS", "-c wherefore.purpose={purpose}");
    if let Some(target) = address("WHEREFORE_ATTACK_TARGET") {
        let server =
            address("WHEREFORE_ATTACK_SERVER").expect("WHEREFORE_ATTACK_SERVER names the server behind the target");
        return (server, Stage::Proxy { address: target, user, options }, None);
    }
    let cluster = peopled();
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let proxy = Proxy::with_policy(cluster, PACK);
    (local(cluster.port()), Stage::Proxy { address: local(proxy.port()), user, options }, Some(proxy))
}

/// The cluster of all proofs, with the roles that cases speak of.
fn peopled() -> &'static Cluster {
    static ROLES: Once = Once::new();
    let cluster = Cluster::shared();
    ROLES.call_once(|| {
        cluster.sql(
            "postgres",
            "CREATE ROLE attacker LOGIN SUPERUSER; CREATE ROLE insider LOGIN SUPERUSER; \
             CREATE ROLE partner LOGIN SUPERUSER; CREATE ROLE owner_of_worlds",
        );
    });
    cluster
}

/// Rows may not move while nobody writes, nor statistics.
fn quiet(cluster: &Cluster) {
    cluster.sql("postgres", "ALTER SYSTEM SET autovacuum = off");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
}

/// The modes in which a case is played: the simple protocol and, by turns, one kind of the extended; all in a soak.
fn modes(case: &Case) -> Vec<Mode> {
    let all = std::env::var_os("WHEREFORE_SOAK").is_some();
    let left_out = if case.id().len().is_multiple_of(2) { Mode::Binary } else { Mode::Extended };
    let kept = case.modes.iter().copied().filter(|mode| all || case.modes.len() < 3 || *mode != left_out);
    kept.collect()
}

#[test]
fn no_attack_tells_the_worlds_apart() {
    let started = std::time::Instant::now();
    let cases = chosen();
    let (server, stage, _proxy) = stage();
    if std::env::var_os("WHEREFORE_ATTACK_TARGET").is_none() {
        quiet(Cluster::shared());
    }
    let worlds = Worlds::create(server, SUPERUSER, "attack");
    let outcomes = over_pairs(&cases, |case, pair| {
        let mut outcome = Outcome::default();
        for purpose in &case.purposes {
            for mode in modes(case) {
                let transcripts = Side::BOTH.map(|side| play(case, &worlds, &stage, pair, side, purpose, mode));
                outcome.performances += 1;
                if std::env::var_os("WHEREFORE_ATTACK").is_some() {
                    println!("{} under {purpose}, {}:\n{}", case.id(), mode.word(), written(&transcripts[0]));
                }
                outcome.answered += usize::from(!transcripts[0].iter().any(|frame| matches!(frame.tag, b'E' | b'!')));
                // What is closed in both worlds may be the same by chance; its mark never comes out.
                let marked = transcripts[0].iter().any(|frame| contains(&frame.body, b"SECRET"));
                if transcripts[0] != transcripts[1] || marked && !case.says("SECRET") {
                    outcome.differing.push(difference(purpose, mode.word(), &transcripts));
                }
                for (side, transcript) in Side::BOTH.into_iter().zip(&transcripts) {
                    let done = !case.is_alone() || something_was_done(transcript);
                    if case.defines() && done {
                        worlds.renew(pair, side);
                        tell_of_new_definitions(&stage, &worlds.database(pair, side));
                    } else if case.writes() && done {
                        worlds.reset(pair, side);
                    }
                }
            }
        }
        outcome
    });
    report(&cases, &outcomes, started.elapsed().as_secs());
    if std::env::var_os("WHEREFORE_ATTACK_TARGET").is_none() && cases.len() == corpus().len() {
        enough_are_answered(&outcomes);
    }
    for pair in Pair::ALL {
        for side in Side::BOTH {
            let mut owner = worlds.owner(&worlds.database(pair, side));
            let count =
                "SELECT (SELECT count(*) FROM pg_class WHERE relpersistence = 'p'), (SELECT count(*) FROM pg_proc)";
            let mut template = worlds.owner("attack_template");
            let counted = |session: &mut Raw| session.exchange(&[query(count)]);
            assert_eq!(counted(&mut owner), counted(&mut template), "an attack has changed the definitions");
        }
    }
}

/// The definitions were put back around the proxy, which would notice in a while: it sees something dropped.
fn tell_of_new_definitions(stage: &Stage, database: &str) {
    let Stage::Proxy { address, user, options } = stage else { return };
    let user = if user.is_empty() { "insider" } else { user }.replace("{purpose}", "clerk");
    let options = options.replace("{purpose}", "clerk");
    let mut parameters = vec![("user", &*user), ("database", database)];
    if !options.is_empty() {
        parameters.push(("options", &options));
    }
    let mut session = Raw::connect_to(*address, &parameters).expect("a session through the proxy");
    let frames = session.exchange(&[query("DROP TABLE IF EXISTS nothing_of_this_name")]);
    assert!(frames.iter().any(|frame| frame.tag == b'C'), "what is not there may be dropped");
}

/// Holds every class against its floor. With `WHEREFORE_REASONS` set, prints what the floors could be.
fn enough_are_answered(outcomes: &[(String, Outcome)]) {
    let mut classes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (id, outcome) in outcomes {
        let class = classes.entry(id.split_once('/').map_or(id.as_str(), |(class, _)| class)).or_default();
        *class = (class.0 + outcome.answered, class.1 + outcome.performances);
    }
    let floors: BTreeMap<&str, usize> = ANSWERED
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_once(": ").and_then(|(class, share)| Some((class, share.parse().ok()?))))
        .collect();
    let mut short = Vec::new();
    for (class, (answered, performances)) in &classes {
        let share = answered * 100 / performances;
        if std::env::var_os("WHEREFORE_REASONS").is_some() {
            println!("{class}: {share}");
        }
        match floors.get(class) {
            Some(floor) if share >= *floor => {}
            floor => short.push(format!("{class}: {share} % are answered, the floor is {floor:?}")),
        }
    }
    let gone: Vec<_> = floors.keys().filter(|class| !classes.contains_key(*class)).collect();
    assert!(gone.is_empty(), "answered.txt names classes that are none: {gone:?}");
    assert!(short.is_empty(), "too much is refused:\n{}", short.join("\n"));
}

/// Whether a statement succeeded that may have written.
fn something_was_done(transcript: &[Frame]) -> bool {
    const IDLE: [&[u8]; 6] = [b"SET", b"BEGIN", b"ROLLBACK", b"LISTEN", b"RESET", b"PREPARE"];
    let done = |frame: &Frame| frame.tag == b'C' && !IDLE.iter().any(|tag| frame.body.starts_with(tag));
    transcript.iter().any(|frame| matches!(frame.tag, b'V' | b'!') || done(frame))
}

fn contains(text: &[u8], marker: &[u8]) -> bool {
    text.windows(marker.len()).any(|window| window == marker)
}

fn difference(purpose: &str, mode: &str, transcripts: &[Vec<Frame>; 2]) -> String {
    let [a, b] = transcripts;
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let shown = |frames: &[Frame]| written(&frames[same.min(frames.len())..(same + 6).min(frames.len())]);
    format!("  under {purpose}, {mode}, from frame {same} on:\n    a\n{}\n    b\n{}", shown(a), shown(b))
}

/// Prints the figures and fails for leaks that are not known, and known ones that are none.
fn report(cases: &[Case], outcomes: &[(String, Outcome)], seconds: u64) {
    let known: BTreeMap<&str, &str> = KNOWN
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("known.txt: no reason in `{line}`")))
        .collect();
    let leaking = |(_, outcome): &&(String, Outcome)| !outcome.differing.is_empty();
    let leaks: Vec<&(String, Outcome)> = outcomes.iter().filter(leaking).collect();
    let classes: std::collections::BTreeSet<&str> = cases.iter().map(|case| &*case.class).collect();
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(|(_, outcome)| of(outcome)).sum::<usize>();
    println!(
        "PROOF attacks cases={} classes={} performances={} answered={} leaks={} known={} seconds={seconds}",
        cases.len(),
        classes.len(),
        sum(|outcome| outcome.performances),
        sum(|outcome| outcome.answered),
        leaks.len(),
        leaks.iter().filter(|(id, _)| known.contains_key(&**id)).count(),
    );
    let whole = cases.len() == corpus().len();
    let new = leaks.iter().filter(|(id, _)| !known.contains_key(&**id));
    let new: Vec<String> = new.map(|(id, outcome)| format!("{id}\n{}", outcome.differing[0])).collect();
    assert!(new.is_empty(), "{} cases tell the worlds apart:\n{}", new.len(), new.join("\n"));
    let mended: Vec<_> = known.keys().filter(|id| !leaks.iter().any(|(leak, _)| leak == *id)).collect();
    assert!(!whole || mended.is_empty(), "known.txt lists what no longer tells anything, or is no case: {mended:?}");
    assert!(!whole || cases.len() >= LEAST_CASES && classes.len() >= LEAST_CLASSES, "the corpus is too small");
}

/// Whether a performance leaves something behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum World {
    /// It ends in an open transaction.
    Rolls,
    Stays,
}

/// Why a case shows nothing at a bare server; `None` where it does.
fn vacuous(case: &Case, worlds: &Worlds, pair: Pair, world: World) -> Option<String> {
    let performed = |side| {
        let transcript = play(case, worlds, &Stage::Bare, pair, side, &case.purposes[0], case.modes[0]);
        match world {
            World::Stays if case.defines() => worlds.renew(pair, side),
            World::Stays if case.writes() => worlds.reset(pair, side),
            World::Rolls | World::Stays => worlds.rewind(pair, side),
        }
        transcript
    };
    let transcripts = Side::BOTH.map(performed);
    if transcripts[0] == transcripts[1] {
        return Some(format!("the worlds look the same:\n{}", written(&transcripts[0])));
    }
    let again = performed(Side::A);
    let noisy = transcripts[0] != again;
    noisy.then(|| format!("world a differs from itself:\n{}\n      --\n{}", written(&transcripts[0]), written(&again)))
}

#[test]
fn every_attack_works_on_a_bare_server() {
    let started = std::time::Instant::now();
    let cases = chosen();
    let cluster = peopled();
    quiet(cluster);
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, cluster.port()));
    let worlds = Worlds::create(server, SUPERUSER, "bare");
    let vacuous = over_pairs(&cases, |case, pair| {
        // Most need no clearing up: they are played in a transaction that is rolled back.
        let wrapped = (case.is_alone() && !case.ends_transactions()).then(|| case.in_transaction());
        let told = wrapped.and_then(|wrapped| vacuous(&wrapped, &worlds, pair, World::Rolls));
        match told {
            None if case.is_alone() && !case.ends_transactions() => None,
            _ => vacuous(case, &worlds, pair, World::Stays),
        }
    });
    let vacuous: Vec<String> = vacuous.into_iter().filter_map(|(id, why)| Some(format!("{id}: {}", why?))).collect();
    println!(
        "PROOF attacks_bare cases={} leaking={} seconds={}",
        cases.len(),
        cases.len() - vacuous.len(),
        started.elapsed().as_secs()
    );
    assert!(vacuous.is_empty(), "{} cases show nothing:\n{}", vacuous.len(), vacuous.join("\n"));
}
