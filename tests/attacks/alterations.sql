-- What is altered, renamed, attached or made a type of, to show or to test what is closed.
-- purpose: writer

-- case: rename_onto_an_open_name
-- modes: simple
ALTER TABLE people RENAME COLUMN name TO named;
ALTER TABLE people RENAME COLUMN secret TO name;
SELECT max(name) FROM people;

-- case: rename_to_a_name_that_nobody_tags
-- modes: simple
ALTER TABLE people RENAME COLUMN secret TO harmless;
SELECT max(harmless) FROM people;

-- case: by_the_clerk_a_column_renamed
-- purpose: denied
-- modes: simple
\as clerk
ALTER TABLE people RENAME COLUMN secret TO harmless;
\as me
SELECT max(harmless) FROM people;

-- case: by_the_clerk_a_table_renamed
-- purpose: denied
-- modes: simple
\as clerk
ALTER TABLE notes RENAME TO notes_before;
ALTER TABLE vault RENAME TO notes;
\as me
SELECT count(*) FROM notes;
SELECT max(word) FROM notes;

-- case: by_the_clerk_by_the_word_for_indexes
-- purpose: denied
-- modes: simple
\as clerk
ALTER INDEX notes RENAME TO notes_before;
ALTER INDEX vault RENAME TO notes;
\as me
SELECT count(*) FROM notes;

-- case: by_the_clerk_into_another_schema
-- purpose: denied
-- modes: simple
\as clerk
ALTER TABLE other.people RENAME TO people_before;
ALTER TABLE vault RENAME TO people_of_others;
ALTER TABLE people_of_others SET SCHEMA other;
ALTER TABLE other.people_of_others RENAME TO people;
\as me
SELECT max(word) FROM other.people;

-- case: by_the_clerk_a_schema_renamed
-- purpose: denied
-- modes: simple
\as clerk
ALTER SCHEMA other RENAME TO another;
CREATE SCHEMA other;
ALTER TABLE vault SET SCHEMA other;
ALTER TABLE other.vault RENAME TO people;
\as me
SELECT max(word) FROM other.people;

-- case: view_renamed
-- purpose: denied
-- modes: simple
\as clerk
ALTER VIEW people_names RENAME TO people_names_before;
ALTER VIEW people_view RENAME TO people_names;
\as me
SELECT max(secret) FROM people_names;

-- case: by_the_clerk_in_a_changed_type
-- purpose: denied
-- modes: simple
\as clerk
ALTER TABLE documents ALTER COLUMN title TYPE text USING body;
\as me
SELECT max(title) FROM documents;

-- case: a_changed_type_of_ones_own
-- modes: simple
ALTER TABLE documents ALTER COLUMN title TYPE text USING body;
SELECT max(title) FROM documents;

-- case: error_of_a_changed_type
-- purpose: denied, writer
-- modes: simple
ALTER TABLE limits ALTER COLUMN cap TYPE int USING 100 / (cap - 10);

-- case: error_of_another_columns_type
-- modes: simple
ALTER TABLE limits ALTER COLUMN shown TYPE int USING 100 / (cap - 10);

-- case: hidden_error_of_a_changed_type
-- purpose: filtered, filtered_writer
-- modes: simple
ALTER TABLE people ALTER COLUMN phone TYPE varchar(20) USING 100 / score;

-- case: computed_column
-- modes: simple
ALTER TABLE people ADD COLUMN mine text GENERATED ALWAYS AS (upper(secret)) STORED;
SELECT max(mine) FROM people;

-- case: by_the_clerk_a_computed_column
-- purpose: denied
-- modes: simple
\as clerk
ALTER TABLE people ADD COLUMN mine text GENERATED ALWAYS AS (upper(secret)) STORED;
\as me
SELECT max(mine) FROM people;

-- case: by_the_clerk_no_longer_computed
-- purpose: denied
-- modes: simple
\as clerk
ALTER TABLE people ADD COLUMN mine text GENERATED ALWAYS AS (upper(secret)) STORED;
ALTER TABLE people ALTER COLUMN mine DROP EXPRESSION;
\as me
SELECT max(mine) FROM people;

