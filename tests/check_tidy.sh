#!/usr/bin/env bash
# Fails where clang-tidy finds a mistake in the product; .clang-tidy says which kinds it looks for.
# usage: tests/check_tidy.sh [REGEX]   only compiled files (build/tidy/ROOM/...) that match
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=build/tidy
# Precompiled headers are GCC's own. All files of a room are read at a time: most of the work is in headers that they share.
cmake --preset release -B "$build" -DZHIYIN_BUILD_TESTS=OFF -DZHIYIN_BUILD_BENCH=OFF \
  -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=100 >/dev/null
cmake --build "$build" --target configs/job.pb.h configs/manifest.pb.h configs/world.pb.h launch/apps/doctor/facts.pb.h \
  worker/data/format/tf_example.pb.h >/dev/null
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if run-clang-tidy -p "$build" -quiet -j "$(nproc)" -extra-arg=-Wno-unknown-warning-option \
  "${1:-/(common|ps|worker|launch)/.*\.(cc|cxx)$}" >"$log" 2>&1; then
  exit 0
fi
grep -E "(error|warning): " "$log" | sort -u >&2 || cat "$log" >&2
exit 1
