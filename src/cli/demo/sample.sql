-- The sample data of the demo. Each section begins with a line `--@ count table`, which the loader shows and checks.
-- Everything follows from row numbers by md5, so every run makes the same people and the same words; times count back from
-- the start of today, so that the sample does not age. Nobody in it exists.

--@ 0 helpers
-- Foreign keys hold by construction; checking them row by row would take most of the time.
SET session_replication_role = replica;
SET synchronous_commit = off;
-- A number from 0 to n - 1 that depends on the seed and the row only.
CREATE FUNCTION pg_temp.roll(seed text, row_number bigint, n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || substr(md5(seed || row_number), 1, 7))::bit(28)::integer % n $$;
-- One of the words.
CREATE FUNCTION pg_temp.pick(seed text, row_number bigint, words text[]) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT words[('x' || substr(md5(seed || row_number), 1, 7))::bit(28)::integer % array_length(words, 1) + 1] $$;
CREATE FUNCTION pg_temp.ago(seed text, row_number bigint, days integer) RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT current_date - make_interval(secs => ('x' || substr(md5(seed || row_number), 1, 7))::bit(28)::integer
                                               % (days * 86400)) $$;
CREATE TEMP TABLE words AS SELECT
    '{Ada,Amir,Ana,Ben,Chloé,Dana,Emeka,Eva,Farid,Gita,Hana,Hugo,Ines,Ivan,Jana,Kofi,Lea,Liam,Lucía,Maya,Mina,Noah,Nora,
      Omar,Paul,Rosa,Sami,Sofia,Tara,Yuki}'::text[] AS first,
    '{Abadi,Becker,Bouchard,Chen,Costa,Diallo,Dubois,Fischer,García,Gagnon,Haddad,Ivanov,Jensen,Kim,Kowalski,Lavoie,
      Martin,Mensah,Müller,Nakamura,Novak,Okafor,Patel,Rossi,Roy,Sato,Silva,Smith,Tremblay,Weber}'::text[] AS last,
    '{Montréal|QC|CA|H2X,Toronto|ON|CA|M5V,Lyon|ARA|FR|69002,Berlin|BE|DE|10115,Austin|TX|US|78701,Bogotá|DC|CO|110111,
      Lisboa|11|PT|1100,Osaka|27|JP|530,Nairobi|30|KE|00100,Leeds|ENG|GB|LS1}'::text[] AS places,
    '{Android,iOS,Windows,macOS,Linux}'::text[] AS os,
    '{en,fr,de,es,pt,ja}'::text[] AS language;

--@ 20 companies
INSERT INTO public.companies (id, name, plan, created_at)
SELECT i, ('{Aster Bank,Birch Airlines,Cedar Clinics,Delta Grocers,Ember Energy,Fjord Travel,Grove Insurance,Harbor Hotels,
            Iris Fashion,Juniper Telecom,Kite Logistics,Lumen Schools,Maple Motors,Nimbus Cloud,Opal Jewellers,Pine Furniture,
            Quartz Tools,River Rail,Slate Legal,Tulip Pharmacy}'::text[])[i],
       ('{free,team,enterprise}'::text[])[i % 3 + 1], pg_temp.ago('company', i, 900)
FROM generate_series(1, 20) AS i;

--@ 100 users
INSERT INTO public.users (id, company_id, full_name, email, password_hash, role, language, marketing_consent,
                          unsubscribed_at, deletion_requested_at, created_at)
SELECT i, (i - 1) % 20 + 1, given || ' ' || family, lower(given || '.' || family || i || '@example.com'),
       '$argon2id$v=19$m=19456,t=2,p=1$' || md5('salt' || i) || '$' || md5('hash' || i),
       CASE WHEN i <= 20 THEN 'admin' ELSE 'builder' END, pg_temp.pick('ulang', i, w.language),
       i % 5 < 2, CASE WHEN i % 20 = 0 THEN pg_temp.ago('unsub', i, 90) END,
       CASE WHEN i % 25 = 1 THEN pg_temp.ago('erase', i, 30) END, pg_temp.ago('user', i, 800)
FROM generate_series(1, 100) AS i, words AS w,
     LATERAL (SELECT translate(pg_temp.pick('uf', i, w.first), 'éí', 'ei'),
                     translate(pg_temp.pick('ul', i, w.last), 'íü', 'iu')) AS n (given, family);

--@ 60 bots
INSERT INTO public.bots (id, company_id, name, created_at)
SELECT i, (i - 1) % 20 + 1,
       ('{Help desk,Order tracker,Booking assistant}'::text[])[(i - 1) / 20 + 1] || ' ' || ((i - 1) % 20 + 1),
       pg_temp.ago('bot', i, 700)
FROM generate_series(1, 60) AS i;

