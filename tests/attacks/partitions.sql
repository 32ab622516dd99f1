-- Partitions and children carry the tags of their parents.
-- purpose: denied, masked

-- case: parent
SELECT who FROM events ORDER BY id;

-- case: partition
SELECT who FROM events_old ORDER BY id;

-- case: partition_star
SELECT * FROM events_new ORDER BY id;

-- case: partition_row
SELECT e FROM events_new AS e ORDER BY e.id;

-- case: only_parent_of_children
SELECT body FROM ONLY documents ORDER BY id;

-- case: parent_of_children
SELECT body FROM documents ORDER BY id;

-- case: child
SELECT body, opinion FROM documents_legal ORDER BY id;

-- case: child_star
TABLE documents_legal;

-- case: child_in_row
SELECT d FROM documents AS d ORDER BY d.id;

-- case: tableoid
SELECT tableoid::regclass, body FROM documents ORDER BY id;

-- case: whole_row_cast
SELECT (l::documents).body FROM documents_legal AS l ORDER BY l.id;

-- case: partition_pruning
SELECT id FROM events WHERE who > 'SECRET-A-5' AND at > '2026-01-01' ORDER BY id;

-- case: hidden_parent
-- purpose: filtered
SELECT count(*), max(kind) FROM events;

-- case: hidden_partition
-- purpose: filtered
SELECT count(*) FROM events_old;

-- case: hidden_child
-- purpose: filtered
SELECT title, opinion FROM documents_legal ORDER BY id;

-- case: hidden_only
-- purpose: filtered
SELECT count(*) FROM ONLY documents;

-- case: hidden_tree
-- purpose: filtered
SELECT tableoid::regclass, count(*) FROM documents GROUP BY 1 ORDER BY 2;
