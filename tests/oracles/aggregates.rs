//! Generated statements over columns that are released in aggregates only, in the two worlds `groups`: who has which value
//! differs, but what enough people have together does not. Nothing that is told may differ.

use crate::cases::{Case, Mode, Step, Who};
use crate::common::worlds::{PACK, Pair, Side, Worlds};
use crate::common::{Cluster, Proxy};
use crate::play::{Stage, play, written};
use std::net::{Ipv4Addr, SocketAddr};
use wherefore::cli::throwaway::SUPERUSER;

/// How many statements.
const STATEMENTS: usize = 2_500;
/// The least share that must be answered without an error, in percent.
const ANSWERED: usize = 35;

/// xorshift64*: the same statements on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn some(&mut self, of: &[&str], most: usize, with: &str) -> String {
        let count = 1 + self.below(most);
        (0..count).map(|_| self.one(of)).collect::<Vec<_>>().join(with)
    }
}

/// No key and no condition on open columns picks five people or more but for all of big, or all others: together these have
/// the same in both worlds, other five need not.
const OPEN_KEYS: [&str; 4] = ["s.city", "s.team_id", "s.city || s.team_id", "s.name"];
const CLOSED_KEYS: [&str; 3] = ["s.grade", "s.hired", "s.bonus"];
const NUMBERS: [&str; 3] = ["s.pay", "s.bonus", "s.rating"];
const SAFE: [&str; 7] = ["sum", "avg", "count", "stddev", "var_pop", "variance", "stddev_pop"];
const UNSAFE: [&str; 7] = [
    "max(s.pay)",
    "array_agg(s.grade)",
    "sum(s.pay * s.id)",
    "sum(CASE WHEN s.id = 5 THEN s.pay END)",
    "percentile_disc(0.5) WITHIN GROUP (ORDER BY s.pay)",
    "sum(DISTINCT s.pay)",
    "regr_sxy(s.pay, s.id)",
];
const OPEN_CONDITIONS: [&str; 8] = [
    "s.city = 'big'",
    "s.city <> 'big'",
    "s.city = 'small'",
    "s.id < 4",
    "s.id IN (13, 14, 1)",
    "s.team_id = 1",
    "1 / (s.id - 5) < 2",
    "s.id IN (SELECT w.id FROM weights AS w WHERE w.weight < 10)",
];
const CLOSED_CONDITIONS: [&str; 9] = [
    "s.pay > 5000",
    "s.pay BETWEEN 2000 AND 12000",
    "s.grade = 'low'",
    "s.grade IN ('high', 'SECRET-' || 'mid')",
    "s.hired IS NULL",
    "NOT (s.bonus < 10 OR s.pay > 9000)",
    "s.hired < '2020-01-09'",
    "s.pay > 5000 OR s.id = 5",
    "100 / (s.pay - 4500) > 0",
];
const OTHERS: [&str; 6] = [
    " JOIN teams AS t ON t.id = s.team_id",
    " LEFT JOIN teams AS t ON t.id = s.team_id AND t.place = 'place 1'",
    " JOIN weights AS w USING (id)",
    " JOIN weights AS w ON w.id <= s.id",
    ", generate_series(1, 2)",
    " JOIN rates AS r ON r.place = s.city",
];

struct Generated {
    dice: Dice,
}

impl Generated {
    fn aggregate(&mut self) -> String {
        let dice = &mut self.dice;
        let call = match dice.below(20) {
            0..8 => format!("{}({})", dice.one(&SAFE), dice.one(&NUMBERS)),
            8..12 => "count(*)".to_owned(),
            12 => format!("count(DISTINCT {})", dice.one(&CLOSED_KEYS)),
            13 => format!("corr({}, {})", dice.one(&NUMBERS), dice.one(&NUMBERS)),
            14 => "regr_avgx(s.bonus, s.pay)".to_owned(),
            15 => "max(s.name)".to_owned(),
            16 => dice.one(&UNSAFE).to_owned(),
            _ => format!("sum({})", dice.one(&NUMBERS)),
        };
        if dice.chance(12) && !call.contains("WITHIN") {
            let condition = if dice.chance(50) { dice.one(&OPEN_CONDITIONS) } else { dice.one(&CLOSED_CONDITIONS) };
            return format!("{call} FILTER (WHERE {condition})");
        }
        call
    }

