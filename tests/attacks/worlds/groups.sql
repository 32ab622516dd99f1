-- The pair `groups`: the same people in both worlds, with the same values in each city of enough people and in all together, but
-- dealt out otherwise. `:'side'` is 'a' or 'b'. The cities small and tiny have three people each, fewer than the five
-- that an aggregate needs; what one of them has in a the other has in b. Two of them have ratings that overflow a sum where
-- they meet: in a small, in b tiny.

DELETE FROM visits; DELETE FROM staff; DELETE FROM teams; DELETE FROM rates; DELETE FROM weights; DELETE FROM unkeyed;
DELETE FROM notes;

INSERT INTO teams SELECT i, 'team ' || i, 'place ' || i % 2 FROM generate_series(1, 4) AS i;
INSERT INTO rates SELECT 'big', i FROM generate_series(1, 3) AS i;
INSERT INTO weights SELECT i, power(2::numeric, i) FROM generate_series(1, 30) AS i;
-- Twelve people in big: in b each has what the one five places on has in a.
INSERT INTO staff
    SELECT i, 'name ' || i, 'big', i % 3 + 1, v.n * 700 + 1000, v.n * 1.25, v.n, CASE WHEN v.n < 6 THEN 'low' ELSE 'high' END,
        date '2020-01-01' + v.n
    FROM generate_series(1, 12) AS i,
        LATERAL (SELECT CASE :'side' WHEN 'a' THEN i ELSE (i + 4) % 12 + 1 END AS n) AS v;
-- Three in small and three in tiny.
INSERT INTO staff
    SELECT i, 'name ' || i, CASE WHEN i < 16 THEN 'small' ELSE 'tiny' END, 4, v.n * 900, v.n * 2.5,
        CASE WHEN v.n IN (14, 15) THEN 1.7e308 ELSE 20 END, CASE WHEN v.n < 16 THEN 'SECRET-' || 'mid' ELSE 'high' END,
        CASE WHEN v.n <> 17 THEN date '2021-01-01' + v.n END
    FROM generate_series(13, 18) AS i,
        LATERAL (SELECT CASE :'side' WHEN 'a' THEN i ELSE 31 - i END AS n) AS v;
-- Whose visit is whose differs; so does which of two places only one person has seen.
INSERT INTO visits
    SELECT i, v.n, CASE WHEN i > 38 THEN 'SECRET-' || :'side' ELSE 'place ' || i % 2 END, i * 3
    FROM generate_series(1, 40) AS i,
        LATERAL (SELECT CASE WHEN i > 38 THEN 3 WHEN :'side' = 'a' THEN i % 12 + 1 ELSE 12 - i % 12 END AS n) AS v;
INSERT INTO unkeyed SELECT id, id, pay FROM staff;
SELECT setval('notes_id_seq', 1, false);
