-- Statements, portals and pipelines of the protocol.
-- purpose: denied, masked

-- case: pipeline
-- modes: simple
\parse - SELECT 1
\bind - -
\execute - 0
\parse - SELECT max(secret) FROM people
\bind - -
\execute - 0
\sync

-- case: error_then_read
-- modes: simple
\parse - SELECT 1 / 0
\bind - -
\execute - 0
\sync
\parse - SELECT max(secret) FROM people
\bind - -
\execute - 0
\sync

-- case: describe_only
-- modes: simple
\parse s SELECT secret, score FROM people ORDER BY id
\describe S s
\bind - s
\describe P -
\execute - 3
\sync

-- case: portal_in_pieces
-- modes: simple
SELECT 1;
\query BEGIN
\parse s SELECT secret FROM people ORDER BY id
\bind p s
\execute p 2
\execute p 2
\execute p 0
\sync

-- case: stale_statement
-- modes: simple
\parse s SELECT max(secret) FROM people
\sync
SET wherefore.purpose = 'denied';
\bind - s
\execute - 0
\sync

-- case: stale_masked_statement
-- modes: simple
-- purpose: masked
\parse s SELECT id, pin FROM people ORDER BY id
\sync
SET wherefore.purpose = 'denied';
\bind - s
\execute - 0
\sync

-- case: portal_across_purpose
-- modes: simple
-- purpose: masked
BEGIN;
\parse s SELECT id, pin FROM people ORDER BY id
\bind p s
\execute p 1
\sync
SET wherefore.purpose = 'denied';
\execute p 0
\sync

-- case: type_oid_number
-- modes: simple
\parse - [23] SELECT id FROM people WHERE score = $1 ORDER BY id
\bind - - 3
\execute - 0
\sync

-- case: type_oid_cast
-- modes: simple
\parse - [1700] SELECT id FROM people WHERE pin::numeric = $1 ORDER BY id
\bind - - 77
\execute - 0
\sync

