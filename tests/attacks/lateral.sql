-- LATERAL and functions in FROM.
-- purpose: denied, masked

-- case: lateral
SELECT l.x FROM people AS p, LATERAL (SELECT p.secret AS x) AS l ORDER BY p.id;

-- case: lateral_row
SELECT l FROM people AS p CROSS JOIN LATERAL (SELECT p.*) AS l ORDER BY p.id;

-- case: lateral_values
SELECT v.x FROM people AS p, LATERAL (VALUES (p.secret)) AS v (x) ORDER BY p.id;

-- case: function
SELECT p.id, w FROM people AS p, regexp_split_to_table(p.secret, '-') WITH ORDINALITY AS s (w, n) ORDER BY p.id, n;

-- case: series
SELECT p.id, count(g) FROM people AS p LEFT JOIN generate_series(1, p.score) AS g ON true GROUP BY p.id ORDER BY p.id;

-- case: rows_from
SELECT p.id, a, b FROM people AS p, ROWS FROM (unnest(p.labels), generate_series(1, 1)) AS r (a, b) ORDER BY 1, 2;

-- case: unnest
SELECT p.id, u FROM people AS p, unnest(p.labels) AS u ORDER BY 1, 2;

-- case: json_each
SELECT p.id, e.value FROM people AS p, jsonb_each(CASE jsonb_typeof(p.profile) WHEN 'object' THEN p.profile ELSE '{}' END) AS e ORDER BY 1, 2;

-- case: record_set
SELECT r.kin FROM people AS p, jsonb_to_record(p.profile) AS r (kin text) WHERE jsonb_typeof(p.profile) = 'object' ORDER BY p.id;

-- case: populate
SELECT r.* FROM people AS p, jsonb_populate_record(NULL::pair, jsonb_build_object('a', p.score, 'b', p.secret)) AS r ORDER BY p.id;

-- case: inside_target
SELECT id, generate_series(1, abs(score)) FROM people ORDER BY 1, 2;

-- case: hidden
-- purpose: filtered
SELECT i, l.n FROM generate_series(1, 20) AS i, LATERAL (SELECT count(*) AS n FROM people WHERE id <= i) AS l ORDER BY i;

-- case: hidden_join
-- purpose: filtered
SELECT o.id, l.name FROM orders AS o LEFT JOIN LATERAL (SELECT name FROM people AS p WHERE p.id >= o.id ORDER BY p.id LIMIT 1) AS l ON true ORDER BY o.id;
