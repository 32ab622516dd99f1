-- What a transaction has defined and reads itself, before anyone else sees it.
-- purpose: denied, masked

-- case: replaced_view
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
SELECT max(name) FROM people_names;
ROLLBACK;

-- case: looked_at_in_between
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, city AS name FROM people;
SELECT count(*) FROM people_names WHERE id < 0;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
SELECT max(name) FROM people_names;

-- case: rolled_back_to
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
SAVEPOINT s;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, city AS name FROM people;
SELECT count(*) FROM people_names WHERE id < 0;
ROLLBACK TO s;
SELECT max(name) FROM people_names;

-- case: copied
BEGIN;
CREATE TABLE mine AS SELECT id, secret FROM people;
SELECT max(secret) FROM mine;

-- case: under_anothers_name
BEGIN;
DROP MATERIALIZED VIEW people_kept;
CREATE TABLE people_kept AS SELECT id, secret AS name FROM people;
SELECT max(name) FROM people_kept;

-- case: a_view_of_a_view
BEGIN;
CREATE VIEW one AS SELECT id, secret AS name FROM people;
CREATE VIEW two AS SELECT id, name FROM one;
SELECT max(name) FROM two;

-- case: in_front_on_the_path
BEGIN;
CREATE SCHEMA aside;
CREATE VIEW aside.people_names AS SELECT id, secret AS name FROM people;
SET LOCAL search_path = aside, public;
SELECT max(name) FROM people_names;

-- case: cursor
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
DECLARE c CURSOR FOR SELECT max(name) FROM people_names;
FETCH ALL FROM c;

-- case: prepared_before
PREPARE p AS SELECT max(name) FROM people_names;
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
EXECUTE p;

-- case: prepared_within
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, city AS name FROM people;
PREPARE p AS SELECT max(name) FROM people_names WHERE id > 0;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
EXECUTE p;

-- case: committed_and_chained
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
COMMIT AND CHAIN;
SELECT max(name) FROM people_names;
COMMIT;

-- case: messages_that_wait_for_nothing
-- modes: simple
\query DROP VIEW people_names
\query CREATE VIEW people_names AS SELECT id, secret AS name FROM people
\query SELECT max(name) FROM people_names
\end

-- case: messages_in_a_transaction_that_wait_for_nothing
-- modes: simple
\query BEGIN
\query DROP VIEW people_names
\query CREATE VIEW people_names AS SELECT id, secret AS name FROM people
\query COMMIT
\query SELECT max(name) FROM people_names
\end

-- case: one_message
-- modes: simple
\query BEGIN; DROP VIEW people_names; CREATE VIEW people_names AS SELECT id, secret AS name FROM people; COMMIT; SELECT max(name) FROM people_names
\end

-- case: one_segment
-- modes: simple
\parse - BEGIN
\bind - -
\execute - 0
\parse - DROP VIEW people_names
\bind - -
\execute - 0
\parse - CREATE VIEW people_names AS SELECT id, secret AS name FROM people
\bind - -
\execute - 0
\parse - SELECT max(name) FROM people_names
\bind - -
\execute - 0
\sync

-- case: bound_before
-- modes: simple
BEGIN;
\parse d DECLARE c CURSOR FOR SELECT max(name) FROM people_names
\bind d d
\sync
CREATE OR REPLACE VIEW people_names AS SELECT id, secret AS name FROM people;
\execute d 0
\sync
FETCH ALL FROM c;

-- case: another_defines
BEGIN;
CREATE TABLE mine (id int);
SELECT count(*) FROM notes WHERE id < 0;
\as clerk
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
\as me
SELECT max(name) FROM people_names;

-- case: another_defines_under_a_snapshot
BEGIN ISOLATION LEVEL REPEATABLE READ;
CREATE TABLE mine (id int);
\as clerk
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
\as me
SELECT max(name) FROM people_names;

-- case: hidden_rows
-- purpose: filtered
BEGIN;
CREATE VIEW mine AS SELECT * FROM people;
SELECT count(*) FROM mine;

-- case: hidden_rows_copied
-- purpose: filtered_writer
BEGIN;
CREATE TABLE mine AS SELECT id FROM people;
SELECT count(*) FROM mine;

-- case: committed_though_it_has_failed
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
COMMIT;
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, city AS name FROM people;
SELECT count(*) FROM people_names WHERE id < 0;
SELECT 1 / 0;
COMMIT AND CHAIN;
SELECT max(name) FROM people_names;
COMMIT;

-- case: committed_though_it_has_failed_in_one_message
-- modes: simple
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
COMMIT;
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, city AS name FROM people;
SELECT count(*) FROM people_names WHERE id < 0;
SELECT 1 / 0;
\query COMMIT; SELECT max(name) FROM people_names
\sync

-- case: prepared_though_it_has_failed
-- modes: simple
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
COMMIT;
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, city AS name FROM people;
SELECT count(*) FROM people_names WHERE id < 0;
SELECT 1 / 0;
\query PREPARE TRANSACTION 'x'; SELECT max(name) FROM people_names
\sync

-- case: a_rollback_that_is_skipped
-- modes: simple
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
SAVEPOINT s;
\query ROLLBACK TO nosuch; ROLLBACK
\sync
ROLLBACK TO s;
SELECT max(name) FROM people_names;

-- case: a_rollback_that_is_skipped_in_a_segment
-- modes: simple
BEGIN;
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
SAVEPOINT s;
\parse - ROLLBACK TO nosuch
\bind - -
\execute - 0
\parse - ROLLBACK AND CHAIN
\bind - -
\execute - 0
\sync
ROLLBACK TO s;
SELECT max(name) FROM people_names;

-- case: text_that_a_cursor_reads_later
BEGIN;
DECLARE c CURSOR FOR SELECT query_to_xml('SELECT max(name) AS m FROM people_names', true, true, '');
DROP VIEW people_names;
CREATE VIEW people_names AS SELECT id, secret AS name FROM people;
FETCH ALL FROM c;

-- case: text_that_a_cursor_reads_by_another_path
BEGIN;
DECLARE c CURSOR FOR SELECT query_to_xml('SELECT max(note) AS m FROM orders', true, true, '');
SET LOCAL search_path = evil, public;
FETCH ALL FROM c;

-- case: text_that_a_portal_reads_by_another_path
-- modes: simple
\query BEGIN
\parse s SELECT query_to_xml('SELECT max(note) AS m FROM orders', true, true, '')
\bind p s
\parse - SET LOCAL search_path = evil, public
\bind - -
\execute - 0
\execute p 0
\sync

-- case: text_that_a_portal_goes_on_reading_by_another_path
-- modes: simple
\query BEGIN
\parse s SELECT query_to_xml('SELECT max(note) AS m FROM orders', true, true, '') FROM generate_series(1, 3)
\bind p s
\execute p 1
\parse - SET LOCAL search_path = evil, public
\bind - -
\execute - 0
\execute p 0
\sync
