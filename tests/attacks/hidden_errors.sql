-- Errors that a hidden row alone would bring.
-- purpose: filtered

-- case: cast
SELECT id FROM people WHERE pin::int > 0 ORDER BY id;

-- case: division
SELECT id FROM people WHERE 10 / score < 9 ORDER BY id;

-- case: division_in_join
SELECT o.id FROM orders AS o JOIN people AS p ON p.id = o.person_id AND 10 / p.score >= 0 ORDER BY 1;

-- case: division_left_join
SELECT o.id FROM orders AS o LEFT JOIN people AS p ON 10 / p.score = o.id ORDER BY 1;

-- case: cast_in_target
SELECT id, pin::int FROM people ORDER BY id;

-- case: cast_in_sub_query
SELECT c FROM (SELECT pin::int AS c FROM people) AS s WHERE c < 1005 ORDER BY c;

-- case: cast_in_cte
WITH w AS NOT MATERIALIZED (SELECT pin::int AS c FROM people) SELECT c FROM w WHERE c > 0 ORDER BY c;

-- case: cast_in_exists
SELECT id FROM orders AS o WHERE EXISTS (SELECT FROM people AS p WHERE p.pin::int = o.id + 1001) ORDER BY id;

-- case: cast_in_aggregate
SELECT sum(pin::int), count(*) FILTER (WHERE pin::int > 1004) FROM people;

-- case: cast_in_group
SELECT count(*) FROM people GROUP BY pin::int ORDER BY 1;

-- case: cast_in_having
SELECT id FROM people GROUP BY id, pin HAVING pin::int > 0 ORDER BY id;

-- case: cast_in_order
SELECT id FROM people ORDER BY pin::int;

-- case: cast_in_window
SELECT id, sum(pin::int) OVER (ORDER BY id) FROM people ORDER BY id;

-- case: case_guarded
SELECT id FROM people WHERE CASE WHEN id > 0 THEN pin::int END = 1002;

-- case: json_cast
SELECT id FROM people WHERE (profile ->> 'kin')::text NOT LIKE 'shown%' OR (profile -> 'n')::int > 0 AND profile ->> 'n' <> '' ORDER BY id;

-- case: json_keys
SELECT id FROM people AS p, jsonb_object_keys(p.profile) AS k WHERE k = 'n' ORDER BY id;

-- case: array_member
SELECT id FROM people WHERE CASE WHEN labels[1] = 'SECRET-A' THEN labels[1]::int ELSE id END = id ORDER BY id;

-- case: enum_cast
SELECT id FROM people WHERE CASE mood WHEN 'low' THEN 1 / (id - id) ELSE 1 END = 1 ORDER BY id;

-- case: date_error
SELECT id FROM people WHERE make_date(2026, score, 1) > '2020-01-01' ORDER BY id;

-- case: index_condition
SELECT id FROM people WHERE upper(secret) > 'A' AND 1 / score >= 0 ORDER BY id;

-- case: range_error
SELECT id FROM people WHERE int4range(0, score) @> 3 ORDER BY id;

-- case: leakproof_and_not
SELECT id FROM people WHERE id = 1 AND pin::int = 5;

-- case: union_all_pushed
SELECT x FROM (SELECT pin::int AS x FROM people UNION ALL SELECT amount FROM orders) AS u WHERE x > 1000 ORDER BY x;

-- case: outer_reference
SELECT o.id FROM orders AS o WHERE (SELECT 1 / p.score FROM people AS p WHERE p.id = o.id) IS NULL ORDER BY 1;

-- case: view_over_rows
SELECT id FROM people_view WHERE 1 / (length(secret) - 10) IS NOT NULL ORDER BY id;

-- case: row_function
SELECT id FROM people AS p WHERE to_jsonb(p) ->> 'pin' = '5' OR (to_jsonb(p) ->> 'pin')::int = 1002 ORDER BY id;

-- case: semi_join
SELECT id FROM orders WHERE id IN (SELECT pin::int - 1000 FROM people) ORDER BY id;

-- case: declared_type
-- modes: simple
\parse - [23] SELECT id FROM people WHERE pin::int4 = $1
\bind - - 1002
\execute - 0
\sync

-- case: square_root
SELECT id FROM people WHERE sqrt(score) > 0 ORDER BY id;

-- case: regex_error
SELECT id FROM people WHERE 'x' ~ CASE WHEN score = 0 THEN '(' ELSE 'x' END ORDER BY id;

-- case: bigger_than_int
SELECT id FROM people WHERE salary::int > 0 ORDER BY id;

-- case: cursor_order
SELECT id FROM people WHERE 5 / score < 100 OR id = 2 ORDER BY id LIMIT 2;

-- case: coalesce
SELECT id FROM people WHERE coalesce(nullif(pin, 'word')::int, 0) > 1 ORDER BY id;

-- case: distinct
SELECT DISTINCT 10 / score AS x FROM people ORDER BY x;
