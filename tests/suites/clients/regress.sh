#!/bin/sh
# Postgres's regression suite in its installcheck form: $SUITES_SRC/postgresql is the server's source (Debian source package), configured, with
# src/test/regress made. One test after the other: what runs beside another answers in another order now and then.
set -eu
folder=$SUITES_SRC/postgresql/src/test/regress
# The server and the tests read and write each other's files.
umask 0
mkdir out
chmod 777 out . "$folder"
cp -r "$folder/sql" "$folder/expected" "$folder/data" "$folder/resultmap" out/
cp "$folder"/*.so out/
chmod -R a+rwX out
unset PGDATABASE
# pg_regress runs as the user it is started by, psql too.
"$folder/pg_regress" --inputdir=out --outputdir=out --dlpath="$PWD/out" --bindir="${PATH%%:*}" --host="$PGHOST" --port="$PGPORT" --user="$PGUSER" \
    --max-connections=1 --schedule="$folder/parallel_schedule" > regress.log 2>&1 || true
awk -v results="$RESULTS" '
    / \.\.\. ok/ { print "pass\t" name() "\t" >> results }
    / \.\.\. FAILED/ { print "fail\t" name() "\tdiffers" >> results }
    function name() { return $1 == "test" ? $2 : $1 }
' regress.log
cp out/regression.diffs . 2> /dev/null || true
cat regress.log
