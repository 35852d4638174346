// Tokens slot:feasign, as they come from logs: plain values, if any, and then slot:feasign ...
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "common/error.h"
#include "common/text.h"
#include "worker/data/format/format.h"
#include "worker/data/format/sparse.h"

namespace zhiyin::worker::data {
namespace {

/// The name of a column that is one value of a slot: slot[element].
struct ElementName {
  std::string_view slot;
  uint64_t element = 0;

  static std::optional<ElementName> Of(std::string_view name) {
    const size_t open = name.rfind('[');
    ElementName parts;
    if (!name.ends_with(']') || open == std::string_view::npos || open == 0 ||
        !ParseIndex(name.substr(open + 1, name.size() - open - 2), &parts.element))
      return {};
    parts.slot = name.substr(0, open);
    return parts;
  }
};

/// Finds what is mapped to a name, given as a view, without making it a string.
struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
};

class SlotsReader final : public TokenLineReader {
 public:
  /// Adds the slots of all lines to *names, unless it is null.
  SlotsReader(const std::string& path, const Text& text, std::span<const WantedColumn> wanted,
              ReadCounts* counts, std::set<std::string>* names);

 private:
  enum class Kind { kPlain, kSlot, kElement };
  struct Column {
    Kind kind;
    WantedColumn::Use use;
    size_t at;  // in plain_ or found_
    uint64_t element;
  };

  size_t PlaceOf(std::string_view slot);
  std::string Parse(std::string_view line, Record* record) override;
  /// Removes the plain values and their delimiters from *line. Returns what is wrong, or an empty
  /// string.
  std::string TakePlainValues(std::string_view* line);
  /// Removes separators and then the token up to the next one from *rest; returns an empty token
  /// where there is none.
  std::string_view TakeSlotToken(std::string_view* rest) const;
  /// The number of bytes of the separator with which `text`, which is not empty, begins; 0: none.
  size_t SeparatorBytes(std::string_view text) const;
  /// Takes a token into found_. Returns what is wrong, or an empty string.
  std::string Add(std::string_view token);
  /// Sets the value of a column. Returns what is wrong, or an empty string.
  std::string Give(const Column& column, Value* value) const;

  std::set<std::string>* names_;
  bool feasign_first_;
  bool trim_;
  std::string delimiter_;
  std::vector<Column> columns_;                                                // [wanted]
  std::unordered_map<std::string, size_t, NameHash, std::equal_to<>> places_;  // in found_
  std::vector<std::string> slots_;                                             // [found_]
  // What the line has:
  std::vector<std::string_view> plain_;               // [Text.column_name]
  std::vector<std::vector<std::string_view>> found_;  // [wanted slots][values]
};

SlotsReader::SlotsReader(const std::string& path, const Text& text,
                         std::span<const WantedColumn> wanted, ReadCounts* counts,
                         std::set<std::string>* names)
    : TokenLineReader(path, text, wanted.size(), 0, counts),
      names_(names),
      feasign_first_(text.slots().feasign_first()),
      trim_(Dialect::Of(text).trim),
      delimiter_(delimiter()),
      plain_(static_cast<size_t>(text.column_name_size())) {
  // A first line with :: does not tell: the slot may be followed by a feasign with a colon.
  if (delimiter_.empty() || delimiter_.find(':') != std::string::npos) delimiter_ = ",";
  std::map<std::string_view, size_t> plain_names;
  for (size_t p = 0; p < plain_.size(); ++p)
    plain_names.emplace(text.column_name(static_cast<int>(p)), p);
  for (const auto& [name, use] : wanted) {
    if (const auto plain = plain_names.find(name); plain != plain_names.end()) {
      columns_.push_back({Kind::kPlain, use, plain->second, 0});
    } else if (const auto element = ElementName::Of(name)) {
      columns_.push_back({Kind::kElement, use, PlaceOf(element->slot), element->element});
    } else {
      if (name.empty()) Fail(path, ": a column without a name, expected a slot's");
      columns_.push_back({Kind::kSlot, use, PlaceOf(name), 0});
    }
  }
}

size_t SlotsReader::PlaceOf(std::string_view slot) {
  const auto [place, is_new] = places_.try_emplace(std::string(slot), found_.size());
  if (is_new) {
    found_.emplace_back();
    slots_.emplace_back(slot);
  }
  return place->second;
}

std::string SlotsReader::Parse(std::string_view line, Record* record) {
  for (std::vector<std::string_view>& found : found_) found.clear();
  if (std::string wrong = TakePlainValues(&line); !wrong.empty()) return wrong;
  for (std::string_view token = TakeSlotToken(&line); !token.empty();
       token = TakeSlotToken(&line)) {
    if (std::string wrong = Add(token); !wrong.empty()) return wrong;
  }
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    if (column.kind == Kind::kPlain || !found_[column.at].empty()) record->seen[c] = 1;
    if (std::string wrong = Give(column, &record->values[c]); !wrong.empty()) return wrong;
  }
  return "";
}

