-- Probing a value piece by piece: LIKE, regular expressions, positions, search.
-- purpose: denied, masked

-- case: like
SELECT id FROM people WHERE secret LIKE 'SECRET-A-1%' ORDER BY id;

-- case: not_like
SELECT count(*) FROM people WHERE secret NOT LIKE '%BB%';

-- case: ilike
SELECT id FROM people WHERE secret ILIKE '%a-%' ORDER BY id;

-- case: like_escape
SELECT id FROM people WHERE secret LIKE 'SECRET!-A!-%' ESCAPE '!' ORDER BY id;

-- case: like_operator
SELECT id FROM people WHERE secret ~~ '%A-2' ORDER BY id;

-- case: regex
SELECT id FROM people WHERE secret ~ '^SECRET-A-[1-3]$' ORDER BY id;

-- case: similar
SELECT id FROM people WHERE secret SIMILAR TO '%(A|C)%' ORDER BY id;

-- case: regexp_match
SELECT regexp_match(secret, '\d+') FROM people ORDER BY id;

-- case: regexp_count
SELECT regexp_count(secret, 'B') FROM people ORDER BY id;

-- case: regexp_replace
SELECT regexp_replace(secret, 'SECRET', '') FROM people ORDER BY id;

-- case: regex_from_value
SELECT 'SECRET-A-1' ~ secret FROM people ORDER BY id;

-- case: bad_regex_from_value
SELECT 'x' ~ repeat('(', CASE WHEN score = 0 THEN 1 ELSE 0 END) FROM people ORDER BY id;

-- case: like_any
SELECT id FROM people WHERE secret LIKE ANY (ARRAY['%-1', '%-2']) ORDER BY id;

-- case: position
SELECT position('A' IN secret) FROM people ORDER BY id;

-- case: starts_with
SELECT id FROM people WHERE starts_with(secret, 'SECRET-A') ORDER BY id;

-- case: prefix_operator
SELECT id FROM people WHERE secret ^@ 'SECRET-A' ORDER BY id;

-- case: left
SELECT left(secret, 8), right(secret, 1) FROM people ORDER BY id;

-- case: length
SELECT length(secret), octet_length(pin) FROM people ORDER BY id;

-- case: ascii
SELECT ascii(substr(secret, 8, 1)) FROM people ORDER BY id;

-- case: hash
SELECT md5(secret), hashtext(pin) FROM people ORDER BY id;

-- case: translate
SELECT translate(secret, 'SECRT', '') FROM people ORDER BY id;

-- case: text_search
SELECT id FROM people WHERE to_tsvector('simple', secret) @@ to_tsquery('simple', 'secret') ORDER BY id;

-- case: format
SELECT format('%s/%L', secret, pin) FROM people ORDER BY id;

-- case: less_than
SELECT id FROM people WHERE secret < 'SECRET-B' ORDER BY id;

-- case: collation
SELECT id FROM people WHERE secret COLLATE "C" > 'SECRET-A-5' ORDER BY id;

-- case: compare_with_open
SELECT id FROM people WHERE right(secret, 1) = right(name, 1) ORDER BY id;

-- case: hidden_like
-- purpose: filtered
SELECT id FROM people WHERE name LIKE 'SECRET%' ORDER BY id;

-- case: hidden_regex
-- purpose: filtered
SELECT count(*) FROM people WHERE secret ~ 'SECRET' OR city ~ '[13]';
