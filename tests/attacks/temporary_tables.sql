-- What a session keeps in temporary tables: closed values by way of one, names that mean something else for a while, and copies
-- that outlive what was permitted.
-- purpose: denied, writer

-- case: filled_by_insert
-- modes: simple
CREATE TEMP TABLE mine (id int, a text);
INSERT INTO mine SELECT id, secret FROM people;
SELECT max(a) FROM mine;

-- case: filled_by_update
-- modes: simple
CREATE TEMP TABLE mine (id int, a text);
INSERT INTO mine SELECT id, 'x' FROM people;
UPDATE mine SET a = p.secret FROM people p WHERE p.id = mine.id;
SELECT max(a) FROM mine;

-- case: filled_by_merge
-- modes: simple
CREATE TEMP TABLE mine (id int, a text);
MERGE INTO mine USING people p ON mine.id = p.id WHEN NOT MATCHED THEN INSERT VALUES (p.id, p.secret);
SELECT max(a) FROM mine;

-- case: filled_by_a_prepared_statement
-- modes: simple
CREATE TEMP TABLE mine (a text);
PREPARE p AS INSERT INTO mine SELECT secret FROM people;
EXECUTE p;
SELECT max(a) FROM mine;

-- case: whole_rows_of_its_type
-- modes: simple
CREATE TEMP TABLE mine (p people);
INSERT INTO mine SELECT people FROM people;
SELECT max((p).secret) FROM mine;

-- case: like_including_all
-- modes: simple
CREATE TEMP TABLE mine (LIKE people INCLUDING ALL);
INSERT INTO mine SELECT * FROM people;
SELECT max(secret) FROM mine;

-- case: by_a_condition
-- modes: simple
CREATE TEMP TABLE mine AS SELECT id FROM people WHERE secret LIKE 'a%' OR length(secret) > 6;
SELECT count(*), max(id) FROM mine;

-- case: by_a_default
-- modes: simple
CREATE TEMP TABLE mine (id int, a text DEFAULT reads_secret(1));
INSERT INTO mine (id) VALUES (1);
SELECT upper(a) FROM mine;

-- case: by_a_check
-- modes: simple
CREATE TEMP TABLE mine (id int CHECK (reads_secret(id)::int > 0));
INSERT INTO mine VALUES (1);

-- case: child_of_a_table
-- modes: simple
CREATE TEMP TABLE mine () INHERITS (people);
SELECT max(secret) FROM people;

-- case: view
-- modes: simple
CREATE TEMP VIEW mine AS SELECT secret FROM people;
SELECT max(secret) FROM mine;

-- case: shadow_and_back_by_drop
-- modes: simple
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
SELECT max(secret) FROM people;
DROP TABLE people;
SELECT max(secret) FROM people;

-- case: shadow_and_back_by_rollback
-- modes: simple
BEGIN;
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
SELECT max(secret) FROM people;
ROLLBACK;
SELECT max(secret) FROM people;

-- case: shadow_and_back_by_savepoint
-- modes: simple
BEGIN;
SAVEPOINT a;
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
SELECT max(secret) FROM people;
ROLLBACK TO a;
SELECT max(secret) FROM people;

-- case: shadow_and_back_by_commit
-- modes: simple
BEGIN;
CREATE TEMP TABLE people ON COMMIT DROP AS SELECT 1 AS id, 'x' AS secret;
SELECT max(secret) FROM people;
COMMIT;
SELECT max(secret) FROM people;

-- case: shadow_and_back_by_discard
-- modes: simple
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
DISCARD TEMP;
SELECT max(secret) FROM people;

-- case: shadow_and_back_in_one_message
-- modes: simple
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
\query DROP TABLE people; SELECT max(secret) FROM people
\end

-- case: shadow_and_back_by_path
-- modes: simple
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
SET search_path = public, pg_temp;
SELECT max(secret) FROM people;

-- case: prepared_before_the_shadow_goes
-- modes: simple
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
PREPARE p AS SELECT max(secret) FROM people;
EXECUTE p;
DROP TABLE people;
EXECUTE p;

-- case: prepared_by_the_protocol_before_the_shadow_goes
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
\parse p SELECT max(secret) FROM people
\bind - p
\execute - 0
\sync
DROP TABLE people;
\bind - p
\execute - 0
\sync

