#!/bin/sh
# node-postgres: $SUITES_SRC/node-postgres/packages/pg/test of its source (Debian source package node-postgres, or the project's), of the version of `pg` that
# $SUITES_NODE (a folder with node_modules: pg, async, bluebird, co, pg-copy-streams) has.
set -eu
# Its tests ask for ../lib: they must lie in the package.
package=$SUITES_NODE/node_modules/pg
rm -rf "$package/test"
cp -r "$SUITES_SRC/node-postgres/packages/pg/test" "$package/test"
cd "$package"
export PGTESTNOSSL=true
connection="postgres://$PGUSER@$PGHOST:$PGPORT/$PGDATABASE"
find test/integration -name '*-tests.js' | sort | while read -r file; do
    ended=0
    timeout 60 node "$file" "$connection" > "$WORK/file.log" 2>&1 < /dev/null || ended=$?
    cat "$WORK/file.log"
    # The tests of a suite are lines `  name ✔`; what does not end well fails as a file too.
    awk -v file="$file" -v results="$RESULTS" '
        / ✔$/ { name = $0; sub(/^ +/, "", name); sub(/ ✔$/, "", name); print "pass\t" file ": " name >> results }
        / FAILED!$/ { name = $0; sub(/^ +/, "", name); sub(/ FAILED!$/, "", name); failed = name; next }
        failed != "" && NF { print "fail\t" file ": " failed "\t" substr($0, 1, 300) >> results; failed = "" }
    ' "$WORK/file.log"
    if [ "$ended" = 0 ]; then
        printf 'pass\t%s\n' "$file" >> "$RESULTS"
    else
        printf 'fail\t%s\tended with %s: %s\n' "$file" "$ended" "$(grep -m1 -i error "$WORK/file.log" | cut -c1-300 | tr '\t' ' ')" >> "$RESULTS"
    fi
done
