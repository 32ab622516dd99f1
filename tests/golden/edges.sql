-- under bound
-- what a mutation of the checks would let through, and no other file notices: rows that must meet a condition
INSERT INTO visits (id, note) VALUES (1, 'x')
-- under joiner
INSERT INTO visits (id, note) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET note = 'y'
INSERT INTO visits (id, note) VALUES (1, 'x') RETURNING id, note
TRUNCATE visits
DELETE FROM slots WHERE id = 1
DELETE FROM desks WHERE id = 1
DELETE FROM kept WHERE id = 1
-- under careful
UPDATE visits SET note = 'x' WHERE id = 1
UPDATE parents SET note = 'x'
-- under clerk
-- what the server does of its own accord
UPDATE moving SET note = 'x'
UPDATE noted SET note = 'x'
UPDATE tied SET region = 'a'
UPDATE tied SET id = 1
INSERT INTO keyed_by_secret (a) VALUES (1)
UPDATE sized SET body = 'x' WHERE id = 1
INSERT INTO defaulted (id) VALUES (1)
UPDATE defaulted SET x = DEFAULT
UPDATE defaulted SET id = 1
INSERT INTO untagged DEFAULT VALUES
SELECT nextval('numbered_id_seq')
-- what would launder
WITH d AS (UPDATE tickets SET title = 'x' WHERE email = 'a' RETURNING 1) INSERT INTO shelf (id) VALUES (1)
INSERT INTO shown (id, email) SELECT id, email FROM tickets
INSERT INTO shelf (id) SELECT 1 FROM private
UPDATE shelf SET (label, parent) = (SELECT email, 2 FROM tickets LIMIT 1)
INSERT INTO tickets (id, email) SELECT 1, email FROM tickets ON CONFLICT (id) DO UPDATE SET title = excluded.email
UPDATE tickets SET title = 'x' WHERE email = owner::text
UPDATE tickets SET title = 'x' WHERE email > 'a'
INSERT INTO tickets (id) VALUES (1) ON CONFLICT (id) WHERE email LIKE 'a%' DO NOTHING
UPDATE shelf SET label = 'x' RETURNING WITH (OLD AS o) o.label
-- under mover
UPDATE parted SET region = 'a'
UPDATE parted SET note = 'a'
-- under filtered_clerk
UPDATE people SET name = 'x' WHERE EXISTS (SELECT FROM orders o WHERE o.person_id = people.id)
-- under veiled
SELECT name FROM people WHERE email = 'x' AND length(name) > 3
SELECT name FROM people WHERE city = 'x' AND length(name) > 3
-- under filtered
-- fences: what is copied, and what is leakproof
SELECT people.id FROM (SELECT people.id FROM public.people WHERE people.id = 1) AS people
SELECT name FROM people WHERE 5 = ANY ($1)
SELECT name FROM people p WHERE EXISTS (SELECT FROM generate_series(1, p.id))
SELECT name FROM people p WHERE EXISTS (SELECT DISTINCT o.id FROM orders o)
SELECT name FROM people p WHERE EXISTS (SELECT FROM orders o LIMIT length(p.name))
SELECT name FROM people p WHERE EXISTS (SELECT FROM orders o LIMIT p.id)
SELECT name FROM people p WHERE EXISTS (SELECT FROM orders o OFFSET p.id LIMIT 1)
SELECT name FROM people p WHERE EXISTS (SELECT FROM orders o OFFSET 1 LIMIT $1)
SELECT p.name FROM people p JOIN orders o ON true WHERE p.id IN (1, o.amount) AND length(p.name) > 1
SELECT (SELECT max(o.amount) FROM orders o WHERE p.id = 3 AND length(p.name) > 1) FROM people p
SELECT name FROM people WHERE (id = 1 OR id = 2) AND length(name) > 3
SELECT name FROM people WHERE id = 1.5
SELECT p.name FROM people p JOIN orders o ON true WHERE p.name = o.note AND length(p.name) > 1
SELECT p.name FROM people p LEFT JOIN orders o ON p.id = 5 AND length(p.name) > 2
SELECT id FROM homes WHERE stay = '[2026-01-01,2026-01-02)'
SELECT id FROM visits WHERE folded = 'x'
WITH RECURSIVE t AS (SELECT id, name FROM people UNION ALL SELECT id, name FROM t) CYCLE name SET c USING w SELECT id FROM t
-- under masked
SELECT x FROM people AS x (a, b)
SELECT s.id FROM (SELECT id, email FROM people) AS s FOR UPDATE OF s
SELECT who FROM stored_contacts
SELECT mail FROM stored_contacts
-- under plain
-- calls, operators and types that could be captured
SELECT set_config('TimeZone', 'UTC', false)
SELECT set_config('TimeZone', 'UTC', false), id FROM orders
SELECT draws()
SELECT gives_fishy('x')
SELECT id(name) FROM people AS name
SELECT felt BETWEEN 'glad' AND 'sad' FROM feelings
SELECT id FROM painted WHERE colour BETWEEN 'red' AND 'blue'
SELECT 1 FROM painted JOIN orders USING (id)
SELECT id FROM painted WHERE ROW(colour, id) = ROW('red', 1)
SELECT id FROM painted ORDER BY id USING <
WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 4) CYCLE n SET c USING w SELECT n FROM t
SELECT JSON_VALUE(extra, '$.k' RETURNING fishy) FROM homes
SELECT JSON_ARRAYAGG(id) FILTER (WHERE city = 'x') FROM people
SELECT name FROM people LIMIT (SELECT max(id) FROM orders)
SELECT DISTINCT city FROM people
EXPLAIN SELECT city FROM stored_towns
-- under careful
EXPLAIN SELECT id FROM parents
-- under teller
SELECT nextval('order_numbers')
