-- ORDER BY, GROUP BY, HAVING, DISTINCT use a value without showing it.
-- purpose: denied, masked

-- case: order_by
SELECT id FROM people ORDER BY score, id;

-- case: order_by_position
SELECT score FROM people ORDER BY 1;

-- case: order_by_alias
SELECT id, score AS s FROM people ORDER BY s;

-- case: order_by_expression
SELECT id FROM people ORDER BY length(secret), id;

-- case: order_nulls
SELECT id FROM people ORDER BY secret IS NULL, id;

-- case: order_collate
SELECT id FROM people ORDER BY secret COLLATE "C", id;

-- case: order_using
SELECT id FROM people ORDER BY score USING >;

-- case: order_desc_limit
SELECT id FROM people ORDER BY score DESC LIMIT 1;

-- case: group_by
SELECT count(*) FROM people GROUP BY pin ORDER BY 1;

-- case: group_by_key
SELECT id, secret FROM people GROUP BY id ORDER BY id;

-- case: grouping_sets
SELECT count(*) FROM people GROUP BY GROUPING SETS ((pin), ()) ORDER BY 1;

-- case: rollup
SELECT city, count(*) FROM people GROUP BY ROLLUP (city, adult) ORDER BY 1, 2;

-- case: cube
SELECT count(*), grouping(adult) FROM people GROUP BY CUBE (adult) ORDER BY 1, 2;

-- case: having
SELECT city FROM people GROUP BY city HAVING max(score) > 5 ORDER BY city;

-- case: having_without_group
SELECT 1 HAVING (SELECT max(score) FROM people) > 0;

-- case: distinct
SELECT count(*) FROM (SELECT DISTINCT pin FROM people) AS q;

-- case: distinct_on
SELECT DISTINCT ON (adult) id FROM people ORDER BY adult, id;

-- case: distinct_on_order
SELECT DISTINCT ON (city) id FROM people ORDER BY city, score, id;

-- case: distinct_star
SELECT DISTINCT * FROM limits ORDER BY id;

-- case: hidden_distinct
-- purpose: filtered
SELECT DISTINCT city FROM people ORDER BY city;

-- case: hidden_order
-- purpose: filtered
SELECT id FROM people ORDER BY score, id LIMIT 3;

-- case: hidden_groups
-- purpose: filtered
SELECT count(*) FROM people GROUP BY GROUPING SETS ((city), ()) ORDER BY 1;
