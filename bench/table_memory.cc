// What a server's table costs as it grows: table_memory --rows=100000000 --runs=3
//
// Grows one table from nothing in requests of 4,096 new keys, and the same payload in hash maps
// that one would otherwise use. Memory is what the operating system says is resident, so every run
// has a process of its own. Request i does the same work in every run: its least time over the runs
// is its own cost, the rest is the machine's other business, of which requests that only read get
// their part, too.
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
#include "ps/table/table.h"

DEFINE_int64(rows, 100000000, "rows to grow to; maps that would not fit into memory grow to fewer");
DEFINE_int32(runs, 3, "runs of each, one after the other");
DEFINE_bool(fp16, false, "the table keeps its weights as FP16");
DEFINE_string(only, "", "one of table, bare_memory, flat_hash_map, unordered_map; empty: all");
DEFINE_string(series, "",
              "write each request of growing to this file: run, wall and CPU time, page faults, "
              "waits, preemptions");

namespace zhiyin {
namespace {

constexpr size_t kRequest = 4096;
constexpr size_t kDim = 16;
constexpr uint64_t kFewRows = 244 * kRequest;  // a million
constexpr int kLookupRequests = 1000;
/// Before those that count. The first reads after growing cost up to four times the later ones,
/// bare memory's, too: neither the processor nor a virtual machine's host has the page tables at
/// hand.
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
  static ps::table::TableSpec Spec() {
    ps::table::TableSpec spec;
    spec.id = 1;
    spec.name = "t";
    spec.dim = kDim;
    spec.optimizer.mutable_rowwise_adagrad()->set_learning_rate(0.05);
    spec.init.mutable_uniform()->set_range(0.1);
    if (FLAGS_fp16) spec.storage = FP16;
    return spec;
  }

