-- A column that may be looked up by one given value: asked for in other ways, and with conditions beside the look-up that would tell of
-- what it does not find. No value that is asked for is in either world.
-- purpose: masked

-- case: shown
SELECT id, handle FROM kept ORDER BY id;

-- case: or_another
SELECT id FROM kept WHERE handle = 'nobody' OR handle > 'SECRET-A-5' ORDER BY id;

-- case: not_it
SELECT id FROM kept WHERE NOT handle = 'SECRET-A-1' ORDER BY id;

-- case: a_list
SELECT id FROM kept WHERE handle IN ('SECRET-A-1', 'Z') ORDER BY id;

-- case: a_range
SELECT id FROM kept WHERE handle BETWEEN 'SECRET-A' AND 'SECRET-AZ' ORDER BY id;

-- case: a_pattern
SELECT id FROM kept WHERE handle LIKE 'SECRET-A%' ORDER BY id;

-- case: a_case
SELECT CASE WHEN handle = 'Z' THEN 'yes' ELSE 'no' END FROM kept ORDER BY id;

-- case: in_exists
SELECT id FROM orders AS o WHERE EXISTS (SELECT FROM kept AS k WHERE k.handle = 'SECRET-A-1' AND k.id = o.id) ORDER BY id;

-- case: in_a_cte
WITH k AS (SELECT id FROM kept WHERE handle = 'SECRET-A-1') SELECT * FROM k;

-- case: twice
SELECT a.id, b.id FROM kept AS a, kept AS b WHERE a.handle = 'SECRET-A-1' AND b.handle = 'SECRET-A-2';

-- case: many_values
SELECT k.id FROM kept AS k, (VALUES ('SECRET-A-1'), ('Z')) AS v (h) WHERE k.handle = v.h ORDER BY 1;

-- case: a_join
SELECT k.id FROM kept AS k JOIN people AS p ON k.handle = p.secret ORDER BY 1;

-- case: on
SELECT o.id FROM orders AS o JOIN kept AS k ON k.id = o.id AND k.handle = 'SECRET-A-1' ORDER BY 1;

-- case: outer_join
SELECT o.id, k.id FROM orders AS o LEFT JOIN kept AS k ON k.id = o.id WHERE k.handle = 'SECRET-A-1' ORDER BY 1;

-- case: order
SELECT id FROM kept ORDER BY handle, id;

-- case: group
SELECT count(*) FROM kept GROUP BY handle ORDER BY 1;

-- case: aggregate
SELECT min(handle), max(handle), count(DISTINCT handle) FROM kept;

-- case: fails_beside
SELECT id FROM kept WHERE handle = 'nobody' OR 1 / (length(handle) - 1) < 0;

-- case: fails_before
SELECT id FROM kept WHERE left(handle, 1)::int = 1 AND handle = 'Z';

-- case: update
\as clerk
SELECT 1;
\as me
UPDATE kept SET id = id WHERE handle = 'SECRET-A-1' OR handle = 'SECRET-A-2';
SELECT id, handle FROM kept ORDER BY id;

-- case: parameter
-- modes: extended
\parse s SELECT id FROM kept WHERE handle > $1 ORDER BY id
\bind - s SECRET-A-5
\execute - 0
\sync

-- case: explain
-- modes: simple
EXPLAIN SELECT id FROM kept WHERE handle = 'Z';
