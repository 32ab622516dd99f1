-- Aggregates over what is closed, FILTER, DISTINCT, ordered sets.
-- purpose: denied, masked

-- case: count
SELECT count(secret) FROM people;

-- case: count_distinct
SELECT count(DISTINCT pin) FROM people;

-- case: count_vault
SELECT count(*) FROM vault;

-- case: min_max
SELECT min(secret), max(secret) FROM people;

-- case: sum
SELECT sum(score), avg(score), stddev(salary) FROM people;

-- case: string_agg
SELECT string_agg(secret, ',' ORDER BY id) FROM people;

-- case: array_agg
SELECT array_agg(secret ORDER BY id) FROM people;

-- case: order_inside
SELECT string_agg(name, ',' ORDER BY score) FROM people;

-- case: filter
SELECT count(*) FILTER (WHERE score > 3) FROM people;

-- case: filter_single
SELECT sum(id) FILTER (WHERE secret = 'SECRET-A-3') FROM people;

-- case: bool_or
SELECT bool_or(adult AND id = 3), bool_and(adult OR id = 3), every(born IS NOT NULL) FROM people;

-- case: mode
SELECT mode() WITHIN GROUP (ORDER BY pin) FROM people;

-- case: percentile
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY score) FROM people;

-- case: rank
SELECT rank(3) WITHIN GROUP (ORDER BY score) FROM people;

-- case: json_agg
SELECT json_agg(p ORDER BY p.id) FROM people AS p;

-- case: json_object
SELECT jsonb_object_agg(name, secret) FROM people;

-- case: own_aggregate
SELECT gathers(secret ORDER BY id) FROM people;

-- case: regression
SELECT regr_slope(score, id), corr(score, id) FROM people;

-- case: bit_and
SELECT bit_and(score), bit_or(score), bit_xor(score) FROM people;

-- case: single_row
SELECT avg(salary) FROM people WHERE id = 3;

-- case: having_sum
SELECT city FROM people GROUP BY city HAVING sum(score) > 0 ORDER BY city;

-- case: range_agg
SELECT range_agg(during) FROM bookings;

-- case: hidden_count
-- purpose: filtered
SELECT count(*), count(DISTINCT city), sum(score), max(name) FROM people;

-- case: hidden_agg
-- purpose: filtered
SELECT string_agg(name, ',' ORDER BY id), array_agg(id ORDER BY id) FROM people;

-- case: hidden_group
-- purpose: filtered
SELECT city, count(*) FROM people GROUP BY city ORDER BY city;

-- case: hidden_filter
-- purpose: filtered
SELECT count(*) FILTER (WHERE score = 0), count(*) FILTER (WHERE deleted_at IS NULL) FROM people;

-- case: hidden_empty
-- purpose: filtered
SELECT count(*), bool_or(NOT consent) FROM people WHERE id > 100;
