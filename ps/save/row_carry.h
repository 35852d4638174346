// The saved rows that the tables of a resumed or warm-started job begin with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/types.h"
#include "configs/job.pb.h"
#include "ps/table/table.h"

namespace zhiyin::ps::save {

/// The saved table whose rows a table begins with.
struct TableOrigin {
  static constexpr int kNone = -1;

  int saved = kNone;       // its number among the saved tables; kNone: the table begins empty
  bool has_state = true;   // the optimizer's state is taken too; otherwise it begins anew
  bool has_use = true;     // the rows' records of use are taken too
  bool has_counts = true;  // the counts of admission and the position of the sweep are taken too
  /// The step at which rows without a record of their use count as pulled last, so that their ages
  /// begin there.
  uint32_t last_step = 0;
};

/// The origins of all tables of a job.
struct RowCarry {
  std::vector<TableOrigin> tables;  // [table]
  /// Lines for the user: what is kept, what begins anew.
  std::vector<std::string> kept;
  std::vector<std::string> fresh;
};

/// Whether the model's own weights mean the same in two jobs.
bool HaveSameModel(const Job& a, const Job& b);

/// The origins where every table n takes all rows and state of saved table n.
RowCarry CarryAll(size_t n_tables);

/// The origins for a resumed job to which tables, fields or tasks may have been added: tables of
/// equal names keep their rows with all state and counts. `step`: the first one of the resumed job.
RowCarry CarryOn(const Job& before, const Job& now, int64_t step);

/// The origins for a job that begins with rows of another job (train.warm_start). Throws
/// Error, naming the table, when two tables of one name have different dims, and when a table that
/// is asked for by name is missing.
RowCarry CarryOver(const Job& before, const Job& now);

/// Converts rows of a saved table to the layout of the table that takes them. Used by one thread.
class RowConverter {
 public:
  /// Borrows the table, which outlives this object.
  RowConverter(const TableOrigin& origin, const table::RowLayout& saved, table::Table* table);

  /// Returns the converted row, which is valid until the next call.
  std::span<const std::byte> operator()(std::span<const std::byte> row);

 private:
  table::RowLayout from_;
  table::Table* table_;
  bool is_same_;
  bool has_state_;
  bool has_use_;
  uint32_t last_step_;
  std::vector<float> weights_;
  std::vector<std::byte> row_;
};

}  // namespace zhiyin::ps::save
