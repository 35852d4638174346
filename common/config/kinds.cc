#include "common/config/kinds.h"

#include <glog/logging.h>

namespace zhiyin::config {

std::string ChosenName(const google::protobuf::Message& message, const std::string& oneof) {
  const auto* choice = message.GetDescriptor()->FindOneofByName(oneof);
  CHECK(choice != nullptr) << oneof;
  const auto* field = message.GetReflection()->GetOneofFieldDescriptor(message, choice);
  return field == nullptr ? "" : std::string(field->name());
}

std::string Listed(std::span<const std::string> names, const std::string& last) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " " + last + " " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace zhiyin::config
