-- COPY … FROM: constraints, conditions, and what comes back afterwards.
-- purpose: writer

-- case: where_closed
\data 1	x
COPY notes (person_id, body) FROM STDIN WHERE length(reads_secret(person_id)) < 12;
SELECT count(*) FROM notes;

-- case: where_function
\data 1	x
COPY notes (person_id, body) FROM STDIN WHERE reads_secret(person_id) LIKE '%A%';
SELECT count(*) FROM notes;

-- case: trigger_fills
\data 1	x
COPY copied (id, label) FROM STDIN;
SELECT label FROM copied;

-- case: default_fills
\data 1
COPY defaulted (id) FROM STDIN;
SELECT label FROM defaulted;

-- case: unique_violation
\data 50	1003	x
COPY pins (id, pin, label) FROM STDIN;

-- case: exclusion_violation
\data 50	[12,13)
COPY bookings (id, during) FROM STDIN;

-- case: foreign_key_hidden
-- purpose: filtered_writer
\data 50	7	x
COPY members (id, person_id, level) FROM STDIN;
SELECT count(*) FROM members WHERE id = 50;

-- case: key_of_hidden_row
-- purpose: filtered_writer
\data 101	x
COPY people (id, name) FROM STDIN;

-- case: partition_of_hidden
-- purpose: filtered_writer
\data 20	9020	hidden a
COPY pins (id, pin, label) FROM STDIN;
