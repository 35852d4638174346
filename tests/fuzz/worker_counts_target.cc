#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/train/invariants.h"

namespace zhiyin::fuzz {

/// What a worker sends, as every worker of a job says it.
int FuzzWorkerCounts(const uint8_t* data, size_t size) {
  Judge("counts of a worker", [&] {
    worker::train::JobCounts counts;
    counts.workers.assign(3,
                          worker::train::ParseCounts({reinterpret_cast<const char*>(data), size}));
    counts.Sum(&ps::client::ClientCounts::n_pulled_keys);
    counts.Sum(&ps::client::ClientCounts::bound_bytes);
  });
  return 0;
}

std::vector<std::string> WorkerCountsSeeds() {
  ps::client::ClientCounts counts;
  counts.n_pushes = 7;
  counts.n_pulled_keys = 300;
  counts.n_peeked_keys = 20;
  counts.peak_bytes = 4096;
  counts.bound_bytes = 65536;
  return {worker::train::SerializeCounts({}), worker::train::SerializeCounts(counts)};
}

}  // namespace zhiyin::fuzz
