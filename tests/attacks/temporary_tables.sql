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

-- case: shadow_and_back_by_a_failed_commit
-- modes: simple
BEGIN;
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
SELECT max(secret) FROM people;
SELECT 1/0;
COMMIT;
SELECT max(secret) FROM people;

-- case: shadow_and_back_by_a_skipped_commit
-- modes: simple
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
BEGIN;
DROP TABLE people;
\query SELECT 1/0; COMMIT
\end
ROLLBACK;
DROP TABLE people;
SELECT max(secret) FROM people;

-- case: shadow_and_back_by_an_implicit_transaction
-- modes: simple
\query CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret; SELECT 1/0
\end
SELECT max(secret) FROM people;

-- case: shadow_goes_between_parse_and_execute
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret;
\parse p SELECT max(secret) FROM people
\sync
\parse d DROP TABLE people
\bind - d
\execute - 0
\bind - p
\execute - 0
\sync
\bind - p
\execute - 0
\sync

-- case: prepared_in_a_segment_that_fails
\parse c CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret
\bind - c
\execute - 0
\parse p SELECT max(secret) FROM people
\parse f SELECT 1/0
\bind - f
\execute - 0
\sync
\bind - p
\execute - 0
\sync
SELECT max(secret) FROM people;

-- case: discard_behind_an_error
-- modes: simple
\query CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS secret
\query SELECT 1/0; DISCARD ALL
\query SELECT max(secret) FROM people
\query DROP TABLE people
\query SELECT max(secret) FROM people
\end

-- case: pipelined_over_the_end_of_a_transaction
-- modes: simple
\query BEGIN
\query CREATE TEMP TABLE people (id int, secret text) ON COMMIT DROP
\query SELECT max(secret) FROM people
\query COMMIT
\query SELECT max(secret) FROM people
\end

-- case: another_type_by_the_same_name
-- modes: simple
CREATE TEMP TABLE mine AS SELECT 1 AS id, 'x' AS a;
PREPARE p AS SELECT count(*) FROM people p JOIN mine m ON p.secret = m.a;
DROP TABLE mine;
CREATE TEMP TABLE mine AS SELECT secret AS a FROM people;
EXECUTE p;

-- case: a_condition_finds_the_shadow
-- purpose: agreed
-- modes: simple
CREATE TEMP TABLE agreements AS SELECT id, id AS account_id, NULL::timestamptz AS withdrawn_at FROM generate_series(1, 100) AS id;
SELECT count(*), max(name), max(pin) FROM accounts;

-- case: a_trigger_fires_beside_one
-- purpose: writer
-- modes: simple
CREATE TEMP TABLE mine (id int, label text);
INSERT INTO copied (id, label) VALUES (1, 'x');
SELECT max(label) FROM copied WHERE id = 1;

-- case: upserted
-- modes: simple
CREATE TEMP TABLE mine (id int PRIMARY KEY, a text);
INSERT INTO mine VALUES (1, 'x'), (2, 'y');
INSERT INTO mine SELECT id, secret FROM people ON CONFLICT (id) DO UPDATE SET a = excluded.a;
SELECT max(a) FROM mine;

-- case: found_by_a_conflict
-- modes: simple
CREATE TEMP TABLE mine (a text UNIQUE);
INSERT INTO mine SELECT secret FROM people ON CONFLICT DO NOTHING;
SELECT count(*) FROM mine;

-- case: returned_while_it_is_filled
-- modes: simple
CREATE TEMP TABLE mine (a text);
INSERT INTO mine SELECT secret FROM people RETURNING a || '';

-- case: whole_table_by_copy
-- modes: simple
CREATE TEMP TABLE mine AS TABLE people;
COPY mine TO STDOUT;

-- case: thresholds_kept
-- purpose: statistics
-- modes: simple
CREATE TEMP TABLE mine AS SELECT city, sum(pay) AS pay, count(*) AS n FROM staff GROUP BY city;
SELECT city || '', pay + 0, n + 0 FROM mine ORDER BY 1, 2, 3;

-- case: differenced_by_a_join
-- purpose: statistics
-- modes: simple
CREATE TEMP TABLE mine (id int PRIMARY KEY);
INSERT INTO mine VALUES (1);
SELECT avg(pay) FROM staff JOIN mine USING (id);

-- case: weighed_by_repeated_keys
-- purpose: statistics
-- modes: simple
CREATE TEMP TABLE mine AS SELECT 1 AS id FROM generate_series(1, 1000) UNION ALL SELECT id FROM generate_series(2, 40) AS id;
SELECT sum(pay), count(pay) FROM staff JOIN mine USING (id);
