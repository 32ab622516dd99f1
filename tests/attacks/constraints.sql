-- Constraints that look at closed values or hidden rows answer questions about them.
-- purpose: writer

-- case: unique
INSERT INTO pins (id, pin) VALUES (50, '1003');

-- case: unique_update
UPDATE pins SET pin = '9001' WHERE id = 2;

-- case: partial_unique
UPDATE pins SET label = 'same';

-- case: check
UPDATE limits SET shown = 100;

-- case: check_bisection
UPDATE limits SET shown = 500 WHERE id = 1;

-- case: check_insert
INSERT INTO limits (id, shown) SELECT 50, 999 WHERE (SELECT max(cap) FROM limits) > 100;

-- case: exclusion
INSERT INTO bookings (id, during) VALUES (50, int4range(12, 14));

-- case: exclusion_detail
INSERT INTO bookings (id, during) VALUES (50, int4range(17, 18));

-- case: generated
UPDATE derived SET shown = repeat(shown, 2) WHERE shout LIKE 'SECRET-BB%';

-- case: not_null
INSERT INTO orders (id, person_id, amount) SELECT 50, id, CASE WHEN score < 0 THEN NULL ELSE 1 END FROM people WHERE id = 1;

-- case: not_null_detail
UPDATE people SET name = NULL WHERE id = 1;

-- case: check_detail
UPDATE limits SET shown = 5000 WHERE id = 1;

-- case: domain
UPDATE notes SET body = 'x';
INSERT INTO notes (body) SELECT (CASE WHEN score > 0 THEN 'forbidden' ELSE 'x' END)::word FROM people WHERE id = 1;

-- case: foreign_key_restrict
DELETE FROM parents WHERE id = 1;

-- case: foreign_key_restrict_all
DELETE FROM parents;

-- case: key_is_referenced
UPDATE parents SET id = 100 WHERE id = 4;

-- case: hidden_key
-- purpose: filtered_writer
INSERT INTO people (id, name) VALUES (101, 'x');

-- case: hidden_pin
-- purpose: filtered_writer
INSERT INTO pins (id, pin) VALUES (50, '9020');

-- case: hidden_exclusion
-- purpose: filtered_writer
INSERT INTO bookings (id, during) VALUES (50, int4range(105, 106));

-- case: hidden_foreign_key
-- purpose: filtered_writer
INSERT INTO members (id, person_id) VALUES (50, 1);

-- case: hidden_reference
-- purpose: filtered_writer
DELETE FROM parents WHERE id = 1;

-- case: hidden_restrict
-- purpose: filtered_writer
DELETE FROM orders;
DELETE FROM parents WHERE id = 2;

-- case: deferred_reference
-- purpose: filtered_writer
BEGIN;
DELETE FROM parents WHERE id = 2;
COMMIT;
