// What a server's table costs as it grows: table_memory --rows=100000000 --runs=3
//
// Grows one table from nothing in requests of 4,096 new keys, and the same payload in hash maps that one
// would otherwise use. Memory is what the operating system says is resident, so every run has a process of
// its own. Request i does the same work in every run: its least time over the runs is its own cost, the rest
// is the machine's other business.
#include <gflags/gflags.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#ifdef ZHIYIN_HAVE_ABSL
#include <absl/container/flat_hash_map.h>
#endif

#include "common/random.h"
#include "ps/table.h"

DEFINE_int64(rows, 100000000, "rows to grow to; maps that would not fit into memory grow to fewer");
DEFINE_int32(runs, 3, "runs of each, one after the other");
DEFINE_bool(fp16, false, "the table keeps its weights as FP16");
DEFINE_string(only, "", "one of table, bare_memory, flat_hash_map, unordered_map; empty: all");
DEFINE_string(series, "", "write each request's least times and page faults to this file");

namespace zhiyin {
namespace {

constexpr size_t kRequest = 4096;
constexpr size_t kDim = 16;
constexpr uint64_t kFewRows = 244 * kRequest;  // a million
constexpr int kLookupRequests = 1000;
/// Before those that count. The first reads after growing cost up to four times the later ones, bare memory's,
/// too: neither the processor nor a virtual machine's host has the page tables at hand.
constexpr int kWarmUpRequests = 3000;

using Keys = std::span<const Key>;
using Payload = std::array<float, kDim + 1>;  // the weights and what row-wise AdaGrad keeps

/// The table of the parameter server, dim 16, row-wise AdaGrad. The only part that knows ps::Table.
class OurTable {
 public:
  static constexpr const char* kName = "table";
  static constexpr double kPeakBytesPerRow = 104;

  OurTable() : table_(Spec(), 1), rows_(kRequest) {}

  void Grow(Keys keys) { table_.FindOrCreate(keys, 0, rows_); }
  /// REQUIRES: all keys are there.
  void Read(Keys keys, float* weights) {
    table_.Find(keys, rows_);
    table_.ReadWeights(rows_, FP32, weights);
  }

 private:
  static ps::TableSpec Spec() {
    ps::TableSpec spec;
    spec.id = 1;
    spec.name = "t";
    spec.dim = kDim;
    spec.optimizer.mutable_rowwise_adagrad()->set_learning_rate(0.05);
    spec.init.mutable_uniform()->set_range(0.1);
    if (FLAGS_fp16) spec.storage = FP16;
    return spec;
  }

  ps::Table table_;
  std::vector<std::byte*> rows_;
};

template <typename Map>
class RivalMap {
 public:
  void Grow(Keys keys) {
    for (const Key key : keys) map_[key].fill(0.1f);
  }
  /// REQUIRES: all keys are there.
  void Read(Keys keys, float* weights) {
    for (const Key key : keys) {
      std::memcpy(weights, map_.find(key)->second.data(), kDim * sizeof(float));
      weights += kDim;
    }
  }

 private:
  Map map_;
};

/// The standard library's.
struct UnorderedMap : RivalMap<std::unordered_map<Key, Payload>> {
  static constexpr const char* kName = "unordered_map";
  static constexpr double kPeakBytesPerRow = 130;
};

#ifdef ZHIYIN_HAVE_ABSL
/// Abseil's, which keeps its rows in the table itself.
struct FlatHashMap : RivalMap<absl::flat_hash_map<Key, Payload>> {
  static constexpr const char* kName = "flat_hash_map";
  static constexpr double kPeakBytesPerRow = 245;  // just behind a doubling
};
#endif

/// No table: rows and as many 16-byte entries of an index in huge pages, read for a key at one place each
/// that follows from the key alone, all fetched well ahead. What the machine's memory allows anybody.
class BareMemory {
 public:
  static constexpr const char* kName = "bare_memory";
  static constexpr double kPeakBytesPerRow = 90;

  BareMemory() : rows_(Map(sizeof(Payload))), entries_(Map(kEntryBytes)) {}
  void Grow(Keys keys) {
    std::memset(rows_ + n_rows_ * sizeof(Payload), 1, keys.size() * sizeof(Payload));
    std::memset(entries_ + n_rows_ * kEntryBytes, 1, keys.size() * kEntryBytes);
    n_rows_ += keys.size();
  }
  void Read(Keys keys, float* weights) {
    for (size_t i = 0; i < keys.size(); ++i, weights += kDim) {
      if (i + kAhead < keys.size()) {
        const std::byte* row = RowOf(keys[i + kAhead]);
        __builtin_prefetch(row);
        __builtin_prefetch(row + kDim * sizeof(float) - 1);
        __builtin_prefetch(EntryOf(keys[i + kAhead]));
      }
      std::memcpy(weights, RowOf(keys[i]), kDim * sizeof(float));
      weights[0] += static_cast<float>(*EntryOf(keys[i]));
    }
  }

