#!/bin/sh
# The page docs/not-understood.md from the output of the suites:
#   WHEREFORE_SUITES=… cargo test --test suites -- --nocapture > run.txt; tests/suites/report.sh run.txt > docs/not-understood.md
set -eu
cat <<'HEAD'
# What is not understood

The regression SQL of Postgres, run in file order on two fresh servers: SELECT, INSERT, UPDATE, DELETE and MERGE through the proxy under
a purpose that closes one column nobody uses, everything else beside it (`tests/suites.rs` says how and what is left out).
A statement that is not understood is refused by name under every restricted purpose; it never leaks. The suites use what applications
hardly do: functions in C, operators and types of their own, functions that read files. The suite's policy lists the suites' own functions as
reading nothing (`[function."public.*"]`), because what C and PL/pgSQL read nobody can see. The tool corpora (`tests/proofs/understood.rs`) need no such list.

The suite's policy lists its rules as well (`[rewrite."public.*"]`), and lets what they all raise pass, so that answers can be compared byte by byte.

Stays closed with a reason: `lo_…` (large objects belong to no category), functions that read files or the server's state, maintenance of indexes, settings that
change what functions do (`plpgsql.…`, `session_replication_role`), and everything that only superusers set.

HEAD
awk '
    /^# / { suite = $2; print "## PostgreSQL " suite "\n"; print "| | statements |\n|---|---|"; next }
    /^COUNT / {
        line = $0
        sub(/^COUNT /, "", line)
        sub(/answers, None/, "answered as without the proxy", line); sub(/answers, Words/, "the same error in other words", line)
        sub(/answers, Codes/, "another error", line); sub(/answers, Columns/, "other column descriptions: columns of catalogs that are null for everyone (passwords, statements of cursors, counts)", line)
        sub(/answers, Rows/, "other rows or notices: those columns again, and settings that are refused (`session_replication_role`, `plpgsql.…`, `compute_query_id`)", line); sub(/answers, ErrorThroughProxy/, "an error through the proxy only", line)
        sub(/answers, ErrorDirect/, "an error without the proxy only", line); sub(/Dml/, "INSERT, UPDATE, DELETE, MERGE", line); sub(/Select/, "SELECT", line)
        count = line; sub(/.*: /, "", count); sub(/: [0-9]+$/, "", line); print "| " line " | " count " |"; next }
    /^NOT / {
        line = $0; sub(/^NOT /, "", line); count = line + 0; sub(/^[0-9]+ × /, "", line)
        if (line ~ /^\(fails on the server too\)/) { failing += count; next }
        sub(/ — .*/, "", line)
        if (line ~ /^(view|materialized view|foreign table|function|operator|type) [^ ]*\./) { split(line, words, " "); kind = words[1]; if (kind == "materialized" || kind == "foreign") kind = kind " " words[2]; own[kind] += count; next }
        if (count >= 2) rows[++n] = "| " line " | " count " |"; else { single += count }
        next
    }
    /^## / || /^test / { flush_rows() }
    function flush_rows(  i, kind) {
        if (!n && !single) return
        print "\nRefused, by what is named:\n\n| what | statements |\n|---|---|"
        for (i = 1; i <= n; i++) print rows[i]
        for (kind in own) print "| the suite\x27s own: " kind " | " own[kind] " |"
        print "| other things, once each | " single + 0 " |"
        print "| what fails on the server too | " failing + 0 " |\n"
        n = 0; single = 0; failing = 0; delete own
    }
    END { flush_rows() }
' "$1"
