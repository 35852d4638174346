#include "common/config/override.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "common/config/path.h"
#include "common/config/reader.h"
#include "common/error.h"
#include "common/text.h"

namespace zhiyin::config {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

/// Bytes of a name in an override that a message quotes.
constexpr size_t kMaxNameBytes = 80;

template <typename... Pieces>
[[noreturn]] void FailSet(const std::string& text, const Pieces&... pieces) {
  Fail("--set ", Shortened(text, kMaxShownBytes), ": ", pieces...);
}

bool IsMessage(const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

/// The `name` of every entry; empty when entries have none.
std::vector<std::string> EntryNames(const Message& message, const FieldDescriptor* field) {
  std::vector<std::string> names;
  const FieldDescriptor* name = field->message_type()->FindFieldByName("name");
  if (name == nullptr) return names;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, field, i);
    names.push_back(entry.GetReflection()->GetString(entry, name));
  }
  return names;
}

/// The position that "[2]" or "[categories]" means.
int FindIndex(const std::string& text, const Message& message, const FieldDescriptor* field,
              const std::string& which) {
  const std::vector<std::string> names = EntryNames(message, field);
  std::optional<int> found;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != which) continue;
    if (found.has_value())
      FailSet(text, "two of ", field->name(), " have this name: say which by position");
    found = static_cast<int>(i);
  }
  int position = 0;
  const auto [end, error] = std::from_chars(which.data(), which.data() + which.size(), position);
  if (error == std::errc() && end == which.data() + which.size()) {
    if (found.has_value() && *found != position)
      FailSet(text, which, " is a position, and the name of ", field->name(), "[", *found,
              "]: rename that");
    const int size = message.GetReflection()->FieldSize(message, field);
    if (position < 0 || position >= size)
      FailSet(text, field->name(), " has ", size, " entries, numbered from 0");
    return position;
  }
  if (!found.has_value()) {
    FailSet(text, "no ", field->name(), " \"", Shortened(which, kMaxNameBytes), "\"",
            Suggestion(which, names));
  }
  return *found;
}

/// Alternatives of a oneof exclude each other: an override does not switch them silently.
void CheckAlternative(const std::string& text, const FieldDescriptor* field,
                      const Message& message) {
  const OneofDescriptor* oneof = field->real_containing_oneof();
  if (oneof == nullptr || !message.GetReflection()->HasOneof(message, oneof)) return;
  const FieldDescriptor* chosen = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
  if (chosen == field) return;
  FailSet(text, "the job chose ", chosen->name(), ", not ", field->name(),
          "; to change the choice, set what holds it to {", field->name(),
          IsMessage(field) ? " {...}}" : ": ...}");
}

/// A part of a path: NAME or NAME[WHICH].
struct Step {
  std::string name;
  std::optional<std::string> which;
};

Step ParseStep(const std::string& text, const std::string& step) {
  const size_t bracket = step.find('[');
  if (bracket == std::string::npos) return {step, {}};
  if (step.back() != ']')
    FailSet(text, "\"", Shortened(step, kMaxNameBytes), "\": expected NAME or NAME[WHICH]");
  return {step.substr(0, bracket), step.substr(bracket + 1, step.size() - bracket - 2)};
}

/// Appends to *path the place in `message` that a step means. The last step may mean a whole list
/// of values.
void Follow(const std::string& text, const Step& step, const Message& message, ConfigPath* path) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(step.name);
  if (field == nullptr) {
    FailSet(text, "no field \"", Shortened(step.name, kMaxNameBytes), "\"",
            Suggestion(step.name, FieldNames(message.GetDescriptor())));
  }
  const bool is_list = field->is_repeated() && IsMessage(field);
  if (step.which.has_value() != is_list) {
    FailSet(
        text, field->name(),
        is_list ? " is a list: say which, as " + field->name() + "[0]" : " takes no index here");
  }
  CheckAlternative(text, field, message);
  *path = (*path)(field, is_list ? FindIndex(text, message, field, *step.which) : -1);
}

/// The message at the last step of `path`, a place in `parent`.
Message* Child(const ConfigPath& path, Message* parent) {
  const auto [field, index] = path.steps().back();
  const Reflection* reflection = parent->GetReflection();
  return index >= 0 ? reflection->MutableRepeatedMessage(parent, field, index)
                    : reflection->MutableMessage(parent, field);
}

/// A value as text format wants it: strings get their quotes.
std::string Quoted(const FieldDescriptor* field, const std::string& value) {
  const bool has_quotes = value.size() >= 2 && value.front() == '"';
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING || has_quotes) return value;
  std::string quoted = "\"";
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') quoted += '\\';
    quoted += value[i];
    if (value[i] == '\\' && i + 1 < value.size())
      quoted += value[++i];  // \t means a tab, as in the file
  }
  return quoted + "\"";
}

/// The parts between commas; a part in quotes may hold some.
std::vector<std::string> SplitList(const std::string& value) {
  std::vector<std::string> parts;
  if (value.empty()) return parts;
  parts.emplace_back();
  bool in_quotes = false;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == ',' && !in_quotes) {
      parts.emplace_back();
      continue;
    }
    if (value[i] == '"' && (in_quotes || parts.back().empty())) in_quotes = !in_quotes;
    parts.back() += value[i];
    if (in_quotes && value[i] == '\\' && i + 1 < value.size()) parts.back() += value[++i];
  }
  return parts;
}

/// Replaces what stands at the end of `path`, a place in `message`.
void SetValue(const std::string& text, const ConfigPath& path, const std::string& value,
              ConfigBlame* blame, const Message& root, Message* message) {
  const auto [field, index] = path.steps().back();
  if (IsMessage(field)) {
    if (!value.starts_with('{')) {
      FailSet(text, field->name(), " is a message: set one of its fields, or all of it as {...}",
              Suggestion("", FieldNames(field->message_type())));
    }
    Child(path, message)->Clear();
    ReadFieldValue(value, path, blame, root, message);
    return;
  }
  message->GetReflection()->ClearField(message, field);
  if (!field->is_repeated())
    return ReadFieldValue(Quoted(field, value), path, blame, root, message);
  for (const std::string& part : SplitList(value))
    ReadFieldValue(Quoted(field, part), path, blame, root, message);
}

}  // namespace

void ApplyOverride(const std::string& text, ConfigBlame* blame, Message* root) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    FailSet(text, "expected PATH=VALUE, for example train.staleness=-1");
  ConfigPath path;
  Message* message = root;
  size_t end = std::min(text.find('.'), equals);
  Follow(text, ParseStep(text, text.substr(0, end)), *message, &path);
  while (end < equals) {
    const FieldDescriptor* field = path.steps().back().field;
    if (!IsMessage(field)) FailSet(text, field->name(), " has no fields of its own");
    message = Child(path, message);
    const size_t begin = end + 1;
    end = std::min(text.find('.', begin), equals);
    Follow(text, ParseStep(text, text.substr(begin, end - begin)), *message, &path);
  }
  blame->NoteOverride(path, text);
  SetValue(text, path, text.substr(equals + 1), blame, *root, message);
}

}  // namespace zhiyin::config
