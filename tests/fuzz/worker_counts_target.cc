#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/invariants.h"

namespace zhiyin::fuzz {

/// What a worker sends, as every worker of a job says it.
int FuzzWorkerCounts(const uint8_t* data, size_t size) {
  Judge("counts of a worker", [&] {
    worker::JobCounts counts;
    counts.workers.assign(3, worker::ParseCounts({reinterpret_cast<const char*>(data), size}));
    counts.Sum(&ps::ClientCounts::n_pulled_keys);
    counts.Sum(&ps::ClientCounts::bound_bytes);
  });
  return 0;
}

std::vector<std::string> WorkerCountsSeeds() {
  ps::ClientCounts counts;
  counts.n_pushes = 7;
  counts.n_pulled_keys = 300;
  counts.n_peeked_keys = 20;
  counts.peak_bytes = 4096;
  counts.bound_bytes = 65536;
  return {worker::SerializeCounts({}), worker::SerializeCounts(counts)};
}

}  // namespace zhiyin::fuzz