std::string SlotsReader::TakePlainValues(std::string_view* line) {
  for (size_t p = 0; p < plain_.size(); ++p) {
    const size_t n = line->find(delimiter_);
    const bool is_last = n == std::string_view::npos;
    plain_[p] = line->substr(0, n);
    if (trim_) plain_[p] = TrimSpaces(plain_[p]);
    if (is_last && p + 1 < plain_.size())
      return TextOf(p + 1, p == 0 ? " value" : " values", " before the tokens, expected ",
                    plain_.size(), ", each with the delimiter ", QuotedPiece(delimiter_),
                    " behind it");
    line->remove_prefix(is_last ? line->size() : n + delimiter_.size());
  }
  return "";
}

std::string_view SlotsReader::TakeSlotToken(std::string_view* rest) const {
  while (!rest->empty()) {
    const size_t n = SeparatorBytes(*rest);
    if (n == 0) break;
    rest->remove_prefix(n);
  }
  size_t n = 0;
  while (n < rest->size() && SeparatorBytes(rest->substr(n)) == 0) ++n;
  const std::string_view token = rest->substr(0, n);
  rest->remove_prefix(n);
  return token;
}

size_t SlotsReader::SeparatorBytes(std::string_view text) const {
  if (text[0] == ' ' || text[0] == '\t') return 1;
  return text.starts_with(delimiter_) ? delimiter_.size() : 0;
}

std::string SlotsReader::Add(std::string_view token) {
  const char* const expected = feasign_first_ ? "feasign:slot" : "slot:feasign";
  const size_t n = feasign_first_ ? token.rfind(':') : token.find(':');
  if (n == std::string_view::npos)
    return TextOf("token ", QuotedPiece(token), " has no colon, expected ", expected);
  const std::string_view before = token.substr(0, n);
  const std::string_view behind = token.substr(n + 1);
  const std::string_view slot = feasign_first_ ? behind : before;
  if (slot.empty())
    return TextOf("token ", QuotedPiece(token), " has no slot, expected ", expected);
  if (names_ != nullptr) names_->emplace(slot);
  if (const auto place = places_.find(slot); place != places_.end())
    found_[place->second].push_back(feasign_first_ ? before : behind);
  return "";
}

std::string SlotsReader::Give(const Column& column, Value* value) const {
  if (column.kind == Kind::kPlain) {
    *value = plain_[column.at];
    return "";
  }
  const std::vector<std::string_view>& found = found_[column.at];
  if (column.kind == Kind::kElement) {
    if (column.element < found.size()) *value = found[column.element];
    return "";
  }
  if (found.empty()) return "";
  if (column.use == WantedColumn::Use::kCategories) {
    *value = Value::List(found);
    return "";
  }
  if (found.size() > 1) {
    return TextOf("slot ", QuotedPiece(slots_[column.at]), " has ", found.size(),
                  " values, expected one where one text or number is read; ",
                  QuotedPiece(slots_[column.at] + "[0]"), " is the first");
  }
  *value = found[0];
  return "";
}

/// The config says it: too much other text has a colon in each word.
bool RecognisesSlots(std::string_view) {
  return false;
}

bool MayBeginSlots(std::string_view) {
  return true;
}

std::unique_ptr<RecordReader> OpenSlots(const std::string& path, const Text& text,
                                        std::span<const WantedColumn> wanted, ReadCounts* counts) {
  return std::make_unique<SlotsReader>(path, text, wanted, counts, /*names=*/nullptr);
}

std::vector<std::string> SlotNames(const std::string& path, const Text& text) {
  std::set<std::string> names(text.column_name().begin(), text.column_name().end());
  SlotsReader reader(path, text, {}, /*counts=*/nullptr, &names);
  Record record;
  for (int i = 0; i < kNamedRecords && reader.Next(&record); ++i) {
  }
  return {names.begin(), names.end()};
}

}  // namespace

const Format kSlots = {"slots", RecognisesSlots, MayBeginSlots, OpenSlots, SlotNames};

}  // namespace zhiyin::worker::data
