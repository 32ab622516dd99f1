-- under filtered
-- leakproof: merged with the statement
SELECT name FROM people
SELECT name FROM people WHERE id = 5
SELECT name FROM people WHERE id = $1 AND city IN ('a', 'b') OR name IS NULL
SELECT name FROM people WHERE id BETWEEN 1 AND 10 AND id = ANY ($1)
SELECT name FROM people p WHERE EXISTS (SELECT FROM orders o WHERE o.person_id = p.id)
SELECT email::text || 'x' FROM people WHERE id = 5
-- not leakproof: fenced, with what is leakproof copied inside
SELECT name FROM people WHERE email LIKE 'a%'
SELECT name FROM people WHERE id = 5 AND email::int = 1
SELECT name FROM people p WHERE p.id IN (1, 2) AND length(p.name) = 7 AND p.city = $1
SELECT p.name FROM people p JOIN orders o ON o.person_id = p.id AND p.id = 7 WHERE o.amount / 2 > 1 AND p.city = 'city 1'
SELECT o.amount FROM orders o LEFT JOIN people p ON p.id = o.person_id WHERE p.id = 5 AND lower(p.name) = 'x'
SELECT s.e FROM (SELECT email::int AS e FROM people) AS s WHERE s.e = 1
SELECT s.e FROM (SELECT email::int AS e FROM people) AS s JOIN orders o ON o.id = s.e
SELECT e FROM (SELECT email::int AS e FROM people) AS s JOIN (SELECT id AS e FROM orders) AS o USING (e)
SELECT name FROM people WHERE id IN (SELECT person_id FROM orders)
SELECT city FROM people GROUP BY city HAVING city::int = 1
SELECT x.n FROM people AS x (i, n) WHERE x.i = 5 AND x.n LIKE 'a'
-- system columns of a filtered relation
SELECT ctid FROM people
SELECT xmin FROM orders
