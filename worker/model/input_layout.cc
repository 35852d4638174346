#include "worker/model/input_layout.h"

#include <glog/logging.h>

#include <algorithm>

namespace zhiyin::worker::model {

InputLayout InputLayout::Of(const Job& job) {
  InputLayout layout;
  for (const Field& field : job.field()) {
    const auto table = std::find_if(job.table().begin(), job.table().end(),
                                    [&](const Table& t) { return t.name() == field.table(); });
    CHECK(table != job.table().end()) << field.table();
    const Part part = {field.name(), layout.dim, table->dim(), field.sequence_length()};
    layout.fields.push_back(part);
    layout.dim += part.width();
  }
  for (const Numeric& numeric : job.numeric())
    layout.numerics.push_back({numeric.name(), layout.dim++, 1, 0});
  return layout;
}

const InputLayout::Part& InputLayout::FieldNamed(const std::string& name) const {
  const auto part =
      std::find_if(fields.begin(), fields.end(), [&](const Part& p) { return p.name == name; });
  CHECK(part != fields.end()) << name;
  return *part;
}

std::vector<InputLayout::Part> InputLayout::FieldsNamed(
    const google::protobuf::RepeatedPtrField<std::string>& names) const {
  std::vector<Part> parts;
  for (const Part& part : fields) {
    if (names.empty() || std::find(names.begin(), names.end(), part.name) != names.end())
      parts.push_back(part);
  }
  return parts;
}

}  // namespace zhiyin::worker::model
