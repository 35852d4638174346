// Where in a job something stands: as a path that a person can type, and as a line of the file.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin {

/// A path from the job to a field: table[2].optimizer. A plain value.
class ConfigPath {
 public:
  struct Step {
    const google::protobuf::FieldDescriptor* field;
    int index;  // -1 for a field that is not repeated
  };

  /// The path one step further. REQUIRES: `field` is a field of the message that this path leads to; `index`
  /// is given if it is repeated.
  ConfigPath operator()(std::string_view field, int index = -1) const;
  ConfigPath operator()(const google::protobuf::FieldDescriptor* field, int index) const;

  const std::vector<Step>& steps() const { return steps_; }
  /// With names in the place of positions where the message at that position has one: table[categories].dim.
  std::string Text(const Job& job) const;
  /// With positions only: the same for the same place.
  std::string Canonical() const;

 private:
  std::vector<Step> steps_;
};

/// Knows for every place of a job what to blame: a line of the file or an override.
class ConfigBlame {
 public:
  ConfigBlame(std::string file, const google::protobuf::TextFormat::ParseInfoTree* lines)
      : file_(std::move(file)), lines_(lines) {}

  const std::string& file() const { return file_; }
  void NoteOverride(const ConfigPath& path, const std::string& text) { overrides_[path.Canonical()] = text; }
  /// Throws Error("FILE:LINE: PATH: what"), or "--set PATH=VALUE: what" where the value came from there.
  [[noreturn]] void Fail(const Job& job, const ConfigPath& path, const std::string& what) const;
  /// The line, from 1, where this or its nearest parent in the file begins; 1 when nothing of it is there.
  int Line(const ConfigPath& path) const;

 private:
  std::string file_;
  const google::protobuf::TextFormat::ParseInfoTree* lines_;
  std::map<std::string, std::string> overrides_;  // canonical path -> "PATH=VALUE"
};

}  // namespace zhiyin
