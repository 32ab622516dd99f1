-- The pair `columns`: the same rows in both worlds, other values in closed columns. `:'side'` is 'a' or 'b'.
-- Closed texts are marked SECRET-A or SECRET-BB. Between the worlds they differ in length, order, number of nulls, and in
-- whether they are distinct; numbers in sign and in whether one is zero; pins in whether all of them are numbers.

DELETE FROM members; DELETE FROM children; DELETE FROM parents; DELETE FROM orders; DELETE FROM people; DELETE FROM vault;
DELETE FROM notes; DELETE FROM pins; DELETE FROM limits; DELETE FROM derived; DELETE FROM bookings; DELETE FROM events;
DELETE FROM documents; DELETE FROM boxes; DELETE FROM derived_too; DELETE FROM other.people; DELETE FROM trapped; DELETE FROM copied;
DELETE FROM ruled; DELETE FROM kept; DELETE FROM defaulted; DELETE FROM "Größe ""x""";
DELETE FROM "a_name_of_sixty_three_bytes_which_is_as_long_as_postgres_permits";

INSERT INTO people SELECT i, 'name ' || i, 'city ' || i % 4,
        'SECRET-A-' || i, (1000 + i)::text, i, i % 2 = 0, date '1980-01-01' + i, CASE WHEN i < 6 THEN 'low' ELSE 'high' END::mood,
        jsonb_build_object('kin', 'SECRET-A-' || i, 'n', i), ARRAY['SECRET-A-' || i], 1000 + i,
        'a' || i || '@SECRET-A.example', '+10' || i, i % 6 <> 0, NULL
    FROM generate_series(1, 12) AS i WHERE :'side' = 'a';
INSERT INTO people SELECT i, 'name ' || i, 'city ' || i % 4,
        CASE WHEN i % 5 <> 0 THEN 'SECRET-BB-' || 50 - i / 2 END, CASE WHEN i % 3 = 0 THEN 'word' ELSE '77' END,
        CASE WHEN i % 4 = 0 THEN 0 ELSE -i END, i % 3 = 0, CASE WHEN i <> 7 THEN date '2015-06-30' - i END,
        CASE WHEN i < 4 THEN 'high' ELSE 'mid' END::mood,
        CASE WHEN i % 2 = 0 THEN jsonb_build_object('kin', jsonb_build_array('SECRET-BB-' || i)) ELSE '[]' END,
        CASE WHEN i % 2 = 0 THEN ARRAY['SECRET-BB', 'x'] ELSE '{}' END, CASE WHEN i <> 3 THEN 9e9 ELSE 0 END,
        CASE WHEN i % 2 = 0 THEN 'b@SECRET-BB.example' END, '+999', i % 6 <> 0, NULL
    FROM generate_series(1, 12) AS i WHERE :'side' = 'b';
INSERT INTO orders SELECT i, i % 12 + 1, i * 10, 'note ' || i,
        CASE :'side' WHEN 'a' THEN 'SECRET-A-' || i ELSE 'SECRET-BB-' || 30 - i END
    FROM generate_series(1, 20) AS i;
INSERT INTO vault SELECT i, 'SECRET-A-' || i, i FROM generate_series(1, 3) AS i WHERE :'side' = 'a';
INSERT INTO vault SELECT i * 2, 'SECRET-BB-' || i, 0 FROM generate_series(1, 700) AS i WHERE :'side' = 'b';
INSERT INTO kept SELECT i, 'SECRET-A-' || 100 - i || '@x.fr', '75' || i || ' AB', date '2001-01-01' + i, 1000 + i,
        ('10.1.2.' || i)::inet, jsonb_build_object('lang', 'fr', 'kin', 'SECRET-A-' || i), 'token',
        'SECRET-A-' || i
    FROM generate_series(1, 6) AS i WHERE :'side' = 'a';
