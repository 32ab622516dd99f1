//! Texts that differ in their literals only share a plan: it is the one that each has for itself, and the literals are those that
//! Postgres's lexer sees.

use crate::core::{bound, corpora, goldens, on_workers_stack, proofs_catalog, snapshot, view};
use crate::generator::Generator;
use crate::random::Random;
use std::sync::Arc;
use wherefore::catalog::Catalog;
use wherefore::enforce::{Enforcer, Judged, Limits, Plan, Planned, View, judge_text};
use wherefore::sql::{Class, Shape};

/// Everything that is done with a plan, in words; `None` where there is not one statement.
fn told(judged: &Judged) -> Option<String> {
    let Judged::One(Planned { statement, plan, reports, shadow, trace: _ }) = judged else { return None };
    let plan = match plan {
        Plan::Refuse(refusal) => return Some(format!("refused {}", refusal.code.0)),
        plan => format!("{plan:?}"),
    };
    Some(format!("{statement:?} {plan} {reports:?} {shadow:?}"))
}

/// Values for the literals of a text, of their kinds.
fn varied(text: &str, random: &mut Random) -> String {
    const TEXTS: [&str; 16] = [
        "''",
        "'a'",
        "'%a_'",
        "'it''s'",
        "'{}'",
        "'{\"a\": [1]}'",
        "'2020-02-03'",
        "'true'",
        "'$1'",
        "'-- /*'",
        "'ä€😀'",
        "'7'",
        "'public.people'",
        "'{1,2}'",
        "'1 day'",
        "'ends in quotes'''",
    ];
    let Some(shape) = Shape::of(text) else { return text.to_owned() };
    let (mut out, mut copied) = (String::new(), 0);
    for literal in &shape.literals {
        out.push_str(&text[copied..literal.span.start]);
        match literal.class {
            Class::Integer if random.percent(60) => out.push_str(&random.below(12).to_string()),
            Class::Integer => out.push_str(&random.below(2_147_483_647).to_string()),
            Class::Bigint => out.push_str(&(3_000_000_000 + random.below(1 << 50)).to_string()),
            Class::Text if random.percent(50) => out.push_str(&text[literal.span.clone()]),
            Class::Text => out.push_str(random.pick::<&str>(&TEXTS)),
        }
        copied = literal.span.end;
    }
    out.push_str(&text[copied..]);
    out
}

#[derive(Default)]
struct Tally {
    shapes: usize,
    texts: usize,
    shared: usize,
    permitted: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn check(&mut self, view: &View, purpose: &str, text: &str, random: &mut Random) {
        if Shape::of(text).is_none() {
            return;
        }
        self.shapes += 1;
        let (enforcer, limits) = (Enforcer::new(Limits::default()), Limits::default());
        // From the fourth text on the plan is shared, if it can be.
        for _ in 0..3 {
            enforcer.judge(view, text);
            enforcer.judge(view, &varied(text, random));
        }
        for _ in 0..4 {
            let text = varied(text, random);
            let shares = enforcer.shares(view, &text);
            let (shared, own) = (told(&enforcer.judge(view, &text)), told(&judge_text(view, &text, &limits)));
            self.texts += 1;
            self.shared += usize::from(shares);
            self.permitted += usize::from(own.as_ref().is_some_and(|own| !own.starts_with("refused")));
            if shared != own {
                let wrong = format!("[{purpose}] {text}\n  shared: {shared:?}\n  own:    {own:?}");
                self.wrong.push(if self.wrong.len() < 12 { wrong } else { String::new() });
            }
        }
    }
}

