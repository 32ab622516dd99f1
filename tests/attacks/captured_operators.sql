-- Operators and functions of a schema in front of pg_catalog.
-- purpose: denied, masked

-- case: equals
SET search_path = evil, pg_catalog, public;
SELECT id FROM people WHERE secret = 'x';

-- case: in_list
SET search_path = evil, pg_catalog, public;
SELECT id FROM people WHERE secret IN ('x', 'y');

-- case: nullif
SET search_path = evil, pg_catalog, public;
SELECT nullif(secret, 'x') IS NULL FROM people;

-- case: simple_case
SET search_path = evil, pg_catalog, public;
SELECT CASE secret WHEN 'x' THEN 1 ELSE 0 END FROM people;

-- case: join_using
SET search_path = evil, pg_catalog, public;
SELECT count(*) FROM people JOIN (SELECT 'x'::text AS secret) AS q USING (secret);

-- case: greater
SET search_path = evil, pg_catalog, public;
SELECT count(*) FROM people WHERE score > 3;

-- case: any
SET search_path = evil, pg_catalog, public;
SELECT count(*) FROM people WHERE secret = ANY (ARRAY['x', 'y']);

-- case: function
SET search_path = evil, pg_catalog, public;
SELECT lower('X');

-- case: function_over_column
SET search_path = evil, pg_catalog, public;
SELECT lower(name) FROM people ORDER BY id;

-- case: varchar_capture
SET search_path = public, evil;
SELECT id FROM people WHERE phone = 'x'::text;

-- case: in_sub_query
SET search_path = evil, pg_catalog, public;
SELECT id FROM people WHERE secret IN (SELECT 'x'::text);

-- case: distinct_from
SET search_path = evil, pg_catalog, public;
SELECT count(*) FROM people WHERE secret IS DISTINCT FROM 'x';

-- case: qualified
SELECT id FROM people WHERE secret OPERATOR(evil.=) 'x';

-- case: qualified_function
SELECT evil.lower('x');

-- case: hidden_equals
-- purpose: filtered
SET search_path = evil, pg_catalog, public;
SELECT id FROM people WHERE name = 'nobody at all' OR pin = 'x';

-- case: hidden_qualified
-- purpose: filtered
SELECT id FROM people WHERE name OPERATOR(evil.=) 'x';

-- case: hidden_varchar
-- purpose: filtered
SET search_path = public, evil;
SELECT id FROM people WHERE phone = 'x'::text;

-- case: hidden_condition
-- purpose: filtered
SET search_path = evil, pg_catalog, public;
SELECT count(*) FROM people;

-- case: of_an_enum
SET search_path = public, evil;
SELECT 'low'::mood = 'high'::mood;

-- case: of_an_enum_in_a_list
SET search_path = public, evil;
SELECT 'low'::mood IN ('high', 'mid'), CASE 'low'::mood WHEN 'mid' THEN 1 END;

-- case: in_a_polymorphic_function
SET search_path = public, evil;
SELECT alike('low'::mood, 'mid'::mood);

-- case: cast_of_a_whole_row
SELECT p::text FROM parents AS p ORDER BY id;
