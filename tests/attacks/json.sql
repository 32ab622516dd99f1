-- JSON functions over rows and values.
-- purpose: denied, masked

-- case: to_jsonb_field
SELECT to_jsonb(p) ->> 'secret' FROM people AS p ORDER BY p.id;

-- case: to_jsonb_minus
SELECT to_jsonb(p) - 'email' FROM people AS p ORDER BY p.id;

-- case: row_keys
SELECT count(*) FROM people AS p, jsonb_each_text(to_jsonb(p)) AS e WHERE e.value LIKE '%SECRET-A%';

-- case: build_object
SELECT jsonb_build_object('v', secret, 'n', score) FROM people ORDER BY id;

-- case: arrow
SELECT profile ->> 'kin' FROM people ORDER BY id;

-- case: path
SELECT profile #>> '{kin,0}' FROM people ORDER BY id;

-- case: subscript
SELECT profile['kin'] FROM people ORDER BY id;

-- case: jsonpath
SELECT jsonb_path_query_array(profile, '$.kin') FROM people ORDER BY id;

-- case: jsonpath_exists
SELECT id FROM people WHERE profile @? '$.kin' ORDER BY id;

-- case: jsonpath_match
SELECT id FROM people WHERE profile @@ '$.n > 3' ORDER BY id;

-- case: jsonpath_error
SELECT jsonb_path_query(profile, 'strict $.n') FROM people ORDER BY id;

-- case: contains
SELECT id FROM people WHERE profile @> '{"n": 3}' ORDER BY id;

-- case: has_key
SELECT id FROM people WHERE profile ? 'n' ORDER BY id;

-- case: type_of
SELECT jsonb_typeof(profile) FROM people ORDER BY id;

-- case: pretty
SELECT jsonb_pretty(profile) FROM people ORDER BY id;

-- case: array_elements
SELECT jsonb_array_elements(profile -> 'kin') FROM people WHERE jsonb_typeof(profile -> 'kin') = 'array' ORDER BY id;

-- case: object_keys_error
SELECT jsonb_object_keys(profile) FROM people ORDER BY 1;

-- case: cast_of_member
SELECT (profile -> 'kin')::int FROM people ORDER BY id;

-- case: array_to_json
SELECT array_to_json(labels) FROM people ORDER BY id;

-- case: delete_path
SELECT profile #- '{n}' FROM people ORDER BY id;

-- case: json_hidden
-- purpose: filtered
SELECT jsonb_agg(to_jsonb(p) ORDER BY p.id) FROM people AS p;
