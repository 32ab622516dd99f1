CREATE TABLE people (
    id          int PRIMARY KEY,
    name        text NOT NULL,
    email       text,
    phone       varchar(20),
    city        text,
    secret      text,
    consent     boolean NOT NULL DEFAULT false,
    deleted_at  timestamptz
);
CREATE INDEX people_city ON people (city);
CREATE TABLE orders (
    id         int PRIMARY KEY,
    person_id  int NOT NULL REFERENCES people (id),
    amount     int NOT NULL,
    note       text
);
CREATE TABLE measurements (at timestamptz NOT NULL, value int) PARTITION BY RANGE (at);
CREATE TABLE measurements_2026 PARTITION OF measurements FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE untagged (id int, x text);
CREATE TABLE "Mixed Case" ("a""b" int, "ünïcode" text);
CREATE VIEW adults AS SELECT id, name FROM people;
CREATE SCHEMA other;
CREATE TABLE other.people (id int PRIMARY KEY, secret text);
CREATE FUNCTION own_function(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION reads_secret() RETURNS text LANGUAGE sql AS 'SELECT secret FROM public.people LIMIT 1';
CREATE DOMAIN checked AS text CHECK (own_function(length(VALUE)) > 0);
INSERT INTO people SELECT i, 'name ' || i, 'mail' || i || '@x.example', '+1' || i, 'city ' || i % 7, 'SECRET' || i, i % 2 = 0, NULL
    FROM generate_series(1, 2000) AS i;
INSERT INTO orders SELECT i, i % 2000 + 1, i, 'note ' || i FROM generate_series(1, 4000) AS i;
INSERT INTO measurements SELECT timestamptz '2026-03-01' + i * interval '1 hour', i FROM generate_series(1, 100) AS i;
-- views
CREATE VIEW contacts (who, mail, town, number) AS SELECT name, email, city, id FROM people WHERE id > 0;
CREATE VIEW everyone AS SELECT * FROM people;
CREATE VIEW known_secrets AS SELECT id, name FROM people WHERE secret IS NOT NULL;
CREATE VIEW towns AS SELECT city, count(*) AS heads, max(secret) AS top FROM people GROUP BY city;
CREATE VIEW top_secret AS SELECT max(secret) AS top, min(id) AS first FROM people;
CREATE VIEW keyed AS SELECT p.id, p.name, p.phone, count(o.id) AS orders FROM people p LEFT JOIN orders o ON o.person_id = p.id GROUP BY p.id;
CREATE VIEW nested AS SELECT c.who, c.mail, o.amount FROM contacts c JOIN orders o ON o.person_id = c.number;
CREATE VIEW both_names AS SELECT name, email, secret FROM people UNION SELECT note, NULL, NULL FROM orders;
CREATE VIEW all_names AS SELECT name, email, secret FROM people UNION ALL SELECT note, NULL, NULL FROM orders;
CREATE VIEW barrier WITH (security_barrier) AS SELECT id, name, email FROM people WHERE length(name) > 3;
CREATE VIEW adjustable AS SELECT id, name, city FROM people WHERE id < 100 WITH CHECK OPTION;
CREATE RECURSIVE VIEW steps (id, name) AS SELECT id, name FROM people WHERE id = 1 UNION SELECT p.id, p.name FROM people p JOIN steps s ON p.id = s.id + 1 WHERE p.id < 5;
CREATE VIEW own_call AS SELECT own_function(id) AS x FROM people;
CREATE VIEW sessions AS SELECT pid, query FROM pg_stat_activity;
CREATE VIEW relation_names AS SELECT relname FROM pg_class;
CREATE VIEW latest AS SELECT at, value FROM measurements;
CREATE VIEW lateral_secret AS SELECT p.id, v.x FROM people p, LATERAL (SELECT p.secret AS x, p.name AS y) v WHERE v.y <> '';
CREATE VIEW spread AS SELECT id, unnest(string_to_array(secret, '')) AS letter FROM people;
CREATE VIEW rowed AS SELECT p.id, row_to_json(p.*) AS everything FROM people p;
CREATE VIEW labelled AS SELECT id, name, email FROM people;
CREATE VIEW with_ctes AS WITH people AS (SELECT id, name FROM public.people) SELECT people.id, people.name FROM people;
CREATE MATERIALIZED VIEW stored_towns AS SELECT city, count(*) AS heads FROM people GROUP BY city;
CREATE MATERIALIZED VIEW stored_mail AS SELECT id, email, secret, name FROM people;
CREATE MATERIALIZED VIEW stored_by_secret AS SELECT id FROM people WHERE secret <> '';
CREATE VIEW over_stored AS SELECT id, email, name FROM stored_mail;
