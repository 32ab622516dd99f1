-- DO, CALL and functions of users that read what is closed.
-- purpose: denied, masked

-- case: do_notice
DO $$BEGIN RAISE NOTICE '%', (SELECT secret FROM people WHERE id = 1); END$$;

-- case: do_exception
DO $$BEGIN RAISE EXCEPTION '%', (SELECT secret FROM people WHERE id = 1); END$$;

-- case: do_division
DO $$BEGIN PERFORM 1 / score FROM people; END$$;

-- case: do_temp
DO $$BEGIN CREATE TEMP TABLE t AS SELECT max(secret) || 'x' AS v FROM people; END$$;
SELECT v || '' FROM t;

-- case: do_setting
DO $$BEGIN PERFORM set_config('my.value', secret, false) FROM people WHERE id = 1; END$$;
SHOW my.value;

-- case: call
CALL proclaims(1);

-- case: call_argument
CALL proclaims(length(reads_secret(2)) / 4);

-- case: function
SELECT reads_secret(1);

-- case: function_set
SELECT * FROM all_secrets();

-- case: function_in_where
SELECT id FROM people WHERE reads_secret(id) LIKE '%A%' ORDER BY id;

-- case: function_in_order
SELECT id FROM people ORDER BY reads_secret(id), id;

-- case: function_notice
SELECT tells(1);

-- case: function_error
SELECT fails(1);

-- case: function_on_row
SELECT loud(p) FROM people AS p ORDER BY p.id;

-- case: function_of_masked_column
SELECT textcat(secret, reads_secret(id)) FROM people ORDER BY id;

-- case: function_in_from
SELECT count(*) FROM all_secrets() AS s WHERE s LIKE 'SECRET-A%';

-- case: aggregate_of_user
SELECT gathers(reads_secret(id) ORDER BY id) FROM people;

-- case: cast_context
SELECT ROW(1, reads_secret(1))::pair;

-- case: hidden_function
-- purpose: filtered
SELECT * FROM all_secrets();

-- case: hidden_call
-- purpose: filtered
CALL proclaims(1);

-- case: hidden_do
-- purpose: filtered
DO $$BEGIN RAISE NOTICE '%', (SELECT count(*) FROM people); END$$;
