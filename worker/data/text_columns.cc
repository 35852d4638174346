#include "worker/data/text_columns.h"

#include <optional>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/utf8.h"
#include "worker/data/format/delimited.h"

namespace zhiyin::worker::data {
namespace {

/// Returns the values of a file's first line; nullopt when the file has no lines.
std::optional<Columns> ReadFirstLine(LineReader* reader, LineSplitter* splitter) {
  Line line;
  if (!reader->Next(&line)) return {};
  const std::string where = reader->path() + ":" + std::to_string(line.number);
  std::string wrong = CheckText(line);
  std::vector<std::string_view> values;
  if (wrong.empty()) wrong = splitter->Split(line.text, &values);
  if (!wrong.empty()) Fail(where, ": ", wrong);
  return Columns{static_cast<int>(values.size()), {values.begin(), values.end()}, where};
}

void CheckSameHeader(const Columns& first, const Columns& other) {
  if (other.n != first.n) {
    Fail(other.where, ": a header of ", other.n, " columns, expected ", first.n, " as in ",
         first.where);
  }
  for (size_t c = 0; c < first.names.size(); ++c) {
    if (other.names[c] == first.names[c]) continue;
    Fail(other.where, ": column #", c, " is \"", other.names[c], "\", expected \"", first.names[c],
         "\" as in ", first.where);
  }
}

/// Puts the names of Text.column_name in place of the values of the first line.
void NameColumns(const Text& text, LabelUse labels, Columns* columns) {
  const int n_here = columns->n;
  columns->names.assign(text.column_name().begin(), text.column_name().end());
  if (labels == LabelUse::kIgnored && n_here < text.column_name_size())
    columns->names.resize(static_cast<size_t>(n_here));
  if (!columns->names.empty()) columns->n = static_cast<int>(columns->names.size());
}

}  // namespace

std::string CheckText(const Line& line) {
  if (line.too_long)
    return "longer than " + std::to_string(LineReader::kMaxBytes) +
           " bytes, expected a shorter line";
  if (const size_t at = line.text.find('\0'); at != std::string_view::npos) {
    return "a NUL at byte " + std::to_string(at) + ", expected text";
  }
  if (const size_t at = FindInvalidUtf8(line.text); at != std::string_view::npos) {
    return "byte " + std::to_string(at) + " is not UTF-8, expected UTF-8 text";
  }
  return "";
}

InspectedFiles InspectFiles(const Split& split, const Text& text, LabelUse labels) {
  if (split.file().empty()) Fail("data: no file in a split, expected at least one");
  InspectedFiles inspected;
  LineSplitter splitter(Dialect::Of(text));
  std::optional<Columns> first;
  for (const std::string& path : split.file()) {
    LineReader reader(path);
    inspected.files.push_back({path, reader.stamp()});
    if (!text.header() && first.has_value()) continue;
    std::optional<Columns> here = ReadFirstLine(&reader, &splitter);
    if (!here.has_value()) {
      if (text.header()) Fail(path, ": is empty, expected a header");
      continue;
    }
    if (first.has_value()) CheckSameHeader(*first, *here);
    if (!first.has_value()) first = std::move(here);
  }
  if (!first.has_value()) Fail(split.file(0), ": is empty, expected examples");
  if (!text.header()) NameColumns(text, labels, &*first);
  inspected.columns = std::move(*first);
  return inspected;
}

}  // namespace zhiyin::worker::data