-- case: default_that_reads
-- modes: simple
ALTER TABLE notes ALTER COLUMN body SET DEFAULT reads_secret(1);
INSERT INTO notes (amount) VALUES (1) RETURNING body;

-- case: new_column_with_a_default_that_reads
-- modes: simple
INSERT INTO notes (amount) VALUES (1);
ALTER TABLE notes ADD COLUMN mine text DEFAULT reads_secret(1);
SELECT max(mine) FROM notes;

-- case: new_column_that_must_be_filled
-- modes: simple
\as clerk
DELETE FROM vault WHERE amount > 0;
\as me
ALTER TABLE vault ADD COLUMN mine text NOT NULL;

-- case: new_column_that_is_numbered
-- modes: simple
\as clerk
DELETE FROM vault WHERE amount > 0;
\as me
ALTER TABLE vault ADD COLUMN mine serial;
SELECT last_value + 0 FROM vault_mine_seq;

-- case: new_column_that_must_be_unique
-- modes: simple
\as clerk
DELETE FROM vault WHERE amount > 0;
\as me
ALTER TABLE vault ADD COLUMN mine int UNIQUE DEFAULT 1;

-- case: new_column_that_divides
-- modes: simple
\as clerk
DELETE FROM vault WHERE amount > 0;
\as me
ALTER TABLE vault ADD COLUMN mine int DEFAULT 1 / (random() * 0)::int;

-- case: new_column_that_is_checked
-- modes: simple
\as clerk
DELETE FROM vault WHERE amount > 0;
\as me
ALTER TABLE vault ADD COLUMN mine int DEFAULT 1 CHECK (mine > 1);

-- case: new_column_of_a_domain
-- modes: simple
\as clerk
DELETE FROM vault WHERE amount > 0;
\as me
CREATE DOMAIN more AS int CHECK (VALUE > 1);
ALTER TABLE vault ADD COLUMN mine more DEFAULT 1;

-- case: check_of_a_closed_column
-- modes: simple
ALTER TABLE people ADD CHECK (score <> 0);

-- case: check_of_a_row
-- modes: simple
ALTER TABLE documents_legal ADD CHECK (documents_legal.* IS NOT NULL);

-- case: check_by_a_function
-- modes: simple
ALTER TABLE people ADD CHECK (reads_secret(id) < 'SECRET-B');

-- case: check_that_is_validated_later
-- modes: simple
ALTER TABLE people ADD CONSTRAINT mine CHECK (score <> 0) NOT VALID;
ALTER TABLE people VALIDATE CONSTRAINT mine;

-- case: unique_closed_column
-- modes: simple
ALTER TABLE people ADD UNIQUE (pin);

-- case: primary_key_of_a_closed_column
-- modes: simple
ALTER TABLE people DROP CONSTRAINT people_pkey CASCADE;
ALTER TABLE people ADD PRIMARY KEY (pin);

-- case: closed_column_that_must_be_filled
-- modes: simple
ALTER TABLE people ALTER COLUMN secret SET NOT NULL;

-- case: foreign_key_of_a_closed_column
-- modes: simple
ALTER TABLE people ADD FOREIGN KEY (score) REFERENCES parents (id);

-- case: foreign_key_to_a_closed_table
-- modes: simple
CREATE TABLE mine (id int);
ALTER TABLE mine ADD FOREIGN KEY (id) REFERENCES vault (id);
INSERT INTO mine VALUES (3);

-- case: hidden_check
-- purpose: filtered, filtered_writer
-- modes: simple
ALTER TABLE people ADD CHECK (score <> 0);

-- case: hidden_unique
-- purpose: filtered, filtered_writer
-- modes: simple
ALTER TABLE people ADD UNIQUE (city, mood, score);

-- case: hidden_rows_without_a_value
-- purpose: filtered, filtered_writer
-- modes: simple
ALTER TABLE people ALTER COLUMN born SET NOT NULL;

