-- INSERT … SELECT carries values to where they may be read.
-- purpose: writer

-- case: laundering
INSERT INTO notes (person_id, body) SELECT id, secret FROM people;
SELECT body FROM notes ORDER BY person_id;

-- case: row_as_text
INSERT INTO notes (body) SELECT p::text FROM people AS p;
SELECT body FROM notes ORDER BY body;

-- case: condition_only
INSERT INTO notes (person_id) SELECT id FROM people WHERE score > 3;
SELECT count(*) FROM notes;

-- case: count_in_tag
INSERT INTO notes (person_id) SELECT id FROM people WHERE adult;

-- case: order_only
INSERT INTO notes (person_id) SELECT id FROM people ORDER BY score;
SELECT id, person_id FROM notes ORDER BY id;

-- case: limit_only
INSERT INTO notes (person_id) SELECT i FROM generate_series(1, 50) AS i LIMIT (SELECT abs(min(score)) FROM people);
SELECT count(*) FROM notes;

-- case: values_sub_query
INSERT INTO notes (body) VALUES ((SELECT secret FROM people WHERE id = 1));
SELECT body FROM notes;

-- case: default_calls
INSERT INTO defaulted (id) VALUES (1);
SELECT label FROM defaulted;

-- case: function
INSERT INTO notes (body) VALUES (reads_secret(1));
SELECT body FROM notes;

-- case: cte
WITH q AS (SELECT secret FROM people) INSERT INTO notes (body) SELECT secret FROM q;
SELECT body FROM notes ORDER BY body;

-- case: union
INSERT INTO notes (body) SELECT name FROM people UNION ALL SELECT card FROM orders;
SELECT body FROM notes ORDER BY body;

-- case: join_only
INSERT INTO notes (person_id) SELECT p.id FROM people AS p JOIN generate_series(1, 3) AS g ON g = p.score;
SELECT count(*) FROM notes;

-- case: view
INSERT INTO notes (body) SELECT secret FROM people_view;
SELECT max(body) FROM notes;

-- case: into_closed_then_type_error
INSERT INTO notes (amount) SELECT secret::int FROM people WHERE id = 1;

-- case: vault_into_notes
INSERT INTO notes (body) SELECT word FROM vault;
SELECT count(*) FROM notes;

-- case: through_rule
INSERT INTO ruled (id) VALUES (1);
SELECT body FROM notes;

-- case: through_trigger
INSERT INTO copied (id) VALUES (1);
SELECT label FROM copied;

-- case: hidden_rows
-- purpose: filtered_writer
INSERT INTO notes (body) SELECT name FROM people;
SELECT count(*) FROM notes;

-- case: hidden_count
-- purpose: filtered_writer
INSERT INTO notes (person_id) SELECT id FROM orders;

-- case: hidden_max
-- purpose: filtered_writer
INSERT INTO notes (amount) SELECT max(id) FROM people;
SELECT amount FROM notes;
