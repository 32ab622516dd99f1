-- Channels are read by everyone.
-- purpose: denied

-- case: notify_literal
LISTEN a;
DO $$BEGIN EXECUTE format('NOTIFY a, %L', (SELECT secret FROM people WHERE id = 1)); END$$;

-- case: pg_notify
LISTEN a;
SELECT pg_notify('a', (SELECT secret FROM people WHERE id = 1));

-- case: pg_notify_where
LISTEN a;
SELECT pg_notify('a', 'found') FROM people WHERE score > 3;

-- case: pg_notify_channel
LISTEN "SECRET-A-1";
SELECT pg_notify((SELECT secret FROM people WHERE id = 1), '');

-- case: attribute
LISTEN a;
SELECT pg_notify('a', p.secret) FROM people AS p ORDER BY p.id;

-- case: hidden
-- purpose: filtered
LISTEN a;
SELECT pg_notify('a', name) FROM people ORDER BY id;
