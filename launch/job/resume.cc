#include "launch/job/resume.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "launch/job/load_saved.h"
#include "ps/save/row_carry.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::launch::job {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

/// What may change between runs of a job: at or below these places. Indices are left out.
constexpr std::array<std::string_view, 15> kMayChange = {"name",
                                                         "train.warm_start",
                                                         "evaluation",
                                                         "data.test",
                                                         "data.max_bad_share",
                                                         "train.epochs",
                                                         "train.prefetch",
                                                         "train.checkpoint",
                                                         "train.early_stopping",
                                                         "train.max_gradient",
                                                         "table.l2",
                                                         "table.eviction",
                                                         "table.hot_keys",
                                                         "model.hidden.dropout",
                                                         "task.weight"};

/// Numbers of an optimizer may change, its kind may not: it says what a row holds.
bool IsNumberOfOptimizer(const std::string& place, const FieldDescriptor* field) {
  return place.find("optimizer.") != place.npos &&
         field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
}

bool MayChange(const std::string& place, const FieldDescriptor* field) {
  const auto covers = [&](std::string_view allowed) {
    return place == allowed || (place.starts_with(allowed) && place[allowed.size()] == '.');
  };
  return std::any_of(kMayChange.begin(), kMayChange.end(), covers) ||
         IsNumberOfOptimizer(place, field) || place.find("optimizer.schedule") != place.npos;
}

/// What a job has several of, by name: may be added.
bool IsPart(const FieldDescriptor* field) {
  return field->containing_type() == Job::descriptor() && field->is_repeated();
}

