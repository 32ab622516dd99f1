-- under plain
-- row locks: a table stays where all that is named of it is open
SELECT name FROM people WHERE id = 5 FOR UPDATE
SELECT name FROM people ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
SELECT p.name FROM people p JOIN orders o ON o.person_id = p.id FOR NO KEY UPDATE OF p NOWAIT
SELECT o.amount FROM people p JOIN orders o ON o.person_id = p.id FOR SHARE OF o FOR KEY SHARE OF p
SELECT secret FROM people FOR UPDATE
SELECT * FROM people FOR UPDATE
SELECT name FROM people FOR UPDATE OF nosuch
SELECT id FROM adults WHERE id = 3 FOR UPDATE
-- samples
SELECT name FROM people TABLESAMPLE BERNOULLI (10)
SELECT p.name FROM people AS p TABLESAMPLE SYSTEM (50) REPEATABLE (3)
SELECT amount FROM orders TABLESAMPLE pg_catalog.bernoulli ($1)
SELECT name FROM people TABLESAMPLE own_method (10)
SELECT x.n FROM people AS x (i, n) TABLESAMPLE BERNOULLI (10)
SELECT name FROM adults TABLESAMPLE BERNOULLI (10)
SELECT city FROM stored_towns TABLESAMPLE BERNOULLI (10)
-- recursive queries
WITH RECURSIVE a AS (SELECT x FROM b), b AS (SELECT 1 AS x) SELECT x FROM a
WITH RECURSIVE a AS (SELECT id FROM c), b AS (SELECT id FROM people), c AS (SELECT id FROM b UNION SELECT id + 1 FROM c WHERE id < 3) SELECT id FROM a
WITH RECURSIVE a AS (SELECT 1 AS x UNION SELECT x FROM b), b AS (SELECT x FROM a) SELECT x FROM a
WITH RECURSIVE t (n, m) AS (SELECT id, name FROM people WHERE id = 1 UNION ALL SELECT t.n + 1, p.name FROM t JOIN people p ON p.id = t.n + 1 WHERE t.n < 4) SEARCH DEPTH FIRST BY n SET o SELECT n, m, o FROM t ORDER BY o
WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 4) CYCLE n SET loops TO 'y' DEFAULT 'n' USING way SELECT * FROM t
WITH RECURSIVE t AS (SELECT id, secret FROM people UNION ALL SELECT id, secret FROM t) CYCLE secret SET c USING p SELECT id FROM t
-- SQL/XML
SELECT xmlelement(name person, xmlattributes(id, name AS who), xmlforest(city, email AS mail)) FROM people
SELECT xmlelement(name person, secret) FROM people
SELECT xmlforest(p.secret) FROM people p
SELECT xmlserialize(content doc AS text) FROM homes
SELECT xmlparse(document '<a/>'), xmlpi(name x, 'y'), xmlroot(xmlparse(document '<a/>'), version '1.0'), xmlconcat('<a/>', '<b/>'), doc IS DOCUMENT FROM homes
SELECT xmlagg(doc ORDER BY id) FROM homes
SELECT h.id, x.n, x.w FROM homes h, XMLTABLE('/d/w' PASSING h.doc COLUMNS n int PATH '@n', w text PATH '.' DEFAULT 'none', i FOR ORDINALITY) AS x WHERE x.n > 3
SELECT * FROM XMLTABLE(XMLNAMESPACES('http://x.y' AS zz), '/zz:rows/zz:row' PASSING '<rows xmlns="http://x.y"><row><a>10</a></row></rows>' COLUMNS a int PATH 'zz:a')
SELECT x.w FROM people p, XMLTABLE('/d/w' PASSING (p.secret::xml) COLUMNS w text PATH '.') AS x
-- SQL/JSON, which servers from 16 and 17 on understand
SELECT JSON_OBJECT('a': name, 'b': city ABSENT ON NULL) FROM people
SELECT JSON_OBJECT('a': secret) FROM people
SELECT JSON_ARRAY(name, 1), JSON_ARRAY(SELECT secret FROM people) FROM people
SELECT JSON_OBJECTAGG(id VALUE name), JSON_ARRAYAGG(name ORDER BY id RETURNING jsonb) FROM people
SELECT JSON_ARRAYAGG(secret) FROM people
SELECT name IS JSON, extra IS JSON OBJECT WITH UNIQUE KEYS FROM people, homes
SELECT JSON_VALUE(extra, '$.k' RETURNING int DEFAULT 0 ON EMPTY), JSON_QUERY(extra, '$.l' WITH WRAPPER), JSON_EXISTS(extra, '$.m' PASSING id AS x) FROM homes
SELECT JSON_VALUE(diary, '$') FROM homes
SELECT j.k, j.z FROM homes, JSON_TABLE(extra, '$' COLUMNS (k int PATH '$.k', NESTED PATH '$.l[*]' COLUMNS (z int PATH '$'), n FOR ORDINALITY)) AS j
SELECT JSON_SCALAR(name), JSON_SERIALIZE(extra), JSON('{}') FROM people, homes
-- composites, arrays, ranges, paths
SELECT (home).street, (h.home).zip FROM homes h
SELECT id, (home).* FROM homes
SELECT s.street FROM (SELECT id, (home).* FROM homes) AS s
SELECT (h).home.street FROM homes h
SELECT tags[1], tags[1:2], tags[:1], (ARRAY[1, 2])[2], (extra -> 'l') -> 0, extra['k'] FROM homes
SELECT lower(stay), stay && daterange('2026-01-01', '2026-02-01'), stay @> DATE '2026-01-05' FROM homes
SELECT jsonb_path_query(extra, '$.l[*]') FROM homes
SELECT (jsonb_each(extra)).* FROM homes
SELECT (h).* FROM homes h
-- ROWS FROM and column definitions
SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY['a', 'b', 'c'])) WITH ORDINALITY AS r (n, t, o)
SELECT r.a FROM ROWS FROM (json_to_record('{}') AS (a int, b text), generate_series(1, 2)) AS r
SELECT x.a FROM json_to_record('{}') AS x (a int, b text COLLATE "C")
SELECT u FROM unnest(ARRAY[1]) AS u, people
SELECT everyone FROM everyone, json_to_record('{}') AS f
SELECT (SELECT secret FROM json_to_record('{}') AS f) FROM everyone
-- aggregates and windows
SELECT city, count(*) FILTER (WHERE id > 3), percentile_cont(0.5) WITHIN GROUP (ORDER BY id) FROM people GROUP BY city
SELECT sum(id) OVER (PARTITION BY city ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES) FROM people
SELECT count(*) FILTER (WHERE secret = 'x') FROM people
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY secret) FROM people
SELECT sum(id) OVER (PARTITION BY secret) FROM people
SELECT city, count(*) FROM people GROUP BY ROLLUP (city, consent) HAVING grouping(city) = 0
SELECT city, count(*) FROM people GROUP BY CUBE (city, secret)
SELECT DISTINCT ON (city) city, name FROM people ORDER BY city, id DESC
-- shapes of queries
SELECT FROM people
TABLE homes
(SELECT name FROM people ORDER BY id LIMIT 2) UNION ALL (WITH w AS (SELECT note FROM orders) SELECT note FROM w LIMIT 1) ORDER BY 1 OFFSET 1
SELECT name FROM people INTERSECT (SELECT note FROM orders EXCEPT SELECT city FROM people)
SELECT l.x FROM people p LEFT JOIN LATERAL (SELECT p.city AS x UNION SELECT o.note FROM orders o WHERE o.person_id = p.id) l ON true
SELECT g FROM orders o, LATERAL generate_series(1, o.amount) AS g, LATERAL ROWS FROM (generate_series(1, g)) AS h
SELECT name FROM people ORDER BY id FETCH FIRST 3 ROWS WITH TIES
VALUES (1, (SELECT max(id) FROM people)), (2, 3)
-- under masked
-- guards with locks, samples, grouping sets, positions
SELECT name FROM people WHERE id = 5 FOR UPDATE
SELECT email FROM people WHERE id = 5 FOR UPDATE
SELECT email FROM people ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
SELECT o.id, p.phone FROM people p JOIN orders o ON o.person_id = p.id FOR UPDATE OF o
SELECT o.id, p.phone, email AS mail FROM people p JOIN orders o ON o.person_id = p.id WHERE p.email IS NULL ORDER BY email LIMIT 3 FOR UPDATE
SELECT * FROM labelled WHERE email = 'x' LIMIT 1 FOR NO KEY UPDATE
SELECT p FROM people p LIMIT 1 FOR UPDATE
SELECT p.id, p.name FROM people p JOIN people q USING (id, email) LIMIT 1 FOR UPDATE OF p
SELECT p.id, p.name FROM people p NATURAL JOIN (SELECT email FROM people) q LIMIT 1 FOR UPDATE OF p
SELECT j.email FROM (people p CROSS JOIN orders o) AS j LIMIT 1 FOR UPDATE
SELECT x.c FROM people AS x (a, b, c) LIMIT 1 FOR UPDATE OF x
SELECT (SELECT upper(p.email)), email(p), (p).phone FROM people p LIMIT 1 FOR UPDATE
SELECT s.email FROM (SELECT email, id FROM people ORDER BY id LIMIT 1 FOR UPDATE) s
SELECT s.email FROM (SELECT email FROM people) s LIMIT 1 FOR UPDATE
SELECT email FROM people TABLESAMPLE BERNOULLI (10)
SELECT p.id, p.name, p.email, count(*) FROM people p GROUP BY GROUPING SETS ((p.id), (p.id, p.city))
SELECT p.id, p.name FROM people p GROUP BY GROUPING SETS ((p.id), (p.city))
SELECT p.id, p.name FROM people p GROUP BY p.id, ROLLUP (p.city)
SELECT j.b, j.d FROM (people p JOIN orders o ON o.person_id = p.id) AS j (a, b, c, d)
SELECT j.c FROM ((people p JOIN orders o ON o.person_id = p.id) AS i JOIN homes h ON h.id = i.amount) AS j (a, b, c)
SELECT xmlforest(email, name) FROM people
SELECT (home).street, id FROM homes
-- under filtered
SELECT name FROM people WHERE id = 5 FOR UPDATE
SELECT name FROM people WHERE length(name) > 3 FOR UPDATE
SELECT name FROM people ORDER BY id LIMIT 1 FOR UPDATE
SELECT o.id FROM people p JOIN orders o ON o.person_id = p.id WHERE p.id = 4 FOR UPDATE OF o
SELECT name FROM adults FOR UPDATE
SELECT name FROM people TABLESAMPLE BERNOULLI (10)
SELECT x.w FROM homes h, XMLTABLE('/d/w' PASSING h.doc COLUMNS w text PATH '.') AS x
WITH RECURSIVE t AS (SELECT id FROM people WHERE id = 2 UNION ALL SELECT p.id FROM people p JOIN t ON p.id = t.id + 2 WHERE p.id < 9) CYCLE id SET c USING w SELECT id, c FROM t
-- under everything
SELECT u.lexeme, positions FROM articles a, unnest(a.words) AS u
SELECT * FROM unnest(to_tsvector('a b')), unnest('a:1'::tsvector) AS v
