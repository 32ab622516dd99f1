#!/bin/sh
# psycopg 3: $SUITES_SRC/psycopg holds its `tests` (Debian source package psycopg3, or the project's), of the version that $SUITES_PYTHON has.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$SUITES_SRC/psycopg"
export PYTHONPATH="$here:." PSYCOPG_TEST_DSN="host=$PGHOST port=$PGPORT user=$PGUSER dbname=$PGDATABASE"
# Without what counts references over thousands of queries, and what needs more than a server.
unset PGHOST PGPORT PGUSER PGDATABASE PGTZ
exec "$SUITES_PYTHON" -m pytest -q -p results -o cache_dir="$WORK/cache" --tb=native --timeout 60 -m "not slow and not flakey and not timing and not mypy" --ignore=tests/crdb tests "$@"
