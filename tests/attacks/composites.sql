-- Composite types, arrays and ranges hold more than one value.
-- purpose: denied, masked

-- case: field
SELECT (box).b FROM boxes ORDER BY id;

-- case: all_fields
SELECT (box).* FROM boxes ORDER BY id;

-- case: composite
SELECT box FROM boxes ORDER BY id;

-- case: compare_composite
SELECT id FROM boxes WHERE box = ROW(1, 'SECRET-A')::pair ORDER BY id;

-- case: order_composite
SELECT id FROM boxes ORDER BY box;

-- case: composite_as_text
SELECT box::text FROM boxes ORDER BY id;

-- case: composite_in_json
SELECT to_json(box) FROM boxes ORDER BY id;

-- case: array_of_rows
SELECT array_agg(p ORDER BY p.id) FROM people AS p;

-- case: element_of_array_of_rows
SELECT (array_agg(p ORDER BY p.id))[1].secret FROM people AS p;

-- case: array_member
SELECT labels[1] FROM people ORDER BY id;

-- case: array_slice
SELECT labels[1:1] FROM people ORDER BY id;

-- case: array_length
SELECT array_length(labels, 1) FROM people ORDER BY id;

-- case: array_contains
SELECT id FROM people WHERE labels @> ARRAY['x'] ORDER BY id;

-- case: array_any
SELECT id FROM people WHERE 'x' = ANY (labels) ORDER BY id;

-- case: array_unnest
SELECT unnest(labels) FROM people ORDER BY 1;

-- case: array_to_string
SELECT array_to_string(labels, ',') FROM people ORDER BY id;

-- case: range_bounds
SELECT lower(during), upper(during) FROM bookings ORDER BY id;

-- case: range_contains
SELECT id FROM bookings WHERE during @> 12;

-- case: range_overlaps
SELECT id FROM bookings WHERE during && int4range(15, 26) ORDER BY id;

-- case: multirange
SELECT range_agg(during) FROM bookings;

-- case: enum_range
SELECT id FROM people WHERE mood = ANY (enum_range('mid'::mood, 'high')) ORDER BY id;

-- case: enum_first
SELECT min(mood) FROM people;

-- case: hidden_array
-- purpose: filtered
SELECT array_agg(p ORDER BY p.id) FROM people AS p;

-- case: hidden_box
-- purpose: filtered
SELECT count(*), min((box).a) FROM boxes;
