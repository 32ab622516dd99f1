-- What one purpose may read and writes down, another must not find.
-- purpose: denied, masked

-- case: insert_select
-- purpose: denied
\as clerk
INSERT INTO notes (id, body) SELECT id, secret FROM people;
\as me
SELECT body FROM notes ORDER BY id;

-- case: update_set
-- purpose: denied
\as clerk
UPDATE people SET city = secret;
\as me
SELECT city FROM people ORDER BY id;

-- case: update_from
-- purpose: denied
\as clerk
UPDATE orders AS o SET note = p.pin FROM people AS p WHERE p.id = o.person_id;
\as me
SELECT note FROM orders ORDER BY id;

-- case: condition
-- purpose: denied
\as clerk
UPDATE people SET city = 'flagged' WHERE score > 3;
\as me
SELECT id FROM people WHERE city = 'flagged' ORDER BY id;

-- case: delete_by_condition
-- purpose: denied
\as clerk
DELETE FROM documents WHERE id IN (SELECT score FROM people);
\as me
SELECT count(*) FROM documents;

-- case: returning_cte
-- purpose: denied
\as clerk
WITH q AS (UPDATE people SET pin = pin RETURNING id, pin) INSERT INTO notes (id, body) SELECT id, pin FROM q;
\as me
SELECT body FROM notes ORDER BY id;

-- case: merge
-- purpose: denied
\as clerk
MERGE INTO orders AS o USING people AS p ON o.id = p.id WHEN MATCHED THEN UPDATE SET note = p.secret;
\as me
SELECT note FROM orders ORDER BY id;

-- case: on_conflict
-- purpose: denied
\as clerk
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = people.secret;
\as me
SELECT city FROM people WHERE id = 1;

-- case: derived
-- purpose: denied
\as clerk
UPDATE notes SET body = 'x';
INSERT INTO notes (id, amount) SELECT id, length(secret) FROM people;
\as me
SELECT amount FROM notes ORDER BY id;

-- case: count
-- purpose: denied
\as clerk
INSERT INTO notes (id, amount) SELECT 1, count(*) FROM vault;
\as me
SELECT amount FROM notes;

-- case: masked_column
-- purpose: masked
\as clerk
UPDATE people SET city = phone;
\as me
SELECT city FROM people ORDER BY id;

-- case: create_table
-- purpose: denied
\as clerk
CREATE TABLE mine AS SELECT secret FROM people;
\as me
SELECT max(secret) FROM mine;

-- case: create_view
-- purpose: denied
\as clerk
CREATE VIEW mine AS SELECT secret FROM people;
\as me
SELECT max(secret) FROM mine;

-- case: comment_on
-- purpose: denied
\as clerk
DO $$BEGIN EXECUTE format('COMMENT ON TABLE notes IS %L', (SELECT secret FROM people WHERE id = 1)); END$$;
\as me
SELECT obj_description('notes'::regclass, 'pg_class');

-- case: sequence
-- purpose: denied
\as clerk
SELECT setval('notes_id_seq', length(secret)) FROM people WHERE id = 1;
\as me
SELECT nextval('notes_id_seq');

-- case: large_object
-- purpose: denied
\as clerk
SELECT lo_from_bytea(4343, secret::bytea) FROM people WHERE id = 1;
\as me
SELECT lo_get(4343);

-- case: notify
-- purpose: denied
LISTEN gossip;
\as clerk
SELECT pg_notify('gossip', secret) FROM people ORDER BY id;
\as me
SELECT 1;
SELECT 2;

-- case: rows
-- purpose: filtered
\as clerk
INSERT INTO notes (id, body) SELECT id, name FROM people;
\as me
SELECT count(*), max(body) FROM notes;

-- case: rows_count
-- purpose: filtered
\as clerk
INSERT INTO notes (amount) SELECT count(*) FROM people;
\as me
SELECT amount FROM notes;
