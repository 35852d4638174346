// Where in a job something stands: as a path that a person can type, and as a line of the file.
#pragma once

#include <google/protobuf/descriptor.h>

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::config {

/// Bytes of a message that may come from the value at fault, and of the override that is named.
inline constexpr size_t kMaxShownBytes = 800;

/// A path from the job to a field: table[2].optimizer. A plain value.
class ConfigPath {
 public:
  struct Step {
    const google::protobuf::FieldDescriptor* field;
    int index;  // -1 for a field that is not repeated
  };

  /// The path one step further. REQUIRES: `field` is a field of the message that this path leads
  /// to; `index` is given if it is repeated.
  ConfigPath operator()(std::string_view field, int index = -1) const;
  ConfigPath operator()(const google::protobuf::FieldDescriptor* field, int index) const;

  const std::vector<Step>& steps() const { return steps_; }
  /// With names in the place of positions where the message at that position has a fit one:
  /// table[categories].dim.
  std::string Text(const Job& job) const;
  /// With positions only: the same for the same place.
  std::string Canonical() const;

 private:
  std::vector<Step> steps_;
};

std::vector<std::string> FieldNames(const google::protobuf::Descriptor* message);

/// Whether `text` can stand in paths, files and the names of metrics: 1 to 128 letters, digits, _
/// and -.
bool IsCleanName(std::string_view text);

/// Knows for every place of a job what to blame: a line of the file or an override.
class ConfigBlame {
 public:
  explicit ConfigBlame(std::string file) : file_(std::move(file)) {}

  /// `path` begins in this line of the file, from 1. What an override set stays blamed on the
  /// override.
  void NoteLine(const ConfigPath& path, int line);
  /// What lies at or below `path` comes from this override now, not from the file or overrides
  /// before.
  void NoteOverride(const ConfigPath& path, const std::string& text);

  /// Throws Error("FILE:LINE: PATH: what"), or "--set PATH=VALUE: PATH: what" where the value came
  /// from there. The line is that of this place or its nearest parent in the file; 1 when nothing
  /// of it is there.
  [[noreturn]] void Fail(const Job& job, const ConfigPath& path, const std::string& what) const;
  /// The same with a line that is known better.
  [[noreturn]] void Fail(const Job& job, const ConfigPath& path, const std::string& what,
                         int line) const;

 private:
  /// The text of the override that this place comes from; null when it comes from the file.
  const std::string* FindOverride(const ConfigPath& path) const;
  int Line(const ConfigPath& path) const;

  std::string file_;
  std::unordered_map<std::string, int> lines_;    // by canonical path
  std::map<std::string, std::string> overrides_;  // canonical path -> "PATH=VALUE"
};

}  // namespace zhiyin::config
