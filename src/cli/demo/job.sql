-- The table of the job: what people have written to a bot, and what they have agreed to. Nobody in it exists.
CREATE TABLE public.people (
    id             text PRIMARY KEY,
    customer       bigint NOT NULL,
    agreed         boolean NOT NULL,
    asked_to_go_at timestamptz,
    closed_at      timestamptz
);
CREATE TABLE public.conversations (
    id         bigint PRIMARY KEY,
    person     text NOT NULL REFERENCES public.people (id),
    body       text NOT NULL,
    created_at timestamptz NOT NULL
);
INSERT INTO public.people (id, customer, agreed, asked_to_go_at, closed_at) VALUES
    ('ada',   1, true,  NULL,  NULL),
    ('ben',   1, false, NULL,  NULL),
    ('chloe', 2, true,  NULL,  NULL),
    ('dana',  2, true,  now(), NULL),
    ('emeka', 2, true,  NULL,  now() - interval '1 year');
INSERT INTO public.conversations (id, person, body, created_at)
SELECT i, ('{ada,ben,chloe,dana,emeka}'::text[])[i % 5 + 1],
       ('{where is my parcel,my card was declined,I want to change my booking,talk to a human please}'::text[])[i % 4 + 1],
       now() - i * interval '1 hour'
FROM generate_series(1, 20) AS i;
CREATE ROLE ml_engineer LOGIN;
CREATE ROLE owner LOGIN;
ALTER ROLE ml_engineer SET log_statement = 'all';
ALTER ROLE owner SET log_statement = 'all';
GRANT SELECT ON ALL TABLES IN SCHEMA public TO ml_engineer;
ALTER TABLE public.people OWNER TO owner;
ALTER TABLE public.conversations OWNER TO owner;
