// The settings of a table, taken from the job, and the sizes that follow from them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/types.h"
#include "configs/job.pb.h"
#include "ps/table/row_layout.h"

namespace zhiyin::ps::table {

/// The settings of one table.
struct TableSpec {
  TableId id = 0;
  std::string name;
  int dim = 0;
  zhiyin::Optimizer optimizer;
  Initializer init;
  NumberType storage = FP32;
  NumberType wire = FP32;
  zhiyin::Admission admission;
  zhiyin::Eviction eviction;
  /// Whether the job has staleness 0. Then all pulls of a step come between two calls of EndStep,
  /// and no pulls of other steps do.
  bool synchronous = false;
};

/// The specs of the dense table and then the job's tables: spec i has id i.
std::vector<TableSpec> TableSpecs(const Job& job);
/// The spec of job.table(i).
TableSpec SpecOfTable(const Job& job, int i);

/// The layout of the rows of a table: weights, the optimizer's state, and what eviction needs.
RowLayout LayoutOf(const TableSpec& spec);

/// The largest step of a table that keeps steps, which has 32 bits for each.
inline constexpr uint64_t kMaxKeptStep = 0xfffffffe;
/// Whether the table keeps steps: of the last pulls of its rows, for eviction, or of keys without a
/// row, for exact admission.
bool KeepsSteps(const TableSpec& spec);

/// The least eviction.max_bytes, if it is not 0, that holds what the table promises: the counts of
/// admission, and one row in each virtual shard with all that belongs to it.
struct LeastBytes {
  int64_t all = 0;
  int64_t admission = 0;  // part of them
  /// What they are for, for messages.
  std::string Reasons() const;
};
LeastBytes LeastMaxBytes(const TableSpec& spec);

/// The largest number of rows in a virtual shard of the table; 0: no limit. With this many rows in
/// every shard, the rows, the list of free rows, the index at its largest, the lists of the oldest
/// rows and the counts of admission fit into max_bytes. Throws Error where max_bytes are less
/// than LeastMaxBytes, which the checks of a job refuse.
uint32_t MaxRowsOfShard(const TableSpec& spec);

}  // namespace zhiyin::ps::table
