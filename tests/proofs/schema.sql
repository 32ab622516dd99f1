-- The schema that generated statements are about: what rewrites must get right. No table is big, none is analysed: plans must not
-- depend on values.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE TABLE people (
    id          int PRIMARY KEY,
    name        text NOT NULL,
    email       text,
    phone       varchar(20),
    age         int,
    city        text,
    secret      text,
    feeling     mood,
    level       small,
    tags        text[],
    marks       int[],
    doc         jsonb,
    consent     boolean NOT NULL DEFAULT false,
    deleted_at  timestamptz
);
CREATE TABLE orders (
    id         int PRIMARY KEY,
    person_id  int NOT NULL,
    amount     int NOT NULL,
    note       text,
    secret     text,
    placed     timestamptz NOT NULL,
    voided     boolean NOT NULL
);
CREATE TABLE readings (at timestamptz NOT NULL, value int, person_id int, email text, flagged boolean NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE readings_2025 PARTITION OF readings FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE readings_2026 PARTITION OF readings FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE pets (id int NOT NULL, name text, weight int, person_id int, secret text, hidden boolean NOT NULL);
CREATE TABLE cats (lives int, email text) INHERITS (pets);
CREATE TABLE things (id int PRIMARY KEY, name text NOT NULL, size int, feeling mood);
-- What a condition on another table reads.
CREATE TABLE scopes (highest int PRIMARY KEY);
INSERT INTO scopes VALUES (100);
CREATE TABLE log (id int, line text, weight int);
ALTER TABLE people SET (autovacuum_enabled = false);
ALTER TABLE orders SET (autovacuum_enabled = false);
ALTER TABLE readings_2025 SET (autovacuum_enabled = false);
ALTER TABLE readings_2026 SET (autovacuum_enabled = false);
ALTER TABLE pets SET (autovacuum_enabled = false);
ALTER TABLE cats SET (autovacuum_enabled = false);
ALTER TABLE things SET (autovacuum_enabled = false);
ALTER TABLE log SET (autovacuum_enabled = false);
CREATE VIEW adults AS SELECT id, name, email, age FROM people WHERE age >= 18;
CREATE VIEW sums AS SELECT person_id, sum(amount) AS total, count(*) AS orders FROM orders GROUP BY person_id;
CREATE VIEW names AS SELECT id, name FROM people UNION ALL SELECT id, name FROM things;
INSERT INTO things VALUES (1, 'one', 10, 'ok'), (2, 'two', NULL, 'sad'), (3, 'three', 0, NULL), (4, 'name 4', 7, 'happy');
