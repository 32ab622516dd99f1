-- Whether rows and values are there at all.
-- purpose: denied, masked

-- case: vault_exists
SELECT EXISTS (SELECT FROM vault WHERE id = 1);

-- case: vault_no_columns
SELECT FROM vault;

-- case: vault_constant
SELECT 1 FROM vault;

-- case: vault_key
SELECT id FROM vault ORDER BY id;

-- case: value_exists
SELECT EXISTS (SELECT FROM people WHERE pin = '77');

-- case: null_exists
SELECT count(*) FROM people WHERE secret IS NULL;

-- case: unique_probe
SELECT (SELECT id FROM people WHERE score = 3);

-- case: vault_minus_vault
SELECT count(*) FROM (SELECT 1 FROM vault LIMIT 5) AS q;

-- case: hidden_id
-- purpose: filtered
SELECT EXISTS (SELECT FROM people WHERE id = 1), EXISTS (SELECT FROM people WHERE id = 101);

-- case: hidden_in
-- purpose: filtered
SELECT 3 IN (SELECT id FROM people), 31 IN (SELECT id FROM people);

-- case: hidden_name
-- purpose: filtered
SELECT count(*) FROM people WHERE name = 'SECRET-A 1';

-- case: hidden_flag
-- purpose: filtered
SELECT count(*) FROM people WHERE NOT consent;

-- case: hidden_deleted
-- purpose: filtered
SELECT id FROM people WHERE deleted_at IS NOT NULL;

-- case: hidden_gaps
-- purpose: filtered
SELECT i FROM generate_series(1, 140) AS i LEFT JOIN people AS p ON p.id = i WHERE p.id IS NULL ORDER BY i;

-- case: hidden_orders
-- purpose: filtered
SELECT max(id), max(amount), count(*) FROM orders;

-- case: hidden_other
-- purpose: filtered
SELECT * FROM other.people;

-- case: hidden_vault
-- purpose: filtered
SELECT count(*), sum(amount) FROM vault;

-- case: hidden_max_key
-- purpose: filtered
SELECT max(id) + 1 FROM people;

-- case: hidden_no_columns
-- purpose: filtered
SELECT FROM people;
