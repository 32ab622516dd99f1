-- The pair `rows`: rows with consent are the same in both worlds in every column; those without differ in number and in all
-- they hold. `:'side'` is 'a' or 'b'. Hidden rows stand in front of, between and behind the visible ones.
-- Every visible pin is a number and every visible score is not zero; of the hidden ones
-- some are not, and a score of zero is in a only.

DELETE FROM members; DELETE FROM children; DELETE FROM parents; DELETE FROM orders; DELETE FROM people; DELETE FROM vault;
DELETE FROM notes; DELETE FROM pins; DELETE FROM limits; DELETE FROM derived; DELETE FROM bookings; DELETE FROM events;
DELETE FROM documents; DELETE FROM boxes; DELETE FROM other.people; DELETE FROM trapped; DELETE FROM copied;
DELETE FROM ruled; DELETE FROM defaulted; DELETE FROM "Größe ""x""";
DELETE FROM "a_name_of_sixty_three_bytes_which_is_as_long_as_postgres_permits";

DELETE FROM payments; DELETE FROM accounts; DELETE FROM agreements;
INSERT INTO accounts SELECT i, 1, 'account ' || i, (100 + i)::text FROM generate_series(1, 5) AS i;
INSERT INTO accounts SELECT i, 2, 'SECRET-A ' || i, 'word ' || i FROM generate_series(11, 13) AS i WHERE :'side' = 'a';
INSERT INTO accounts SELECT i, 3, 'SECRET-BB ' || i, '0' FROM generate_series(12, 40) AS i WHERE :'side' = 'b';
INSERT INTO payments SELECT i, i, i * 10, (100 + i)::text FROM generate_series(1, 5) AS i;
INSERT INTO payments SELECT i + 100, i, 0, 'SECRET-A' FROM generate_series(11, 12) AS i WHERE :'side' = 'a';
INSERT INTO payments SELECT i + 100, i, 900, '7' FROM generate_series(12, 30) AS i WHERE :'side' = 'b';
INSERT INTO agreements SELECT i, i, NULL FROM generate_series(1, 5) AS i;
INSERT INTO agreements SELECT i, i, timestamptz '2026-01-01 00:00:00+00' FROM generate_series(11, 13) AS i WHERE :'side' = 'a';
INSERT INTO agreements SELECT i, 1, timestamptz '2025-01-01 00:00:00+00' FROM generate_series(20, 31) AS i WHERE :'side' = 'b';

DELETE FROM guests; DELETE FROM patrons; DELETE FROM objections; DELETE FROM refusals; DELETE FROM mixed; DELETE FROM mixed_too;
INSERT INTO patrons SELECT i, 'patron ' || i, (100 + i)::text FROM generate_series(1, 5) AS i;
INSERT INTO patrons SELECT i, 'SECRET-A ' || i, 'word ' || i FROM generate_series(11, 13) AS i WHERE :'side' = 'a';
INSERT INTO patrons SELECT i, 'SECRET-BB ' || i, '0' FROM generate_series(11, 40) AS i WHERE :'side' = 'b';
INSERT INTO objections SELECT id, id FROM patrons WHERE id > 10;
INSERT INTO refusals SELECT id, id, 'kept' FROM patrons WHERE id > 10;
INSERT INTO guests SELECT id, id, pin FROM patrons;
INSERT INTO mixed SELECT id, name, pin, id < 10 FROM patrons;
INSERT INTO mixed_too SELECT id, name, ROW(id)::things, id < 10 FROM patrons;

-- Even ids up to 12 are seen. In a three more are hidden, in b 45.
INSERT INTO people SELECT i, 'name ' || i, 'city ' || i % 4, 'shown ' || i, (1000 + i)::text, i, i % 4 = 0, date '1980-01-01' + i,
        'mid', jsonb_build_object('kin', 'shown ' || i, 'n', i), ARRAY['shown', i::text], 1000 + i, i || '@shown.example', '+10' || i,
        true, NULL
    FROM generate_series(2, 4, 2) AS i;
INSERT INTO people SELECT i, 'SECRET-A ' || i, 'city ' || i % 2, 'SECRET-A-' || i, 'word ' || i, 0, NULL, NULL, 'low',
        '{"kin": "SECRET-A"}', ARRAY['SECRET-A'], 1, 'SECRET-A@x.example', '+0', false, NULL
    FROM generate_series(1, 5, 2) AS i WHERE :'side' = 'a';
INSERT INTO people SELECT i, 'SECRET-BB ' || i, 'nowhere ' || i, NULL, '5', -i, true, date '2020-02-02', 'high',
        '["SECRET-BB"]', '{}', 9e9, NULL, NULL, i < 20, timestamptz '2026-01-01 00:00:00+00'
    FROM generate_series(7, 31, 6) AS i WHERE :'side' = 'b';
INSERT INTO people SELECT i, 'name ' || i, 'city ' || i % 4, 'shown ' || i, (1000 + i)::text, i, i % 4 = 0, date '1980-01-01' + i,
        'mid', jsonb_build_object('kin', 'shown ' || i, 'n', i), ARRAY['shown', i::text], 1000 + i, i || '@shown.example', '+10' || i,
        true, NULL
    FROM generate_series(6, 12, 2) AS i;
