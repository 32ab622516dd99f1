-- Statements for the oracle of column grants, one a line, over grants_schema.sql.
SELECT p.name FROM people AS p WHERE p.id = 1
SELECT people.name FROM people WHERE people.secret LIKE 's%'
SELECT (p).secret FROM people AS p
SELECT p.* FROM people AS p
SELECT p FROM people AS p
SELECT row_to_json(p) FROM people AS p
SELECT secret(p) FROM people AS p
SELECT p::text FROM people AS p
SELECT p IS NULL FROM people AS p
SELECT count(p) FROM people AS p
SELECT count(*) FROM people AS p, orders AS o
SELECT a.id FROM people AS a NATURAL JOIN people AS b
SELECT id FROM people JOIN orders USING (id)
SELECT j.name FROM (people AS p JOIN orders AS o ON o.person_id = p.id) AS j (i, name)
SELECT 1 FROM people JOIN orders USING (id) WHERE amount > 3
SELECT name FROM people GROUP BY id
SELECT id, name, city FROM people GROUP BY id
SELECT a, b, label FROM pairs GROUP BY a, b
SELECT count(*) FROM pairs GROUP BY a, b
SELECT city, count(*) FROM people GROUP BY ROLLUP (city, email)
SELECT city FROM people GROUP BY city HAVING max(secret) > 'a'
SELECT DISTINCT ON (city) name FROM people ORDER BY city, secret
SELECT row_number() OVER (PARTITION BY city ORDER BY secret) FROM people
SELECT sum(amount) FILTER (WHERE note IS NOT NULL) FROM orders
SELECT string_agg(name, ',' ORDER BY email) FROM people
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY amount) FROM orders
SELECT (SELECT secret FROM people WHERE id = 1)
SELECT EXISTS (SELECT FROM people)
SELECT EXISTS (SELECT FROM people WHERE secret = 's')
SELECT id FROM orders WHERE person_id IN (SELECT id FROM people WHERE city = 'x')
SELECT id FROM orders AS o WHERE EXISTS (SELECT FROM people AS p WHERE p.id = o.person_id AND p.secret IS NULL)
SELECT name FROM people WHERE secret IN (SELECT secret FROM orders)
SELECT l.x FROM people AS p, LATERAL (SELECT p.secret AS x) AS l
SELECT l FROM people AS p, LATERAL (SELECT p.*) AS l
WITH q AS (SELECT * FROM people) SELECT 1 FROM q
WITH q AS (SELECT secret FROM people) SELECT count(*) FROM q
WITH q AS (SELECT secret FROM people) SELECT 1
WITH RECURSIVE q AS (SELECT id, boss FROM people WHERE boss IS NULL UNION ALL SELECT p.id, p.boss FROM people AS p JOIN q ON p.boss = q.id) SELECT id FROM q
SELECT name FROM people UNION SELECT note FROM orders
SELECT id FROM people EXCEPT SELECT person_id FROM orders
TABLE people UNION ALL TABLE people
VALUES ((SELECT max(secret) FROM people))
SELECT id FROM people LIMIT (SELECT max(amount) FROM orders)
SELECT id FROM people ORDER BY (SELECT max(amount) FROM orders WHERE orders.person_id = people.id)
SELECT coalesce(email, secret) FROM people
SELECT CASE WHEN secret IS NULL THEN 1 END FROM people
SELECT name FROM people WHERE false AND secret = 's'
SELECT x.c FROM people AS x (a, b, c)
SELECT x.* FROM people AS x (a, b, c)
SELECT 1 FROM people TABLESAMPLE SYSTEM (100)
SELECT email FROM people TABLESAMPLE BERNOULLI (50)
SELECT at FROM events
SELECT kind FROM events_all
SELECT count(*) FROM ONLY tree
SELECT body FROM tree
SELECT body FROM ONLY tree
SELECT extra FROM leaf
SELECT body FROM leaf
INSERT INTO people (id, name) VALUES (10, 'n')
INSERT INTO people (id, secret) VALUES (10, 'n')
INSERT INTO people VALUES (10, 'n')
INSERT INTO people VALUES (10, 'n', 'e', 'c', 's', NULL)
INSERT INTO people DEFAULT VALUES
INSERT INTO people (id) SELECT person_id + 10 FROM orders
INSERT INTO people (id, city) SELECT id + 10, secret FROM people
INSERT INTO people (id) VALUES (10) RETURNING id
INSERT INTO people (id) VALUES (10) RETURNING *
INSERT INTO people (id) VALUES (10) RETURNING secret
INSERT INTO people (id) VALUES (10) RETURNING people
INSERT INTO people (id) VALUES (10) RETURNING 1
INSERT INTO people (id) VALUES (1) ON CONFLICT DO NOTHING
INSERT INTO people (id) VALUES (1) ON CONFLICT (id) DO NOTHING
INSERT INTO people (id, email) VALUES (10, 'a') ON CONFLICT (email) DO NOTHING
INSERT INTO people (id) VALUES (1) ON CONFLICT ON CONSTRAINT people_pkey DO NOTHING
INSERT INTO people (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET city = 'x'
INSERT INTO people (id, city) VALUES (1, 'c') ON CONFLICT (id) DO UPDATE SET city = excluded.city
INSERT INTO people (id, city) VALUES (1, 'c') ON CONFLICT (id) DO UPDATE SET city = people.name
INSERT INTO people (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET city = people.secret
INSERT INTO people (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET secret = 'x' WHERE people.city IS NULL
INSERT INTO people (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET city = 'x' RETURNING secret
INSERT INTO pairs (a, b) VALUES (1, 2) ON CONFLICT (a, b) DO UPDATE SET label = 'y'
INSERT INTO events (at, kind) VALUES ('2026-01-01', 'k')
INSERT INTO events_all (at, who) VALUES ('2026-01-01', 'k')
INSERT INTO leaf (id, extra) VALUES (1, 'x')
UPDATE people SET city = 'x'
UPDATE people SET city = 'x' WHERE id = 1
UPDATE people SET city = 'x' WHERE secret = 's'
UPDATE people SET city = secret
UPDATE people SET city = city || 'x'
UPDATE people SET secret = NULL
UPDATE people SET secret = 'x' WHERE id = 1
UPDATE people SET (city, name) = ('x', 'y')
UPDATE people SET (city, name) = (SELECT note, 'n' FROM orders WHERE id = 1)
UPDATE people SET city = (SELECT note FROM orders WHERE person_id = people.id LIMIT 1)
UPDATE people AS p SET city = o.note FROM orders AS o WHERE o.person_id = p.id
UPDATE people AS p SET city = 'x' FROM orders AS o WHERE o.person_id = p.boss
UPDATE people SET city = DEFAULT RETURNING id
UPDATE people SET city = 'x' RETURNING *
UPDATE people SET city = 'x' RETURNING secret
UPDATE people SET city = 'x' RETURNING 1
UPDATE people SET city = 'x' WHERE id IN (SELECT person_id FROM orders WHERE amount > 3)
UPDATE orders SET amount = amount + 1 WHERE note IS NULL
UPDATE tree SET body = 'x'
UPDATE ONLY tree SET body = 'x' WHERE id = 1
UPDATE events SET kind = 'x'
UPDATE events SET kind = 'x' WHERE who IS NULL
DELETE FROM orders
DELETE FROM orders WHERE id = 1
DELETE FROM orders WHERE note IS NULL
DELETE FROM orders WHERE person_id IN (SELECT id FROM people WHERE secret IS NULL)
DELETE FROM orders USING people WHERE people.id = orders.person_id
DELETE FROM orders USING people WHERE people.id = orders.person_id AND people.city IS NULL
DELETE FROM orders RETURNING id
DELETE FROM orders RETURNING *
DELETE FROM orders RETURNING 1
DELETE FROM orders WHERE true
DELETE FROM tree
DELETE FROM ONLY tree WHERE body IS NULL
DELETE FROM events WHERE at < '2020-01-01'
MERGE INTO orders AS t USING people AS s ON t.person_id = s.id WHEN MATCHED THEN UPDATE SET note = 'x'
MERGE INTO orders AS t USING people AS s ON t.person_id = s.id WHEN MATCHED THEN UPDATE SET note = s.city
MERGE INTO orders AS t USING people AS s ON t.person_id = s.id WHEN MATCHED AND t.amount > 3 THEN DELETE
MERGE INTO orders AS t USING people AS s ON t.id = s.id + 10 WHEN NOT MATCHED THEN INSERT (id, note) VALUES (s.id + 10, 'x')
MERGE INTO orders AS t USING people AS s ON t.id = s.id + 10 WHEN NOT MATCHED AND s.secret IS NULL THEN INSERT (id) VALUES (s.id + 10)
MERGE INTO orders AS t USING (VALUES (1)) AS s (v) ON t.id = s.v WHEN MATCHED THEN DELETE
MERGE INTO orders AS t USING (VALUES (1)) AS s (v) ON t.id = s.v WHEN MATCHED THEN DO NOTHING
WITH q AS (UPDATE people SET city = 'x' RETURNING id) SELECT count(*) FROM q
WITH q AS (UPDATE people SET city = 'x' RETURNING secret) SELECT count(*) FROM q
WITH q AS (DELETE FROM orders RETURNING *) SELECT 1 FROM q
WITH q AS (INSERT INTO people (id, city) VALUES (10, 'x') RETURNING id) UPDATE orders SET note = 'y' WHERE id IN (SELECT id FROM q)
WITH q AS (SELECT id, note FROM orders) UPDATE people SET city = q.note FROM q WHERE q.id = people.id
WITH q AS (DELETE FROM orders RETURNING id, note) INSERT INTO people (id, city) SELECT id + 10, note FROM q
COPY people TO STDOUT
COPY people (id, name) TO STDOUT
COPY (SELECT id, secret FROM people) TO STDOUT
COPY people (id, city) FROM STDIN
COPY people FROM STDIN
COPY orders (id) FROM STDIN WHERE id > 3
SELECT id FROM people FOR UPDATE
SELECT id FROM people FOR SHARE
SELECT o.id FROM orders AS o JOIN people AS p ON p.id = o.person_id FOR UPDATE OF o
SELECT ctid FROM people
SELECT tableoid FROM people
SELECT xmin FROM people WHERE id = 1
SELECT to_jsonb(p) - 'secret' FROM people AS p
SELECT array_agg(p) FROM people AS p
SELECT ROW(p.*) = ROW(p.*) FROM people AS p
SELECT (SELECT p).secret FROM people AS p
SELECT (SELECT p.name FROM orders AS o LIMIT 1) FROM people AS p
SELECT max(o.amount) FROM people AS p LEFT JOIN orders AS o ON o.person_id = p.id GROUP BY p.id
SELECT p.name, o.note FROM people AS p FULL JOIN orders AS o USING (id)
SELECT * FROM people AS p JOIN orders AS o USING (id)
SELECT generate_series(1, amount) FROM orders
SELECT u FROM people, regexp_split_to_table(people.name, ',') AS u
SELECT xmlforest(name, city) FROM people
SELECT json_build_object('a', name, 'b', email) FROM people
SELECT GREATEST(id, boss) FROM people
SELECT name FROM people WHERE (id, city) = (1, 'x')
SELECT name FROM people WHERE email LIKE ANY (ARRAY['a%'])
