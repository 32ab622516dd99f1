#!/bin/sh
# Seeds for the fuzz targets from what the tests have: statements of the golden files, the policies.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/statement corpus/policy corpus/frame
cat ../tests/golden/*.sql | grep -v '^--' | grep -v '^$' | split -l 1 -a 4 - corpus/statement/golden-
for policy in ../tests/proofs/policy.toml ../tests/suites/policy.toml ../tests/golden/pack.toml ../tests/attacks/worlds/pack.toml; do
    cp "$policy" "corpus/policy/$(echo "$policy" | tr -c 'a-z\n' -)"
done
printf 'Q\000\000\000\015SELECT 1\000' >corpus/frame/query
printf 'P\000\000\000\020\000SELECT 1\000\000\000S\000\000\000\004' >corpus/frame/parse
printf '\000\000\000\010\004\322\026\057' >corpus/frame/ssl
