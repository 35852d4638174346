#include "common/config.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <filesystem>
#include <vector>

#include "common/config_check.h"
#include "common/config_defaults.h"
#include "common/config_override.h"
#include "common/config_path.h"
#include "common/error.h"
#include "common/file.h"
#include "common/text.h"

namespace zhiyin {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::TextFormat;

constexpr int64_t kMaxConfigBytes = int64_t{16} << 20;

/// Keeps the first error, and the first unknown field, which the parser is told to take for a mere warning so
/// that the tree of lines is complete and the field's path can be found.
class FirstMistake : public google::protobuf::io::ErrorCollector {
 public:
  struct Mistake {
    int line = -1;  // from 0
    int column = 0;
    std::string text;
  };
  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& text) override {
    if (error_.line < 0) error_ = {line, column, text};
  }
  void AddWarning(int line, google::protobuf::io::ColumnNumber column, const std::string& text) override {
    if (unknown_.line < 0 && text.find("has no field named") != std::string::npos)
      unknown_ = {line, column, text};
  }
  const Mistake& error() const { return error_; }
  const Mistake& unknown() const { return unknown_; }

 private:
  Mistake error_;
  Mistake unknown_;
};

/// The last message of type `wanted` that begins at or before `line`: where an unknown field of that type
/// stands.
void FindMessage(const Message& message, const TextFormat::ParseInfoTree* tree, const Descriptor* wanted,
                 int line, const ConfigPath& path, ConfigPath* found) {
  if (message.GetDescriptor() == wanted) *found = path;
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || tree == nullptr) continue;
    const int n = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
    for (int i = 0; i < n; ++i) {
      const int index = field->is_repeated() ? i : -1;
      if (tree->GetLocation(field, index).line > line) continue;
      const Message& next = field->is_repeated()
                                ? message.GetReflection()->GetRepeatedMessage(message, field, i)
                                : message.GetReflection()->GetMessage(message, field);
      FindMessage(next, tree->GetTreeForNested(field, index), wanted, line, path(field, index), found);
    }
  }
}

/// The part of a protobuf message between its nth pair of quotes.
std::string InQuotes(const std::string& text, int nth) {
  size_t begin = 0;
  for (int i = 0; i < 2 * nth + 1; ++i) begin = text.find('"', begin) + 1;
  return text.substr(begin, text.find('"', begin) - begin);
}

[[noreturn]] void FailUnknownField(const std::string& name, const FirstMistake::Mistake& mistake,
                                   const Job& job, const TextFormat::ParseInfoTree& lines) {
  const Descriptor* type =
      Job::descriptor()->file()->pool()->FindMessageTypeByName(InQuotes(mistake.text, 0));
  const std::string field = InQuotes(mistake.text, 1);
  std::vector<std::string> known;
  ConfigPath path;
  if (type != nullptr) {
    for (int i = 0; i < type->field_count(); ++i) known.push_back(type->field(i)->name());
    FindMessage(job, &lines, type, mistake.line, ConfigPath(), &path);
  }
  const std::string where = path.Text(job);
  Fail(name, ":", mistake.line + 1, ": ", where, where.empty() ? "" : ": ", "no field \"", field, "\"",
       Suggestion(field, known));
}

}  // namespace

Job ParseJob(std::string_view text, const std::string& name, const std::string& folder,
             std::span<const std::string> overrides) {
  Job job;
  FirstMistake mistakes;
  TextFormat::ParseInfoTree lines;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&mistakes);
  parser.WriteLocationsTo(&lines);
  parser.AllowUnknownField(true);
  const bool parsed = parser.ParseFromString(std::string(text), &job);
  const FirstMistake::Mistake& error = mistakes.error();
  const FirstMistake::Mistake& unknown = mistakes.unknown();
  if (unknown.line >= 0 && (error.line < 0 || unknown.line <= error.line))
    FailUnknownField(name, unknown, job, lines);
  if (!parsed) Fail(name, ":", error.line + 1, ":", error.column + 1, ": ", error.text);

  ConfigBlame blame(name, &lines);
  for (const std::string& override_text : overrides)
    blame.NoteOverride(ApplyOverride(override_text, &job), override_text);
  FillDefaults(folder, &job);
  CheckJob(job, blame);
  return job;
}

Job LoadJob(const std::string& path, std::span<const std::string> overrides) {
  const std::string text = ReadWholeFile(path, kMaxConfigBytes);
  return ParseJob(text, path, std::filesystem::path(path).parent_path().string(), overrides);
}

void CheckAgainstRoles(const Job& job, int n_workers) {
  const Train& train = job.train();
  if (train.staleness() != 0) return;
  if (train.slices() == 0 && train.batch_size() % n_workers != 0) {
    Fail("train.batch_size: is ", train.batch_size(), ", expected a multiple of the number of workers, ",
         n_workers, ", which share a step (or set train.slices)");
  }
  if (train.slices() > 0 && train.slices() < n_workers) {
    Fail("train.slices: is ", train.slices(), ", expected at least the number of workers, ", n_workers,
         ": the others would have nothing to do");
  }
}

std::string JobToText(const Job& job) {
  std::string text;
  TextFormat::PrintToString(job, &text);
  return text;
}

}  // namespace zhiyin
