-- Known values among those that are released in aggregates only, and what writes could carry away.
-- purpose: statistics_writer

-- case: planted
BEGIN;
INSERT INTO staff (id, name, city, pay) SELECT 100 + i, 'x', 'small', 0 FROM generate_series(1, 10) AS i;
SELECT sum(pay) FROM staff WHERE city = 'small' AND id IN (13, 101, 102, 103, 104, 105);
ROLLBACK;

-- case: overwritten
BEGIN;
UPDATE staff SET pay = 0 WHERE id <> 5;
SELECT sum(pay) FROM staff;
ROLLBACK;

-- case: keys_overwritten
BEGIN;
UPDATE visits SET staff_id = id;
SELECT staff_id, place FROM visits ORDER BY 1;
ROLLBACK;

-- case: set_from
BEGIN;
UPDATE staff SET name = pay::text;
SELECT name FROM staff ORDER BY id;
ROLLBACK;

-- case: carried_away
INSERT INTO notes (id, person_id, amount) SELECT id + 500, id, pay FROM staff;
SELECT person_id, amount FROM notes ORDER BY person_id;

-- case: aggregates_carried_away
INSERT INTO notes (id, body, amount) SELECT 500 + row_number() OVER (ORDER BY city), city, sum(pay) FROM staff GROUP BY city;
SELECT body, amount FROM notes ORDER BY body;

-- case: deleted_by_value
BEGIN;
DELETE FROM staff WHERE pay > 12000;
SELECT name FROM staff ORDER BY id;
ROLLBACK;

-- case: returning
BEGIN;
UPDATE staff SET city = 'x' WHERE id = 5 RETURNING pay;
ROLLBACK;

-- case: conflicts
INSERT INTO staff (id, name, city) VALUES (5, 'x', 'x') ON CONFLICT (id) DO UPDATE SET name = staff.pay::text RETURNING name;

-- case: updated_from
BEGIN;
UPDATE notes SET amount = s.pay FROM staff AS s WHERE s.id = 5;
UPDATE weights SET weight = s.pay FROM staff AS s WHERE s.id = weights.id;
SELECT * FROM weights ORDER BY id;
ROLLBACK;
