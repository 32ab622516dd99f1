-- People to test the policy on. Nobody in it exists. Every name begins with what is to become of it.

INSERT INTO public.accounts
    (id, username, first_name, last_name, birthdate, phone, profession, postal_address, email, password_hash, ml_consent,
     third_party_consent, erasure_requested_at, closed_at)
VALUES
    (1, 'agreed',    'Agreed',    'One',   '1984-03-01', '+1 555 0101', 'potter', 'Street 1', 'agreed@example.com',    'secret', true,  true,  NULL, NULL),
    (2, 'disagreed', 'Disagreed', 'Two',   '1991-11-17', '+1 555 0102', 'baker',  'Street 2', 'disagreed@example.com', 'secret', false, false, NULL, NULL),
    (3, 'erased',    'Erased',    'Three', '1979-07-30', '+1 555 0103', 'nurse',  'Street 3', 'erased@example.com',    'secret', true,  true,  '2026-01-01', NULL),
    (4, 'closed',    'Closed',    'Four',  '1970-01-01', '+1 555 0104', 'tailor', 'Street 4', 'closed@example.com',    'secret', true,  true,  NULL, now()),
    (5, 'ended',     'Ended',     'Five',  '1960-01-01', '+1 555 0105', 'smith',  'Street 5', 'ended@example.com',     'secret', true,  true,  NULL, now() - interval '1 year');
-- Enough of them for an aggregate, who have closed their accounts.
INSERT INTO public.accounts (id, username, profession, email, closed_at)
SELECT i, 'many' || i, CASE WHEN i < 23 THEN 'potter' ELSE 'pilot' END, 'many' || i || '@example.com', now() FROM generate_series(11, 25) AS i;

INSERT INTO public.documents (id, account_id, title, body) SELECT i, i, 'Of ' || i, 'words of ' || i FROM generate_series(1, 5) AS i;
INSERT INTO public.messages (id, account_id, subject, body) SELECT i, i, 'Of ' || i, 'asks ' || i FROM generate_series(1, 5) AS i;
INSERT INTO public.linked_accounts (id, account_id, provider, external_user_id, access_token)
VALUES (1, 1, 'mail', 'agreed@mail.example', 'token');
INSERT INTO public.usage_events (account_id, feature, duration_ms, created_at)
SELECT i, 'studio', 100, now() FROM generate_series(11, 25) AS i
UNION ALL SELECT 1, 'beta', 100, now()
UNION ALL SELECT 1, 'old', 100, now() - interval '2 years';
INSERT INTO public.access_logs (web_request, browser, created_at) VALUES ('GET /', 'Firefox', now()), ('GET /old', 'Firefox', now() - interval '2 years');
INSERT INTO public.devices (account_id, identifier) VALUES (1, '6f1c2d3e-0000-4000-8000-000000000001');
INSERT INTO public.transactions (account_id, description, amount_cents) VALUES (1, 'January', 900), (2, 'January', 900);
INSERT INTO public.designs (account_id, layout) VALUES (1, '{"name": "poster"}');

-- New rows come after these.
SELECT setval(pg_get_serial_sequence('public.' || name, 'id'), 1000)
FROM unnest('{accounts,documents,messages,linked_accounts,usage_events}'::text[]) AS name;
