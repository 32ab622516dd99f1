-- Row locks and samples.
-- purpose: denied, masked

-- case: for_update
SELECT secret FROM people ORDER BY id FOR UPDATE;

-- case: for_share_of
SELECT o.card FROM orders AS o JOIN people AS p ON p.id = o.person_id ORDER BY o.id FOR SHARE OF p;

-- case: for_key_share
SELECT id FROM people WHERE score > 3 ORDER BY id FOR KEY SHARE;

-- case: skip_locked
SELECT id FROM people ORDER BY score, id LIMIT 1 FOR UPDATE SKIP LOCKED;

-- case: no_wait
SELECT count(*) FROM (SELECT id FROM people WHERE adult FOR UPDATE NOWAIT) AS q;

-- case: bernoulli
SELECT secret FROM people TABLESAMPLE BERNOULLI (100) ORDER BY id;

-- case: system
SELECT count(*) FROM vault TABLESAMPLE SYSTEM (100);

-- case: sample_fraction_by_value
SELECT count(*) FROM notes, people TABLESAMPLE BERNOULLI ((SELECT CASE WHEN min(score) < 0 THEN 0 ELSE 100 END FROM people));
SELECT count(*) FROM people TABLESAMPLE BERNOULLI ((SELECT CASE WHEN min(score) < 0 THEN 0 ELSE 100 END FROM people));

-- case: repeatable
SELECT id FROM vault TABLESAMPLE BERNOULLI (50) REPEATABLE (1) ORDER BY id;

-- case: lock_table
BEGIN;
LOCK vault IN ACCESS SHARE MODE;
SELECT count(*) FROM vault;
COMMIT;

-- case: hidden_for_update
-- purpose: filtered
SELECT id, name FROM people ORDER BY id FOR UPDATE;

-- case: hidden_sample
-- purpose: filtered
SELECT count(*) FROM people TABLESAMPLE SYSTEM (100);

-- case: hidden_limit_lock
-- purpose: filtered
SELECT id FROM people ORDER BY id DESC LIMIT 1 FOR NO KEY UPDATE;

-- case: hidden_ctid
-- purpose: filtered
SELECT max(ctid) FROM people;

-- case: hidden_ctid_scan
-- purpose: filtered
SELECT count(*) FROM people WHERE ctid > '(0,0)';

-- case: hidden_xmin
-- purpose: filtered
SELECT count(DISTINCT xmin::text), count(*) FROM people;

-- case: hidden_row_is_locked
-- purpose: filtered
\around
BEGIN;
UPDATE people SET name = name WHERE id = 1;
\as me
SELECT id FROM people ORDER BY id FOR UPDATE NOWAIT;
\around
ROLLBACK;

-- case: hidden_row_by_key_is_locked
-- purpose: filtered
\around
BEGIN;
UPDATE people SET name = name WHERE id = 1;
\as me
SELECT id FROM people WHERE id = 1 FOR UPDATE NOWAIT;
\around
ROLLBACK;

-- case: hidden_row_is_skipped
-- purpose: filtered
\around
BEGIN;
UPDATE people SET name = name WHERE id = 1;
\as me
SELECT count(*) FROM (SELECT id FROM people WHERE id < 4 FOR UPDATE SKIP LOCKED) AS q;
\around
ROLLBACK;

-- case: hidden_limit_locks
-- purpose: filtered
\around
BEGIN;
UPDATE people SET name = name WHERE id = 1;
\as me
SELECT id FROM people WHERE 10 / id >= 0 ORDER BY id LIMIT 1 FOR UPDATE NOWAIT;
\around
ROLLBACK;

-- case: hidden_sub_query_locks
-- purpose: filtered
\around
BEGIN;
UPDATE people SET name = name WHERE id = 1;
\as me
SELECT count(*) FROM orders AS o, (SELECT id FROM people ORDER BY id FOR SHARE NOWAIT) AS p WHERE p.id = o.person_id;
\around
ROLLBACK;

-- case: hidden_half_sample
-- purpose: filtered
SELECT count(*) FROM people TABLESAMPLE BERNOULLI (60) REPEATABLE (7);
