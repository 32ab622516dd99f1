-- Notices, warnings and the fields of errors.
-- purpose: denied, masked

-- case: detail_of_unique
-- purpose: writer
INSERT INTO pins (id, pin) VALUES (50, '9001');

-- case: detail_of_check
-- purpose: writer
UPDATE limits SET shown = -5, id = id + 0 WHERE cap < 100 RETURNING id;
UPDATE limits SET shown = 50;

-- case: detail_of_failing_row
-- purpose: writer
UPDATE people SET name = NULL WHERE id = 2;

-- case: detail_of_foreign_key
-- purpose: writer
DELETE FROM parents WHERE id < 4;

-- case: context_of_function
SELECT fails(2);

-- case: notice_per_row
SELECT tells(id) FROM people ORDER BY id;

-- case: message_of_cast
SELECT pin::int FROM people WHERE id = 3;

-- case: message_of_enum
SELECT secret::mood FROM people WHERE id = 1;

-- case: message_of_json
SELECT ('{' || pin || '}')::json FROM people WHERE id = 1;

-- case: message_of_date
SELECT secret::timestamptz FROM people WHERE id = 1;

-- case: message_of_regex
SELECT regexp_replace('x', 'x', 'y', CASE WHEN score > 0 THEN 'zz' ELSE 'qq' END) FROM people WHERE id = 1;

-- case: message_of_array
SELECT (secret || '{')::int[] FROM people WHERE id = 1;

-- case: message_of_range
SELECT int4range(score, 0) FROM people WHERE id = 1;

-- case: message_of_time_zone
SELECT now() AT TIME ZONE secret FROM people WHERE id = 1;

-- case: message_of_function_name
SELECT format('%' || score || '$s', 1) FROM people WHERE id = 1;

-- case: message_of_setting
SELECT set_config('timezone', secret, true) FROM people WHERE id = 1;

-- case: message_of_sequence
SELECT nextval(secret) FROM people WHERE id = 1;

-- case: message_of_template
SELECT to_timestamp(substr(secret, 8), 'YYYY') FROM people WHERE id = 1;

-- case: message_of_encoding
SELECT convert_from(decode('cc' || lpad(abs(score)::text, 2, '0'), 'hex'), 'UTF8') FROM people WHERE id = 8;

-- case: hidden_notice
-- purpose: filtered
SELECT tells(id) FROM generate_series(1, 3) AS id ORDER BY id;

-- case: hidden_message
-- purpose: filtered
SELECT count(*) FROM people WHERE name::int > 0 AND name LIKE 'SECRET%';

-- case: hidden_message_of_enum
-- purpose: filtered
SELECT id FROM people WHERE id IN (3, 7) AND city::mood = 'low' ORDER BY id;
