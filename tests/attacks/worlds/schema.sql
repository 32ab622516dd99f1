-- What all worlds have in common: every definition, no row. Columns marked `closed` differ between the two worlds of the
-- pair `columns`; rows without consent differ between the two worlds of the pair `rows`.

CREATE TYPE mood AS ENUM ('low', 'mid', 'high');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN word AS text CHECK (VALUE <> 'forbidden');

CREATE TABLE people (
    id         int PRIMARY KEY,
    name       text NOT NULL,
    city       text,
    secret     text,            -- closed
    pin        text,            -- closed; every pin is a number in one world
    score      int,             -- closed; no score is zero in one world
    adult      boolean,         -- closed
    born       date,            -- closed
    mood       mood,            -- closed
    profile    jsonb,           -- closed
    labels     text[],          -- closed
    salary     numeric(12, 2),  -- closed
    email      text,            -- closed; null under `masked`
    phone      varchar(20),     -- closed; a constant under `masked`
    consent    boolean NOT NULL DEFAULT true,
    deleted_at timestamptz
);
CREATE INDEX people_secret ON people (secret);
CREATE INDEX people_city ON people (city);
CREATE INDEX people_shouted ON people (upper(secret));
CREATE STATISTICS people_together (dependencies, mcv) ON city, secret FROM people;

CREATE TABLE orders (
    id         int PRIMARY KEY,
    person_id  int NOT NULL REFERENCES people (id),
    amount     int NOT NULL,
    note       text,
    card       text,            -- closed
    consent    boolean NOT NULL DEFAULT true
);

-- Closed altogether, its number of rows too.
CREATE TABLE vault (id int PRIMARY KEY, word text, amount int, consent boolean NOT NULL DEFAULT true);

-- Where a writer writes and everyone reads.
CREATE TABLE notes (id serial PRIMARY KEY, person_id int, body text, amount int, consent boolean NOT NULL DEFAULT true);

-- Under `masked` each column but `token` shows a part that the worlds have in common: the last characters, the first ones, the year, the
-- thousands, the network, one key. `token` is a pseudonym, which shows whether two are alike;
-- `handle` may be looked up, and the values that are asked for are in neither world.
CREATE TABLE kept (
    id int PRIMARY KEY, mail text, code varchar(12), born date, paid numeric, address inet, extra jsonb, token text, handle text,
    consent boolean NOT NULL DEFAULT true
);
CREATE INDEX kept_mail ON kept (mail);

-- A closed value stands in a constraint of each of these.
CREATE TABLE pins (id int PRIMARY KEY, pin text UNIQUE, label text, consent boolean NOT NULL DEFAULT true);
CREATE UNIQUE INDEX pins_partial ON pins (label) WHERE pin LIKE '9%';
CREATE TABLE limits (
    id int PRIMARY KEY, shown int, cap int, consent boolean NOT NULL DEFAULT true, CHECK (shown <= cap)
);
CREATE TABLE derived (
    id int PRIMARY KEY, shown text, secret text, shout text GENERATED ALWAYS AS (upper(secret) || coalesce(shown, '')) STORED,
    consent boolean NOT NULL DEFAULT true
);
CREATE TABLE derived_too (
    id int PRIMARY KEY, secret text, loud text GENERATED ALWAYS AS (upper(secret)) STORED, consent boolean NOT NULL DEFAULT true
);
CREATE TABLE bookings (
    id int PRIMARY KEY, room int, during int4range, consent boolean NOT NULL DEFAULT true, EXCLUDE USING gist (during WITH &&)
);
CREATE TABLE members (
    id int PRIMARY KEY, person_id int REFERENCES people (id) ON DELETE CASCADE, level text,
    consent boolean NOT NULL DEFAULT true
);
CREATE TABLE parents (id int PRIMARY KEY, label text, consent boolean NOT NULL DEFAULT true);
CREATE TABLE children (id int PRIMARY KEY, parent_id int REFERENCES parents (id), secret text);

-- Rows of customer 1 are the same in both worlds of the pair `rows`, and those who have agreed; all others differ.
CREATE TABLE accounts (id int PRIMARY KEY, customer_id int NOT NULL, name text, pin text);
CREATE TABLE payments (id int PRIMARY KEY, account_id int NOT NULL REFERENCES accounts (id) ON DELETE CASCADE, amount int, word text);
CREATE TABLE agreements (id int PRIMARY KEY, account_id int, withdrawn_at timestamptz);

