#include "launch/apps/generate/table_file.h"

#include <string_view>

#include "common/error.h"
#include "common/file.h"
#include "worker/data/codec/codec.h"
#include "worker/data/codec/compressing_stream.h"

namespace zhiyin::launch::apps {

using worker::data::Codec;
using worker::data::DataTable;
using worker::data::TableFormat;

const TableFormat& TableFormatOf(const std::string& name) {
  const TableFormat* format = worker::data::TableFormatNamed(name);
  if (format == nullptr) Fail("--format=", name, ": expected ", worker::data::TableFormatNames());
  return *format;
}

void CheckTableFile(const DataTable& table, const TableFormat& format, const std::string& path) {
  std::string_view name = path;
  if (const Codec* codec = worker::data::CodecByEnding(path); codec != nullptr) {
    if (!format.may_be_compressed)
      Fail("--output=", path, ": --format=", format.name,
           " is not compressed as a whole, expected a ", "name without ", codec->ending);
    name.remove_suffix(std::string_view(codec->ending).size());
  }
  for (const TableFormat* other : worker::data::TableFormats()) {
    if (other != &format && name.ends_with(std::string(".") + other->name))
      Fail("--output=", path, ": ends in .", other->name, ", expected --format=", other->name,
           " or a name that ends in .", format.name);
  }
  if (const std::string why = format.refuses(table.columns); !why.empty())
    Fail("--output=", path, ": --format=", format.name, ": ", why);
}

void WriteTableFile(const DataTable& table, const TableFormat& format, const std::string& path) {
  ReplaceFile(path, [&](std::ostream& file) {
    const Codec* codec = worker::data::CodecByEnding(path);
    if (codec == nullptr) return WriteTable(table, format, &file);
    worker::data::CompressingStream stream(*codec, &file);
    WriteTable(table, format, &stream);
    stream.Finish();
  });
}

}  // namespace zhiyin::launch::apps
