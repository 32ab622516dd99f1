-- under plain
-- references
SELECT name FROM people
SELECT people.name, p2.name AS other FROM people, people AS p2 WHERE people.id = p2.id
SELECT public.people.name FROM public.people
SELECT golden_names.public.people.name FROM golden_names.public.people
SELECT NAME FROM PEOPLE
SELECT U&"n\0061me" FROM U&"p\0065ople"
SELECT "a""b", "ünïcode" FROM "Mixed Case" WHERE "ünïcode" = 'é'
SELECT x.b FROM people AS x (a, b)
SELECT o.* FROM orders AS o (one, two)
SELECT amount FROM orders o, LATERAL (SELECT p.name FROM people p WHERE p.id = o.person_id) l
SELECT (SELECT max(amount) FROM orders WHERE person_id = p.id) FROM people AS p
SELECT name FROM people WHERE EXISTS (SELECT FROM orders WHERE person_id = people.id)
SELECT name FROM people WHERE id IN (SELECT person_id FROM orders)
-- joins
SELECT name, amount FROM people JOIN orders ON people.id = person_id
SELECT id, amount FROM people NATURAL JOIN orders
SELECT id FROM people JOIN orders USING (id) JOIN measurements ON true
SELECT * FROM orders a JOIN orders b USING (id, person_id)
SELECT j.amount FROM (people p JOIN orders o ON p.id = o.person_id) AS j
SELECT u.id, p.name FROM people p JOIN orders o USING (id) AS u
SELECT x, y FROM (orders a JOIN orders b ON a.id = b.id) AS j (x, y)
SELECT p.name FROM people p LEFT JOIN orders o ON o.person_id = p.id RIGHT JOIN measurements m ON m.value = o.id
SELECT id FROM people FULL JOIN orders USING (id)
-- queries
WITH a AS (SELECT name FROM people), b AS (SELECT name FROM a) SELECT * FROM b
WITH people AS (SELECT 1 AS secret) SELECT secret FROM people
WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT sum(n) FROM t
WITH RECURSIVE t AS (SELECT id, name FROM people WHERE id = 1 UNION SELECT p.id, p.name FROM people p JOIN t ON p.id = t.id + 1) TABLE t
WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a
SELECT name FROM people UNION SELECT note FROM orders ORDER BY name LIMIT 3
(SELECT name FROM people ORDER BY id LIMIT 1) UNION ALL (SELECT note FROM orders ORDER BY 1)
SELECT name FROM people EXCEPT ALL SELECT note FROM orders ORDER BY amount
VALUES (1, 'a'), (2, 'b') ORDER BY column2
TABLE orders
SELECT * FROM (VALUES (1, 'a')) AS v (n, t) WHERE t = 'a'
SELECT s FROM (SELECT name, city FROM people) AS s
SELECT x FROM (SELECT 1 AS x, 2 AS x) AS s
SELECT * FROM (SELECT 1 AS x, 2 AS x) AS s
SELECT * FROM (SELECT 1 AS x, 2 AS x)
-- names of results
SELECT name AS n FROM people ORDER BY n
SELECT upper(name) FROM people ORDER BY upper
SELECT id AS name FROM people ORDER BY name
SELECT lower(city) AS city, count(*) FROM people GROUP BY city
SELECT lower(city) AS c, count(*) FROM people GROUP BY c ORDER BY 2
SELECT DISTINCT ON (city) city, name FROM people ORDER BY city, id
SELECT city, count(*) FROM people GROUP BY GROUPING SETS ((city), ()) HAVING count(*) > 1
SELECT rank() OVER (PARTITION BY city ORDER BY name) FROM people
SELECT sum(amount) OVER w FROM orders WINDOW w AS (PARTITION BY person_id ORDER BY id)
-- whole rows, functional notation, system columns
SELECT o FROM orders AS o
SELECT row_to_json(orders) FROM orders
SELECT amount(orders) FROM orders
SELECT (o).amount, (o).* FROM orders AS o
SELECT count(o.*) FROM orders AS o
SELECT ctid, xmin FROM orders
SELECT orders.tableoid::regclass FROM orders
-- functions in FROM
SELECT g FROM generate_series(1, 3) AS g
SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS g (n, i)
SELECT key, value FROM people, jsonb_each_text(to_jsonb(name)) WHERE key = 'x'
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b']) AS u (n, t)
SELECT * FROM json_to_recordset('[]') AS r (a int, b text)
SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = 'people'::regclass
-- ONLY and partitions
SELECT value FROM ONLY measurements
SELECT value FROM measurements_2026
-- under plain
-- stars in rows, functional casts, a pool's reset
SELECT v.* FROM orders AS o, LATERAL (VALUES (o.*)) AS v
SELECT ROW(o.*, 1) FROM orders AS o
SELECT regtype('int4'), inet('127.0.0.1')
SELECT pg_advisory_unlock_all()
CLOSE ALL
UNLISTEN *
SELECT current_setting('jit') AS cur, set_config('jit', 'off', false) AS new
SELECT set_config('jit', $1, false)
SELECT o.* FROM orders AS o (a, b, c, d, e)
