#include "common/config_path.h"

#include <glog/logging.h>

#include "common/error.h"

namespace zhiyin {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

ConfigPath ConfigPath::operator()(std::string_view name, int index) const {
  const Descriptor* message = steps_.empty() ? Job::descriptor() : steps_.back().field->message_type();
  const FieldDescriptor* field = message->FindFieldByName(std::string(name));
  CHECK(field != nullptr) << name;
  return (*this)(field, index);
}

ConfigPath ConfigPath::operator()(const FieldDescriptor* field, int index) const {
  ConfigPath longer = *this;
  longer.steps_.push_back({field, index});
  return longer;
}

std::string ConfigPath::Text(const Job& job) const {
  std::string text;
  const Message* message = &job;
  for (const Step& step : steps_) {
    if (!text.empty()) text += ".";
    text += step.field->name();
    const bool is_message = step.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    const Message* next = nullptr;
    if (message != nullptr && is_message && step.index < 0)
      next = &message->GetReflection()->GetMessage(*message, step.field);
    if (step.index >= 0) {
      std::string name;
      if (message != nullptr && is_message &&
          step.index < message->GetReflection()->FieldSize(*message, step.field)) {
        next = &message->GetReflection()->GetRepeatedMessage(*message, step.field, step.index);
        const FieldDescriptor* name_field = next->GetDescriptor()->FindFieldByName("name");
        if (name_field != nullptr) name = next->GetReflection()->GetString(*next, name_field);
      }
      text += "[" + (name.empty() || name.size() > 128 ? std::to_string(step.index) : name) + "]";
    }
    message = next;
  }
  return text;
}

std::string ConfigPath::Canonical() const {
  std::string text;
  for (const Step& step : steps_) text += "." + step.field->name() + "[" + std::to_string(step.index) + "]";
  return text;
}

int ConfigBlame::Line(const ConfigPath& path) const {
  const google::protobuf::TextFormat::ParseInfoTree* tree = lines_;
  int line = 1;
  for (const ConfigPath::Step& step : path.steps()) {
    if (tree == nullptr) break;
    const auto location = tree->GetLocation(step.field, step.index);
    if (location.line >= 0) line = location.line + 1;
    tree = step.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE
               ? tree->GetTreeForNested(step.field, step.index)
               : nullptr;
  }
  return line;
}

void ConfigBlame::Fail(const Job& job, const ConfigPath& path, const std::string& what) const {
  // The longest override that this place lies in.
  ConfigPath part;
  std::string override_text;
  for (const ConfigPath::Step& step : path.steps()) {
    part = part(step.field, step.index);
    const auto found = overrides_.find(part.Canonical());
    if (found != overrides_.end()) override_text = found->second;
  }
  const std::string place =
      override_text.empty() ? file_ + ":" + std::to_string(Line(path)) : "--set " + override_text;
  zhiyin::Fail(place, ": ", path.steps().empty() ? "" : path.Text(job) + ": ", what);
}

}  // namespace zhiyin
