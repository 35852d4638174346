#include "worker/data/writer/table_format.h"

#include "common/error.h"

namespace zhiyin::worker::data {

std::span<const TableFormat* const> TableFormats() {
  static constexpr const TableFormat* kTableFormats[] = {
      &kTsvTable, &kCsvTable, &kJsonLinesTable, &kLibsvmTable, &kTfRecordTable, &kParquetTable};
  return kTableFormats;
}

const TableFormat* TableFormatNamed(std::string_view name) {
  for (const TableFormat* format : TableFormats()) {
    if (name == format->name) return format;
  }
  return nullptr;
}

std::string TableFormatNames() {
  const std::span<const TableFormat* const> formats = TableFormats();
  std::string names;
  for (size_t i = 0; i < formats.size(); ++i) {
    names += i == 0 ? "" : i + 1 == formats.size() ? " or " : ", ";
    names += formats[i]->name;
  }
  return names;
}

void WriteTable(const DataTable& table, const TableFormat& format, std::ostream* out) {
  if (const std::string why = format.refuses(table.columns); !why.empty())
    Fail(format.name, ": ", why);
  const std::unique_ptr<TableWriter> writer = format.make(out);
  writer->Begin(table.columns);
  table.write_rows(writer.get());
  writer->Finish();
}

}  // namespace zhiyin::worker::data
