#include "launch/resume.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "worker/checkpoints.h"

namespace zhiyin::launch {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

/// What may change between runs of a job: at or below these places. Indices are left out.
constexpr std::array<std::string_view, 14> kMayChange = {
    "name",          "evaluation",       "data.test",          "data.max_bad_share", "train.epochs",
    "train.prefetch", "train.checkpoint", "train.early_stopping", "train.max_gradient", "table.l2",
    "table.eviction", "table.hot_keys",   "model.hidden.dropout", "task.weight"};

/// Numbers of an optimizer may change, its kind may not: it says what a row holds.
bool IsNumberOfOptimizer(const std::string& place, const FieldDescriptor* field) {
  return place.find("optimizer.") != place.npos && field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
}

bool MayChange(const std::string& place, const FieldDescriptor* field) {
  const auto covers = [&](std::string_view allowed) {
    return place == allowed || (place.starts_with(allowed) && place[allowed.size()] == '.');
  };
  return std::any_of(kMayChange.begin(), kMayChange.end(), covers) || IsNumberOfOptimizer(place, field) ||
         place.find("optimizer.schedule") != place.npos;
}

class Collector : public MessageDifferencer::Reporter {
 public:
  void ReportAdded(const Message& before, const Message& now, const std::vector<MessageDifferencer::SpecificField>& path) override {
    Add(before, now, path, "absent", ValueAt(now, path.back(), path.back().new_index));
  }
  void ReportDeleted(const Message& before, const Message& now,
                     const std::vector<MessageDifferencer::SpecificField>& path) override {
    Add(before, now, path, ValueAt(before, path.back(), path.back().index), "absent");
  }
  void ReportModified(const Message& before, const Message& now,
                      const std::vector<MessageDifferencer::SpecificField>& path) override {
    // Of a message, its fields tell.
    if (path.back().field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return;
    Add(before, now, path, ValueAt(before, path.back(), path.back().index), ValueAt(now, path.back(), path.back().new_index));
  }

  JobDifferences found;

 private:
  /// `message` is the one that has the last field of the path.
  static std::string ValueAt(const Message& message, const MessageDifferencer::SpecificField& last, int index) {
    if (last.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return "set";
    std::string text;
    google::protobuf::TextFormat::PrintFieldValueToString(message, last.field, last.field->is_repeated() ? index : -1, &text);
    return text;
  }

  void Add(const Message&, const Message&, const std::vector<MessageDifferencer::SpecificField>& path, const std::string& before,
           const std::string& now) {
    std::string place;
    std::string shown;
    for (const MessageDifferencer::SpecificField& step : path) {
      const std::string dot = place.empty() ? "" : ".";
      place += dot + step.field->name();
      shown += dot + step.field->name();
      if (step.field->is_repeated()) shown += "[" + std::to_string(std::max(step.index, step.new_index)) + "]";
    }
    std::vector<std::string>& list = MayChange(place, path.back().field) ? found.allowed : found.refused;
    list.push_back(shown + ": is " + now + ", was " + before);
  }
};

}  // namespace

JobDifferences Differences(const Job& before, const Job& now) {
  Collector collector;
  MessageDifferencer differencer;
  differencer.ReportDifferencesTo(&collector);
  differencer.Compare(before, now);
  return collector.found;
}

Resumed ResumeFrom(const std::string& output, const Job& job, const std::function<void(const std::string&)>& note) {
  Resumed resumed;
  std::optional<worker::FoundCheckpoint> found = worker::NewestCheckpoint(output, note);
  if (!found) {
    *resumed.manifest.mutable_job() = job;
    return resumed;
  }
  Job now = job;
  Job before = found->manifest.job();
  // With 0, a slice a worker, it is the number of workers at the beginning that counts.
  if (before.train().slices() == 0) before.mutable_train()->set_slices(found->manifest.progress().n_workers());
  if (now.train().slices() == 0) now.mutable_train()->set_slices(before.train().slices());
  const JobDifferences differences = Differences(before, now);
  if (!differences.refused.empty())
    Fail("--resume: ", found->folder, " is of another job: ", differences.refused[0],
         differences.refused.size() > 1 ? ", and " + std::to_string(differences.refused.size() - 1) + " more" : "");
  for (const std::string& change : differences.allowed) note("changed since the checkpoint: " + change);
  resumed.folder = found->folder;
  resumed.manifest = std::move(found->manifest);
  *resumed.manifest.mutable_job() = now;
  return resumed;
}

}  // namespace zhiyin::launch
