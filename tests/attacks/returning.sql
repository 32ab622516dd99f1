-- RETURNING shows what was there.
-- purpose: writer

-- case: update_returning
UPDATE people SET city = 'x' WHERE id = 1 RETURNING secret;

-- case: update_returning_star
UPDATE people SET city = 'x' WHERE id = 1 RETURNING *;

-- case: update_returning_row
UPDATE people SET city = 'x' WHERE id = 1 RETURNING people;

-- case: delete_returning
DELETE FROM limits WHERE id = 1 RETURNING cap;

-- case: delete_returning_star
DELETE FROM trapped RETURNING *;

-- case: insert_returning_sub_query
INSERT INTO notes (person_id) VALUES (1) RETURNING (SELECT secret FROM people WHERE id = 1);

-- case: returning_expression
UPDATE people SET city = 'x' RETURNING id, score > 3;

-- case: returning_from_table
UPDATE people AS p SET city = 'x' FROM orders AS o WHERE o.person_id = p.id AND o.id = 1 RETURNING o.card;

-- case: returning_error
UPDATE people SET city = 'x' RETURNING 1 / score;

-- case: returning_generated
UPDATE derived SET shown = 'y' WHERE id = 1 RETURNING shout;

-- case: returning_trigger
INSERT INTO copied (id) VALUES (1) RETURNING label;

-- case: returning_default
INSERT INTO defaulted (id) VALUES (1) RETURNING label;

-- case: hidden_update
-- purpose: filtered_writer
UPDATE people SET city = 'x' RETURNING id, name;

-- case: hidden_delete
-- purpose: filtered_writer
DELETE FROM members RETURNING *;

-- case: hidden_from
-- purpose: filtered_writer
UPDATE orders AS o SET note = 'x' FROM people AS p WHERE p.id = o.id RETURNING p.name;
