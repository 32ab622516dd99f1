-- Consent withdrawn, given and aged between statements.
-- purpose: filtered

-- case: withdrawn
SELECT count(*) FROM people;
\around
UPDATE people SET consent = false WHERE id = 2;
\as me
SELECT count(*), max(name) FROM people;

-- case: withdrawn_in_transaction
BEGIN;
SELECT count(*) FROM people;
\around
UPDATE people SET consent = false WHERE id = 2;
\as me
SELECT count(*), min(id) FROM people;
COMMIT;

-- case: withdrawn_in_snapshot
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM people;
COMMIT;
\around
UPDATE people SET consent = false WHERE id > 100;
\as me
SELECT count(*) FROM people;

-- case: everyone_withdraws
\around
UPDATE people SET consent = false;
\as me
SELECT count(*) FROM people;
SELECT id FROM people ORDER BY id;

-- case: erased
\around
UPDATE people SET deleted_at = now() WHERE id IN (1, 2, 101);
\as me
SELECT id FROM people ORDER BY id;

-- case: hidden_changes
SELECT count(*), sum(score) FROM people;
\around
UPDATE people SET score = 0, city = 'elsewhere' WHERE NOT consent;
\as me
SELECT count(*), sum(score) FROM people;

-- case: hidden_rows_go
SELECT max(id) FROM people;
\around
DELETE FROM people WHERE NOT consent;
\as me
SELECT max(id) FROM people;
SELECT count(*) FROM vault;

-- case: hidden_rows_come
\around
INSERT INTO people (id, name, consent) SELECT max(id) + 1, 'SECRET', false FROM people;
\as me
SELECT max(id), count(*) FROM people;

-- case: prepared_before
-- modes: simple
\parse s SELECT id, name FROM people ORDER BY id
\bind - s
\execute - 0
\sync
\around
UPDATE people SET consent = false WHERE id = 2;
\as me
\bind - s
\execute - 0
\sync

-- case: locked_row
\around
UPDATE people SET name = name WHERE id = 1;
\as me
SELECT id FROM people ORDER BY id FOR UPDATE;

-- case: moved_between_partitions
\around
UPDATE events SET at = '2026-05-05' WHERE NOT consent;
\as me
SELECT count(*) FROM events_new;
SELECT count(*) FROM events_old;
