-- Window functions see the order, the neighbours and the number of rows.
-- purpose: denied, masked

-- case: row_number
SELECT id, row_number() OVER (ORDER BY score, id) FROM people ORDER BY id;

-- case: rank
SELECT id, rank() OVER (ORDER BY pin) FROM people ORDER BY id;

-- case: partition
SELECT id, count(*) OVER (PARTITION BY pin) FROM people ORDER BY id;

-- case: lag
SELECT id, lag(secret) OVER (ORDER BY id) FROM people ORDER BY id;

-- case: named_window
SELECT id, first_value(id) OVER w FROM people WINDOW w AS (ORDER BY score DESC, id) ORDER BY id;

-- case: frame_range
SELECT id, count(*) OVER (ORDER BY score RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM people ORDER BY id;

-- case: frame_offset
SELECT id, count(*) OVER (ORDER BY id ROWS BETWEEN (SELECT abs(min(score)) FROM people) PRECEDING AND CURRENT ROW) FROM people ORDER BY id;

-- case: frame_offset_fails
SELECT count(*) OVER (ORDER BY id ROWS (SELECT min(score) FROM people) PRECEDING) FROM people;

-- case: ntile
SELECT id, ntile((SELECT greatest(max(score), 1) FROM people)) OVER (ORDER BY id) FROM people ORDER BY id;

-- case: filter
SELECT id, count(*) FILTER (WHERE adult) OVER (ORDER BY id) FROM people ORDER BY id;

-- case: cume_dist
SELECT id, cume_dist() OVER (ORDER BY salary) FROM people ORDER BY id;

-- case: exclude_ties
SELECT id, count(*) OVER (ORDER BY pin ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) FROM people ORDER BY id;

-- case: hidden_number
-- purpose: filtered
SELECT id, row_number() OVER (ORDER BY id) FROM people ORDER BY id;

-- case: hidden_total
-- purpose: filtered
SELECT id, count(*) OVER () FROM people ORDER BY id;

-- case: hidden_neighbour
-- purpose: filtered
SELECT id, lead(name) OVER (ORDER BY id) FROM people ORDER BY id;

-- case: hidden_rank
-- purpose: filtered
SELECT id, percent_rank() OVER (ORDER BY score) FROM people ORDER BY id;
