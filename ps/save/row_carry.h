// What a job's tables begin with where rows were saved before, by the same job or by another one.
#pragma once

#include <string>
#include <vector>

#include "common/types.h"
#include "configs/job.pb.h"
#include "ps/table/table.h"

namespace zhiyin::ps::save {

/// Of one table: the saved one whose rows it takes.
struct TableOrigin {
  static constexpr int kNone = -1;

  int saved = kNone;       // its number among the saved tables; kNone: the table begins empty
  bool has_state = true;   // the optimizer's state comes along; otherwise it begins anew
  bool has_counts = true;  // what admission and eviction remember comes along, too
};

struct RowCarry {
  std::vector<TableOrigin> tables;  // [table]
  /// A line each for a reader: what is kept, what is new.
  std::vector<std::string> kept;
  std::vector<std::string> fresh;
};

/// Table n takes what saved table n has.
RowCarry CarryAll(size_t n_tables);

/// A job that goes on although tables, fields or tasks were added: tables of the same name keep all
/// that their rows have.
RowCarry CarryOn(const Job& before, const Job& now);

/// A job that begins with what another one has learned (train.warm_start). Throws Error, naming the
/// table, where a pair does not agree in dim, and where one that is asked for by name is missing.
RowCarry CarryOver(const Job& before, const Job& now);

/// Rows of a saved table as those of the table that takes them.
class RowConverter {
 public:
  /// Borrows the table.
  RowConverter(const TableOrigin& origin, const table::RowLayout& saved, table::Table* table);

  /// Good until the next.
  std::span<const std::byte> operator()(std::span<const std::byte> row);

 private:
  table::RowLayout from_;
  table::Table* table_;
  bool is_same_;
  bool has_state_;
  bool has_use_;
  std::vector<float> weights_;
  std::vector<std::byte> row_;
};

}  // namespace zhiyin::ps::save
