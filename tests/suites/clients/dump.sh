#!/bin/sh
# pg_dump and pg_restore in every format: through the target, and what comes back is what was there. Restoring and maintenance
# are an owner's work: under the purpose of set-up.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
say() { printf '%s\t%s\t%s\n' "$1" "$2" "$(tr '\t\n' '  ' < err | cut -c1-300)" >> "$RESULTS"; }
check() { name=$1; shift; if "$@" > /dev/null 2> err; then say pass "$name"; else say fail "$name"; fi; }
same() { name=$1; shift; if diff "$@" > err 2>&1; then say pass "$name"; else say fail "$name"; fi; }
check 'make the schema' env PGOPTIONS="$SETUP_OPTIONS" psql -qX -v ON_ERROR_STOP=1 -f "$here/dump.sql"
for format in plain custom directory tar; do
    case $format in directory) jobs=-j4 ;; *) jobs= ;; esac
    check "dump $format" pg_dump -N closed -F "$format" $jobs -f "dump.$format"
    check "create for $format" env PGOPTIONS="$SETUP_OPTIONS" psql -qX -c "CREATE DATABASE restored_$format"
    if [ "$format" = plain ]; then
        check "restore $format" env PGOPTIONS="$SETUP_OPTIONS" psql -qX -v ON_ERROR_STOP=1 -d "restored_$format" -f dump.plain
    else
        check "restore $format" env PGOPTIONS="$SETUP_OPTIONS" pg_restore -e $jobs -d "restored_$format" "dump.$format"
    fi
    check "dump what $format restored" pg_dump -N closed -d "restored_$format" -f "again.$format"
    same "what $format restored" -I '^\\\(un\)\?restrict' dump.plain "again.$format"
done
check 'dump the schema' pg_dump -N closed -s -f only.schema
check 'dump the data' pg_dump -N closed -a -f only.data
check 'dump as inserts' pg_dump -N closed --inserts --rows-per-insert=10 -f only.inserts
check 'dump clean' pg_dump -N closed -c --if-exists -f only.clean
check 'dump a table' pg_dump -N closed -t shop.orders -f only.orders
check 'dump all but what is closed' pg_dumpall --exclude-database=template1 --exclude-database=postgres --exclude-database=suites --exclude-database='restored*' -f only.all
check 'make a large object' env PGOPTIONS="$SETUP_OPTIONS" psql -qX -d restored_tar -c "SELECT lo_from_bytea(0, 'large')"
check 'dump a large object' pg_dump -N closed -d restored_tar -f only.large
check 'dump roles' pg_dumpall -r -f only.roles
check 'vacuum' env PGOPTIONS="$SETUP_OPTIONS" vacuumdb -z
check 'reindex' env PGOPTIONS="$SETUP_OPTIONS" reindexdb
