-- Conditions that choose: CASE, COALESCE, NULLIF, short circuits.
-- purpose: denied, masked

-- case: case_when
SELECT CASE WHEN secret LIKE 'SECRET-A%' THEN 1 ELSE 0 END FROM people ORDER BY id;

-- case: simple_case
SELECT CASE pin WHEN '77' THEN 'b' ELSE 'a' END FROM people ORDER BY id;

-- case: case_over_constants
SELECT CASE WHEN (SELECT max(score) FROM people) > 0 THEN 'a' ELSE 'b' END;

-- case: case_that_fails
SELECT CASE WHEN score = 0 THEN 1 / (id - id) ELSE 0 END FROM people ORDER BY id;

-- case: coalesce
SELECT coalesce(NULL, secret, 'none') FROM people ORDER BY id;

-- case: coalesce_open
SELECT coalesce(secret, name) FROM people ORDER BY id;

-- case: nullif
SELECT nullif(score, 0) IS NULL FROM people ORDER BY id;

-- case: greatest
SELECT greatest(score, 5) FROM people ORDER BY id;

-- case: least
SELECT least(name, secret) FROM people ORDER BY id;

-- case: is_distinct
SELECT secret IS DISTINCT FROM NULL FROM people ORDER BY id;

-- case: and_short_circuit
SELECT id FROM people WHERE id > 0 AND adult AND 1 / id >= 0 ORDER BY id;

-- case: or_short_circuit
SELECT id FROM people WHERE adult OR id = 1 ORDER BY id;

-- case: is_true
SELECT adult IS TRUE, adult IS NOT UNKNOWN FROM people ORDER BY id;

-- case: in_list
SELECT score IN (0, 1, -1) FROM people ORDER BY id;

-- case: between
SELECT score BETWEEN 1 AND 5 FROM people ORDER BY id;

-- case: between_symmetric
SELECT id FROM people WHERE 0 BETWEEN SYMMETRIC score AND 1 ORDER BY id;

-- case: boolean_alone
SELECT id FROM people WHERE adult ORDER BY id;

-- case: nested_case
SELECT CASE WHEN CASE WHEN adult THEN 1 ELSE 0 END = 1 THEN name END FROM people ORDER BY id;

-- case: case_hidden
-- purpose: filtered
SELECT CASE WHEN count(*) > 12 THEN 'many' ELSE 'few' END FROM people;
