//! Several statements whose order is known to confuse.

use super::{Composer, Op, Then};

impl Composer {
    /// A definition of a view that is there, by this session or another.
    pub(super) fn view_of(&mut self, body: &str, by: usize) {
        let drop =
            if self.dice.percent(80) { "DROP VIEW people_names" } else { "DROP VIEW IF EXISTS people_names CASCADE" };
        let create = format!("CREATE VIEW people_names AS {body}");
        if self.dice.percent(by) {
            return self.others_say(&format!("DROP VIEW IF EXISTS people_names; {create}"));
        }
        let extended = *self.dice.pick(&[0, 0, 50, 100]);
        self.put(Op::new("definitions", drop), extended);
        self.put(Op::new("definitions", create), extended);
    }

    /// What is bound finds something else when it is executed.
    pub(super) fn behind(&mut self) {
        if self.failed {
            let end = self.transaction();
            return self.emit(end);
        }
        if !self.block {
            self.put(Op::new("transactions", "BEGIN").then(Then::Begins), 50);
        }
        let by_path = self.dice.percent(30);
        let (r, n) = if by_path { ("orders", "note") } else { ("people_names", "name") };
        let texts = [
            ("copy out", format!("COPY (SELECT max({n}) FROM {r}) TO STDOUT")),
            ("copy out", format!("COPY (SELECT id, {n} FROM {r} ORDER BY id) TO STDOUT")),
            ("text as SQL", format!("SELECT query_to_xml('SELECT max({n}) AS m FROM {r}', true, true, '')")),
            (
                "text as SQL",
                format!(
                    "SELECT query_to_xml('SELECT max({n}) AS m FROM {r}', true, true, '') FROM generate_series(1, 3)"
                ),
            ),
            ("declare", format!("DECLARE d CURSOR FOR SELECT max({n}) FROM {r}")),
            ("prepare", format!("PREPARE f AS SELECT max({n}) FROM {r}")),
            ("definitions", format!("CREATE TABLE mine AS SELECT id, {n} AS name FROM {r}")),
            ("lock", format!("LOCK TABLE {r} IN ACCESS SHARE MODE")),
            ("read", format!("SELECT max({n}) FROM {r}")),
        ];
        let (label, text) = self.dice.pick(&texts).clone();
        let op = Op::new(label, text);
        let (name, portal) = (*self.dice.pick(&["s", "t"]), *self.dice.pick(&["p", "q"]));
        self.in_segment = true;
        self.line(format!("\\close S {name}"), Vec::new());
        self.line(format!("\\parse {name} {}", op.text), Vec::new());
        self.line(format!("\\close P {portal}"), Vec::new());
        self.bind(portal, name, &op);
        if self.dice.percent(25) {
            self.line(format!("\\execute {portal} 1"), vec![op.label]);
        }
        match self.dice.below(3) {
            0 => self.send(),
            1 => self.sync(),
            _ => {}
        }
        if by_path {
            let path = Op::new(
                "search_path",
                *self.dice.pick(&["SET LOCAL search_path = evil, public", "SET search_path = evil, public"]),
            );
            let extended = if self.in_segment { 100 } else { 50 };
            self.put(path, extended);
        } else {
            let closed = *self.dice.pick(self.words.closed);
            self.view_of(closed, 0);
        }
        if self.dice.percent(30) {
            self.send();
        }
        self.in_segment = true;
        self.execute(portal, &op);
        if label == "declare" {
            self.emit(Op::new("fetch", "FETCH ALL FROM d"));
        }
        if self.dice.percent(60) {
            self.send();
        }
    }

