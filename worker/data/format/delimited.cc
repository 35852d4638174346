#include "worker/data/format/delimited.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/tsv.h"

namespace zhiyin::worker::data {
namespace {

/// Returns the position of `delimiter` in `text`, or npos. Faster than find for one
/// character, where find compares once more what memchr found.
size_t FindFirst(std::string_view text, std::string_view delimiter) {
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

/// Whether a quoted value begins at *rest. Removes the spaces before it and its quote if so.
bool TakeOpeningQuote(const Dialect& dialect, std::string_view* rest) {
  const bool trims =
      dialect.trim && !rest->starts_with(dialect.delimiter);  // the delimiter may be a space
  const std::string_view trimmed =
      trims ? rest->substr(std::min(rest->find_first_not_of(' '), rest->size())) : *rest;
  if (!trimmed.starts_with(dialect.quote)) return false;
  *rest = trimmed.substr(1);
  return true;
}

/// What follows a closing quote.
enum class Behind { kEnd, kDelimiter, kText };

/// Removes the spaces and the delimiter that follow a closing quote from *rest.
Behind TakeDelimiter(const Dialect& dialect, std::string_view* rest) {
  // The spaces after the quote may belong to a delimiter like ", ", so the delimiter is looked for
  // before spaces are removed.
  const std::string_view spaces =
      dialect.trim ? rest->substr(0, rest->find_first_not_of(' ')) : std::string_view();
  if (spaces.size() == rest->size()) return Behind::kEnd;
  if (!rest->starts_with(dialect.delimiter)) rest->remove_prefix(spaces.size());
  if (!rest->starts_with(dialect.delimiter)) return Behind::kText;
  rest->remove_prefix(dialect.delimiter.size());
  return Behind::kDelimiter;
}

}  // namespace

Dialect Dialect::Of(const Text& text) {
  Dialect dialect;
  dialect.delimiter = text.delimiter() == "\\t" ? "\t" : text.delimiter();
  dialect.escapes = text.escapes();
  dialect.quote_may_be_text = !text.has_quote();
  if (text.has_quote()) {
    dialect.quote = text.quote().empty() ? '\0' : text.quote()[0];
  } else if (!text.escapes() && dialect.delimiter.find('"') == std::string::npos) {
    dialect.quote = '"';
  }
  if (text.has_trim()) dialect.trim = text.trim();
  dialect.encoding = text.encoding();
  dialect.n_columns = static_cast<size_t>(text.column_name_size());
  return dialect;
}

std::string_view Dialect::PlainValue(std::string_view value) const {
  return trim ? TrimSpaces(value) : value;
}

std::string_view TrimSpaces(std::string_view value) {
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value;
}

std::string FindDelimiter(const Dialect& dialect, std::string_view first_line) {
  constexpr std::array<const char*, 5> kCandidates = {"\t", ",", "::", "|", ";"};
  if (dialect.n_columns > 1) {
    Dialect candidate = dialect;
    std::vector<std::string_view> values;
    for (const char* delimiter : kCandidates) {
      candidate.delimiter = delimiter;
      if (LineSplitter(candidate).Split(first_line, &values).empty() &&
          values.size() == dialect.n_columns)
        return delimiter;
    }
  }
  for (const char* delimiter : kCandidates) {
    if (first_line.find(delimiter) != std::string_view::npos) return delimiter;
  }
  return ",";
}

QuoteScanner::State QuoteScanner::Add(std::string_view line) {
  while (true) {
    if (!in_quotes_ && !TakeOpeningQuote(dialect_, &line)) {
      const size_t n = FindFirst(line, dialect_.delimiter);
      if (n == std::string_view::npos) return State::kWhole;
      line.remove_prefix(n + dialect_.delimiter.size());
      continue;
    }
    in_quotes_ = true;
    const size_t n = line.find(dialect_.quote);
    if (n == std::string_view::npos) return State::kOpen;
    line.remove_prefix(n + 1);
    if (line.starts_with(dialect_.quote)) {
      line.remove_prefix(1);
      continue;
    }
    in_quotes_ = false;
    switch (TakeDelimiter(dialect_, &line)) {
      case Behind::kEnd:
        return State::kWhole;
      case Behind::kText:
        return State::kBroken;
      case Behind::kDelimiter:
        break;
    }
  }
}

std::string LineSplitter::Split(std::string_view line, std::vector<std::string_view>* values) {
  values->clear();
  if (dialect_.quote != 0 && line.find(dialect_.quote) != std::string_view::npos) {
    std::string wrong = SplitQuoted(line, values);
    if (wrong.empty() || !dialect_.quote_may_be_text) return wrong;
    values->clear();
  }
  const size_t n_line = line.size();
  std::string_view value;
  bool more = true;
  while (more) {
    more = TakePlain(&line, &value);
    values->push_back(value);
  }
  return dialect_.escapes ? Unescape(n_line, values) : "";
}

std::string LineSplitter::Unescape(size_t n_line, std::vector<std::string_view>* values) {
  unquoted_.clear();
  unquoted_.reserve(n_line);
  for (size_t v = 0; v < values->size(); ++v) {
    std::string_view& value = (*values)[v];
    if (value.find('\\') == std::string_view::npos) continue;
    const size_t begin = unquoted_.size();
    if (!AppendTsvText(value, &unquoted_))
      return "value #" + std::to_string(v) +
             " has a backslash that is no escape, expected \\\\, \\t, \\n, \\r or \\xHH";
    value = std::string_view(unquoted_).substr(begin);
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
    if (!TakeOpeningQuote(dialect_, &rest)) {
      const bool more = TakePlain(&rest, &value);
      values->push_back(value);
      if (!more) return "";
      continue;
    }
    if (std::string wrong = TakeQuoted(&rest, &value); !wrong.empty()) return wrong;
    values->push_back(dialect_.PlainValue(value));
    switch (TakeDelimiter(dialect_, &rest)) {
      case Behind::kEnd:
        return "";
      case Behind::kText:
        return "text after the closing quote of value #" + std::to_string(values->size() - 1) +
               ", expected the delimiter";
      case Behind::kDelimiter:
        break;
    }
  }
}

std::string LineSplitter::TakeQuoted(std::string_view* rest, std::string_view* value) {
  const size_t begin = unquoted_.size();
  while (true) {
    const size_t end = rest->find(dialect_.quote);
    if (end == std::string_view::npos) return "a quote is never closed, expected a closing one";
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
  const size_t n = FindFirst(*rest, dialect_.delimiter);
  const bool more = n != std::string_view::npos;
  *value = dialect_.PlainValue(more ? rest->substr(0, n) : *rest);
  rest->remove_prefix(more ? n + dialect_.delimiter.size() : rest->size());
  return more;
}

}  // namespace zhiyin::worker::data