-- Rows show unless another table has something against it; guests have this from patrons, by their key. What functions give of a
-- patron their own text decides. With columns of the domain and of the row `mixed` would lose what hides its rows.
CREATE TABLE patrons (id int PRIMARY KEY, name text, pin text, other int);
CREATE TABLE objections (id int PRIMARY KEY, patron_id int);
CREATE TABLE guests (id int PRIMARY KEY, patron_id int NOT NULL CONSTRAINT guests_of REFERENCES patrons (id), word text);
CREATE TABLE refusals (id int PRIMARY KEY, patron_id int, state text);
CREATE FUNCTION patron_pin(int) RETURNS text LANGUAGE sql STABLE AS
    'SELECT pin FROM public.patrons WHERE id = $1 AND NOT EXISTS (SELECT FROM public.refusals r WHERE r.patron_id = $1)';
CREATE FUNCTION patron_name(int) RETURNS text LANGUAGE plpgsql STABLE AS $$BEGIN RETURN (SELECT name FROM public.patrons
    WHERE id = $1 AND NOT EXISTS (SELECT FROM public.refusals r WHERE r.patron_id = $1)); END$$;
CREATE DOMAIN address AS text;
CREATE TABLE things (a int);
CREATE TABLE mixed (id int PRIMARY KEY, shown text, mail address, consent boolean NOT NULL);
CREATE TABLE mixed_too (id int PRIMARY KEY, shown text, held things, consent boolean NOT NULL);

-- Partitions, inheritance, composites.
CREATE TABLE events (id int, at date NOT NULL, kind text, who text, consent boolean NOT NULL DEFAULT true)
    PARTITION BY RANGE (at);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
CREATE TABLE documents (id int, title text, body text, consent boolean NOT NULL DEFAULT true);
CREATE TABLE documents_legal (opinion text) INHERITS (documents);
CREATE TABLE boxes (id int PRIMARY KEY, box pair, consent boolean NOT NULL DEFAULT true);
CREATE TABLE "a_name_of_sixty_three_bytes_which_is_as_long_as_postgres_permits" (
    id int, "a_column_of_sixty_three_bytes_which_is_as_long_as_they_may_be_ok" text, consent boolean NOT NULL DEFAULT true
);
CREATE TABLE "Größe ""x""" (id int, "ключ" text, consent boolean NOT NULL DEFAULT true);
CREATE SCHEMA other;
CREATE TABLE other.people (id int PRIMARY KEY, name text, secret text, consent boolean NOT NULL DEFAULT true);

-- Views, functions, triggers and rules that reach what is closed.
CREATE VIEW people_view AS SELECT id, name, secret FROM people;
CREATE VIEW people_names AS SELECT id, name FROM people;
CREATE VIEW people_counted AS SELECT city, count(secret) AS n, max(score) AS best FROM people GROUP BY city;
CREATE VIEW people_rich AS SELECT id, name FROM people WHERE score > 3;
CREATE VIEW people_nested AS SELECT v.id, upper(v.secret) AS loud FROM people_view AS v;
CREATE VIEW orders_people AS SELECT o.id, o.amount, p.name, p.secret FROM orders AS o JOIN people AS p ON p.id = o.person_id;
-- Declared to be weaker than people. Their conditions are dear: Postgres would evaluate a cheaper one of the statement first.
CREATE VIEW people_agreed AS SELECT id, name, city, pin, score FROM people
    WHERE (consent OR name IN ('no one', 'nobody', '1', '2', '3', '4', '5', '6', '7') OR secret IN ('no', 'none', '1', '2')) AND deleted_at IS NULL;
CREATE VIEW cities_agreed AS SELECT city, count(*) AS n FROM people
    WHERE (consent OR name IN ('no one', 'nobody', '1', '2', '3', '4', '5', '6', '7') OR secret IN ('no', 'none', '1', '2')) AND deleted_at IS NULL
    GROUP BY city;
CREATE FUNCTION agreed_score(int) RETURNS int LANGUAGE sql STABLE AS
    'SELECT score FROM public.people WHERE id = $1 AND consent AND deleted_at IS NULL';
