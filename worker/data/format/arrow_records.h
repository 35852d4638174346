// The records of a table in the Arrow format, batch by batch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/data/format/arrow_c_data.h"
#include "worker/data/format/record_reader.h"

namespace zhiyin::worker::data {

/// A table that can be read through the Arrow C stream interface: a file behind the plugin.
class ArrowTable {
 public:
  virtual ~ArrowTable() = default;

  /// The name of the file, for messages.
  virtual const std::string& path() const = 0;
  /// The columns: a struct. Borrowed from the table.
  virtual const ArrowSchema& schema() = 0;
  /// The numbers of rows of groups that can be read without those before them; may be empty.
  virtual std::vector<int64_t> GroupRows() = 0;
  /// Begins to read these columns, positions in the schema in ascending order, from a group on.
  virtual ArrowOwned<ArrowArrayStream> Read(std::span<const int32_t> columns,
                                            int64_t first_group) = 0;
  /// Throws Error where the file has changed since it was opened.
  virtual void CheckUnchanged() = 0;
};

/// Reads the wanted columns. Two batches at most are in memory, and 2^16 items of lists as Values,
/// or else those of one list. Throws Error as FindArrowColumn does, where the table cannot be read.
std::unique_ptr<RecordReader> ReadArrowRecords(std::unique_ptr<ArrowTable> table,
                                               std::span<const WantedColumn> wanted);

}  // namespace zhiyin::worker::data
