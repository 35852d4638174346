#include "common/config_override.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "common/error.h"
#include "common/text.h"

namespace zhiyin {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

/// Swallows protobuf's own printing; the override's error says enough.
class Silence : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string& text) override {
    if (first_.empty()) first_ = text;
  }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

std::vector<std::string> FieldNames(const Descriptor* message) {
  std::vector<std::string> names;
  for (int i = 0; i < message->field_count(); ++i) names.push_back(message->field(i)->name());
  return names;
}

/// The position that "[2]" or "[categories]" means.
int FindIndex(const std::string& text, const Message& message, const FieldDescriptor* field,
              const std::string& which) {
  const Reflection* reflection = message.GetReflection();
  const int size = reflection->FieldSize(message, field);
  int index = 0;
  const auto [end, error] = std::from_chars(which.data(), which.data() + which.size(), index);
  if (error == std::errc() && end == which.data() + which.size()) {
    if (index < 0 || index >= size)
      Fail("--set ", text, ": ", field->name(), " has ", size, " entries, numbered from 0");
    return index;
  }
  std::vector<std::string> names;
  for (int i = 0; i < size; ++i) {
    const Message& entry = reflection->GetRepeatedMessage(message, field, i);
    const FieldDescriptor* name = entry.GetDescriptor()->FindFieldByName("name");
    if (name == nullptr) break;
    names.push_back(entry.GetReflection()->GetString(entry, name));
    if (names.back() == which) return i;
  }
  Fail("--set ", text, ": no ", field->name(), " \"", which, "\"", Suggestion(which, names));
}

/// A value as text format wants it: strings get their quotes.
std::string Quoted(const FieldDescriptor* field, const std::string& value) {
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return value;
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') return value;
  std::string quoted = "\"";
  for (char c : value) {
    if (c == '"') quoted += '\\';  // a backslash stays one: \t means a tab, as in the file
    quoted += c;
  }
  return quoted + "\"";
}

void SetField(const std::string& text, const FieldDescriptor* field, const std::string& value,
              Message* message) {
  std::string snippet;
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (value.empty() || value.front() != '{' || value.back() != '}') {
      Fail("--set ", text, ": ", field->name(), " is a message: set one of its fields, or all of it as {...}",
           Suggestion("", FieldNames(field->message_type())));
    }
    snippet = field->name() + " " + value;
  } else if (field->is_repeated()) {
    std::string list;
    for (size_t begin = 0; begin <= value.size() && !value.empty();) {
      const size_t comma = std::min(value.find(',', begin), value.size());
      list += (list.empty() ? "" : ", ") + Quoted(field, value.substr(begin, comma - begin));
      begin = comma + 1;
    }
    snippet = field->name() + ": [" + list + "]";
  } else {
    snippet = field->name() + ": " + Quoted(field, value);
  }
  message->GetReflection()->ClearField(message, field);
  Silence errors;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  if (!parser.MergeFromString(snippet, message)) Fail("--set ", text, ": ", errors.first());
}

/// Alternatives of a oneof exclude each other: an override does not switch them silently.
void CheckAlternative(const std::string& text, const FieldDescriptor* field, const Message& message) {
  const google::protobuf::OneofDescriptor* oneof = field->real_containing_oneof();
  if (oneof == nullptr || !message.GetReflection()->HasOneof(message, oneof)) return;
  const FieldDescriptor* chosen = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
  if (chosen != field) {
    Fail("--set ", text, ": the job chose ", chosen->name(), ", not ", field->name(),
         "; to change the choice, set what holds it to {", field->name(), " {...}}");
  }
}

}  // namespace

ConfigPath ApplyOverride(const std::string& text, Job* job) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    Fail("--set ", text, ": expected PATH=VALUE, for example train.staleness=-1");
  const std::string value = text.substr(equals + 1);
  ConfigPath path;
  Message* message = job;
  for (size_t begin = 0; begin < equals;) {
    size_t end = begin;  // a dot within brackets belongs to a name
    for (bool inside = false; end < equals && (inside || text[end] != '.'); ++end) {
      inside = text[end] == '[' || (inside && text[end] != ']');
    }
    std::string name = text.substr(begin, end - begin);
    begin = end + 1;
    const bool last = end == equals;
    std::string which;
    bool has_index = false;
    if (const size_t bracket = name.find('['); bracket != std::string::npos) {
      if (name.back() != ']') Fail("--set ", text, ": \"", name, "\": expected NAME[WHICH]");
      which = name.substr(bracket + 1, name.size() - bracket - 2);
      name.resize(bracket);
      has_index = true;
    }
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(name);
    if (field == nullptr) {
      Fail("--set ", text, ": no field \"", name, "\"",
           Suggestion(name, FieldNames(message->GetDescriptor())));
    }
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (has_index != (field->is_repeated() && is_message)) {
      Fail("--set ", text, ": ", name,
           has_index ? " takes no index here" : " is a list: say which, as " + name + "[0]");
    }
    CheckAlternative(text, field, *message);
    const int index = has_index ? FindIndex(text, *message, field, which) : -1;
    path = path(field, index);
    if (last) {
      if (has_index) {
        Message* entry = message->GetReflection()->MutableRepeatedMessage(message, field, index);
        if (value.size() < 2 || value.front() != '{' || value.back() != '}')
          Fail("--set ", text, ": expected all of it as {...}");
        Silence errors;
        TextFormat::Parser parser;
        parser.RecordErrorsTo(&errors);
        entry->Clear();
        if (!parser.MergeFromString(value.substr(1, value.size() - 2), entry))
          Fail("--set ", text, ": ", errors.first());
      } else {
        SetField(text, field, value, message);
      }
      return path;
    }
    if (!is_message) Fail("--set ", text, ": ", name, " has no fields of its own");
    message = has_index ? message->GetReflection()->MutableRepeatedMessage(message, field, index)
                        : message->GetReflection()->MutableMessage(message, field);
  }
  Fail("--set ", text, ": expected PATH=VALUE, for example train.staleness=-1");
}

}  // namespace zhiyin
