// JSON Lines: a JSON object (RFC 8259) a line. Stage 1 of simdjson (Langdale and Lemire, 2019)
// validates UTF-8 and finds the tokens of a line; one pass over them checks the whole line and
// picks the wanted values.
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "worker/data/format/format.h"
#include "worker/data/format/json_names.h"
#include "worker/data/format/json_paths.h"
#include "worker/data/format/json_values.h"
#include "worker/data/line_reader.h"
#include "worker/data/text_columns.h"

namespace zhiyin::worker::data {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::string_view kJsonSpaces = " \t\r\n";
/// Objects and lists within each other, the record's own object included.
constexpr int kMaxJsonDepth = 64;

bool IsJsonSpace(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Removes the spaces at the end of a token.
std::string_view WithoutJsonSpaces(std::string_view token) {
  while (!token.empty() && IsJsonSpace(token.back())) token.remove_suffix(1);
  return token;
}

class JsonLinesReader : public RecordReader {
 public:
  JsonLinesReader(const std::string& path, const Text& text, std::span<const WantedColumn> wanted,
                  ReadCounts* counts);

  bool Next(Record* record) override;
  int64_t Skip(int64_t n) override;

 private:
  using Node = JsonPaths::Node;

  /// Reads the next line that is not blank.
  bool NextLine();
  /// Returns what is wrong with the line, or an empty string once found_ is filled.
  std::string ParseLine();
  /// Copies the line, so that simdjson may read beyond its end.
  void CopyLine();

  // These return false where the record is malformed; wrong_ or at_ then says why. `node` is null
  // for a value that leads to no column. `depth` counts the objects and lists around what is read;
  // for WalkObject and WalkList it counts theirs, too.
  bool WalkObject(ondemand::object object, Node* node, int depth);
  bool WalkList(ondemand::array array, Node* node, int depth, JsonList* list);
  bool WalkValue(ondemand::value& value, Node* node, int depth, JsonValue* to);
  /// Reads a text and its escapes. REQUIRES: the token begins with a quote.
  bool ReadText(ondemand::value& value, std::string_view token, JsonValue* to);
  bool ReadKey(ondemand::field* field, std::string_view* key);

  bool FailAt(const char* at) {
    at_ = at;
    return false;
  }
  bool FailTooDeep();
  /// Describes a line that is not JSON.
  std::string NotJson(const char* at) const;

  /// Notes a value for the columns that it is for.
  void Note(const Node& node, const JsonValue& value, const JsonList& list);
  void NoteProblem(const JsonPaths::Place& place, const Node& node, FoundValue::Problem problem);
  /// Makes the values of a good record of found_. Returns what is wrong where it is none.
  std::string TakeFound(std::vector<Value>* values) const;

  std::vector<WantedColumn> wanted_;
  JsonPaths paths_;
  LineReader lines_;
  Line line_;
  ondemand::parser parser_;
  /// The line, and simdjson::SIMDJSON_PADDING zeros.
  std::vector<char> buffer_;
  // The present record.
  int64_t n_records_ = 0;
  std::vector<FoundValue> found_;        // [wanted columns]
  std::vector<std::string_view> texts_;  // of lists
  std::string wrong_;                    // a defect other than of the syntax
  const char* at_ = nullptr;             // in buffer_: the token that does not fit; null: unknown
};

std::vector<std::string> JsonColumnNames(std::span<const WantedColumn> wanted) {
  std::vector<std::string> names;
  for (const WantedColumn& column : wanted) names.push_back(column.name);
  return names;
}

JsonLinesReader::JsonLinesReader(const std::string& path, const Text& text,
                                 std::span<const WantedColumn> wanted, ReadCounts* counts)
    : wanted_(wanted.begin(), wanted.end()),
      paths_(JsonColumnNames(wanted)),
      lines_(path, JsonDialect(text), counts),
      found_(wanted.size()) {}

bool JsonLinesReader::NextLine() {
  while (lines_.Next(&line_)) {
    if (line_.too_long || line_.text.find_first_not_of(kJsonSpaces) != std::string_view::npos)
      return true;
  }
  return false;
}

int64_t JsonLinesReader::Skip(int64_t n) {
  int64_t n_skipped = 0;
  while (n_skipped < n && NextLine()) ++n_skipped;
  return n_skipped;
}

bool JsonLinesReader::Next(Record* record) {
  if (!NextLine()) return false;
  record->number = line_.number;
  record->seen.resize(wanted_.size());
  record->wrong = line_.too_long ? CheckText(line_) : ParseLine();
  for (size_t c = 0; c < found_.size() && record->wrong.empty(); ++c) {
    if (found_[c].is_there) record->seen[c] = 1;
  }
  if (record->wrong.empty()) record->wrong = TakeFound(&record->values);
  if (!record->wrong.empty()) record->values.assign(wanted_.size(), Value());
  return true;
}

std::string JsonLinesReader::TakeFound(std::vector<Value>* values) const {
  values->clear();
  for (size_t c = 0; c < found_.size(); ++c) {
    const FoundValue& found = found_[c];
    if (found.n_splits == FoundValue::kAbsent) {
      values->emplace_back();
      continue;
    }
    if (found.problem != FoundValue::Problem::kNone) return found.Describe(wanted_[c]);
    switch (found.kind) {
      case Value::Kind::kMissing:
        values->emplace_back();
        break;
      case Value::Kind::kText:
        values->emplace_back(found.text);
        break;
      case Value::Kind::kNumber:
        values->push_back(Value::Number(found.number));
        break;
      case Value::Kind::kList:
        values->push_back(Value::List(std::span(texts_).subspan(found.begin_text, found.n_texts)));
        break;
    }
  }
  return "";
}

void JsonLinesReader::CopyLine() {
  const size_t n = line_.text.size();
  if (buffer_.size() < n + simdjson::SIMDJSON_PADDING) {
    const size_t capacity = std::min(std::max(2 * n, size_t{4096}), LineReader::kMaxBytes);
    buffer_.resize(capacity + simdjson::SIMDJSON_PADDING);
    if (parser_.allocate(capacity, kMaxJsonDepth + 2) != simdjson::SUCCESS) throw std::bad_alloc();
  }
  std::copy(line_.text.begin(), line_.text.end(), buffer_.begin());
  // The first byte beyond the line is looked at as if it were a token.
  std::fill_n(buffer_.begin() + static_cast<std::ptrdiff_t>(n), simdjson::SIMDJSON_PADDING, '\0');
}

std::string JsonLinesReader::ParseLine() {
  CopyLine();
  ++n_records_;
  for (FoundValue& found : found_) {
    found.n_splits = FoundValue::kAbsent;
    found.is_there = false;
  }
  texts_.clear();
  wrong_.clear();
  at_ = nullptr;
  const size_t n = line_.text.size();
  ondemand::document document;
  const simdjson::error_code error =
      parser_.iterate(buffer_.data(), n, buffer_.size()).get(document);
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  ondemand::object object;
  if (error != simdjson::SUCCESS || document.get_object().get(object) != simdjson::SUCCESS)
    return NotJson(nullptr);
  if (!WalkObject(object, paths_.root(), 1)) {
    if (!wrong_.empty()) return wrong_;
    const char* at = at_;
    if (at == nullptr && document.current_location().get(at) != simdjson::SUCCESS) at = nullptr;
    return NotJson(at);
  }
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS) return NotJson(rest);
  return "";
}

std::string JsonLinesReader::NotJson(const char* at) const {
  std::string wrong = CheckText(line_.text);
  if (!wrong.empty()) return wrong;
  constexpr const char* kExpected = ", expected one whole JSON object";
  const size_t start = line_.text.find_first_not_of(kJsonSpaces);
  if (line_.text[start] != '{') return std::string("a line that begins with no {") + kExpected;
  const char* const end = buffer_.data() + line_.text.size();
  if (at == nullptr || at < buffer_.data() || at >= end)
    return std::string(
               "JSON that is not whole, or a text without its quote or with a control "
               "character") +
           kExpected;
  return "no valid JSON at byte " + std::to_string(at - buffer_.data()) + kExpected;
}

bool JsonLinesReader::FailTooDeep() {
  wrong_ = "objects and lists within each other, expected at most " +
           std::to_string(kMaxJsonDepth) + " levels";
  return false;
}

bool JsonLinesReader::ReadKey(ondemand::field* field, std::string_view* key) {
  const char* const begin = field->key().raw();
  // Stage 1 has seen that the text is closed.
  const size_t n_left = line_.text.size() - static_cast<size_t>(begin - buffer_.data());
  const void* const end = std::memchr(begin, '"', n_left);
  if (end == nullptr) return FailAt(begin);
  *key = std::string_view(begin, static_cast<size_t>(static_cast<const char*>(end) - begin));
  if (key->find('\\') == std::string_view::npos) return true;
  return field->unescaped_key().get(*key) == simdjson::SUCCESS || FailAt(begin);
}

bool JsonLinesReader::WalkObject(ondemand::object object, Node* node, int depth) {
  if (depth > kMaxJsonDepth) return FailTooDeep();
  Node* previous = nullptr;
  for (auto result : object) {
    if (result.error() != simdjson::SUCCESS) return false;
    ondemand::field&& field = std::move(result).value_unsafe();
    std::string_view key;
    if (!ReadKey(&field, &key)) return false;
    Node* child = node != nullptr ? JsonPaths::Find(node, previous, key) : nullptr;
    if (child != nullptr) {
      if (std::exchange(child->last_record, n_records_) == n_records_) {
        wrong_ = "\"" + child->name + "\" stands twice in its object, expected once";
        return false;
      }
      previous = child;
    }
    JsonValue value;
    if (!WalkValue(field.value(), child, depth, &value)) return false;
  }
  return true;
}

bool JsonLinesReader::WalkList(ondemand::array array, Node* node, int depth, JsonList* list) {
  if (depth > kMaxJsonDepth) return FailTooDeep();
  const bool keeps_texts = node != nullptr && !node->here.empty();
  list->begin_text = texts_.size();
  decltype(node->elements.begin()) next;
  if (node != nullptr) next = node->elements.begin();
  for (auto result : array) {
    if (result.error() != simdjson::SUCCESS) return false;
    ondemand::value&& element = std::move(result).value_unsafe();
    Node* child = nullptr;
    if (node != nullptr && next != node->elements.end() && next->first == list->n)
      child = (next++)->second.get();
    JsonValue value;
    if (!WalkValue(element, child, depth, &value)) return false;
    if (list->n++ == 0) list->first = value;
    list->is_nested |= value.kind >= JsonValue::Kind::kList;
    list->has_nul |= value.has_nul;
    if (keeps_texts && value.kind != JsonValue::Kind::kNull) texts_.push_back(value.text);
  }
  list->n_texts = texts_.size() - list->begin_text;
  return true;
}

bool JsonLinesReader::ReadText(ondemand::value& value, std::string_view token, JsonValue* to) {
  to->kind = JsonValue::Kind::kText;
  if (token.size() < 2 || !token.ends_with('"')) return FailAt(token.data());
  to->text = token.substr(1, token.size() - 2);
  if (to->text.find('\\') == std::string_view::npos) {
    ondemand::raw_json_string consumed;
    return value.get_raw_json_string().get(consumed) == simdjson::SUCCESS || FailAt(token.data());
  }
  if (value.get_string().get(to->text) != simdjson::SUCCESS) return FailAt(token.data());
  to->has_nul = to->text.find('\0') != std::string_view::npos;
  return true;
}

bool JsonLinesReader::WalkValue(ondemand::value& value, Node* node, int depth, JsonValue* to) {
  const std::string_view token = WithoutJsonSpaces(value.raw_json_token());
  const char* const at = token.data();
  JsonList list;
  if (token.starts_with('"')) {
    if (!ReadText(value, token, to)) return false;
  } else if (token.starts_with('{')) {
    to->kind = JsonValue::Kind::kObject;
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return FailAt(at);
    if (!WalkObject(object, node, depth + 1)) return false;
  } else if (token.starts_with('[')) {
    to->kind = JsonValue::Kind::kList;
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return FailAt(at);
    if (!WalkList(array, node, depth + 1, &list)) return false;
  } else {
    to->text = token;
    if (token == "true") {
      to->kind = JsonValue::Kind::kTrue;
    } else if (token == "false") {
      to->kind = JsonValue::Kind::kFalse;
    } else if (token != "null") {
      to->kind = JsonValue::Kind::kNumber;
      if (!IsJsonNumber(token)) return FailAt(at);
    }
  }
  if (node != nullptr) Note(*node, *to, list);
  return true;
}

void JsonLinesReader::Note(const Node& node, const JsonValue& value, const JsonList& list) {
  for (const JsonPaths::Place& place : node.here) {
    FoundValue& found = found_[place.column];
    found.is_there = true;
    if (place.n_splits > found.n_splits) continue;
    found.n_splits = place.n_splits;
    found.Take(wanted_[place.column].use, value, list);
  }
  const bool is_null = value.kind == JsonValue::Kind::kNull;
  if (is_null || value.kind == JsonValue::Kind::kList) {
    for (const JsonPaths::Place& place : node.in_list) found_[place.column].is_there = true;
  }
  if (is_null) {
    for (const JsonPaths::Place& place : node.in_object) found_[place.column].is_there = true;
    return;
  }
  if (value.kind != JsonValue::Kind::kObject) {
    for (const JsonPaths::Place& place : node.in_object)
      NoteProblem(place, node, FoundValue::Problem::kPathNotObject);
  }
  if (value.kind != JsonValue::Kind::kList) {
    for (const JsonPaths::Place& place : node.in_list)
      NoteProblem(place, node, FoundValue::Problem::kPathNotList);
  }
}

void JsonLinesReader::NoteProblem(const JsonPaths::Place& place, const Node& node,
                                  FoundValue::Problem problem) {
  FoundValue& found = found_[place.column];
  if (place.n_splits > found.n_splits) return;
  found.n_splits = place.n_splits;
  found.problem = problem;
  found.place = node.name;
}

/// Objects that are written over several lines are recognised, too, so that they are refused as
/// JSON and not as delimited text.
bool RecognisesJsonLines(std::string_view start) {
  if (start.starts_with("\xef\xbb\xbf")) start.remove_prefix(3);
  start.remove_prefix(std::min(start.find_first_not_of(kJsonSpaces), start.size()));
  if (!start.starts_with('{')) return false;
  start.remove_prefix(1);
  start.remove_prefix(std::min(start.find_first_not_of(kJsonSpaces), start.size()));
  return start.starts_with('"') || start.starts_with('}');
}

std::unique_ptr<RecordReader> OpenJsonLines(const std::string& path, const Text& text,
                                            std::span<const WantedColumn> wanted,
                                            ReadCounts* counts) {
  return std::make_unique<JsonLinesReader>(path, text, wanted, counts);
}

}  // namespace

const Format kJsonLines = {"JSON Lines", RecognisesJsonLines, nullptr, OpenJsonLines, JsonNames};

}  // namespace zhiyin::worker::data
