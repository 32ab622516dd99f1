-- Settings, roles and search paths.
-- purpose: denied, masked

-- case: search_path_other
SET search_path = other;
SELECT secret FROM people;

-- case: search_path_evil_view
SET search_path = evil, public;
SELECT note FROM orders ORDER BY id;

-- case: search_path_temp
SET search_path = pg_temp, evil;
SELECT max(note) FROM orders;

-- case: search_path_catalog_last
SET search_path = evil, public, pg_catalog;
SELECT relname FROM pg_class ORDER BY oid LIMIT 3;

-- case: set_local
BEGIN;
SET LOCAL search_path = evil;
SELECT max(note) FROM orders;
COMMIT;

-- case: set_config
SELECT set_config('search_path', 'evil', false);
SELECT max(note) FROM orders;

-- case: set_config_value
SELECT set_config('my.value', secret, false) FROM people WHERE id = 1;
SHOW my.value;

-- case: set_config_where
SELECT set_config('search_path', CASE WHEN score > 0 THEN 'public' ELSE 'other' END, false) IS NULL FROM people WHERE id = 1;
SHOW search_path;
SELECT name FROM people ORDER BY id;

-- case: set_role
SET ROLE pg_read_all_data;
SELECT max(secret) FROM people;

-- case: set_session_authorization
SET SESSION AUTHORIZATION insider;
SELECT max(secret) FROM people;

-- case: purpose_of_others
SET wherefore.purpose = 'clerk';
SELECT max(secret) FROM people;

-- case: purpose_local
BEGIN;
SET LOCAL wherefore.purpose = 'owner';
SELECT max(secret) FROM people;
COMMIT;

-- case: purpose_by_function
SELECT set_config('wherefore.purpose', 'clerk', false), (SELECT max(secret) FROM people);

-- case: no_purpose
RESET wherefore.purpose;
SET wherefore.purpose = '';
SELECT max(secret) FROM people;

-- case: purpose_in_one_message
-- modes: simple
SET wherefore.purpose = 'clerk'; SELECT max(secret) FROM people;

-- case: row_security_off
SET row_security = off;
SELECT max(secret) FROM people;

-- case: client_min_messages
SET client_min_messages = debug5;
SELECT count(secret) FROM people;

-- case: debug_print
SET debug_print_plan = on;
SET client_min_messages = log;
SELECT id FROM people WHERE secret > 'SECRET-B' AND length(reads_secret(3)) > 10 ORDER BY id;

-- case: log_statement_stats
SET log_min_messages = debug5;
SELECT length(max(secret)) FROM people;

-- case: standard_strings
-- modes: simple
SET standard_conforming_strings = off;
SELECT '\'', secret FROM people ORDER BY id --';

-- case: standard_strings_on
-- modes: simple
SELECT '\' AS a, secret FROM people ORDER BY id --';

-- case: datestyle
SET datestyle = 'SQL, DMY';
SELECT born FROM people ORDER BY id;

-- case: timezone_condition
-- purpose: filtered
SET timezone = 'Pacific/Kiritimati';
SELECT count(*), max(name) FROM people;

-- case: float_digits
SET extra_float_digits = 3;
SELECT score::float8 / 3 FROM people ORDER BY id;

-- case: enable_seqscan
-- purpose: filtered
SET enable_seqscan = off;
SELECT id FROM people WHERE secret > '' AND 1 / score > -5 ORDER BY id;

-- case: jit_and_parallel
-- purpose: filtered
SET force_parallel_mode = on;
SELECT id FROM people WHERE 10 / score < 50 ORDER BY id;

-- case: plan_cache
-- purpose: filtered
SET plan_cache_mode = force_generic_plan;
SELECT count(*) FROM people WHERE pin::int > 0;

-- case: constraint_exclusion
-- purpose: filtered
SET constraint_exclusion = on;
SELECT count(*) FROM events;

-- case: from_collapse
-- purpose: filtered
SET from_collapse_limit = 1;
SELECT count(*) FROM (SELECT pin::int AS x FROM people) AS p WHERE x > 0;

-- case: discard
DISCARD ALL;
SELECT max(secret) FROM people;

-- case: transaction_snapshot
-- purpose: filtered
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM people;
COMMIT;

-- case: show_all_and_values
SELECT p.secret, s.setting FROM people AS p, pg_settings AS s WHERE s.name = 'row_security' ORDER BY p.id;
