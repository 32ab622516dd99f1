-- Whole rows and stars: no closed column is named.
-- purpose: denied, masked

-- case: star
SELECT * FROM people ORDER BY id;

-- case: star_of_an_alias
SELECT p.* FROM people AS p ORDER BY p.id;

-- case: table_command
TABLE people;

-- case: only
SELECT * FROM ONLY people ORDER BY id;

-- case: row_as_value
SELECT p FROM people AS p ORDER BY p.id;

-- case: row_as_text
SELECT p::text FROM people AS p ORDER BY p.id;

-- case: row_constructor
SELECT ROW(p.*) FROM people AS p ORDER BY p.id;

-- case: row_of_the_table_name
SELECT people FROM people ORDER BY id;

-- case: star_of_row
SELECT (p).* FROM people AS p ORDER BY p.id;

-- case: field_of_row
SELECT (p).secret FROM people AS p ORDER BY p.id;

-- case: row_to_json
SELECT row_to_json(p) FROM people AS p ORDER BY p.id;

-- case: length_of_row
SELECT length(p::text) FROM people AS p ORDER BY p.id;

-- case: hash_of_row
SELECT md5(p::text) FROM people AS p ORDER BY p.id;

-- case: row_hash_function
SELECT hash_record(p) FROM people AS p ORDER BY p.id;

-- case: count_of_row
SELECT count(p.*), count(DISTINCT p.score) FROM people AS p;

-- case: renamed_columns
SELECT x.d FROM people AS x (a, b, c, d) ORDER BY x.a;

-- case: star_and_more
SELECT *, 1 AS one FROM people ORDER BY id;

-- case: row_is_null
SELECT id, people.secret IS NULL AS n FROM people ORDER BY id;

-- case: rows_of_rows
-- purpose: filtered
SELECT p FROM people AS p;

-- case: star_of_hidden
-- purpose: filtered
SELECT * FROM people;