-- case: the_column_that_hides_dropped
-- purpose: filtered_writer
-- modes: simple
ALTER TABLE orders DROP COLUMN consent;
ALTER TABLE orders ADD COLUMN consent boolean NOT NULL DEFAULT true;
SELECT count(*) FROM orders;

-- case: the_column_that_hides_replaced_at_once
-- purpose: filtered_writer
-- modes: simple
ALTER TABLE orders DROP COLUMN consent, ADD COLUMN consent boolean NOT NULL DEFAULT true;
SELECT count(*) FROM orders;

-- case: the_column_that_hides_renamed
-- purpose: filtered_writer
-- modes: simple
ALTER TABLE orders RENAME COLUMN consent TO agreed;
ALTER TABLE orders ADD COLUMN consent boolean NOT NULL DEFAULT true;
SELECT count(*) FROM orders;

-- case: the_column_that_hides_rewritten
-- purpose: filtered_writer
-- modes: simple
ALTER TABLE orders ALTER COLUMN consent TYPE boolean USING true;
SELECT count(*) FROM orders;

-- case: the_column_that_hides_by_default
-- purpose: filtered_writer
-- modes: simple
ALTER TABLE orders ALTER COLUMN consent SET DEFAULT true;
\as clerk
INSERT INTO orders (id, person_id, amount, note) SELECT 1000, 1, amount, note FROM orders WHERE NOT consent ORDER BY id LIMIT 1;
\as me
SELECT note FROM orders WHERE id = 1000;

-- case: the_table_that_hides_made_anew
-- purpose: agreed
-- modes: simple
\as clerk
DROP TABLE agreements;
\as me
CREATE TABLE agreements AS SELECT i AS id, i AS account_id, NULL::timestamptz AS withdrawn_at FROM generate_series(1, 50) AS i;
SELECT count(*), max(pin) FROM accounts;

-- case: the_table_that_hides_renamed
-- purpose: agreed
-- modes: simple
\as clerk
CREATE TABLE everybody AS SELECT id, id AS account_id, NULL::timestamptz AS withdrawn_at FROM accounts;
ALTER TABLE agreements RENAME TO agreements_before;
ALTER TABLE everybody RENAME TO agreements;
\as me
SELECT count(*), max(pin) FROM accounts;

-- case: the_table_that_hides_gets_a_child
-- purpose: agreed
-- modes: simple
\as clerk
CREATE TABLE everybody AS SELECT id, id AS account_id, NULL::timestamptz AS withdrawn_at FROM accounts;
ALTER TABLE everybody INHERIT agreements;
\as me
SELECT count(*), max(pin) FROM accounts;

-- case: the_columns_of_the_table_that_hides
-- purpose: agreed
-- modes: simple
\as clerk
ALTER TABLE agreements DROP COLUMN withdrawn_at, ADD COLUMN withdrawn_at timestamptz;
\as me
SELECT count(*), max(pin) FROM accounts;

-- case: scope_by_another_column
-- purpose: scoped
-- modes: simple
\as clerk
ALTER TABLE accounts RENAME COLUMN customer_id TO customer_before;
ALTER TABLE accounts ADD COLUMN customer_id int NOT NULL DEFAULT 1;
\as me
SELECT count(*), max(pin) FROM accounts;

-- case: column_without_which_rows_show
-- purpose: filtered
-- modes: simple
\as clerk
ALTER TABLE notes RENAME TO notes_before;
ALTER TABLE orders RENAME TO notes;
\as me
SELECT count(*) FROM notes;

-- case: subjects_by_another_column
-- purpose: statistics
-- modes: simple
\as clerk
ALTER TABLE visits RENAME COLUMN staff_id TO staff_before;
ALTER TABLE visits RENAME COLUMN id TO staff_id;
\as me
SELECT place, count(*), sum(minutes) FROM visits GROUP BY place ORDER BY place;

