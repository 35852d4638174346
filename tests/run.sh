#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests.
#
#   tests/run.sh                    every test that guards daily work, in the release build, and the format check
#   tests/run.sh --all              also the thorough ones (thousands of seeds, repeated kills, quality over seeds, several hosts),
#                                   clang-tidy, and all but those under mpirun again with sanitizers: AddressSanitizer with
#                                   UndefinedBehaviorSanitizer, then what has threads with ThreadSanitizer
#   tests/run.sh [--all] PRESET...  only these of release, asan, tsan
#
# A test is thorough when its name says so ("Thorough", see tests/CMakeLists.txt). The tests over several hosts (tests/cluster)
# need root and an SSH server, and are skipped where these are missing. With ZHIYIN_INSTALL_CLUSTER_TOOLS=1 the server is
# installed, too; it is not started, neither now nor at the next boot.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

all=0
presets=()
for argument in "$@"; do
  case "$argument" in
    --all) all=1 ;;
    release | asan | tsan) presets+=("$argument") ;;
    *)
      echo "tests/run.sh: $argument: expected --all, release, asan or tsan" >&2
      exit 2
      ;;
  esac
done
if ((${#presets[@]} == 0)); then
  presets=(release)
  if ((all)); then
    presets=(release asan tsan)
  fi
fi

# Runs a command, and keeps for the end how long it took.
times=()
timed() {
  local name=$1 start=$SECONDS
  shift
  local status=0
  "$@" || status=$?
  times+=("$(printf '%-16s %3d min %02d s%s' "$name" $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)) \
    "$( ((status == 0)) || echo "  FAILED")")")
  return "$status"
}
report() {
  times+=("$(printf '%-16s %3d min %02d s' total $((SECONDS / 60)) $((SECONDS % 60)))")
  printf '%s\n' "" "== how long it took" "${times[@]}"
}
trap report EXIT

install() {
  launch/install_packages.sh test
  if ((all)); then
    launch/install_packages.sh tidy
  fi
  if [[ "${ZHIYIN_INSTALL_CLUSTER_TOOLS:-0}" == 1 ]]; then
    launch/install_packages.sh cluster
  fi
}
build() {
  cmake --preset "$1" -DZHIYIN_BUILD_TESTS=ON -DZHIYIN_BUILD_BENCH=OFF >/dev/null && cmake --build --preset "$1"
}
run_tests() {
  local options=()
  if ((!all)); then
    options=(-LE thorough)
  fi
  # In half cores: tests/CMakeLists.txt says how many each test takes.
  ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j "$((2 * $(nproc)))" "${options[@]}"
}

failed=0
timed install install
if [[ -x tests/check_format.sh ]]; then
  echo "== format"
  timed format tests/check_format.sh || failed=1
fi
if ((all)) && [[ " ${presets[*]} " == *" release "* ]]; then
  echo "== clang-tidy"
  timed clang-tidy tests/check_tidy.sh || failed=1
fi
for preset in "${presets[@]}"; do
  echo "== $preset"
  timed "$preset, build" build "$preset"
  timed "$preset, tests" run_tests "$preset" || failed=1
done
exit "$failed"
