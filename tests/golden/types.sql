-- under plain
-- what a cast runs may be run
SELECT 'x'::short, 'y'::shorter, '{x}'::short[], CAST(name AS short) FROM people
SELECT 'red'::colour, enum_range(NULL::colour), 'red'::colour::text
SELECT ROW(1, 'x')::pair, NULL::pair, '(1,x)'::pair, (ROW(1, 'x')::pair).b
SELECT '[a,b]'::textrange, textrange('a', 'b')
SELECT NULL::people, json_populate_record(NULL::people, '{"id": 1}')
SELECT short('x'), ('x'::text).short, public.short('x')
SELECT '1'::numeric(5, 2), 'x'::varchar(3), '{1}'::int[], 'people'::regclass
SELECT x::short FROM unnest(ARRAY['a']) AS x
SELECT (both_of).a, (both_of).b, feelings.both_of FROM plain_pairs AS feelings
-- what it runs may not be run
SELECT 'x'::fishy
SELECT '{x}'::fishy[], '{x}'::_fishy
SELECT ROW(1, 'x')::holder
SELECT '(1,x)'::fishy_pair
SELECT fishy('x')
SELECT public.fishy('x')
SELECT ('x'::text).fishy
SELECT ('x'::text)._fishy
SELECT takes_fishy('x')
SELECT json_populate_record(NULL::holder, '{"b": "x"}')
SELECT * FROM json_to_record('{"b": "x"}') AS x(b fishy)
SELECT 'x'::telling
SELECT 'x'::nosuch
-- casts by functions of users
SELECT both_of::int FROM plain_pairs
SELECT both_of::numeric FROM plain_pairs
SELECT ROW(1, 'x')::pair::int
SELECT (SELECT both_of FROM plain_pairs LIMIT 1)::int
SELECT id::int, '1'::int, sum(id)::int FROM orders GROUP BY id
SELECT sum(id)::int, count(both_of) FROM plain_pairs
SELECT int4(both_of) FROM plain_pairs
-- a cast that no one writes can only happen where its type is
SELECT felt FROM feelings
SELECT id FROM feelings
SELECT 'glad'::mood + 1
SELECT id + 1 FROM orders
-- operators and overloads that the operands cannot reach
SELECT name || 'x', 'a' || name || city FROM people
SELECT $1 || $2
SELECT lower(name), lower('X'::text) FROM people
SELECT lower('X')
SELECT lower(x) FROM (SELECT name || 'x' AS x FROM people) AS s
SELECT lower(name || 'x'), lower(coalesce(city, 'x')), lower(substr(name, 1)) FROM people
SELECT sum((both_of).a)::int, (both_of).a::int FROM plain_pairs GROUP BY 2
-- functions that are given a type by its name, or look for a cast to JSON
SELECT pg_input_is_valid('x', 'integer'), pg_input_is_valid('x', 'numeric(5, 2)')
SELECT pg_input_is_valid('x', 'fishy')
SELECT pg_input_is_valid('x', 'public.fishy[]')
SELECT (pg_input_error_info('x', 'telling')).message
SELECT pg_input_is_valid('x', name) FROM people
SELECT to_jsonb(shade) FROM shades
SELECT row_to_json(shades) FROM shades
SELECT id FROM orders
-- a row-typed function and its columns
SELECT * FROM pairs_there()
SELECT (pairs_there()).*
SELECT x.b FROM pairs_there() AS x, orders WHERE note = x.b
-- under teller
-- what is written becomes its column's type
INSERT INTO plain_pairs (id, both_of) VALUES (1, ROW(1, 'x'))
INSERT INTO tells (id, said) VALUES (1, 'x')
INSERT INTO tells (id) VALUES (1)
