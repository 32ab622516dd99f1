-- A function written as a column, a column as a function.
-- purpose: denied, masked

-- case: column_as_function
SELECT secret(p) FROM people AS p ORDER BY p.id;

-- case: column_as_function_of_table
SELECT secret(people) FROM people ORDER BY id;

-- case: qualified_function
SELECT public.loud(p) FROM people AS p ORDER BY p.id;

-- case: function_as_column
SELECT p.loud FROM people AS p ORDER BY p.id;

-- case: function_as_column_of_row
SELECT (p).loud FROM people AS p ORDER BY p.id;

-- case: function_of_field
SELECT ((p).secret).upper FROM people AS p ORDER BY p.id;

-- case: output_of_row
SELECT record_out(p) FROM people AS p ORDER BY p.id;

-- case: name_of_row
SELECT (p).name, (p).score FROM people AS p ORDER BY p.id;

-- case: field_of_sub_query
SELECT (SELECT p FROM people AS p WHERE id = 1).secret;

-- case: star_of_sub_query
SELECT ((SELECT p FROM people AS p WHERE id = 1)).*;

-- case: nested_field
SELECT (b.box).b FROM boxes AS b ORDER BY b.id;

-- case: nested_star
SELECT (b.box).* FROM boxes AS b ORDER BY b.id;

-- case: function_of_composite
SELECT (b.box).is_kept FROM boxes AS b ORDER BY b.id;

-- case: sql_text_as_value
SELECT ('SELECT tsvector(''''::text || secret) FROM people'::text).ts_stat;

-- case: file_as_column
SELECT count(*) FROM people AS p WHERE p.loud LIKE '%A%';
