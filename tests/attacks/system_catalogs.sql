-- Catalogs that hold data or tell of it.
-- purpose: denied, masked

-- case: pg_statistic
SELECT stavalues1::text FROM pg_statistic WHERE starelid = 'people'::regclass ORDER BY staattnum;

-- case: pg_stats
SELECT attname, most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE tablename = 'people' ORDER BY attname;

-- case: pg_stats_nulls
SELECT attname, null_frac, n_distinct, correlation FROM pg_stats WHERE tablename = 'people' ORDER BY attname;

-- case: pg_stats_ext
SELECT most_common_vals, most_common_freqs FROM pg_stats_ext WHERE statistics_name = 'people_together';

-- case: pg_stats_ext_exprs
SELECT count(*), (SELECT stxdmcv::text FROM pg_statistic_ext_data LIMIT 1) FROM pg_stats_ext_exprs;

-- case: pg_statistic_ext_data
SELECT stxdmcv::text, stxddependencies::text FROM pg_statistic_ext_data;

-- case: reltuples
SELECT reltuples, relpages FROM pg_class WHERE relname = 'vault';

-- case: reltuples_of_index
SELECT reltuples FROM pg_class WHERE relname = 'vault_pkey';

-- case: class_row
SELECT to_jsonb(c) ->> 'reltuples' FROM pg_class AS c WHERE c.relname = 'vault';

-- case: class_star
SELECT c.reltuples FROM (SELECT * FROM pg_class WHERE relname = 'vault') AS c;

-- case: largeobject
SELECT data FROM pg_largeobject WHERE loid = 4242;

-- case: sequences
SELECT last_value FROM pg_sequences WHERE sequencename = 'counter';

-- case: sequence_relation
SELECT last_value, is_called FROM counter;

-- case: sequence_function
SELECT pg_sequence_last_value('counter'::regclass);

-- case: pg_cursors
BEGIN;
DECLARE c CURSOR FOR SELECT id, score > 3 FROM people ORDER BY id;
SELECT statement FROM pg_cursors;
FETCH 4 FROM c;
COMMIT;

-- case: file_node_size
SELECT pg_relation_size('vault');

-- case: total_size
SELECT pg_total_relation_size('vault'), pg_table_size('vault'), pg_indexes_size('vault');

-- case: size_pretty
SELECT pg_size_pretty(pg_relation_size('vault'::regclass));

-- case: size_of_all
SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relname = 'vault';

-- case: size_by_join
SELECT c.relname, pg_table_size(c.oid) FROM pg_class AS c WHERE c.relname IN ('vault', 'people') ORDER BY 1;

-- case: database_size_differs
SELECT pg_relation_size('vault') + 0 * pg_database_size(current_database());

-- case: toast_of_statistics
SELECT count(*) FROM pg_statistic WHERE stanullfrac > 0 AND starelid = 'people'::regclass;

-- case: column_statistics_by_view
SELECT s.n_distinct FROM pg_catalog.pg_stats AS s WHERE s.tablename = 'people' AND s.attname = 'pin';

-- case: hidden_rows
-- purpose: filtered
SELECT reltuples FROM pg_class WHERE relname = 'people';

-- case: hidden_stats
-- purpose: filtered
SELECT most_common_vals::text, null_frac FROM pg_stats WHERE tablename = 'people' AND attname = 'mood';

-- case: hidden_size
-- purpose: filtered
SELECT pg_relation_size('vault');

-- case: toast
-- purpose: filtered
SELECT pg_relation_size(reltoastrelid), pg_relation_size(oid) FROM pg_class WHERE relname = 'vault';

-- case: class_by_position
SELECT c.k FROM pg_class AS c (a, b, c, d, e, f, g, h, i, j, k) WHERE c.b = 'vault';

-- case: class_by_join
SELECT count(*) FROM pg_class AS a JOIN (SELECT 700::real AS reltuples) AS b USING (reltuples) WHERE a.relname = 'vault';

-- case: class_by_natural_join
SELECT count(*) FROM pg_class AS a NATURAL JOIN (SELECT 'vault'::name AS relname, 700::real AS reltuples) AS b;

-- case: class_order
SELECT relname FROM pg_class WHERE relname IN ('vault', 'people') ORDER BY reltuples;

-- case: class_field
SELECT (c).reltuples FROM pg_class AS c WHERE c.relname = 'vault';

-- case: class_function
SELECT reltuples(c) FROM pg_class AS c WHERE c.relname = 'vault';

-- case: class_in_cte
WITH q AS (TABLE pg_class) SELECT reltuples FROM q WHERE relname = 'vault';

-- case: class_as_text
SELECT substring(c::text FROM 'vault.*') LIKE '%,700,%' FROM pg_class AS c WHERE c.relname = 'vault';

-- case: class_max
SELECT max(reltuples) FILTER (WHERE relname = 'vault') FROM pg_class;

-- case: sequences_by_position
SELECT s.k FROM pg_sequences AS s (a, b, c, d, e, f, g, h, i, j, k) WHERE s.b = 'counter';

-- case: sequences_row
SELECT to_jsonb(s) ->> 'last_value' FROM pg_sequences AS s WHERE s.sequencename = 'counter';

-- case: statistic_by_attribute
SELECT pg_stat_get_live_tuples(c.oid) > 300 FROM pg_class AS c WHERE c.relname = 'vault';

-- case: xact_counter
BEGIN;
SELECT pg_stat_get_numscans('vault'::regclass) >= 0, pg_stat_get_tuples_returned('vault'::regclass) >= 0, pg_stat_get_live_tuples('vault'::regclass) > 300;
COMMIT;

-- case: regclass_sum
SELECT sum(pg_relation_size(i.indexrelid)) FROM pg_index AS i WHERE i.indrelid = 'vault'::regclass;

-- case: size_of_a_hidden_choice
SELECT pg_relation_size(CASE WHEN random() < 2 THEN 'vault' ELSE 'orders' END), pg_indexes_size(max(c.oid)) FROM pg_class AS c WHERE c.relname = 'vault';

-- case: size_in_from
SELECT s.s FROM pg_class AS c, LATERAL pg_total_relation_size(c.oid) AS s (s) WHERE c.relname = 'vault';
