-- Common table expressions.
-- purpose: denied, masked

-- case: plain
WITH q AS (SELECT secret FROM people ORDER BY id) SELECT * FROM q;

-- case: renamed
WITH q (harmless) AS (SELECT secret FROM people ORDER BY id) SELECT harmless FROM q;

-- case: star
WITH q AS (TABLE people) SELECT q.secret FROM q ORDER BY q.id;

-- case: row
WITH q AS (SELECT p FROM people AS p ORDER BY p.id) SELECT row_to_json(p) FROM q;

-- case: recursive
WITH RECURSIVE q AS (SELECT id, secret FROM people WHERE id = 1 UNION ALL SELECT p.id, p.secret FROM people AS p JOIN q ON p.id = q.id + 1) SELECT secret FROM q ORDER BY id;

-- case: recursion_depth
WITH RECURSIVE q (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM q WHERE n < (SELECT max(score) FROM people)) SELECT max(n) FROM q;

-- case: not_materialized
WITH q AS NOT MATERIALIZED (SELECT score AS s FROM people) SELECT count(*) FROM q WHERE s > 3;

-- case: materialized
WITH q AS MATERIALIZED (SELECT score AS s FROM people) SELECT count(*) FROM q WHERE s > 3;

-- case: shadows_the_table
WITH people AS (SELECT id, secret FROM public.people) SELECT secret FROM people ORDER BY id;

-- case: shadow_chain
WITH a AS (SELECT secret AS x FROM people), b AS (SELECT x FROM a), c AS (SELECT x FROM b) SELECT x FROM c ORDER BY x;

-- case: unused_that_fails
WITH q AS MATERIALIZED (SELECT 1 / score AS x FROM people) SELECT (SELECT sum(x) FROM q) IS NULL;

-- case: search_depth
WITH RECURSIVE q AS (SELECT id, score FROM people WHERE id = 1 UNION ALL SELECT p.id, p.score FROM people AS p JOIN q ON p.id = q.id + 1) SEARCH DEPTH FIRST BY score SET seq SELECT seq FROM q ORDER BY id;

-- case: cycle
WITH RECURSIVE q AS (SELECT id, pin FROM people WHERE id = 1 UNION ALL SELECT p.id, p.pin FROM people AS p JOIN q ON p.id = q.id + 1) CYCLE pin SET seen USING path SELECT id, seen, path FROM q ORDER BY id;

-- case: name_of_inner_query
WITH q AS (SELECT id FROM people) SELECT (WITH q AS (SELECT secret FROM people WHERE id = 1) SELECT secret FROM q) FROM q ORDER BY q.id;

-- case: hidden
-- purpose: filtered
WITH q AS (SELECT * FROM people) SELECT count(*), max(name) FROM q;

-- case: hidden_recursion
-- purpose: filtered
WITH RECURSIVE q AS (SELECT 1 AS id UNION SELECT p.id FROM people AS p, q WHERE p.id > q.id AND p.id < q.id + 3 AND p.score <> 0) SELECT count(*) FROM q;
