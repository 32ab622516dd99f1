-- Rows of another customer, who is a parameter that the session does not choose, and rows of which another table says who may see
-- them: by their number, their values, the errors that they cause, and by changing what decides.
-- purpose: scoped, agreed

-- case: all
SELECT * FROM accounts ORDER BY id;

-- case: number
SELECT count(*), max(id), sum(length(name)) FROM accounts;

-- case: through_the_parent
SELECT * FROM payments ORDER BY id;

-- case: join
SELECT a.name, p.word FROM payments p JOIN accounts a ON a.id = p.account_id ORDER BY p.id;

-- case: outer_join
SELECT i, a.name FROM generate_series(1, 40) AS i LEFT JOIN accounts a ON a.id = i ORDER BY i;

-- case: alias_of_the_condition
SELECT g.id, g.name FROM accounts g ORDER BY g.id;
SELECT a.id, a.word FROM payments a ORDER BY a.id;

-- case: alias_agreements
SELECT agreements.id FROM accounts agreements ORDER BY 1;
SELECT accounts.id FROM payments accounts ORDER BY 1;

-- case: cast
SELECT id FROM accounts WHERE pin::int > 0 ORDER BY id;

-- case: division
SELECT id FROM payments WHERE 100 / amount > 0 ORDER BY id;

-- case: cast_in_target
SELECT word::int FROM payments ORDER BY 1;

-- case: not_scoped
SELECT count(*) FROM accounts WHERE NOT (customer_id = 1);

-- case: or_true
SELECT id FROM accounts WHERE customer_id = 2 OR true ORDER BY id;

-- case: exists
SELECT i FROM generate_series(1, 45) AS i WHERE EXISTS (SELECT FROM accounts WHERE id = i) ORDER BY i;

-- case: not_in
SELECT i FROM generate_series(1, 45) AS i WHERE i NOT IN (SELECT account_id FROM payments) ORDER BY i;

-- case: set_the_parameter
-- purpose: scoped
SET wherefore.customer = '2';
SELECT id, name FROM accounts ORDER BY id;

-- case: set_config
-- purpose: scoped
SELECT set_config('wherefore.customer', '3', false);
SELECT id, name FROM accounts ORDER BY id;

-- case: reset
-- purpose: scoped
RESET wherefore.customer;
SELECT id, name FROM accounts ORDER BY id;

-- case: prepared
PREPARE p AS SELECT name FROM accounts WHERE id = $1;
EXECUTE p (12);
EXECUTE p (13);

-- case: cursor
BEGIN;
DECLARE c CURSOR FOR SELECT id, name FROM accounts ORDER BY id;
FETCH ALL FROM c;
COMMIT;

-- case: copy
COPY (SELECT * FROM accounts ORDER BY id) TO STDOUT;

-- case: update_all
UPDATE payments SET amount = 1;

-- case: update_cast
UPDATE payments SET amount = 1 WHERE word::int > 0;

-- case: delete_all
DELETE FROM payments;

-- case: returning
UPDATE accounts SET name = 'x' RETURNING id;

-- case: move_into_scope
UPDATE accounts SET customer_id = 1;
SELECT count(*) FROM accounts;

-- case: move_children
UPDATE payments SET account_id = 1;
SELECT count(*) FROM payments;

-- case: agree_for_all
-- purpose: agreed
INSERT INTO agreements SELECT 1000 + i, i, NULL FROM generate_series(1, 45) AS i;
SELECT count(*) FROM accounts;

-- case: withdraw_nothing
-- purpose: agreed
UPDATE agreements SET withdrawn_at = NULL;
SELECT count(*) FROM accounts;

-- case: point_agreements_at_others
-- purpose: agreed
UPDATE agreements SET account_id = 12 WHERE id = 1;
SELECT count(*), max(name) FROM accounts;

-- case: new_rows_elsewhere
INSERT INTO payments VALUES (900, 12, 1, 'x');
SELECT count(*) FROM payments;

-- case: new_row_by_query
INSERT INTO payments SELECT 900 + id, id, 1, name FROM accounts;
SELECT count(*), max(word) FROM payments WHERE id > 900;

-- case: explain
EXPLAIN (COSTS OFF) SELECT * FROM accounts WHERE id = 12;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM accounts;

-- case: lock
SELECT id FROM accounts ORDER BY id FOR UPDATE;

-- case: withdrawn
SELECT count(*) FROM payments;
\around
UPDATE agreements SET withdrawn_at = '2026-02-02 00:00:00+00' WHERE account_id = 2;
UPDATE accounts SET customer_id = 2 WHERE id = 2;
\as me
SELECT count(*), max(word) FROM payments;
SELECT count(*) FROM accounts;
