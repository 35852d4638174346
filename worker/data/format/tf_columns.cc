#include "worker/data/format/tf_columns.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "common/text.h"
#include "worker/data/format/wire_fields.h"
#include "worker/data/text_columns.h"

namespace zhiyin::worker::data {
namespace {

// Field numbers of tf_example.proto.
constexpr uint32_t kFeaturesField = 1;      // TfExample
constexpr uint32_t kFeatureListsField = 2;  // TfExample
constexpr uint32_t kRepeatedField = 1;      // the only field of a list, and of a map's message
constexpr uint32_t kKeyField = 1;           // of a map's entry
constexpr uint32_t kValueField = 2;         // of a map's entry
constexpr uint32_t kBytesListField = 1;     // TfFeature
constexpr uint32_t kFloatListField = 2;     // TfFeature
constexpr uint32_t kInt64ListField = 3;     // TfFeature

constexpr size_t kTfNumberChars = 32;  // as text

/// "NAME[7]": the name and the index. nullopt: it is no such name.
std::optional<std::pair<std::string_view, size_t>> TfElementName(std::string_view column) {
  const size_t bracket = column.rfind('[');
  if (bracket == std::string_view::npos || bracket == 0 || !column.ends_with(']')) return {};
  const std::string_view digits = column.substr(bracket + 1, column.size() - bracket - 2);
  size_t index = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, index);
  if (error != std::errc() || stop != end) return {};
  return std::pair(column.substr(0, bracket), index);
}

char* WriteTfNumber(int64_t number, char* to) {
  return std::to_chars(to, to + kTfNumberChars, number).ptr;
}

/// Writes a whole number without point and exponent, unless it is too large for an int64.
char* WriteTfNumber(double number, char* to) {
  if (std::abs(number) < 0x1p63 && number == std::trunc(number))
    return WriteTfNumber(static_cast<int64_t>(number), to);
  if (std::isnan(number)) number = std::abs(number);  // "nan" whatever its sign is
  return std::to_chars(to, to + kTfNumberChars, number).ptr;
}

/// Gives the numbers of a packed list of floats to `add`. Returns whether it is whole.
template <typename Add>
bool ForEachFloat(std::string_view packed, const Add& add) {
  if (packed.size() % sizeof(float) != 0) return false;
  for (size_t at = 0; at < packed.size(); at += sizeof(float)) {
    float number;
    std::memcpy(&number, packed.data() + at, sizeof(number));
    add(number);
  }
  return true;
}

/// Gives the numbers of a packed list of integers to `add`. Returns whether it is whole.
template <typename Add>
bool ForEachInteger(std::string_view packed, const Add& add) {
  while (!packed.empty()) {
    uint64_t number = 0;
    if (!ReadVarint(&packed, &number)) return false;
    add(static_cast<int64_t>(number));
  }
  return true;
}

}  // namespace

double DecimalOfFloat(float number) {
  if (!std::isfinite(number)) return number;
  char text[kTfNumberChars];
  const char* const end =
      std::to_chars(text, text + sizeof(text), number, std::chars_format::scientific).ptr;
  double decimal = 0;
  std::from_chars(text, end, decimal);
  return decimal;
}

TfColumns::TfColumns(std::span<const WantedColumn> wanted) {
  for (const WantedColumn& column : wanted) {
    Column& added = columns_.emplace_back(Column{column.use, FeatureNamed(column.name)});
    const auto element = TfElementName(column.name);
    if (!element) continue;
    added.element_of = FeatureNamed(element->first);
    added.index = element->second;
  }
  for (size_t i = 0; i < features_.size(); ++i) by_name_[features_[i].name] = i;
}

size_t TfColumns::FeatureNamed(std::string_view name) {
  const auto at = std::find_if(features_.begin(), features_.end(),
                               [&](const Feature& feature) { return feature.name == name; });
  if (at != features_.end()) return static_cast<size_t>(at - features_.begin());
  features_.push_back({std::string(name)});
  return features_.size() - 1;
}

