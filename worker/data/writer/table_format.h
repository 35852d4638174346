// The formats in which tables are written: those in which data is read that has columns.
#pragma once

#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "worker/data/writer/table_writer.h"

namespace zhiyin::worker::data {

/// A format. Its writer is in the file that defines the constant.
struct TableFormat {
  /// Behind a dot, the ending of the names of its files, too.
  const char* name;
  /// Whether its files are read where they are compressed as a whole.
  bool may_be_compressed;
  /// Returns why it cannot hold these columns, and what was expected; empty where it can.
  std::string (*refuses)(std::span<const TableColumn> columns);
  /// The stream throws where it cannot be written to, and outlives the writer.
  std::unique_ptr<TableWriter> (*make)(std::ostream* out);
};

extern const TableFormat kTsvTable;
extern const TableFormat kCsvTable;
extern const TableFormat kJsonLinesTable;
extern const TableFormat kLibsvmTable;
extern const TableFormat kTfRecordTable;
extern const TableFormat kParquetTable;  // by the plugin

/// All formats.
std::span<const TableFormat* const> TableFormats();
/// The format of this name; null where there is none.
const TableFormat* TableFormatNamed(std::string_view name);
/// The names for messages: "tsv, csv, jsonl, libsvm, tfrecord or parquet".
std::string TableFormatNames();

/// Writes a table. Throws Error where the format refuses its columns, and as TableWriter does.
void WriteTable(const DataTable& table, const TableFormat& format, std::ostream* out);

/// For formats that can hold all columns.
inline std::string RefuseNothing(std::span<const TableColumn>) {
  return "";
}

}  // namespace zhiyin::worker::data