-- case: type_oid_of_row
-- modes: simple
\parse - [25] SELECT id FROM people WHERE people::text > $1 AND score > 3 ORDER BY id
\bind - - (
\execute - 0
\sync

-- case: parameter_probe
-- modes: simple
\parse s SELECT count(*) FROM people WHERE secret LIKE $1
\bind - s SECRET-A%
\execute - 0
\bind - s SECRET-B%
\execute - 0
\sync

-- case: parameter_in_limit
-- modes: simple
\parse s SELECT id FROM people ORDER BY score, id LIMIT $1
\bind - s 3
\execute - 0
\sync

-- case: binary_results
-- modes: simple
\parse s SELECT score, salary, labels, profile FROM people ORDER BY id
\bindb - s
\execute - 0
\sync

-- case: unnamed_replaced
-- modes: simple
\parse - SELECT 1
\parse - SELECT max(secret) FROM people
\bind - -
\execute - 0
\sync

-- case: same_name_twice
-- modes: simple
\parse s SELECT 1
\sync
\parse s SELECT max(secret) FROM people
\sync
\parse s2 SELECT max(pin) FROM people
\bind - s2
\execute - 0
\sync

-- case: close_then_other
-- modes: simple
\parse s SELECT 1
\close S s
\parse s SELECT max(secret) FROM people
\bind - s
\execute - 0
\sync

-- case: skipped_close
-- modes: simple
\parse s SELECT max(secret) FROM people
\sync
\parse - SELECT 1 / 0
\bind - -
\execute - 0
\close S s
\sync
\bind - s
\execute - 0
\sync

-- case: discarded_message
-- modes: simple
\parse - SELECT nothing
\parse s SELECT max(secret) FROM people
\sync
\parse s SELECT max(pin) FROM people
\bind - s
\execute - 0
\sync

-- case: query_and_extended
-- modes: simple
\query SELECT 1
\parse - SELECT max(secret) FROM people
\bind - -
\execute - 0
\sync

-- case: sql_prepare_bound
-- modes: simple
PREPARE s AS SELECT max(secret) FROM people;
\bind - s
\describe P -
\execute - 0
\sync

-- case: sql_execute_of_parsed
-- modes: simple
\parse s SELECT max(secret) FROM people
\sync
EXECUTE s;

-- case: cursor_as_portal
-- modes: simple
BEGIN;
DECLARE p CURSOR FOR SELECT secret FROM people ORDER BY id;
\describe P p
\execute p 0
\sync
COMMIT;

-- case: portal_as_cursor
-- modes: simple
\query BEGIN
\parse s SELECT secret FROM people ORDER BY id
\bind p s
\sync
FETCH ALL FROM p;

-- case: execute_unbound
-- modes: simple
BEGIN;
DECLARE p CURSOR FOR SELECT count(*) FROM vault;
\execute p 0
\sync

-- case: flush_between
-- modes: simple
\parse - SELECT max(secret) FROM people
\flush
\bind - -
\flush
\execute - 0
\sync

-- case: multi_statement_query
-- modes: simple
SELECT 1; SELECT max(secret) FROM people; SELECT 2;

-- case: multi_with_transaction
-- modes: simple
BEGIN; SELECT max(secret) FROM people; COMMIT;

-- case: search_path_changed
-- modes: simple
\parse s SELECT count(*), min(name), max(secret) FROM people
\sync
SET search_path = other;
\bind - s
\execute - 0
\sync

-- case: deallocate_all
-- modes: simple
\parse s SELECT 1
\sync
DEALLOCATE ALL;
\parse s SELECT max(secret) FROM people
\bind - s
\execute - 0
\sync

-- case: rolled_back_purpose
-- modes: simple
-- purpose: masked
BEGIN;
SET LOCAL wherefore.purpose = 'denied';
\parse s SELECT max(pin) FROM people
\sync
ROLLBACK;
SELECT max(pin) FROM people;

-- case: row_count_of_execute
-- modes: simple
\query BEGIN
\parse s SELECT id FROM people WHERE adult
\bind p s
\execute p 5
\sync

-- case: hidden_pipeline
-- modes: simple
-- purpose: filtered
\parse s SELECT count(*) FROM people
\bind - s
\execute - 0
\bind - s
\execute - 0
\sync

-- case: hidden_declared_type
-- modes: simple
-- purpose: filtered
\parse s [21] SELECT id FROM people WHERE pin::int2 = $1
\bind - s 1002
\execute - 0
\sync

-- case: hidden_parameter
-- modes: simple
-- purpose: filtered
\parse s SELECT id, name FROM people WHERE id = $1
\bind - s 1
\execute - 0
\bind - s 101
\execute - 0
\sync

-- case: hidden_portal
-- modes: simple
-- purpose: filtered
\query BEGIN
\parse s SELECT id FROM people
\bind p s
\execute p 7
\sync

-- case: strings_read_otherwise_in_the_same_segment
-- modes: simple
\parse - SET standard_conforming_strings = off
\bind - -
\execute - 0
\parse - SELECT set_config('app.x', 'a\', ' || (SELECT string_agg(secret, $$,$$ ORDER BY id) FROM people), false) --')
\bind - -
\execute - 0
\sync

-- case: strings_read_otherwise_in_a_query_behind
-- modes: simple
\parse - SET standard_conforming_strings = off
\bind - -
\execute - 0
\query SET app.x = 'a\', '; SELECT string_agg(secret, $$,$$ ORDER BY id) FROM people; --'
\sync

-- case: strings_read_otherwise_after_a_search_path
-- modes: simple
\parse - SET standard_conforming_strings = off
\bind - -
\execute - 0
\parse - SET search_path = public
\bind - -
\execute - 0
\parse - SELECT 'a\', ', (SELECT string_agg(secret, $$,$$ ORDER BY id) FROM people) --'
\bind - -
\execute - 0
\sync

-- case: strings_read_otherwise_after_a_rollback
-- modes: simple
SET standard_conforming_strings = off;
BEGIN;
SET LOCAL standard_conforming_strings = on;
\parse - ROLLBACK
\bind - -
\execute - 0
\parse - SELECT set_config('app.x', 'a\', ' || (SELECT string_agg(secret, $$,$$ ORDER BY id) FROM people), false) --')
\bind - -
\execute - 0
\sync

-- case: strings_read_otherwise_after_a_rollback_to
-- modes: simple
SET standard_conforming_strings = off;
BEGIN;
SAVEPOINT a;
SET LOCAL standard_conforming_strings = on;
\parse - ROLLBACK TO a
\bind - -
\execute - 0
\parse - SELECT set_config('app.x', 'a\', ' || (SELECT string_agg(secret, $$,$$ ORDER BY id) FROM people), false) --')
\bind - -
\execute - 0
\sync

-- case: strings_read_otherwise_after_reset_all
-- modes: simple
\parse - SET standard_conforming_strings = off
\bind - -
\execute - 0
\sync
\parse - RESET ALL
\bind - -
\execute - 0
\parse - SET standard_conforming_strings = off
\bind - -
\execute - 0
\parse - RESET search_path
\bind - -
\execute - 0
\parse - SELECT set_config('app.x', 'a\', ' || (SELECT string_agg(secret, $$,$$ ORDER BY id) FROM people), false) --')
\bind - -
\execute - 0
\sync
