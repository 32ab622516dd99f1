//! Mutated texts, frames and policies through the entry points that fuzzing drives for longer (`fuzz/`): nothing panics, nothing
//! aborts, everything ends soon.

use crate::core::{bound, corpora, goldens, on_workers_stack, proofs_catalog, view};
use crate::generator::Generator;
use crate::random::Random;
use std::time::{Duration, Instant};
use wherefore::enforce::{Limits, judge_text};
use wherefore::policy::{Policy, SourceFile};

/// No statement of this test may take more of the processor to judge, in an unoptimised build.
const MOST: Duration = Duration::from_secs(4);
/// The bytes of the big ones; a soak takes the megabyte that the proxy takes.
const BIG: usize = 256 << 10;

/// What this thread has had of the processor, so that a busy machine is not taken for a slow judge; where the system does
/// not tell, the clock on the wall.
fn spent() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| START.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}

/// A text with something wrong about it.
fn mutate(text: &str, other: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let other: Vec<char> = other.chars().collect();
    for _ in 0..1 + random.below(4) {
        let at = random.below(chars.len().max(1)).min(chars.len());
        match random.below(7) {
            0 if !chars.is_empty() => drop(chars.drain(at..(at + random.below(12)).min(chars.len()))),
            1 => {
                let piece = *random.pick(&[
                    "'", "\"", "$$", "(", ")", "/*", "*/", "--", ";", "\\", "E'", "U&\"", "::", ".", "*", "\u{0}", "é",
                    "\u{202e}", "ONLY ", " AS ", ",",
                ]);
                chars.splice(at..at, piece.chars());
            }
            2 if !other.is_empty() => {
                let from = random.below(other.len());
                let to = (from + random.below(40)).min(other.len());
                chars.splice(at..at, other[from..to].iter().copied());
            }
            3 if !chars.is_empty() => {
                let to = (at + 1 + random.below(30)).min(chars.len());
                let piece: Vec<char> = chars[at..to].to_vec();
                for _ in 0..random.below(20) {
                    chars.splice(at..at, piece.iter().copied());
                }
            }
            4 => chars.truncate(at),
            5 if !chars.is_empty() => {
                let with = random.below(chars.len());
                let at = at.min(chars.len() - 1);
                chars.swap(at, with);
            }
            _ => {
                let digits = ["0", "9223372036854775808", "1e999", "0x", "1_0", "$1", "$99999999999"];
                chars.splice(at..at, random.pick(&digits).chars());
            }
        }
        chars.truncate(20_000);
    }
    chars.into_iter().collect()
}

/// So many bytes of what parsers recurse or square on.
fn monsters(bytes: usize) -> Vec<String> {
    let repeat = |head: &str, piece: &str, tail: &str| {
        let count = (bytes - head.len() - tail.len()) / piece.len();
        format!("{head}{}{tail}", piece.repeat(count))
    };
    vec![
        repeat("SELECT ", "(", "1"),
        repeat("SELECT ", "- ", "1"),
        repeat("SELECT 1", " + 1", ""),
        repeat("SELECT 1 WHERE a", " AND a", ""),
        repeat("SELECT a", "[1]", " FROM people"),
        repeat("SELECT NOT ", "NOT ", "true"),
        repeat("SELECT * FROM people", ", people", ""),
        repeat("SELECT id", ", id", " FROM people"),
        repeat("SELECT *", ", *", " FROM people"),
        repeat("SELECT 1", " UNION ALL SELECT 1", ""),
        repeat("SELECT * FROM people WHERE id IN (1", ",1", ")"),
        repeat("SELECT ", "CASE WHEN true THEN ", "1"),
        repeat("", "SELECT 1;", ""),
        repeat("SELECT '", "''", "'"),
        repeat("/*", "/*", ""),
        repeat("SELECT ", "+", "1"),
        repeat("WITH a AS (SELECT 1)", ", a AS (SELECT 1)", " SELECT 1"),
        repeat("SELECT ", "f(", "1"),
        repeat("SELECT ", "\"a\".", "a"),
        repeat("SELECT ARRAY[", "1,", "1]"),
        repeat("SELECT 1::int", "::int", ""),
        repeat("SELECT EXISTS (", "SELECT EXISTS (", "SELECT 1"),
        repeat("VALUES (1)", ", (1)", ""),
        repeat("SELECT ROW(", "ROW(", "1"),
    ]
}

#[test]
fn hostile_texts_are_judged_in_bounded_time() {
    let (texts, slowest, monsters) = on_workers_stack(|| {
        let bound = bound(include_str!("policy.toml"), &proofs_catalog());
        let views = ["plain", "both"].map(|purpose| view(&bound, purpose));
        let mut seeds: Vec<String> = corpora().into_iter().map(|(_, text)| text).collect();
        seeds.extend(goldens());
        let mut generator = Generator::new(5);
        seeds.extend((0..600).map(|_| generator.statement().doc.render()));
        let mut random = Random::new(11);
        let (began, mut texts, mut slowest) = (Instant::now(), 0, (Duration::ZERO, String::new()));
        while texts < 3000 && began.elapsed() < Duration::from_secs(20) {
            let (one, other) = (random.below(seeds.len()), random.below(seeds.len()));
            let text = mutate(&seeds[one], &seeds[other], &mut random);
            let started = spent();
            let _ = judge_text(&views[texts % 2], &text, &Limits::default());
            let took = spent().saturating_sub(started);
            if took > slowest.0 {
                slowest = (took, text.chars().take(200).collect());
            }
            texts += 1;
        }
        let mut monstrous = Vec::new();
        for text in monsters(if crate::common::soak::soak().is_some() { 1 << 20 } else { BIG }) {
            let started = spent();
            let _ = judge_text(&views[0], &text, &Limits::default());
            let took = spent().saturating_sub(started);
            println!("    {} ms for {} bytes of {}", took.as_millis(), text.len(), &text[..40]);
            monstrous.push((took, text[..40].to_owned()));
        }
        monstrous.sort();
        (texts, slowest, monstrous)
    });
    let worst = monsters.last().expect("monsters").clone();
    println!(
        "PROOF hostile-texts texts={texts} slowest_ms={} big_texts={} slowest_big_ms={} bytes={BIG}",
        slowest.0.as_millis(),
        monsters.len(),
        worst.0.as_millis(),
    );
    assert!(texts > 500, "only {texts} texts in the time there is");
    assert!(slowest.0 < MOST, "{:?}: {}", slowest.0, slowest.1);
    assert!(worst.0 < MOST, "{worst:?}");
}

#[test]
fn hostile_policies_are_errors_or_load() {
    let seeds =
        [include_str!("policy.toml"), include_str!("../golden/pack.toml"), include_str!("../suites/policy.toml")];
    let mut random = Random::new(12);
    let (began, mut policies, mut loaded) = (Instant::now(), 0, 0);
    while policies < 1500 && began.elapsed() < Duration::from_secs(10) {
        let (one, other) = (random.below(seeds.len()), random.below(seeds.len()));
        let text = mutate(seeds[one], seeds[other], &mut random);
        loaded += usize::from(Policy::parse(&[SourceFile { path: "policy.toml".into(), text }]).is_ok());
        policies += 1;
    }
    println!("PROOF hostile-policies policies={policies} loaded={loaded}");
    assert!(policies > 200, "only {policies} policies in the time there is");
}
