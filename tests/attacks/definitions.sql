-- DDL that copies, shows or opens what is closed.
-- purpose: writer

-- case: create_table_as
-- modes: simple
CREATE TABLE mine AS SELECT id, secret FROM people;
SELECT max(secret) FROM mine;

-- case: create_temp_table_as
-- modes: simple
CREATE TEMP TABLE mine AS SELECT id, secret FROM people;
SELECT max(secret) FROM mine;

-- case: select_into
-- modes: simple
SELECT secret INTO TEMP mine FROM people;
SELECT max(secret) FROM mine;

-- case: create_view
-- modes: simple
CREATE VIEW mine AS SELECT secret FROM people;
SELECT max(secret) FROM mine;

-- case: create_temp_view
-- modes: simple
CREATE TEMP VIEW mine AS SELECT * FROM vault;
SELECT count(*) FROM mine;

-- case: create_or_replace_view
-- modes: simple
CREATE OR REPLACE VIEW people_names AS SELECT id, secret AS name FROM people;
SELECT max(name) FROM people_names;

-- case: create_materialized_view
-- modes: simple
CREATE MATERIALIZED VIEW mine AS SELECT secret FROM people;
SELECT max(secret) FROM mine;

-- case: refresh
-- modes: simple
REFRESH MATERIALIZED VIEW people_kept;
SELECT max(secret) FROM people_kept;

-- case: create_function
-- modes: simple
CREATE FUNCTION mine() RETURNS text LANGUAGE sql AS 'SELECT max(secret) FROM people';
SELECT mine();

-- case: temp_function
-- modes: simple
CREATE FUNCTION pg_temp.mine() RETURNS text LANGUAGE sql AS 'SELECT max(secret) FROM people';
SELECT pg_temp.mine();

-- case: create_index_error
-- modes: simple
CREATE INDEX ON people ((1 / score));

-- case: create_unique_index
-- modes: simple
CREATE UNIQUE INDEX ON people (pin);

-- case: add_check
-- modes: simple
ALTER TABLE people ADD CHECK (score <> 0);

-- case: add_check_text
-- modes: simple
ALTER TABLE people ADD CHECK (secret LIKE 'SECRET-A%');

-- case: set_not_null
-- modes: simple
ALTER TABLE people ALTER secret SET NOT NULL;

-- case: change_type
-- modes: simple
DROP VIEW people_agreed;
ALTER TABLE people ALTER pin TYPE int USING pin::int;

-- case: change_type_of_open
-- modes: simple
DROP VIEW people_agreed, cities_agreed;
ALTER TABLE people ALTER deleted_at TYPE text USING secret;
SELECT max(deleted_at) FROM people;

-- case: add_generated
-- modes: simple
ALTER TABLE people ADD shown text GENERATED ALWAYS AS (upper(secret)) STORED;
SELECT max(shown) FROM people;

-- case: rename_column
-- modes: simple
ALTER TABLE people RENAME secret TO harmless;
SELECT max(harmless) FROM people;

-- case: swap_columns
-- modes: simple
ALTER TABLE people RENAME name TO x;
ALTER TABLE people RENAME secret TO name;
SELECT max(name) FROM people;

-- case: rename_table
-- modes: simple
ALTER TABLE vault RENAME TO harmless;
SELECT count(*) FROM harmless;

-- case: swap_tables
-- modes: simple
ALTER TABLE notes RENAME TO y;
ALTER TABLE vault RENAME TO notes;
SELECT count(*) FROM notes;

-- case: inherit
-- modes: simple
CREATE TABLE top (secret text);
ALTER TABLE people INHERIT top;
SELECT max(secret) FROM top;

-- case: create_like_and_attach
-- modes: simple
CREATE TABLE mine (LIKE people);
INSERT INTO mine SELECT * FROM people;
SELECT max(secret) FROM mine;

-- case: detach_partition
-- modes: simple
ALTER TABLE events DETACH PARTITION events_old;
SELECT max(who) FROM events_old;

-- case: add_foreign_key
-- modes: simple
ALTER TABLE notes ADD FOREIGN KEY (person_id) REFERENCES vault (id);
INSERT INTO notes (person_id) VALUES (3);

-- case: create_trigger
-- modes: simple
CREATE TRIGGER mine BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION trap();
UPDATE people SET city = city WHERE id = 1;

-- case: create_rule
-- modes: simple
CREATE RULE mine AS ON UPDATE TO notes DO INSTEAD SELECT secret FROM people;
UPDATE notes SET body = 'x';

-- case: create_policy
-- modes: simple
CREATE POLICY mine ON people USING (true);
SELECT max(secret) FROM people;

-- case: create_operator
-- modes: simple
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
SELECT id FROM people WHERE secret === 'x';

-- case: create_cast
-- modes: simple
CREATE CAST (people AS text) WITH FUNCTION loud(people);
SELECT people::text FROM people ORDER BY id;

-- case: create_domain
-- modes: simple
CREATE DOMAIN mine AS text CHECK (VALUE < 'SECRET-B');
SELECT count(secret::mine) FROM people;

-- case: create_sequence_from
-- modes: simple
CREATE TABLE mine (id serial);
ALTER SEQUENCE mine_id_seq RESTART 5;
SELECT last_value FROM counter;

