-- under plain, masked, filtered, closed
-- seen through: what the body reads must be open as it is
SELECT name_of(1)
SELECT mail_of(1)
SELECT people_there()
SELECT has_secret(1)
-- under plain
SELECT reads_secret(), secret_twice()
SELECT name_by_function(1), parsed_name(1), through_a_view(1)
SELECT parsed_secret(1)
SELECT elsewhere()
SELECT id FROM orders WHERE name_of(person_id) = 'x' ORDER BY mail_of(person_id)
SELECT * FROM whole_people()
SELECT x.called FROM names_there() AS x, people WHERE people.id = x.id
SELECT n, name FROM numbers() AS n, people
SELECT numbers FROM numbers(), orders WHERE note = 'x'
-- the closed column by every way round
SELECT 1 ORDER BY reads_secret()
SELECT 1 LIMIT length(reads_secret())
SELECT 1 OFFSET (SELECT length(reads_secret()))
SELECT count(*) FILTER (WHERE has_secret(id)) FROM orders
SELECT DISTINCT ON (has_secret(id)) id FROM orders
SELECT sum(id) OVER (PARTITION BY has_secret(id)) FROM orders
SELECT 1 FROM orders GROUP BY has_secret(id)
SELECT (1).has_secret
SELECT ('1'::int).has_secret
SELECT CASE WHEN has_secret(1) THEN 1 ELSE 0 END
SELECT coalesce(NULL, reads_secret())
SELECT ARRAY[reads_secret()], ROW(reads_secret())
SELECT * FROM generate_series(1, length(reads_secret()))
SELECT * FROM ROWS FROM (numbers(), whole_people()) AS x
SELECT 1 FROM orders JOIN people ON has_secret(orders.id)
SELECT x FROM (VALUES (reads_secret())) AS v(x)
WITH s AS (SELECT reads_secret() AS x) SELECT x FROM s
SELECT unused.id FROM (SELECT id, reads_secret() AS x FROM orders) AS unused
-- bodies that are not seen through
SELECT as_somebody()
SELECT * FROM removes()
SELECT * FROM removes_inside()
SELECT two_statements()
SELECT backslash()
SELECT endless(1)
SELECT column_or_row('x')
SELECT reads_file()
SELECT opaque(1)
SELECT opaque('a', 'b', 'c')
SELECT opaque('a', VARIADIC ARRAY['b'])
SELECT procedure()
SELECT by_default(), by_default('x')
SELECT tidy_by_default('x')
-- under plain, masked, filtered, everything
-- listed by the policy
SELECT tidy(name) FROM people
SELECT tidy('x', true)
SELECT tidy(name, true) FROM people
SELECT listed_secret()
SELECT listed_mail()
SELECT for_plain()
SELECT util.one(), util.but_this()
SELECT util.one()
SELECT id FROM people WHERE tidy(name) = 'x' AND id = 5
-- under plain
-- aggregates are what their functions are
SELECT joined(name), summed(id) FROM people
SELECT counted_by_hand(id) FROM people
SELECT opaque_joined(name) FROM people
SELECT file_joined(1, 100)
-- operators too
SELECT 'aa' ||> 'bb', name OPERATOR(public.||>) city FROM people
SELECT 'aa' ||< 'bb'
SELECT name FROM people WHERE name OPERATOR(public.||<) 'x' IS NOT NULL
SELECT 'x' LIKE 'a' OPERATOR(public.+) 'b'
-- functional notation
SELECT name(people) FROM people
SELECT secret(people) FROM people
SELECT secret(whole_people())
SELECT (whole_people()).name
SELECT people.tidy FROM people
SELECT has_secret(people.id), (people).id FROM people
-- built in
SELECT pg_advisory_lock(1), pg_try_advisory_xact_lock(1, 2), pg_advisory_unlock_all()
SELECT ts_rewrite('a'::tsquery, 'a'::tsquery, 'b'::tsquery)
SELECT ts_rewrite('a'::tsquery, 'SELECT t, s FROM aliases')
SELECT pg_catalog.pg_read_file('x'), pg_catalog.lower('X')
SELECT query_to_xml('SELECT secret FROM people', true, true, ''), table_to_xml('people', true, true, '')
SELECT lo_get(1), lo_import('/etc/passwd')
SELECT * FROM ts_stat('SELECT secret::tsvector FROM people')
SELECT pg_notify('x', secret) FROM people
SELECT pg_table_size('people'), pg_relation_size('people')
SELECT pg_size_pretty(pg_total_relation_size(c.oid)) FROM pg_class c ORDER BY pg_total_relation_size(c.oid)
SELECT pg_catalog.pg_relation_size(CASE WHEN random() < 2 THEN 'people' ELSE 'orders' END, 'main')
SELECT pg_database_size(current_database()), pg_tablespace_size('pg_default')
SELECT * FROM pg_indexes_size('orders')
SELECT ('people'::regclass).pg_table_size
SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'
SELECT set_config(name, 'x', false) FROM pg_settings WHERE name = 'role'
SELECT set_config(name, 'x', false) FROM pg_settings
SELECT pg_sleep(0), pg_backend_pid(), txid_current(), version(), pg_is_in_recovery()
SELECT set_config('role', 'keeper', false), current_setting('role')
SELECT set_config('TimeZone', 'UTC', false), id FROM orders
-- under plain, everything, none
SELECT pg_table_size('people'), count(*) FROM pg_class
SELECT pid, query FROM pg_stat_activity
SELECT * FROM pg_statistic
-- under plain, teller, everything
SELECT nextval('order_numbers'), currval('public.order_numbers'::regclass)
SELECT nextval('"Order_Numbers"')
-- under teller
SELECT nextval('free_numbers')
SELECT nextval('order_' || 'numbers')
SELECT nextval('people')
SELECT setval('order_numbers', 1)
SELECT setval(pg_get_serial_sequence('"orders"', 'id'), coalesce(max(id), 1), max(id) IS NOT null) FROM orders
SELECT setval(pg_get_serial_sequence('orders', 'note'), 1)
SELECT nextval(pg_get_serial_sequence('public.orders', 'id')::regclass)
SELECT setval(pg_get_serial_sequence('tickets', 'id'), coalesce(max(id), 1), max(id) IS NOT NULL) FROM tickets
SELECT setval('order_numbers', person_id) FROM orders
SELECT setval(note::regclass, 1) FROM orders
SELECT nextval(pg_get_serial_sequence('orders', 'note'))
SELECT currval($1)
SELECT lastval()
SELECT last_value FROM order_numbers
SELECT nextval(note::regclass) FROM orders
SELECT ('order_numbers'::regclass).nextval
