-- under everything, plain
-- plans: of what is seen whole only
EXPLAIN SELECT id FROM orders
EXPLAIN (VERBOSE, COSTS OFF, FORMAT json) SELECT id FROM people WHERE name = 'x'
EXPLAIN (ANALYZE) SELECT id FROM orders
EXPLAIN ANALYZE VERBOSE SELECT id FROM orders
EXPLAIN (ANALYZE off, BUFFERS on) SELECT id FROM orders
EXPLAIN (WAL, ANALYZE false) SELECT 1
EXPLAIN (DEBUG) SELECT 1
EXPLAIN SELECT secret FROM people
EXPLAIN SELECT 1
EXPLAIN EXECUTE p(1)
EXPLAIN DECLARE c CURSOR FOR SELECT 1
EXPLAIN CREATE TABLE t AS SELECT 1
EXPLAIN PREPARE p AS SELECT 1
-- prepared by SQL
PREPARE p AS SELECT name FROM people WHERE id = $1
PREPARE p (int) AS SELECT name FROM people WHERE id = $1
PREPARE p (oid) AS SELECT name FROM people WHERE id = $1
PREPARE p (checked) AS SELECT $1
PREPARE p (people) AS SELECT $1
PREPARE p AS SELECT secret FROM people
PREPARE p AS SELECT set_config('role', 'keeper', false)
PREPARE p AS EXECUTE q
EXECUTE p
EXECUTE p (1, 'x', now(), $1)
EXECUTE p ((SELECT secret FROM people LIMIT 1))
EXECUTE p (own_function(1))
EXECUTE p (pg_read_file('/etc/passwd'))
CREATE TABLE t AS EXECUTE p
DEALLOCATE p
-- cursors
DECLARE c CURSOR FOR SELECT id, email FROM people
DECLARE c BINARY INSENSITIVE NO SCROLL CURSOR FOR SELECT id FROM people ORDER BY id
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id FROM people
DECLARE c CURSOR WITHOUT HOLD FOR SELECT secret FROM people
DECLARE c CURSOR FOR SELECT * FROM orders
FETCH ALL FROM c
FETCH BACKWARD 5 IN c
MOVE ABSOLUTE 3 c
CLOSE c
CLOSE ALL
-- under filtered, none
EXPLAIN SELECT id FROM orders
EXPLAIN SELECT 1
PREPARE p (int) AS SELECT name FROM people WHERE id = $1
PREPARE p (oid) AS SELECT name FROM people WHERE id = $1
DECLARE c SCROLL CURSOR FOR SELECT id FROM people
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM people
DECLARE c CURSOR WITH HOLD FOR SELECT 1
-- under plain, closed
-- locks
LOCK TABLE orders
LOCK people, other.people IN ACCESS EXCLUSIVE MODE NOWAIT
LOCK TABLE ONLY measurements IN SHARE MODE
LOCK TABLE nosuch
LOCK TABLE untagged
-- under plain
-- channels
LISTEN jobs
NOTIFY jobs, 'payload'
LISTEN secrets
NOTIFY secrets
SELECT pg_notify('jobs', $1), pg_catalog.pg_notify('jobs'::text, 'x' || 1)
SELECT pg_notify('jobs', count(*)::text) FROM orders
SELECT pg_notify('jobs', email) FROM people
SELECT pg_notify('jobs', amount::text) FROM orders
SELECT pg_notify('secrets', 'x')
SELECT pg_notify($1, 'x')
UNLISTEN secrets
UNLISTEN *
-- the session
SET ROLE keeper
SET LOCAL ROLE none
RESET ROLE
SET SESSION AUTHORIZATION keeper
RESET SESSION AUTHORIZATION
SET app.tenant = 'x'
SET LOCAL "app"."tenant" TO 5
RESET app.tenant
SHOW app.tenant
SELECT set_config('app.tenant', $1, true)
SELECT set_config('app.tenant', $1::text, true)
SELECT set_config('search_path', $1, true)
SELECT set_config('app.tenant', $1, true), set_config('app.user', current_user, false)
SELECT set_config('app.tenant', $1, true), set_config('role', 'keeper', true)
SELECT set_config('app.tenant', name, true) FROM people
SELECT set_config('app.tenant', (SELECT name FROM people LIMIT 1), true), 1
SELECT set_config('app.tenant', name_of(1), true), 1
SET CONSTRAINTS ALL DEFERRED
SET CONSTRAINTS a, public.b IMMEDIATE
SET auto_explain.log_min_duration = 0
SET plpgsql.variable_conflict = use_column
SET wherefore.nonce = 'x'
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
SET TRANSACTION SNAPSHOT '00000003-0000001B-1'
SELECT pg_export_snapshot()
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY
PREPARE TRANSACTION 'x'
COMMIT PREPARED 'x'
ROLLBACK PREPARED 'x'
-- a procedure that the policy does not list, and a function that is none
CALL own_procedure(1)
CALL own_function(1)
-- refused by name
DO $$BEGIN END$$
ANALYZE
VACUUM people
CLUSTER people
REINDEX TABLE people
CHECKPOINT
LOAD 'auto_explain'
SECURITY LABEL ON TABLE people IS 'x'
ALTER SYSTEM SET work_mem = '1MB'
ALTER ROLE tester SET wherefore.purpose = 'everything'
IMPORT FOREIGN SCHEMA x FROM SERVER y INTO public
