-- Functions that run SQL text, read files or look at pages.
-- purpose: denied, masked

-- case: ts_stat
SELECT count(*) FROM ts_stat('SELECT to_tsvector(''simple'', secret) FROM people');

-- case: ts_rewrite
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, replace(secret, ''-'', '''')::tsquery FROM people WHERE id = 1');

-- case: query_to_xml_count
SELECT query_to_xml('SELECT count(*) FROM vault', false, true, '');

-- case: query_to_xmlschema
SELECT query_to_xmlschema('SELECT 1 FROM people WHERE 1 / score > 5', true, true, '');
SELECT query_to_xml('SELECT 1 FROM people WHERE 1 / score > 5', true, true, '');

-- case: file_of_relation
SELECT length(pg_read_binary_file(pg_relation_filepath('vault')));

-- case: file_size
SELECT size FROM pg_stat_file(pg_relation_filepath('vault'));

-- case: relation_fork
SELECT pg_relation_size('vault', 'main');

-- case: column_size
SELECT pg_column_size(secret) FROM people ORDER BY id;

-- case: row_size
SELECT pg_column_size(p.*) FROM people AS p ORDER BY p.id;

-- case: compression
SELECT sum(pg_column_size(p.profile)) FROM people AS p;

-- case: generic_output
SELECT textout(secret) FROM people ORDER BY id;

-- case: generic_send
SELECT record_send(p) FROM people AS p ORDER BY p.id;

-- case: current_setting
SELECT set_config('my.x', (SELECT secret FROM people WHERE id = 1), false);
SELECT current_setting('my.x');

-- case: advisory_lock_by_value
SELECT pg_try_advisory_lock(99, score) FROM people WHERE id = 4;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 99 AND objid = 4 AND pid = pg_backend_pid();

-- case: regclass_of_value
SELECT to_regclass(CASE WHEN score > 0 THEN 'people' ELSE 'vault' END) FROM people ORDER BY id;

-- case: has_privilege_probe
SELECT has_table_privilege('attacker', CASE WHEN score = 0 THEN 'nothing' ELSE 'people' END, 'SELECT') FROM people WHERE id < 5;

-- case: attribute_of_file
SELECT length(('base/' || '').concat), (SELECT length(pg_read_binary_file(pg_relation_filepath('vault'))));

-- case: pg_typeof_value
SELECT pg_typeof(CASE WHEN adult THEN 1 END), id FROM people WHERE adult ORDER BY id;
