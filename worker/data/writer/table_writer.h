// Tables, and the interface of what writes them in a format.
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// What a column of a table holds. Any value may be missing.
enum class ColumnKind {
  kCategory,    // a text
  kCategories,  // several texts, none of them empty or with a kListSeparator
  kInteger,     // a whole number, from -2^63 to 2^63 - 1
  kNumber,
};

/// What is between the categories of a value where a format has no lists.
inline constexpr char kListSeparator = '|';

struct TableColumn {
  std::string name;
  ColumnKind kind = ColumnKind::kCategory;
  /// Whether it is to be learned. Few formats tell labels from other columns.
  bool is_label = false;
};

/// Writes one table. Throws Error where the format cannot hold a value, and what the stream throws
/// that it writes to. Used by one thread.
class TableWriter {
 public:
  virtual ~TableWriter() = default;

  /// Called first. REQUIRES: the format can hold the columns (TableFormat::refuses).
  virtual void Begin(std::span<const TableColumn> columns) = 0;
  /// Writes a row, one value for each column: a list for kCategories, a text for all others. That
  /// of a number is decimal, as std::to_chars and printf write it. Texts are UTF-8 without NUL.
  virtual void Row(std::span<const Value> values) = 0;
  void Row(std::initializer_list<Value> values) { Row(std::span(values.begin(), values.size())); }
  /// Writes what is left. Called last.
  virtual void Finish() = 0;
};

/// A table whose rows are made when it is written, so that it may be of any length.
struct DataTable {
  std::vector<TableColumn> columns;
  /// Gives all rows to a writer, which was begun. May be called several times.
  std::function<void(TableWriter*)> write_rows;
};

/// Whether the text of a number is neither infinite nor NaN.
inline bool IsFiniteText(std::string_view number) {
  return !number.empty() && number.back() >= '0' && number.back() <= '9';
}

}  // namespace zhiyin::worker::data
