-- TRUNCATE and cascades reach more than they name.
-- purpose: writer

-- case: restrict_tells
TRUNCATE parents;
SELECT count(*) FROM vault;

-- case: cascade
TRUNCATE people CASCADE;
SELECT count(*), max(word) FROM vault;

-- case: hidden
-- purpose: filtered_writer
TRUNCATE members;
SELECT count(*) FROM people;

-- case: cascade_delete
DELETE FROM people WHERE id = 99;
DELETE FROM members WHERE level LIKE '%A';

-- case: hidden_cascade
-- purpose: filtered_writer
DELETE FROM people WHERE id = 13;
DELETE FROM members;
SELECT count(*) FROM orders;

-- case: restart_identity
TRUNCATE notes RESTART IDENTITY;
SELECT last_value FROM counter;
