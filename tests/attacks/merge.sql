-- MERGE: matched, not matched, and what it counts.
-- purpose: writer

-- case: on_closed
MERGE INTO people AS t USING (VALUES (3)) AS s (v) ON t.score = s.v WHEN MATCHED THEN UPDATE SET city = 'x';

-- case: set_closed
MERGE INTO people AS t USING people AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET city = s.secret;
SELECT city FROM people ORDER BY id;

-- case: when_closed
MERGE INTO people AS t USING (VALUES (1), (4)) AS s (v) ON t.id = s.v WHEN MATCHED AND t.score > 0 THEN UPDATE SET city = 'x' WHEN MATCHED THEN DO NOTHING;

-- case: insert_closed
MERGE INTO notes AS t USING people AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, body) VALUES (s.id, s.secret);
SELECT body FROM notes ORDER BY id;

-- case: source_vault
MERGE INTO notes AS t USING vault AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id);

-- case: delete_closed
MERGE INTO limits AS t USING limits AS s ON t.id = s.id WHEN MATCHED AND s.cap > 100 THEN DELETE;

-- case: error_in_condition
MERGE INTO people AS t USING (VALUES (4)) AS s (v) ON t.id = s.v WHEN MATCHED AND 1 / t.score = 9 THEN DELETE WHEN MATCHED THEN DO NOTHING;

-- case: hidden_not_matched
-- purpose: filtered_writer
MERGE INTO people AS t USING generate_series(1, 12) AS s ON t.id = s WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s, 'x');

-- case: hidden_matched
-- purpose: filtered_writer
MERGE INTO people AS t USING generate_series(1, 140) AS s ON t.id = s WHEN MATCHED THEN UPDATE SET city = 'x';

-- case: hidden_delete
-- purpose: filtered_writer
MERGE INTO orders AS t USING generate_series(1, 60) AS s ON t.id = s WHEN MATCHED THEN DELETE;

-- case: hidden_source
-- purpose: filtered_writer
MERGE INTO notes AS t USING people AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, body) VALUES (s.id, s.name);
