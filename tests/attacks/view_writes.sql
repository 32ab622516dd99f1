-- Writes through views: what the view shows, what its condition reads, and rows below it that are hidden.
-- purpose: writer

-- case: from_closed_column
UPDATE people_view SET name = secret;
SELECT name FROM people ORDER BY id;

-- case: by_closed_condition
UPDATE people_view SET name = 'x' WHERE secret LIKE '%A%';
SELECT name FROM people ORDER BY id;

-- case: condition_inside
UPDATE people_rich SET name = 'x';

-- case: condition_inside_one_row
UPDATE people_rich SET name = 'x' WHERE id = 5;

-- case: returning
UPDATE people_view SET name = name RETURNING secret;

-- case: returning_row
UPDATE people_view AS v SET name = name RETURNING v;

-- case: returning_star
UPDATE people_view SET name = name WHERE id = 3 RETURNING *;

-- case: nested
UPDATE people_nested SET id = id RETURNING loud;

-- case: nested_condition
UPDATE people_nested SET id = id WHERE loud > 'M';

-- case: conflict
INSERT INTO people_view (id, name) VALUES (3, 'x') ON CONFLICT (id) DO UPDATE SET name = people_view.secret;
SELECT name FROM people ORDER BY id;

-- case: conflict_returning
INSERT INTO people_view (id, name) VALUES (3, 'x') ON CONFLICT (id) DO UPDATE SET name = 'x' RETURNING secret;

-- case: delete_by_closed_condition
DELETE FROM people_rich WHERE id > 900 OR id = 5 RETURNING id;

-- case: sub_query
UPDATE people_names SET name = (SELECT v.secret FROM people_view AS v WHERE v.id = people_names.id) RETURNING name;

-- case: insert_select
INSERT INTO people_names SELECT id + 900, secret FROM people_view;
SELECT name FROM people WHERE id > 900 ORDER BY id;

-- case: by_the_clerk
-- purpose: denied
\as clerk
INSERT INTO people_names SELECT id + 900, secret FROM people;
\as me
SELECT name FROM people WHERE id > 900 ORDER BY id;

-- case: by_the_clerk_over_the_condition
-- purpose: denied
\as clerk
UPDATE people_rich SET name = 'rich';
\as me
SELECT name FROM people ORDER BY id;

-- case: count_hidden
-- purpose: filtered_writer
UPDATE people_names SET name = 'x';

-- case: hidden_returning
-- purpose: filtered_writer
UPDATE people_names SET name = name RETURNING id, name;

-- case: hidden_error
-- purpose: filtered_writer
UPDATE people_view SET name = 'x' WHERE 1 / (CASE WHEN secret = (SELECT max(secret) FROM people_view) THEN 1 ELSE 1 END) > 0;

-- case: hidden_rows_gone
-- purpose: filtered_writer
DELETE FROM people_names WHERE id NOT IN (SELECT person_id FROM orders) AND id NOT IN (SELECT person_id FROM members);

-- case: hidden_nested
-- purpose: filtered_writer
UPDATE people_nested SET id = id;
