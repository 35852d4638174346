#include "worker/data/delimited.h"

#include <algorithm>
#include <cstring>

namespace zhiyin::worker {
namespace {

std::string_view Trimmed(std::string_view value) {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  return value;
}

}  // namespace

LineSplitter::LineSplitter(const Text& config)
    : delimiter_(config.has_delimiter() ? config.delimiter() : ","),
      quote_(config.quote().empty() ? '\0' : config.quote()[0]),
      trim_(!config.has_trim() || config.trim()) {}

bool LineSplitter::Split(std::string_view line, std::vector<std::string_view>* columns) {
  columns->clear();
  if (quote_ != '\0') return SplitQuoted(line, columns);
  const char* const end = line.data() + line.size();
  const char* begin = line.data();
  for (const char* at = begin;;) {
    at = static_cast<const char*>(std::memchr(at, delimiter_[0], static_cast<size_t>(end - at)));
    if (at != nullptr && delimiter_.size() == 2 && (at + 1 == end || at[1] != delimiter_[1])) {
      if (++at < end) continue;
      at = nullptr;
    }
    const std::string_view value(begin, static_cast<size_t>((at != nullptr ? at : end) - begin));
    columns->push_back(trim_ ? Trimmed(value) : value);
    if (at == nullptr) return true;
    begin = at += delimiter_.size();
  }
}

bool LineSplitter::SplitQuoted(std::string_view line, std::vector<std::string_view>* columns) {
  unquoted_.clear();
  unquoted_.reserve(line.size());  // views into it must hold
  size_t at = 0;
  while (true) {
    size_t start = at;
    if (trim_) start = std::min(line.find_first_not_of(" \t", at), line.size());
    // Where the delimiter itself begins with a space, the value may not begin behind it.
    if (line.substr(at).starts_with(delimiter_)) start = at;
    if (start < line.size() && line[start] == quote_) {
      const size_t first = unquoted_.size();
      size_t i = start + 1;
      for (;; ++i) {
        if (i == line.size()) return false;
        if (line[i] == quote_) {
          if (i + 1 == line.size() || line[i + 1] != quote_) break;
          ++i;
        }
        unquoted_ += line[i];
      }
      columns->push_back(std::string_view(unquoted_).substr(first));
      at = i + 1;
      if (trim_ && !line.substr(at).starts_with(delimiter_))
        at = std::min(line.find_first_not_of(" \t", at), line.size());
      if (at == line.size()) return true;
      if (!line.substr(at).starts_with(delimiter_)) return false;
    } else {
      const size_t next = std::min(line.find(delimiter_, at), line.size());
      const std::string_view value = line.substr(at, next - at);
      columns->push_back(trim_ ? Trimmed(value) : value);
      if (next == line.size()) return true;
      at = next;
    }
    at += delimiter_.size();
  }
}

}  // namespace zhiyin::worker
