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
background=  # the process group of a build that runs beside tests
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
  if [[ -n "$background" ]]; then
    kill -- "-$background" 2>/dev/null || true
  fi
  times+=("$(printf '%-16s %3d min %02d s' total $((SECONDS / 60)) $((SECONDS % 60)))")
  printf '%s\n' "" "== how long it took" "${times[@]}"
}
trap report EXIT

install() {
  launch/install_packages.sh test
  if ((all)); then
    launch/install_packages.sh tidy
  fi
  if [[ "${presets[*]}" != release ]]; then
    launch/install_packages.sh sanitize
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
  # In half cores, of which there are three a core since most tests wait for a third of their time: tests/CMakeLists.txt
  # says how many each test takes.
  ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j "$((3 * $(nproc)))" "${options[@]}"
}

# The tests of a preset wait for more than half of their time. What they leave of the processors builds the next preset, at
# the lowest priority; what that prints is kept in a file until its turn.
build_in_background() {
  mkdir -p build
  # In a process group of its own, so that it ends with this script whatever it is doing; not in a session of its own, whose
  # processes Linux gives as much time as all others together, whatever their priority (sched_autogroup).
  set -m
  nice -n 19 bash -c "$(declare -f build)"'
    build "$1"; status=$?
    echo "$SECONDS" >"build/$1.log.seconds"
    exit "$status"' build "$1" >"build/$1.log" 2>&1 &
  background=$!
  set +m
}
end_background() {
  local status=0
  wait "$background" || status=$?
  background=
  cat "build/$1.log"
  times+=("$(printf '%-16s %3d min %02d s beside other tests' "$1, build" $(($(<"build/$1.log.seconds") / 60)) \
    $(($(<"build/$1.log.seconds") % 60)))")
  return "$status"
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
for ((i = 0; i < ${#presets[@]}; ++i)); do
  preset=${presets[i]}
  echo "== $preset"
  if ((i == 0)); then
    timed "$preset, build" build "$preset"
  else
    timed "$preset, waiting" end_background "$preset"
  fi
  if ((i + 1 < ${#presets[@]})); then
    build_in_background "${presets[i + 1]}"
  fi
  timed "$preset, tests" run_tests "$preset" || failed=1
done
exit "$failed"
