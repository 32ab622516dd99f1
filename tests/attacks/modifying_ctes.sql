-- Writes inside WITH.
-- purpose: writer

-- case: update_returning
WITH q AS (UPDATE people SET city = 'x' RETURNING secret) SELECT min(secret) FROM q;

-- case: insert_select_returning
WITH q AS (INSERT INTO notes (body) SELECT secret FROM people RETURNING body) SELECT count(*), max(body) FROM q;

-- case: delete_returning
WITH q AS (DELETE FROM limits RETURNING *) SELECT sum(cap) FROM q;

-- case: not_read
WITH q AS (UPDATE notes SET body = 'x' RETURNING id), r AS (INSERT INTO notes (body) SELECT secret FROM people) SELECT count(*) FROM q;
SELECT max(body) FROM notes;

-- case: chain
WITH q AS (SELECT id, secret FROM people), r AS (INSERT INTO notes (body) SELECT secret FROM q RETURNING id) SELECT count(*) FROM r;
SELECT min(body) FROM notes;

-- case: where_closed
WITH q AS (UPDATE people SET city = 'x' WHERE score > 3 RETURNING id) SELECT count(*) FROM q;

-- case: moved_rows
WITH q AS (DELETE FROM trapped RETURNING id, secret) INSERT INTO notes (id, body) SELECT id, secret FROM q;
SELECT body FROM notes ORDER BY id;

-- case: under_denied
-- purpose: denied
WITH q AS (DELETE FROM people WHERE id > 12 RETURNING 1), r AS (SELECT secret FROM people WHERE id = 1) SELECT secret FROM r;

-- case: hidden
-- purpose: filtered_writer
WITH q AS (UPDATE people SET city = 'x' RETURNING id) SELECT count(*), max(id) FROM q;

-- case: hidden_delete
-- purpose: filtered_writer
WITH q AS (DELETE FROM orders RETURNING *) SELECT count(*) FROM q;