    fn level(&mut self) -> (String, usize) {
        let mut keys: Vec<&str> = Vec::new();
        for _ in 0..self.dice.below(3) {
            let pool: &[&str] = if self.dice.chance(65) { &OPEN_KEYS } else { &CLOSED_KEYS };
            keys.push(self.dice.one(pool));
        }
        keys.dedup();
        let aggregates: Vec<String> = (0..1 + self.dice.below(3)).map(|_| self.aggregate()).collect();
        let mut targets: Vec<String> = keys.iter().map(|key| (*key).to_owned()).chain(aggregates).collect();
        if self.dice.chance(4) {
            targets.push("s.pay".to_owned());
        }
        let count = targets.len();
        let named: Vec<String> = targets.iter().enumerate().map(|(at, target)| format!("{target} AS c{at}")).collect();
        let mut text = format!("SELECT {} FROM staff AS s", named.join(", "));
        if self.dice.chance(18) {
            text.push_str(self.dice.one(&OTHERS));
        }
        let mut conditions: Vec<String> = Vec::new();
        if self.dice.chance(35) {
            conditions.push(self.dice.some(&OPEN_CONDITIONS, 2, " AND "));
        }
        if self.dice.chance(30) {
            conditions.push(format!("({})", self.dice.some(&CLOSED_CONDITIONS, 2, " AND ")));
        }
        if !conditions.is_empty() {
            let with = if self.dice.chance(90) { " AND " } else { " OR " };
            text.push_str(&format!(" WHERE {}", conditions.join(with)));
        }
        if !keys.is_empty() {
            let keys = keys.join(", ");
            text.push_str(&match self.dice.below(10) {
                0 | 1 => format!(" GROUP BY ROLLUP ({keys})"),
                2 => format!(" GROUP BY CUBE ({keys})"),
                3 => format!(" GROUP BY GROUPING SETS (({keys}), ())"),
                _ => format!(" GROUP BY {keys}"),
            });
        }
        if self.dice.chance(20) {
            let having = ["count(*) > 4", "sum(s.pay) > 40000", "1 / (count(*) - 3) >= 0", "avg(s.pay) IS NOT NULL"];
            text.push_str(&format!(" HAVING {}", self.dice.one(&having)));
        }
        (text, count)
    }

    /// A level alone or in another statement, its rows in an order.
    fn statement(&mut self) -> String {
        let (level, count) = self.level();
        let all: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
        let sorted = format!("ORDER BY {}", all.join(", "));
        match self.dice.below(12) {
            0 => format!("SELECT * FROM ({level}) AS x WHERE 1 / (length(x.c0::text) - 4) >= 0 {sorted}"),
            1 => format!("WITH x AS ({level}) SELECT x.*, p.name FROM x JOIN staff AS p ON p.id = 13 {sorted}"),
            2 => format!("({level}) UNION ALL ({level}) {sorted}"),
            3 => format!("SELECT p.id, ({level} {sorted} LIMIT 1) FROM staff AS p ORDER BY 1"),
            4 => format!(
                "SELECT p.id, x.* FROM staff AS p, LATERAL ({level}) AS x WHERE p.id < 4 ORDER BY {}",
                (1..=count + 1).map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
            ),
            5 => format!("{level} {sorted} LIMIT 2"),
            6 => format!("SELECT DISTINCT x.c0, count(*) OVER () FROM ({level}) AS x ORDER BY 1"),
            _ => format!("{level} {sorted}"),
        }
    }
}

#[test]
fn no_generated_aggregate_tells_the_worlds_apart() {
    let cluster = Cluster::shared();
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, cluster.port()));
    let worlds = Worlds::create(server, SUPERUSER, "generated");
    cluster.sql("postgres", "CREATE ROLE statistician LOGIN SUPERUSER");
    let pack = PACK.replace("[role.attacker]", "[role.statistician]");
    let proxy = Proxy::with_policy(cluster, &pack);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, proxy.port()));
    let options = "-c wherefore.purpose={purpose}".to_owned();
    let stage = Stage::Proxy { address, user: "statistician".to_owned(), options };
    let mut generated = Generated { dice: Dice(0x5EED_0F57_A715) };
    let (mut answered, mut bare) = (0, 0);
    for round in 0..STATEMENTS.div_ceil(25) {
        // A session takes many.
        let texts: Vec<String> = (0..25).map(|_| generated.statement()).collect();
        let steps = |texts: &[String]| -> Vec<(Who, Step)> {
            let step = |text: &String| (Who::Attacker, Step::Statement { text: text.clone(), data: Vec::new() });
            texts.iter().map(step).collect()
        };
        let case = |texts: &[String]| Case {
            class: "generated".to_owned(),
            name: round.to_string(),
            purposes: vec!["statistics".to_owned()],
            modes: vec![Mode::Simple],
            unordered: None,
            steps: steps(texts),
        };
        let performed = |texts: &[String], stage: &Stage| {
            Side::BOTH.map(|side| play(&case(texts), &worlds, stage, Pair::Groups, side, "statistics", Mode::Simple))
        };
        let [a, b] = performed(&texts, &stage);
        if a != b {
            let differing = texts.iter().find(|text| {
                let [a, b] = performed(std::slice::from_ref(*text), &stage);
                a != b
            });
            let one = differing.map_or(&texts[..], std::slice::from_ref);
            let [a, b] = performed(one, &stage);
            panic!("told apart by\n{}\n    a\n{}\n    b\n{}", one.join(";\n"), written(&a), written(&b));
        }
        answered += a.iter().filter(|frame| frame.tag == b'C').count();
        if round % 10 == 0 {
            // Without the proxy some of them do tell the worlds apart.
            let [a, b] = performed(&texts, &Stage::Bare);
            bare += usize::from(a != b);
        }
    }
    println!("PROOF generated-aggregates statements={STATEMENTS} answered={answered} differences=0");
    assert!(answered * 100 >= STATEMENTS * ANSWERED, "only {answered} of {STATEMENTS} are answered");
    assert!(bare > 0, "nothing differs at the server itself either");
}
