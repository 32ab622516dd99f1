-- ON CONFLICT reaches rows that are there already.
-- purpose: writer

-- case: do_nothing_count
INSERT INTO pins (id, pin) VALUES (50, '1003') ON CONFLICT DO NOTHING;

-- case: do_nothing_pin
INSERT INTO pins (id, pin) VALUES (50, '1003') ON CONFLICT (pin) DO NOTHING;

-- case: do_update_returning
INSERT INTO pins (id, label) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET label = pins.pin RETURNING label;

-- case: do_update_excluded
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = people.secret;
SELECT city FROM people WHERE id = 1;

-- case: do_update_where
INSERT INTO people (id, name) VALUES (1, 'x'), (2, 'x') ON CONFLICT (id) DO UPDATE SET city = 'x' WHERE people.score > 0;

-- case: do_update_sub_query
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = (SELECT secret FROM people AS p WHERE p.id = 1) RETURNING name;

-- case: star_returning
INSERT INTO limits (id, shown) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET shown = 1 RETURNING *;

-- case: partial_index
INSERT INTO pins (id, pin, label) VALUES (50, '9', 'label 1') ON CONFLICT (label) WHERE pin LIKE '9%' DO NOTHING;

-- case: hidden_key
-- purpose: filtered_writer
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET city = 'x' RETURNING id, secret;

-- case: hidden_do_nothing
-- purpose: filtered_writer
INSERT INTO people (id, name) VALUES (1, 'x') ON CONFLICT DO NOTHING;

-- case: hidden_select_do_nothing
-- purpose: filtered_writer
INSERT INTO people (id, name) SELECT i, 'x' FROM generate_series(1, 140) AS i ON CONFLICT DO NOTHING;

-- case: hidden_no_conflict
-- purpose: filtered_writer
INSERT INTO orders (id, person_id, amount) VALUES (20, 2, 1) ON CONFLICT (id) DO UPDATE SET consent = true RETURNING amount, note;

-- case: by_the_clerk_who_was_met
-- purpose: denied, masked
\as clerk
INSERT INTO pins (id, pin, label) VALUES (90, 'SECRET-A-1', 'before');
INSERT INTO pins (id, pin, label) SELECT 91, secret, 'new' FROM people WHERE id = 1 ON CONFLICT (pin) DO UPDATE SET label = 'hit';
\as me
SELECT id, label FROM pins WHERE id >= 90 ORDER BY id;

-- case: by_the_clerk_how_many_were_not_met
-- purpose: denied, masked
\as clerk
INSERT INTO pins (id, pin, label) SELECT 900 + id, left(secret, 11), 'x' FROM people WHERE id <= 12 ON CONFLICT DO NOTHING;
\as me
SELECT count(*) FROM pins;

-- case: by_the_clerk_by_the_name_of_a_constraint
-- purpose: denied, masked
\as clerk
INSERT INTO pins (id, pin, label) VALUES (90, 'SECRET-A-1', 'before');
INSERT INTO pins (id, pin, label) SELECT 91, secret, 'new' FROM people WHERE id = 1 ON CONFLICT ON CONSTRAINT pins_pin_key DO NOTHING;
\as me
SELECT id, label FROM pins WHERE id >= 90 ORDER BY id;
