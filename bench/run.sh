#!/usr/bin/env bash
# Compares Zhiyin with a yardstick, each pair of runs one after the other on the same machine, and prints one row a comparison:
#
#   name  ours  yardstick  ratio
#
# Figures are medians over several pairs; the ratio is the median of the pairs' ratios. What a yardstick needs (docs/benchmarks.md) may be
# missing: then its row says so.
# usage: bench/run.sh [--only=NAME] [--pairs=N]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

only=""
pairs=5
for argument in "$@"; do
  case "$argument" in
    --only=*) only="${argument#--only=}" ;;
    --pairs=*) pairs="${argument#--pairs=}" ;;
    *) echo "bench/run.sh: $argument: expected --only=NAME or --pairs=N" >&2; exit 1 ;;
  esac
done

peers=../shared/peers
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

median() { sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# compare NAME UNIT OURS YARDSTICK: runs the two functions in turn; each prints one number, more is better.
compare() {
  local name="$1" unit="$2" ours="$3" yardstick="$4"
  : >"$scratch/$name.ours"
  : >"$scratch/$name.yardstick"
  for ((pair = 0; pair < pairs; ++pair)); do
    "$ours" >>"$scratch/$name.ours"
    "$yardstick" >>"$scratch/$name.yardstick"
  done
  printf '%-28s %14.0f %14.0f %8.2fx  %s\n' "$name" "$(median <"$scratch/$name.ours")" "$(median <"$scratch/$name.yardstick")" \
    "$(paste "$scratch/$name.ours" "$scratch/$name.yardstick" | awk '{ print $1 / $2 }' | median)" "$unit"
}

skip() { printf '%-28s skipped: %s\n' "$1" "$2"; }

# census_epoch: training MMoE on Census-Income, 1 server and 1 worker, against PyTorch on one thread. Both sides count two epochs with their
# evaluations; ours counts reading, decompressing and hashing the file, too, PyTorch's begins with tensors in memory.
census_epoch_ours() {
  launch/mpirun.sh -n 2 build/release/zhiyin train --config=configs/census_mmoe.textproto --set train.epochs=2 --set train.slices=1 \
    --progress=none --output="$scratch/census" --overwrite >/dev/null
  awk -F'[:,]' '/"samples":/ && !n { n = $2 } /"seconds":/ { s = $2 } END { print n / s }' "$scratch/census/summary.json"
}
census_epoch_yardstick() {
  /usr/bin/python3 "$peers/torch_census.py" mmoe 1 2 | awk '/epoch 2/ { sub(/s$/, "", $NF); print 2 * 66508 / $NF }'
}
census_epoch() {
  if [[ ! -f "$peers/torch_census.py" ]]; then
    skip census_epoch "no $peers/torch_census.py"
  elif ! /usr/bin/python3 -c 'import torch, sklearn' 2>/dev/null; then
    skip census_epoch "needs python3-torch and python3-sklearn"
  else
    compare census_epoch samples/s census_epoch_ours census_epoch_yardstick
  fi
}

comparisons=(census_epoch)
if [[ -n "$only" ]]; then
  if [[ ! " ${comparisons[*]} " == *" $only "* ]]; then
    echo "bench/run.sh: no comparison $only; there are: ${comparisons[*]}" >&2
    exit 1
  fi
  comparisons=("$only")
fi

launch/install_packages.sh
cmake --preset release >/dev/null
cmake --build --preset release --target zhiyin >/dev/null
printf '%-28s %14s %14s %9s\n' name ours yardstick ratio
for comparison in "${comparisons[@]}"; do
  "$comparison"
done
