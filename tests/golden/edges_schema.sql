-- Beside schema.sql: what only edges.sql is about.
-- rows that are hidden, and tables that hang on each other
CREATE TABLE slots (id int PRIMARY KEY, label text);
CREATE TABLE visits (id int PRIMARY KEY, slot int REFERENCES slots (id) ON DELETE CASCADE, note text, gone boolean NOT NULL DEFAULT false, folded text COLLATE "C");
CREATE TABLE kept (id int PRIMARY KEY, label text);
CREATE TABLE keeps (id int, kept int REFERENCES kept (id));
CREATE TABLE desks (id int PRIMARY KEY, label text);
CREATE TABLE sittings (id int, desk int REFERENCES desks (id), gone boolean NOT NULL DEFAULT false);
CREATE TABLE parents (id int, note text);
CREATE TABLE children (extra text, hidden boolean) INHERITS (parents);
-- partitions
CREATE TABLE moving (region text, note text) PARTITION BY LIST (region);
CREATE TABLE moving_a PARTITION OF moving FOR VALUES IN ('a');
CREATE TABLE moving_b PARTITION OF moving FOR VALUES IN ('b');
CREATE FUNCTION opaque_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER moved_away BEFORE DELETE ON moving_a FOR EACH ROW EXECUTE FUNCTION opaque_trigger();
CREATE TABLE parted (id int, region text, note text) PARTITION BY LIST (region);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a');
CREATE TABLE tied (id int, region text, note text, secret text, CHECK (note <> secret)) PARTITION BY LIST (region);
CREATE TABLE tied_a PARTITION OF tied FOR VALUES IN ('a');
-- what the server does of its own accord
CREATE FUNCTION reading_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TABLE noted (id int, note text);
CREATE TRIGGER noted_reads BEFORE UPDATE ON noted FOR EACH ROW EXECUTE FUNCTION reading_trigger();
CREATE TABLE keyed_by_secret (a int, secret text DEFAULT 'x', UNIQUE (a, secret));
CREATE TABLE sized (id int, body text, size int GENERATED ALWAYS AS (length(body)) STORED);
CREATE TABLE shown (id int, email text, shown text GENERATED ALWAYS AS (email) STORED);
CREATE TABLE defaulted (id int, x int DEFAULT opaque_default());
CREATE TABLE private (id int);
CREATE TABLE numbered (id serial, note text);
-- what can be captured
CREATE TABLE painted (id int, colour colour);
CREATE FUNCTION colours_meet(colour, colour) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE OPERATOR = (LEFTARG = colour, RIGHTARG = colour, FUNCTION = colours_meet);
CREATE OPERATOR <= (LEFTARG = mood, RIGHTARG = mood, FUNCTION = moods_meet);
CREATE OPERATOR < (LEFTARG = colour, RIGHTARG = colour, FUNCTION = colours_meet);
CREATE FUNCTION set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE FUNCTION other.nextval(regclass) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION draws() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''free_numbers'')';
CREATE FUNCTION gives_fishy(text) RETURNS fishy LANGUAGE sql AS 'SELECT $1';
CREATE MATERIALIZED VIEW stored_contacts AS SELECT who, mail FROM contacts;
