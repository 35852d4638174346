#include "common/config/path.h"

#include <glog/logging.h>

#include <algorithm>

#include "common/error.h"
#include "common/text.h"

namespace zhiyin::config {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

namespace {

constexpr size_t kMaxCleanNameBytes = 128;

/// The text between brackets for an entry: its name, unless that could be read as a position or as
/// a part of the path.
std::string EntryName(const std::string& name, int index) {
  const bool is_number =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  return IsCleanName(name) && !is_number ? name : std::to_string(index);
}

}  // namespace

std::vector<std::string> FieldNames(const Descriptor* message) {
  std::vector<std::string> names;
  for (int i = 0; i < message->field_count(); ++i) names.push_back(message->field(i)->name());
  return names;
}

bool IsCleanName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCleanNameBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
         });
}

ConfigPath ConfigPath::operator()(std::string_view name, int index) const {
  CHECK(end_ != nullptr) << name;
  const FieldDescriptor* field = end_->FindFieldByName(std::string(name));
  CHECK(field != nullptr) << name;
  return (*this)(field, index);
}

ConfigPath ConfigPath::operator()(const FieldDescriptor* field, int index) const {
  ConfigPath longer = *this;
  longer.steps_.push_back({field, index});
  longer.end_ = field->message_type();
  return longer;
}

std::string ConfigPath::Text(const Message& root) const {
  std::string text;
  const Message* message = &root;
  for (const Step& step : steps_) {
    if (!text.empty()) text += ".";
    text += step.field->name();
    const bool is_message = step.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    const Message* next = nullptr;
    if (message != nullptr && is_message && !step.field->is_repeated())
      next = &message->GetReflection()->GetMessage(*message, step.field);
    if (step.index >= 0) {
      std::string name;
      if (message != nullptr && is_message &&
          step.index < message->GetReflection()->FieldSize(*message, step.field)) {
        next = &message->GetReflection()->GetRepeatedMessage(*message, step.field, step.index);
        const FieldDescriptor* name_field = next->GetDescriptor()->FindFieldByName("name");
        if (name_field != nullptr) name = next->GetReflection()->GetString(*next, name_field);
      }
      text += "[" + EntryName(name, step.index) + "]";
    }
    message = next;
  }
  return text;
}

std::string ConfigPath::Canonical() const {
  std::string text;
  for (const Step& step : steps_)
    text += "." + step.field->name() + "[" + std::to_string(step.index) + "]";
  return text;
}

void ConfigBlame::NoteLine(const ConfigPath& path, int line) {
  if (FindOverride(path) == nullptr) lines_[path.Canonical()] = line;
}

void ConfigBlame::NoteOverride(const ConfigPath& path, const std::string& text) {
  const std::string place = path.Canonical();
  auto replaced = overrides_.lower_bound(place);
  while (replaced != overrides_.end() && replaced->first.starts_with(place))
    replaced = overrides_.erase(replaced);
  overrides_[place] = text;
}

void ConfigBlame::Fail(const Message& root, const ConfigPath& path, const std::string& what) const {
  Fail(root, path, what, Line(path));
}

void ConfigBlame::Fail(const Message& root, const ConfigPath& path, const std::string& what,
                       int line) const {
  const std::string* override_text = FindOverride(path);
  const std::string place = override_text == nullptr
                                ? file_ + ":" + std::to_string(line)
                                : "--set " + Shortened(*override_text, kMaxShownBytes);
  zhiyin::Fail(place, ": ", path.steps().empty() ? "" : path.Text(root) + ": ",
               Shortened(what, kMaxShownBytes));
}

const std::string* ConfigBlame::FindOverride(const ConfigPath& path) const {
  if (overrides_.empty()) return nullptr;
  const std::string* found = nullptr;
  ConfigPath part;
  for (const ConfigPath::Step& step : path.steps()) {
    // An override sets one entry of a list of messages, or a whole list of values.
    for (const int index : {step.index, -1}) {
      const auto at = overrides_.find(part(step.field, index).Canonical());
      if (at == overrides_.end()) continue;
      found = &at->second;
      break;
    }
    part = part(step.field, step.index);
  }
  return found;
}

int ConfigBlame::Line(const ConfigPath& path) const {
  int line = 1;
  ConfigPath part;
  for (const ConfigPath::Step& step : path.steps()) {
    part = part(step.field, step.index);
    const auto found = lines_.find(part.Canonical());
    if (found != lines_.end()) line = found->second;
  }
  return line;
}

}  // namespace zhiyin::config
