#!/bin/sh
# psql's backslash commands in every form, and how psql speaks: what it prints must be what is printed around the proxy. The run against the server itself leaves
# its answers beside the results, so that target goes first; there every command passes that prints something.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
answers=$(dirname "$RESULTS")/psql.answers
PGOPTIONS=$SETUP_OPTIONS psql -qX -v ON_ERROR_STOP=1 -f "$here/dump.sql" > setup.log 2>&1
case $RESULTS in *.direct.tsv) rm -rf "$answers"; mkdir "$answers" ;; esac
number=0
while IFS= read -r command; do
    case $command in '#'*) continue ;; esac
    number=$((number + 1))
    # A line of the list is a script; \n stands for a line's end in it.
    printf '%b\n' "$command" | timeout 60 psql -X -a > printed 2>&1 || true
    # What two servers never have in common.
    sed -i -E "s/PID [0-9]+/PID/; s|/work/psql/[a-z]+/|/|g; s/^port\|[0-9]+/port/" printed
    case $RESULTS in *.direct.tsv) cp printed "$answers/$number" ;; esac
    if [ ! -s printed ]; then
        printf 'fail\t%s\tprints nothing\n' "$command" >> "$RESULTS"
    elif diff "$answers/$number" printed > differs 2>&1; then
        printf 'pass\t%s\t\n' "$command" >> "$RESULTS"
    else
        printf 'fail\t%s\t%s\n' "$command" "$(tr '\t\n' '  ' < differs | cut -c1-300)" >> "$RESULTS"
    fi
done < "$here/psql.list"
