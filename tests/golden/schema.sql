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
