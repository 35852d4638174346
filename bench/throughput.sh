#!/usr/bin/env bash
# Prints a table in Markdown: examples a second in training, with 1 server and 1 worker of 1 and of 2 threads, in FP32 and in BF16. Each figure
# is the median of several runs; between two runs of one cell all other cells are run.
#
# Without --text the rows are networks of two tasks, on the data of configs/bench_mmoe.textproto; reading is not counted, since there is none.
# With --text they are models with published figures (docs/benchmarks.md), on a file of Criteo-shaped text, and reading counts.
# usage: bench/throughput.sh [--text=FILE] [--only=NAME] [--runs=N] [-- FLAG...]      --runs: 3 if not given; FLAGs are given to zhiyin train
set -euo pipefail

only=""
runs=3
text=""
while (($# > 0)); do
  case "$1" in
    --text=*) text="$(realpath -- "${1#--text=}")" ;;
    --only=*) only="${1#--only=}" ;;
    --runs=*) runs="${1#--runs=}" ;;
    --)
      shift
      break
      ;;
    *) echo "bench/throughput.sh: $1: expected --text=FILE, --only=NAME, --runs=N or --" >&2; exit 1 ;;
  esac
  shift
done
flags=("$@")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Networks of comparable size: experts 256-128, towers 64; four experts where a network has experts.
declare -A model=(
  [shared_bottom]='shared_bottom { bottom: [256, 128] tower: [64] }'
  [mmoe]='mmoe { n_experts: 4 expert: [256, 128] tower: [64] }'
  [cgc]='ple { level { shared_experts: 2 task_experts: 1 expert: [256, 128] } tower: [64] }'
  [ple]='ple { level { shared_experts: 2 task_experts: 1 expert: [256] } level { shared_experts: 2 task_experts: 1 expert: [128] }
               tower: [64] }'
  [esmm]='esmm { hidden: [256, 128, 64] step { task: "label_0" } step { task: "label_1" } }'
  [aitm]='aitm { hidden: [256, 128, 64] }'
  [cross_stitch]='cross_stitch { hidden: [256, 128, 64] }'
  [stem]='stem { shared_experts: 2 task_experts: 1 expert: [256, 128] tower: [64] }'
)
names=(shared_bottom mmoe cgc ple esmm aitm cross_stitch stem)
if [[ -n "$text" ]]; then
  names=(deepfm wide_deep dlrm)
  n_lines=$(wc -l <"$text")
  n_train=$((n_lines * 4 / 5))
fi
if [[ -n "$only" ]]; then
  if [[ ! " ${names[*]} " == *" $only "* ]]; then
    echo "bench/throughput.sh: no row $only; there are: ${names[*]}" >&2
    exit 1
  fi
  names=("$only")
fi
cells=("FP32 1" "FP32 2" "BF16 1" "BF16 2")  # compute, threads

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

summary() { awk -F'[:,]' -v key="\"$1\":" 'index($0, key) { print $2; exit }' "$scratch/job/summary.json"; }
median() { sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
with_commas() { awk '{ printf "%.0f\n", $1 }' | sed ':a; s/\B[0-9]\{3\}\>/,&/; ta'; }

# run_job NAME COMPUTE THREADS: prints examples a second.
run_job() {
  local job
  if [[ -n "$text" ]]; then
    job=(--config="bench/configs/criteo_$1.textproto"
      --set data.train.file="$text" --set data.train.n_rows="$n_train"
      --set data.test.file="$text" --set data.test.first_row="$n_train")
  else
    job=(--config=configs/bench_mmoe.textproto --set "model={${model[$1]}}")
    # An embedding row of STEM has a part of 16 floats for both tasks, and one for each.
    if [[ "$1" == stem ]]; then job+=(--set 'table[categories].dim=48'); fi
  fi
  launch/mpirun.sh --bind-to none -n 2 build/release/zhiyin train "${job[@]}" --set train.compute="$2" --threads="$3" --progress=none \
    --output="$scratch/job" --overwrite "${flags[@]}" >/dev/null
  if [[ -n "$text" ]]; then
    awk -v n="$n_train" -v a="$(summary seconds_reading)" -v b="$(summary seconds_training)" 'BEGIN { print n / (a + b) }'
  else
    summary samples_per_second
  fi
}

launch/install_packages.sh >/dev/null
cmake --preset release >/dev/null
cmake --build --preset release --target zhiyin >/dev/null

for ((run = 0; run < runs; ++run)); do
  for name in "${names[@]}"; do
    for cell in "${cells[@]}"; do
      read -r compute threads <<<"$cell"
      run_job "$name" "$compute" "$threads" >>"$scratch/$name $cell"
    done
  done
done

printf '| model |'
for cell in "${cells[@]}"; do
  read -r compute threads <<<"$cell"
  printf ' %s, %s thread%s |' "$compute" "$threads" "$([[ "$threads" == 1 ]] || echo s)"
done
printf '\n|---|%s\n' "$(printf -- '---:|%.0s' "${cells[@]}")"
for name in "${names[@]}"; do
  printf '| %s |' "$name"
  for cell in "${cells[@]}"; do printf ' %s |' "$(median <"$scratch/$name $cell" | with_commas)"; done
  printf '\n'
done
products="$(tr -d '\n' <"$scratch/job/summary.json" | sed -n 's/.*"products": *\[ *\([^]]*[^] ]\) *\].*/\1/p')"
printf '\nRuns of each cell: %s; cores: %s, %s; products: %s.\n' "$runs" "$(nproc)" "$(lscpu | sed -n 's/^Model name: *//p')" "${products//\"/}"