-- case: pipelined_over_the_shadow
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
\parse d DROP TABLE people
\parse p SELECT max(secret) FROM people
\bind - d
\execute - 0
\bind - p
\execute - 0
\sync

-- case: a_function_finds_the_shadow
-- modes: simple
CREATE TEMP TABLE pg_class AS SELECT 1 AS oid;
SELECT reads_secret(1);

-- case: another_purposes_table
-- purpose: denied
-- modes: simple
CREATE TEMP TABLE mine AS SELECT id, secret FROM people /*purpose='clerk'*/;
SELECT max(secret) FROM people;
SELECT max(secret) FROM mine;

-- case: laundered_by_the_clerk
-- purpose: denied
-- modes: simple
\as clerk
CREATE TEMP TABLE mine AS SELECT id, secret FROM people;
INSERT INTO notes (id, person_id, body) SELECT 1000 + id, id, secret FROM mine;
\as me
SELECT max(body) FROM notes WHERE id > 1000;

-- case: laundered_by_the_clerk_in_two_steps
-- purpose: denied
-- modes: simple
\as clerk
CREATE TEMP TABLE mine (id int, a text);
INSERT INTO mine SELECT id, secret FROM people;
CREATE TEMP TABLE yours AS SELECT id, upper(a) AS b FROM mine;
DROP TABLE mine;
INSERT INTO notes (id, person_id, body) SELECT 1000 + id, id, b FROM yours;
\as me
SELECT max(body) FROM notes WHERE id > 1000;

-- case: laundered_by_the_clerk_past_a_savepoint
-- purpose: denied
-- modes: simple
\as clerk
BEGIN;
CREATE TEMP TABLE mine (id int, a text);
INSERT INTO mine SELECT id, secret FROM people;
SAVEPOINT a;
DROP TABLE mine;
CREATE TEMP TABLE mine (id int, a text);
ROLLBACK TO a;
INSERT INTO notes (id, person_id, body) SELECT 1000 + id, id, a FROM mine;
COMMIT;
\as me
SELECT max(body) FROM notes WHERE id > 1000;

-- case: laundered_by_the_clerk_as_rows
-- purpose: denied
-- modes: simple
\as clerk
CREATE TEMP TABLE mine AS SELECT id FROM people WHERE length(secret) > 5;
INSERT INTO notes (id, person_id, body) SELECT 1000 + id, id, 'x' FROM mine;
\as me
SELECT count(*), max(person_id) FROM notes WHERE id > 1000;

-- case: laundered_by_the_clerk_into_a_table
-- purpose: denied
-- modes: simple
\as clerk
CREATE TEMP TABLE mine AS SELECT id, secret FROM people;
CREATE TABLE made AS SELECT id, secret AS name FROM mine;
\as me
SELECT max(name) FROM made;

-- case: laundered_by_the_clerk_over_a_portal
-- purpose: denied
\as clerk
CREATE TEMP TABLE mine (id int, a text);
\parse out INSERT INTO notes (id, person_id, body) SELECT 1000 + id, id, a FROM mine
\bind o out
\parse in INSERT INTO mine SELECT id, secret FROM people
\bind i in
\execute i 0
\execute o 0
\sync
\as me
SELECT max(body) FROM notes WHERE id > 1000;

-- case: kept_hidden_rows
-- purpose: filtered, filtered_writer
-- modes: simple
CREATE TEMP TABLE mine AS SELECT id, name FROM people;
SELECT count(*), max(name) FROM mine;

-- case: inserted_hidden_rows
-- purpose: filtered, filtered_writer
-- modes: simple
CREATE TEMP TABLE mine (id int, name text);
INSERT INTO mine SELECT id, name FROM people;
SELECT count(*), max(name) FROM mine;

-- case: joined_hidden_rows
-- purpose: filtered
-- modes: simple
CREATE TEMP TABLE mine AS SELECT i AS id FROM generate_series(1, 40) AS i;
SELECT count(*) FROM mine JOIN people USING (id);
DELETE FROM mine USING people WHERE people.id = mine.id;
SELECT count(*) FROM mine;

-- case: masked_and_kept
-- purpose: masked
-- modes: simple
CREATE TEMP TABLE mine AS SELECT id, secret, name FROM people;
SELECT max(secret), count(secret), max(name) FROM mine;
SELECT count(*) FROM mine WHERE secret IS NOT NULL;
