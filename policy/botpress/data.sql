-- People to test the policy on. Nobody in it exists. Every name begins with what is to become of it.

INSERT INTO public.companies (id, name) VALUES (1, 'Aster Bank'), (2, 'Birch Airlines');

INSERT INTO public.users
    (id, company_id, full_name, email, password_hash, language, marketing_consent, unsubscribed_at, deletion_requested_at)
VALUES
    (1, 1, 'Agreed',       'agreed@example.com',       'secret', 'en', true,  NULL,         NULL),
    (2, 1, 'Disagreed',    'disagreed@example.com',    'secret', 'fr', false, NULL,         NULL),
    (3, 2, 'Unsubscribed', 'unsubscribed@example.com', 'secret', 'de', true,  '2026-01-01', NULL),
    (4, 2, 'Erased',       'erased@example.com',       'secret', 'es', true,  NULL,         '2026-01-01');
-- Enough of them for an aggregate, who get no mail.
INSERT INTO public.users (id, company_id, full_name, email, password_hash, unsubscribed_at)
SELECT i, 2, 'Many ' || i, 'many' || i || '@example.com', 'secret', '2026-01-01' FROM generate_series(11, 25) AS i;

INSERT INTO public.bots (id, company_id, name) VALUES (1, 1, 'Teller'), (2, 2, 'Steward');
INSERT INTO public.bot_contents (id, bot_id, kind, content) VALUES
    (1, 1, 'training_utterance', 'where is my money'), (2, 1, 'prompt', 'You are a teller.');

INSERT INTO public.end_users
    (id, company_id, external_id, display_name, email, phone, os, ip_address, country, city, deletion_requested_at)
VALUES
    (1, 1, 'web-1', 'Ours',   'ours@mail.example',   '+1 555 0101', 'iOS', '192.0.2.1', 'CA', 'Montréal', NULL),
    (2, 2, 'web-2', 'Theirs', 'theirs@mail.example', '+1 555 0102', 'iOS', '192.0.2.2', 'CA', 'Toronto',  NULL),
    (3, 1, 'web-3', 'Erased', 'erased@mail.example', '+1 555 0103', 'iOS', '192.0.2.3', 'CA', 'Montréal', '2026-01-01');
-- Of Aster Bank's others twelve are Canadians and three French.
INSERT INTO public.end_users (id, company_id, external_id, display_name, os, country)
SELECT i, 1, 'web-' || i, 'Many', 'Android', CASE WHEN i < 23 THEN 'CA' ELSE 'FR' END FROM generate_series(11, 25) AS i;

INSERT INTO public.conversations (id, bot_id, end_user_id, started_at) VALUES
    (1, 1, 1, now()), (2, 2, 2, now()), (3, 1, 3, now()), (4, 1, 1, now() - interval '3 years');
INSERT INTO public.messages (id, conversation_id, end_user_id, direction, body, created_at) VALUES
    (1, 1, 1, 'incoming', 'ours',   now()),
    (2, 2, 2, 'incoming', 'theirs', now()),
    (3, 3, 3, 'incoming', 'erased', now()),
    (4, 4, 1, 'incoming', 'old',    now() - interval '3 years');
INSERT INTO public.rehearsals (id, bot_id, user_id, body, created_at) VALUES
    (1, 1, 1, 'new', now()), (2, 1, 1, 'old', now() - interval '3 years');

INSERT INTO public.usage_events (user_id, feature, duration_ms, created_at)
SELECT i, 'studio', 100, now() FROM generate_series(11, 25) AS i
UNION ALL SELECT i, 'studio', 900, now() - interval '2 years' FROM generate_series(11, 25) AS i
UNION ALL SELECT 1, 'beta', 100, now();

INSERT INTO public.support_requests (id, user_id, subject, body, created_at) VALUES
    (1, 1, 'new', 'Can not publish my bot', now()), (2, 1, 'old', 'A question of long ago', now() - interval '4 years');
INSERT INTO public.payments (id, company_id, user_id, amount_cents, created_at) VALUES
    (1, 1, 1, 4900, now()), (2, 1, 1, 100, now() - interval '8 years');

INSERT INTO public.visitors
    (id, full_name, email, message, language, country, gender, interests, unsubscribed_at, deletion_requested_at, created_at)
VALUES
    (1, 'Asked',        'asked@mail.example',        'a demo, please', 'en', 'CA', 'other', '{ai}', NULL,         NULL, now()),
    (2, 'Unsubscribed', 'unsubscribed@mail.example', NULL,             'fr', 'FR', 'other', '{ai}', '2026-01-01', NULL, now()),
    (3, 'Erased',       'erased@mail.example',       NULL,             'de', 'DE', 'other', '{ai}', NULL, '2026-01-01', now()),
    (4, 'Old',          'old@mail.example',          NULL,             'es', 'ES', 'other', '{ai}', NULL, NULL,
        now() - interval '2 years');
INSERT INTO public.visitors (id, language, country, gender, unsubscribed_at)
SELECT i, 'en', 'CA', CASE WHEN i < 23 THEN 'female' ELSE 'male' END, '2026-01-01' FROM generate_series(11, 25) AS i;
INSERT INTO public.visitor_page_views (visitor_id, url, created_at)
SELECT i, '/pricing', now() FROM generate_series(11, 25) AS i
UNION ALL SELECT i, '/careers', now() FROM generate_series(11, 13) AS i
UNION ALL SELECT 1, '/old', now() - interval '2 years';

-- New rows come after these.
SELECT setval(pg_get_serial_sequence('public.' || name, 'id'), 1000)
FROM unnest('{companies,users,bots,bot_contents,end_users,conversations,messages,rehearsals,visitors}'::text[]) AS name;
