#!/bin/sh
# tokio-postgres: $SUITES_SRC/tokio-postgres is its crate, its tests built (`cargo test --no-run` there). They know the port 5433 and the database and user `postgres` only,
# and expect roles that its own docker file makes.
set -eu
folder=$SUITES_SRC/tokio-postgres
PGOPTIONS=$SETUP_OPTIONS psql -qX -d postgres -c "CREATE ROLE pass_user LOGIN PASSWORD 'password'; CREATE ROLE scram_user LOGIN PASSWORD 'password';
    CREATE ROLE ssl_user LOGIN; SET password_encryption = 'md5'; CREATE ROLE md5_user LOGIN PASSWORD 'password'"
for extension in hstore citext ltree; do
    PGOPTIONS=$SETUP_OPTIONS psql -qX -d postgres -c "CREATE EXTENSION $extension"
done
unset PGHOST PGPORT PGUSER PGDATABASE
program=$(ls -t "$folder"/target/debug/deps/test-* | grep -v '\.d$' | head -1)
"$program" --test-threads 1 > run.log 2>&1 || true
awk -v results="$RESULTS" '
    /^test .* \.\.\. ok$/ { print "pass\t" $2 "\t" >> results }
    /^test .* \.\.\. FAILED$/ { failed[$2] = "" }
    /^---- .* stdout ----$/ { name = $2; next }
    name != "" && NF && !/^thread/ { failed[name] = substr($0, 1, 900); name = "" }
    END { for (name in failed) print "fail\t" name "\t" failed[name] >> results }
' run.log
cat run.log
