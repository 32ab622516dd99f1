-- under plain
-- what a cast runs may be run
SELECT 'glad'::mood, 'x'::short, 'y'::shorter, '{x}'::short[], CAST(name AS short) FROM people
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
