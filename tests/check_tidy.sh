#!/usr/bin/env bash
# Runs clang-tidy (.clang-tidy) over the product's code, in the units in which the release build compiles it.
# usage: tests/check_tidy.sh      needs a configured and built build/release; exit code 1 names what was found
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t units < <(python3 - build/release/compile_commands.json <<'PY'
import json, sys
for entry in json.load(open(sys.argv[1])):
    path = entry["file"]
    if any(f"/build/release/{room}/" in path for room in ("common", "ps", "worker", "launch")) and ".pb." not in path:
        print(path)
PY
)
# A unit includes .cc files, which is what makes it one; GCC's own warning options mean nothing to clang.
printf '%s\0' "${units[@]}" | xargs -0 -P "$(nproc)" -n 1 clang-tidy -p build/release --quiet \
  --checks=-bugprone-suspicious-include --extra-arg=-Wno-unknown-warning-option \
  --header-filter="$PWD/(common|ps|worker|launch)/.*"
