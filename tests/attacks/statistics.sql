-- Counters of the statistics collector.
-- purpose: denied

-- case: user_tables
SELECT n_live_tup > 300 FROM pg_stat_user_tables WHERE relname = 'vault';

-- case: user_tables_inserted
SELECT n_tup_ins - n_tup_del > 300 FROM pg_stat_user_tables WHERE relname = 'vault';

-- case: all_tables
SELECT n_live_tup > 300 FROM pg_stat_all_tables WHERE relname = 'vault';

-- case: live_tuples_function
SELECT pg_stat_get_live_tuples('vault'::regclass) > 300;

-- case: inserted_function
SELECT pg_stat_get_tuples_inserted('vault'::regclass) - pg_stat_get_tuples_deleted('vault'::regclass) > 300;

-- case: mod_since_analyze
SELECT id FROM people, pg_stat_user_tables AS s WHERE s.n_live_tup > 300 AND s.relname = 'vault' ORDER BY 1;

-- case: attribute_notation
SELECT ('vault'::regclass::oid).pg_stat_get_live_tuples > 300;

-- case: hidden
-- purpose: filtered
SELECT n_live_tup > 20 FROM pg_stat_user_tables WHERE relname = 'people';

-- case: hidden_function
-- purpose: filtered
SELECT pg_stat_get_live_tuples('people'::regclass) > 20;
