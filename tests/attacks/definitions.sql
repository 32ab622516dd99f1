-- DDL that copies, shows or opens what is closed.
-- purpose: denied, writer

-- case: create_table_as
CREATE TABLE mine AS SELECT id, secret FROM people;
SELECT max(secret) FROM mine;

-- case: create_temp_table_as
CREATE TEMP TABLE mine AS SELECT id, secret FROM people;
SELECT max(secret) FROM mine;

-- case: select_into
SELECT secret INTO TEMP mine FROM people;
SELECT max(secret) FROM mine;

-- case: create_view
CREATE VIEW mine AS SELECT secret FROM people;
SELECT max(secret) FROM mine;

-- case: create_temp_view
CREATE TEMP VIEW mine AS SELECT * FROM vault;
SELECT count(*) FROM mine;

-- case: create_or_replace_view
CREATE OR REPLACE VIEW people_names AS SELECT id, secret AS name FROM people;
SELECT max(name) FROM people_names;

-- case: create_materialized_view
CREATE MATERIALIZED VIEW mine AS SELECT secret FROM people;
SELECT max(secret) FROM mine;

-- case: refresh
REFRESH MATERIALIZED VIEW people_kept;
SELECT max(secret) FROM people_kept;

-- case: create_function
CREATE FUNCTION mine() RETURNS text LANGUAGE sql AS 'SELECT max(secret) FROM people';
SELECT mine();

-- case: temp_function
CREATE FUNCTION pg_temp.mine() RETURNS text LANGUAGE sql AS 'SELECT max(secret) FROM people';
SELECT pg_temp.mine();

-- case: create_index_error
CREATE INDEX ON people ((1 / score));

-- case: create_unique_index
CREATE UNIQUE INDEX ON people (pin);

-- case: add_check
ALTER TABLE people ADD CHECK (score <> 0);

-- case: add_check_text
ALTER TABLE people ADD CHECK (secret LIKE 'SECRET-A%');

-- case: set_not_null
ALTER TABLE people ALTER secret SET NOT NULL;

-- case: change_type
ALTER TABLE people ALTER pin TYPE int USING pin::int;

-- case: change_type_of_open
ALTER TABLE people ALTER deleted_at TYPE text USING secret;
SELECT max(deleted_at) FROM people;

-- case: add_generated
ALTER TABLE people ADD shown text GENERATED ALWAYS AS (upper(secret)) STORED;
SELECT max(shown) FROM people;

-- case: rename_column
ALTER TABLE people RENAME secret TO harmless;
SELECT max(harmless) FROM people;

-- case: swap_columns
ALTER TABLE people RENAME name TO x;
ALTER TABLE people RENAME secret TO name;
SELECT max(name) FROM people;

-- case: rename_table
ALTER TABLE vault RENAME TO harmless;
SELECT count(*) FROM harmless;

-- case: swap_tables
ALTER TABLE notes RENAME TO y;
ALTER TABLE vault RENAME TO notes;
SELECT count(*) FROM notes;

-- case: inherit
CREATE TABLE top (secret text);
ALTER TABLE people INHERIT top;
SELECT max(secret) FROM top;

-- case: create_like_and_attach
CREATE TABLE mine (LIKE people);
INSERT INTO mine SELECT * FROM people;
SELECT max(secret) FROM mine;

-- case: detach_partition
ALTER TABLE events DETACH PARTITION events_old;
SELECT max(who) FROM events_old;

-- case: add_foreign_key
ALTER TABLE notes ADD FOREIGN KEY (person_id) REFERENCES vault (id);
INSERT INTO notes (person_id) VALUES (3);

-- case: create_trigger
CREATE TRIGGER mine BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION trap();
UPDATE people SET city = city WHERE id = 1;

-- case: create_rule
CREATE RULE mine AS ON UPDATE TO notes DO INSTEAD SELECT secret FROM people;
UPDATE notes SET body = 'x';

-- case: create_policy
CREATE POLICY mine ON people USING (true);
SELECT max(secret) FROM people;

-- case: create_operator
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
SELECT id FROM people WHERE secret === 'x';

-- case: create_cast
CREATE CAST (people AS text) WITH FUNCTION loud(people);
SELECT people::text FROM people ORDER BY id;

-- case: create_domain
CREATE DOMAIN mine AS text CHECK (VALUE < 'SECRET-B');
SELECT count(secret::mine) FROM people;

-- case: create_sequence_from
CREATE TABLE mine (id serial);
ALTER SEQUENCE mine_id_seq RESTART 5;
SELECT last_value FROM counter;

-- case: create_statistics
CREATE STATISTICS mine ON city, pin FROM people;
ANALYZE people;
SELECT most_common_vals FROM pg_stats_ext WHERE statistics_name = 'mine';

-- case: analyze_then_stats
ANALYZE vault;
SELECT reltuples FROM pg_class WHERE relname = 'vault';

-- case: comment
COMMENT ON TABLE people IS 'x';
SELECT obj_description('people'::regclass), (SELECT count(*) FROM vault);

-- case: grant
GRANT SELECT ON vault TO PUBLIC;
SELECT count(*) FROM vault;

-- case: alter_default
ALTER TABLE notes ALTER body SET DEFAULT reads_secret(1);
INSERT INTO notes (id) VALUES (1) RETURNING body;

-- case: create_schema_elements
CREATE SCHEMA mine CREATE VIEW v AS SELECT secret FROM public.people;
SELECT max(secret) FROM mine.v;

-- case: reindex_error
CREATE INDEX mine ON people ((pin::int));

-- case: hidden_table_as
-- purpose: filtered
CREATE TEMP TABLE mine AS SELECT * FROM people;
SELECT count(*) FROM mine;

-- case: hidden_check
-- purpose: filtered
ALTER TABLE people ADD CHECK (score <> 0);

-- case: hidden_unique
-- purpose: filtered
CREATE UNIQUE INDEX ON people (city, mood, score);
