//! Single statements of a sequence.

use super::{Composer, Op, SAVEPOINTS, Theme, Then};
use crate::sequences::words::declarable;

impl Composer {
    /// A relation whose name means now this, now that, and its column.
    pub(super) fn relation(&mut self) -> (&'static str, &'static str) {
        let by_path = [("orders", "note"), ("people_names", "name"), ("people", "name")];
        let mut by_definition = vec![("people_names", "name")];
        by_definition.extend(self.defined.iter().map(|name| (*name, "name")));
        match self.theme {
            Theme::Path if self.dice.percent(50) => by_path[0],
            Theme::Path => *self.dice.pick(&by_path),
            Theme::Definitions | Theme::Late => *self.dice.pick(&by_definition),
            Theme::Strings | Theme::Mixed if self.dice.percent(40) => *self.dice.pick(&by_path),
            Theme::Strings | Theme::Mixed => *self.dice.pick(&by_definition),
        }
    }

    /// A statement that may be answered or not, by what its names mean.
    pub(super) fn probe(&mut self) -> Op {
        let (r, n) = self.relation();
        let plain = [
            format!("SELECT max({n}) FROM {r}"),
            format!("SELECT id, {n} FROM {r} ORDER BY id"),
            format!("SELECT string_agg({n}, ',' ORDER BY id) FROM {r}"),
            format!("SELECT * FROM {r} ORDER BY 1"),
            format!("SELECT count(*) FROM {r} WHERE {n} LIKE 'S%'"),
            format!("SELECT count(*) FROM {r}"),
            format!("WITH x AS (SELECT {n} AS y FROM {r}) SELECT max(y) FROM x"),
            format!("SELECT max(length({n})) FROM {r} /* ' /* \\' */ \" */"),
            format!("SELECT $q$ ' \\' $q$, 'a''b', E'\\'', max({n}) FROM {r}"),
            format!("SELECT U&'\\0061', max({n}) FROM {r}"),
            format!("SELECT x FROM {r} AS x ORDER BY id LIMIT 2"),
        ];
        match self.dice.below(20) {
            0..10 => Op::new("read", self.dice.pick(&plain).clone()),
            10 => Op {
                parameter: Some("0"),
                ..Op::new("read by a parameter", format!("SELECT max({n}) FROM {r} WHERE id > $1"))
            },
            11 | 12 => {
                Op::new("text as SQL", format!("SELECT query_to_xml('SELECT max({n}) AS m FROM {r}', true, true, '')"))
            }
            13 => Op::new(
                "text as SQL",
                format!(
                    "SELECT query_to_xml('SELECT max({n}) AS m FROM {r}', true, true, '') FROM generate_series(1, 3)"
                ),
            ),
            14 | 15 => Op::new("copy out", format!("COPY (SELECT max({n}) FROM {r}) TO STDOUT")),
            16 => Op::new("copy out", format!("COPY {r} ({n}) TO STDOUT")),
            17 => {
                let of = if self.dice.percent(70) {
                    "SELECT body FROM notes".to_owned()
                } else {
                    format!("SELECT {n} FROM {r}")
                };
                Op::new("explain", format!("EXPLAIN (COSTS OFF) {of}"))
            }
            18 => Op::new("lock", format!("LOCK TABLE {r} IN ACCESS SHARE MODE")),
            _ => {
                let body = self.body();
                Op::new("read", format!("SELECT max(name) FROM ({body}) AS x"))
            }
        }
    }

