-- Rows compared with rows.
-- purpose: denied, masked

-- case: equal
SELECT a.id FROM people AS a JOIN people AS b ON (a.city, a.pin) = (b.city, b.pin) AND a.id < b.id ORDER BY 1;

-- case: less
SELECT id FROM people WHERE (pin, id) < ('2', 0) ORDER BY id;

-- case: in_rows
SELECT id FROM people WHERE (id, secret) IN ((1, 'SECRET-A-1'), (2, 'x')) ORDER BY id;

-- case: whole
SELECT count(*) FROM limits AS a JOIN limits AS b ON a < b AND b.cap > 100;

-- case: with_constant
SELECT id FROM limits AS l WHERE l > ROW(3, 1, 500, true)::limits ORDER BY id;

-- case: distinct_from
SELECT id FROM people AS p WHERE ROW(p.score) IS DISTINCT FROM ROW(p.id) ORDER BY id;

-- case: is_null
SELECT id FROM people WHERE ROW(secret, name) IS NOT NULL ORDER BY id;

-- case: sub_query
SELECT id FROM people WHERE (id, score) = (SELECT id, score FROM people WHERE score > 0 ORDER BY id LIMIT 1) ORDER BY id;

-- case: record_image
SELECT count(*) FROM people AS a JOIN people AS b ON a *= b AND a.score > 3;

-- case: overlaps
SELECT id FROM people WHERE (born, born + 1) OVERLAPS (date '1980-01-01', date '1980-01-09') ORDER BY id;

-- case: max_of_rows
-- purpose: filtered
SELECT bool_or((id, name) > (12, 'z')) FROM people;
