#include "worker/saved/job_changes.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace zhiyin::worker::saved {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

/// The places at or below which a job may change between its runs, without indices.
constexpr std::array<std::string_view, 22> kMayChange = {"name",
                                                         "data.index",
                                                         "train.warm_start",
                                                         "evaluation",
                                                         "data.validation",
                                                         "data.test",
                                                         "data.text.delimiter",
                                                         "data.join.text.delimiter",
                                                         "data.max_bad_share",
                                                         "train.epochs",
                                                         "train.prefetch",
                                                         "train.compute",
                                                         "train.checkpoint",
                                                         "train.early_stopping",
                                                         "train.max_gradient",
                                                         "table.l2",
                                                         "table.eviction",
                                                         "table.hot_keys",
                                                         "model.hidden.dropout",
                                                         "task.weight",
                                                         "task.label_mean",
                                                         "task.allow_one_class"};

/// Whether this is a parameter of an optimizer, which may change. Its kind may not, since that
/// determines the state in rows.
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

/// Whether the field is a list of parts of a job, identified by name, which may be added.
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
    const MessageDifferencer::SpecificField& last = path.back();
    if (last.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      // A message is compared by its fields, but ReportMoved is not called where one has changed.
      if (IsPart(last.field) && last.index != last.new_index) AddMove(last);
      return;
    }
    Add(before, now, path, ValueAt(before, path.back(), path.back().index),
        ValueAt(now, path.back(), path.back().new_index));
  }

  void ReportMoved(const Message&, const Message&,
                   const std::vector<MessageDifferencer::SpecificField>& path) override {
    AddMove(path.back());
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

  void AddMove(const MessageDifferencer::SpecificField& part) {
    found.with_added.push_back(part.field->name() + "[" + std::to_string(part.new_index) +
                               "]: was at " + std::to_string(part.index));
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

using FileNames = google::protobuf::RepeatedPtrField<std::string>;

/// The first of `names` that is not in `others`, and how many more are not; "" where all are.
std::string FirstOutside(const FileNames& names, const FileNames& others) {
  const std::unordered_set<std::string_view> known(others.begin(), others.end());
  const auto is_outside = [&](const std::string& name) { return !known.contains(name); };
  const auto first = std::find_if(names.begin(), names.end(), is_outside);
  if (first == names.end()) return "";
  const auto n_more = std::count_if(first, names.end(), is_outside) - 1;
  return *first + (n_more > 0 ? " and " + std::to_string(n_more) + " more" : "");
}

/// Where lists of files differ in more than one place, as after a new file in a folder, adds one
/// line about all of it to *list and makes *now equal to `before`.
void CompareFiles(const std::string& place, const FileNames& before, FileNames* now,
                  std::vector<std::string>* list) {
  if (before.size() == now->size()) {
    int n_differing = 0;
    for (int i = 0; i < before.size(); ++i) n_differing += before[i] == (*now)[i] ? 0 : 1;
    if (n_differing <= 1) return;
  }
  std::string line = place + ".file: is " + std::to_string(now->size()) + " files, was " +
                     std::to_string(before.size());
  const std::string fresh = FirstOutside(*now, before);
  const std::string gone = FirstOutside(before, *now);
  if (!fresh.empty()) line += ", new is " + fresh;
  if (!gone.empty()) line += ", gone is " + gone;
  if (fresh.empty() && gone.empty()) line += ", in another order or number";
  list->push_back(std::move(line));
  *now = before;
}

/// CompareFiles for all splits and joins that both jobs have.
void CompareAllFiles(const Data& before, Data* now, JobDifferences* found) {
  if (before.has_train() && now->has_train())
    CompareFiles("data.train", before.train().file(), now->mutable_train()->mutable_file(),
                 &found->refused);
  if (before.has_validation() && now->has_validation())
    CompareFiles("data.validation", before.validation().file(),
                 now->mutable_validation()->mutable_file(), &found->allowed);
  if (before.has_test() && now->has_test())
    CompareFiles("data.test", before.test().file(), now->mutable_test()->mutable_file(),
                 &found->allowed);
  for (int i = 0; i < std::min(before.join_size(), now->join_size()); ++i)
    CompareFiles("data.join[" + std::to_string(i) + "]", before.join(i).file(),
                 now->mutable_join(i)->mutable_file(), &found->refused);
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
  // Training finds the columns of the data, so that a job that was not trained may lack them.
  const auto compared_with = [](const Job& job, const Job& other) {
    Job compared = job;
    if (!other.data().has_columns()) compared.mutable_data()->clear_columns();
    return compared;
  };
  Job compared_now = compared_with(now, before);
  if (before.has_data() && now.has_data())
    CompareAllFiles(before.data(), compared_now.mutable_data(), &collector.found);
  differencer.Compare(compared_with(before, now), compared_now);
  JobDifferences& found = collector.found;
  if (found.added.empty()) {
    found.refused.insert(found.refused.end(), found.with_added.begin(), found.with_added.end());
    found.with_added.clear();
  }
  return found;
}

}  // namespace zhiyin::worker::saved