#[test]
fn texts_of_a_shape_are_judged_alike() {
    let tally = on_workers_stack(|| {
        let (mut tally, mut random) = (Tally::default(), Random::new(7));
        let generated = bound(include_str!("policy.toml"), &proofs_catalog());
        for (index, purpose) in ["plain", "masked", "filtered", "both"].into_iter().enumerate() {
            let view = view(&generated, purpose);
            let mut generator = Generator::new(9000 + index as u64);
            for _ in 0..150 {
                tally.check(&view, purpose, &generator.statement().doc.render(), &mut random);
            }
            for (_, text) in corpora().iter().skip(index).step_by(8) {
                tally.check(&view, purpose, text, &mut random);
            }
        }
        let of_packs = [
            (
                "shapes_golden",
                include_str!("../golden/schema.sql"),
                include_str!("../golden/pack.toml"),
                &["everything", "plain", "masked", "filtered"][..],
                goldens(),
            ),
            (
                "shapes_aggregates",
                include_str!("../golden/aggregates_schema.sql"),
                include_str!("../golden/aggregates.toml"),
                &["statistics"][..],
                include_str!("../golden/aggregates.sql").lines().map(str::to_owned).collect(),
            ),
        ];
        for (database, schema, pack, purposes, texts) in of_packs {
            let bound = bound(pack, &Arc::new(Catalog::new(snapshot(database, schema), 1)));
            for purpose in purposes {
                let view = view(&bound, purpose);
                texts.iter().for_each(|text| tally.check(&view, purpose, text, &mut random));
            }
        }
        tally
    });
    let Tally { shapes, texts, shared, permitted, wrong } = tally;
    println!(
        "PROOF shapes shapes={shapes} texts={texts} shared={shared} permitted={permitted} judged_otherwise={}",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{} texts are judged otherwise by their shape:\n{}", wrong.len(), wrong.join("\n"));
    assert!(shared > 900, "only {shared} texts of {texts} were sent by their shape");
    assert!(permitted > 1000, "only {permitted} texts of {texts} were permitted");
}

/// What Postgres's lexer says of a text: where its literals are, and whether they are digits. `None` where it reads none.
fn scanned(text: &str) -> Option<Vec<(usize, usize, bool)>> {
    use pg_query::protobuf::Token;
    let tokens = pg_query::scan(text).ok()?.tokens;
    let literal = |kind: i32| match Token::try_from(kind) {
        Ok(Token::Iconst | Token::Fconst) => Some(true),
        Ok(Token::Sconst | Token::Usconst | Token::Bconst | Token::Xconst | Token::Param) => Some(false),
        Ok(_) | Err(_) => None,
    };
    let found =
        tokens.iter().filter_map(|token| Some((token.start as usize, token.end as usize, literal(token.token)?)));
    Some(found.collect())
}

#[test]
fn the_literals_are_those_that_postgres_sees() {
    let check = |text: &str| {
        let Some(shape) = Shape::of(text) else { return false };
        let literals = shape.literals.iter();
        let ours: Vec<_> =
            literals.map(|literal| (literal.span.start, literal.span.end, literal.class != Class::Text)).collect();
        // What it cannot read at all is an error, whatever its literals.
        let Some(theirs) = scanned(text) else { return false };
        assert_eq!(ours, theirs, "{text:?}");
        true
    };
    let corpora = corpora();
    let seen = corpora.iter().filter(|(_, text)| check(text)).count();
    // Pieces whose neighbours decide how they are read.
    const PIECES: [&str; 56] = [
        "'",
        "''",
        "'a'",
        "'a''b'",
        "\"",
        "\"a\"",
        "\"'\"",
        "E",
        "e'",
        "U&",
        "u&'",
        "N",
        "b",
        "x",
        "B'",
        "-",
        "--",
        "/",
        "*",
        "/*",
        "*/",
        "$",
        "$1",
        "$$",
        "$a$",
        "\\",
        "0",
        "1",
        "42",
        "007",
        "1.",
        ".5",
        "1e",
        "e1",
        "0x",
        "0b1",
        "1_0",
        "2147483648",
        "9999999999",
        "a",
        "_",
        "ä",
        " ",
        "\n",
        "\t",
        "\r",
        ";",
        ":",
        "::",
        "(",
        "[",
        "=",
        "<",
        "@",
        "&",
        "?",
    ];
    let mut random = Random::new(11);
    let mut odd = 0;
    for _ in 0..300_000 {
        let text: String = (0..2 + random.below(7)).map(|_| *random.pick::<&str>(&PIECES)).collect();
        odd += usize::from(check(&text));
    }
    println!(
        "PROOF literals statements={} with_a_shape={seen} pieces=300000 with_a_shape_of_those={odd}",
        corpora.len()
    );
    assert!(seen > 300 && odd > 10_000, "{seen} statements and {odd} texts of pieces have a shape");
}
