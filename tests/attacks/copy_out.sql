-- COPY … TO.
-- purpose: denied, masked

-- case: table
COPY people TO STDOUT;

-- case: column_list
COPY people (id, secret) TO STDOUT;

-- case: query
COPY (SELECT secret FROM people ORDER BY id) TO STDOUT;

-- case: query_star
COPY (SELECT * FROM people ORDER BY id) TO STDOUT (FORMAT csv, HEADER);

-- case: binary
COPY (SELECT id, score FROM people ORDER BY id) TO STDOUT (FORMAT binary);

-- case: where_inside
COPY (SELECT id FROM people WHERE adult ORDER BY id) TO STDOUT;

-- case: count_in_tag
COPY (SELECT FROM vault) TO STDOUT;

-- case: vault
COPY vault (id) TO STDOUT;

-- case: returning
COPY (UPDATE notes SET body = body RETURNING (SELECT secret FROM people WHERE id = 1)) TO STDOUT;
COPY (INSERT INTO notes (person_id) SELECT score FROM people WHERE id = 1 RETURNING person_id) TO STDOUT;

-- case: to_program
COPY (SELECT secret FROM people ORDER BY id) TO PROGRAM 'cat > /dev/null';
COPY (SELECT count(*) FROM vault) TO STDOUT;

-- case: to_file
COPY (SELECT secret FROM people WHERE false) TO '/dev/null';
COPY vault TO STDOUT;

-- case: force_quote
COPY people (id, pin) TO STDOUT (FORMAT csv, FORCE_QUOTE (pin), NULL '-');

-- case: partition
COPY events_old (id, who) TO STDOUT;

-- case: view_query
COPY (SELECT * FROM people_view ORDER BY id) TO STDOUT;

-- case: hidden_table
-- purpose: filtered
COPY people TO STDOUT;

-- case: hidden_query
-- purpose: filtered
COPY (SELECT id, name FROM people ORDER BY id) TO STDOUT;

-- case: hidden_tag
-- purpose: filtered
COPY orders (id) TO STDOUT;
