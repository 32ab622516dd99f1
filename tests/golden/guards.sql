-- under masked
-- masks
SELECT id, email, phone FROM people
SELECT email FROM people WHERE email = 'mail1@x.example' ORDER BY email
SELECT count(*) FROM people
SELECT p.name, o.amount FROM people p JOIN orders o ON o.person_id = p.id WHERE p.id = 5
SELECT x.e FROM people AS x (i, n, e)
SELECT name FROM ONLY people
SELECT ctid, name FROM people
SELECT people.name, other.email FROM people JOIN people AS other USING (id)
SELECT name FROM people WHERE email IS NOT NULL UNION SELECT phone FROM people
SELECT reltuples FROM pg_class
SELECT relname FROM pg_class WHERE relname = 'people'
-- a primary key determines the other columns
SELECT p.id, p.name, p.city, count(o.id) FROM people p LEFT JOIN orders o ON o.person_id = p.id GROUP BY p.id
SELECT p.id, p.name, count(*) FROM people p JOIN orders o ON o.person_id = p.id GROUP BY p.id HAVING max(p.city) > 'a' ORDER BY p.email
SELECT p.name FROM people p GROUP BY p.id, p.name
SELECT o.note, count(*) FROM orders o GROUP BY o.id
SELECT p.city, count(*) FROM people p GROUP BY p.city
SELECT id AS i, (SELECT count(*) FROM orders WHERE person_id = p.id AND p.name <> '') FROM people p GROUP BY 1
-- column aliases of a join count columns that a guard lacks
SELECT x FROM (people p JOIN orders o ON p.id = o.id) AS j (x)
-- under everything, admin
SELECT * FROM people
SELECT secret FROM people WHERE id = 3
UPDATE people SET name = 'x'
-- under plain
-- a whole row under column aliases
SELECT row_to_json(x) FROM other.people AS x (i)
SELECT x FROM measurements AS x (a)
