-- The same column and table under other spellings.
-- purpose: denied, masked

-- case: unicode
SELECT U&"s\0065cret" FROM U&"p\0065ople" ORDER BY id;

-- case: unicode_escape
SELECT U&"s!0065cret" UESCAPE '!' FROM people ORDER BY id;

-- case: upper_case
SELECT SECRET FROM PEOPLE ORDER BY ID;

-- case: quoted
SELECT "secret" FROM "public"."people" ORDER BY "id";

-- case: database_qualified
-- modes: simple
SELECT public.people.secret FROM public.people ORDER BY 1;

-- case: alias_of_open
SELECT name FROM (SELECT secret AS name, id FROM people) AS people ORDER BY id;

-- case: alias_hides
SELECT vault.secret FROM people AS vault ORDER BY vault.id;

-- case: cte_named_like_open
WITH notes AS (SELECT secret AS body, id FROM people) SELECT body FROM notes ORDER BY id;

-- case: output_name_in_order
SELECT id AS secret, secret AS id FROM people ORDER BY 2, 1;

-- case: output_name_in_group
SELECT count(*), pin AS name FROM people GROUP BY pin ORDER BY 1, 2;

-- case: long_column
SELECT a_column_of_sixty_three_bytes_which_is_as_long_as_they_may_be_ok FROM a_name_of_sixty_three_bytes_which_is_as_long_as_postgres_permits;

-- case: long_column_cut
SELECT a_column_of_sixty_three_bytes_which_is_as_long_as_they_may_be_ok_and_more FROM a_name_of_sixty_three_bytes_which_is_as_long_as_postgres_permits_ever;

-- case: long_alias
SELECT secret AS an_alias_that_is_so_long_that_postgres_cuts_it_behind_its_sixty_third_byte FROM people ORDER BY id;

-- case: not_ascii
SELECT "ключ" FROM "Größe ""x""";

-- case: not_ascii_escaped
SELECT U&"\043A\043B\044E\0447" FROM U&"Gr\00F6\00DFe ""x""";

-- case: not_ascii_star
TABLE "Größe ""x""";

-- case: other_schema
SELECT secret FROM other.people;

-- case: keyword_alias
SELECT "select".secret FROM people AS "select" ORDER BY "select".id;

-- case: same_alias_inside
SELECT (SELECT p.secret FROM people AS p WHERE p.id = o.id) FROM orders AS o, people AS p WHERE p.id = 1 ORDER BY o.id;

-- case: system_column
SELECT p.tableoid::regclass, p.secret FROM people AS p ORDER BY p.id;

-- case: case_of_quotes
SELECT p."secret"FROM people"p"ORDER BY"p".id;

-- case: no_spaces
SELECT(secret)FROM"people"ORDER BY(id);

-- case: semicolons
-- modes: simple
;;;SELECT secret FROM people ORDER BY id;;;

-- case: comments_for_spaces
SELECT/**/secret/*/**/*/FROM/**/people ORDER/**/BY id;
