-- Plans tell of rows and values by estimates, conditions and counts.
-- purpose: denied

-- case: estimate_of_table
EXPLAIN SELECT secret FROM people;

-- case: estimate_of_vault
EXPLAIN SELECT * FROM vault;

-- case: estimate_of_value
EXPLAIN SELECT id FROM people WHERE pin = '77';

-- case: analyze
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM people WHERE score > 3;

-- case: analyze_vault
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT * FROM vault;

-- case: verbose_output
EXPLAIN (VERBOSE, COSTS ON) SELECT secret FROM people WHERE secret > 'SECRET-B';

-- case: json_format
EXPLAIN (FORMAT JSON) SELECT * FROM vault WHERE amount = 0;

-- case: of_view
EXPLAIN SELECT * FROM people_kept, vault;

-- case: of_execute
PREPARE p AS SELECT id FROM vault WHERE amount = 0;
EXPLAIN EXECUTE p;

-- case: of_write
EXPLAIN UPDATE notes SET body = 'x' WHERE person_id IN (SELECT amount FROM vault);

-- case: of_delete
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) DELETE FROM limits WHERE cap > 100;

-- case: constant_folding
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM people WHERE upper(secret) < reads_secret(3);

-- case: error_at_planning
EXPLAIN SELECT id FROM orders WHERE id = (SELECT 1 / min(score) FROM people) OR id < (SELECT count(*) FROM vault);

-- case: hidden_rows
-- purpose: filtered
EXPLAIN SELECT * FROM people;

-- case: hidden_filter
-- purpose: filtered
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM people WHERE id > 0;

-- case: hidden_estimate
-- purpose: filtered
EXPLAIN SELECT * FROM vault WHERE amount = 3;

-- case: masked_estimate
-- purpose: masked
EXPLAIN SELECT id FROM people WHERE pin = '77';

-- case: masked_group
-- purpose: masked
EXPLAIN SELECT pin FROM people GROUP BY pin;
