#!/usr/bin/env bash
# Compares Zhiyin with a yardstick, each pair of runs one after the other on the same machine, and prints one row a comparison:
#
#   name  ours  yardstick  ratio
#
# Figures are medians over several pairs; the ratio is the median of the pairs' ratios. What a yardstick needs (docs/benchmarks.md) may be
# missing: then its row says so.
# usage: bench/run.sh [--only=NAME] [--pairs=N] [--rows=N] [--full]
#        --rows: lines of Criteo-shaped text, a million if not given      --full: tables of a hundred million rows instead of ten
# Criteo-shaped text is made once a run, or once for all runs in the folder that ZHIYIN_BENCH_DATA names.
set -euo pipefail
data="${ZHIYIN_BENCH_DATA:+$(realpath -m -- "$ZHIYIN_BENCH_DATA")}"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

only=""
pairs=5
criteo_rows=1000000
table_rows=10000000
for argument in "$@"; do
  case "$argument" in
    --only=*) only="${argument#--only=}" ;;
    --pairs=*) pairs="${argument#--pairs=}" ;;
    --rows=*) criteo_rows="${argument#--rows=}" ;;
    --full) table_rows=100000000 ;;
    *) echo "bench/run.sh: $argument: expected --only=NAME, --pairs=N, --rows=N or --full" >&2; exit 1 ;;
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
  if [[ $(grep -c . "$scratch/$name.ours") != "$pairs" || $(grep -c . "$scratch/$name.yardstick") != "$pairs" ]]; then
    skip "$name" "a run gave no figure"
    return
  fi
  printf '%-28s %14.0f %14.0f %8.2fx  %s\n' "$name" "$(median <"$scratch/$name.ours")" "$(median <"$scratch/$name.yardstick")" \
    "$(paste "$scratch/$name.ours" "$scratch/$name.yardstick" | awk '{ print $1 / $2 }' | median)" "$unit"
}

# summary FOLDER KEY: a number of the summary.json that a job has left in the folder.
summary() { awk -F'[:,]' -v key="\"$2\":" 'index($0, key) { print $2; exit }' "$1/summary.json"; }