 private:
  static constexpr size_t kAhead = 24;
  static constexpr size_t kEntryBytes = 16;

  static std::byte* Map(size_t row_bytes) {
    const size_t n = static_cast<size_t>(FLAGS_rows + kRequest) * row_bytes;
    void* memory =
        mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      std::perror("mmap");
      std::exit(1);
    }
    madvise(memory, n, MADV_HUGEPAGE);
    return static_cast<std::byte*>(memory);
  }
  uint64_t PlaceOf(Key key) const {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(key) * n_rows_) >> 64);
  }
  const std::byte* RowOf(Key key) const { return rows_ + PlaceOf(key) * sizeof(Payload); }
  const std::byte* EntryOf(Key key) const { return entries_ + PlaceOf(Mix(key)) * kEntryBytes; }

  std::byte* rows_;
  std::byte* entries_;
  uint64_t n_rows_ = 0;
};

double Seconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

int64_t MinorFaults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

int64_t ResidentBytes() {
  int64_t total_pages = 0;
  int64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

int64_t AvailableBytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string name, unit; file >> name;) {
    int64_t n_kib = 0;
    file >> n_kib;
    std::getline(file, unit);
    if (name == "MemAvailable:") return n_kib << 10;
  }
  return 0;
}

struct Request {
  float wall_us;
  float cpu_us;
  float n_faults;
};

/// What one run found. In memory that its process shares with the one that started it.
struct Run {
  bool complete = false;
  int64_t empty_bytes = 0;
  int64_t bytes = 0;
  double few_lookups_per_s = 0;
  double many_lookups_per_s = 0;
  std::span<Request> requests;
};

template <typename Work>
Request Measure(const Work& work) {
  const int64_t faults = MinorFaults();
  const double wall = Seconds(CLOCK_MONOTONIC);
  const double cpu = Seconds(CLOCK_THREAD_CPUTIME_ID);
  work();
  return {static_cast<float>(1e6 * (Seconds(CLOCK_MONOTONIC) - wall)),
          static_cast<float>(1e6 * (Seconds(CLOCK_THREAD_CPUTIME_ID) - cpu)),
          static_cast<float>(MinorFaults() - faults)};
}

template <typename T>
T Median(std::vector<T> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Existing keys at random, their weights copied out, at the pace of the median request.
template <typename Rows>
double LookupsPerSecond(Rows* table, uint64_t n_rows, std::vector<Key>* keys, std::vector<float>* weights) {
  Random random(n_rows);
  std::vector<float> times;
  for (int i = 0; i < kWarmUpRequests + kLookupRequests; ++i) {
    for (Key& key : *keys) key = Mix(random.Below(n_rows));
    const float us = Measure([&] { table->Read(*keys, weights->data()); }).wall_us;
    if (i >= kWarmUpRequests) times.push_back(us);
  }
  return 1e6 * kRequest / Median(times);
}

template <typename Rows>
[[noreturn]] void GrowFromNothing(Run* run) {
  std::vector<Key> keys(kRequest);
  std::vector<float> weights(kRequest * kDim);
  std::fill(run->requests.begin(), run->requests.end(), Request());  // resident from here on
  const int64_t before = ResidentBytes();
  Rows table;
  run->empty_bytes = ResidentBytes() - before;
  uint64_t n_rows = 0;
  for (Request& request : run->requests) {
    for (Key& key : keys) key = Mix(n_rows++);
    request = Measure([&] { table.Grow(keys); });
    if (n_rows == kFewRows) run->few_lookups_per_s = LookupsPerSecond(&table, n_rows, &keys, &weights);
  }
  run->bytes = ResidentBytes() - before;
  run->many_lookups_per_s = LookupsPerSecond(&table, n_rows, &keys, &weights);
  run->complete = true;
  _exit(0);  // giving back a hundred million rows one by one takes long and tells nothing
}

/// A run in a process of its own. The result lives until this program ends.
template <typename Rows>
const Run* RunOnce(size_t n_requests) {
  const size_t n_bytes = sizeof(Run) + n_requests * sizeof(Request);
  void* memory = mmap(nullptr, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::exit(1);
  }
  Run* run = new (memory) Run;
  run->requests = {reinterpret_cast<Request*>(run + 1), n_requests};
  const pid_t child = fork();
  if (child == 0) GrowFromNothing<Rows>(run);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0 || !run->complete) {
    std::fprintf(stderr, "table_memory: a run of %s ended early, with status %d\n", Rows::kName, status);
    std::exit(1);
  }
  return run;
}

