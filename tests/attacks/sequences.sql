-- Sequences tell how much was written.
-- purpose: denied

-- case: last_value
SELECT last_value FROM counter;

-- case: star
SELECT last_value, is_called FROM counter;

-- case: condition
SELECT count(*) FROM counter AS c WHERE c.last_value > 100;

-- case: nextval
SELECT nextval('counter');

-- case: nextval_regclass
SELECT nextval('counter'::regclass);

-- case: nextval_dynamic
SELECT nextval(c.oid::regclass) FROM pg_class AS c WHERE c.relname = 'counter';

-- case: currval
SELECT nextval('counter') > 100;
SELECT currval('counter');

-- case: lastval
SELECT nextval('counter') IS NULL;
SELECT lastval();

-- case: setval_by_value
SELECT setval('notes_id_seq', (SELECT greatest(score, 1) FROM people WHERE id = 5));
SELECT nextval('notes_id_seq');

-- case: pg_sequences
SELECT last_value FROM pg_sequences WHERE sequencename = 'counter';

-- case: sequence_last_value
SELECT pg_sequence_last_value('counter'::regclass::oid);

-- case: copy
COPY counter TO STDOUT;
SELECT last_value FROM counter;

-- case: attribute
SELECT ('counter'::regclass).nextval;

-- case: in_default
-- purpose: writer
INSERT INTO notes (id) VALUES (nextval('counter')) RETURNING id;