# python_with MODULE...: a python that has them; fails where there is none.
python_with() {
  local candidate modules="$*"
  for candidate in ${ZHIYIN_BENCH_PYTHON:-/usr/bin/python3 python3}; do
    if "$candidate" -c "import ${modules// /, }" 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
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

# mmoe_throughput_COMPUTE: examples a second of configs/bench_mmoe.textproto, with 1 server and 2 workers, against the fastest program in
# PyTorch for that model and random examples, on 2 threads, eager or compiled: FP32 against the best of FP32, BF16 against the best of all.
mmoe_throughput_ours() {
  launch/mpirun.sh --bind-to none -n 3 build/release/zhiyin train --config=configs/bench_mmoe.textproto --set train.compute="$1" \
    --progress=none --output="$scratch/mmoe" --overwrite >/dev/null
  summary "$scratch/mmoe" samples_per_second
}
mmoe_throughput_fp32_ours() { mmoe_throughput_ours FP32; }
mmoe_throughput_bf16_ours() { mmoe_throughput_ours BF16; }
mmoe_throughput_yardstick() {
  local mode precision
  # Threads that are more than free cores wait for each other in loops: such a run is no figure, and is cut short.
  for precision in "$@"; do
    for mode in eager compile; do
      timeout 180 "$python" "$peers/torch_mmoe_best.py" 2 "$mode" "$precision" 2>/dev/null || true
    done
  done | awk '/^threads/ { print $4 }' | sort -g | tail -1
}
mmoe_throughput_fp32_yardstick() { mmoe_throughput_yardstick fp32; }
mmoe_throughput_bf16_yardstick() { mmoe_throughput_yardstick fp32 bf16; }
mmoe_throughput() {
  local pairs=$((pairs < 3 ? pairs : 3))
  if [[ ! -f "$peers/torch_mmoe_best.py" ]]; then
    skip mmoe_throughput "no $peers/torch_mmoe_best.py"
  elif ! python="$(python_with torch)"; then
    skip mmoe_throughput "needs PyTorch: python3-torch, or ZHIYIN_BENCH_PYTHON=a python that has it"
  else
    compare mmoe_throughput_fp32 examples/s mmoe_throughput_fp32_ours mmoe_throughput_fp32_yardstick
    compare mmoe_throughput_bf16 examples/s mmoe_throughput_bf16_ours mmoe_throughput_bf16_yardstick
  fi
}

# dense_products_VARIANT: examples a second of that model alone, forward and backward, against the matrix products inside it as bare products
# by the same library: Eigen or oneDNN, FP32 or BF16.
dense_products_of() {
  build/release/model_bench --benchmark_filter="^$1/$variant/" --benchmark_min_time=0.5 --benchmark_format=csv 2>/dev/null |
    awk -F, '/items_per_second/ { for (i = 1; i <= NF; ++i) if ($i == "items_per_second") at = i } /^"BM_/ { print $at }'
}
dense_products_ours() { dense_products_of BM_BenchMmoeStep; }
dense_products_yardstick() { dense_products_of BM_BenchMmoeProducts; }
dense_products() {
  for variant in eigen_fp32 onednn_fp32 onednn_bf16; do
    if [[ -z "$(dense_products_yardstick)" ]]; then
      skip "dense_products_$variant" "this build has no oneDNN: libdnnl-dev"
      continue
    fi
    compare "dense_products_$variant" "examples/s; the yardstick is bare products" dense_products_ours dense_products_yardstick
  done
}

# Criteo-shaped text: two labels, 13 numbers with gaps, 26 hashed categories. The last fifth is for tests.
criteo_folder="${data:-$scratch}"
criteo_text="$criteo_folder/criteo_$criteo_rows.tsv"
criteo_parquet="$criteo_folder/criteo_$criteo_rows.parquet"
criteo_train=$((criteo_rows * 4 / 5))

# criteo_needs NAME PEER MODULE...: finds a python with these modules, and makes the text if it is not there. Where it cannot, it prints the
# row NAME with what is missing, and fails.
criteo_needs() {
  local name="$1" script scripts=(criteo_shaped.py "$2")
  shift 2
  for script in "${scripts[@]}"; do
    if [[ ! -f "$peers/$script" ]]; then
      skip "$name" "no $peers/$script"
      return 1
    fi
  done
  if ! python="$(python_with numpy "$@")"; then
    skip "$name" "needs ZHIYIN_BENCH_PYTHON=a python with numpy $*"
    return 1
  fi
  [[ -f "$criteo_text" ]] && return
  if ! mkdir -p "$criteo_folder" || ! "$python" "$peers/criteo_shaped.py" "$criteo_rows" "$criteo_text.new" ||
    ! mv "$criteo_text.new" "$criteo_text"; then
    skip "$name" "cannot make $criteo_text"
    return 1
  fi
}

# criteo_job JOB FILE [FLAG...]: trains bench/configs/criteo_JOB.textproto on the file, with 1 server and 2 workers. Its summary is in
# $scratch/criteo.
criteo_job() {
  local job="$1" file="$2"
  shift 2
  launch/mpirun.sh --bind-to none -n 3 build/release/zhiyin train --config="bench/configs/criteo_$job.textproto" \
    --set data.train.file="$file" --set data.train.n_rows="$criteo_train" \
    --set data.test.file="$file" --set data.test.first_row="$criteo_train" \
    --progress=none --output="$scratch/criteo" --overwrite "$@" >/dev/null
}
criteo_torch() { "$python" -W ignore "$peers/torch_criteo.py" "$criteo_text" "$1" 2 "$2" >"$scratch/criteo_torch"; }

# criteo_auc NAME AUC: AUC of clicks of the last pair, so that nobody compares speeds of models that learn differently.
criteo_auc() {
  local ours
  [[ -n "$2" ]] || return 0
  ours="$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["tasks"]["click"]["auc"])' "$scratch/criteo/summary.json")"
  printf '%-28s %14.4f %14.4f %8.3fx  AUC of clicks\n' "$1" "$ours" "$2" "$(awk -v a="$ours" -v b="$2" 'BEGIN { print a / b }')"
}

# criteo_mmoe, criteo_shared_bottom, criteo_linear_two: training examples a second of a whole job, from the text to AUC, in BF16 (the linear one
# in FP32), against PyTorch on 2 threads. Ours counts saving the model, too; PyTorch's does not count loading Python's modules.
criteo_whole_ours() {
  criteo_job "$criteo_model" "$criteo_text" --set train.compute="${criteo_precision^^}"
  awk -v n="$criteo_train" -v s="$(summary "$scratch/criteo" seconds)" 'BEGIN { print n / s }'
}
criteo_whole_yardstick() {
  criteo_torch "$criteo_kind" "$criteo_precision"
  sed -n 's/.*, whole [0-9.]* s = \([0-9]*\)\/s.*/\1/p' "$scratch/criteo_torch"
}
criteo_whole() {
  local pairs=$((pairs < 3 ? pairs : 3))
  criteo_model="$1" criteo_kind="$2" criteo_precision="$3"
  criteo_needs "criteo_$criteo_model" torch_criteo.py torch pyarrow sklearn || return 0
  compare "criteo_$criteo_model" "examples/s of a whole job" criteo_whole_ours criteo_whole_yardstick
  criteo_auc "criteo_$criteo_model" "$(sed -n 's/.*AUC \([0-9.]*\) .*/\1/p' "$scratch/criteo_torch")"
}
criteo_mmoe() { criteo_whole mmoe mmoe bf16; }
criteo_shared_bottom() { criteo_whole shared_bottom sb bf16; }
criteo_linear_two() { criteo_whole linear_two lr fp32; }

# criteo_linear: training examples a second of a linear model of clicks, reading included and testing not, against Vowpal Wabbit, which reads
# a file of its own format.
criteo_linear_ours() {
  criteo_job linear "$criteo_text"
  awk -v n="$criteo_train" -v a="$(summary "$scratch/criteo" seconds_reading)" -v b="$(summary "$scratch/criteo" seconds_training)" \
    'BEGIN { print n / (a + b) }'
}
criteo_linear_yardstick() {
  "$python" "$peers/vw_linear.py" "$criteo_text" "$criteo_train" >"$scratch/criteo_vw"
  awk '/^vw train/ { print $3 }' "$scratch/criteo_vw"
}
criteo_linear() {
  local pairs=$((pairs < 3 ? pairs : 3))
  criteo_needs criteo_linear vw_linear.py vowpalwabbit sklearn || return 0
  compare criteo_linear "examples/s of reading and training" criteo_linear_ours criteo_linear_yardstick
  criteo_auc criteo_linear "$(awk '/^vw train/ { print $NF }' "$scratch/criteo_vw")"
}

# criteo_reading: lines a second from text to examples in memory, both splits, against pyarrow's reader with dictionaries of categories.
# criteo_parquet: that of a Parquet file, against that of the text, both ours.
criteo_reading_of() {
  criteo_job linear_two "$@"
  awk -v n="$criteo_rows" -v s="$(summary "$scratch/criteo" seconds_reading)" 'BEGIN { print n / s }'
}
criteo_reading_ours() { criteo_reading_of "$criteo_text"; }
criteo_reading_yardstick() {
  criteo_torch lr fp32
  sed -n 's/.*: read \([0-9.]*\) encode \([0-9.]*\) .*/\1 \2/p' "$scratch/criteo_torch" |
    awk -v n="$criteo_rows" '{ print n / ($1 + $2) }'
}
criteo_reading() {
  local pairs=$((pairs < 3 ? pairs : 3))
  criteo_needs criteo_reading torch_criteo.py torch pyarrow sklearn || return 0
  compare criteo_reading "lines/s" criteo_reading_ours criteo_reading_yardstick
}
criteo_parquet_ours() { criteo_reading_of "$criteo_parquet" --set 'data.text={}'; }
criteo_parquet_yardstick() { criteo_reading_of "$criteo_text"; }
make_criteo_parquet() {
  [[ -f "$criteo_parquet" ]] && return
  "$python" - "$criteo_text" "$criteo_parquet.new" <<'EOF' && mv "$criteo_parquet.new" "$criteo_parquet"
import sys
import pyarrow, pyarrow.csv, pyarrow.parquet
numbers = ["click", "buy"] + [f"n{i}" for i in range(13)]
categories = [f"c{i}" for i in range(26)]
types = {**{n: pyarrow.int64() for n in numbers}, **{c: pyarrow.string() for c in categories}}
table = pyarrow.csv.read_csv(
    sys.argv[1], read_options=pyarrow.csv.ReadOptions(column_names=numbers + categories),
    parse_options=pyarrow.csv.ParseOptions(delimiter="\t"),
    convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True))
pyarrow.parquet.write_table(table, sys.argv[2], row_group_size=65536)
EOF
}
criteo_parquet() {
  local pairs=$((pairs < 3 ? pairs : 3))
  if [[ ! -f build/release/libzhiyin_arrow.so ]]; then
    skip criteo_parquet "no plugin for Parquet: launch/install_packages.sh arrow"
    return
  fi
  criteo_needs criteo_parquet criteo_shaped.py pyarrow || return 0
  if ! make_criteo_parquet; then
    skip criteo_parquet "cannot make $criteo_parquet"
    return
  fi
  compare criteo_parquet "lines/s; the yardstick is our text" criteo_parquet_ours criteo_parquet_yardstick
}

