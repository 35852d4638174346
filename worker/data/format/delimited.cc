#include "worker/data/format/delimited.h"

#include <algorithm>
#include <cstring>

namespace zhiyin::worker::data {
namespace {

/// Returns the position of `delimiter` in `text`, or npos. Faster than find for one
/// character, where find compares once more what memchr found.
size_t FindDelimiter(std::string_view text, std::string_view delimiter) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while ((at = static_cast<const char*>(
              std::memchr(at, delimiter[0], static_cast<size_t>(end - at)))) != nullptr) {
    if (delimiter.size() == 1 || (at + 1 < end && at[1] == delimiter[1]))
      return static_cast<size_t>(at - text.data());
    ++at;
  }
  return std::string_view::npos;
}

}  // namespace

Dialect Dialect::Of(const Text& text) {
  Dialect dialect;
  if (text.has_delimiter()) dialect.delimiter = text.delimiter() == "\\t" ? "\t" : text.delimiter();
  if (!text.quote().empty()) dialect.quote = text.quote()[0];
  if (text.has_trim()) dialect.trim = text.trim();
  return dialect;
}

std::string_view TrimSpaces(std::string_view value) {
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value;
}

std::string LineSplitter::Split(std::string_view line, std::vector<std::string_view>* values) {
  values->clear();
  if (dialect_.quote != 0 && line.find(dialect_.quote) != std::string_view::npos)
    return SplitQuoted(line, values);
  std::string_view value;
  bool more = true;
  while (more) {
    more = TakePlain(&line, &value);
    values->push_back(value);
  }
  return "";
}

std::string LineSplitter::SplitQuoted(std::string_view line,
                                      std::vector<std::string_view>* values) {
  unquoted_.clear();
  unquoted_.reserve(line.size());
  std::string_view rest = line;
  while (true) {
    std::string_view value;
    const bool trims =
        dialect_.trim && !rest.starts_with(dialect_.delimiter);  // the delimiter may be a space
    const std::string_view trimmed =
        trims ? rest.substr(std::min(rest.find_first_not_of(' '), rest.size())) : rest;
    if (!trimmed.starts_with(dialect_.quote)) {
      const bool more = TakePlain(&rest, &value);
      values->push_back(value);
      if (!more) return "";
      continue;
    }
    rest = trimmed;
    if (std::string wrong = TakeQuoted(&rest, &value); !wrong.empty()) return wrong;
    values->push_back(value);
    // The spaces after the quote may belong to a delimiter like ", ", so the delimiter is looked
    // for before spaces are removed.
    const std::string_view spaces =
        dialect_.trim ? rest.substr(0, rest.find_first_not_of(' ')) : std::string_view();
    if (spaces.size() == rest.size()) return "";
    if (!rest.starts_with(dialect_.delimiter)) rest.remove_prefix(spaces.size());
    if (!rest.starts_with(dialect_.delimiter)) {
      return "text after the closing quote of value #" + std::to_string(values->size() - 1) +
             ", expected the delimiter";
    }
    rest.remove_prefix(dialect_.delimiter.size());
  }
}

std::string LineSplitter::TakeQuoted(std::string_view* rest, std::string_view* value) {
  rest->remove_prefix(1);
  const size_t begin = unquoted_.size();
  while (true) {
    const size_t end = rest->find(dialect_.quote);
    if (end == std::string_view::npos)
      return "a quote is never closed, expected it to end on its line";
    const bool doubled = end + 1 < rest->size() && (*rest)[end + 1] == dialect_.quote;
    if (!doubled && unquoted_.size() == begin) {
      *value = rest->substr(0, end);
      rest->remove_prefix(end + 1);
      return "";
    }
    unquoted_.append(rest->substr(0, doubled ? end + 1 : end));
    rest->remove_prefix(doubled ? end + 2 : end + 1);
    if (!doubled) {
      *value = std::string_view(unquoted_).substr(begin);
      return "";
    }
  }
}

bool LineSplitter::TakePlain(std::string_view* rest, std::string_view* value) const {
  const size_t n = FindDelimiter(*rest, dialect_.delimiter);
  const bool more = n != std::string_view::npos;
  *value = more ? rest->substr(0, n) : *rest;
  if (dialect_.trim) *value = TrimSpaces(*value);
  rest->remove_prefix(more ? n + dialect_.delimiter.size() : rest->size());
  return more;
}

}  // namespace zhiyin::worker::data