CREATE MATERIALIZED VIEW people_kept AS SELECT id, name, secret FROM people WITH NO DATA;
CREATE FUNCTION reads_secret(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT secret FROM public.people WHERE id = $1';
CREATE FUNCTION of_secret(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT secret FROM public.people WHERE id = $1';
CREATE FUNCTION all_secrets() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT secret FROM public.people ORDER BY id';
CREATE FUNCTION tells(int) RETURNS int LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE 'it is %', (SELECT secret FROM public.people WHERE id = $1); RETURN $1; END$$;
CREATE FUNCTION fails(int) RETURNS int LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'it is %', (SELECT secret FROM public.people WHERE id = $1); END$$;
CREATE PROCEDURE proclaims(int) LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE 'it is %', (SELECT secret FROM public.people WHERE id = $1); END$$;
CREATE FUNCTION is_kept(pair) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ($1).b';
CREATE FUNCTION loud(people) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(($1).secret)';
CREATE AGGREGATE gathers(text) (SFUNC = textcat, STYPE = text, INITCOND = '');

CREATE TABLE trapped (id int PRIMARY KEY, label text, secret text, consent boolean NOT NULL DEFAULT true);
CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE 'row % has %', OLD.id, OLD.secret; RETURN NEW; END$$;
CREATE TRIGGER trap BEFORE UPDATE ON trapped FOR EACH ROW EXECUTE FUNCTION trap();
CREATE TABLE copied (id int PRIMARY KEY, label text, consent boolean NOT NULL DEFAULT true);
CREATE FUNCTION fills() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN NEW.label := (SELECT secret FROM public.people WHERE id = NEW.id); RETURN NEW; END$$;
CREATE TRIGGER fills BEFORE INSERT ON copied FOR EACH ROW EXECUTE FUNCTION fills();
CREATE TABLE ruled (id int PRIMARY KEY, label text, consent boolean NOT NULL DEFAULT true);
CREATE RULE ruled_too AS ON INSERT TO ruled DO ALSO
    INSERT INTO notes (id, body) SELECT 900 + NEW.id, secret FROM people WHERE id = NEW.id;
CREATE TABLE defaulted (id int PRIMARY KEY, label text DEFAULT reads_secret(1), consent boolean NOT NULL DEFAULT true);

CREATE SEQUENCE counter;

-- Operators, functions and casts that stand in front of the built-in ones for whoever puts this schema in front.
CREATE SCHEMA evil;
CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE '% = %', $1, $2; RETURN $1 OPERATOR(pg_catalog.=) $2; END$$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
CREATE FUNCTION evil.same(varchar, text) RETURNS boolean LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE '% = %', $1, $2; RETURN $1::text OPERATOR(pg_catalog.=) $2; END$$;
CREATE OPERATOR evil.= (LEFTARG = varchar, RIGHTARG = text, FUNCTION = evil.same);
CREATE FUNCTION evil.more(int, int) RETURNS boolean LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE '% > %', $1, $2; RETURN $1 OPERATOR(pg_catalog.>) $2; END$$;
CREATE OPERATOR evil.> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.more);
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE plpgsql AS
    $$BEGIN RETURN (SELECT string_agg(secret, ',' ORDER BY id) FROM public.people); END$$;
CREATE FUNCTION evil.tell() RETURNS text LANGUAGE plpgsql AS
    $$BEGIN RETURN (SELECT string_agg(secret, ',' ORDER BY id) FROM public.people); END$$;
CREATE FUNCTION evil.same(mood, mood) RETURNS boolean LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE '%', evil.tell(); RETURN true; END$$;
CREATE OPERATOR evil.= (LEFTARG = mood, RIGHTARG = mood, FUNCTION = evil.same);
CREATE FUNCTION public.alike(anyelement, anyelement) RETURNS boolean LANGUAGE sql AS 'SELECT $1 = $2';
CREATE FUNCTION evil.written(parents) RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN evil.tell(); END$$;
CREATE CAST (parents AS text) WITH FUNCTION evil.written(parents);
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS $$SELECT timestamptz '1900-01-01 00:00:00+00'$$;
CREATE VIEW evil.pg_class AS SELECT id AS oid, secret AS relname FROM public.people;
CREATE VIEW evil.orders AS SELECT id, secret AS note FROM public.people;

-- What the pair `groups` is about. Under `statistics` pay, grade, bonus, rating and hired, and all of visits, are released in
-- aggregates only.
CREATE TABLE teams (id int PRIMARY KEY, label text NOT NULL, place text);
CREATE TABLE rates (place text, rate int);
CREATE TABLE staff (
    id int PRIMARY KEY, name text NOT NULL, city text NOT NULL, team_id int REFERENCES teams (id),
    pay int, bonus numeric(10, 2), rating float8, grade text, hired date
);
CREATE TABLE weights (id int PRIMARY KEY, weight numeric);
CREATE TABLE visits (id int PRIMARY KEY, staff_id int NOT NULL, place text, minutes int);
CREATE TABLE unkeyed (id int PRIMARY KEY, staff_id int, pay int);
CREATE VIEW staff_view AS SELECT id, name, pay FROM staff;
CREATE VIEW pay_by_city AS SELECT city, avg(pay) AS average, count(*) AS n FROM staff GROUP BY city;
CREATE AGGREGATE most_of (int) (SFUNC = int4larger, STYPE = int);