# push_pull_N: keys pulled and pushed a second, 1 server and 1 worker over shared memory, N keys a request out of 2 million, dim 16, AdaGrad,
# against a bare MPI loop that does the same; each side at its best number of requests under way.
push_pull_ours() {
  for depth in 2 4; do
    launch/mpirun.sh "${transport[@]}" -n 2 build/release/push_pull --keys="$1" --depth="$depth" --batches=1500 | awk '{ print $1 }'
  done | sort -g | tail -1
}
push_pull_yardstick() {
  for depth in 2 4; do
    launch/mpirun.sh "${transport[@]}" -n 2 "$scratch/spike" 1 "$1" "$depth" 1500 2000000 20 | awk '{ sub(/.*: /, ""); print $1 * 1e6 }'
  done | sort -g | tail -1
}
push_pull_4096_ours() { push_pull_ours 4096; }
push_pull_4096_yardstick() { push_pull_yardstick 4096; }
push_pull_16384_ours() { push_pull_ours 16384; }
push_pull_16384_yardstick() { push_pull_yardstick 16384; }
build_spike() {
  if [[ ! -f "$peers/mpi_push_pull_spike.cc" ]]; then
    skip "$1" "no $peers/mpi_push_pull_spike.cc"
    return 1
  fi
  [[ -x "$scratch/spike" ]] || mpicxx -O3 -march=x86-64-v3 -std=c++20 "$peers/mpi_push_pull_spike.cc" -o "$scratch/spike" 2>/dev/null
}
push_pull() {
  build_spike push_pull || return 0
  transport=()
  compare push_pull_4096 keys/s push_pull_4096_ours push_pull_4096_yardstick
  compare push_pull_16384 keys/s push_pull_16384_ours push_pull_16384_yardstick
}
# The same over TCP.
push_pull_tcp() {
  build_spike push_pull_tcp || return 0
  transport=(--mca btl tcp,self)
  compare push_pull_tcp_4096 keys/s push_pull_4096_ours push_pull_4096_yardstick
}

