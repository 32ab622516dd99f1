-- Views and a function that are declared to be weaker than the table that they read: what they show is the same in both worlds. What they
-- leave out must not come out by conditions that run on hidden rows, by plans, locks, writes, or by another view in the declared one's place.
-- purpose: declared

-- case: division_in_where
SELECT id, name FROM people_agreed WHERE 100 / score > 0 ORDER BY id;

-- case: cast_in_where
SELECT id FROM people_agreed WHERE pin::int > 0 ORDER BY id;

-- case: cast_and_leakproof
SELECT name FROM people_agreed WHERE id > 1 AND pin::int > 0 ORDER BY id;

-- case: in_a_sub_query
SELECT count(*) FROM (SELECT * FROM people_agreed OFFSET 0) AS v WHERE v.id IN (SELECT id FROM people_agreed WHERE 1 / score < 5);

-- case: in_a_cte
WITH v AS (SELECT * FROM people_agreed) SELECT id FROM v WHERE pin::int > 5 ORDER BY id;

-- case: through_a_view
-- modes: simple
CREATE VIEW mine AS SELECT id, pin, score FROM people_agreed;
SELECT max(id) FROM mine WHERE 100 / score > 0;

-- case: the_table
SELECT id, name FROM people ORDER BY id;

-- case: lock
SELECT id FROM people_agreed WHERE pin::int > 0 ORDER BY id FOR UPDATE;

-- case: update_through
UPDATE people_agreed SET city = 'x' WHERE 1 / score > -5;

-- case: delete_through
DELETE FROM people_agreed WHERE pin::int < 0;

-- case: insert_through
INSERT INTO people_agreed (id, name) VALUES (7, 'mine');

-- case: plan
EXPLAIN SELECT id FROM people_agreed WHERE name = 'name 2';

-- case: another_in_its_place
-- modes: simple
DROP VIEW cities_agreed;
CREATE VIEW cities_agreed AS SELECT name AS city, id::int8 AS n FROM people;
SELECT max(city), max(n) FROM cities_agreed;

-- case: replaced
-- modes: simple
CREATE OR REPLACE VIEW cities_agreed AS SELECT name AS city, id::int8 AS n FROM people;
SELECT max(city), max(n) FROM cities_agreed;

-- case: materialized
-- modes: simple
CREATE MATERIALIZED VIEW mine AS SELECT id FROM people_agreed WHERE 1 / score > -5;
SELECT id FROM mine ORDER BY id;

-- case: argument_of_the_function
SELECT id, agreed_score(score) FROM people ORDER BY id;

-- case: function_in_a_condition
SELECT count(*) FROM people WHERE agreed_score(id) IS NULL;
