//! Random statements over `schema.sql`, typed so that Postgres accepts most of them, and aimed at what a rewrite must get
//! right: names in every scope, stars and whole rows, merged columns, expressions that fail on some rows.
//!
//! What Postgres leaves open is left out: LIMIT only behind an order by all columns, aggregates that depend on the order of
//! rows only with one, no window functions that tell rows apart which the order does not.

use super::doc::{Doc, list, maybe, or, seq, text};
use super::random::Random;

/// Types the generator knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ty {
    Int,
    Text,
    Bool,
    Time,
    Mood,
    Ints,
    Texts,
    Json,
}

use Ty::{Bool, Int, Ints, Json, Mood, Text, Texts, Time};

const ALL: [Ty; 8] = [Int, Text, Bool, Time, Mood, Ints, Texts, Json];
/// What sets up most queries.
const COMMON: [Ty; 8] = [Int, Int, Int, Text, Text, Bool, Mood, Time];

pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Ty)],
}

const PEOPLE: Table = Table {
    name: "people",
    columns: &[
        ("id", Int),
        ("name", Text),
        ("email", Text),
        ("phone", Text),
        ("age", Int),
        ("city", Text),
        ("secret", Text),
        ("feeling", Mood),
        ("level", Int),
        ("tags", Texts),
        ("marks", Ints),
        ("doc", Json),
        ("consent", Bool),
        ("deleted_at", Time),
    ],
};
const ORDERS: Table = Table {
    name: "orders",
    columns: &[
        ("id", Int),
        ("person_id", Int),
        ("amount", Int),
        ("note", Text),
        ("secret", Text),
        ("placed", Time),
        ("voided", Bool),
    ],
};
const READING_COLUMNS: &[(&str, Ty)] =
    &[("at", Time), ("value", Int), ("person_id", Int), ("email", Text), ("flagged", Bool)];
pub(super) const TABLES: &[Table] = &[
    PEOPLE,
    ORDERS,
    Table { name: "readings", columns: READING_COLUMNS },
    Table { name: "readings_2026", columns: READING_COLUMNS },
    Table {
        name: "pets",
        columns: &[
            ("id", Int),
            ("name", Text),
            ("weight", Int),
            ("person_id", Int),
            ("secret", Text),
            ("hidden", Bool),
        ],
    },
    Table {
        name: "cats",
        columns: &[
            ("id", Int),
            ("name", Text),
            ("weight", Int),
            ("person_id", Int),
            ("secret", Text),
            ("hidden", Bool),
            ("lives", Int),
            ("email", Text),
        ],
    },
    Table { name: "things", columns: &[("id", Int), ("name", Text), ("size", Int), ("feeling", Mood)] },
    Table { name: "log", columns: &[("id", Int), ("line", Text), ("weight", Int)] },
    Table { name: "adults", columns: &[("id", Int), ("name", Text), ("email", Text), ("age", Int)] },
    Table { name: "sums", columns: &[("person_id", Int), ("total", Int), ("orders", Int)] },
    Table { name: "names", columns: &[("id", Int), ("name", Text)] },
];
/// Those of them that every purpose sees whole.
pub(super) const OPEN: [usize; 2] = [6, 7];

/// A relation in sight.
#[derive(Debug, Clone)]
pub(super) struct Rel {
    pub alias: String,
    pub columns: Vec<(String, Ty)>,
    /// Whether the alias itself is a row with these columns.
    pub row: bool,
}

pub(super) type Scope = Vec<Rel>;

/// A statement with what the comparison must know of it.
#[derive(Debug, Clone)]
pub struct Generated {
    pub doc: Doc,
    pub writes: bool,
    /// Statements that go before and after it in the same transaction.
    pub before: Vec<&'static str>,
    pub after: Vec<String>,
}

pub struct Generator {
    pub(super) random: Random,
    aliases: usize,
    ctes: Vec<(String, Vec<(String, Ty)>)>,
    /// Whether all that is in sight is known, so that a name without an alias can be told to be unique.
    pub(super) bare_names: bool,
    /// Whether the last write has a RETURNING.
    pub(super) returns: bool,
    /// What a write takes its values from.
    pub(super) sources: Sources,
}

/// What expressions and sub-queries may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sources {
    Any,
    /// Tables that every purpose sees whole, and what fails on few values: copying launders nothing then.
    Open,
}

impl Generator {
    pub fn new(seed: u64) -> Generator {
        Generator {
            random: Random::new(seed),
            aliases: 0,
            ctes: Vec::new(),
            bare_names: true,
            returns: false,
            sources: Sources::Any,
        }
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.random.percent(percent)
    }

