#include "worker/saved/job_changes.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace zhiyin::worker::saved {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

/// The places at or below which a job may change between its runs, without indices.
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

}  // namespace zhiyin::worker::saved
