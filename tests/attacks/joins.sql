-- Joins name columns without naming them: NATURAL, USING, ON, row-count effects.
-- purpose: denied, masked

-- case: on_closed
SELECT o.id FROM orders AS o JOIN people AS p ON p.score = o.id ORDER BY 1;

-- case: using_closed
SELECT a.id FROM people AS a JOIN (SELECT secret FROM people WHERE id < 3) AS b USING (secret) ORDER BY 1;

-- case: natural
SELECT count(*) FROM people AS a NATURAL JOIN limits AS b NATURAL JOIN (SELECT id, score FROM people WHERE score > 0) AS c;

-- case: natural_of_subqueries
SELECT count(*) FROM (SELECT pin FROM people) AS a NATURAL JOIN (SELECT pin FROM people) AS b;

-- case: merged_column
SELECT secret FROM people AS a FULL JOIN trapped AS b USING (secret) ORDER BY 1;

-- case: left_join_null
SELECT o.id, p.id IS NULL FROM orders AS o LEFT JOIN people AS p ON p.score = o.person_id ORDER BY 1;

-- case: cross_product_count
SELECT count(*) FROM people, vault;

-- case: self_join_duplicates
SELECT count(*) FROM people AS a JOIN people AS b ON a.pin = b.pin;

-- case: using_alias
SELECT j.secret FROM people AS a JOIN people AS b USING (secret) AS j ORDER BY 1;

-- case: join_alias_star
SELECT j.* FROM (people AS p JOIN orders AS o ON o.person_id = p.id) AS j (a, b, c, d) ORDER BY 1;

-- case: anti_join
SELECT count(*) FROM people AS p WHERE NOT EXISTS (SELECT FROM people AS q WHERE q.pin = p.pin AND q.id <> p.id);

-- case: range_condition
SELECT p.id FROM people AS p JOIN generate_series(0, 20) AS g ON g BETWEEN 0 AND p.score WHERE g = 3 ORDER BY 1;

-- case: full_join_vault
SELECT count(*) FROM vault AS v FULL JOIN people AS p ON p.id = v.id;

-- case: join_on_constant
SELECT count(*) FROM people AS p JOIN vault AS v ON true;

-- case: using_hidden
-- purpose: filtered
SELECT count(*) FROM people JOIN members USING (id);

-- case: left_join_hidden
-- purpose: filtered
SELECT i, p.name FROM generate_series(1, 30) AS i LEFT JOIN people AS p ON p.id = i ORDER BY 1;

-- case: full_join_hidden
-- purpose: filtered
SELECT count(*), count(p.id), count(o.id) FROM people AS p FULL JOIN orders AS o ON o.person_id = p.id;

-- case: natural_hidden
-- purpose: filtered
SELECT count(*) FROM limits NATURAL JOIN (SELECT id FROM documents_legal) AS d;

-- case: cross_hidden
-- purpose: filtered
SELECT count(*) FROM people, orders, vault;