    pub(super) fn name(&mut self, letter: char) -> String {
        self.aliases += 1;
        // Names that need quoting, and names of columns and tables as aliases, are where printers go wrong.
        match self.random.below(24) {
            0 => format!("\"{letter} {}\"", self.aliases),
            1 => format!("\"{}{}\"", letter.to_uppercase(), self.aliases),
            _ => format!("{letter}{}", self.aliases),
        }
    }

    /// A new statement.
    pub fn statement(&mut self) -> Generated {
        self.aliases = 0;
        self.ctes.clear();
        let plain = |doc| Generated { doc, writes: false, before: Vec::new(), after: Vec::new() };
        match self.random.below(100) {
            0..74 => plain(self.top_query()),
            74..76 => plain(seq([text("COPY ("), self.top_query(), text(") TO STDOUT")])),
            76..78 => Generated {
                doc: seq([text("DECLARE c CURSOR FOR "), self.top_query()]),
                writes: false,
                before: vec!["BEGIN"],
                after: ["FETCH 3 FROM c", "FETCH ALL FROM c", "ROLLBACK"].map(str::to_owned).to_vec(),
            },
            78..80 => Generated {
                doc: seq([text("PREPARE s AS "), self.top_query()]),
                writes: false,
                before: Vec::new(),
                after: ["EXECUTE s", "DEALLOCATE s"].map(str::to_owned).to_vec(),
            },
            _ => self.writing(),
        }
    }

    /// A statement that writes, in a transaction that shows what was written and is rolled back.
    pub fn writing(&mut self) -> Generated {
        self.aliases = 0;
        self.ctes.clear();
        let (doc, result) = self.write();
        let after = vec![result, "ROLLBACK".to_owned()];
        Generated { doc, writes: true, before: vec!["BEGIN"], after }
    }

    /// A query with everything that may stand around it.
    fn top_query(&mut self) -> Doc {
        let with = if self.chance(22) { maybe(self.with()) } else { text("") };
        let body = match self.random.below(20) {
            0 => {
                let table = &TABLES[self.random.below(TABLES.len())];
                text(format!("TABLE {}", table.name))
            }
            1 | 2 => self.star_query(),
            _ => {
                let types: Vec<Ty> = (0..1 + self.random.below(4)).map(|_| *self.random.pick(&COMMON)).collect();
                self.query(&types, 3, &Vec::new())
            }
        };
        seq([with, body])
    }

