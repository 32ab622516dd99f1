-- What a purpose opens to those within, but not to the partner who has declared the same purpose.
-- purpose: shared

-- case: closed
SELECT secret FROM people ORDER BY id;

-- case: star
SELECT * FROM people ORDER BY id;

-- case: whole_row
SELECT p FROM people p ORDER BY id;

-- case: count_of_closed
SELECT count(secret), count(DISTINCT pin) FROM people;

-- case: filter
SELECT id FROM people WHERE score > 3 ORDER BY id;

-- case: sealed_rows
SELECT count(*) FROM vault;

-- case: through_a_view
SELECT id, secret FROM people_view ORDER BY id;

-- case: open_columns
SELECT id, name, city FROM people ORDER BY id;
SELECT name FROM people_names ORDER BY id;
SELECT current_setting('wherefore.recipient');
SHOW wherefore.recipient;
SELECT secret FROM people ORDER BY id;

-- case: another_recipient
SET wherefore.recipient = '';
SELECT secret FROM people ORDER BY id;

-- case: reset
RESET wherefore.recipient;
RESET ALL;
SELECT secret FROM people ORDER BY id;

-- case: set_local
BEGIN;
SET LOCAL wherefore.recipient = 'none';
COMMIT;
SELECT secret FROM people ORDER BY id;

-- case: set_config
SELECT set_config('wherefore.recipient', '', false);
SELECT secret FROM people ORDER BY id;

-- case: discard
DISCARD ALL;
SELECT secret FROM people ORDER BY id;

-- case: role
SET ROLE insider;
SELECT secret FROM people ORDER BY id;

-- case: session_authorization
SET SESSION AUTHORIZATION insider;
SELECT secret FROM people ORDER BY id;

-- case: comment
SELECT secret FROM people ORDER BY id /*purpose='shared'*/;

-- case: update_of_the_closed
UPDATE people SET secret = 'x' WHERE secret LIKE '%a%';
UPDATE people SET city = secret;
SELECT city FROM people ORDER BY id;

-- case: copied_within
\as shared
INSERT INTO notes (id, body) SELECT id, secret FROM people;
\as me
SELECT body FROM notes ORDER BY id;

-- case: updated_within
\as shared
UPDATE people SET city = pin;
UPDATE orders SET note = card;
\as me
SELECT city FROM people ORDER BY id;
SELECT note FROM orders ORDER BY id;

-- case: condition_within
\as shared
UPDATE people SET city = 'flagged' WHERE score > 3;
DELETE FROM notes WHERE EXISTS (SELECT FROM vault WHERE vault.id = notes.id);
\as me
SELECT id FROM people WHERE city = 'flagged' ORDER BY id;
SELECT count(*) FROM notes;

-- case: copied_by_the_clerk
\as clerk
INSERT INTO notes (id, body) SELECT id, word FROM vault;
UPDATE people AS p SET name = coalesce((SELECT max(o.card) FROM orders AS o WHERE o.person_id = p.id), p.name);
\as me
SELECT body FROM notes ORDER BY id;
SELECT name FROM people ORDER BY id;

-- case: a_table_made_within
\as shared
CREATE TABLE parents_copy AS SELECT id, secret FROM people;
CREATE VIEW secrets_within AS SELECT id, secret FROM people;
\as me
SELECT id + 0, secret || '' FROM parents_copy ORDER BY 1;
SELECT id + 0, secret || '' FROM secrets_within ORDER BY 1;

-- case: notified_within
LISTEN jobs;
\as shared
SELECT pg_notify('jobs', secret) FROM people ORDER BY id;
\as me
SELECT 1;

-- case: prepared
PREPARE p AS SELECT name FROM people ORDER BY id;
EXECUTE p;
PREPARE q AS SELECT secret FROM people ORDER BY id;
EXECUTE q;
