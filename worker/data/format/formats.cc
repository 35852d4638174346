#include <algorithm>

#include "worker/data/format/format.h"

namespace zhiyin::worker::data {

std::span<const Format* const> Formats() {
  // Binary formats first: their beginnings are no text.
  static constexpr const Format* kFormats[] = {&kArrow,  &kTfRecord, &kJsonLines,
                                               &kLibffm, &kLibsvm,   &kSlots};
  return kFormats;
}

const Format* RecogniseFormat(std::string_view start, const Text& text) {
  const bool is_described = text.header() || text.has_delimiter() || text.has_quote() ||
                            text.escapes() || text.column_name_size() > 0;
  for (const Format* format : Formats()) {
    if (is_described && (format == &kLibsvm || format == &kLibffm)) continue;
    if (format->recognises(start)) return format;
  }
  return nullptr;
}

const Format* FormatNamed(std::string_view name) {
  const auto at = std::ranges::find_if(Formats(), [&](const Format* f) { return f->name == name; });
  return at == Formats().end() ? nullptr : *at;
}

FileStart ReadStart(const std::string& path) {
  FileBytes file(path);
  FileStart start;
  start.bytes.resize(kStartBytes);
  start.bytes.resize(file.Read(start.bytes.data(), kStartBytes));
  start.stamp = file.stamp();
  return start;
}

}  // namespace zhiyin::worker::data