--@ 420 bot_contents
INSERT INTO public.bot_contents (id, bot_id, kind, content, created_at)
SELECT i, (i - 1) / 7 + 1, k.kind,
       (CASE k.kind
            WHEN 'text_response' THEN 'Thanks for reaching out! A colleague answers within the hour.'
            WHEN 'image' THEN 'https://cdn.example.com/bots/' || (i - 1) / 7 + 1 || '/welcome.png'
            WHEN 'prompt' THEN 'You are the friendly assistant of company ' || (i - 1) / 7 % 20 + 1 || '. Never promise refunds.'
            WHEN 'knowledge_base' THEN 'Returns are accepted within 30 days with the receipt. Article ' || i
            WHEN 'training_utterance' THEN pg_temp.pick('utter', i,
                 '{where is my parcel,I want to change my booking,my card was declined,talk to a human please}')
            WHEN 'document' THEN 'Price list ' || pg_temp.roll('doc', i, 40) + 1 || ', confidential'
            ELSE 'https://www.example.com/' || pg_temp.pick('site', i, '{pricing,faq,terms,contact}') END),
       pg_temp.ago('content', i, 600)
FROM generate_series(1, 420) AS i,
     LATERAL (SELECT ('{text_response,image,prompt,knowledge_base,training_utterance,document,website}'::text[])
                     [(i - 1) % 7 + 1]) AS k (kind);

--@ 20000 end_users
INSERT INTO public.end_users (id, company_id, external_id, display_name, email, phone, os, language, ip_address, country,
                              state, city, postal_code, deletion_requested_at, created_at)
SELECT i, (i - 1) % 20 + 1, 'web-' || substr(md5('ext' || i), 1, 12),
       pg_temp.pick('ef', i, w.first) || ' ' || pg_temp.pick('el', i, w.last), 'end-user-' || i || '@mail.example',
       '+1 555 ' || lpad(pg_temp.roll('ph', i, 10000)::text, 4, '0'), pg_temp.pick('eo', i, w.os),
       pg_temp.pick('elang', i, w.language),
       ('203.0.113.' || pg_temp.roll('ip', i, 254) + 1)::inet, split_part(place, '|', 3), split_part(place, '|', 2),
       split_part(place, '|', 1), split_part(place, '|', 4),
       CASE WHEN i % 500 = 0 THEN pg_temp.ago('eerase', i, 30) END, pg_temp.ago('enduser', i, 500)
FROM generate_series(1, 20000) AS i, words AS w, LATERAL (SELECT pg_temp.pick('pl', i, w.places)) AS p (place);

--@ 40000 conversations
-- A bot of the end-user's own company: company c has the bots c, c + 20 and c + 40.
INSERT INTO public.conversations (id, bot_id, end_user_id, started_at, ended_at)
SELECT i, (i - 1) % 20 + 1 + 20 * (i % 3), (i - 1) % 20000 + 1, started,
       CASE WHEN i % 10 > 0 THEN started + interval '1 minute' * (1 + i % 20) END
FROM generate_series(1, 40000) AS i, LATERAL (SELECT pg_temp.ago('conversation', i, 365)) AS s (started);

--@ 200000 messages
INSERT INTO public.messages (id, conversation_id, end_user_id, direction, body, created_at)
SELECT i, c.id, c.end_user_id, CASE WHEN (i - 1) % 5 % 2 = 0 THEN 'incoming' ELSE 'outgoing' END,
       (CASE (i - 1) % 5
            WHEN 0 THEN pg_temp.pick('m0', i, '{"Hello, is anyone there?","Hi! I need some help","Good morning",
                 "Salut, une question","Hey, quick question about my account"}')
            WHEN 1 THEN 'Hello! I am the assistant. How can I help you today?'
            WHEN 2 THEN pg_temp.pick('m2', i, '{"Where is my order ","I was charged twice for invoice ",
                 "Please cancel my booking ","My doctor asked for the results of test ","I can not log in, my ticket is "}')
                 || 10000 + pg_temp.roll('no', i, 90000)
            WHEN 3 THEN 'Thank you, I found it. ' || pg_temp.pick('m3', i, '{"It arrives tomorrow.","I have opened a case.",
                 "You will get an e-mail in a minute.","Could you tell me your postal code?"}')
            ELSE pg_temp.pick('m4', i, '{"Great, thanks!","That does not help, a human please","OK, bye","Perfect, merci"}')
        END), c.started_at + interval '20 seconds' * ((i - 1) % 5)
FROM generate_series(1, 200000) AS i JOIN public.conversations AS c ON c.id = (i - 1) / 5 + 1;

--@ 50000 usage_events
INSERT INTO public.usage_events (id, user_id, feature, duration_ms, created_at)
SELECT i, (i - 1) % 100 + 1,
       pg_temp.pick('feat', i, '{flow_editor,emulator,analytics_tab,knowledge_base,publish,versioning,team_settings,webchat}'),
       50 + pg_temp.roll('dur', i, 4000), pg_temp.ago('usage', i, 365)
FROM generate_series(1, 50000) AS i;

