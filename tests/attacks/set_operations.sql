-- UNION, INTERSECT, EXCEPT over what is closed.
-- purpose: denied, masked

-- case: union_all
SELECT 'x' AS v UNION ALL SELECT secret FROM people ORDER BY 1;

-- case: union_distinct
SELECT count(*) FROM (SELECT pin FROM people UNION SELECT pin FROM people) AS q;

-- case: union_table
SELECT count(word) FROM (TABLE vault UNION ALL TABLE vault) AS q;

-- case: intersect
SELECT 'SECRET-A-3' AS v INTERSECT SELECT secret FROM people;

-- case: except
SELECT 'SECRET-A-3' AS v EXCEPT SELECT secret FROM people;

-- case: except_all
SELECT score FROM people EXCEPT ALL SELECT id FROM people ORDER BY 1;

-- case: nested
(SELECT id FROM people ORDER BY score LIMIT 1) UNION (SELECT 0) ORDER BY 1;

-- case: type_by_union
SELECT secret FROM people UNION SELECT body FROM notes ORDER BY 1;

-- case: union_in_exists
SELECT EXISTS ((SELECT 1 FROM people WHERE score = 0) UNION (SELECT 1 FROM people WHERE score > 100));

-- case: except_rows
SELECT id, secret FROM people EXCEPT SELECT id, 'SECRET-A-' || id FROM people ORDER BY 1;

-- case: union_hidden
-- purpose: filtered
SELECT name FROM people UNION ALL SELECT note FROM orders ORDER BY 1;

-- case: except_hidden
-- purpose: filtered
SELECT i FROM generate_series(1, 150) AS i EXCEPT SELECT id FROM people ORDER BY 1;

-- case: intersect_hidden
-- purpose: filtered
SELECT city FROM people INTERSECT SELECT 'city 3';