    pub(super) fn body(&mut self) -> &'static str {
        let bodies = if self.dice.percent(50) { self.words.open } else { self.words.closed };
        bodies[self.dice.below(bodies.len())]
    }

    /// Tells the worlds apart, wherever it runs raw.
    pub(super) fn secret(&mut self) -> Op {
        let s = self.words.secret;
        let texts = [
            format!("SELECT {s}"),
            format!("SELECT 1 WHERE {s} > 'SEC'"),
            format!("COPY (SELECT {s}) TO STDOUT"),
            format!("EXPLAIN SELECT {s}"),
            format!("SELECT 1 / (length({s}) - 100)"),
            format!("SELECT set_config('app.x', {s}, false)"),
            format!("SELECT query_to_xml($x$SELECT {s} AS s$x$, true, true, '')"),
            format!("DO $x$BEGIN RAISE NOTICE '%', {s}; END$x$"),
        ];
        Op::new("a closed value", self.dice.pick(&texts).clone()).then(Then::Fails)
    }

    /// Texts that are one thing where strings are read as the session was told, and another where they are not.
    pub(super) fn string(&mut self) -> Op {
        let s = self.words.secret;
        let texts = [
            format!("SELECT set_config('app.x', 'a\\', ' || {s}, false) --')"),
            format!("SELECT set_config('app.x', 'a\\' || {s}, false) --', false)"),
            format!("SELECT set_config('app.x', E'Á\\' || {s}, false) --', false)"),
            format!("SELECT set_config('app.x', 'Á\\' || {s}, false) --', false)"),
            format!("SET app.x = 'a\\', '; SELECT {s}; --'"),
            format!("SET app.x = 'a\\'; SELECT {s}; --'"),
            format!("SET app.x = E'Á\\'; SELECT {s}; --'"),
            format!("SELECT 'a\\', ', {s} --'"),
            format!("SELECT concat('a\\', {s}, $q$', 'b') -- $q$)"),
            format!("SELECT E'Á\\', {s} --'"),
            format!("NOTIFY jobs, 'a\\'; SELECT {s}; --'"),
            format!("LISTEN jobs /* 'a\\' */ /* '; SELECT {s}; --*/"),
            format!("COMMENT ON VIEW people_names IS 'a\\'; SELECT {s}; --'"),
            format!("PREPARE TRANSACTION 'a{}\\'; SELECT {s}; --'", self.pair.name()),
            format!("COPY (SELECT 'a\\', ', {s}) TO STDOUT --')"),
            format!("DECLARE c CURSOR FOR SELECT 'a\\', ', {s} --'"),
            format!("PREPARE t AS SELECT 'a\\', ', {s} --'"),
            "SELECT 'a\\b', E'a\\\\b', U&'\\0061', $$\\$$, 'Á'".to_owned(),
            "SELECT 'ключ' || 'é', '表'".to_owned(),
            "SHOW app.x".to_owned(),
        ];
        Op::new("strings", self.dice.pick(&texts).clone())
    }

    /// One that ends elsewhere behind this setting.
    pub(super) fn string_behind(&mut self, setting: &str) -> Op {
        let s = self.words.secret;
        let texts = if setting.contains("off") {
            // The first is sent as it comes, where it is what it seems.
            let lone = format!("SELECT set_config('app.x', 'a\\', ' || {s}, false) --')");
            match self.dice.below(4) {
                0 => [format!("SET app.x = 'a\\', '; SELECT {s}; --'"), format!("SELECT 'a\\', ', {s} --'"), lone],
                _ => [lone.clone(), lone.clone(), lone],
            }
        } else if setting.contains("SJIS") {
            [
                format!("SELECT set_config('app.x', E'Á\\' || {s}, false) --', false)"),
                format!("SET app.x = E'Á\\'; SELECT {s}; --'"),
                format!("SELECT E'Á\\', {s} --'"),
            ]
        } else if setting.contains("on") {
            [
                format!("SELECT set_config('app.x', 'a\\' || {s}, false) --', false)"),
                format!("SET app.x = 'a\\'; SELECT {s}; --'"),
                format!("SELECT concat('a\\', {s}, $q$', 'b') -- $q$)"),
            ]
        } else {
            return self.string();
        };
        Op::new("strings", self.dice.pick(&texts).clone())
    }

    /// A setting, in one of the ways that there are.
    pub(super) fn set(&mut self, label: &'static str, name: &str, value: &str) -> Op {
        let quoted = value.replace('\'', "''");
        let listed = if name == "search_path" { value.to_owned() } else { format!("'{quoted}'") };
        let text = match self.dice.below(14) {
            0..5 => format!("SET {name} = {listed}"),
            5..8 => format!("SET LOCAL {name} = {listed}"),
            8 | 9 => format!("SELECT set_config('{name}', '{quoted}', false)"),
            10 => format!("SELECT pg_catalog.set_config('{name}', '{quoted}', true)"),
            11 => format!("RESET {name}"),
            12 => format!("SET {name} TO DEFAULT"),
            _ if self.dice.percent(60) => "RESET ALL".to_owned(),
            _ => "DISCARD ALL".to_owned(),
        };
        Op::new(label, text)
    }

    pub(super) fn string_setting(&mut self) -> Op {
        let settings = [
            ("standard_conforming_strings", "off"),
            ("standard_conforming_strings", "off"),
            ("standard_conforming_strings", "off"),
            ("standard_conforming_strings", "on"),
            ("standard_conforming_strings", "on"),
            ("client_encoding", "SJIS"),
            ("client_encoding", "LATIN1"),
            ("client_encoding", "UTF8"),
            ("client_encoding", "SQL_ASCII"),
            ("client_encoding", "BIG5"),
            ("client_encoding", "GBK"),
            ("backslash_quote", "off"),
            ("escape_string_warning", "off"),
        ];
        let (name, value) = *self.dice.pick(&settings);
        self.set("settings of strings", name, value)
    }

    pub(super) fn path(&mut self) -> Op {
        if self.dice.percent(20) {
            let roles = [
                "SET ROLE insider",
                "SET LOCAL ROLE insider",
                "SET ROLE NONE",
                "RESET ROLE",
                "SET SESSION AUTHORIZATION insider",
                "RESET SESSION AUTHORIZATION",
                "SELECT set_config('role', 'insider', false)",
            ];
            return Op::new("roles", *self.dice.pick(&roles));
        }
        let paths = [
            "evil, public",
            "evil, public",
            "evil, public",
            "public",
            "public",
            "other, public",
            "\"$user\", public",
            "aside, public",
            "insider, public",
            "pg_catalog, evil, public",
        ];
        let path = *self.dice.pick(&paths);
        self.set("search_path", "search_path", path)
    }

    pub(super) fn purpose(&mut self) -> Op {
        let purpose = *self.dice.pick(declarable(self.pair));
        if self.dice.percent(30) {
            let body = self.body();
            return Op::new(
                "a comment's purpose",
                format!("/*purpose='{purpose}'*/ SELECT max(name) FROM ({body}) AS x"),
            );
        }
        self.set("purposes", "wherefore.purpose", purpose)
    }

    pub(super) fn setting(&mut self) -> Op {
        let settings = [
            ("quote_all_identifiers", "on"),
            ("DateStyle", "German"),
            ("row_security", "off"),
            ("transform_null_equals", "on"),
            ("array_nulls", "off"),
            ("xmloption", "document"),
            ("bytea_output", "escape"),
            ("lc_messages", "C"),
            ("lc_monetary", "C"),
            ("plan_cache_mode", "force_generic_plan"),
            ("client_min_messages", "debug1"),
            ("app.x", "SE"),
            ("intervalstyle", "iso_8601"),
            ("timezone", "Asia/Tokyo"),
            ("default_transaction_isolation", "repeatable read"),
            ("default_transaction_read_only", "on"),
        ];
        let (name, value) = *self.dice.pick(&settings);
        self.set("other settings", name, value)
    }

    pub(super) fn transaction(&mut self) -> Op {
        // One server has the worlds of all pairs, and one set of these names.
        let gid = self.pair.name();
        let op = |text: &str, then| Op::new("transactions", text).then(then);
        let name = *self.dice.pick(&SAVEPOINTS);
        let held = !self.saved.is_empty();
        let back = if held { *self.dice.pick(&self.saved.clone()) } else { "nosuch" };
        match (self.block, self.failed, self.dice.below(100)) {
            (false, _, 0..60) => op("BEGIN", Then::Begins),
            (false, _, 60..68) => op("BEGIN ISOLATION LEVEL REPEATABLE READ", Then::Begins),
            (false, _, 68..72) => op("START TRANSACTION READ ONLY", Then::Begins),
            (false, _, 72..76) => op("BEGIN ISOLATION LEVEL SERIALIZABLE", Then::Begins),
            (false, _, 76..80) => op("COMMIT", Then::Nothing),
            (false, _, 80..84) => op("ROLLBACK", Then::Nothing),
            (false, _, 84..87) => op(&format!("SAVEPOINT {name}"), Then::Fails),
            (false, _, 87..94) => op(&format!("COMMIT PREPARED '{gid}'"), Then::Nothing),
            (false, _, _) => op(&format!("ROLLBACK PREPARED '{gid}'"), Then::Nothing),
            (true, false, 0..30) => op(&format!("SAVEPOINT {name}"), Then::Saves(name)),
            (true, false, 30..52) if held => op(&format!("ROLLBACK TO {back}"), Then::Back),
            (true, false, 52..56) if held => op(&format!("RELEASE {back}"), Then::Nothing),
            (true, false, 56..75) => op("COMMIT", Then::Ends),
            (true, false, 75..85) => op("ROLLBACK", Then::Ends),
            (true, false, 85..90) => op("COMMIT AND CHAIN", Then::Chains),
            (true, false, 90..94) => op("ROLLBACK AND CHAIN", Then::Chains),
            (true, false, 94..97) => op(&format!("PREPARE TRANSACTION '{gid}'"), Then::Ends),
            (true, false, _) => op("ROLLBACK TO nosuch", Then::Fails),
            (true, true, 0..34) if held => op(&format!("ROLLBACK TO {back}"), Then::Back),
            (true, true, 34..50) => op("COMMIT", Then::Ends),
            (true, true, 50..66) => op("ROLLBACK", Then::Ends),
            (true, true, 66..78) => op("COMMIT AND CHAIN", Then::Chains),
            (true, true, 78..86) => op("ROLLBACK AND CHAIN", Then::Chains),
            (true, true, 86..91) => op(&format!("PREPARE TRANSACTION '{gid}'"), Then::Ends),
            (true, true, _) => op("ROLLBACK TO nosuch", Then::Fails),
        }
    }

    pub(super) fn definition(&mut self) -> Op {
        let body = self.body();
        let name = *self.dice.pick(&[
            "people_names",
            "people_names",
            "people_names",
            "mine",
            "mine",
            "aside.people_names",
            "insider.people_names",
        ]);
        let there = self.defined.contains(&name);
        let text = match (name.split_once('.'), there, self.dice.below(10)) {
            (None, true, 0) if name == "mine" => "CREATE INDEX ON mine (id)".to_owned(),
            (None, true, 1..4) if name == "mine" => {
                let kind = *self.dice.pick(&["TABLE", "TABLE", "MATERIALIZED VIEW"]);
                format!("DROP {kind} IF EXISTS mine")
            }
            (None, true, 0) => "REFRESH MATERIALIZED VIEW people_kept".to_owned(),
            (None, true, 1) => format!("COMMENT ON VIEW {name} IS 'what it shows'"),
            (None, true, 2) => format!("CREATE OR REPLACE VIEW {name} AS {body}"),
            (Some((schema, _)), true, 0..3) => format!("DROP SCHEMA {schema} CASCADE"),
            (_, true, _) => format!("DROP VIEW {name}"),
            (Some((schema, _)), false, 0..5) => format!("CREATE SCHEMA IF NOT EXISTS {schema}"),
            (None, false, 0) if name == "mine" => "CREATE SEQUENCE mine_seq".to_owned(),
            (None, false, 1) if name == "mine" => "CREATE TABLE mine (id int, name text)".to_owned(),
            (None, false, 2) if name == "mine" => "CREATE TABLE mine (name text, id int)".to_owned(),
            (None, false, 3) if name == "mine" => format!("CREATE MATERIALIZED VIEW mine AS {body}"),
            (None, false, 4) if name == "mine" => format!("SELECT id, name INTO mine FROM ({body}) AS b"),
            (None, false, 5 | 6) if name == "mine" => format!("CREATE TABLE mine AS {body}"),
            (None, false, 7) if name == "mine" => "CREATE VIEW mine AS SELECT id, name FROM people_names".to_owned(),
            (_, false, _) => format!("CREATE VIEW {name} AS {body}"),
        };
        if text.starts_with("DROP") {
            self.defined.retain(|known| *known != name);
        } else if !there && (text.contains(" AS ") || text.contains("TABLE") || text.contains("INTO")) {
            self.defined.push(name);
        }
        Op::new("definitions", text)
    }

    /// A view is dropped and made again of something else, and asked for at once or not.
    pub(super) fn replaced(&mut self, drop: Op) {
        let name = drop.text.rsplit(' ').next().unwrap_or_default().to_owned();
        let body = self.body();
        if !self.block && !self.skips && self.dice.percent(35) {
            self.put(Op::new("transactions", "BEGIN").then(Then::Begins), 50);
        }
        let extended = *self.dice.pick(&[0, 50, 100]);
        self.put(drop, extended);
        if self.dice.percent(30) {
            self.send();
        }
        self.defined.extend(
            ["people_names", "mine", "aside.people_names", "insider.people_names"]
                .into_iter()
                .filter(|known| *known == name),
        );
        let create = Op::new("definitions", format!("CREATE VIEW {name} AS {body}"));
        if self.dice.percent(60) {
            return self.emit(create);
        }
        self.put(create, extended);
        if self.block && self.dice.percent(40) {
            let end = self.transaction();
            self.put(end, extended);
        }
        let probe = self.probe();
        self.emit(probe);
    }

    pub(super) fn error(&mut self) -> Op {
        let texts = [
            "SELECT 1 / 0",
            "SELECT 1 / 0",
            "SELECT nothing",
            "SELEC 1",
            "SELECT * FROM nowhere",
            "SELECT 'x'::int",
            "TABLE vault",
            "SELECT max(secret) FROM people",
            "FETCH 1 FROM nosuch",
            "EXECUTE nosuch",
        ];
        Op::new("errors", *self.dice.pick(&texts)).then(Then::Fails)
    }

    pub(super) fn copy_in(&mut self) -> Op {
        let data: [&[&str]; 4] = [
            &["\\copydata 601\tone", "\\copydone"],
            &["\\copydata 602\ttwo", "\\copydata not a number\tx", "\\copydone"],
            &["\\copydata 603\tthree", "\\copyfail enough"],
            &["\\copydone"],
        ];
        let text = if self.dice.percent(80) { "COPY notes (id, body) FROM STDIN" } else { "COPY mine FROM STDIN" };
        Op { data: data[self.dice.below(data.len())], ..Op::new("copy in", text) }
    }
}
