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

-- case: int_overflow
SELECT id FROM people WHERE id + 2147483634 > 0 ORDER BY id;

-- case: int_product
SELECT id FROM people WHERE id * 20000000 > 0 ORDER BY id;

-- case: int_overflow_in_join
SELECT o.id FROM orders AS o JOIN people AS p ON p.id * 20000000 > o.amount AND p.id = o.person_id ORDER BY 1;

-- case: smallint_cast
SELECT id FROM people WHERE (id * 300)::smallint > 0 ORDER BY id;

-- case: negative_length
SELECT id FROM people WHERE substr(name, 1, length(name) - 6 + id) <> 'x' AND 10 / score >= 0 ORDER BY id;

-- case: zero_step
SELECT id FROM people AS p WHERE EXISTS (SELECT FROM generate_series(1, 2, p.score)) ORDER BY id;

-- case: date_overflow
SELECT id FROM people WHERE born + 40000 * id < '9999-01-01' AND make_date(2000 + score, 1, 1) IS NOT NULL AND 1 / score >= 0 ORDER BY id;

-- case: in_between
SELECT id FROM people WHERE 5 BETWEEN 10 / score AND 1000 ORDER BY id;

-- case: is_distinct
SELECT id FROM people WHERE 10 / score IS DISTINCT FROM 0 ORDER BY id;

-- case: any_array
SELECT id FROM people WHERE 1 = ANY (ARRAY[10 / score, 1]) ORDER BY id;

-- case: row_compare
SELECT id FROM people WHERE (10 / score, id) > (0, 0) ORDER BY id;

-- case: boolean_cast
SELECT id FROM people WHERE CASE WHEN score < 1 THEN pin::boolean END IS NULL ORDER BY id;

-- case: filter_of_window
SELECT id, count(*) FILTER (WHERE 10 / score > 2) OVER (ORDER BY id) FROM people ORDER BY id;

-- case: two_filtered_tables
SELECT p.id FROM people AS p JOIN orders AS o ON o.person_id = p.id AND o.card::int / p.score >= 0 ORDER BY 1;

-- case: cross_of_errors
SELECT count(*) FROM people AS p, orders AS o WHERE o.card::int > 0;

-- case: left_join_where
SELECT o.id FROM orders AS o LEFT JOIN people AS p ON p.id = o.person_id WHERE 10 / coalesce(p.score, 1) >= 0 ORDER BY 1;

-- case: full_join_on
SELECT count(*) FROM orders AS o FULL JOIN people AS p ON p.id = o.person_id WHERE 10 / p.score >= 0;

-- case: nullable_side_probe
SELECT o.id FROM orders AS o LEFT JOIN people AS p ON p.id = 1 WHERE p.id IS NULL ORDER BY 1;

-- case: materialized_cte
WITH w AS MATERIALIZED (SELECT * FROM people) SELECT count(*) FROM w WHERE 10 / score >= 0;

-- case: view_join
SELECT count(*) FROM orders_people WHERE 10 / amount >= 0;

-- case: view_cast
SELECT id FROM people_view WHERE (replace(secret, 'shown ', ''))::int > 0 ORDER BY id;

-- case: view_of_aggregate
SELECT city FROM people_counted WHERE 10 / (best + 3) >= 0 ORDER BY city;

-- case: partitioned
SELECT id FROM events WHERE replace(replace(kind, 'kind ', ''), 'x', '')::int >= 0 ORDER BY id;

-- case: inherited
SELECT id FROM documents WHERE replace(body, 'body ', '')::int > 0 ORDER BY id;

-- case: only_child
SELECT id FROM documents_legal WHERE replace(title, 'title ', '')::int > 0 ORDER BY id;

-- case: sample
SELECT id FROM people TABLESAMPLE SYSTEM (100) WHERE 10 / score >= 0 ORDER BY id;

-- case: for_update
SELECT id FROM people WHERE 10 / score >= 0 ORDER BY id FOR UPDATE;

-- case: grouping_sets
SELECT 10 / score, count(*) FROM people GROUP BY GROUPING SETS ((score), ()) ORDER BY 1, 2;

-- case: distinct_on
SELECT DISTINCT ON (10 / score) id FROM people ORDER BY 10 / score, id;

-- case: xml_name
SELECT id FROM people WHERE xmlelement(name a, 10 / score)::text <> '' ORDER BY id;

-- case: json_build
SELECT id FROM people WHERE json_build_object('x', 10 / score)::text <> '' ORDER BY id;

-- case: jsonpath_strict
SELECT id FROM people WHERE profile @? 'strict $.kin' AND jsonb_path_query_first(profile, 'strict $.n') IS NOT NULL ORDER BY id;

-- case: jsonpath_in_from
SELECT p.id FROM people AS p, jsonb_path_query(p.profile, 'strict $.n') AS q ORDER BY 1;

-- case: timestamp_range
SELECT id FROM people WHERE tstzrange(born, coalesce(deleted_at, 'infinity')) @> now() AND int4range(1, score + 1) IS NOT NULL ORDER BY id;

-- case: limit_expression
SELECT id FROM orders ORDER BY id LIMIT (SELECT min(10 / score) FROM people WHERE 10 / score > 0);

-- case: parameter
-- modes: simple
\parse - SELECT id FROM people WHERE $1::int / score >= 0 ORDER BY id
\bind - - 10
\execute - 0
\sync

-- case: exists_limit
SELECT id FROM people AS p WHERE EXISTS (SELECT FROM orders LIMIT 10 / p.score) ORDER BY id;

-- case: exists_distinct
SELECT id FROM people AS p WHERE EXISTS (SELECT DISTINCT 10 / p.score) ORDER BY id;

-- case: exists_values
SELECT id FROM people AS p WHERE EXISTS (VALUES (10 / p.score)) ORDER BY id;

-- case: exists_group
SELECT id FROM people AS p WHERE EXISTS (SELECT FROM vault GROUP BY 10 / p.score) ORDER BY id;

-- case: exists_series
SELECT id FROM people AS p WHERE EXISTS (SELECT generate_series(1, 2, p.score)) ORDER BY id;

-- case: exists_union
SELECT id FROM people AS p WHERE EXISTS (SELECT 10 / p.score UNION SELECT 1) ORDER BY id;

-- case: exists_having
SELECT id FROM people AS p WHERE EXISTS (SELECT FROM vault HAVING count(*) > 10 / p.score) ORDER BY id;

-- case: exists_in_from
SELECT id FROM people AS p WHERE EXISTS (SELECT FROM (SELECT 10 / p.score AS x OFFSET 0) AS q WHERE q.x > 0) ORDER BY id;

-- case: exists_aggregate
SELECT id FROM people AS p WHERE EXISTS (SELECT sum(id + 10 / p.score) FROM vault) ORDER BY id;

-- case: exists_cte
SELECT id FROM people AS p WHERE EXISTS (WITH q AS MATERIALIZED (SELECT 10 / p.score AS x) SELECT x FROM q) ORDER BY id;

-- case: not_exists_window
SELECT id FROM people AS p WHERE NOT EXISTS (SELECT row_number() OVER (ORDER BY 10 / p.score) FROM vault WHERE id < 0) ORDER BY id;
