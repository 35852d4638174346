#include "worker/data/format/json_values.h"

#include "worker/data/example_parser.h"

namespace zhiyin::worker::data {
namespace {

/// Removes the digits at the beginning of *text; returns whether there are any.
bool TakeJsonDigits(std::string_view* text) {
  const size_t n_before = text->size();
  while (!text->empty() && text->front() >= '0' && text->front() <= '9') text->remove_prefix(1);
  return text->size() < n_before;
}

}  // namespace

bool IsJsonNumber(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.starts_with('0')) {
    text.remove_prefix(1);
  } else if (!TakeJsonDigits(&text)) {
    return false;
  }
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!TakeJsonDigits(&text)) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!TakeJsonDigits(&text)) return false;
  }
  return text.empty();
}

void FoundValue::Take(WantedColumn::Use use, const JsonValue& json, const JsonList& list) {
  using Kind = JsonValue::Kind;
  using Use = WantedColumn::Use;
  kind = Value::Kind::kMissing;
  problem = Problem::kNone;
  if (json.kind == Kind::kNull) return;
  if (json.kind == Kind::kObject) {
    problem = Problem::kObject;
    return;
  }
  if (json.kind == Kind::kList) {
    if (use == Use::kText) {
      problem = Problem::kList;
    } else if (list.is_nested) {
      problem = Problem::kNested;
    } else if (use == Use::kNumber) {
      if (list.n == 1) return Take(use, list.first, JsonList());
      if (list.n > 1) problem = Problem::kSeveral;
      n_texts = list.n;
    } else if (list.has_nul) {
      problem = Problem::kNul;
    } else if (list.n_texts > 0) {
      kind = Value::Kind::kList;
      begin_text = list.begin_text;
      n_texts = list.n_texts;
    }
    return;
  }
  if (json.has_nul) {
    problem = Problem::kNul;
    return;
  }
  kind = Value::Kind::kText;
  text = json.text;
  if (use != Use::kNumber || json.kind == Kind::kText) return;
  number = json.kind == Kind::kTrue ? 1 : 0;
  // A number that no double holds stays a text, which the row parser refuses as it does others.
  if (json.kind != Kind::kNumber || ParseNumber(json.text, &number)) kind = Value::Kind::kNumber;
}

std::string FoundValue::Describe(const WantedColumn& column) const {
  constexpr const char* kExpected[] = {"a text", "a text or a list of texts", "a number"};
  std::string wrong = "column \"" + column.name + "\": ";
  switch (problem) {
    case Problem::kNone:
      break;
    case Problem::kObject:
      return wrong + "an object, expected " + kExpected[static_cast<int>(column.use)];
    case Problem::kList:
      return wrong + "a list, expected a text";
    case Problem::kSeveral:
      return wrong + "a list of " + std::to_string(n_texts) + " values, expected one number";
    case Problem::kNested:
      return wrong + "a list that holds a list or an object, expected a list of " +
             (column.use == WantedColumn::Use::kNumber ? "one number" : "texts");
    case Problem::kNul:
      return wrong + "a NUL (\\u0000), expected text";
    case Problem::kPathNotObject:
      return wrong + "\"" + std::string(place) + "\" is not an object, expected an object or null";
    case Problem::kPathNotList:
      return wrong + "\"" + std::string(place) + "\" is not a list, expected a list or null";
  }
  return wrong;
}

}  // namespace zhiyin::worker::data
