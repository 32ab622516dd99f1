#!/bin/sh
# The figures of the proofs as a table: reads the lines `PROOF name key=value …` of a test run and writes them between the
# markers of a page. `make proofs` calls it.
set -eu
run=$1
page=$2
grep -h -o 'PROOF .*' "$run" | sort -u >"$run.lines"
[ -s "$run.lines" ] || { echo "table: no figures in $run" >&2; exit 1; }
awk -v lines="$run.lines" '
    function what(name) {
        if (name == "grants") return "1. Column grants: refused if and only if Postgres says 42501"
        if (name == "attacks") return "2a. Two worlds, hand-written attacks"
        if (name == "attacks_bare") return "2a. The same attacks on a bare Postgres"
        if (name == "two-worlds-generated") return "2b. Two worlds, our generator"
        if (name == "generated-aggregates") return "2b. Two worlds, aggregates"
        if (name == "sequences") return "2c. Two worlds, sequences of messages"
        if (name == "two-worlds-sqlsmith") return "2b. Two worlds, sqlsmith"
        if (name == "two-readers") return "3. Two readers"
        if (name == "choice") return "3. Functions of users that Postgres chose for operators, casts and calls"
        if (name == "stable-rewrites") return "4. Rewriting again changes nothing"
        if (name == "shapes") return "4. Texts that differ in literals are judged alike"
        if (name == "literals") return "4. Literals are those that Postgres sees"
        if (name == "widening") return "4. A wider policy refuses nothing more"
        if (name == "understood") return "5. Not over-blocking: the tool corpora"
        if (name == "answered") return "5. What tools send is answered as without the proxy"
        if (name == "hostile-texts") return "6. Hostile statements"
        if (name == "hostile-policies") return "6. Hostile policies"
        return name
    }
    /<!-- proofs: end -->/ { inside = 0 }
    !inside { print }
    /<!-- proofs: begin -->/ {
        inside = 1
        print "| proof | figures |"
        print "|---|---|"
        while ((getline line < lines) > 0) {
            count = split(line, words, " ")
            figures = ""
            for (i = 3; i <= count; i++) {
                if (words[i] !~ /=/ || words[i] ~ /^seconds=/) continue
                split(words[i], pair, "=")
                gsub(/[_-]/, " ", pair[1])
                figures = figures (figures == "" ? "" : ", ") pair[1] " " pair[2]
            }
            row[what(words[2])] = figures
            order[++rows] = what(words[2])
        }
        for (i = 1; i <= rows; i++)
            for (j = i + 1; j <= rows; j++)
                if (order[j] < order[i]) { swap = order[i]; order[i] = order[j]; order[j] = swap }
        for (i = 1; i <= rows; i++) print "| " order[i] " | " row[order[i]] " |"
    }
' "$page" >"$run.page"
grep -q 'proofs: end' "$run.page" || { echo "table: $page has no markers" >&2; exit 1; }
cat "$run.page" >"$page"
sed -n '/proofs: begin/,/proofs: end/p' "$page"