INSERT INTO kept SELECT i, CASE WHEN i % 2 = 0 THEN 'SECRET-BB-' ELSE '' END || '000000' || i || '@x.fr', '75' || i || 9999 - i, date '2001-12-31' - i * 5,
        1999.5 - i, ('10.1.2.' || 255 - i)::inet, jsonb_build_object('lang', 'fr', 'n', i), 'token',
        CASE WHEN i % 3 = 0 THEN 'Z' ELSE 'SECRET-BB-' || 9 - i END
    FROM generate_series(1, 6) AS i WHERE :'side' = 'b';
INSERT INTO pins SELECT i, CASE :'side' WHEN 'a' THEN '100' || i ELSE '900' || i END, 'label ' || i FROM generate_series(1, 5) AS i;
INSERT INTO limits SELECT i, 1, CASE :'side' WHEN 'a' THEN 10 ELSE 1000 END FROM generate_series(1, 5) AS i;
INSERT INTO derived (id, shown, secret)
    SELECT i, 'shown ' || i, CASE :'side' WHEN 'a' THEN 'SECRET-A-' || i ELSE 'SECRET-BB' END FROM generate_series(1, 5) AS i;
INSERT INTO derived_too (id, secret) SELECT i, CASE :'side' WHEN 'a' THEN 'SECRET-A-' || i ELSE 'SECRET-BB' END FROM generate_series(1, 5) AS i;
INSERT INTO bookings SELECT i, i, CASE :'side' WHEN 'a' THEN int4range(i * 10, i * 10 + 5) ELSE int4range(i * 10 + 5, i * 10 + 10) END
    FROM generate_series(1, 5) AS i;
INSERT INTO members SELECT i, i, CASE :'side' WHEN 'a' THEN 'SECRET-A' ELSE 'SECRET-BB' END FROM generate_series(1, 5) AS i;
INSERT INTO parents SELECT i, 'parent ' || i FROM generate_series(1, 6) AS i;
INSERT INTO children SELECT i, i, 'SECRET-A-' || i FROM generate_series(1, 3) AS i WHERE :'side' = 'a';
INSERT INTO children SELECT i, i, 'SECRET-BB-' || i FROM generate_series(4, 5) AS i WHERE :'side' = 'b';
INSERT INTO events SELECT i, date '2025-12-28' + i, 'kind ' || i % 2, CASE :'side' WHEN 'a' THEN 'SECRET-A-' || i ELSE 'SECRET-BB-' || 20 - i END
    FROM generate_series(1, 8) AS i;
INSERT INTO documents SELECT i, 'title ' || i, CASE :'side' WHEN 'a' THEN 'SECRET-A-' || i ELSE 'SECRET-BB-' || 20 - i END
    FROM generate_series(1, 4) AS i;
INSERT INTO documents_legal SELECT i, 'title ' || i, CASE :'side' WHEN 'a' THEN 'SECRET-A-' || i ELSE 'SECRET-BB-' || 20 - i END, true,
        CASE :'side' WHEN 'a' THEN 'SECRET-A-' || i ELSE NULL END FROM generate_series(5, 7) AS i;
INSERT INTO boxes SELECT i, ROW(CASE :'side' WHEN 'a' THEN i ELSE -i END, CASE :'side' WHEN 'a' THEN 'SECRET-A' ELSE 'SECRET-BB' END)::pair
    FROM generate_series(1, 3) AS i;
INSERT INTO "a_name_of_sixty_three_bytes_which_is_as_long_as_postgres_permits" VALUES (1, 'SECRET-' || :'side' || '-long');
INSERT INTO "Größe ""x""" VALUES (1, 'SECRET-' || :'side' || '-кто');
INSERT INTO other.people VALUES (1, 'other', 'SECRET-' || :'side' || '-other');
INSERT INTO trapped SELECT i, 'label', 'SECRET-' || :'side' || repeat('x', i) FROM generate_series(1, 3) AS i;
SELECT setval('notes_id_seq', 1, false), setval('counter', CASE :'side' WHEN 'a' THEN 17 ELSE 4711 END);
SELECT lo_unlink(oid) FROM pg_largeobject_metadata;
SELECT lo_from_bytea(4242, CASE :'side' WHEN 'a' THEN 'SECRET-A' ELSE 'SECRET-BB, and longer' END::bytea);
REFRESH MATERIALIZED VIEW people_kept;
