-- SQL cursors.
-- purpose: denied, masked

-- case: fetch
BEGIN;
DECLARE c CURSOR FOR SELECT secret FROM people ORDER BY id;
FETCH ALL FROM c;
COMMIT;

-- case: fetch_one
BEGIN;
DECLARE c CURSOR FOR SELECT id, score FROM people ORDER BY id;
FETCH ABSOLUTE 4 FROM c;
COMMIT;

-- case: move_counts
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM people WHERE adult;
MOVE ALL FROM c;
COMMIT;

-- case: move_vault
BEGIN;
DECLARE c CURSOR FOR SELECT 1 FROM vault;
MOVE FORWARD ALL IN c;
COMMIT;

-- case: with_hold
DECLARE c CURSOR WITH HOLD FOR SELECT secret FROM people ORDER BY id;
FETCH ALL FROM c;
CLOSE c;

-- case: scroll_back
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT secret FROM people ORDER BY id;
FETCH LAST FROM c;
FETCH PRIOR FROM c;
COMMIT;

-- case: binary
BEGIN;
DECLARE c BINARY CURSOR FOR SELECT score FROM people ORDER BY id;
FETCH 5 FROM c;
COMMIT;

-- case: declared_in_front
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM people_view ORDER BY id;
FETCH 2 FROM c;
COMMIT;

-- case: hidden
-- purpose: filtered
BEGIN;
DECLARE c CURSOR FOR SELECT id, name FROM people ORDER BY id;
FETCH ALL FROM c;
COMMIT;

-- case: hidden_move
-- purpose: filtered
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM people;
MOVE ALL FROM c;
COMMIT;

-- case: other_purpose
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT pin FROM people ORDER BY id;
COMMIT;
SET wherefore.purpose = 'denied';
FETCH ALL FROM c;

-- case: current_of
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM people WHERE score > 3 ORDER BY score;
FETCH 1 FROM c;
UPDATE people SET city = 'mine' WHERE CURRENT OF c RETURNING id;
ROLLBACK;

-- case: current_of_filtered
-- purpose: filtered_writer
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM people ORDER BY id DESC;
FETCH 1 FROM c;
UPDATE people SET city = 'mine' WHERE CURRENT OF c RETURNING id;
ROLLBACK;

-- case: current_of_closed_order
-- purpose: writer
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM people ORDER BY secret DESC FOR UPDATE;
MOVE 1 FROM c;
UPDATE people SET city = 'mine' WHERE CURRENT OF c RETURNING id;
ROLLBACK;
