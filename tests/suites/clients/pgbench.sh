#!/bin/sh
# pgbench in every mode, with every script of its own, one and several clients; and pipelines. Its tables are made under the purpose of set-up.
set -eu
say() { printf '%s\t%s\t%s\n' "$1" "$2" "$(grep -v '^pgbench (\|^starting' err | tr '\t\n' '  ' | cut -c1-300)" >> "$RESULTS"; }
check() { name=$1; shift; if timeout 120 "$@" > out 2> err && ! grep -q 'error:\|aborted' err; then say pass "$name"; else say fail "$name"; fi; }
check 'initialise' env PGOPTIONS="$SETUP_OPTIONS" pgbench -i -q -s 1
check 'initialise on the server' env PGOPTIONS="$SETUP_OPTIONS" pgbench -i -q -I dtGvp -s 1
check 'initialise with foreign keys and partitions' env PGOPTIONS="$SETUP_OPTIONS" pgbench -i -q -s 1 --foreign-keys --partitions=3
check 'initialise' env PGOPTIONS="$SETUP_OPTIONS" pgbench -i -q -s 1
cat > pipeline.sql <<'S'
\set aid random(1, 100000)
\startpipeline
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, :aid, 1, CURRENT_TIMESTAMP);
END;
\endpipeline
S
cat > sets.sql <<'S'
\set aid random(1, 100000)
SELECT abalance AS balance, bid FROM pgbench_accounts WHERE aid = :aid \gset
SELECT 1 AS one \; SELECT 2 AS two \aset
\if :one = 1
SELECT :balance + :bid + :two;
\endif
S
for mode in simple extended prepared; do
    for clients in 1 4; do
        for script in tpcb-like simple-update select-only; do
            check "$mode, $script, $clients clients" pgbench -n -M $mode -c $clients -j 2 -t 50 -b $script
        done
        check "$mode, connecting each time, $clients clients" pgbench -n -M $mode -C -c $clients -t 10 -b select-only
        [ $mode = simple ] || check "$mode, pipeline, $clients clients" pgbench -n -M $mode -c $clients -t 50 -f pipeline.sql
        [ $mode != simple ] || check "$mode, variables from results, $clients clients" pgbench -n -M $mode -c $clients -t 50 -f sets.sql
    done
done
check 'tries again' pgbench -n -c 4 -t 50 --max-tries=10 -b tpcb-like
check 'reports per statement' pgbench -n -c 2 -t 20 -r
