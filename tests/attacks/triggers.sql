-- Triggers and rules that read closed values on a write.
-- purpose: writer

-- case: notice
UPDATE trapped SET label = 'x';

-- case: notice_one
UPDATE trapped SET label = 'x' WHERE id = 2;

-- case: fills_label
INSERT INTO copied (id) VALUES (2);
TABLE copied;

-- case: fills_from_select
INSERT INTO copied (id) SELECT id FROM parents;
SELECT label FROM copied ORDER BY id;

-- case: rule_copies
INSERT INTO ruled (id) SELECT id FROM parents;
SELECT body FROM notes ORDER BY id;

-- case: rule_count
INSERT INTO ruled (id) VALUES (5);
SELECT count(body) FROM notes;

-- case: default_reads
INSERT INTO defaulted DEFAULT VALUES;
INSERT INTO defaulted (id) VALUES (1) RETURNING label;

-- case: merge_fires
MERGE INTO trapped AS t USING (VALUES (1)) AS s (i) ON t.id = s.i WHEN MATCHED THEN UPDATE SET label = 'x';

-- case: upsert_fires
INSERT INTO trapped (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET label = 'x';

-- case: notice_level
SET client_min_messages = debug1;
UPDATE trapped SET label = 'x' WHERE id = 1;

-- case: hidden_notice
-- purpose: filtered_writer
UPDATE trapped SET label = 'x';

-- case: disable
ALTER TABLE copied DISABLE TRIGGER fills;
INSERT INTO copied (id) SELECT score FROM people WHERE id = 1;
TABLE copied;
