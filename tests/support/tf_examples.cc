#include "tests/support/tf_examples.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "common/utf8.h"

namespace zhiyin::testing {
namespace {

using worker::data::TfExample;
using worker::data::TfFeature;
using worker::data::Value;
using worker::data::WantedColumn;

template <typename T>
std::string ShortestText(T number) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof(text), number).ptr};
}

std::string NumberText(double number) {
  if (std::isnan(number)) return "nan";
  const bool is_whole = std::floor(number) == number && std::abs(number) < std::ldexp(1.0, 63);
  return is_whole ? std::to_string(static_cast<int64_t>(number)) : ShortestText(number);
}

/// An element of a feature, whatever its kind is.
struct PlainElement {
  std::string text;
  bool is_number = false;
  double number = 0;
};

std::vector<PlainElement> ElementsOf(const TfFeature& feature) {
  std::vector<PlainElement> elements;
  for (const std::string& text : feature.bytes_list().value()) elements.push_back({text});
  for (const int64_t number : feature.int64_list().value())
    elements.push_back({std::to_string(number), true, static_cast<double>(number)});
  for (const float number : feature.float_list().value()) {
    char text[64];
    *std::to_chars(text, text + sizeof(text) - 1, number, std::chars_format::scientific).ptr = 0;
    const double decimal = std::strtod(text, nullptr);
    elements.push_back({NumberText(decimal), true, decimal});
  }
  return elements;
}

bool Has(const TfExample& example, const std::string& name) {
  return example.features().feature().contains(name) ||
         example.feature_lists().feature_list().contains(name);
}

}  // namespace

TfFeature Bytes(const std::vector<std::string>& values) {
  TfFeature feature;
  feature.mutable_bytes_list();
  for (const std::string& value : values) feature.mutable_bytes_list()->add_value(value);
  return feature;
}

TfFeature Floats(const std::vector<float>& values) {
  TfFeature feature;
  feature.mutable_float_list()->mutable_value()->Add(values.begin(), values.end());
  return feature;
}

TfFeature Integers(const std::vector<int64_t>& values) {
  TfFeature feature;
  feature.mutable_int64_list()->mutable_value()->Add(values.begin(), values.end());
  return feature;
}

void SetFeature(TfExample* example, const std::string& name, const TfFeature& feature) {
  (*example->mutable_features()->mutable_feature())[name] = feature;
}

void AddStep(TfExample* example, const std::string& name, const TfFeature& feature) {
  *(*example->mutable_feature_lists()->mutable_feature_list())[name].add_feature() = feature;
}

TfExample HistorySequence() {
  TfExample example;
  SetFeature(&example, "user", Bytes({"u7"}));
  AddStep(&example, "history", Bytes({"a"}));
  AddStep(&example, "history", Bytes({}));
  AddStep(&example, "history", Bytes({"b", "c"}));
  AddStep(&example, "hour", Integers({-1}));
  AddStep(&example, "hour", Integers({23}));
  return example;
}

std::string Shown(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kMissing:
      return "missing";
    case Value::Kind::kText:
      return "text:" + std::string(value.text());
    case Value::Kind::kNumber:
      return "number:" + NumberText(value.number());
    case Value::Kind::kList:
      break;
  }
  std::string shown = "list:";
  for (size_t i = 0; i < value.list().size(); ++i)
    shown += (i == 0 ? "" : ",") + std::string(value.list()[i]);
  return shown;
}

std::string ShownByTwin(const TfExample& example, const WantedColumn& column) {
  std::string name = column.name;
  bool is_element = false;
  size_t index = 0;
  const size_t bracket = name.rfind('[');
  if (!Has(example, name) && bracket != std::string::npos && bracket > 0 && name.back() == ']') {
    const std::string digits = name.substr(bracket + 1, name.size() - bracket - 2);
    is_element = !digits.empty() && digits.size() < 10 &&
                 digits.find_first_not_of("0123456789") == std::string::npos;
    if (is_element) {
      index = std::stoul(digits);
      name.resize(bracket);
    }
  }
  const auto& features = example.features().feature();
  const auto& lists = example.feature_lists().feature_list();
  std::vector<PlainElement> elements;
  if (features.contains(name) && lists.contains(name)) return "malformed";
  if (features.contains(name)) elements = ElementsOf(features.at(name));
  if (lists.contains(name)) {
    for (const TfFeature& step : lists.at(name).feature())
      for (const PlainElement& element : ElementsOf(step)) elements.push_back(element);
  }
  const bool is_list = column.use == WantedColumn::Use::kCategories && !is_element;
  if (!is_element && !is_list && elements.size() > 1) return "malformed";
  if (is_element) {
    elements = index < elements.size() ? std::vector{elements[index]} : std::vector<PlainElement>();
  }
  if (elements.empty()) return "missing";
  for (const PlainElement& element : elements) {
    if (element.text.find('\0') != std::string::npos ||
        FindInvalidUtf8(element.text) != std::string_view::npos)
      return "malformed";
  }
  if (!is_list && column.use == WantedColumn::Use::kNumber && elements[0].is_number)
    return "number:" + NumberText(elements[0].number);
  if (!is_list) return "text:" + elements[0].text;
  std::string shown = "list:";
  for (size_t i = 0; i < elements.size(); ++i) shown += (i == 0 ? "" : ",") + elements[i].text;
  return shown;
}

}  // namespace zhiyin::testing
