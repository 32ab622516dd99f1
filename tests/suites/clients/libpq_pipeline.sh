#!/bin/sh
# libpq's pipeline test: $SUITES_SRC/postgresql is Postgres's source (Debian source package), configured, with src/test/modules/libpq_pipeline made.
set -eu
folder=$SUITES_SRC/postgresql/src/test/modules/libpq_pipeline
for test in $("$folder/libpq_pipeline" tests); do
    say() { printf '%s\t%s\t%s\n' "$1" "$test$2" "$(tr '\t\n' '  ' < out | cut -c1-300)" >> "$RESULTS"; }
    if timeout 60 "$folder/libpq_pipeline" -r 700 -t trace "$test" > out 2>&1; then say pass ''; else say fail ''; fi
    # What libpq saw on the wire, message by message.
    expected=$folder/traces/$test.trace
    [ -e "$expected" ] || continue
    if diff "$expected" trace > out 2>&1; then say pass ' trace'; else say fail ' trace'; fi
done