-- case: create_statistics
-- modes: simple
CREATE STATISTICS mine ON city, pin FROM people;
ANALYZE people;
SELECT most_common_vals FROM pg_stats_ext WHERE statistics_name = 'mine';

-- case: analyze_then_stats
-- modes: simple
ANALYZE vault;
SELECT reltuples FROM pg_class WHERE relname = 'vault';

-- case: comment
-- modes: simple
COMMENT ON TABLE people IS 'x';
SELECT obj_description('people'::regclass), (SELECT count(*) FROM vault);

-- case: grant
-- modes: simple
GRANT SELECT ON vault TO PUBLIC;
SELECT count(*) FROM vault;

-- case: alter_default
-- modes: simple
ALTER TABLE notes ALTER body SET DEFAULT reads_secret(1);
INSERT INTO notes (id) VALUES (1) RETURNING body;

-- case: create_schema_elements
-- modes: simple
CREATE SCHEMA mine CREATE VIEW v AS SELECT secret FROM public.people;
SELECT max(secret) FROM mine.v;

-- case: reindex_error
-- modes: simple
CREATE INDEX mine ON people ((pin::int));

-- case: hidden_table_as
-- purpose: filtered
-- modes: simple
CREATE TEMP TABLE mine AS SELECT * FROM people;
SELECT count(*) FROM mine;

-- case: hidden_check
-- purpose: filtered
-- modes: simple
ALTER TABLE people ADD CHECK (score <> 0);

-- case: hidden_unique
-- purpose: filtered
-- modes: simple
CREATE UNIQUE INDEX ON people (city, mood, score);

-- case: drop_and_create_as
-- purpose: denied
-- modes: simple
DROP MATERIALIZED VIEW people_kept;
CREATE TABLE people_kept AS SELECT id, secret AS name FROM people;
SELECT max(name) FROM people_kept;

-- case: by_the_clerk
-- purpose: denied
-- modes: simple
\as clerk
CREATE TABLE mine AS SELECT id, secret FROM people;
\as me
SELECT max(secret) FROM mine;

-- case: by_the_clerk_under_a_known_name
-- purpose: denied
-- modes: simple
\as clerk
DROP TABLE notes CASCADE;
CREATE TABLE notes AS SELECT id, secret AS body FROM people WHERE id > 0;
\as me
SELECT string_agg(body, ',' ORDER BY body) FROM notes;

-- case: by_the_clerk_as_a_view
-- purpose: denied
-- modes: simple
\as clerk
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
\as me
SELECT max(name) FROM people_names;

-- case: by_the_clerk_as_a_stored_view
-- purpose: denied
-- modes: simple
\as clerk
CREATE MATERIALIZED VIEW mine AS SELECT id, secret FROM people;
\as me
SELECT max(secret) FROM mine;

-- case: by_the_clerk_in_a_default
-- purpose: denied
-- modes: simple
\as clerk
DROP TABLE notes CASCADE;
CREATE TABLE notes (id serial, body text DEFAULT reads_secret(1), amount int);
INSERT INTO notes (amount) VALUES (1);
\as me
SELECT max(body) FROM notes;

-- case: by_the_clerk_in_a_message
-- purpose: denied
-- modes: simple
\as clerk
BEGIN;
DROP TABLE orders CASCADE;
CREATE TABLE orders AS SELECT id, secret AS note FROM people;
COMMIT;
\as me
SELECT max(note) FROM orders;

-- case: probe_by_a_foreign_key
-- purpose: denied
-- modes: simple
CREATE TABLE probe (word int REFERENCES vault (id));
INSERT INTO probe VALUES (3);

-- case: probe_by_a_check_on_rows
-- modes: simple
CREATE TABLE probe AS SELECT id FROM people WHERE score > 3;
SELECT count(*) FROM probe;

-- case: error_of_a_query
-- modes: simple
CREATE TABLE mine AS SELECT 1 / score AS x FROM people;

-- case: error_of_a_stored_query
-- modes: simple
CREATE MATERIALIZED VIEW mine AS SELECT 1 / score AS x FROM people;

-- case: like_with_defaults
-- purpose: denied
-- modes: simple
CREATE TABLE mine (LIKE defaulted INCLUDING ALL);
INSERT INTO mine (id) VALUES (1);
SELECT max(label) FROM mine;

-- case: hidden_as
-- purpose: filtered_writer
-- modes: simple
CREATE TABLE mine AS SELECT id FROM people;

-- case: hidden_as_count
-- purpose: filtered_writer
-- modes: simple
SELECT id INTO mine FROM people_names;

-- case: hidden_stored
-- purpose: filtered_writer
-- modes: simple
CREATE MATERIALIZED VIEW mine AS SELECT name FROM people;
SELECT count(*) FROM mine;

-- case: hidden_refresh
-- purpose: filtered_writer
-- modes: simple
REFRESH MATERIALIZED VIEW people_kept;
SELECT count(*) FROM people_kept;

-- case: hidden_index
-- purpose: filtered_writer
-- modes: simple
CREATE UNIQUE INDEX ON people (city, mood, score);
