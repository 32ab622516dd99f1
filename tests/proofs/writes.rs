//! Writes of the generator. Most are aimed at being answered: keys from a pool, what a row must have, columns that the
//! purposes may write, values from where copying launders nothing. The others are as wild as the reads.

use super::doc::{Doc, list, maybe, seq, text};
use super::generator::{Generator, OPEN, Rel, Scope, Sources, TABLES, Table, Ty};

use Ty::{Int, Text};

/// A table that is written to.
struct Target {
    /// Its place in the generator's tables.
    table: usize,
    /// What a new row must have, and what serves.
    required: &'static [(&'static str, &'static str)],
    /// A column by which conditions decide about rows, or that a partition is chosen by.
    deciding: &'static [&'static str],
    /// Whether a row may go: some purpose must have the right to all of its columns.
    key: Option<&'static str>,
}

const AT: &str = "timestamptz '2026-01-03 00:00:00+00'";
const TARGETS: [Target; 8] = [
    Target {
        table: 0,
        required: &[("id", ""), ("name", "text 'new'")],
        deciding: &["consent", "deleted_at"],
        key: Some("id"),
    },
    Target {
        table: 1,
        required: &[("id", ""), ("person_id", "1"), ("amount", "5"), ("placed", AT), ("voided", "false")],
        deciding: &["voided", "amount"],
        key: Some("id"),
    },
    Target {
        table: 2,
        required: &[("at", AT), ("flagged", "false")],
        deciding: &["at", "flagged", "value"],
        key: None,
    },
    Target {
        table: 3,
        required: &[("at", AT), ("flagged", "false")],
        deciding: &["at", "flagged", "value"],
        key: None,
    },
    Target { table: 4, required: &[("id", ""), ("hidden", "false")], deciding: &["hidden"], key: None },
    Target { table: 5, required: &[("id", ""), ("hidden", "false")], deciding: &["hidden"], key: None },
    Target { table: 6, required: &[("id", ""), ("name", "text 'new'")], deciding: &[], key: Some("id") },
    Target { table: 7, required: &[], deciding: &[], key: None },
];
/// Columns that some purpose may not write, or not read as they are.
const CLOSED: [&str; 4] = ["email", "phone", "age", "secret"];
/// Of a hundred writes, how many are aimed.
const AIMED: usize = 80;

type Columns = Vec<(String, Ty)>;

fn names(columns: &Columns) -> String {
    columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

impl Target {
    fn table(&self) -> &'static Table {
        &TABLES[self.table]
    }

    /// The columns that an aimed write sets.
    fn settable(&self) -> Columns {
        let kept = |name: &str| !CLOSED.contains(&name) && !self.deciding.contains(&name) && name != "id";
        self.columns(&kept)
    }

    /// The columns that an aimed write takes values from.
    fn readable(&self) -> Columns {
        self.columns(&|name| !CLOSED.contains(&name))
    }

    fn columns(&self, kept: &dyn Fn(&str) -> bool) -> Columns {
        let columns = self.table().columns.iter().filter(|(name, _)| kept(name));
        columns.map(|(name, ty)| ((*name).to_owned(), *ty)).collect()
    }

    /// A value for a column that its constraints take.
    fn held(&self, name: &str, value: Doc) -> Doc {
        if name == "level" {
            return seq([text("("), value, text(") % 100")]);
        }
        match self.required.iter().find(|(required, _)| *required == name) {
            Some((_, otherwise)) if !otherwise.is_empty() => {
                seq([text("coalesce("), value, text(format!(", {otherwise})"))])
            }
            _ => value,
        }
    }
}

impl Generator {
    /// INSERT, UPDATE, DELETE, MERGE, and WITH around them; and a query for what is then in the table.
    pub(super) fn write(&mut self) -> (Doc, String) {
        let aimed = self.chance(AIMED);
        self.sources = if aimed { Sources::Open } else { Sources::Any };
        let (statement, target) = self.written();
        self.sources = Sources::Any;
        let visible = names(&target.columns(&|name| name != "secret"));
        (statement, format!("SELECT {visible} FROM {}", target.table().name))
    }

    fn aims(&self) -> bool {
        self.sources == Sources::Open
    }

