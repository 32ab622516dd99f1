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

-- case: hidden_function_by_row
-- purpose: filtered
SELECT i, reads_secret(i) FROM generate_series(1, 120) AS i ORDER BY i;

-- case: hidden_function_in_where
-- purpose: filtered
SELECT id FROM orders WHERE reads_secret(id) IS NOT NULL ORDER BY id;

-- case: hidden_function_argument
-- purpose: filtered
SELECT reads_secret((SELECT max(id) FROM people)), reads_secret(101);

-- case: hidden_function_of_row
-- purpose: filtered
SELECT loud(p) FROM people AS p ORDER BY p.id;

-- case: hidden_function_count
-- purpose: filtered
SELECT count(*) FROM all_secrets() WITH ORDINALITY AS s (v, n);

-- case: hidden_function_error
-- purpose: filtered
SELECT count(*) FROM all_secrets() AS s WHERE replace(s, 'shown ', '')::int > 0;

-- case: function_in_lateral
SELECT p.id, s FROM people AS p, LATERAL reads_secret(p.id) AS s ORDER BY p.id;

-- case: function_in_rows_from
SELECT * FROM ROWS FROM (all_secrets(), generate_series(1, 2)) AS r (a, b);

-- case: function_in_default_argument
SELECT coalesce(reads_secret(1), 'none'), length(reads_secret(5));

-- case: function_in_limit
SELECT id FROM orders ORDER BY id LIMIT length(reads_secret(1));

-- case: function_in_case
SELECT CASE WHEN reads_secret(1) LIKE '%A%' THEN 'a' ELSE 'b' END;

-- case: function_in_values
VALUES (reads_secret(1)), (reads_secret(2));

-- case: function_in_cast
SELECT reads_secret(1)::varchar(9), CAST(reads_secret(1) AS name);

-- case: function_by_attribute
SELECT (1).reads_secret;

-- case: function_in_aggregate
SELECT string_agg(reads_secret(id), ',' ORDER BY id) FROM people;

-- case: function_qualified
SELECT public.reads_secret(2);

-- case: function_named_argument
SELECT reads_secret($1 => 1);
SELECT reads_secret(VARIADIC NULL);
SELECT reads_secret(id => 2);
SELECT reads_secret(2);
