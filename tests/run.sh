#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: all of them in the release build, then unit and simulated ones again under
# AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer.
# usage: tests/run.sh [release|asan|tsan ...]      default: all three
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

launch/install_packages.sh test
presets=("$@")
if ((${#presets[@]} == 0)); then
  presets=(release asan tsan)
fi
for preset in "${presets[@]}"; do
  echo "== $preset"
  cmake --preset "$preset" -DZHIYIN_BUILD_TESTS=ON -DZHIYIN_BUILD_BENCH="$([[ $preset == release ]] && echo ON || echo OFF)" >/dev/null
  cmake --build --preset "$preset"
  exclude=()
  if [[ $preset != release ]]; then
    exclude=(-LE mpi)  # mpirun's own libraries are not built for sanitizers
  fi
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "${exclude[@]}"
done
