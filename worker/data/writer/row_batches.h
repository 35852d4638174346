// Rows of a table as batches of Arrow, without the Arrow library.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "worker/data/format/arrow_c_data.h"
#include "worker/data/writer/table_writer.h"

namespace zhiyin::worker::data {

/// Collects rows, column by column: a category as utf8, categories as a list of utf8, a whole
/// number as int64, any other as a double. A missing value is null. Used by one thread.
class RowBatches {
 public:
  explicit RowBatches(std::span<const TableColumn> columns);

  /// Sets *schema, which is released already, to the columns: the fields of a struct.
  void ExportSchema(ArrowSchema* schema) const;

  /// Adds a row, as TableWriter::Row does. Throws Error for a number that is none.
  void Add(std::span<const Value> values);
  /// The rows that were added since the last batch, and about how much memory they take.
  int64_t n_rows() const { return n_rows_; }
  size_t n_bytes() const { return n_bytes_; }

  /// Moves these rows to *batch, which is released already. REQUIRES: there are any.
  void ExportBatch(ArrowArray* batch);

 private:
  /// Texts one after the other; text i is bytes[offsets[i], offsets[i + 1]).
  struct Texts {
    std::vector<int32_t> offsets = {0};
    std::string bytes;

    void Add(std::string_view text);
    int64_t n() const { return static_cast<int64_t>(offsets.size()) - 1; }
  };
  /// The values of a column; of the vectors only those of its kind are used.
  struct Column {
    std::string valid;  // a bit a row, the first one the lowest
    int64_t n_missing = 0;
    std::vector<int64_t> integers;
    std::vector<double> numbers;
    Texts texts;
    std::vector<int32_t> list_offsets = {0};  // in texts
  };

  /// Adds a value, or the place of a missing one, to the buffers of a column.
  void AddValue(const TableColumn& type, const Value& value, Column* column);
  /// Parses the text of a value, unless it is missing.
  template <typename Number>
  void Parse(const TableColumn& type, const Value& value, Number* number) const;

  std::vector<TableColumn> types_;
  std::vector<Column> columns_;
  int64_t n_rows_ = 0;
  int64_t n_rows_before_ = 0;  // in earlier batches
  size_t n_bytes_ = 0;
};

}  // namespace zhiyin::worker::data