/// The median over the runs of what `figure` makes of one.
double MedianOf(std::span<const Run* const> runs, const std::function<double(const Run&)>& figure) {
  std::vector<double> figures;
  for (const Run* run : runs) figures.push_back(figure(*run));
  return Median(figures);
}

/// Each request at its least over the runs.
std::vector<Request> LeastOf(std::span<const Run* const> runs) {
  std::vector<Request> least(runs[0]->requests.begin(), runs[0]->requests.end());
  for (const Run* run : runs.subspan(1)) {
    for (size_t i = 0; i < least.size(); ++i) {
      least[i].wall_us = std::min(least[i].wall_us, run->requests[i].wall_us);
      least[i].cpu_us = std::min(least[i].cpu_us, run->requests[i].cpu_us);
      least[i].n_faults = std::min(least[i].n_faults, run->requests[i].n_faults);
    }
  }
  return least;
}

struct Spread {
  double median_us;
  double longest_us;
  double faults_of_longest;
};

Spread SpreadOf(std::span<const Request> requests, float Request::*time) {
  std::vector<float> times;
  for (const Request& request : requests) times.push_back(request.*time);
  const auto longest = std::max_element(times.begin(), times.end());
  const size_t at = static_cast<size_t>(longest - times.begin());
  return {Median(times), *longest, requests[at].n_faults};
}

void PrintSpread(const char* name, const char* what, const Spread& spread) {
  std::printf("%-14s %-22s %9.0f %10.0f %9.1f %16.0f\n", name, what, spread.median_us, spread.longest_us,
              spread.longest_us / spread.median_us, spread.faults_of_longest);
}

void WriteSeries(const std::string& path, std::span<const Request> requests) {
  std::ofstream file(path);
  for (const Request& request : requests)
    file << request.wall_us << ' ' << request.cpu_us << ' ' << request.n_faults << '\n';
}

/// Both tables' lines of one candidate; those of the second are kept for later.
template <typename Rows>
void Compare(std::vector<std::function<void()>>* later) {
  if (!FLAGS_only.empty() && FLAGS_only != Rows::kName) return;
  const double n_fitting = 0.9 * static_cast<double>(AvailableBytes()) / Rows::kPeakBytesPerRow;
  const size_t n_requests =
      static_cast<size_t>(std::min(static_cast<double>(FLAGS_rows), n_fitting)) / kRequest;
  const double n_rows = static_cast<double>(n_requests * kRequest);
  std::vector<const Run*> runs;
  for (int i = 0; i < FLAGS_runs; ++i) runs.push_back(RunOnce<Rows>(n_requests));
  const double few = MedianOf(runs, [](const Run& run) { return run.few_lookups_per_s; });
  const double many = MedianOf(runs, [](const Run& run) { return run.many_lookups_per_s; });
  const double ratio =
      MedianOf(runs, [](const Run& run) { return run.many_lookups_per_s / run.few_lookups_per_s; });
  std::printf("%-14s %11.0f %11.1f %12.0f %12.0f %12.0f %7.2f\n", Rows::kName, n_rows,
              MedianOf(runs, [&](const Run& run) { return static_cast<double>(run.bytes) / n_rows; }),
              MedianOf(runs, [](const Run& run) { return static_cast<double>(run.empty_bytes); }), few, many,
              ratio);
  std::fflush(stdout);
  later->push_back([runs] {
    for (const Run* run : runs)
      PrintSpread(Rows::kName, "one run, wall", SpreadOf(run->requests, &Request::wall_us));
    const std::vector<Request> least = LeastOf(runs);
    PrintSpread(Rows::kName, "least of runs, wall", SpreadOf(least, &Request::wall_us));
    PrintSpread(Rows::kName, "least of runs, CPU", SpreadOf(least, &Request::cpu_us));
    if (!FLAGS_series.empty()) WriteSeries(FLAGS_series, least);
  });
}

void CompareAll() {
  std::vector<std::function<void()>> later;
  std::printf("%-14s %11s %11s %12s %12s %12s %7s\n", "name", "rows", "bytes/row", "bytes empty",
              "keys/s at 1M", "at all rows", "ratio");
  Compare<OurTable>(&later);
  Compare<BareMemory>(&later);
#ifdef ZHIYIN_HAVE_ABSL
  Compare<FlatHashMap>(&later);
#else
  std::printf("%-14s skipped: built without libabsl-dev\n", "flat_hash_map");
#endif
  Compare<UnorderedMap>(&later);
  std::printf("\n%-14s %-22s %9s %10s %9s %16s\n", "name", "requests of 4,096 keys", "median us",
              "longest us", "ratio", "faults of longest");
  for (const auto& print : later) print();
}

}  // namespace
}  // namespace zhiyin

int main(int argc, char** argv) {
  // As the program itself does.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  zhiyin::CompareAll();
}
