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