std::string TfColumns::Parse(std::string_view record, std::vector<Value>* values) {
  texts_.clear();
  lists_.clear();
  number_texts_.release();
  for (Feature& feature : features_) {
    feature.in_context.reset();
    feature.in_lists.reset();
  }
  values->assign(columns_.size(), Value());
  std::string wrong = FindFeatures(record);
  for (size_t c = 0; c < columns_.size() && wrong.empty(); ++c) wrong = Take(c, &(*values)[c]);
  if (!wrong.empty()) {
    values->assign(columns_.size(), Value());
    return wrong;
  }
  for (const List& list : lists_) {
    (*values)[list.column] =
        Value::List(std::span(texts_).subspan(list.begin, list.end - list.begin));
  }
  return "";
}

bool TfColumns::Has(size_t column) const {
  const auto is_there = [&](size_t f) { return features_[f].in_context || features_[f].in_lists; };
  const Column& wanted = columns_[column];
  return is_there(wanted.feature) || (wanted.element_of && is_there(*wanted.element_of));
}

std::string TfColumns::FindFeatures(std::string_view record) {
  WireFields fields(record);
  while (fields.Next()) {
    const bool are_lists = fields.Is(kFeatureListsField, WireType::kBytes);
    if (!are_lists && !fields.Is(kFeaturesField, WireType::kBytes)) continue;
    if (std::string wrong = FindFeaturesIn(fields.bytes(), are_lists); !wrong.empty()) return wrong;
  }
  return fields.ok() ? "" : "no tf.train.Example or tf.train.SequenceExample, expected one";
}

std::string TfColumns::FindFeaturesIn(std::string_view map, bool are_lists) {
  const auto damage = [are_lists] {
    return TextOf("its ", are_lists ? "feature lists" : "features",
                  " cannot be parsed, expected a tf.train.Example or tf.train.SequenceExample");
  };
  WireFields entries(map);
  while (entries.Next()) {
    if (!entries.Is(kRepeatedField, WireType::kBytes)) continue;
    std::string_view key;
    std::string_view value;
    int n_values = 0;
    WireFields entry(entries.bytes());
    while (entry.Next()) {
      if (entry.Is(kKeyField, WireType::kBytes)) key = entry.bytes();
      if (!entry.Is(kValueField, WireType::kBytes)) continue;
      value = entry.bytes();
      ++n_values;
    }
    if (!entry.ok()) return damage();
    const auto at = by_name_.find(key);
    if (at == by_name_.end()) continue;
    if (n_values > 1)
      return TextOf("feature \"", key, "\": an entry with ", n_values, " values, expected one");
    // The last of several features of one name counts, as in every map of protobuf.
    Feature& feature = features_[at->second];
    (are_lists ? feature.in_lists : feature.in_context) = value;
  }
  return entries.ok() ? "" : damage();
}

std::string TfColumns::Take(size_t column, Value* value) {
  const Column& wanted = columns_[column];
  const Feature* feature = &features_[wanted.feature];
  const bool is_element = wanted.element_of && !feature->in_context && !feature->in_lists;
  if (is_element) feature = &features_[*wanted.element_of];
  if (feature->in_context && feature->in_lists) {
    return TextOf("\"", feature->name, "\" is a feature of the context and a feature list, ",
                  "expected one of them");
  }
  std::string wrong;
  if (is_element) {
    wrong = TakeOne(*feature, wanted.use, wanted.index, value);
  } else if (wanted.use == WantedColumn::Use::kCategories) {
    wrong = TakeList(column, *feature);
  } else {
    wrong = TakeOne(*feature, wanted.use, {}, value);
  }
  return wrong.empty() ? "" : TextOf("feature \"", feature->name, "\": ", wrong);
}

std::string TfColumns::TakeList(size_t column, const Feature& feature) {
  const size_t begin = texts_.size();
  std::string wrong;
  const bool is_whole = ForEachElement(feature, [&](const Element& element) {
    if (!wrong.empty()) return;
    if (texts_.size() == kMaxListed) {
      wrong = TextOf("more than ", kMaxListed, " categories in one record, expected fewer");
      return;
    }
    wrong = ToText(element, &texts_.emplace_back());
  });
  if (!is_whole) return "cannot be parsed, expected a bytes_list, float_list or int64_list";
  if (texts_.size() > begin) lists_.push_back({column, begin, texts_.size()});
  return wrong;
}