    fn written(&mut self) -> (Doc, &'static Target) {
        let kind = self.random.below(10);
        // Rows are merged only where none is hidden.
        let merges = kind == 9;
        let target = match self.aims() && merges && self.chance(70) {
            true => &TARGETS[*self.random.pick(&OPEN)],
            false => &TARGETS[self.random.below(TARGETS.len())],
        };
        let table = target.table();
        let alias = if self.chance(70) { self.name('t') } else { table.name.to_owned() };
        let columns = if self.aims() { target.readable() } else { target.columns(&|_| true) };
        let rel = Rel { alias: alias.clone(), columns, row: !self.aims() };
        let named = if alias == table.name { String::new() } else { format!(" AS {alias}") };
        self.returns = false;
        let statement = match kind {
            0..=3 => self.insert(target, &named, &rel),
            4..=6 => self.update(target, &named, &rel),
            7 | 8 => {
                let (using, mut sight) = if self.chance(30) {
                    let (doc, scope) = self.relation(1, &[], &Vec::new());
                    (seq([text(" USING "), doc]), scope)
                } else {
                    (text(""), Vec::new())
                };
                sight.push(rel);
                let filter = self.maybe_where(&sight, 95);
                seq([text(format!("DELETE FROM {}{named}", table.name)), using, filter, self.returning(target, &sight)])
            }
            _ => self.merge(target, &named, &rel),
        };
        let returns = self.returns;
        if !self.chance(14) {
            return (statement, target);
        }
        let name = self.name('w');
        let body = seq([text(format!("WITH {name} AS (")), statement, text(")")]);
        let whole = match self.random.below(3) {
            0 if returns => seq([body, text(format!(" SELECT * FROM {name}"))]),
            1 if returns => seq([body, text(format!(" SELECT count(*) FROM {name}, things"))]),
            _ => seq([body, text(" "), self.query(&[Int], 1, &Vec::new())]),
        };
        (whole, target)
    }

    fn update(&mut self, target: &Target, named: &str, rel: &Rel) -> Doc {
        let (from, mut sight) = if self.chance(30) { self.from(1, &Vec::new()) } else { (text(""), Vec::new()) };
        // Where two rows match, which one counts is open.
        let values = vec![rel.clone()];
        sight.push(rel.clone());
        let set = self.assignments(target, if from.render().is_empty() { &sight } else { &values });
        let filter = match target.key {
            Some(key) if self.chance(30) => {
                let number = 1 + self.random.below(9);
                text(format!(" WHERE {}.{key} = {number}", rel.alias))
            }
            _ => self.maybe_where(&sight, 90),
        };
        let shown = self.returning(target, &values);
        seq([text(format!("UPDATE {}{named} SET ", target.table().name)), set, from, filter, shown])
    }

    fn insert(&mut self, target: &Target, named: &str, rel: &Rel) -> Doc {
        let table = target.table();
        let chosen: Columns = if self.aims() {
            let mut chosen: Columns = target.columns(&|name| target.required.iter().any(|(other, _)| *other == name));
            for _ in 0..1 + self.random.below(3) {
                let column = self.random.pick(&target.settable()).clone();
                if !chosen.contains(&column) {
                    chosen.push(column);
                }
            }
            chosen
        } else {
            let count = 1 + self.random.below(table.columns.len().min(5));
            target.columns(&|_| true).into_iter().take(count.max(3)).collect()
        };
        let source = if self.chance(50) {
            let rows = (0..1 + self.random.below(2))
                .map(|row| {
                    let mut values = Vec::new();
                    for (name, ty) in &chosen {
                        values.push(match name.as_str() {
                            // Now and then a key that is there.
                            "id" if self.chance(8) => text("1"),
                            "id" => text((900 + row).to_string()),
                            "at" => text(AT),
                            _ => self.value(target, name, *ty, 1, &Vec::new()),
                        });
                    }
                    seq([text("("), list(values, ", ", chosen.len()), text(")")])
                })
                .collect();
            seq([text("VALUES "), list(rows, ", ", 1)])
        } else if self.aims() {
            self.selection(target, &chosen)
        } else {
            let types: Vec<Ty> = chosen.iter().map(|(_, ty)| *ty).collect();
            self.select(&types, 1, &Vec::new())
        };
        let values = vec![rel.clone()];
        let conflict = match self.random.below(8) {
            0 if table.name != "readings" => maybe(text(" ON CONFLICT DO NOTHING")),
            1 if target.key.is_some() => {
                let excluded = Rel { alias: "excluded".to_owned(), columns: chosen.clone(), row: false };
                let both = vec![rel.clone(), excluded];
                let bare = std::mem::replace(&mut self.bare_names, false);
                let set = self.assignments(target, &both);
                self.bare_names = bare;
                maybe(seq([text(" ON CONFLICT (id) DO UPDATE SET "), set]))
            }
            _ => text(""),
        };
        let shown = self.returning(target, &values);
        seq([text(format!("INSERT INTO {}{named} ({}) ", table.name, names(&chosen))), source, conflict, shown])
    }

