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
