#!/bin/sh
# SQLAlchemy: $SUITES_SRC/sqlalchemy is its source (PyPI, sdist), of the version that $SUITES_PYTHON has. Its suite for dialects, and its tests of PostgreSQL's.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
for schema in test_schema test_schema_2; do PGOPTIONS=$SETUP_OPTIONS psql -qX -c "CREATE SCHEMA $schema"; done
for extension in hstore citext; do PGOPTIONS=$SETUP_OPTIONS psql -qX -c "CREATE EXTENSION $extension"; done
cd "$SUITES_SRC/sqlalchemy"
export PYTHONPATH="$here:lib"
exec "$SUITES_PYTHON" -m pytest -q -p results -p extensions -o cache_dir="$WORK/cache" --tb native --timeout 60 --maxfail 100000 \
    --dburi "postgresql+psycopg://$PGUSER@$PGHOST:$PGPORT/$PGDATABASE" test/dialect/test_suite.py test/dialect/postgresql "$@"
