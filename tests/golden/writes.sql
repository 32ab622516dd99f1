-- under clerk
-- values
INSERT INTO tickets (owner, title) VALUES ($1, 'x'), (2, DEFAULT)
INSERT INTO tickets DEFAULT VALUES
INSERT INTO shelf VALUES (1, 'a')
INSERT INTO shelf VALUES (1, 'a', NULL, 4)
INSERT INTO tickets AS t (title, tags[1]) VALUES ('x', 'a') RETURNING t.id, title, words
INSERT INTO tickets (id, title) OVERRIDING SYSTEM VALUE VALUES (1, 'x') RETURNING *
INSERT INTO tickets (nothing) VALUES (1)
INSERT INTO tickets (secret) VALUES ('x')
INSERT INTO tickets (title) SELECT secret FROM tickets
INSERT INTO untagged VALUES (1)
INSERT INTO pg_class (relname) VALUES ('x')
INSERT INTO adults VALUES (1, 'x')
INSERT INTO ruled VALUES (1, 'x')
WITH n AS (SELECT 1 AS id) INSERT INTO shelf (id, label) SELECT id, 'a' FROM n
WITH n AS (INSERT INTO shelf VALUES (1, 'a') RETURNING id) SELECT * FROM n
WITH shelf AS (SELECT 1) INSERT INTO shelf VALUES (1)
-- conflicts
INSERT INTO shelf VALUES (1, 'a') ON CONFLICT DO NOTHING
INSERT INTO shelf VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET label = excluded.label WHERE shelf.label <> 'b' RETURNING id
INSERT INTO shelf VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET label = label
INSERT INTO shelf VALUES (1, 'a') ON CONFLICT ON CONSTRAINT shelf_pkey DO UPDATE SET (label, parent) = (SELECT excluded.label, 2)
INSERT INTO tickets (id, title) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET title = tickets.secret
INSERT INTO shelf VALUES (1, 'a') ON CONFLICT (nothing) DO NOTHING
-- what the server calls
INSERT INTO called (id, label, name, secret, code) VALUES (1, 'a', 'b', 'c', 1)
INSERT INTO called (id, name, secret, code) VALUES (1, 'b', 'c', 1)
INSERT INTO called (id, secret, code) VALUES (1, 'c', 1)
INSERT INTO called (id, name, code) VALUES (1, 'b', 1)
INSERT INTO called (id, name, secret) VALUES (1, 'b', 'c')
UPDATE called SET label = 'x' WHERE id = 1
UPDATE called SET label = DEFAULT, code = 2 WHERE id = 1
UPDATE called SET name = DEFAULT WHERE id = 1
-- updates
UPDATE tickets SET title = 'x', body = DEFAULT WHERE id = $1
UPDATE tickets SET title = upper(title), tags[1] = 'x' WHERE id = 1 RETURNING *
UPDATE tickets t SET (title, body) = (SELECT note, 'x' FROM replies WHERE ticket_id = t.id) WHERE t.id IN (1, 2)
UPDATE tickets SET (title, tags) = ('x', '{}') WHERE id = ANY($1)
UPDATE tickets SET title = r.note FROM replies r WHERE r.ticket_id = tickets.id
UPDATE tickets SET secret = 'x'
UPDATE tickets SET title = 'x' WHERE secret = 'y'
UPDATE tickets SET body = 'x' WHERE id = 1
UPDATE told SET note = 'x'
UPDATE tickets SET title = 'x' WHERE CURRENT OF c
UPDATE ONLY measurements SET value = 1 WHERE at = '2026-01-01'
-- deletions
DELETE FROM replies WHERE id = 1
DELETE FROM replies USING shelf WHERE shelf.id = replies.id RETURNING replies.*
DELETE FROM tickets WHERE id = 1
DELETE FROM people WHERE id = 1
DELETE FROM shelf WHERE id = 1
TRUNCATE shelf
TRUNCATE tickets CASCADE
-- merge
MERGE INTO shelf USING replies r ON shelf.id = r.id WHEN MATCHED AND r.note IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET label = r.note WHEN NOT MATCHED THEN INSERT VALUES (r.id, 'a', NULL)
MERGE INTO tickets t USING replies r ON t.id = r.id WHEN MATCHED THEN UPDATE SET secret = r.note
MERGE INTO shelf USING replies r ON shelf.id = r.id WHEN NOT MATCHED THEN INSERT VALUES (r.id, 'a', NULL) RETURNING merge_action(), shelf.id
SELECT merge_action()
-- copies
COPY shelf TO STDOUT
COPY tickets TO STDOUT
COPY tickets (id, title) TO STDOUT (FORMAT csv, HEADER)
COPY (SELECT id, title FROM tickets) TO STDOUT
COPY (SELECT secret FROM tickets) TO STDOUT
COPY (DELETE FROM shelf RETURNING *) TO STDOUT
COPY shelf (id, label) FROM STDIN
COPY tickets FROM STDIN
COPY replies FROM STDIN
COPY shelf FROM STDIN WHERE id > 1
COPY shelf TO '/tmp/x'
COPY shelf FROM PROGRAM 'id'
-- what would launder
SELECT setval('tickets_id_seq', 1)
SELECT setval(pg_get_serial_sequence('"tickets"', 'id'), coalesce(max("id"), 1), max("id") IS NOT null) FROM "tickets"
SELECT setval('tickets_id_seq', length(email)) FROM tickets
SELECT setval('tickets_id_seq', 1) FROM tickets WHERE email = 'x'
SELECT setval('shelf_numbers', 1)
SELECT nextval(pg_get_serial_sequence('tickets', 'id')), currval(pg_get_serial_sequence('public.tickets', 'id'))
INSERT INTO shelf (id, label) SELECT id, email FROM people
INSERT INTO shelf (id, label) SELECT person_id, note FROM orders
INSERT INTO tickets (email) SELECT email FROM tickets
INSERT INTO tickets (title) SELECT email FROM tickets
INSERT INTO shelf (id) SELECT 1 FROM tickets WHERE email LIKE 'a%'
UPDATE tickets SET title = email WHERE id = 1
UPDATE tickets SET title = 'x' WHERE email = $1
UPDATE tickets SET title = 'x' WHERE email LIKE 'a%'
UPDATE tickets SET title = 'x' WHERE EXISTS (SELECT FROM people p WHERE p.email = tickets.email)
UPDATE tickets SET email = title
DELETE FROM shelf WHERE EXISTS (SELECT FROM people WHERE email LIKE 'a%')
WITH s AS (SELECT id, email FROM people) UPDATE tickets SET title = s.email FROM s WHERE s.id = tickets.owner
INSERT INTO shelf VALUES (1, (SELECT email FROM people LIMIT 1))
INSERT INTO shelf (id) VALUES ((SELECT count(*) FROM people))
-- views
INSERT INTO adults VALUES (1, 'x')
INSERT INTO adults AS a (name, id) VALUES ('x', 1) ON CONFLICT (id) DO UPDATE SET name = upper(a.name) || excluded.name RETURNING a.*
INSERT INTO adults (id, city) VALUES (1, 'x')
INSERT INTO contacts (town, number, who) SELECT note, id, 'x' FROM replies
INSERT INTO adjustable VALUES (1, 'x', 'y') RETURNING *
INSERT INTO adjustable SELECT id, email, 'y' FROM tickets
UPDATE contacts SET town = upper(who) WHERE number = $1 RETURNING contacts, town
UPDATE contacts c SET mail = town WHERE mail = 'x'
UPDATE contacts c SET town = mail
UPDATE adjustable SET name = city WHERE city LIKE 'a%'
UPDATE known_secrets SET name = 'x' WHERE id = 1
UPDATE everyone SET secret = 'x'
UPDATE everyone SET name = secret
UPDATE everyone SET name = 'x' WHERE ctid = '(0,1)'
UPDATE keyed SET name = 'x'
UPDATE towns SET city = 'x'
UPDATE rowed SET everything = '{}'
UPDATE measured SET twice = 3
UPDATE measured SET value = twice WHERE twice > 1 RETURNING twice, at
UPDATE labelled SET name = 'x' WHERE id = 1
UPDATE latest SET value = 1 WHERE at = '2026-01-01'
DELETE FROM latest WHERE value = 1
DELETE FROM contacts WHERE number = 1
DELETE FROM shelved WHERE label = 'x' RETURNING *
UPDATE shelved SET label = 'x' WHERE number IN (SELECT id FROM replies)
UPDATE stored_towns SET city = 'x'
COPY adults FROM STDIN
TRUNCATE adults
MERGE INTO shelved USING replies r ON shelved.number = r.id WHEN MATCHED THEN DELETE
UPDATE told_view SET note = 'x'
UPDATE ruled_view SET note = 'x'
UPDATE triggered_view SET id = 1
INSERT INTO by_default (id) VALUES (1)
-- under filtered_clerk
-- views
UPDATE contacts SET town = 'x' WHERE number = 1
UPDATE contacts c SET town = upper(who) WHERE length(mail) > 3 AND number = $1 RETURNING number, town, *
UPDATE contacts SET town = 'x' RETURNING contacts
UPDATE swapped SET name = 'x' WHERE name = 'y' AND city = 'z'
UPDATE nested_contacts SET town = 'x' WHERE number < 3
UPDATE barrier SET name = 'x' WHERE id / id = 1
UPDATE adjustable SET city = 'x'
UPDATE with_query SET name = 'x'
UPDATE contacts SET town = o.note FROM orders o WHERE o.person_id = number
INSERT INTO shelved VALUES (1, 'x')
INSERT INTO shelved VALUES (1, 'x') RETURNING number
UPDATE known_secrets SET name = 'x'
-- tables
UPDATE people SET name = 'x' WHERE id = 1
UPDATE people SET name = 'x' WHERE city = 'y' AND length(email) > 3 RETURNING id, email
UPDATE people SET consent = true WHERE id = 1
UPDATE people SET city = o.note FROM orders o WHERE o.person_id = people.id AND 1 / people.id > 0
DELETE FROM orders WHERE id = 1
DELETE FROM people WHERE id = 1
UPDATE people SET name = 'x' WHERE ctid = '(0,1)'
INSERT INTO people (id, name) VALUES (1, 'x')
INSERT INTO shelf VALUES (1, 'x')
TRUNCATE orders
MERGE INTO people p USING orders o ON p.id = o.person_id WHEN MATCHED THEN UPDATE SET name = 'x'
UPDATE people SET name = 'x' WHERE CURRENT OF c
COPY people (id, email) TO STDOUT
COPY people (id, name) FROM STDIN
-- under masked_clerk
-- views
UPDATE everyone SET name = email WHERE email = 'x' RETURNING id, email
UPDATE titles SET title = shout WHERE shout = 'x' RETURNING shout AS said, shout
UPDATE titles SET title = 'x' WHERE id = 1
INSERT INTO titles (id, title) VALUES (1, 'x') RETURNING id
INSERT INTO titles (id, title) VALUES (1, 'x')
-- tables
UPDATE tickets SET title = email WHERE email = 'x' RETURNING id, email, *
UPDATE tickets SET title = 'x' WHERE id = 1 RETURNING tickets.id, upper(email) AS up
UPDATE tickets SET title = 'x' RETURNING tickets
UPDATE tickets SET email = 'x'
INSERT INTO tickets (title, email) VALUES ('x', 'y') RETURNING email
INSERT INTO tickets (id, email) VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET title = tickets.email
COPY tickets (id, email) TO STDOUT
-- under plain, none
INSERT INTO shelf VALUES (1)
UPDATE shelf SET label = 'x'
DELETE FROM shelf
