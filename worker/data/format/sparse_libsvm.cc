// The text of LIBSVM and SVMlight: label qid:N index:value index:value ... # comment
#include <algorithm>
#include <unordered_map>

#include "common/error.h"
#include "common/text.h"
#include "worker/data/format/format.h"
#include "worker/data/format/sparse.h"

namespace zhiyin::worker::data {
namespace {

constexpr std::string_view kQidPrefix = "qid:";

class LibsvmReader final : public TokenLineReader {
 public:
  LibsvmReader(const std::string& path, const Text& text, std::span<const WantedColumn> wanted,
               ReadCounts* counts);

 private:
  enum class Kind { kLabel, kQid, kIndices, kAt };
  struct Column {
    Kind kind;
    WantedColumn::Use use;
    size_t at;  // in found_, for kAt
  };

  std::string Parse(std::string_view line, Record* record) override;
  /// Takes a token index:value into indices_, listed_ and found_. Returns what is wrong, or an
  /// empty string.
  std::string Add(std::string_view token);
  /// Returns a message where an index of the line is there twice.
  std::string CheckOnce();
  /// Whether the line has a column, where it has this query.
  bool Has(const Column& column, std::string_view query) const;
  /// The value of a column of kind kAt.
  Value AtIndex(const Column& column) const;

  MissingValues missing_;
  bool ignore_values_;
  bool reads_label_ = false;  // else a line need not have one
  bool lists_indices_ = false;
  std::vector<Column> columns_;                  // [wanted]
  std::unordered_map<uint64_t, size_t> places_;  // in found_, by index
  // What the line has:
  std::vector<TokenValue> found_;         // [wanted indices]
  std::vector<uint64_t> indices_;         // of all tokens
  bool is_ascending_ = true;              // so are the indices, each above the last
  std::vector<std::string_view> listed_;  // the column `indices`
};

LibsvmReader::LibsvmReader(const std::string& path, const Text& text,
                           std::span<const WantedColumn> wanted, ReadCounts* counts)
    : TokenLineReader(path, text, wanted.size(), '#', counts),
      missing_(text),
      ignore_values_(text.libsvm().ignore_values()) {
  for (const auto& [name, use] : wanted) {
    uint64_t index = 0;
    if (name == "label") {
      columns_.push_back({Kind::kLabel, use, 0});
      reads_label_ = true;
    } else if (name == "qid") {
      columns_.push_back({Kind::kQid, use, 0});
    } else if (name == "indices") {
      if (use != WantedColumn::Use::kCategories)
        Fail(path,
             ": column \"indices\" of libsvm is a list, expected a field to read it, or an "
             "index, as 3, for one value");
      columns_.push_back({Kind::kIndices, use, 0});
      lists_indices_ = true;
    } else if (ParseIndex(name, &index)) {
      columns_.push_back(
          {Kind::kAt, use, places_.try_emplace(index, places_.size()).first->second});
    } else {
      Fail(path, ": no column ", QuotedPiece(name),
           " in libsvm, expected label, qid, indices, or an index, as 3; if the file is delimited "
           "text, data.text.delimited {} says so");
    }
  }
  found_.resize(places_.size());
}

std::string LibsvmReader::Parse(std::string_view line, Record* record) {
  std::fill(found_.begin(), found_.end(), TokenValue());
  indices_.clear();
  is_ascending_ = true;
  listed_.clear();
  std::string_view rest = line;
  const std::string_view label = TakeToken(&rest);
  if (label.find(':') == std::string_view::npos) {
    line = rest;
  } else if (reads_label_) {
    return TextOf("begins with ", QuotedPiece(label),
                  ", expected a label before the tokens index:value");
  }
  std::string_view token = TakeToken(&line);
  std::string_view query;
  if (token.starts_with(kQidPrefix)) {
    query = token.substr(kQidPrefix.size());
    uint64_t number = 0;
    if (!ParseIndex(query, &number)) return WrongPart(token, "query", query, kWholeNumber);
    token = TakeToken(&line);
  }
  for (; !token.empty(); token = TakeToken(&line)) {
    if (std::string wrong = Add(token); !wrong.empty()) return wrong;
  }
  if (!is_ascending_) {
    if (std::string wrong = CheckOnce(); !wrong.empty()) return wrong;
  }
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    Value& value = record->values[c];
    if (column.kind == Kind::kLabel) value = label;
    if (column.kind == Kind::kQid && !query.empty()) value = query;
    if (column.kind == Kind::kIndices && !listed_.empty()) value = Value::List(listed_);
    if (column.kind == Kind::kAt) value = AtIndex(column);
    if (Has(column, query)) record->seen[c] = 1;
  }
  return "";
}

std::string LibsvmReader::Add(std::string_view token) {
  const size_t n = token.find(':');
  if (n == std::string_view::npos)
    return TextOf("token ", QuotedPiece(token), " has no colon, expected index:value");
  uint64_t index = 0;
  TokenValue value;
  if (!ParseIndex(token.substr(0, n), &index))
    return WrongPart(token, "index", token.substr(0, n), kWholeNumber);
  if (!ParseTokenValue(token.substr(n + 1), missing_, &value))
    return WrongPart(token, "value", value.text, "a finite number");
  is_ascending_ &= indices_.empty() || index > indices_.back();
  indices_.push_back(index);
  if (lists_indices_ && !value.is_missing && value.number != 0) {
    if (value.number != 1 && !ignore_values_) return WrongWeight(token, value.text, "libsvm");
    listed_.push_back(WithoutLeadingZeros(token.substr(0, n)));
  }
  if (places_.empty()) return "";
  if (const auto place = places_.find(index); place != places_.end()) found_[place->second] = value;
  return "";
}

std::string LibsvmReader::CheckOnce() {
  std::sort(indices_.begin(), indices_.end());
  const auto twice = std::adjacent_find(indices_.begin(), indices_.end());
  return twice == indices_.end()
             ? ""
             : TextOf("index ", *twice, " is there twice, expected each index once in a line");
}

bool LibsvmReader::Has(const Column& column, std::string_view query) const {
  switch (column.kind) {
    case Kind::kLabel:
    case Kind::kIndices:
      break;
    case Kind::kQid:
      return !query.empty();
    case Kind::kAt:
      return !found_[column.at].text.empty();
  }
  return true;
}

Value LibsvmReader::AtIndex(const Column& column) const {
  constexpr std::string_view kZero = "0";  // the format leaves zeros out
  const TokenValue& found = found_[column.at];
  if (!found.text.empty()) return ValueFor(column.use, found);
  if (column.use == WantedColumn::Use::kCategories) return {};
  return ValueFor(column.use, {kZero, 0, missing_.Has(kZero)});
}

bool RecognisesLibsvm(std::string_view start) {
  return StartsWithTokens(start, 1);
}

bool MayBeginLibsvm(std::string_view start) {
  return HasTokenLine(start, 1);
}

std::unique_ptr<RecordReader> OpenLibsvm(const std::string& path, const Text& text,
                                         std::span<const WantedColumn> wanted, ReadCounts* counts) {
  return std::make_unique<LibsvmReader>(path, text, wanted, counts);
}

}  // namespace

const Format kLibsvm = {"libsvm", RecognisesLibsvm, MayBeginLibsvm, OpenLibsvm, nullptr};

}  // namespace zhiyin::worker::data
