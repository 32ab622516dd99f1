#!/bin/sh
# asyncpg: $SUITES_SRC/asyncpg is its source (PyPI, sdist), of the version that $SUITES_PYTHON has.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# The tests alone: beside them lies the package without its compiled parts.
cp -r "$SUITES_SRC/asyncpg/tests" tests
export PYTHONPATH="$here"
exec "$SUITES_PYTHON" -m pytest -q -p results -o cache_dir="$WORK/cache" --tb=native --timeout 60 tests "$@"
