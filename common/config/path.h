// Places in a configuration message, as paths that users can type, and as lines of the file.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace zhiyin::config {

/// The most bytes of a wrong value, and of the override that set it, that an error message quotes.
inline constexpr size_t kMaxShownBytes = 800;

/// A path from a root message to a field: table[2].optimizer. A plain value.
class ConfigPath {
 public:
  struct Step {
    const google::protobuf::FieldDescriptor* field;
    int index;  // -1 for a field that is not repeated
  };

  /// An empty path, to be extended by descriptors of fields only.
  ConfigPath() = default;
  /// An empty path in messages of this type, which can be extended by names of fields.
  explicit ConfigPath(const google::protobuf::Descriptor* root) : end_(root) {}

  /// Returns this path with one more step. REQUIRES: `field` is a field of the message that this
  /// path leads to; `index` is given if it is repeated.
  ConfigPath operator()(std::string_view field, int index = -1) const;
  ConfigPath operator()(const google::protobuf::FieldDescriptor* field, int index) const;

  const std::vector<Step>& steps() const { return steps_; }
  /// The path as users write it: table[categories].dim. Positions are replaced by names for entries
  /// with a `name` that can stand in a path.
  std::string Text(const google::protobuf::Message& root) const;
  /// The path with positions only, which is unique for each place.
  std::string Canonical() const;

 private:
  std::vector<Step> steps_;
  const google::protobuf::Descriptor* end_ = nullptr;  // what the path leads to, if a message
};

/// The names of the fields of a message.
std::vector<std::string> FieldNames(const google::protobuf::Descriptor* message);

/// Whether `text` can stand in paths, files and the names of metrics: 1 to 128 letters, digits, _
/// and -.
bool IsCleanName(std::string_view text);

/// Maps every place of a configuration to the line of the file, or the override, that set it.
class ConfigBlame {
 public:
  explicit ConfigBlame(std::string file) : file_(std::move(file)) {}

  /// Records that `path` begins in this line of the file, from 1. Has no effect on places that an
  /// override has set.
  void NoteLine(const ConfigPath& path, int line);
  /// Records that everything at or below `path` was set by this override; replaces earlier records.
  void NoteOverride(const ConfigPath& path, const std::string& text);

  /// Whether an override set what is at `path`.
  bool IsOverridden(const ConfigPath& path) const { return FindOverride(path) != nullptr; }

  /// Throws Error("FILE:LINE: PATH: what"), or "--set PATH=VALUE: PATH: what" if an override set
  /// the value. LINE is that of the place, of its nearest parent in the file, or 1.
  [[noreturn]] void Fail(const google::protobuf::Message& root, const ConfigPath& path,
                         const std::string& what) const;
  /// Throws this error with a given line.
  [[noreturn]] void Fail(const google::protobuf::Message& root, const ConfigPath& path,
                         const std::string& what, int line) const;

 private:
  /// The text of the override that set this place; nullptr if there is none.
  const std::string* FindOverride(const ConfigPath& path) const;
  int Line(const ConfigPath& path) const;

  std::string file_;
  std::unordered_map<std::string, int> lines_;    // by canonical path
  std::map<std::string, std::string> overrides_;  // canonical path -> "PATH=VALUE"
};

}  // namespace zhiyin::config
