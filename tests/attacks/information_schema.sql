-- information_schema shows definitions; what of it holds data is shut.
-- purpose: denied

-- case: column_defaults_with_data
SELECT c.reltuples, i.table_name FROM information_schema.tables AS i JOIN pg_class AS c ON c.relname = i.table_name WHERE i.table_name = 'vault';

-- case: views_and_secrets
SELECT v.table_name, p.secret FROM information_schema.views AS v, people AS p WHERE v.table_name = 'people_view' ORDER BY p.id;

-- case: columns_and_values
SELECT c.column_name, count(p.secret) FROM information_schema.columns AS c, people AS p WHERE c.table_name = 'people' AND c.column_name = 'id' GROUP BY 1;

-- case: column_name_is_value
SELECT c.column_name FROM information_schema.columns AS c JOIN people AS p ON c.ordinal_position = p.score WHERE c.table_name = 'people' ORDER BY 1;

-- case: sequences
SELECT s.sequence_name, q.last_value FROM information_schema.sequences AS s, counter AS q WHERE s.sequence_name = 'counter';

-- case: own_view_in_front
-- purpose: denied
SET search_path = evil, public;
SELECT relname FROM pg_class WHERE oid < 20 ORDER BY oid;
SELECT relname FROM evil.pg_class ORDER BY oid;

-- case: tables_of_count
SELECT t.table_name, (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I', t.table_name), false, true, '')))[1] FROM information_schema.tables AS t WHERE t.table_name = 'vault';
