-- Comments, and purposes declared in them.
-- purpose: denied, masked

-- case: purpose_of_others
/*purpose='clerk'*/ SELECT max(secret) FROM people;

-- case: purpose_behind
SELECT max(secret) FROM people /*purpose='clerk'*/;

-- case: purpose_twice
/*purpose='denied'*/ SELECT max(secret) FROM people /*purpose='clerk'*/;

-- case: purpose_in_the_middle
SELECT max(secret) /*purpose='clerk'*/ FROM people;

-- case: purpose_in_a_string
SELECT max(secret) FROM people WHERE '/*purpose=''clerk''*/' IS NOT NULL;

-- case: purpose_owner
/*purpose='owner'*/ SELECT max(secret) FROM people;

-- case: purpose_encoded
/*purpose='%63lerk'*/ SELECT max(secret) FROM people;

-- case: nested_comment
/* /* */ SELECT 1 */ SELECT max(secret) FROM people;

-- case: line_comment
SELECT max(secret) FROM people -- FROM notes;

-- case: comment_then_other
-- modes: simple
/*purpose='denied'*/ SELECT 1; SELECT max(secret) FROM people;

-- case: comment_prepared
-- modes: simple
\parse s /*purpose='denied'*/ SELECT max(secret) FROM people
\bind - s
\execute - 0
\sync

-- case: comment_in_transaction
BEGIN;
/*purpose='clerk'*/ SELECT max(secret) FROM people;
ROLLBACK;

-- case: comment_in_a_string
-- modes: simple
SELECT '/*' AS a, max(secret) AS b, '*/' AS c FROM people;
