-- Errors that quote a value, or come only if it is there.
-- purpose: denied, masked

-- case: text_to_int
SELECT secret::int FROM people ORDER BY id;

-- case: words_that_are_numbers
SELECT count(pin::int) FROM people;

-- case: where_cast
SELECT id FROM people WHERE pin::int > 0 ORDER BY id;

-- case: division
SELECT 1 / score FROM people ORDER BY id;

-- case: division_in_where
SELECT id FROM people WHERE 100 / score > 2 ORDER BY id;

-- case: modulo
SELECT count(10 % score) FROM people;

-- case: overflow
SELECT sum((score + 2147483646)::int) FROM people WHERE score > -2147483647;

-- case: numeric_overflow
SELECT salary::int FROM people ORDER BY id;

-- case: logarithm
SELECT sum(ln(score)) FROM people;

-- case: square_root
SELECT sum(sqrt(score)) FROM people;

-- case: power
SELECT sum(power(score::float8, 0.5)) FROM people;

-- case: to_date
SELECT to_date(pin, 'YYYY') FROM people ORDER BY id;

-- case: to_number
SELECT to_number(pin, '9999') FROM people ORDER BY id;

-- case: text_to_date
SELECT secret::date FROM people ORDER BY id;

-- case: text_to_json
SELECT ('[' || replace(secret, 'SECRET-', '') || ']')::jsonb FROM people ORDER BY id;

-- case: text_to_enum
SELECT secret::mood FROM people ORDER BY id;

-- case: text_to_uuid
SELECT pin::uuid FROM people ORDER BY id;

-- case: text_to_boolean
SELECT pin::boolean FROM people ORDER BY id;

-- case: text_to_inet
SELECT secret::inet FROM people ORDER BY id;

-- case: text_to_xml
SELECT ('<' || secret || '>')::xml FROM people ORDER BY id;

-- case: text_to_regclass
SELECT secret::regclass FROM people ORDER BY id;

-- case: text_to_regrole
SELECT secret::regrole FROM people ORDER BY id;

-- case: cut_to_length
SELECT secret::varchar(10) FROM people ORDER BY id;

-- case: domain
SELECT secret::word FROM people ORDER BY id;

-- case: array_bounds
SELECT (ARRAY[1, 2, 3])[score] FROM people ORDER BY id;

-- case: substring_negative
SELECT substring('abcdefgh', 1, score) FROM people ORDER BY id;

-- case: repeat_huge
SELECT length(repeat('x', score)) FROM people ORDER BY id;

-- case: chr_zero
SELECT chr(score) FROM people ORDER BY id;

-- case: set_byte
SELECT get_byte('abc'::bytea, score) FROM people WHERE score < 4 ORDER BY id;

-- case: make_date
SELECT make_date(2026, score, 1) FROM people ORDER BY id;

-- case: make_interval
SELECT make_interval(secs => 1 / score) FROM people ORDER BY id;

-- case: bit_length
SELECT score::bit(8) FROM people ORDER BY id;

-- case: decode
SELECT decode(pin, 'hex') FROM people ORDER BY id;

-- case: width_bucket
SELECT width_bucket(score, 0, 10, 1 + score) FROM people ORDER BY id;

-- case: lateral_error
SELECT o.id FROM orders AS o, LATERAL (SELECT 1 / p.score AS x FROM people AS p WHERE p.id = o.person_id) AS l WHERE l.x < 9 ORDER BY 1;

-- case: error_in_order
SELECT id FROM people ORDER BY 1 / score, id;

-- case: error_in_group
SELECT count(*) FROM people GROUP BY 1 / score ORDER BY 1;

-- case: error_in_limit
SELECT id FROM people ORDER BY id LIMIT (SELECT 3 / min(score) FROM people WHERE score >= 0);

-- case: error_in_offset
SELECT id FROM people ORDER BY id OFFSET (SELECT min(score) FROM people);

-- case: text_to_ranges
SELECT ('[1,' || score || ']')::int4range FROM people ORDER BY id;

-- case: overflow_sum
SELECT sum(salary * 1e300::numeric)::float8::int FROM people;