# scaling_2x4: 2 servers and 4 workers on the same machine against 1 and 1, both ours; each side at its best number of requests under way of
# a worker.
scaling_2x4_ours() {
  for depth in 1 2 4; do
    launch/mpirun.sh -n 6 build/release/push_pull --servers=2 --keys=4096 --depth="$depth" --batches=1500 | awk '{ print $1 }'
  done | sort -g | tail -1
}
scaling_2x4_yardstick() {
  for depth in 1 2 4; do
    launch/mpirun.sh -n 2 build/release/push_pull --servers=1 --keys=4096 --depth="$depth" --batches=3000 | awk '{ print $1 }'
  done | sort -g | tail -1
}
scaling_2x4() { compare scaling_2x4 keys/s scaling_2x4_ours scaling_2x4_yardstick; }

# push_OPTIMIZER: keys pulled and pushed a second with each optimizer against plain SGD, both ours.
push_with() {
  launch/mpirun.sh -n 2 build/release/push_pull --keys=4096 --depth=4 --batches=1000 --optimizer="$1 { learning_rate: 0.01 }" | awk '{ print $1 }'
}
push_optimizers_ours() { push_with "$optimizer"; }
push_optimizers_yardstick() { push_with sgd; }
push_optimizers() {
  for optimizer in $(sed -n 's/^    \.name = "\(.*\)",/\1/p' ps/table/optimizer/*.cc | grep -vx sgd); do
    compare "push_$optimizer" keys/s push_optimizers_ours push_optimizers_yardstick
  done
}

# table_memory: resident bytes a row (less is better) of one table of dim 16 with row-wise AdaGrad that has grown to $table_rows rows,
# against a hash map of the same payload: Abseil's, or the standard library's where Abseil is missing. A map that does not fit is smaller.
table_memory_column() { build/release/table_memory --rows="$table_rows" --runs=1 --only="$1" | awk -v name="$1" '$1 == name { print $3; exit }'; }
table_memory_ours() { table_memory_column table; }
table_memory_yardstick() { table_memory_column "$map"; }
table_memory() {
  map=flat_hash_map
  if build/release/table_memory --rows=4096 --runs=1 --only=flat_hash_map | grep -q skipped; then map=unordered_map; fi
  compare table_memory "bytes a row; the yardstick is $map" table_memory_ours table_memory_yardstick
}

# table_growth: while that table grows in requests of 4,096 new keys, the longest request's time on the processor in us (less is better)
# against the median request's, each request at its least out of three runs; and keys read a second at the end against at a million rows. Both sides ours, each pair
# out of the same runs.
table_growth_ours() {
  build/release/table_memory --rows="$table_rows" --runs=3 --only=table >"$scratch/growth"
  awk '/CPU/ { print $6 }' "$scratch/growth"
}
table_growth_yardstick() { awk '/CPU/ { print $5 }' "$scratch/growth"; }
table_growth_lookups_ours() {
  build/release/table_memory --rows="$table_rows" --runs=3 --only=table >"$scratch/growth"
  awk '$1 == "table" { print $6; exit }' "$scratch/growth"
}
table_growth_lookups_yardstick() { awk '$1 == "table" { print $5; exit }' "$scratch/growth"; }
table_growth() {
  compare table_growth us table_growth_ours table_growth_yardstick
  compare table_growth_lookups keys/s table_growth_lookups_ours table_growth_lookups_yardstick
}

# pull_large_table_N: rows read a second by a worker from a server that holds $table_rows of them, drawn uniformly from all, N keys a request,
# against a server that holds a million; both ours, over shared memory.
pull_large_table_from() {
  launch/mpirun.sh -n 2 build/release/push_pull --read_only --rows="$1" --keys="$2" --depth=4 --batches="$((8192000 / $2))" | awk '{ print $1 }'
}
pull_large_table_4096_ours() { pull_large_table_from "$table_rows" 4096; }
pull_large_table_4096_yardstick() { pull_large_table_from 1000000 4096; }
pull_large_table_16384_ours() { pull_large_table_from "$table_rows" 16384; }
pull_large_table_16384_yardstick() { pull_large_table_from 1000000 16384; }
pull_large_table() {
  compare pull_large_table_4096 "keys/s; the yardstick holds a million rows" pull_large_table_4096_ours pull_large_table_4096_yardstick
  compare pull_large_table_16384 "keys/s; the yardstick holds a million rows" pull_large_table_16384_ours pull_large_table_16384_yardstick
}

# hot_keys: bytes that 4 servers and 2 workers move for keys drawn by Zipf's law with exponent 1.1 (less is better), with copies of hot rows in
# the workers against without; and the busiest server against the mean, in thousandths. Counted in simulation: no noise.
hot_keys_run() { build/release/hot_keys --rows="$1" | awk -v column="$2" '{ print $column }'; }
hot_keys_bytes_ours() { hot_keys_run 100000 1; }
hot_keys_bytes_yardstick() { hot_keys_run 0 1; }
hot_keys_busiest_ours() { hot_keys_run 100000 2 | awk '{ print 1000 * $1 }'; }
hot_keys_busiest_yardstick() { echo 1000; }
hot_keys() {
  local pairs=1
  compare hot_keys_bytes bytes hot_keys_bytes_ours hot_keys_bytes_yardstick
  compare hot_keys_busiest "busiest server, thousandths of the mean" hot_keys_busiest_ours hot_keys_busiest_yardstick
}

# checkpoint_write, checkpoint_read: MB/s of a server that saves 2.2 GB of rows, with fsync, and reads them into an empty table, against dd with
# fsync and dd, on the disk of the system's temporary folder. Reads find nothing of the file in memory.
checkpoint_write_ours() {
  build/release/checkpoint_io --file="$scratch/rows-0-of-1.bin" >"$scratch/checkpoint"
  awk '{ print $1 / 1e6 }' "$scratch/checkpoint"
}
checkpoint_write_yardstick() {
  dd if=/dev/zero of="$scratch/dd" bs=1M count=2080 conv=fsync 2>&1 | awk '/copied/ { print $1 / 1e6 / $(NF - 3) }'
}
checkpoint_read_ours() {
  build/release/checkpoint_io --file="$scratch/rows-0-of-1.bin" | awk '{ print $2 / 1e6 }'
  dd if=/dev/zero of="$scratch/dd" bs=1M count=2080 conv=fsync 2>/dev/null
}
checkpoint_read_yardstick() {
  dd of="$scratch/dd" oflag=nocache conv=notrunc,fdatasync count=0 2>/dev/null
  dd if="$scratch/dd" of=/dev/null bs=1M 2>&1 | awk '/copied/ { print $1 / 1e6 / $(NF - 3) }'
}
checkpoint() {
  compare checkpoint_write MB/s checkpoint_write_ours checkpoint_write_yardstick
  compare checkpoint_read MB/s checkpoint_read_ours checkpoint_read_yardstick
}

comparisons=(census_epoch mmoe_throughput dense_products criteo_mmoe criteo_shared_bottom criteo_linear criteo_linear_two criteo_reading
  criteo_parquet push_pull push_pull_tcp scaling_2x4 push_optimizers table_memory table_growth pull_large_table hot_keys checkpoint)
if [[ -n "$only" ]]; then
  if [[ ! " ${comparisons[*]} " == *" $only "* ]]; then
    echo "bench/run.sh: no comparison $only; there are: ${comparisons[*]}" >&2
    exit 1
  fi
  comparisons=("$only")
fi

launch/install_packages.sh test bench
cmake --preset release -DZHIYIN_BUILD_BENCH=ON >/dev/null
targets=(zhiyin push_pull table_memory hot_keys model_bench checkpoint_io)
if grep -q '^build libzhiyin_arrow.so' build/release/build.ninja; then targets+=(zhiyin_arrow); fi
cmake --build --preset release --target "${targets[@]}" >/dev/null
printf '%-28s %14s %14s %9s\n' name ours yardstick ratio
for comparison in "${comparisons[@]}"; do
  "$comparison"
done