class Collector : public MessageDifferencer::Reporter {
 public:
  void ReportAdded(const Message& before, const Message& now,
                   const std::vector<MessageDifferencer::SpecificField>& path) override {
    if (IsPart(path.back().field)) {
      std::string scratch;
      const Message& part =
          now.GetReflection()->GetRepeatedMessage(now, path.back().field, path.back().new_index);
      const FieldDescriptor* name = part.GetDescriptor()->FindFieldByName("name");
      found.added.push_back(path.back().field->name() + " " +
                            part.GetReflection()->GetStringReference(part, name, &scratch));
      return;
    }
    Add(before, now, path, "absent", ValueAt(now, path.back(), path.back().new_index));
  }
  void ReportDeleted(const Message& before, const Message& now,
                     const std::vector<MessageDifferencer::SpecificField>& path) override {
    Add(before, now, path, ValueAt(before, path.back(), path.back().index), "absent");
  }
  void ReportModified(const Message& before, const Message& now,
                      const std::vector<MessageDifferencer::SpecificField>& path) override {
    // A message is compared by its fields.
    if (path.back().field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return;
    Add(before, now, path, ValueAt(before, path.back(), path.back().index),
        ValueAt(now, path.back(), path.back().new_index));
  }

  void ReportMoved(const Message&, const Message&,
                   const std::vector<MessageDifferencer::SpecificField>& path) override {
    const MessageDifferencer::SpecificField& last = path.back();
    found.with_added.push_back(last.field->name() + "[" + std::to_string(last.new_index) +
                               "]: was at " + std::to_string(last.index));
  }

  JobDifferences found;

 private:
  /// `message` is the one that has the last field of the path.
  static std::string ValueAt(const Message& message, const MessageDifferencer::SpecificField& last,
                             int index) {
    if (last.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return "set";
    std::string text;
    google::protobuf::TextFormat::PrintFieldValueToString(
        message, last.field, last.field->is_repeated() ? index : -1, &text);
    return text;
  }

  void Add(const Message&, const Message&,
           const std::vector<MessageDifferencer::SpecificField>& path, const std::string& before,
           const std::string& now) {
    std::string place;
    std::string shown;
    for (const MessageDifferencer::SpecificField& step : path) {
      const std::string dot = place.empty() ? "" : ".";
      place += dot + step.field->name();
      shown += dot + step.field->name();
      if (step.field->is_repeated())
        shown += "[" + std::to_string(std::max(step.index, step.new_index)) + "]";
    }
    // A model of more tasks or inputs may have to be said otherwise.
    std::vector<std::string>& list = MayChange(place, path.back().field) ? found.allowed
                                     : place.starts_with("model.")       ? found.with_added
                                                                         : found.refused;
    list.push_back(shown + ": is " + now + ", was " + before);
  }
};

void NoteCarry(const ps::save::RowCarry& carry,
               const std::function<void(const std::string&)>& note) {
  for (const std::string& line : carry.kept) note("kept: " + line);
  for (const std::string& line : carry.fresh) note("begins anew: " + line);
}

}  // namespace

JobDifferences Differences(const Job& before, const Job& now) {
  Collector collector;
  MessageDifferencer differencer;
  const google::protobuf::Descriptor* parts = Job::descriptor();
  for (int i = 0; i < parts->field_count(); ++i) {
    if (IsPart(parts->field(i)))
      differencer.TreatAsMap(parts->field(i),
                             parts->field(i)->message_type()->FindFieldByName("name"));
  }
  differencer.ReportDifferencesTo(&collector);
  differencer.Compare(before, now);
  JobDifferences& found = collector.found;
  if (found.added.empty()) {
    found.refused.insert(found.refused.end(), found.with_added.begin(), found.with_added.end());
    found.with_added.clear();
  }
  return found;
}

std::optional<JobStart> ResumeFrom(const std::string& output, const Job& job,
                                   const std::function<void(const std::string&)>& note) {
  ps::save::SavedChain saved = worker::saved::NewestCheckpoint(output, note);
  if (saved.empty()) return {};
  saved = CheckedJob(std::move(saved));
  const std::string& folder = saved.back().path;
  Job now = job;
  Job before = saved.back().manifest.job();
  // With 0, a slice a worker, it is the number of workers at the beginning that counts.
  if (before.train().slices() == 0)
    before.mutable_train()->set_slices(saved.back().manifest.progress().n_workers());
  if (now.train().slices() == 0) now.mutable_train()->set_slices(before.train().slices());
  const JobDifferences differences = Differences(before, now);
  if (!differences.refused.empty())
    Fail("--resume: ", folder, " is of another job: ", differences.refused[0],
         differences.refused.size() > 1
             ? ", and " + std::to_string(differences.refused.size() - 1) + " more"
             : "");
  for (const std::string& change : differences.allowed)
    note("changed since the checkpoint: " + change);
  const ps::save::RowCarry carry = ps::save::CarryOn(before, now);
  JobStart start{.manifest = saved.back().manifest,
                 .rows = folder,
                 .inits_dense = carry.tables[kDenseTable].saved == ps::save::TableOrigin::kNone};
  *start.manifest.mutable_job() = now;
  if (!differences.added.empty()) {
    for (const std::string& part : differences.added) note("added since the checkpoint: " + part);
    for (const std::string& change : differences.with_added) note("changed with it: " + change);
    NoteCarry(carry, note);
    // Found again in the first pass over the data.
    start.manifest.mutable_numeric_mean()->Resize(now.numeric_size(), 0);
    start.manifest.mutable_numeric_scale()->Resize(now.numeric_size(), 1);
  }
  if (start.inits_dense) start.manifest.mutable_progress()->clear_batch_statistics();
  return start;
}

JobStart BeginAnew(const Job& job, const std::function<void(const std::string&)>& note) {
  JobStart start;
  *start.manifest.mutable_job() = job;
  if (!job.train().has_warm_start()) return start;
  try {
    start.rows = worker::saved::FindModel(job.train().warm_start().model());
    const ps::save::RowCarry carry =
        ps::save::CarryOver(LoadSaved(start.rows).back().manifest.job(), job);
    start.inits_dense = carry.tables[kDenseTable].saved == ps::save::TableOrigin::kNone;
    note("warm start from " + start.rows);
    NoteCarry(carry, note);
  } catch (const Error& e) {
    Fail("train.warm_start: ", e.what());
  }
  return start;
}

}  // namespace zhiyin::launch::job
