#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: all of them in the release build, then unit and simulated ones again under
# AddressSanitizer with UndefinedBehaviorSanitizer, and those of what has threads under ThreadSanitizer.
# The tests over several hosts (tests/cluster) need root and an SSH server, and are skipped where these are missing. With
# ZHIYIN_INSTALL_CLUSTER_TOOLS=1 the server is installed, too; it is not started, neither now nor at the next boot.
# usage: tests/run.sh [release|asan|tsan ...]      default: all three
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

launch/install_packages.sh test
if [[ "${ZHIYIN_INSTALL_CLUSTER_TOOLS:-0}" == 1 ]]; then
  launch/install_packages.sh cluster
fi
presets=("$@")
if ((${#presets[@]} == 0)); then
  presets=(release asan tsan)
fi
for preset in "${presets[@]}"; do
  echo "== $preset"
  cmake --preset "$preset" -DZHIYIN_BUILD_TESTS=ON -DZHIYIN_BUILD_BENCH="$([[ $preset == release ]] && echo ON || echo OFF)" >/dev/null
  cmake --build --preset "$preset"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)"
done