INSERT INTO people SELECT i, 'SECRET-BB ' || i, 'city ' || i % 4, 'SECRET-BB-' || i, 'word', -3, false, date '2021-01-01', 'high',
        'null', NULL, 0, 'SECRET-BB@x.example', '+1', false, NULL
    FROM generate_series(101, 140) AS i WHERE :'side' = 'b';
INSERT INTO orders SELECT i, i % 6 * 2 + 2, i * 10, 'note ' || i, '40' || i FROM generate_series(1, 10) AS i;
INSERT INTO orders SELECT i, 2, 0, 'SECRET-A', 'word', false FROM generate_series(20, 22) AS i WHERE :'side' = 'a';
INSERT INTO orders SELECT i, 4, 900000, 'SECRET-BB', '9', false FROM generate_series(21, 60) AS i WHERE :'side' = 'b';
INSERT INTO vault SELECT i, 'word ' || i, i FROM generate_series(1, 3) AS i;
INSERT INTO vault SELECT i, 'SECRET-A', 0, false FROM generate_series(10, 11) AS i WHERE :'side' = 'a';
INSERT INTO vault SELECT i, 'SECRET-BB', 3, false FROM generate_series(11, 700) AS i WHERE :'side' = 'b';
INSERT INTO pins SELECT i, '100' || i, 'label ' || i FROM generate_series(1, 5) AS i;
INSERT INTO pins SELECT 20, '9020', 'hidden a', false WHERE :'side' = 'a';
INSERT INTO pins SELECT 21, '9021', 'hidden b', false WHERE :'side' = 'b';
INSERT INTO limits SELECT i, 1, 10 FROM generate_series(1, 5) AS i;
INSERT INTO limits SELECT i, 1, 10, false FROM generate_series(6, 7) AS i WHERE :'side' = 'b';
INSERT INTO derived (id, shown, secret) SELECT i, 'shown ' || i, 'kept' FROM generate_series(1, 5) AS i;
INSERT INTO derived (id, shown, secret, consent) SELECT 6, 'SECRET-A', 'SECRET-A', false WHERE :'side' = 'a';
INSERT INTO bookings SELECT i, i, int4range(i * 10, i * 10 + 5) FROM generate_series(1, 5) AS i;
INSERT INTO bookings SELECT 6, 6, int4range(100, 110), false WHERE :'side' = 'a';
INSERT INTO members SELECT i, i * 2, 'level' FROM generate_series(1, 5) AS i;
INSERT INTO members SELECT 6, 2, 'SECRET-BB', false WHERE :'side' = 'b';
INSERT INTO parents SELECT i, 'parent ' || i FROM generate_series(1, 3) AS i;
INSERT INTO parents SELECT 4, 'SECRET-A', false WHERE :'side' = 'a';
INSERT INTO parents SELECT 5, 'SECRET-BB', false WHERE :'side' = 'b';
INSERT INTO children SELECT 1, CASE :'side' WHEN 'a' THEN 1 ELSE 2 END, 'SECRET';
INSERT INTO events SELECT i, date '2025-12-28' + i, 'kind ' || i % 2, 'who ' || i FROM generate_series(1, 8) AS i;
INSERT INTO events SELECT i, date '2024-12-28', 'SECRET-A', 'SECRET-A', false FROM generate_series(9, 10) AS i WHERE :'side' = 'a';
INSERT INTO events SELECT i, date '2026-12-28', 'SECRET-BB', 'SECRET-BB', false FROM generate_series(9, 30) AS i WHERE :'side' = 'b';
INSERT INTO documents SELECT i, 'title ' || i, 'body ' || i FROM generate_series(1, 4) AS i;
INSERT INTO documents SELECT 9, 'SECRET-A', 'SECRET-A', false WHERE :'side' = 'a';
INSERT INTO documents_legal SELECT i, 'title ' || i, 'body ' || i, true, 'opinion' FROM generate_series(5, 7) AS i;
INSERT INTO documents_legal SELECT i, 'SECRET-BB', 'SECRET-BB', false, 'SECRET-BB' FROM generate_series(8, 12) AS i WHERE :'side' = 'b';
INSERT INTO boxes SELECT i, ROW(i, 'kept')::pair FROM generate_series(1, 3) AS i;
INSERT INTO boxes SELECT 4, ROW(0, 'SECRET-A')::pair, false WHERE :'side' = 'a';
INSERT INTO "a_name_of_sixty_three_bytes_which_is_as_long_as_postgres_permits" VALUES (1, 'kept', true), (2, 'SECRET-' || :'side', false);
INSERT INTO "Größe ""x""" VALUES (1, 'kept', true), (2, 'SECRET-' || :'side', false);
INSERT INTO other.people VALUES (1, 'other', 'kept', true), (2, 'SECRET-' || :'side', 'SECRET-' || :'side', false);
INSERT INTO trapped SELECT i, 'label', 'kept' FROM generate_series(1, 3) AS i;
INSERT INTO trapped SELECT 4, 'SECRET', 'SECRET-' || :'side' || repeat('x', 4), false;
SELECT setval('notes_id_seq', 1, false), setval('counter', CASE :'side' WHEN 'a' THEN 17 ELSE 4711 END);
SELECT lo_unlink(oid) FROM pg_largeobject_metadata;
SELECT lo_from_bytea(4242, CASE :'side' WHEN 'a' THEN 'SECRET-A' ELSE 'SECRET-BB, and longer' END::bytea);
REFRESH MATERIALIZED VIEW people_kept;