    /// A transaction that fails leaves what was there before it.
    pub(super) fn undone(&mut self) {
        if self.block {
            let end = *self.dice.pick(&["COMMIT", "ROLLBACK"]);
            self.put(Op::new("transactions", end).then(Then::Ends), 30);
        }
        self.send();
        let (closed, open) = (*self.dice.pick(self.words.closed), *self.dice.pick(self.words.open));
        let within = self.dice.percent(45);
        if within {
            self.put(Op::new("transactions", "BEGIN").then(Then::Begins), 30);
        }
        self.view_of(closed, if within { 0 } else { 30 });
        if self.dice.percent(70) {
            self.send();
        }
        let begin = if within {
            Op::new("transactions", "SAVEPOINT a").then(Then::Saves("a"))
        } else {
            Op::new("transactions", "BEGIN").then(Then::Begins)
        };
        self.put(begin, 30);
        self.view_of(open, 0);
        if self.dice.percent(80) {
            self.emit(Op::new("read", "SELECT count(*) FROM people_names WHERE id < 0"));
        }
        if self.dice.percent(45) {
            let fails = self.error();
            self.emit(fails);
        }
        let ends = if within {
            [
                ("ROLLBACK TO a", Then::Back),
                ("ROLLBACK TO a", Then::Back),
                ("ROLLBACK TO nosuch", Then::Fails),
                ("COMMIT AND CHAIN", Then::Chains),
            ]
        } else {
            [
                ("COMMIT AND CHAIN", Then::Chains),
                ("COMMIT", Then::Ends),
                ("ROLLBACK AND CHAIN", Then::Chains),
                ("ROLLBACK", Then::Ends),
            ]
        };
        let (end, then) = *self.dice.pick(&ends);
        let extended = *self.dice.pick(&[0, 50, 100]);
        self.put(Op::new("transactions", end).then(then), extended);
        if then == Then::Fails {
            self.put(Op::new("transactions", "ROLLBACK").then(Then::Nothing), extended);
            self.send();
            self.put(Op::new("transactions", "ROLLBACK TO a").then(Then::Back), extended);
        }
        let probe = Op::new("read", "SELECT max(name) FROM people_names");
        let joins = !self.in_segment
            && then != Then::Fails
            && self.lines.last().is_some_and(|line| line.text.starts_with("\\query "));
        if joins && self.dice.percent(60) {
            let last = self.lines.last_mut().expect("a line");
            last.text += &format!("; {}", probe.text);
            last.labels.push(probe.label);
            self.send();
        } else {
            self.emit(probe);
        }
    }

    /// What is answered, most likely: a cursor, a prepared statement, rows that are copied in.
    pub(super) fn calm(&mut self) {
        self.send();
        if self.block {
            self.emit(Op::new("transactions", "ROLLBACK").then(Then::Ends));
            self.send();
        }
        let seen = *self.dice.pick(self.words.seen);
        match self.dice.below(3) {
            0 => {
                self.put(Op::new("transactions", "BEGIN").then(Then::Begins), 40);
                self.put(Op::new("declare", format!("DECLARE calm SCROLL CURSOR FOR {seen}")), 40);
                let fetches =
                    ["FETCH 1 FROM calm", "FETCH ALL FROM calm", "MOVE 1 IN calm", "FETCH BACKWARD 1 FROM calm"];
                for _ in 0..2 {
                    let fetch = *self.dice.pick(&fetches);
                    self.put(Op::new("fetch", fetch), 40);
                }
                self.emit(Op::new("transactions", "COMMIT").then(Then::Ends));
            }
            1 => {
                self.put(Op::new("prepare", format!("PREPARE calm AS {seen}")), 40);
                self.put(Op::new("execute", "EXECUTE calm"), 40);
                self.emit(Op::new("other utilities", "DEALLOCATE calm"));
            }
            _ => {
                let copy = self.copy_in();
                self.put(copy, 40);
                self.send();
            }
        }
    }

    /// In one segment strings are made to be read otherwise, and a text comes that then ends elsewhere.
    pub(super) fn otherwise(&mut self) {
        if self.skips || self.failed {
            self.send();
        }
        let to = *self.dice.pick(&["off", "off", "on"]);
        let ways = [
            format!("SET standard_conforming_strings = {to}"),
            format!("SET LOCAL standard_conforming_strings = {to}"),
            format!("SELECT set_config('standard_conforming_strings', '{to}', false)"),
        ];
        let way = self.dice.pick(&ways).clone();
        let probe = self.string_behind(&way);
        self.put(Op::new("settings of strings", way), 100);
        if self.dice.percent(25) {
            let between =
                *self.dice.pick(&["SET search_path = public", "RESET search_path", "SELECT 1", "SAVEPOINT a"]);
            let op = Op::new("search_path", between);
            self.put(op, 100);
        }
        self.put(probe, 90);
        if self.dice.percent(70) {
            self.send();
        }
    }
}
