#include "worker/data/format/json_names.h"

#include <simdjson.h>

#include <set>

#include "worker/data/format/format.h"
#include "worker/data/line_reader.h"

namespace zhiyin::worker::data {
namespace {

/// Objects within each other whose keys are named.
constexpr int kMaxNamedDepth = 8;

/// Adds the keys of an object, each behind `prefix`, and those of the objects in it.
void AddJsonNames(simdjson::dom::object object, const std::string& prefix, int depth,
                  std::set<std::string>* names) {
  for (const simdjson::dom::key_value_pair field : object) {
    const std::string name = prefix + std::string(field.key);
    names->insert(name);
    simdjson::dom::object inner;
    if (depth < kMaxNamedDepth && field.value.get(inner) == simdjson::SUCCESS)
      AddJsonNames(inner, name + ".", depth + 1, names);
  }
}

}  // namespace

Dialect JsonDialect(const Text& text) {
  Dialect dialect;
  dialect.encoding = text.encoding();
  return dialect;
}

std::vector<std::string> JsonNames(const std::string& path, const Text& text) {
  LineReader lines(path, JsonDialect(text));
  simdjson::dom::parser parser;
  std::set<std::string> names;
  Line line;
  for (int i = 0; i < kNamedRecords && lines.Next(&line); ++i) {
    simdjson::dom::object object;
    if (parser.parse(line.text.data(), line.text.size()).get(object) == simdjson::SUCCESS)
      AddJsonNames(object, "", 1, &names);
  }
  return {names.begin(), names.end()};
}

}  // namespace zhiyin::worker::data
