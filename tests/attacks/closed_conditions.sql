-- Writes whose condition is closed: the number of rows tells.
-- purpose: writer

-- case: update_where
UPDATE notes SET body = 'x';
UPDATE people SET city = 'x' WHERE score > 3;

-- case: update_where_like
UPDATE people SET city = 'x' WHERE secret LIKE '%A%';

-- case: delete_where
DELETE FROM limits WHERE cap > 100;

-- case: delete_where_exists
DELETE FROM documents WHERE EXISTS (SELECT FROM people WHERE people.score = documents.id);

-- case: delete_using
DELETE FROM trapped AS t USING people AS p WHERE p.score = t.id;

-- case: update_from
UPDATE people AS p SET city = 'x' FROM orders AS o WHERE o.card = 'SECRET-A-1' AND p.id = o.person_id;

-- case: unqualified_binds_outside
DELETE FROM documents WHERE id IN (SELECT score FROM people);

-- case: then_looked_at
UPDATE people SET city = 'found' WHERE secret LIKE '%-3';
SELECT id FROM people WHERE city = 'found';

-- case: condition_that_fails
DELETE FROM documents WHERE id = 1 AND (SELECT 1 / min(score) FROM people WHERE score >= 0) = 0;

-- case: view_condition
DELETE FROM documents WHERE id IN (SELECT id FROM people_rich);

-- case: delete_all_of_vault
DELETE FROM vault;

-- case: update_vault
UPDATE vault SET word = 'x';

-- case: update_generated
UPDATE derived SET shown = 'y' WHERE shout LIKE '%A%';

-- case: view_target
UPDATE people_rich SET name = 'x';

-- case: view_target_condition
UPDATE people_names SET name = 'x' WHERE id IN (SELECT score FROM people);

-- case: partition_condition
UPDATE events SET kind = 'x' WHERE who > 'SECRET-A-5';

-- case: hidden_delete
-- purpose: filtered_writer
DELETE FROM members;

-- case: hidden_delete_orders
-- purpose: filtered_writer
DELETE FROM orders;

-- case: hidden_delete_key
-- purpose: filtered_writer
DELETE FROM orders WHERE id = 20;

-- case: hidden_delete_error
-- purpose: filtered_writer
DELETE FROM orders WHERE amount / (id - 20) > 3;

-- case: hidden_using
-- purpose: filtered_writer
DELETE FROM notes;
DELETE FROM pins USING people WHERE people.id >= pins.id;
