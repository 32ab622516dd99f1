//! Writes that rules or INSTEAD OF triggers turn into others: what Postgres does where all is open and the policy says so, and a
//! refusal where something would have to be kept back.

use super::writes::{PACK, SCHEMA, effect};
use super::{clients_on, rows, run};

const MORE: &str = "
    CREATE TABLE log (said text);
    CREATE VIEW ruled AS SELECT id, label FROM open WHERE id < 100;
    CREATE RULE added AS ON INSERT TO ruled DO INSTEAD INSERT INTO open VALUES (NEW.id, 'by rule ' || NEW.label) RETURNING id, label;
    CREATE RULE changed AS ON UPDATE TO ruled DO INSTEAD (UPDATE open SET label = NEW.label WHERE id = OLD.id; INSERT INTO log VALUES (OLD.label));
    CREATE RULE gone AS ON DELETE TO ruled DO INSTEAD DELETE FROM open WHERE id = OLD.id RETURNING id, label;
    CREATE VIEW unlisted AS SELECT id, label FROM open;
    CREATE RULE nothing AS ON UPDATE TO unlisted DO INSTEAD NOTHING;
    CREATE VIEW nosy AS SELECT id, label FROM open;
    CREATE RULE nosy AS ON DELETE TO nosy DO INSTEAD DELETE FROM open WHERE id = (SELECT max(id) FROM people);
    CREATE TABLE doubled (id int, label text);
    INSERT INTO doubled VALUES (1, 'a'), (2, 'b');
    CREATE RULE twice AS ON INSERT TO doubled DO ALSO INSERT INTO log VALUES (NEW.label);
    CREATE VIEW joined AS SELECT o.id, o.label, d.label AS other FROM open o JOIN doubled d USING (id);
    CREATE FUNCTION joined() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'DELETE' THEN DELETE FROM open WHERE id = OLD.id; RETURN OLD; END IF;
        IF TG_OP = 'UPDATE' THEN UPDATE open SET label = NEW.label WHERE id = OLD.id; ELSE INSERT INTO open VALUES (NEW.id, NEW.label); END IF;
        NEW.other := upper(NEW.label);
        RETURN NEW; END $$;
    CREATE TRIGGER joined INSTEAD OF INSERT OR UPDATE OR DELETE ON joined FOR EACH ROW EXECUTE FUNCTION joined();
    CREATE VIEW folk AS SELECT id, name, email FROM people;
    CREATE TRIGGER folk INSTEAD OF UPDATE ON folk FOR EACH ROW EXECUTE FUNCTION joined();
    CREATE VIEW untagged AS SELECT id, label FROM open;
    CREATE TRIGGER untagged INSTEAD OF UPDATE ON untagged FOR EACH ROW EXECUTE FUNCTION joined();
    CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE VIEW strange AS SELECT id, label FROM open;
    CREATE TRIGGER strange INSTEAD OF UPDATE ON strange FOR EACH ROW EXECUTE FUNCTION other();
    CREATE VIEW above AS SELECT id FROM joined;
    CREATE VIEW on_doubled AS SELECT id, label FROM doubled;
    CREATE VIEW closer AS SELECT id, label FROM open;
    CREATE TRIGGER closer INSTEAD OF UPDATE ON closer FOR EACH ROW EXECUTE FUNCTION joined();
    CREATE TABLE secrets (id int, secret text);
    CREATE VIEW shown AS SELECT o.id, o.label, s.secret FROM open o LEFT JOIN secrets s USING (id);
    CREATE TRIGGER shown INSTEAD OF UPDATE ON shown FOR EACH ROW EXECUTE FUNCTION joined();
";

const LISTED: &str = r#"
    [function."public.joined"]
    reads = []
    [rewrite."public.ruled"]
    reads = []
    [rewrite."public.doubled"]
    reads = ["public.open.label"]
    [rewrite."public.nosy"]
    reads = ["public.people"]
    [table."public.secrets"]
    default = "plain"
    columns.secret = "contact"
    consent.use = "true"
    [table."public.closer"]
    default = "hidden"
