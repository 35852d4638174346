// The text of LIBFFM: label field:index:value field:index:value ...
#include <unordered_map>

#include "common/error.h"
#include "common/text.h"
#include "worker/data/format/format.h"
#include "worker/data/format/sparse.h"

namespace zhiyin::worker::data {
namespace {

class LibffmReader final : public TokenLineReader {
 public:
  LibffmReader(const std::string& path, const Text& text, std::span<const WantedColumn> wanted,
               ReadCounts* counts);

 private:
  enum class Kind { kLabel, kIndices, kValue };
  struct Column {
    Kind kind;
    WantedColumn::Use use;
    size_t at;  // in found_, for the others than kLabel
  };
  /// A field of which a column is wanted, and what the line has of it.
  struct Found {
    uint64_t field;
    bool lists_indices;
    std::vector<std::string_view> indices;  // whose value is not 0; where they are listed
    int64_t n_tokens;
    TokenValue value;  // of the last token
  };

  /// Where the field is in found_. Adds it where it is not yet there.
  size_t PlaceOf(uint64_t field);
  std::string Parse(std::string_view line, Record* record) override;
  /// Takes a token field:index:value into found_. Returns what is wrong, or an empty string.
  std::string Add(std::string_view token);
  /// Sets the value of a column of a field. Returns what is wrong, or an empty string.
  static std::string Give(const Column& column, const Found& found, Value* value);

  MissingValues missing_;
  bool ignore_values_;
  bool reads_label_ = false;                     // else a line need not have one
  std::vector<Column> columns_;                  // [wanted]
  std::unordered_map<uint64_t, size_t> places_;  // in found_, by field
  std::vector<Found> found_;                     // [wanted fields]
};

LibffmReader::LibffmReader(const std::string& path, const Text& text,
                           std::span<const WantedColumn> wanted, ReadCounts* counts)
    : TokenLineReader(path, text, wanted.size(), 0, counts),
      missing_(text),
      ignore_values_(text.libffm().ignore_values()) {
  constexpr std::string_view kValueSuffix = ".value";
  for (const auto& [name, use] : wanted) {
    std::string_view number = name;
    const bool is_value = number.ends_with(kValueSuffix);
    if (is_value) number.remove_suffix(kValueSuffix.size());
    uint64_t field = 0;
    if (name == "label") {
      columns_.push_back({Kind::kLabel, use, 0});
      reads_label_ = true;
      continue;
    }
    if (!ParseIndex(number, &field)) {
      Fail(path, ": no column ", QuotedPiece(name),
           " in libffm, expected label, or the number of a field: 0 for its indices, 0.value for "
           "its value; if the file is delimited text, data.text.delimited {} says so");
    }
    if (!is_value && use == WantedColumn::Use::kNumber) {
      Fail(path, ": column ", QuotedPiece(name), " of libffm is the indices of a field, expected ",
           QuotedPiece(name + std::string(kValueSuffix)), " for its value as a number");
    }
    const size_t at = PlaceOf(field);
    columns_.push_back({is_value ? Kind::kValue : Kind::kIndices, use, at});
    if (!is_value) found_[at].lists_indices = true;
  }
}

size_t LibffmReader::PlaceOf(uint64_t field) {
  const auto [place, is_new] = places_.try_emplace(field, found_.size());
  if (is_new) found_.push_back({field, false, {}, 0, {}});
  return place->second;
}

std::string LibffmReader::Parse(std::string_view line, Record* record) {
  for (Found& found : found_) {
    found.indices.clear();
    found.n_tokens = 0;
  }
  std::string_view rest = line;
  const std::string_view label = TakeToken(&rest);
  if (label.find(':') == std::string_view::npos) {
    line = rest;
  } else if (reads_label_) {
    return TextOf("begins with ", QuotedPiece(label),
                  ", expected a label before the tokens field:index:value");
  }
  for (std::string_view token = TakeToken(&line); !token.empty(); token = TakeToken(&line)) {
    if (std::string wrong = Add(token); !wrong.empty()) return wrong;
  }
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    Value& value = record->values[c];
    if (column.kind == Kind::kLabel || found_[column.at].n_tokens > 0) record->seen[c] = 1;
    if (column.kind == Kind::kLabel) {
      value = label;
    } else if (std::string wrong = Give(column, found_[column.at], &value); !wrong.empty()) {
      return wrong;
    }
  }
  return "";
}

std::string LibffmReader::Add(std::string_view token) {
  const size_t first = token.find(':');
  const size_t second = first == std::string_view::npos ? first : token.find(':', first + 1);
  if (second == std::string_view::npos)
    return TextOf("token ", QuotedPiece(token), " has ", first == second ? "no colon" : "one colon",
                  ", expected field:index:value");
  const std::string_view index_text = token.substr(first + 1, second - first - 1);
  uint64_t field = 0;
  uint64_t index = 0;
  TokenValue value;
  if (!ParseIndex(token.substr(0, first), &field))
    return WrongPart(token, "field", token.substr(0, first), kWholeNumber);
  if (!ParseIndex(index_text, &index)) return WrongPart(token, "index", index_text, kWholeNumber);
  if (!ParseTokenValue(token.substr(second + 1), missing_, &value))
    return WrongPart(token, "value", value.text, "a finite number");
  const auto place = places_.find(field);
  if (place == places_.end()) return "";
  Found& found = found_[place->second];
  ++found.n_tokens;
  found.value = value;
  if (!found.lists_indices || value.is_missing || value.number == 0) return "";
  if (value.number != 1 && !ignore_values_) return WrongWeight(token, value.text, "libffm");
  found.indices.push_back(WithoutLeadingZeros(index_text));
  return "";
}

std::string LibffmReader::Give(const Column& column, const Found& found, Value* value) {
  if (column.kind == Kind::kValue) {
    if (found.n_tokens > 1)
      return TextOf("field ", found.field, " has ", found.n_tokens,
                    " tokens, expected one for its ", "value");
    if (found.n_tokens == 1) *value = ValueFor(column.use, found.value);
    return "";
  }
  if (found.indices.empty()) return "";
  if (column.use == WantedColumn::Use::kCategories) {
    *value = Value::List(found.indices);
    return "";
  }
  if (found.indices.size() > 1)
    return TextOf("field ", found.field, " has ", found.indices.size(),
                  " indices, expected one where one text is read");
  *value = found.indices[0];
  return "";
}

bool RecognisesLibffm(std::string_view start) {
  return StartsWithTokens(start, 2);
}

bool MayBeginLibffm(std::string_view start) {
  return HasTokenLine(start, 2);
}

std::unique_ptr<RecordReader> OpenLibffm(const std::string& path, const Text& text,
                                         std::span<const WantedColumn> wanted, ReadCounts* counts) {
  return std::make_unique<LibffmReader>(path, text, wanted, counts);
}

}  // namespace

const Format kLibffm = {"libffm", RecognisesLibffm, MayBeginLibffm, OpenLibffm, nullptr};

}  // namespace zhiyin::worker::data
