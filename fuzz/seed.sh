#!/bin/sh
# Seeds for the fuzz targets: statements of the golden files, the policies of the tests, and in seeds/ what earlier runs
# found worth keeping (statements one a line, frames in octal).
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/statement corpus/policy corpus/frame
cat ../tests/golden/*.sql | grep -v '^--' | grep -v '^$' | split -l 1 -a 4 - corpus/statement/golden-
split -l 1 -a 4 seeds/statements.txt corpus/statement/found-
for policy in ../tests/proofs/policy.toml ../tests/suites/policy.toml ../tests/golden/pack.toml ../tests/attacks/worlds/pack.toml; do
    cp "$policy" "corpus/policy/$(echo "$policy" | tr -c 'a-z\n' -)"
done
printf 'Q\000\000\000\015SELECT 1\000' >corpus/frame/query
printf 'P\000\000\000\020\000SELECT 1\000\000\000S\000\000\000\004' >corpus/frame/parse
printf '\000\000\000\010\004\322\026\057' >corpus/frame/ssl
number=0
while read -r frame; do
    number=$((number + 1))
    printf '%b' "$frame" >"corpus/frame/found-$number"
done <seeds/frames.txt