"#;

fn pack() -> String {
    let tagged =
        ["log", "ruled", "unlisted", "nosy", "doubled", "joined", "folk", "strange", "above", "on_doubled", "shown"];
    let tags = tagged.map(|name| format!("[table.\"public.{name}\"]\ndefault = \"plain\"\nconsent.use = \"true\"\n"));
    format!("{PACK}\n{LISTED}\n{}", tags.join("\n"))
}

#[test]
fn what_the_policy_lists_does_what_postgres_does() {
    run(async {
        let schema = format!("{SCHEMA}{MORE}");
        let (proxied, direct, _proxy) = clients_on("rewritten_same", &schema, "filtered", &pack()).await;
        for sql in [
            "INSERT INTO ruled VALUES (7, 'x') RETURNING *",
            "INSERT INTO ruled (label, id) SELECT 'y', id + 20 FROM open RETURNING id",
            "UPDATE ruled SET label = upper(ruled.label) || o.label FROM open o WHERE o.id <> ruled.id",
            "DELETE FROM ruled r WHERE r.label = 'a' RETURNING r.*",
            "INSERT INTO doubled VALUES (9, 'z')",
            "UPDATE doubled SET label = 'q' WHERE id = 1 RETURNING doubled",
            "INSERT INTO joined VALUES (8, 'x') RETURNING *",
            "UPDATE joined j SET label = j.other || 'x' WHERE j.id = 2 RETURNING j.id, upper(j.other)",
            "DELETE FROM joined USING open WHERE open.id = joined.id AND open.label = 'a' RETURNING joined",
            "WITH new AS (INSERT INTO joined VALUES (8, 'x') RETURNING other) SELECT * FROM new",
        ] {
            let expected = effect(&direct, &direct, sql, &["open", "doubled"]).await.expect(sql);
            assert_eq!(effect(&proxied, &proxied, sql, &["open", "doubled"]).await, Ok(expected), "{sql}");
        }
    });
}

#[test]
fn nothing_is_kept_back_behind_rules_and_triggers() {
    run(async {
        let schema = format!("{SCHEMA}{MORE}");
        let (proxied, _direct, _proxy) = clients_on("rewritten_refused", &schema, "filtered", &pack()).await;
        for (sql, code, words) in [
            ("UPDATE unlisted SET label = 'x'", "0A000", "[rewrite.\"public.unlisted\"]"),
            // What the rules are said to read counts, and so do the rows that a condition would hide.
            ("DELETE FROM nosy", "42501", "public.people"),
            ("UPDATE folk SET name = 'x' WHERE id = 1", "42501", "public.people"),
            ("UPDATE strange SET label = 'x'", "0A000", "function public.other"),
            ("UPDATE untagged SET label = 'x'", "42501", "public.untagged"),
            ("UPDATE closer SET label = 'x'", "42501", "public.closer"),
            ("INSERT INTO above VALUES (1)", "0A000", "public.joined"),
            ("INSERT INTO on_doubled VALUES (1, 'x')", "0A000", "public.doubled, which has rules"),
        ] {
            let refused = rows(&proxied, sql).await.expect_err(sql);
            assert!(refused.starts_with(code) && refused.contains(words), "{sql}: {refused}");
        }
        // Whoever may read the target must be permitted to read what the view's columns come from.
        let sql = "UPDATE shown SET label = shown.secret";
        let refused = rows(&proxied, sql).await.expect_err(sql);
        assert!(refused.starts_with("42501: this would carry public.secrets.secret"), "{refused}");
        let (masked, _direct, _proxy) = clients_on("rewritten_masked", &schema, "masked", &pack()).await;
        let refused = rows(&masked, "UPDATE folk SET name = 'x' WHERE id = 1").await.expect_err("masked below");
        assert!(refused.starts_with("42501") && refused.contains("public.people.email"), "{refused}");
    });
}
