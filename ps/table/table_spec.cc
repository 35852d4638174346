#include "ps/table/table_spec.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "ps/partitioner.h"
#include "ps/table/admission.h"
#include "ps/table/index.h"
#include "ps/table/oldest_rows.h"
#include "ps/table/optimizer.h"

namespace zhiyin::ps::table {
namespace {

/// Bytes of the index of a shard at its smallest.
constexpr double kMostIndexBytesPerShard = 64;
/// Bytes of the list of free rows: a list that doubles holds at most twice the numbers of all rows,
/// 4 bytes each.
constexpr double kMostFreeListBytesPerRow = 8;

/// What a table takes over all servers, at most.
struct BytesOfTable {
  double of_row = 0;
  double fixed = 0;         // without any row
  int64_t occurrences = 0;  // part of `fixed`
};

BytesOfTable BytesOf(const TableSpec& spec) {
  const bool evicts_oldest = spec.eviction.when_full() == Eviction::EVICT_OLDEST;
  BytesOfTable bytes;
  bytes.of_row = static_cast<double>(LayoutOf(spec).bytes()) + Index::kMostBytesPerKey +
                 kMostFreeListBytesPerRow + (evicts_oldest ? OldestRows::kMostBytesPerRow : 0);
  bytes.occurrences = Admission(spec.admission, spec.id, 0).MostBytes();
  bytes.fixed =
      static_cast<double>(bytes.occurrences) +
      (kMostIndexBytesPerShard + (evicts_oldest ? OldestRows::kBytesPerShard : 0)) * kNumShards;
  return bytes;
}

}  // namespace

TableSpec SpecOfTable(const Job& job, int i) {
  const zhiyin::Table& table = job.table(i);
  TableSpec spec;
  spec.id = static_cast<TableId>(i + 1);
  spec.name = table.name();
  spec.dim = table.dim();
  spec.optimizer = table.optimizer();
  spec.init = table.init();
  spec.storage = table.storage();
  spec.wire = table.wire();
  spec.admission = table.admission();
  spec.eviction = table.eviction();
  spec.synchronous = job.train().staleness() == 0;
  return spec;
}

std::vector<TableSpec> TableSpecs(const Job& job) {
  std::vector<TableSpec> specs;
  TableSpec& dense = specs.emplace_back();
  dense.id = kDenseTable;
  dense.name = "dense";
  dense.dim = kDenseRowDim;
  dense.optimizer = job.train().dense_optimizer();
  dense.init.mutable_zero();  // overwritten by the chief before the first pull
  for (int i = 0; i < job.table_size(); ++i) specs.push_back(SpecOfTable(job, i));
  return specs;
}

RowLayout LayoutOf(const TableSpec& spec) {
  const Eviction& eviction = spec.eviction;
  const bool evicts = eviction.ttl_steps() > 0 || eviction.min_pulls() > 0 ||
                      eviction.min_norm() > 0 || eviction.max_bytes() > 0;
  return {spec.dim, spec.storage, MakeOptimizer(spec.optimizer)->state_floats(spec.dim), evicts};
}

bool KeepsSteps(const TableSpec& spec) {
  return LayoutOf(spec).tracks_use || spec.admission.exact().sightings() > 1;
}

LeastBytes LeastMaxBytes(const TableSpec& spec) {
  const BytesOfTable bytes = BytesOf(spec);
  return {static_cast<int64_t>(std::ceil(bytes.fixed + bytes.of_row * kNumShards)),
          bytes.occurrences};
}

std::string LeastBytes::Reasons() const {
  return TextOf(admission, " for table.admission, and one row for each of ", kNumShards,
                " virtual shards");
}

uint32_t MaxRowsOfShard(const TableSpec& spec) {
  const int64_t max_bytes = spec.eviction.max_bytes();
  if (max_bytes == 0) return 0;
  const BytesOfTable bytes = BytesOf(spec);
  const double n_rows = (static_cast<double>(max_bytes) - bytes.fixed) / bytes.of_row / kNumShards;
  if (n_rows < 1) {
    const LeastBytes least = LeastMaxBytes(spec);
    Fail("table ", spec.name, ": eviction.max_bytes is ", max_bytes, ", expected at least ",
         least.all, ": ", least.Reasons());
  }
  return static_cast<uint32_t>(std::min(n_rows, 4e9));
}

}  // namespace zhiyin::ps::table