-- case: partition_of_a_closed_table
-- purpose: denied
-- modes: simple
\as clerk
CREATE TABLE parted (id int NOT NULL, word text, amount int, consent boolean NOT NULL DEFAULT true) PARTITION BY LIST (id);
ALTER TABLE notes RENAME TO notes_before;
ALTER TABLE parted RENAME TO notes;
ALTER TABLE notes ATTACH PARTITION vault DEFAULT;
\as me
SELECT count(*), max(word) FROM notes;

-- case: child_of_an_open_parent
-- purpose: denied
-- modes: simple
\as clerk
CREATE TABLE mine (id int, title text, body text, consent boolean NOT NULL);
INSERT INTO mine SELECT id, secret, secret, true FROM people;
ALTER TABLE mine INHERIT documents;
\as me
SELECT min(title) FROM documents;

-- case: open_parent_gets_a_closed_child
-- modes: simple
CREATE TABLE mine (id int, word text, amount int, consent boolean);
ALTER TABLE vault INHERIT mine;
SELECT count(*), max(word) FROM mine;

-- case: partition_attached_to_test
-- modes: simple
CREATE TABLE mine (id int NOT NULL, word text, amount int, consent boolean NOT NULL) PARTITION BY RANGE (id);
ALTER TABLE mine ATTACH PARTITION vault FOR VALUES FROM (1) TO (4);

-- case: partition_that_leaves
-- purpose: filtered_writer
-- modes: simple
ALTER TABLE events DETACH PARTITION events_new;
SELECT count(*) FROM events_new;

-- case: enum_by_another_word
-- modes: simple
ALTER TYPE mood RENAME VALUE 'low' TO 'mine';
SELECT count(*) FROM people WHERE mood = 'mine';

-- case: domain_over_closed_columns
-- modes: simple
\as clerk
ALTER TABLE orders ALTER COLUMN card TYPE word;
\as me
ALTER DOMAIN word ADD CHECK (VALUE < 'SECRET-B');

-- case: domain_that_must_be_filled
-- modes: simple
\as clerk
ALTER TABLE documents_legal ALTER COLUMN opinion TYPE word;
\as me
ALTER DOMAIN word SET NOT NULL;

-- case: domain_that_reads
-- modes: simple
CREATE DOMAIN mine AS int CHECK (reads_secret(VALUE) < 'SECRET-B');
SELECT 1::mine;

-- case: domain_that_divides
-- modes: simple
CREATE DOMAIN mine AS int CHECK (1 / VALUE >= 0);
SELECT count(score::mine) FROM people;

-- case: limits_of_a_sequence
-- modes: simple
\as clerk
ALTER TABLE vault ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;
SELECT setval('vault_id_seq', (SELECT sum(ascii(word) + amount) FROM vault));
\as me
ALTER SEQUENCE vault_id_seq MAXVALUE 400;
SELECT last_value + 0 FROM vault_id_seq;

-- case: owner_of_a_sequence
-- modes: simple
\as clerk
ALTER TABLE vault ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;
SELECT setval('vault_id_seq', (SELECT sum(ascii(word) + amount) FROM vault));
\as me
ALTER SEQUENCE vault_id_seq OWNED BY notes.id;
SELECT nextval('vault_id_seq');

-- case: default_from_a_closed_sequence
-- modes: simple
\as clerk
ALTER TABLE vault ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;
SELECT setval('vault_id_seq', (SELECT sum(ascii(word) + amount) FROM vault));
\as me
ALTER TABLE notes ALTER COLUMN amount SET DEFAULT nextval('vault_id_seq');
INSERT INTO notes (body) VALUES ('x') RETURNING amount;

-- case: trigger_put_away
-- modes: simple
ALTER TABLE trapped DISABLE TRIGGER trap;
UPDATE trapped SET label = 'x';
ALTER TABLE trapped ENABLE TRIGGER trap;
UPDATE trapped SET label = 'y';

-- case: the_table_that_objects_made_anew
-- purpose: agreed
-- modes: simple
\as clerk
DROP TABLE objections;
CREATE TABLE objections (id int PRIMARY KEY, patron_id int);
\as me
SELECT count(*), max(pin) FROM patrons;
SELECT max(word) FROM guests;

