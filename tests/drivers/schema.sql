-- Two tables without personal data, which the test policy opens whole, and one that it closes.
CREATE TABLE public.things (
    id      integer PRIMARY KEY,
    name    text NOT NULL,
    color   varchar(10),
    amount  numeric(12, 2),
    ratio   double precision,
    ok      boolean,
    made_on date,
    made_at timestamptz,
    tags    text[],
    extra   jsonb,
    raw     bytea,
    ident   uuid,
    host    inet
);
INSERT INTO public.things
SELECT i, 'thing ' || i, (ARRAY['red', 'green', NULL])[i % 3 + 1], i * 10.25, i / 7.0::double precision, i % 2 = 0,
       date '2026-01-01' + i, timestamptz '2026-01-01 12:00:00+00' + interval '1 hour' * i,
       CASE WHEN i % 4 > 0 THEN ARRAY['a' || i, 'ü'] END, jsonb_build_object('n', i, 'nested', jsonb_build_array(1, NULL)),
       decode(md5(i::text), 'hex'), md5(i::text)::uuid, ('203.0.113.' || i)::inet
FROM generate_series(1, 12) AS i;

CREATE TABLE public.notes (
    id       integer PRIMARY KEY,
    thing_id integer NOT NULL REFERENCES public.things (id),
    body     text NOT NULL
);
INSERT INTO public.notes SELECT i, (i - 1) % 12 + 1, 'note ' || i FROM generate_series(1, 40) AS i;

CREATE TABLE public.people (
    id    integer PRIMARY KEY,
    name  text NOT NULL,
    email text NOT NULL
);
INSERT INTO public.people SELECT i, 'Person ' || i, 'person' || i || '@mail.example' FROM generate_series(1, 10) AS i;

-- Clients of whom some have agreed, and what a newsletter may see of them.
CREATE TABLE public.clients (
    id      integer PRIMARY KEY,
    name    text NOT NULL,
    email   text,
    consent boolean NOT NULL
);
INSERT INTO public.clients
SELECT i, chr(97 + i % 5) || ' client ' || i, 'client' || i || '@mail.example', i % 3 > 0 FROM generate_series(1, 40) AS i;
CREATE SCHEMA permitted;
CREATE VIEW permitted.clients AS SELECT id, name, NULL::text AS email, consent FROM public.clients WHERE consent;
GRANT USAGE ON SCHEMA permitted TO tester;
GRANT SELECT ON permitted.clients TO tester;

-- Wages that are told of in aggregates only. Some people have several rows, some cities and grades few people.
CREATE TABLE public.wages (
    id        integer PRIMARY KEY,
    person_id integer NOT NULL,
    city      text NOT NULL,
    team      text NOT NULL,
    grade     text NOT NULL,
    pay       integer,
    bonus     numeric(8, 2) NOT NULL,
    rate      double precision
);
INSERT INTO public.wages
SELECT i, i * 7 % 150, (ARRAY['Bern', 'Bern', 'Bern', 'Basel', 'Basel', 'Chur', 'Zug'])[1 + i * i % 7],
       (ARRAY['red', 'red', 'red', 'blue', 'green'])[1 + i / 3 % 5], (ARRAY['a', 'a', 'b', 'b', 'c'])[1 + i * 3 % 5],
       CASE WHEN i % 6 > 0 THEN 1500 + i * 37 % 2000 END, i * 13 % 100 + 0.25,
       CASE WHEN i % 30 > 0 OR i > 150 THEN i % 11 / 8.0 END
FROM generate_series(1, 240) AS i;
INSERT INTO public.wages
SELECT 240 + i, 500 + i, (ARRAY['Genf', 'Sion'])[1 + i % 2], 'red', (ARRAY['d', 'e', 'a'])[1 + i / 4], 9000 + i, 90, i FROM generate_series(1, 9) AS i;
