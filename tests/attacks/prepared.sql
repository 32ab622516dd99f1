-- PREPARE and EXECUTE.
-- purpose: denied, masked

-- case: execute
PREPARE p AS SELECT secret FROM people ORDER BY id;
EXECUTE p;

-- case: parameter
PREPARE p (text) AS SELECT id FROM people WHERE pin = $1;
EXECUTE p ('77');

-- case: parameter_type
PREPARE p (int) AS SELECT id FROM people WHERE pin::int = $1;
EXECUTE p (77);

-- case: argument_reads
PREPARE p (text) AS SELECT $1;
EXECUTE p ((SELECT secret FROM people WHERE id = 1));
SELECT secret FROM people WHERE id = 1;

-- case: argument_calls
PREPARE p (text) AS SELECT $1;
EXECUTE p (reads_secret(1));

-- case: prepared_statements_view
PREPARE p AS SELECT id FROM people WHERE score > 0;
SELECT name, statement FROM pg_prepared_statements ORDER BY 1;
EXECUTE p;

-- case: create_table_execute
PREPARE p AS SELECT secret FROM people WHERE id < 3;
CREATE TEMP TABLE t AS EXECUTE p;
SELECT max(secret) || 'x' FROM t;

-- case: after_purpose_change
-- purpose: masked
PREPARE p AS SELECT id, pin FROM people ORDER BY id;
EXECUTE p;
SET wherefore.purpose = 'denied';
EXECUTE p;

-- case: after_search_path
PREPARE p AS SELECT count(*), min(secret) FROM people;
SET search_path = other, public;
EXECUTE p;

-- case: write
PREPARE p AS UPDATE notes SET body = 'x' WHERE person_id IN (SELECT score FROM people);
INSERT INTO notes (person_id) VALUES (3);
EXECUTE p;

-- case: explain_prepared
PREPARE p AS SELECT * FROM vault;
EXPLAIN EXECUTE p;

-- case: extended_name_from_sql
-- modes: simple
PREPARE p AS SELECT secret FROM people ORDER BY id;
\bind - p
\execute - 0
\sync

-- case: hidden
-- purpose: filtered
PREPARE p AS SELECT count(*) FROM people;
EXECUTE p;
