-- UPDATE … SET from what is closed, and UPDATE of what is closed.
-- purpose: writer

-- case: from_closed_column
UPDATE people SET city = secret;
SELECT city FROM people ORDER BY id;

-- case: from_other_table
UPDATE notes SET body = 'x';
UPDATE orders AS o SET note = p.secret FROM people AS p WHERE p.id = o.person_id;
SELECT note FROM orders ORDER BY id;

-- case: sub_query
UPDATE orders SET note = (SELECT secret FROM people WHERE people.id = orders.person_id);
SELECT note FROM orders ORDER BY id;

-- case: row_assignment
UPDATE people SET (name, city) = ROW(secret, pin);
SELECT name, city FROM people ORDER BY id;

-- case: multi_sub_query
UPDATE people AS p SET (name, city) = (SELECT q.secret, q.pin FROM people AS q WHERE q.id = p.id);
SELECT name FROM people ORDER BY id;

-- case: derived_flag
UPDATE people SET city = CASE WHEN score > 3 THEN 'x' ELSE 'y' END;
SELECT city FROM people ORDER BY id;

-- case: whole_row
UPDATE people SET city = people::text;
SELECT city FROM people ORDER BY id;

-- case: self_join
UPDATE people AS a SET city = b.secret FROM people AS b WHERE a.id = b.id;
SELECT city FROM people ORDER BY id;

-- case: error
UPDATE people SET city = (1 / score)::text;

-- case: cast_error
UPDATE people SET city = pin::int::text WHERE id = 3;

-- case: default_value
INSERT INTO defaulted (id, label) VALUES (1, 'x');
UPDATE defaulted SET label = DEFAULT;
SELECT label FROM defaulted;

-- case: flag_it_reads
-- purpose: filtered_writer
UPDATE people SET consent = true;
SELECT count(*), max(name) FROM people;

-- case: erased_it_reads
-- purpose: filtered_writer
UPDATE people SET deleted_at = NULL, consent = true WHERE id > 4;
SELECT id FROM people ORDER BY id;

-- case: count_hidden
-- purpose: filtered_writer
UPDATE people SET city = 'x';

-- case: count_hidden_orders
-- purpose: filtered_writer
UPDATE orders SET amount = amount + 1;

-- case: hidden_by_key
-- purpose: filtered_writer
UPDATE people SET city = 'x' WHERE id = 1;

-- case: hidden_error
-- purpose: filtered_writer
UPDATE people SET city = 'x' WHERE 1 / score > 5;

-- case: hidden_cast
-- purpose: filtered_writer
UPDATE people SET city = 'x' WHERE pin::int > 1;

-- case: hidden_set_error
-- purpose: filtered_writer
UPDATE people SET city = (1 / score)::text;

-- case: hidden_from
-- purpose: filtered_writer
UPDATE notes SET body = 'x';
INSERT INTO notes (person_id) VALUES (1), (2);
UPDATE notes SET body = p.name FROM people AS p WHERE p.id = notes.person_id;

-- case: consent_of_others
-- purpose: filtered_writer
UPDATE orders SET consent = NOT consent;
SELECT count(*) FROM orders;
