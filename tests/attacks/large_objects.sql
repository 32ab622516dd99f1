-- Large objects have no columns.
-- purpose: denied

-- case: lo_get
SELECT lo_get(4242);

-- case: lo_get_part
SELECT lo_get(4242, 7, 1);

-- case: loread
BEGIN;
SELECT lo_open(4242, 262144);
SELECT loread(0, 100);
COMMIT;

-- case: lo_size
BEGIN;
SELECT lo_open(4242, 262144);
SELECT lo_lseek(0, 0, 2);
COMMIT;

-- case: catalog
SELECT length(data) FROM pg_largeobject WHERE loid = 4242;

-- case: lo_export
SELECT lo_export(4242, '/dev/null');
SELECT length(lo_get(4242));

-- case: attribute
SELECT (4242::oid).lo_get;

-- case: lo_put
SELECT lo_put(4242, 0, 'x');
SELECT lo_get(4242);

-- case: lo_from_bytea
SELECT lo_from_bytea(4343, secret::bytea) FROM people WHERE id = 2;
SELECT lo_get(4343);