  ps::table::Table table_;
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

/// No table: rows and as many 16-byte entries of an index in huge pages, read for a key at one
/// place each that follows from the key alone, all fetched well ahead. What the machine's memory
/// allows anybody.
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
    void* memory = mmap(nullptr, n, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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

/// What the system counts of this thread.
rusage Usage() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return usage;
}

/// Without files, such as the code of this program.
int64_t ResidentBytes() {
  int64_t total_pages = 0;
  int64_t resident_pages = 0;
  int64_t file_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages >> file_pages;
  return (resident_pages - file_pages) * sysconf(_SC_PAGESIZE);
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
  float n_waits;        // it gave its processor up: for a lock, for memory
  float n_preemptions;  // its processor was taken away, by another thread; what a virtual machine's
                        // host takes is not counted
};

/// What one run found. In memory that its process shares with the one that started it.
struct Run {
  bool complete = false;
  int64_t empty_bytes = 0;
  int64_t bytes = 0;
  double few_lookups_per_s = 0;
  double many_lookups_per_s = 0;
  std::span<Request> growing;
  std::span<Request> reading;  // as many, of all rows when they are there
};

template <typename Work>
Request Measure(const Work& work) {
  const rusage before = Usage();
  const double wall = Seconds(CLOCK_MONOTONIC);
  const double cpu = Seconds(CLOCK_THREAD_CPUTIME_ID);
  work();
  const double wall_us = 1e6 * (Seconds(CLOCK_MONOTONIC) - wall);
  const double cpu_us = 1e6 * (Seconds(CLOCK_THREAD_CPUTIME_ID) - cpu);
  const rusage after = Usage();
  return {static_cast<float>(wall_us), static_cast<float>(cpu_us),
          static_cast<float>(after.ru_minflt - before.ru_minflt),
          static_cast<float>(after.ru_nvcsw - before.ru_nvcsw),
          static_cast<float>(after.ru_nivcsw - before.ru_nivcsw)};
}

template <typename T>
T Median(std::vector<T> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

/// Reads existing keys at random and copies their weights out.
template <typename Rows>
class Reader {
 public:
  Reader(Rows* rows, uint64_t n_rows)
      : rows_(rows), n_rows_(n_rows), random_(n_rows), keys_(kRequest), weights_(kRequest * kDim) {}

  Request Read() {
    for (Key& key : keys_) key = Mix(random_.Below(n_rows_));
    return Measure([&] { rows_->Read(keys_, weights_.data()); });
  }

 private:
  Rows* rows_;
  uint64_t n_rows_;
  Random random_;
  std::vector<Key> keys_;
  std::vector<float> weights_;
};

/// At the pace of the median request.
template <typename Rows>
double LookupsPerSecond(Rows* rows, uint64_t n_rows) {
  Reader reader(rows, n_rows);
  std::vector<float> times;
  for (int i = 0; i < kWarmUpRequests + kLookupRequests; ++i) {
    const float us = reader.Read().wall_us;
    if (i >= kWarmUpRequests) times.push_back(us);
  }
  return 1e6 * kRequest / Median(times);
}

template <typename Rows>
[[noreturn]] void GrowFromNothing(Run* run) {
  std::vector<Key> keys(kRequest);
  for (const std::span<Request> requests : {run->growing, run->reading})
    std::fill(requests.begin(), requests.end(), Request());  // resident from here on
  const int64_t before = ResidentBytes();
  Rows table;
  run->empty_bytes = ResidentBytes() - before;
  uint64_t n_rows = 0;
  for (Request& request : run->growing) {
    for (Key& key : keys) key = Mix(n_rows++);
    request = Measure([&] { table.Grow(keys); });
    if (n_rows == kFewRows) run->few_lookups_per_s = LookupsPerSecond(&table, n_rows);
  }
  run->bytes = ResidentBytes() - before;
  run->many_lookups_per_s = LookupsPerSecond(&table, n_rows);
  Reader reader(&table, n_rows);
  for (Request& request : run->reading) request = reader.Read();
  run->complete = true;
  _exit(0);  // giving back a hundred million rows one by one takes long and tells nothing
}

/// A run in a process of its own. The result lives until this program ends.
template <typename Rows>
const Run* RunOnce(size_t n_requests) {
  const size_t n_bytes = sizeof(Run) + 2 * n_requests * sizeof(Request);
  void* memory = mmap(nullptr, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::exit(1);
  }
  Run* run = new (memory) Run;
  run->growing = {reinterpret_cast<Request*>(run + 1), n_requests};
  run->reading = {run->growing.data() + n_requests, n_requests};
  const pid_t child = fork();
  if (child == 0) GrowFromNothing<Rows>(run);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0 || !run->complete) {
    std::fprintf(stderr, "table_memory: a run of %s ended early, with status %d\n", Rows::kName,
                 status);
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

/// Each request of growing as it was in the run where it took the least of `time`.
std::vector<Request> LeastOf(std::span<const Run* const> runs, float Request::*time) {
  std::vector<Request> least(runs[0]->growing.begin(), runs[0]->growing.end());
  for (const Run* run : runs.subspan(1)) {
    for (size_t i = 0; i < least.size(); ++i) {
      if (run->growing[i].*time < least[i].*time) least[i] = run->growing[i];
    }
  }
  return least;
}

void PrintSpread(const char* name, const char* what, std::span<const Request> requests,
                 float Request::*time) {
  std::vector<float> times;
  for (const Request& request : requests) times.push_back(request.*time);
  const float median_us = Median(times);
  const auto longest =
      std::max_element(requests.begin(), requests.end(),
                       [&](const Request& a, const Request& b) { return a.*time < b.*time; });
  std::printf("%-14s %-22s %9.0f %10.0f %9.1f %8.0f %8.0f %12.0f\n", name, what, median_us,
              (*longest).*time, (*longest).*time / median_us, longest->n_faults, longest->n_waits,
              longest->n_preemptions);
}

void WriteSeries(const std::string& path, std::span<const Run* const> runs) {
  std::ofstream file(path);
  for (size_t r = 0; r < runs.size(); ++r) {
    for (const Request& request : runs[r]->growing) {
      file << r << ' ' << request.wall_us << ' ' << request.cpu_us << ' ' << request.n_faults << ' '
           << request.n_waits << ' ' << request.n_preemptions << '\n';
    }
  }
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
  std::printf(
      "%-14s %11.0f %11.1f %12.0f %12.0f %12.0f %7.2f\n", Rows::kName, n_rows,
      MedianOf(runs, [&](const Run& run) { return static_cast<double>(run.bytes) / n_rows; }),
      MedianOf(runs, [](const Run& run) { return static_cast<double>(run.empty_bytes); }), few,
      many, ratio);
  std::fflush(stdout);
  later->push_back([runs] {
    for (const Run* run : runs)
      PrintSpread(Rows::kName, "growing, wall", run->growing, &Request::wall_us);
    for (const Run* run : runs)
      PrintSpread(Rows::kName, "only reading, wall", run->reading, &Request::wall_us);
    for (const auto& [what, time] : {std::pair("growing, least wall", &Request::wall_us),
                                     std::pair("growing, least CPU", &Request::cpu_us)})
      PrintSpread(Rows::kName, what, LeastOf(runs, time), time);
    if (!FLAGS_series.empty()) WriteSeries(FLAGS_series, runs);
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
  std::printf("\n%-14s %-22s %9s %10s %9s %26s\n", "name", "requests of 4,096 keys", "median us",
              "longest us", "ratio", "of the longest: faults, waits, preemptions");
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