std::string TfColumns::TakeOne(const Feature& feature, WantedColumn::Use use,
                               std::optional<size_t> index, Value* value) {
  Element taken;
  size_t n = 0;
  const bool is_whole = ForEachElement(feature, [&](const Element& element) {
    if (n++ == index.value_or(0)) taken = element;
  });
  if (!is_whole) return "cannot be parsed, expected a bytes_list, float_list or int64_list";
  if (!index && n > 1) {
    return TextOf("a list of ", n, " values, expected one; the column \"", feature.name,
                  "[0]\" is the first of them");
  }
  if (taken.kind == 0) return "";
  if (use == WantedColumn::Use::kNumber && taken.kind != kBytesListField) {
    *value = Value::Number(taken.kind == kFloatListField ? DecimalOfFloat(taken.number)
                                                         : static_cast<double>(taken.integer));
    return "";
  }
  std::string_view text;
  std::string wrong = ToText(taken, &text);
  *value = text;
  return wrong;
}

template <typename Add>
bool TfColumns::ForEachElement(const Feature& feature, const Add& add) {
  if (feature.in_context) return ForEachOfOne(*feature.in_context, add);
  if (!feature.in_lists) return true;
  WireFields steps(*feature.in_lists);
  while (steps.Next()) {
    if (steps.Is(kRepeatedField, WireType::kBytes) && !ForEachOfOne(steps.bytes(), add))
      return false;
  }
  return steps.ok();
}

template <typename Add>
bool TfColumns::ForEachOfOne(std::string_view feature, const Add& add) {
  // A feature holds one list. Of lists of several kinds the last counts, lists of one kind are
  // joined: so are the rules of protobuf.
  uint32_t kind = 0;
  pieces_.clear();
  WireFields lists(feature);
  while (lists.Next()) {
    if (lists.type() != WireType::kBytes || lists.field() > kInt64ListField) continue;
    if (lists.field() != kind) pieces_.clear();
    kind = lists.field();
    pieces_.push_back(lists.bytes());
  }
  if (!lists.ok()) return false;
  const auto add_float = [&](float number) { add({.kind = kind, .number = number}); };
  const auto add_integer = [&](int64_t integer) { add({.kind = kind, .integer = integer}); };
  for (const std::string_view piece : pieces_) {
    WireFields elements(piece);
    while (elements.Next()) {
      if (elements.field() != kRepeatedField) continue;
      const bool is_bytes = elements.type() == WireType::kBytes;
      if (kind == kBytesListField && is_bytes) {
        add({.kind = kind, .text = elements.bytes()});
      } else if (kind == kFloatListField && is_bytes) {
        if (!ForEachFloat(elements.bytes(), add_float)) return false;
      } else if (kind == kFloatListField && elements.type() == WireType::kFixed32) {
        add_float(std::bit_cast<float>(static_cast<uint32_t>(elements.number())));
      } else if (kind == kInt64ListField && is_bytes) {
        if (!ForEachInteger(elements.bytes(), add_integer)) return false;
      } else if (kind == kInt64ListField && elements.type() == WireType::kVarint) {
        add_integer(static_cast<int64_t>(elements.number()));
      }
    }
    if (!elements.ok()) return false;
  }
  return true;
}

std::string TfColumns::ToText(const Element& element, std::string_view* text) {
  if (element.kind == kBytesListField) {
    *text = element.text;
    return CheckText(element.text);
  }
  char* const to = static_cast<char*>(number_texts_.allocate(kTfNumberChars, 1));
  const char* const end = element.kind == kFloatListField
                              ? WriteTfNumber(DecimalOfFloat(element.number), to)
                              : WriteTfNumber(element.integer, to);
  *text = {to, static_cast<size_t>(end - to)};
  return "";
}

void AddTfNames(std::string_view record, std::set<std::string>* names) {
  WireFields fields(record);
  while (fields.Next()) {
    if (!fields.Is(kFeaturesField, WireType::kBytes) &&
        !fields.Is(kFeatureListsField, WireType::kBytes))
      continue;
    WireFields entries(fields.bytes());
    while (entries.Next()) {
      if (!entries.Is(kRepeatedField, WireType::kBytes)) continue;
      WireFields entry(entries.bytes());
      while (entry.Next()) {
        if (entry.Is(kKeyField, WireType::kBytes)) names->emplace(entry.bytes());
      }
    }
  }
}

}  // namespace zhiyin::worker::data