    /// WITH, whose names later queries may use.
    fn with(&mut self) -> Doc {
        let recursive = self.chance(30);
        let mut parts = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            let name = self.name('w');
            let types: Vec<Ty> = (0..1 + self.random.below(3)).map(|_| *self.random.pick(&COMMON)).collect();
            let columns: Vec<(String, Ty)> = types.iter().enumerate().map(|(i, ty)| (format!("k{i}"), *ty)).collect();
            let heads = columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            if recursive && self.chance(60) {
                let scope = Vec::new();
                let start = self.query(&[Int], 1, &scope);
                let search = match self.random.below(8) {
                    0 => " SEARCH DEPTH FIRST BY k0 SET o",
                    1 => " CYCLE k0 SET y USING p",
                    _ => "",
                };
                let step = match self.random.below(3) {
                    0 => format!("SELECT {name}.k0 + 1 FROM {name} WHERE {name}.k0 < 5"),
                    1 => format!(
                        "SELECT o.person_id FROM {name} JOIN orders o ON o.id = {name}.k0 + 1 WHERE {name}.k0 < 9"
                    ),
                    _ => {
                        format!("SELECT k0 + 3 FROM {name} WHERE k0 < 9 AND EXISTS (SELECT FROM people WHERE id = k0)")
                    }
                };
                parts.push(seq([text(format!("{name} (k0) AS ((")), start, text(format!(") UNION {step}){search}"))]));
                self.ctes.push((name, vec![("k0".into(), Int)]));
                continue;
            }
            let keyword = *self.random.pick(&["AS", "AS", "AS MATERIALIZED", "AS NOT MATERIALIZED"]);
            let query = self.query(&types, 2, &Vec::new());
            parts.push(seq([text(format!("{name} ({heads}) {keyword} (")), query, text(")")]));
            self.ctes.push((name, columns));
        }
        let head = if recursive { "WITH RECURSIVE " } else { "WITH " };
        seq([text(head), list(parts, ", ", 1), text(" ")])
    }

    /// A query that shows stars and whole rows.
    fn star_query(&mut self) -> Doc {
        let (from, scope) = self.from(2, &Vec::new());
        let rel = self.random.pick(&scope).clone();
        let mut targets = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            let target = match self.random.below(8) {
                0 | 1 => text("*"),
                2 | 3 => text(format!("{}.*", rel.alias)),
                4 if rel.row => text(rel.alias.clone()),
                5 if rel.row => text(format!("row_to_json({})", rel.alias)),
                6 if rel.row => text(format!("to_jsonb({})::text", rel.alias)),
                7 if rel.row => text(format!("{}::text", rel.alias)),
                _ => self.expr(Int, 2, &scope),
            };
            targets.push(target);
        }
        let filter = self.maybe_where(&scope, 60);
        seq([text("SELECT "), list(targets, ", ", 1), from, filter])
    }

    /// A query that yields these types.
    pub(super) fn query(&mut self, types: &[Ty], depth: usize, outer: &Scope) -> Doc {
        match self.random.below(20) {
            0 | 1 if depth > 0 => {
                let op = *self.random.pick(&[" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT ", " EXCEPT ALL "]);
                // Types without an order or equality stay out of what compares them; all here have both.
                let (one, other) = (self.query(types, depth - 1, outer), self.query(types, depth - 1, outer));
                seq([text("("), one, text(")"), text(op), text("("), other, text(")"), self.order(types.len())])
            }
            2 => {
                let row = |this: &mut Self| {
                    let values = types.iter().map(|ty| this.expr(*ty, 1, outer)).collect();
                    seq([text("("), list(values, ", ", types.len()), text(")")])
                };
                let rows = (0..1 + self.random.below(3)).map(|_| row(self)).collect();
                seq([text("VALUES "), list(rows, ", ", 1)])
            }
            3..=5 => self.grouped(types, depth, outer),
            _ => self.select(types, depth, outer),
        }
    }

    /// `ORDER BY` all columns and perhaps LIMIT; or nothing.
    fn order(&mut self, columns: usize) -> Doc {
        if columns == 0 || self.chance(65) {
            return text("");
        }
        let keys: Vec<String> = (1..=columns)
            .map(|key| format!("{key}{}", self.random.pick(&["", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"])))
            .collect();
        let limit = match self.random.below(5) {
            0 => " LIMIT 3",
            1 => " LIMIT 5 OFFSET 1",
            2 => " FETCH FIRST 2 ROWS ONLY",
            _ => "",
        };
        maybe(text(format!(" ORDER BY {}{limit}", keys.join(", "))))
    }

    pub(super) fn select(&mut self, types: &[Ty], depth: usize, outer: &Scope) -> Doc {
        let (from, scope) = self.from(depth, outer);
        let mut sight = scope.clone();
        sight.extend(outer.iter().cloned());
        let targets: Vec<Doc> = types
            .iter()
            .map(|ty| {
                let value =
                    if self.chance(6) { self.window(*ty, &sight) } else { self.expr(*ty, depth.max(1), &sight) };
                let label = if self.chance(25) { format!(" AS {}", self.name('c')) } else { String::new() };
                seq([value, text(label)])
            })
            .collect();
        let filter = self.maybe_where(&sight, 70);
        let distinct = match self.random.below(14) {
            0 => "DISTINCT ",
            1 if !types.is_empty() => "DISTINCT ON (1) ",
            _ => "",
        };
        let mut order = self.order(types.len());
        if distinct.starts_with("DISTINCT ON") {
            let keys: Vec<String> = (1..=types.len()).map(|key| key.to_string()).collect();
            order = text(format!(" ORDER BY {}", keys.join(", ")));
        } else if distinct.is_empty() && self.chance(6) {
            let key = self.expr(Int, 1, &sight);
            // An order by something that is not selected: ties are compared without regard to order.
            order = maybe(seq([text(" ORDER BY ("), key, text(")")]));
        }
        let lock = if distinct.is_empty() && outer.is_empty() && self.chance(5) {
            *self.random.pick(&[" FOR UPDATE", " FOR SHARE", " FOR NO KEY UPDATE NOWAIT", " FOR KEY SHARE SKIP LOCKED"])
        } else {
            ""
        };
        seq([
            text(format!("SELECT {distinct}")),
            list(targets, ", ", types.len()),
            from,
            filter,
            order,
            maybe(text(lock)),
        ])
    }

    /// GROUP BY: keys first, then aggregates.
    fn grouped(&mut self, types: &[Ty], depth: usize, outer: &Scope) -> Doc {
        let (from, scope) = self.from(depth, outer);
        let mut sight = scope.clone();
        sight.extend(outer.iter().cloned());
        let filter = self.maybe_where(&sight, 50);
        let mut keys: Vec<(Doc, Ty)> = Vec::new();
        for _ in 0..self.random.below(3) {
            let ty = *self.random.pick(&COMMON);
            if scope.iter().any(|rel| rel.columns.iter().any(|(_, other)| *other == ty)) {
                keys.push((self.column(ty, &scope, 0), ty));
            }
        }
        let targets: Vec<Doc> = types
            .iter()
            .map(|ty| match keys.iter().find(|(_, key)| key == ty) {
                Some((key, _)) if self.random.percent(50) => key.clone(),
                _ => self.aggregate(*ty, &scope),
            })
            .collect();
        let group = if keys.is_empty() {
            text("")
        } else {
            let listed: Vec<Doc> = keys.iter().map(|(key, _)| key.clone()).collect();
            let inner = list(listed, ", ", keys.len());
            match self.random.below(8) {
                0 => seq([text(" GROUP BY ROLLUP ("), inner, text(")")]),
                1 => seq([text(" GROUP BY CUBE ("), inner, text(")")]),
                2 => seq([text(" GROUP BY GROUPING SETS (("), inner, text("), ())")]),
                _ => seq([text(" GROUP BY "), inner]),
            }
        };
        let having = if self.chance(25) {
            let (count, bound) = (self.aggregate(Int, &scope), self.random.below(4));
            maybe(seq([text(" HAVING "), count, text(format!(" >= {bound}"))]))
        } else {
            text("")
        };
        let order = self.order(types.len());
        seq([text("SELECT "), list(targets, ", ", types.len()), from, filter, group, having, order])
    }

    fn aggregate(&mut self, ty: Ty, scope: &Scope) -> Doc {
        let filter = if self.chance(15) {
            maybe(seq([text(" FILTER (WHERE "), self.expr(Bool, 1, scope), text(")")]))
        } else {
            text("")
        };
        let distinct = if self.chance(15) { "DISTINCT " } else { "" };
        let call = match ty {
            Int => match self.random.below(5) {
                0 => return seq([text("count(*)"), filter, text("::int")]),
                1 => seq([
                    text(format!("count({distinct}")),
                    self.expr(Text, 1, scope),
                    text(")"),
                    filter,
                    text("::int"),
                ]),
                2 => seq([text("sum("), self.expr(Int, 1, scope), text(")"), filter, text("::int")]),
                3 => seq([text("max("), self.expr(Int, 1, scope), text(")"), filter]),
                _ => seq([text(format!("cardinality(array_agg({distinct}")), self.expr(Text, 1, scope), text("))")]),
            },
            Text => match self.random.below(3) {
                0 => seq([text("min("), self.expr(Text, 1, scope), text(")"), filter]),
                1 => {
                    let value = self.expr(Text, 1, scope);
                    seq([text("string_agg("), value.clone(), text(", ',' ORDER BY "), value, text(")"), filter])
                }
                _ => {
                    let value = self.expr(Int, 1, scope);
                    seq([text("(percentile_disc(0.5) WITHIN GROUP (ORDER BY "), value, text("))::text")])
                }
            },
            Bool => seq([text("bool_or("), self.expr(Bool, 1, scope), text(")"), filter]),
            Time => seq([text("max("), self.expr(Time, 1, scope), text(")"), filter]),
            Mood => seq([text("max("), self.expr(Mood, 1, scope), text(")"), filter]),
            Ints => {
                let value = self.expr(Int, 1, scope);
                seq([text("array_agg("), value.clone(), text(" ORDER BY "), value, text(")"), filter])
            }
            Texts => {
                let value = self.expr(Text, 1, scope);
                seq([text("array_agg("), value.clone(), text(" ORDER BY "), value, text(")"), filter])
            }
            Json => {
                let value = self.expr(Text, 1, scope);
                seq([text("jsonb_agg("), value.clone(), text(" ORDER BY "), value, text(")"), filter])
            }
        };
        or(call, null(ty))
    }

    /// A window function whose value the order leaves no choice in.
    fn window(&mut self, ty: Ty, scope: &Scope) -> Doc {
        let key = self.expr(Int, 1, scope);
        let partition = if self.chance(40) {
            maybe(seq([text("PARTITION BY "), self.column(Text, scope, 6), text(" ")]))
        } else {
            text("")
        };
        let over = seq([text(" OVER ("), partition, text("ORDER BY ("), key, text("))")]);
        let call = match ty {
            Int => *self.random.pick(&["rank()", "dense_rank()", "count(*)"]),
            _ => return self.expr(ty, 1, scope),
        };
        seq([text(format!("({call}")), over, text(")::int")])
    }

    pub(super) fn maybe_where(&mut self, scope: &Scope, percent: usize) -> Doc {
        if !self.chance(percent) {
            return text("");
        }
        maybe(seq([text(" WHERE "), self.expr(Bool, 3, scope)]))
    }

    /// FROM with what it brings into sight.
    pub(super) fn from(&mut self, depth: usize, outer: &Scope) -> (Doc, Scope) {
        let mut scope: Scope = Vec::new();
        let mut parts = Vec::new();
        for _ in 0..1 + usize::from(self.chance(18)) {
            let (mut doc, mut here) = self.relation(depth, &scope, outer);
            while here.len() < 3 && self.chance(30) {
                let (other, more) = self.relation(depth, &[scope.as_slice(), here.as_slice()].concat(), outer);
                let shared: Vec<String> = here
                    .iter()
                    .flat_map(|rel| rel.columns.iter().map(|(name, _)| name.clone()))
                    .filter(|name| more.iter().any(|rel| rel.columns.iter().any(|(other, _)| other == name)))
                    .collect();
                let unique = |name: &String| shared.iter().filter(|other| *other == name).count() == 1;
                let kind = *self.random.pick(&[
                    " JOIN ",
                    " LEFT JOIN ",
                    " RIGHT JOIN ",
                    " FULL JOIN ",
                    " JOIN ",
                    " LEFT JOIN ",
                ]);
                let usable: Vec<&String> =
                    shared.iter().filter(|name| unique(name) && !name.contains("secret")).collect();
                doc = match self.random.below(10) {
                    0 => seq([doc, text(" CROSS JOIN "), other]),
                    1 if shared.len() == usable.len() => seq([doc, text(format!(" NATURAL{kind}")), other]),
                    2..=4 if !usable.is_empty() => {
                        let name = usable[self.random.below(usable.len())];
                        let merged =
                            if self.random.percent(20) { format!(" AS {}", self.name('m')) } else { String::new() };
                        seq([doc, text(kind), other, text(format!(" USING ({name}){merged}"))])
                    }
                    _ => {
                        let both = [here.as_slice(), more.as_slice()].concat();
                        let bare = std::mem::replace(&mut self.bare_names, false);
                        let on = if self.chance(60) {
                            seq([self.column(Int, &here, 5), text(" = "), self.column(Int, &more, 5)])
                        } else {
                            self.expr(Bool, 1, &both)
                        };
                        self.bare_names = bare;
                        // A full join needs a condition that merges or hashes.
                        let kind = if kind.contains("FULL") { " LEFT JOIN " } else { kind };
                        seq([doc, text(kind), other, text(" ON "), on])
                    }
                };
                here.extend(more);
            }
            scope.extend(here);
            parts.push(doc);
        }
        (seq([text(" FROM "), list(parts, ", ", parts_needed(&scope))]), scope)
    }

    /// One thing in FROM.
    pub(super) fn relation(&mut self, depth: usize, before: &[Rel], outer: &Scope) -> (Doc, Scope) {
        let mut roll = self.random.below(100);
        if self.sources == Sources::Open && roll >= 18 {
            roll = 21;
        }
        let cte = (!self.ctes.is_empty() && roll < 30).then(|| self.ctes[self.random.below(self.ctes.len())].clone());
        if let Some((name, columns)) = cte {
            let alias = self.name('q');
            return (text(format!("{name} AS {alias}")), vec![Rel { alias, columns, row: true }]);
        }
        match roll {
            0..12 if depth > 0 => {
                let types: Vec<Ty> = (0..1 + self.random.below(3)).map(|_| *self.random.pick(&COMMON)).collect();
                let lateral = self.chance(40);
                let mut sight = outer.clone();
                if lateral {
                    sight.extend(before.iter().cloned());
                }
                let query = self.query(&types, depth - 1, &sight);
                let alias = self.name('s');
                let columns: Vec<(String, Ty)> =
                    types.iter().enumerate().map(|(i, ty)| (format!("v{i}"), *ty)).collect();
                let heads = columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
                let lead = if lateral && !before.is_empty() { "LATERAL (" } else { "(" };
                let doc = seq([text(lead), query, text(format!(") AS {alias} ({heads})"))]);
                (doc, vec![Rel { alias, columns, row: true }])
            }
            12..15 if depth > 0 => {
                // A star in a sub-query hands every column on.
                let (doc, rels) = self.relation(0, &[], &Vec::new());
                let columns = rels[0].columns.clone();
                let alias = self.name('s');
                (
                    seq([text("(SELECT * FROM "), doc, text(format!(") AS {alias}"))]),
                    vec![Rel { alias, columns, row: true }],
                )
            }
            15..18 => {
                let alias = self.name('g');
                let columns = vec![(alias.clone(), Int)];
                (text(format!("generate_series(1, 3) AS {alias}")), vec![Rel { alias, columns, row: false }])
            }
            18..21 => {
                let alias = self.name('u');
                let array = self.column(Ints, before, 3);
                let columns = vec![("e".to_owned(), Int), ("n".to_owned(), Int)];
                let doc = seq([text("unnest("), array, text(format!(") WITH ORDINALITY AS {alias} (e, n)"))]);
                (doc, vec![Rel { alias, columns, row: false }])
            }
            _ => {
                let weights = [0, 0, 0, 0, 1, 1, 1, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10];
                let table = match self.sources {
                    Sources::Any => &TABLES[*self.random.pick(&weights)],
                    Sources::Open => &TABLES[*self.random.pick(&OPEN)],
                };
                let columns: Vec<(String, Ty)> =
                    table.columns.iter().map(|(name, ty)| ((*name).to_owned(), *ty)).collect();
                let only = if matches!(table.name, "pets" | "readings") && self.chance(15) { "ONLY " } else { "" };
                let schema = if self.chance(10) { "public." } else { "" };
                match self.random.below(12) {
                    0 if before.iter().all(|rel| rel.alias != table.name) => {
                        let rel = Rel { alias: table.name.to_owned(), columns, row: true };
                        // Under its own name; a second reference in the same list is an error now and then.
                        (text(format!("{only}{schema}{}", table.name)), vec![rel])
                    }
                    1 => {
                        let alias = self.name('a');
                        let heads: Vec<String> = (0..2.min(columns.len())).map(|i| format!("h{i}")).collect();
                        let mut renamed = columns;
                        for (column, head) in renamed.iter_mut().zip(&heads) {
                            column.0.clone_from(head);
                        }
                        let doc = text(format!("{only}{schema}{} AS {alias} ({})", table.name, heads.join(", ")));
                        // A whole row under column aliases is refused where a guard is needed.
                        (doc, vec![Rel { alias, columns: renamed, row: false }])
                    }
                    _ => {
                        let alias = self.name('t');
                        (
                            text(format!("{only}{schema}{} AS {alias}", table.name)),
                            vec![Rel { alias, columns, row: true }],
                        )
                    }
                }
            }
        }
    }

    /// A column of this type in sight, or a constant where there is none. `closed`: how often, of a hundred, one of a name
    /// that no purpose opens.
    pub(super) fn column(&mut self, ty: Ty, scope: &[Rel], closed: usize) -> Doc {
        let secret = self.chance(closed.min(3));
        let found: Vec<(usize, usize)> = scope
            .iter()
            .enumerate()
            .flat_map(|(at, rel)| rel.columns.iter().enumerate().map(move |(index, column)| (at, index, column)))
            .filter(|(_, _, (name, other))| *other == ty && (secret || !name.contains("secret")))
            .map(|(at, index, _)| (at, index))
            .collect();
        if found.is_empty() {
            return self.constant(ty);
        }
        let (at, index) = *self.random.pick(&found);
        let (rel, (name, _)) = (&scope[at], &scope[at].columns[index]);
        let times = scope.iter().flat_map(|rel| &rel.columns).filter(|(other, _)| other == name).count();
        let bare = times == 1 && self.bare_names && self.random.percent(40);
        let shown = match self.random.below(30) {
            0 if rel.row => format!("({}).{name}", rel.alias),
            _ if bare => name.clone(),
            _ => format!("{}.{name}", rel.alias),
        };
        or(text(shown), null(ty))
    }

    pub(super) fn constant(&mut self, ty: Ty) -> Doc {
        let choices: &[&str] = match ty {
            Int => &["0", "1", "2", "3", "7", "20", "(-1)", "NULL::int"],
            Text => &["text 'x'", "text 'name 4'", "'7'::text", "text ''", "text '(hidden)'", "E'a\\'b'", "NULL::text"],
            Bool => &["true", "false", "NULL::bool"],
            Time => {
                &["timestamptz '2026-01-05 00:00:00+00'", "'2025-06-01 12:00:00+00'::timestamptz", "NULL::timestamptz"]
            }
            Mood => &["'ok'::mood", "'happy'::mood", "NULL::mood"],
            Ints => &["ARRAY[1, 2, 3]", "'{4,5}'::int[]", "ARRAY[]::int[]"],
            Texts => &["ARRAY['a', 'b']", "'{x}'::text[]"],
            Json => &["'{\"a\": 1}'::jsonb", "'[1, 2]'::jsonb", "'null'::jsonb"],
        };
        text(*self.random.pick(choices))
    }

    /// A row in sight, as text that stands for it.
    fn row(&mut self, scope: &Scope) -> Option<String> {
        let rows: Vec<&Rel> = scope.iter().filter(|rel| rel.row).collect();
        (!rows.is_empty()).then(|| rows[self.random.below(rows.len())].alias.clone())
    }

    pub(super) fn expr(&mut self, ty: Ty, depth: usize, scope: &Scope) -> Doc {
        if depth == 0 || self.chance(35) {
            return if self.chance(78) { self.column(ty, scope, 3) } else { self.constant(ty) };
        }
        let d = depth - 1;
        match self.random.below(22) {
            0 => return self.case(ty, d, scope),
            1 => {
                let (one, other) = (self.expr(ty, d, scope), self.expr(ty, d, scope));
                return or(seq([text("coalesce("), one, text(", "), other, text(")")]), null(ty));
            }
            2 => {
                let (one, other) = (self.expr(ty, d, scope), self.expr(ty, d, scope));
                return or(seq([text("nullif("), one, text(", "), other, text(")")]), null(ty));
            }
            3 | 4 if depth > 1 => return self.scalar_query(ty, d, scope),
            5 if ty != Json => {
                let (one, other) = (self.expr(ty, d, scope), self.expr(ty, d, scope));
                let function = *self.random.pick(&["greatest(", "least("]);
                return or(seq([text(function), one, text(", "), other, text(")")]), null(ty));
            }
            _ => {}
        }
        let doc = match ty {
            Int => self.int(d, scope),
            Text => self.text(d, scope),
            Bool => self.boolean(depth, scope),
            Time => match self.random.below(if self.sources == Sources::Open { 2 } else { 3 }) {
                0 => seq([self.expr(Time, d, scope), text(" + interval '1 day'")]),
                1 => seq([text("date_trunc('month', "), self.expr(Time, d, scope), text(")")]),
                _ => seq([text("("), self.expr(Text, d, scope), text(")::timestamptz")]),
            },
            Mood => match self.random.below(4) {
                0 if self.sources == Sources::Any => seq([text("("), self.expr(Text, d, scope), text(")::mood")]),
                _ => self.column(Mood, scope, 0),
            },
            Ints => match self.random.below(3) {
                0 => seq([text("ARRAY["), self.expr(Int, d, scope), text(", "), self.expr(Int, d, scope), text("]")]),
                1 => seq([self.expr(Ints, d, scope), text(" || "), self.expr(Int, d, scope)]),
                _ => seq([text("("), self.column(Ints, scope, 0), text(")[1:2]")]),
            },
            Texts => match self.random.below(2) {
                0 => seq([text("string_to_array("), self.expr(Text, d, scope), text(", 'a')")]),
                _ => seq([text("ARRAY["), self.expr(Text, d, scope), text("]")]),
            },
            Json => match self.random.below(5) {
                0 => seq([
                    text("jsonb_build_object('k', "),
                    self.expr(Text, d, scope),
                    text(", 'n', "),
                    self.expr(Int, d, scope),
                    text(")"),
                ]),
                1 => seq([text("to_jsonb("), self.expr(Int, d, scope), text(")")]),
                2 => match self.row(scope) {
                    Some(row) => text(format!("to_jsonb({row})")),
                    None => self.constant(Json),
                },
                3 => seq([text("jsonb_build_array("), self.expr(Text, d, scope), text(")")]),
                _ => seq([text("("), self.column(Json, scope, 0), text(") -> 'a'")]),
            },
        };
        or(seq([text("("), doc, text(")")]), null(ty))
    }

    fn case(&mut self, ty: Ty, d: usize, scope: &Scope) -> Doc {
        let (then, otherwise) = (self.expr(ty, d, scope), self.expr(ty, d, scope));
        let head = if self.chance(30) {
            let (value, with) = (self.expr(Int, d, scope), self.expr(Int, d, scope));
            seq([text("CASE "), value, text(" WHEN "), with])
        } else {
            seq([text("CASE WHEN "), self.expr(Bool, d, scope)])
        };
        or(seq([head, text(" THEN "), then, text(" ELSE "), otherwise, text(" END")]), null(ty))
    }

    fn scalar_query(&mut self, ty: Ty, d: usize, scope: &Scope) -> Doc {
        let d = d.min(1);
        let query = if ty == Ints && self.chance(40) {
            let query = self.select(&[Int], d, scope);
            return or(seq([text("ARRAY(SELECT * FROM ("), query, text(") AS z (e) ORDER BY 1)")]), "NULL::int[]");
        } else {
            let (from, own) = self.from(d, scope);
            let mut sight = own.clone();
            sight.extend(scope.iter().cloned());
            let filter = self.maybe_where(&sight, 60);
            seq([text("SELECT "), self.aggregate(ty, &own), from, filter])
        };
        or(seq([text("("), query, text(")")]), null(ty))
    }

    fn int(&mut self, d: usize, scope: &Scope) -> Doc {
        let kind = self.random.below(13);
        match if self.sources == Sources::Open && matches!(kind, 3 | 4) { 0 } else { kind } {
            0..=2 => {
                let op = *self.random.pick(&[" + ", " - ", " * ", " + "]);
                seq([self.expr(Int, d, scope), text(op), self.expr(Int, d, scope)])
            }
            // These fail on some rows.
            3 => seq([self.expr(Int, d, scope), text(" / "), self.expr(Int, d, scope)]),
            4 => seq([text("("), self.expr(Text, d, scope), text(")::int")]),
            5 => seq([text("length("), self.expr(Text, d, scope), text(")")]),
            6 => seq([text("abs("), self.expr(Int, d, scope), text(")")]),
            7 => seq([text("cardinality("), self.expr(Texts, d, scope), text(")")]),
            8 => seq([text("("), self.expr(Ints, d, scope), text(")[1]")]),
            9 => seq([text("extract(day FROM "), self.expr(Time, d, scope), text(")::int")]),
            10 => seq([text("ascii("), self.expr(Text, d, scope), text(")")]),
            11 => seq([text("jsonb_array_length(jsonb_build_array("), self.expr(Json, d, scope), text("))")]),
            _ => {
                seq([text("position("), self.expr(Text, d, scope), text(" IN "), self.expr(Text, d, scope), text(")")])
            }
        }
    }

    fn text(&mut self, d: usize, scope: &Scope) -> Doc {
        match self.random.below(12) {
            0 | 1 => seq([self.expr(Text, d, scope), text(" || "), self.expr(Text, d, scope)]),
            2 => seq([text("upper("), self.expr(Text, d, scope), text(")")]),
            3 => seq([text("substring("), self.expr(Text, d, scope), text(" FROM 2 FOR 3)")]),
            4 => seq([text("("), self.expr(Int, d, scope), text(")::text")]),
            5 => seq([self.expr(Mood, d, scope), text("::text")]),
            6 => seq([self.expr(Json, d, scope), text(" ->> 'a'")]),
            7 => seq([text("concat("), self.expr(Text, d, scope), text(", "), self.expr(Int, d, scope), text(")")]),
            8 => match self.row(scope) {
                Some(row) => text(format!("{row}::text")),
                None => self.constant(Text),
            },
            9 => seq([text("("), self.expr(Texts, d, scope), text(")[1]")]),
            10 => seq([text("trim(both 'n' from "), self.expr(Text, d, scope), text(")")]),
            _ => seq([text("replace("), self.expr(Text, d, scope), text(", 'a', 'b')")]),
        }
    }

    fn boolean(&mut self, depth: usize, scope: &Scope) -> Doc {
        let d = depth - 1;
        let ty = *self.random.pick(&ALL);
        match self.random.below(19) {
            0..=4 => {
                let op = *self.random.pick(&[" = ", " <> ", " < ", " >= ", " = ", " > "]);
                let ty = *self.random.pick(&COMMON);
                seq([self.expr(ty, d, scope), text(op), self.expr(ty, d, scope)])
            }
            5 | 6 => {
                let op = *self.random.pick(&[" AND ", " OR "]);
                let parts = vec![self.expr(Bool, d, scope), self.expr(Bool, d, scope)];
                list(parts, op, 1)
            }
            7 => seq([text("NOT "), self.expr(Bool, d, scope)]),
            8 => seq([self.expr(ty, d, scope), text(*self.random.pick(&[" IS NULL", " IS NOT NULL"]))]),
            9 => seq([self.expr(Int, d, scope), text(" IN (1, 2, "), self.expr(Int, d, scope), text(")")]),
            10 if depth > 1 => {
                let ty = *self.random.pick(&COMMON);
                let not = *self.random.pick(&["", "NOT "]);
                let query = self.query(&[ty], d.min(1), scope);
                seq([self.expr(ty, d, scope), text(format!(" {not}IN (")), query, text(")")])
            }
            11 if depth > 1 => {
                let (from, inner) = self.from(d.min(1), scope);
                let mut sight = inner;
                sight.extend(scope.iter().cloned());
                let filter = self.maybe_where(&sight, 80);
                seq([text("EXISTS (SELECT 1"), from, filter, text(")")])
            }
            12 => {
                let value = self.expr(Int, d, scope);
                seq([value, text(" BETWEEN "), self.expr(Int, d, scope), text(" AND "), self.expr(Int, d, scope)])
            }
            13 => seq([
                self.expr(Text, d, scope),
                text(*self.random.pick(&[" LIKE 'n%'", " ILIKE '%M%'", " ~ '^[a-m]'", " SIMILAR TO '%1'"])),
            ]),
            14 => seq([self.expr(Int, d, scope), text(" = ANY ("), self.expr(Ints, d, scope), text(")")]),
            15 => seq([self.expr(ty, d, scope), text(" IS DISTINCT FROM "), self.expr(ty, d, scope)]),
            16 => match self.row(scope) {
                Some(row) => text(format!("{row} IS NOT NULL")),
                None => self.constant(Bool),
            },
            17 => {
                let (a, b, c, e) = (
                    self.expr(Int, d, scope),
                    self.expr(Text, d, scope),
                    self.expr(Int, d, scope),
                    self.expr(Text, d, scope),
                );
                seq([text("ROW("), a, text(", "), b, text(") <= ("), c, text(", "), e, text(")")])
            }
            _ => self.column(Bool, scope, 0),
        }
    }
}

fn parts_needed(scope: &Scope) -> usize {
    scope.len().min(1)
}

fn null(ty: Ty) -> &'static str {
    match ty {
        Int => "NULL::int",
        Text => "NULL::text",
        Bool => "NULL::bool",
        Time => "NULL::timestamptz",
        Mood => "NULL::mood",
        Ints => "NULL::int[]",
        Texts => "NULL::text[]",
        Json => "NULL::jsonb",
    }
}
