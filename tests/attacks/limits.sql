-- LIMIT, OFFSET and FETCH by a closed value.
-- purpose: denied, masked

-- case: limit_sub_query
SELECT id FROM orders ORDER BY id LIMIT (SELECT abs(min(score)) FROM people);

-- case: offset_sub_query
SELECT id FROM orders ORDER BY id OFFSET (SELECT abs(min(score)) FROM people);

-- case: fetch_first
SELECT id FROM orders ORDER BY id FETCH FIRST (SELECT abs(min(score)) FROM people) ROWS ONLY;

-- case: with_ties
SELECT id FROM people ORDER BY score DESC FETCH FIRST 1 ROW WITH TIES;

-- case: ties_of_mask
SELECT count(*) FROM (SELECT id FROM people ORDER BY pin FETCH FIRST 1 ROW WITH TIES) AS q;

-- case: limit_case
SELECT id FROM orders ORDER BY id LIMIT (SELECT CASE WHEN bool_or(adult) THEN count(*) FILTER (WHERE adult) ELSE 0 END FROM people);

-- case: negative_limit
SELECT id FROM orders ORDER BY id LIMIT (SELECT min(score) FROM people);

-- case: limit_by_count
-- purpose: denied, masked
SELECT id FROM orders ORDER BY id LIMIT (SELECT count(*) FROM vault);

-- case: hidden_limit
-- purpose: filtered
SELECT id FROM orders ORDER BY id LIMIT (SELECT count(*) FROM people);

-- case: hidden_offset
-- purpose: filtered
SELECT name FROM people ORDER BY name OFFSET 4;

-- case: hidden_first
-- purpose: filtered
SELECT id FROM people ORDER BY id LIMIT 1;