    /// A query for new rows over one relation, whose keys become new ones.
    fn selection(&mut self, target: &Target, chosen: &Columns) -> Doc {
        let table = &TABLES[*self.random.pick(&OPEN)];
        let alias = self.name('t');
        let columns: Columns = table.columns.iter().map(|(name, ty)| ((*name).to_owned(), *ty)).collect();
        let sight = vec![Rel { alias: alias.clone(), columns, row: true }];
        let mut values = Vec::new();
        for (name, ty) in chosen {
            values.push(match name.as_str() {
                "id" => text(format!("{alias}.id + 900")),
                "at" => text(AT),
                _ => self.value(target, name, *ty, 1, &sight),
            });
        }
        let filter = self.maybe_where(&sight, 50);
        seq([
            text("SELECT "),
            list(values, ", ", chosen.len()),
            text(format!(" FROM {} AS {alias}", table.name)),
            filter,
        ])
    }

    fn value(&mut self, target: &Target, name: &str, ty: Ty, depth: usize, scope: &Scope) -> Doc {
        let value = self.expr(ty, depth, scope);
        if self.aims() { target.held(name, value) } else { value }
    }

    fn assignments(&mut self, target: &Target, scope: &Scope) -> Doc {
        let columns = if self.aims() { target.settable() } else { target.columns(&|_| true) };
        let mut chosen: Columns = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            let column = self.random.pick(&columns).clone();
            if !chosen.contains(&column) {
                chosen.push(column);
            }
        }
        let mut parts = Vec::new();
        for (name, ty) in &chosen {
            parts.push(seq([text(format!("{name} = ")), self.value(target, name, *ty, 2, scope)]));
        }
        list(parts, ", ", 1)
    }

    fn returning(&mut self, target: &Target, scope: &Scope) -> Doc {
        let kind = self.random.below(4);
        self.returns = kind < 2;
        match kind {
            0 if self.aims() => {
                let columns =
                    target.readable().into_iter().map(|(name, _)| format!("{}.{name}", scope[scope.len() - 1].alias));
                text(format!(" RETURNING {}", columns.collect::<Vec<_>>().join(", ")))
            }
            0 => text(" RETURNING *"),
            1 => seq([
                text(" RETURNING "),
                self.expr(Int, 1, scope),
                text(" AS one, "),
                self.expr(Text, 1, scope),
                text(" AS two"),
            ]),
            _ => text(""),
        }
    }

    fn merge(&mut self, target: &Target, named: &str, rel: &Rel) -> Doc {
        let bare = std::mem::replace(&mut self.bare_names, false);
        let (source, from) = self.relation(1, &[], &Vec::new());
        let own = vec![rel.clone()];
        let both: Scope = own.iter().chain(&from).cloned().collect();
        let on = seq([self.column(Int, &own, 0), text(" = "), self.column(Int, &from, 0)]);
        let matched = match self.random.below(3) {
            0 => text(" WHEN MATCHED THEN DELETE"),
            1 => text(" WHEN MATCHED THEN DO NOTHING"),
            _ => seq([
                text(" WHEN MATCHED AND "),
                self.expr(Ty::Bool, 1, &both),
                text(" THEN UPDATE SET "),
                self.assignments(target, &both),
            ]),
        };
        let missing = match target.table().name {
            "log" if self.chance(60) => {
                let (line, weight) = (self.expr(Text, 1, &from), self.expr(Int, 1, &from));
                seq([
                    text(" WHEN NOT MATCHED THEN INSERT (line, weight) VALUES ("),
                    line,
                    text(", "),
                    weight,
                    text(")"),
                ])
            }
            _ => text(" WHEN NOT MATCHED THEN DO NOTHING"),
        };
        self.bare_names = bare;
        seq([
            text(format!("MERGE INTO {}{named} USING ", target.table().name)),
            source,
            text(" ON "),
            on,
            list(vec![matched, missing], "", 1),
        ])
    }
}