-- case: the_table_that_objects_made_if_it_is_not_there
-- purpose: agreed
-- modes: simple
\as clerk
DROP TABLE IF EXISTS objections;
CREATE TABLE IF NOT EXISTS objections (LIKE agreements, patron_id int);
\as me
SELECT count(*), max(pin) FROM patrons;

-- case: the_table_that_objects_made_with_parts
-- purpose: agreed
-- modes: simple
\as clerk
DROP TABLE objections;
CREATE TABLE objections (id int, patron_id int) PARTITION BY LIST (id);
\as me
SELECT count(*), max(pin) FROM patrons;

-- case: the_table_that_objects_renamed
-- purpose: agreed
-- modes: simple
\as clerk
ALTER TABLE objections RENAME TO objections_before;
CREATE TABLE objections (id int PRIMARY KEY, patron_id int);
\as me
SELECT count(*), max(pin) FROM patrons;

-- case: the_column_that_objects_made_anew
-- purpose: agreed
-- modes: simple
\as clerk
ALTER TABLE objections DROP COLUMN patron_id;
ALTER TABLE objections ADD COLUMN patron_id int;
\as me
SELECT count(*), max(pin) FROM patrons;

-- case: the_table_that_objects_as_a_part
-- purpose: agreed
-- modes: simple
\as clerk
DROP TABLE objections;
CREATE TABLE parted (id int, patron_id int) PARTITION BY LIST (id);
CREATE TABLE objections PARTITION OF parted DEFAULT;
\as me
SELECT count(*), max(pin) FROM patrons;

-- case: a_domain_with_the_column_that_hides
-- purpose: agreed
-- modes: simple
\as clerk
DROP DOMAIN address CASCADE;
\as me
SELECT count(*), max(shown) FROM mixed;

-- case: a_type_with_the_column_that_hides
-- purpose: agreed
-- modes: simple
\as clerk
DROP TYPE address CASCADE;
\as me
SELECT count(*), max(shown) FROM mixed;

-- case: a_table_with_the_column_that_hides
-- purpose: agreed
-- modes: simple
\as clerk
DROP TABLE things CASCADE;
\as me
SELECT count(*), max(shown) FROM mixed_too;

-- case: the_column_that_hides_gone
-- purpose: agreed
-- modes: simple
\as clerk
ALTER TABLE mixed DROP COLUMN mail CASCADE;
\as me
SELECT count(*), max(shown) FROM mixed;

-- case: another_table_where_a_function_looks
-- purpose: declared
-- modes: simple
\as clerk
DROP TABLE refusals;
CREATE TABLE refusals (id int PRIMARY KEY, patron_id int);
\as me
SELECT patron_pin(11);

-- case: another_table_where_a_function_looks_by_its_text
-- purpose: declared
-- modes: simple
\as clerk
ALTER TABLE refusals RENAME TO refusals_before;
CREATE TABLE refusals (id int PRIMARY KEY, patron_id int);
\as me
SELECT patron_name(11);

-- case: another_column_where_a_function_looks
-- purpose: declared
-- modes: simple
\as clerk
ALTER TABLE refusals RENAME COLUMN patron_id TO patron_before;
ALTER TABLE refusals RENAME COLUMN state TO patron_id;
ALTER TABLE refusals ALTER COLUMN patron_id TYPE int USING 0;
\as me
SELECT patron_name(11), patron_pin(11);

-- case: another_column_renamed_to_where_a_function_looks
-- purpose: declared
-- modes: simple
\as clerk
ALTER TABLE refusals RENAME COLUMN patron_id TO patron_before;
ALTER TABLE refusals ADD COLUMN patron_id int;
\as me
SELECT patron_name(11), patron_pin(11);

-- case: another_schema_than_where_a_function_looks
-- purpose: declared
-- modes: simple
\as clerk
ALTER TABLE refusals SET SCHEMA other;
CREATE TABLE refusals (id int PRIMARY KEY, patron_id int);
\as me
SELECT patron_name(11), patron_pin(11);

