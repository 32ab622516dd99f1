-- Views over what is closed, and catalogs' views of it.
-- purpose: denied, masked

-- case: column
SELECT secret FROM people_view ORDER BY id;

-- case: star
SELECT * FROM people_view ORDER BY id;

-- case: table_command
TABLE people_view;

-- case: nested
SELECT loud FROM people_nested ORDER BY id;

-- case: condition_inside
SELECT id, name FROM people_rich ORDER BY id;

-- case: aggregate_inside
SELECT n, best FROM people_counted ORDER BY city;

-- case: join_inside
SELECT name, secret FROM orders_people ORDER BY id;

-- case: count_only
SELECT count(*) FROM people_rich;

-- case: materialized
SELECT secret FROM people_kept ORDER BY id;

-- case: row
SELECT v FROM people_view AS v ORDER BY v.id;

-- case: json
SELECT to_jsonb(v) FROM people_view AS v ORDER BY v.id;

-- case: sub_query
SELECT (SELECT string_agg(secret, ',' ORDER BY id) FROM people_view);

-- case: where_only
SELECT id FROM people_view WHERE secret LIKE '%A%' ORDER BY id;

-- case: existence
SELECT EXISTS (SELECT FROM people_rich WHERE id = 5);

-- case: hidden
-- purpose: filtered
SELECT count(*) FROM people_names;

-- case: hidden_names
-- purpose: filtered
SELECT name FROM people_names ORDER BY id;

-- case: hidden_aggregate
-- purpose: filtered
SELECT city, n, best FROM people_counted ORDER BY city;

-- case: hidden_materialized
-- purpose: filtered
SELECT count(*) FROM people_kept;

-- case: hidden_join
-- purpose: filtered
SELECT count(*), sum(amount) FROM orders_people;

-- case: hidden_pushed_down
-- purpose: filtered
SELECT id FROM people_view WHERE secret::text = 'SECRET-A-1' OR 1 / (id - 1) > 5 ORDER BY id;

-- case: column_list_alias
SELECT v.c FROM people_view AS v (a, b, c) ORDER BY v.a;

-- case: join_using
SELECT count(*) FROM people_view JOIN (SELECT 'SECRET-A-1' AS secret) AS q USING (secret);

-- case: natural
SELECT count(*) FROM people_view NATURAL JOIN people;

-- case: sub_query_in_from
SELECT q.secret FROM (SELECT * FROM people_view) AS q ORDER BY q.id;

-- case: left_join
SELECT o.id, v.secret FROM orders AS o LEFT JOIN people_view AS v ON v.id = o.person_id ORDER BY 1;

-- case: group_by
SELECT count(*) FROM people_view GROUP BY secret ORDER BY 1;

-- case: only_open_columns
SELECT id, name FROM people_rich ORDER BY id;

-- case: open_columns_of_join
SELECT id, amount FROM orders_people WHERE secret LIKE '%A%' ORDER BY id;

-- case: field
SELECT (v).secret FROM people_view AS v ORDER BY v.id;

-- case: function_notation
SELECT secret(v) FROM people_view AS v ORDER BY v.id;

-- case: hidden_left_join
-- purpose: filtered
SELECT i, v.name FROM generate_series(1, 12) AS i LEFT JOIN people_names AS v ON v.id = i ORDER BY i;

-- case: hidden_row
-- purpose: filtered
SELECT v FROM people_view AS v ORDER BY v.id;

-- case: hidden_lock
-- purpose: filtered
SELECT id FROM people_names ORDER BY id FOR UPDATE;

-- case: hidden_nested
-- purpose: filtered
SELECT loud FROM people_nested ORDER BY id;

-- case: hidden_error
-- purpose: filtered
SELECT loud FROM people_nested WHERE 10 / (id - 1) IS NOT NULL ORDER BY id;