--@ 300 support_requests
INSERT INTO public.support_requests (id, user_id, subject, body, status, created_at)
SELECT i, (i * 7 - 1) % 100 + 1,
       pg_temp.pick('subj', i, '{"Can not publish my bot","Invoice shows the wrong plan","How do I add a colleague?",
            "Webchat does not load","Please raise our message quota"}'),
       'Hello support, since this morning I see it on every page. Ticket ' || i || ', thanks for looking into it.',
       ('{open,closed,closed,waiting}'::text[])[i % 4 + 1], pg_temp.ago('support', i, 200)
FROM generate_series(1, 300) AS i;

--@ 400 payments
INSERT INTO public.payments (id, company_id, user_id, amount_cents, card_last4, created_at)
SELECT i, (i - 1) % 20 + 1, (i - 1) % 20 + 1, ('{0,4900,49500}'::bigint[])[i % 3 + 1],
       lpad(pg_temp.roll('card', i % 20, 10000)::text, 4, '0'), pg_temp.ago('payment', i, 600)
FROM generate_series(1, 400) AS i;

--@ 5000 visitors
INSERT INTO public.visitors (id, full_name, phone, email, job_title, employer, message, os, language, ip_address, country,
                             state, city, postal_code, gender, age, interests, created_at)
SELECT i, CASE WHEN i % 4 = 0 THEN pg_temp.pick('vf', i, w.first) || ' ' || pg_temp.pick('vl', i, w.last) END,
       CASE WHEN i % 8 = 0 THEN '+1 555 ' || lpad(pg_temp.roll('vp', i, 10000)::text, 4, '0') END,
       CASE WHEN i % 4 = 0 THEN 'visitor-' || i || '@mail.example' END,
       CASE WHEN i % 4 = 0 THEN pg_temp.pick('vj', i, '{CTO,Support lead,Product manager,Developer,Student}') END,
       CASE WHEN i % 4 = 0 THEN pg_temp.pick('ve', i, '{Aster Bank,Harbor Hotels,River Rail,self-employed}') END,
       CASE WHEN i % 10 = 0 THEN 'I would like a demo for a team of ' || 2 + pg_temp.roll('vm', i, 60) END,
       pg_temp.pick('vo', i, w.os), pg_temp.pick('vlang', i, w.language),
       ('198.51.100.' || pg_temp.roll('vip', i, 254) + 1)::inet, split_part(place, '|', 3), split_part(place, '|', 2),
       split_part(place, '|', 1), split_part(place, '|', 4), pg_temp.pick('vg', i, '{female,male,other}'),
       18 + pg_temp.roll('va', i, 50), ARRAY[pg_temp.pick('vi', i, '{support,sales,ai,education}')],
       pg_temp.ago('visitor', i, 365)
FROM generate_series(1, 5000) AS i, words AS w, LATERAL (SELECT pg_temp.pick('vpl', i, w.places)) AS p (place);

--@ 15000 visitor_page_views
INSERT INTO public.visitor_page_views (id, visitor_id, url, referrer, duration_s, created_at)
SELECT i, (i - 1) % 5000 + 1, 'https://www.example.com/' || pg_temp.pick('pv', i, '{pricing,docs,blog,careers,demo}'),
       CASE WHEN i % 3 = 0 THEN 'https://search.example/' END, 1 + pg_temp.roll('pd', i, 300), pg_temp.ago('view', i, 365)
FROM generate_series(1, 15000) AS i;

--@ 0 sequences and statistics
SELECT setval(pg_get_serial_sequence('public.' || name, 'id'), max) FROM (VALUES
    ('companies', 20), ('users', 100), ('bots', 60), ('bot_contents', 420), ('end_users', 20000), ('conversations', 40000),
    ('messages', 200000), ('usage_events', 50000), ('support_requests', 300), ('payments', 400), ('visitors', 5000),
    ('visitor_page_views', 15000)) AS s (name, max);
ANALYZE;

--@ 0 database roles
-- Ordinary grants, as a team would have them: everyone may read everything. One role is a superuser on purpose: nothing
-- in the proxy leans on Postgres's own privileges. log_statement shows in the tour what went upstream.
CREATE ROLE app_service LOGIN;
CREATE ROLE support_agent LOGIN;
CREATE ROLE marketing LOGIN;
CREATE ROLE product_analyst LOGIN;
CREATE ROLE ml_engineer LOGIN SUPERUSER;
CREATE ROLE billing LOGIN;
CREATE ROLE privacy_officer LOGIN;
CREATE ROLE owner LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO support_agent, marketing, product_analyst, billing, privacy_officer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app_service;
GRANT ALL ON SCHEMA public TO owner;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE 'ALTER TABLE ' || name || ' OWNER TO owner';
    END LOOP;
    FOREACH name IN ARRAY '{app_service,support_agent,marketing,product_analyst,ml_engineer,billing,privacy_officer,
                            owner}'::text[] LOOP
        EXECUTE format('ALTER ROLE %I SET log_statement = %L', name, 'all');
    END LOOP;
END $$;