-- case: a_second_key_to_other_parents
-- purpose: agreed
-- modes: simple
\as clerk
UPDATE patrons SET other = CASE id WHEN 1 THEN 11 WHEN 11 THEN 1 ELSE id END;
ALTER TABLE patrons ADD CONSTRAINT patrons_other UNIQUE (other);
ALTER TABLE guests ADD CONSTRAINT a_key FOREIGN KEY (patron_id) REFERENCES patrons (other);
\as me
SELECT id, word FROM guests ORDER BY id;

-- case: another_key_in_its_place
-- purpose: agreed
-- modes: simple
\as clerk
UPDATE patrons SET other = CASE id WHEN 1 THEN 11 WHEN 11 THEN 1 ELSE id END;
ALTER TABLE patrons ADD CONSTRAINT patrons_other UNIQUE (other);
ALTER TABLE guests DROP CONSTRAINT guests_of;
ALTER TABLE guests ADD CONSTRAINT guests_of FOREIGN KEY (patron_id) REFERENCES patrons (other);
\as me
SELECT id, word FROM guests ORDER BY id;

-- case: a_domain_that_draws_from_a_closed_sequence
-- modes: simple
\around
ALTER TABLE vault ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;
SELECT setval('vault_id_seq', (SELECT sum(ascii(word) + amount) FROM vault)::bigint);
\as clerk
CREATE DOMAIN numbered AS bigint DEFAULT nextval('vault_id_seq');
\as me
ALTER TABLE notes ADD COLUMN mine numbered;
INSERT INTO notes (body) VALUES ('x') RETURNING mine + 0;

-- case: a_new_table_numbered_by_a_closed_sequence
-- modes: simple
\around
ALTER TABLE vault ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;
SELECT setval('vault_id_seq', (SELECT sum(ascii(word) + amount) FROM vault)::bigint);
\as clerk
CREATE TABLE planned (id bigint DEFAULT nextval('vault_id_seq'), body text);
\as me
INSERT INTO planned (body) VALUES ('x') RETURNING id + 0;

-- case: a_new_table_like_a_closed_one
-- modes: simple
\around
CREATE SEQUENCE of_vault;
SELECT setval('of_vault', (SELECT sum(ascii(word) + amount)::bigint FROM vault));
ALTER TABLE vault ALTER COLUMN id SET DEFAULT nextval('of_vault');
\as clerk
CREATE TABLE planned (LIKE vault INCLUDING DEFAULTS, body text);
\as me
INSERT INTO planned (body) VALUES ('x') RETURNING id + 0;

-- case: a_default_among_what_is_counted
-- purpose: statistics
-- modes: simple
ALTER TABLE staff ALTER COLUMN pay SET DEFAULT 0;
\as clerk
INSERT INTO staff (id, name, city) SELECT 100 + i, 'name', 'SECRET-' || i FROM generate_series(1, 0) AS i;
INSERT INTO staff (id, name, city, grade) SELECT 100 + i, 'name', 'small', 'low' FROM generate_series(1, 4) AS i;
INSERT INTO staff (id, name, city, grade) SELECT 200 + i, 'name', 'tiny', 'low' FROM generate_series(1, 4) AS i;
\as me
SELECT city, sum(pay) FROM staff GROUP BY city ORDER BY city;

-- case: a_column_of_a_domain_of_others_that_draws
-- modes: simple
\around
ALTER TABLE vault ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;
SELECT setval('vault_id_seq', (SELECT sum(ascii(word) + amount) FROM vault)::bigint);
CREATE DOMAIN numbered AS bigint DEFAULT nextval('vault_id_seq');
\as clerk
CREATE TABLE planned (id numbered, body text);
\as me
INSERT INTO planned (body) VALUES ('x') RETURNING id + 0;

-- case: a_query_with_a_column_of_a_domain_that_draws
-- modes: simple
\around
ALTER TABLE vault ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;
SELECT setval('vault_id_seq', (SELECT sum(ascii(word) + amount) FROM vault)::bigint);
CREATE DOMAIN numbered AS bigint DEFAULT nextval('vault_id_seq');
\as clerk
CREATE TABLE planned AS SELECT NULL::numbered AS id, 'x'::text AS body;
\as me
INSERT INTO planned (body) VALUES ('x') RETURNING id + 0;

