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

/// The layout of the rows of a table: weights, the optimizer's state, and what eviction needs.
RowLayout LayoutOf(const TableSpec& spec);

/// The largest number of rows in a virtual shard of the table; 0: no limit. With this many rows in
/// every shard, the rows, the list of free rows, the index at its largest and the counts of
/// admission fit into max_bytes. Throws Error when max_bytes is too small for one row in each
/// shard.
uint32_t MaxRowsOfShard(const TableSpec& spec);

}  // namespace zhiyin::ps::table
