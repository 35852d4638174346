#include "ps/table/table_spec.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "ps/partitioner.h"
#include "ps/table/admission.h"
#include "ps/table/index.h"
#include "ps/table/optimizer.h"

namespace zhiyin::ps::table {
namespace {

/// Bytes of the index of a shard at its smallest.
constexpr double kMostIndexBytesPerShard = 64;
/// Bytes of the list of free rows: a list that doubles holds at most twice the numbers of all rows,
/// 4 bytes each.
constexpr double kMostFreeListBytesPerRow = 8;

}  // namespace

std::vector<TableSpec> TableSpecs(const Job& job) {
  std::vector<TableSpec> specs;
  TableSpec& dense = specs.emplace_back();
  dense.id = kDenseTable;
  dense.name = "dense";
  dense.dim = kDenseRowDim;
  dense.optimizer = job.train().dense_optimizer();
  dense.init.mutable_zero();  // overwritten by the chief before the first pull
  for (const zhiyin::Table& table : job.table()) {
    TableSpec& spec = specs.emplace_back();
    spec.id = static_cast<TableId>(specs.size() - 1);
    spec.name = table.name();
    spec.dim = table.dim();
    spec.optimizer = table.optimizer();
    spec.init = table.init();
    spec.storage = table.storage();
    spec.wire = table.wire();
    spec.admission = table.admission();
    spec.eviction = table.eviction();
    spec.synchronous = job.train().staleness() == 0;
  }
  return specs;
}

RowLayout LayoutOf(const TableSpec& spec) {
  const Eviction& eviction = spec.eviction;
  const bool evicts = eviction.ttl_steps() > 0 || eviction.min_pulls() > 0 ||
                      eviction.min_norm() > 0 || eviction.max_bytes() > 0;
  return {spec.dim, spec.storage, MakeOptimizer(spec.optimizer)->state_floats(spec.dim), evicts};
}

uint32_t MaxRowsOfShard(const TableSpec& spec) {
  if (spec.eviction.max_bytes() == 0) return 0;
  const RowLayout layout = LayoutOf(spec);
  const double row_bytes =
      static_cast<double>(layout.bytes()) + Index::kMostBytesPerKey + kMostFreeListBytesPerRow;
  const int64_t occurrences_bytes = Admission(spec.admission, spec.id, 0).MostBytes();
  const double fixed_bytes =
      static_cast<double>(occurrences_bytes) + kMostIndexBytesPerShard * kNumShards;
  const double n_rows =
      (static_cast<double>(spec.eviction.max_bytes()) - fixed_bytes) / row_bytes / kNumShards;
  if (n_rows < 1) {
    Fail("table ", spec.name, ": eviction.max_bytes is ", spec.eviction.max_bytes(),
         ", expected at least ",
         static_cast<int64_t>(std::ceil(fixed_bytes + row_bytes * kNumShards)), ": ",
         occurrences_bytes, " for table.admission, and one row for each of ", kNumShards,
         " virtual shards");
  }
  return static_cast<uint32_t>(std::min(n_rows, 4e9));
}

}  // namespace zhiyin::ps::table