-- case: an_index_called_as_what_is_computed
-- purpose: denied
-- modes: simple
\as clerk
CREATE UNIQUE INDEX loud ON derived_too (id, loud);
\as me
SELECT max(loud) FROM derived_too;

-- case: a_constraint_called_as_what_is_computed
-- purpose: denied
-- modes: simple
\as clerk
ALTER TABLE derived_too ADD CONSTRAINT loud CHECK (loud <> '' OR id > 0);
\as me
SELECT max(loud) FROM derived_too;

-- case: a_constraint_renamed_to_what_is_computed
-- purpose: denied
-- modes: simple
\as clerk
ALTER TABLE derived_too ADD CONSTRAINT quiet CHECK (loud <> '' OR id > 0);
ALTER TABLE derived_too RENAME CONSTRAINT quiet TO loud;
\as me
SELECT max(loud) FROM derived_too;

-- case: by_the_clerk_computed_by_a_function
-- purpose: denied
-- modes: simple
\as clerk
INSERT INTO notes (id, amount) VALUES (1, 1);
ALTER TABLE notes ADD COLUMN mine text GENERATED ALWAYS AS (of_secret(amount)) STORED;
\as me
SELECT max(mine) FROM notes;

-- case: new_column_into_which_no_value_fits
-- modes: simple
\as clerk
DELETE FROM vault WHERE amount > 0;
\as me
ALTER TABLE vault ADD COLUMN mine varchar(5) DEFAULT gen_random_uuid();

-- case: type_of_a_column_that_others_refer_to
-- modes: simple
\as clerk
DELETE FROM children WHERE id < 4;
\as me
ALTER TABLE parents ALTER COLUMN id TYPE int USING id + 100;

-- case: renamed_away_from_what_hides_its_rows
-- purpose: agreed
-- modes: simple
ALTER TABLE mixed RENAME TO mixed_before;
SELECT count(*), max(shown) FROM mixed_before;

-- case: moved_away_from_what_hides_its_rows
-- purpose: agreed
-- modes: simple
ALTER TABLE mixed SET SCHEMA other;
SELECT count(*), max(shown) FROM other.mixed;

-- case: a_view_of_what_was_renamed
-- purpose: agreed
-- modes: simple
\around
CREATE VIEW mixed_shown AS SELECT shown FROM mixed;
\as clerk
ALTER TABLE mixed RENAME TO mixed_before;
\as me
SELECT count(*), max(shown) FROM mixed_shown;

-- case: renamed_around_what_hides_its_rows
-- purpose: agreed
-- modes: simple
\around
ALTER TABLE mixed RENAME TO mixed_before;
\as me
SELECT count(*), max(shown) FROM mixed_before;

-- case: detached_from_what_hides_its_rows
-- purpose: agreed
-- modes: simple
\around
ALTER TABLE mixed RENAME TO mixed_before;
CREATE TABLE mixed (id int, shown text, mail text, consent boolean NOT NULL) PARTITION BY LIST (consent);
CREATE TABLE mixed_false PARTITION OF mixed FOR VALUES IN (false);
CREATE TABLE mixed_true PARTITION OF mixed FOR VALUES IN (true);
INSERT INTO mixed SELECT id, shown, mail::text, consent FROM mixed_before;
\as clerk
ALTER TABLE mixed DETACH PARTITION mixed_false;
\as me
SELECT count(*), max(shown) FROM mixed_false;

-- case: a_domain_called_as_a_type_in_a_functions_text
-- purpose: declared
-- modes: simple
\around
CREATE OR REPLACE FUNCTION patron_name(int) RETURNS text LANGUAGE plpgsql STABLE AS $$DECLARE found_name text; BEGIN
    SELECT name INTO found_name FROM public.patrons WHERE id = $1; IF EXISTS (SELECT FROM public.refusals r WHERE r.patron_id = $1)
    THEN RETURN NULL; END IF; RETURN found_name; END$$;
