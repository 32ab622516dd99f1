-- under closed, plain, none
SELECT secret FROM people
SELECT name FROM people
SELECT count(*) FROM people
SELECT 1
-- under plain
-- denied, however it is written
SELECT * FROM people
SELECT p FROM people p
SELECT secret(people) FROM people
SELECT (people).secret FROM people
SELECT name FROM people ORDER BY secret
SELECT name FROM people WHERE secret = 'x'
SELECT people.name FROM people NATURAL JOIN (SELECT 'x'::text AS secret) AS probe
SELECT name FROM people JOIN (SELECT 'x'::text AS secret) AS probe USING (secret)
SELECT count(secret) FILTER (WHERE secret > 'a') FROM people GROUP BY secret
SELECT p.name FROM people p, LATERAL (SELECT p.secret) s
SELECT 1 FROM orders GROUP BY (SELECT secret FROM people LIMIT 1)
SELECT secret FROM other.people
SELECT x FROM untagged
SELECT count(*) FROM untagged
-- not there
SELECT nosuch FROM people
SELECT people.nosuch FROM people
SELECT p.name FROM people
SELECT name FROM nosuch
SELECT name FROM nosuch.people
SELECT id FROM people, orders
SELECT 1 FROM people, people
SELECT nosuch(1)
SELECT id FROM people JOIN orders USING (amount)
-- not understood
SELECT * FROM adults
SELECT own_function(1)
SELECT reads_secret()
SELECT public.own_function(1)
SELECT query_to_xml('SELECT secret FROM people', true, true, '')
SELECT pg_read_file('/etc/passwd')
SELECT * FROM people FOR UPDATE
SELECT name INTO TEMP stolen FROM people
SELECT name FROM people TABLESAMPLE BERNOULLI (10)
UPDATE people SET name = secret
DELETE FROM people
INSERT INTO orders SELECT 1, 1, 1, secret FROM people
WITH gone AS (DELETE FROM people RETURNING secret) SELECT * FROM gone
COPY people TO STDOUT
COPY (SELECT secret FROM people) TO STDOUT
EXPLAIN SELECT secret FROM people
EXPLAIN (ANALYZE) SELECT secret FROM people WHERE secret = 'x'
PREPARE p AS SELECT secret FROM people
EXECUTE p
DECLARE c CURSOR FOR SELECT secret FROM people
DO $$BEGIN PERFORM secret FROM people; END$$
CREATE TABLE copy AS SELECT secret FROM people
CREATE VIEW v AS SELECT secret FROM people
TRUNCATE people
LOCK TABLE people
LISTEN x
NOTIFY x, 'y'
SET ROLE keeper
SET SESSION AUTHORIZATION keeper
SET session_replication_role = replica
SELECT set_config('role', 'keeper', false)
SELECT name, set_config('role', 'keeper', false) FROM people
PREPARE TRANSACTION 'x'
SELECT name::people FROM people
SELECT pg_sleep(1), nextval('x')
SELECT * FROM pg_stats
SELECT * FROM pg_authid
SELECT query FROM pg_stat_activity
SELECT 'x' LIKE 'a' OPERATOR(public.+) 'b'
SELECT secret FROM otherdb.public.people
SELEC 1
SELECT 'unfinished
-- as they are
BEGIN
COMMIT AND CHAIN
SET search_path = public
SELECT set_config('TimeZone', 'UTC', false)
SHOW server_version
RESET ALL
DISCARD ALL
DEALLOCATE ALL
-- under plain
-- value.name calls a function where the value has no such field
SELECT ((('select array_to_tsvector(array[secret]) from public.people')).ts_stat).word
SELECT ('/etc/hostname'::text).pg_read_file
SELECT ('x').own_function
SELECT (name).upper FROM people
SELECT (information_schema._pg_expandarray(ARRAY[1])).n
SELECT g.pg_read_file FROM unnest(ARRAY['/etc/hostname']) AS g
SELECT f.pg_read_file FROM json_populate_recordset(NULL::record, '[]') AS f
-- what would run a user's code
SELECT 'x'::checked
SELECT ('x'::text).checked
SELECT '{x}'::_checked, '{}'::public._people
SELECT ('{x}'::text)._checked
SELECT '{x}'::checked[]
SELECT '{1}'::_int4, '{a}'::text[]
-- too much
SELECT s.*, s.*, s.*, s.* FROM (SELECT people.*, people.*, people.*, people.* FROM people) AS s
-- CTEs that double their columns
WITH a0 AS (SELECT 1 x), a1 AS (SELECT a.*, b.* FROM a0 a, a0 b), a2 AS (SELECT a.*, b.* FROM a1 a, a1 b), a3 AS (SELECT a.*, b.* FROM a2 a, a2 b), a4 AS (SELECT a.*, b.* FROM a3 a, a3 b), a5 AS (SELECT a.*, b.* FROM a4 a, a4 b), a6 AS (SELECT a.*, b.* FROM a5 a, a5 b), a7 AS (SELECT a.*, b.* FROM a6 a, a6 b), a8 AS (SELECT a.*, b.* FROM a7 a, a7 b), a9 AS (SELECT a.*, b.* FROM a8 a, a8 b), a10 AS (SELECT a.*, b.* FROM a9 a, a9 b), a11 AS (SELECT a.*, b.* FROM a10 a, a10 b), a12 AS (SELECT a.*, b.* FROM a11 a, a11 b), a13 AS (SELECT a.*, b.* FROM a12 a, a12 b), a14 AS (SELECT a.*, b.* FROM a13 a, a13 b), a15 AS (SELECT a.*, b.* FROM a14 a, a14 b), a16 AS (SELECT a.*, b.* FROM a15 a, a15 b), a17 AS (SELECT a.*, b.* FROM a16 a, a16 b), a18 AS (SELECT a.*, b.* FROM a17 a, a17 b), a19 AS (SELECT a.*, b.* FROM a18 a, a18 b), a20 AS (SELECT a.*, b.* FROM a19 a, a19 b) SELECT 1 FROM a20
