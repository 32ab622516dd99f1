-- Masks that keep a part: what they hide is felt for wherever a value can be felt, and copied to where they would show it.
-- purpose: masked

-- case: all
SELECT id, mail, code, born, paid, address, extra FROM kept ORDER BY id;

-- case: star
SELECT * FROM (SELECT mail, code, born, paid, address, extra FROM kept) AS k ORDER BY 1, 2, 3;

-- case: row
SELECT row_to_json(k) FROM (SELECT id, mail, code, born, paid, address, extra FROM kept ORDER BY id) AS k;

-- case: where_hidden_part
SELECT id FROM kept WHERE mail LIKE '%A-9%' ORDER BY id;

-- case: where_length
SELECT id, length(mail), octet_length(mail), length(code) FROM kept ORDER BY id;

-- case: where_equal
SELECT id FROM kept WHERE mail = 'SECRET-A-99@x.fr' OR paid = 1001 OR born = '2001-01-02' OR address = '10.1.2.1' ORDER BY id;

-- case: order
SELECT id FROM kept ORDER BY mail, code, born, paid, address, extra, id;

-- case: order_alone
SELECT id FROM kept ORDER BY paid DESC, id;

-- case: distinct
SELECT count(DISTINCT mail), count(DISTINCT born), count(DISTINCT paid), count(DISTINCT address), count(DISTINCT extra) FROM kept WHERE mail > 'R' AND paid < 1995;

-- case: extremes
SELECT min(mail), max(code), min(born), max(paid), sum(paid), avg(paid), max(address) FROM kept;

-- case: digits
SELECT scale(paid), paid::text, paid % 1000 FROM kept ORDER BY id;

-- case: host
SELECT host(address), masklen(address), broadcast(address), hostmask(address) FROM kept ORDER BY id;

-- case: keys
SELECT k.id, e.key, e.value FROM kept AS k, jsonb_each(k.extra) AS e ORDER BY 1, 2;

-- case: path
SELECT extra -> 'kin', extra ? 'n', extra @> '{"n": 1}', extra::text, pg_column_size(extra) FROM kept ORDER BY id;

-- case: extract
SELECT extract(doy FROM born), born - date '2001-01-01', to_char(born, 'DDD') FROM kept ORDER BY id;

-- case: cast_fails
SELECT id FROM kept WHERE id = 1 AND left(mail, 1)::int >= 0;

-- case: division
SELECT id, 1 / (paid - 1000) FROM kept ORDER BY id;

-- case: pattern_fails
SELECT id FROM kept WHERE id = 1 AND mail || '' LIKE '%SECRET\';

-- case: join
SELECT count(*) FROM kept AS a JOIN kept AS b ON a.mail < b.mail OR a.paid < b.paid OR a.born < b.born;

-- case: using
SELECT count(*) FROM kept AS a JOIN kept AS b USING (mail) WHERE b.mail > 'R';

-- case: window
SELECT id, rank() OVER (ORDER BY mail), lag(paid) OVER (ORDER BY born, id) FROM kept ORDER BY id;

-- case: sub_query
SELECT (SELECT mail FROM kept AS i WHERE i.id = o.id) FROM kept AS o ORDER BY id;

-- case: lateral
SELECT k.id, l.v FROM kept AS k, LATERAL (SELECT k.mail || k.code AS v) AS l ORDER BY 1;

-- case: cte
WITH k AS MATERIALIZED (SELECT * FROM kept) SELECT id, mail, paid FROM k ORDER BY id;

-- case: copy
COPY (SELECT id, mail, code, born, paid, address, extra FROM kept ORDER BY id) TO STDOUT;

-- case: cursor
BEGIN;
DECLARE c CURSOR FOR SELECT id, mail, extra FROM kept ORDER BY id;
FETCH ALL FROM c;
COMMIT;

-- case: size
SELECT id, pg_column_size(mail), pg_column_size(paid), pg_column_size(address) FROM kept ORDER BY id;

-- case: width_in_a_plan
-- modes: simple
EXPLAIN SELECT mail FROM kept;

-- case: series
SELECT k.id, g FROM kept AS k, generate_series(1, (k.paid % 1000)::int % 3) AS g ORDER BY 1, 2;

-- case: clerk_copies_under_a_mask
-- What is stored where a part is shown shows a part of itself.
\as clerk
UPDATE kept SET mail = (SELECT secret FROM people WHERE people.id = kept.id);
\as me
SELECT id, mail FROM kept ORDER BY id;

-- case: clerk_copies_numbers_under_a_mask
\as clerk
UPDATE kept SET paid = 10000 * (SELECT score FROM people WHERE people.id = kept.id);
\as me
SELECT id, paid FROM kept ORDER BY id;

-- case: clerk_chooses_by_a_secret
\as clerk
UPDATE kept SET extra = '{"lang": "de"}' WHERE (SELECT score FROM people WHERE people.id = kept.id) > 3;
\as me
SELECT id, extra FROM kept ORDER BY id;

-- case: clerk_inserts_under_a_mask
\as clerk
INSERT INTO kept (id, mail) SELECT 100 + id, secret FROM people WHERE id < 4;
\as me
SELECT id, mail FROM kept WHERE id > 100 ORDER BY id;
