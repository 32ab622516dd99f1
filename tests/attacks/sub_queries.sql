-- Closed columns and hidden rows inside sub-queries of every place.
-- purpose: denied, masked

-- case: scalar
SELECT (SELECT secret FROM people WHERE id = 1);

-- case: array
SELECT ARRAY(SELECT secret FROM people ORDER BY id);

-- case: exists
SELECT EXISTS (SELECT FROM people WHERE secret LIKE 'SECRET-A%');

-- case: in_list
SELECT 'SECRET-A-1' IN (SELECT secret FROM people);

-- case: any
SELECT 'SECRET-A-1' = ANY (SELECT secret FROM people);

-- case: all
SELECT 'T' > ALL (SELECT secret FROM people WHERE secret IS NOT NULL), 5 > ALL (SELECT score FROM people);

-- case: not_in_null
SELECT id FROM orders WHERE note NOT IN (SELECT secret FROM people) ORDER BY id;

-- case: from_clause
SELECT x FROM (SELECT secret AS x FROM people ORDER BY id) AS q;

-- case: from_star
SELECT q FROM (SELECT * FROM people ORDER BY id) AS q;

-- case: in_order_by
SELECT id FROM orders AS o ORDER BY (SELECT score FROM people AS p WHERE p.id = o.person_id), id;

-- case: in_group_by
SELECT count(*) FROM orders AS o GROUP BY (SELECT score FROM people AS p WHERE p.id = o.person_id) ORDER BY 1;

-- case: in_having
SELECT city FROM people GROUP BY city HAVING count(*) > (SELECT max(score) FROM people) ORDER BY city;

-- case: in_values
VALUES ((SELECT secret FROM people WHERE id = 1));

-- case: in_function
SELECT generate_series(1, (SELECT max(score) FROM people));

-- case: in_join_on
SELECT count(*) FROM orders AS o JOIN people AS p ON p.id = o.person_id AND o.id > (SELECT max(score) FROM people);

-- case: row_of_two
SELECT (SELECT ROW(id, secret) FROM people WHERE id = 1);

-- case: correlated
SELECT id FROM people AS p WHERE EXISTS (SELECT FROM orders AS o WHERE o.person_id = p.score) ORDER BY id;

-- case: unqualified_binds_outside
SELECT name FROM people WHERE secret IN (SELECT secret FROM orders) ORDER BY id;

-- case: outer_column_deep
SELECT (SELECT (SELECT p.secret)) FROM people AS p ORDER BY p.id;

-- case: more_than_one_row
SELECT (SELECT id FROM vault WHERE amount > 0);

-- case: scalar_of_hidden
-- purpose: filtered
SELECT (SELECT count(*) FROM people), (SELECT max(secret) FROM people);

-- case: not_exists_hidden
-- purpose: filtered
SELECT i FROM generate_series(1, 150) AS i WHERE NOT EXISTS (SELECT FROM people WHERE id = i) ORDER BY i;

-- case: single_row_error_hidden
-- purpose: filtered
SELECT (SELECT id FROM people WHERE name LIKE 'SECRET-A%');
