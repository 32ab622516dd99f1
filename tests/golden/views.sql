-- under plain
-- where nothing needs a guard the reference stays
SELECT * FROM adults
SELECT a.name FROM public.adults AS a WHERE a.id = 5
SELECT public.adults.name FROM public.adults
SELECT * FROM contacts
SELECT k.w FROM contacts AS k (w, m) WHERE k.m IS NOT NULL
SELECT id, name FROM everyone
SELECT who, amount FROM nested
SELECT city, heads FROM towns
SELECT id FROM lateral_secret
SELECT * FROM steps
SELECT * FROM with_ctes
SELECT relname FROM relation_names
SELECT value FROM latest
SELECT name FROM barrier
SELECT count(*) FROM adjustable
SELECT c FROM contacts AS c
SELECT row_to_json(adults) FROM adults
SELECT id FROM adults NATURAL JOIN orders
WITH contacts AS (SELECT 1 AS x) SELECT * FROM contacts
SELECT id, n FROM summed
SELECT id FROM summed WHERE told > 0
-- what is reached and closed is a refusal, through the view
SELECT * FROM everyone
SELECT id FROM everyone WHERE secret = 'x'
SELECT id FROM everyone ORDER BY secret
SELECT count(*) FROM everyone GROUP BY secret
SELECT e FROM everyone e
SELECT (e).secret FROM everyone e
SELECT secret(everyone) FROM everyone
SELECT name FROM everyone NATURAL JOIN (SELECT 'x'::text AS secret) AS probe
SELECT s.id FROM (SELECT * FROM everyone) AS s
SELECT top FROM towns
SELECT x FROM lateral_secret
SELECT everything FROM rowed
SELECT name FROM all_names
SELECT secret FROM all_names
SELECT x FROM own_call
SELECT query FROM sessions
-- conditions always count, and what decides how many rows there are
SELECT id FROM known_secrets
SELECT name FROM both_names
SELECT first FROM top_secret
SELECT id FROM spread
-- not there
SELECT secret FROM adults
SELECT ctid FROM adults
SELECT nosuch FROM contacts
SELECT x.a FROM adults AS x (a, b, c)
-- under masked
-- masks go inside, and the definition takes the view's place
SELECT * FROM contacts
SELECT who FROM contacts
SELECT count(*) FROM contacts WHERE mail = 'mail1@x.example'
SELECT k.w, k.m FROM contacts AS k (w, m)
SELECT id, email FROM everyone
SELECT * FROM keyed
SELECT id, orders FROM keyed
SELECT * FROM nested
SELECT who, amount FROM nested
SELECT email FROM all_names
SELECT id, email FROM barrier
SELECT id FROM rowed
SELECT a.mail, b.mail FROM contacts a JOIN contacts b USING (number)
SELECT c FROM contacts AS c
SELECT c FROM contacts AS c (a, b)
SELECT row_to_json(c) FROM contacts AS c
SELECT * FROM contacts c, LATERAL (SELECT c.mail) l
SELECT name FROM labelled
SELECT id, email FROM labelled
-- under filtered
-- row conditions
SELECT * FROM adults
SELECT count(*) FROM contacts
SELECT who FROM contacts WHERE number = 5
SELECT who FROM contacts WHERE mail LIKE 'a%'
SELECT city, heads FROM towns
SELECT * FROM steps
SELECT value FROM latest
SELECT name FROM labelled
-- under plain
-- the view's own tags
SELECT id, name FROM labelled
-- under plain, masked, filtered
-- what is stored
SELECT city, heads FROM stored_towns
SELECT id, name FROM stored_mail
SELECT email FROM stored_mail
SELECT secret FROM stored_mail
SELECT * FROM stored_mail
SELECT id FROM stored_by_secret
SELECT id FROM over_stored
SELECT email FROM over_stored
SELECT ctid FROM stored_towns
-- under closed, none
SELECT id FROM adults
SELECT count(*) FROM stored_towns
SELECT relname FROM relation_names
-- under plain, filtered
-- foreign tables are tables
SELECT id, name FROM far
SELECT * FROM far
SELECT name FROM nearer WHERE id = 3
SELECT secret FROM nearer
-- under plain, masked
-- what the target list computes from something that is not open is not evaluated
SELECT name FROM numbers
SELECT count(*) FROM over_numbers
SELECT n FROM numbers
-- under plain
-- nothing is written through a view
UPDATE contacts SET who = 'x'
DELETE FROM adults
INSERT INTO adults VALUES (1, 'x')
COPY (SELECT secret FROM everyone) TO STDOUT
COPY contacts TO STDOUT
EXPLAIN SELECT secret FROM everyone
