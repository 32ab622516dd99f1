-- Masked columns probed wherever a value can be felt.
-- purpose: masked

-- case: where_equal
SELECT id FROM people WHERE pin = '77' ORDER BY id;

-- case: where_phone
SELECT id FROM people WHERE phone = '+999' ORDER BY id;

-- case: where_phone_mask
SELECT id FROM people WHERE phone LIKE '+10%' ORDER BY id;

-- case: join
SELECT count(*) FROM people AS a JOIN people AS b ON a.phone = b.phone;

-- case: group
SELECT phone, count(*) FROM people GROUP BY phone ORDER BY 1;

-- case: order
SELECT id FROM people ORDER BY phone DESC, email, id;

-- case: distinct
SELECT DISTINCT phone, email IS NULL FROM people ORDER BY 1, 2;

-- case: window
SELECT id, dense_rank() OVER (ORDER BY phone) FROM people ORDER BY id;

-- case: case
SELECT CASE WHEN email IS NULL THEN 'none' ELSE 'some' END FROM people ORDER BY id;

-- case: is_null
SELECT count(*) FROM people WHERE email IS NOT NULL;

-- case: in_sub_query
SELECT id FROM orders WHERE person_id IN (SELECT id FROM people WHERE email IS NULL) ORDER BY id;

-- case: length
SELECT length(phone), phone::varchar(2) FROM people ORDER BY id;

-- case: cast
SELECT phone::bigint FROM people ORDER BY id;

-- case: row
SELECT (p).phone, to_json(p) FROM people AS p ORDER BY p.id;

-- case: row_null
SELECT id FROM people AS p WHERE (p.email, p.phone) IS NOT NULL ORDER BY id;

-- case: natural
SELECT count(*) FROM (SELECT phone FROM people) AS a NATURAL JOIN (SELECT phone FROM people) AS b;

-- case: using
SELECT count(*) FROM people AS a JOIN people AS b USING (phone, email);

-- case: aggregate
SELECT min(phone), max(phone), count(DISTINCT phone), count(email) FROM people;

-- case: having
SELECT city FROM people GROUP BY city HAVING count(email) = 3 ORDER BY city;

-- case: lateral
SELECT x FROM people AS p, LATERAL (SELECT p.phone || 'x' AS x) AS l ORDER BY p.id;

-- case: set_operation
SELECT phone FROM people EXCEPT SELECT '+999' ORDER BY 1;

-- case: enum_order
SELECT id FROM people ORDER BY mood, id;

-- case: array
SELECT labels[1], cardinality(labels) FROM people ORDER BY id;

-- case: json
SELECT profile -> 'n' FROM people ORDER BY id;

-- case: numeric
SELECT salary / 2, salary::int FROM people ORDER BY id;

-- case: composite
SELECT (box).a FROM boxes ORDER BY id;

-- case: range
SELECT lower(during), isempty(during) FROM bookings ORDER BY id;

-- case: generated
SELECT shout FROM derived ORDER BY id;

-- case: tablesample
SELECT secret FROM people TABLESAMPLE SYSTEM (100) ORDER BY id;

-- case: partition
SELECT who FROM events ORDER BY id;

-- case: inherited
SELECT body FROM documents ORDER BY id;

-- case: on_conflict_probe
SELECT 'x' WHERE (SELECT phone FROM people WHERE id = 1) = '+101';

-- case: cursor
BEGIN;
DECLARE c CURSOR FOR SELECT phone, email FROM people ORDER BY id;
FETCH ALL FROM c;
COMMIT;

-- case: limit
SELECT id FROM people ORDER BY phone, id LIMIT 2;

-- case: prepared
-- modes: simple
\parse - [25] SELECT id FROM people WHERE phone = $1 ORDER BY id
\bind - - +999
\execute - 0
\sync