\as me
CREATE DOMAIN other.text AS pg_catalog.text CHECK (VALUE < 'SECRET-B');
SET search_path = other, pg_catalog, public;
SELECT public.patron_name(11);

-- case: an_enum_called_as_a_type_in_a_functions_text
-- purpose: declared
-- modes: simple
\around
CREATE OR REPLACE FUNCTION patron_name(int) RETURNS text LANGUAGE plpgsql STABLE AS $$DECLARE found_name pg_catalog.text; BEGIN
    SELECT pin::word_of INTO found_name FROM public.patrons WHERE id = $1; IF EXISTS (SELECT FROM public.refusals r WHERE r.patron_id = $1)
    THEN RETURN NULL; END IF; RETURN found_name; END$$;
CREATE DOMAIN word_of AS text;
\as me
CREATE TYPE other.word_of AS ENUM ('0');
SET search_path = other, pg_catalog, public;
SELECT public.patron_name(11);

-- case: a_constraint_renamed_to_pass_for_a_computation
-- modes: simple
\around
ALTER TABLE derived_too ADD CONSTRAINT quiet CHECK (loud < 'SECRET-B' OR id > 0);
\as me
ALTER TABLE derived_too RENAME CONSTRAINT quiet TO loud;
UPDATE derived_too SET id = -id WHERE id = 3;

-- case: a_computed_column_renamed_to_what_holds_it
-- modes: simple
\around
ALTER TABLE derived_too ADD CONSTRAINT quiet CHECK (loud < 'SECRET-B' OR id > 0);
\as me
ALTER TABLE derived_too RENAME COLUMN loud TO quiet;
UPDATE derived_too SET id = -id WHERE id = 3;

-- case: an_index_renamed_to_pass_for_a_computation
-- modes: simple
\around
UPDATE derived_too SET id = id * 10;
CREATE UNIQUE INDEX quiet ON derived_too ((id / 10), loud);
\as me
ALTER INDEX quiet RENAME TO loud;
UPDATE derived_too SET id = 41 WHERE id = 30;

-- case: a_part_of_the_table_that_objects_dropped
-- purpose: agreed
-- modes: simple
\around
DROP TABLE objections;
CREATE TABLE objections (id int, patron_id int) PARTITION BY RANGE (id);
CREATE TABLE objections_rest PARTITION OF objections DEFAULT;
INSERT INTO objections SELECT id, id FROM patrons WHERE id > 10;
\as me
DROP TABLE objections_rest;
SELECT count(*), max(pin) FROM patrons;

-- case: a_sequence_under_the_name_where_a_function_looks
-- purpose: declared
-- modes: simple
\around
CREATE OR REPLACE FUNCTION patron_name(int) RETURNS text LANGUAGE plpgsql STABLE AS $$BEGIN IF EXISTS (SELECT FROM public.permits)
    THEN RETURN (SELECT name FROM public.patrons WHERE id = $1); END IF; RETURN NULL; END$$;
\as clerk
CREATE TABLE planned (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.permits));
\as me
SELECT patron_name(11);

-- case: a_sequence_added_under_the_name_where_a_function_looks
-- purpose: declared
-- modes: simple
\around
CREATE OR REPLACE FUNCTION patron_name(int) RETURNS text LANGUAGE plpgsql STABLE AS $$BEGIN IF EXISTS (SELECT FROM public.permits)
    THEN RETURN (SELECT name FROM public.patrons WHERE id = $1); END IF; RETURN NULL; END$$;
CREATE TABLE planned (id int NOT NULL);
\as clerk
ALTER TABLE planned ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.permits);
\as me
SELECT patron_name(11);

-- case: by_the_clerk_a_bound_that_reads
-- purpose: denied
-- modes: simple
\as clerk
CREATE TABLE planned (id int, body text) PARTITION BY LIST (body);
CREATE TABLE planned_one PARTITION OF planned FOR VALUES IN (of_secret(1));
\as me
SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'planned_one';
