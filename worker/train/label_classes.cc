#include "worker/train/label_classes.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/error.h"
#include "common/text.h"
#include "worker/data/pipe.h"
#include "worker/data/source.h"
#include "worker/data/value_counts.h"
#include "worker/model/check_model.h"
#include "worker/model/loss/loss.h"

namespace zhiyin::worker::train {
namespace {

/// Lines that are read again for the values of a message.
constexpr int64_t kMostLinesRead = 1'000'000;
/// So many labels of one class are no chance any more.
constexpr int64_t kFewLabels = 10;

/// column click equals "1"
std::string RuleText(const Label& label) {
  const std::string column = "column " + label.column();
  switch (label.rule_case()) {
    case Label::kEquals:
      return column + " equals \"" + label.equals() + "\"";
    case Label::kPrefix:
      return column + " begins with \"" + label.prefix() + "\"";
    case Label::kAtLeast:
      return TextOf(column, " is at least ", label.at_least());
    case Label::kNumber:
    case Label::RULE_NOT_SET:
      break;
  }
  return column + ", a number";
}

/// Counts the values of the columns that the task's labels are made from, in training examples of
/// the files. At the chief.
std::string SeenValues(const Job& job, const Task& task, const data::SideInputs& side,
                       Group* group) {
  Job reading = job;
  reading.clear_field();
  reading.clear_numeric();
  reading.clear_task();
  if (job.data().has_behaviour()) reading.mutable_data()->mutable_behaviour()->clear_negatives();
  std::vector<std::string> columns = {task.label().column()};
  if (task.has_sample_space() && task.sample_space().column() != columns[0])
    columns.push_back(task.sample_space().column());
  for (const std::string& column : columns) {
    Field* field = reading.add_field();
    field->set_name(column);
    field->set_column(column);
  }
  std::vector<data::ValueCounts> counts(columns.size());
  const auto source = data::MakeSource(
      reading, data::SplitKind::kTrain, /*labels=*/{},
      [&](int field, std::string_view value, Key) {
        counts[static_cast<size_t>(field)].Add(value);
      },
      [group] { group->SendHeartbeat(); }, /*counts=*/nullptr, side);
  data::Examples rows;
  std::vector<data::BadLine> bad;
  int64_t n_lines = 0;
  for (int64_t block = 0; n_lines < kMostLinesRead; ++block) {
    group->SendHeartbeat();
    const int64_t n = source->Read(block, &rows, &bad);
    if (n == 0) break;
    n_lines += n;
  }
  std::string text;
  for (size_t c = 0; c < columns.size(); ++c)
    text += (c == 0 ? "column " : "; column ") + columns[c] + " has " + counts[c].Text();
  if (n_lines >= kMostLinesRead) text += " (in the first " + std::to_string(n_lines) + " lines)";
  return text;
}

/// Whether the labels of task t in training, all of one class, may be so by chance: they are few,
/// and examples that are held out have the other class, so that the task's rule fits its column.
bool MayBeChance(const data::SplitSummary& training, std::span<const data::SplitSummary> held_out,
                 size_t t) {
  return training.n_observed[t] < kFewLabels &&
         std::any_of(held_out.begin(), held_out.end(), [&](const data::SplitSummary& split) {
           const data::LabelRange& labels = split.labels[t];
           return !labels.IsEmpty() &&
                  (training.labels[t].most == 0 ? labels.most > 0 : labels.least < 1);
         });
}

/// The message about a task whose labels are of one class. At the chief.
std::string Refusal(const Job& job, const data::SplitSummary& training, size_t t,
                    const data::SideInputs& side, Group* group) {
  const Task& task = job.task(static_cast<int>(t));
  std::string text = "task " + task.name() + ": " + RangeText(training, t, "train");
  if (!task.weight_column().empty())
    text += ", without those of weight 0 (column " + task.weight_column() + ")";
  text += " (" + RuleText(task.label());
  if (task.has_sample_space()) text += ", where " + RuleText(task.sample_space());
  text += ")";
  if (!data::IsPipe(job.data().train())) text += ": " + SeenValues(job, task, side, group);
  return text + "; expected labels 0 and 1, or the task's allow_one_class where this is meant";
}

}  // namespace

bool HasClasses(const Task& task) {
  return !task.label().has_number() ||
         model::loss::PredictionOf(task) != model::loss::PredictionKind::kNumber;
}

bool IsOneClass(const data::LabelRange& labels) {
  return labels.most <= 0.5f || labels.least > 0.5f;
}

std::string RangeText(const data::SplitSummary& summary, size_t t, const char* split) {
  const data::LabelRange& labels = summary.labels[t];
  const std::string all = TextOf("all ", summary.n_observed[t], " labels of data.", split, " are ");
  return labels.least == labels.most ? TextOf(all, labels.least)
                                     : TextOf(all, "from ", labels.least, " to ", labels.most);
}

void CheckTrainingLabels(const Job& job, const data::SplitSummary& training,
                         std::span<const data::SplitSummary> held_out, const data::SideInputs& side,
                         Group* group) {
  for (size_t t = 0; t < training.labels.size(); ++t) {
    const Task& task = job.task(static_cast<int>(t));
    if (task.weight() == 0) continue;
    if (training.labels[t].IsEmpty())
      Fail("task ", task.name(), ": every example of data.train with a label has weight 0 (column ",
           task.weight_column(), "), expected some with more");
    if (!HasClasses(task) || task.allow_one_class()) continue;
    const data::LabelRange& labels = training.labels[t];
    const bool is_refused = labels.most == 0 || labels.least == 1;
    if (!is_refused) continue;
    const bool has_other_loss = model::LearnsWithoutTasks(job);
    if (has_other_loss || MayBeChance(training, held_out, t)) {
      if (group->IsChief())
        LOG(WARNING) << "task " << task.name() << ": " << RangeText(training, t, "train")
                     << ": it teaches the model nothing"
                     << (has_other_loss ? ", and what trains is its auxiliary loss" : "");
      continue;
    }
    const std::string wrong = group->IsChief() ? Refusal(job, training, t, side, group) : "";
    Fail(group->Broadcast(wrong, "the values of a label"));
  }
}

void NoteLabels(const Job& job, data::SplitKind split, const data::SplitSummary& summary) {
  for (size_t t = 0; t < summary.labels.size(); ++t) {
    const Task& task = job.task(static_cast<int>(t));
    if (!HasClasses(task) || summary.labels[t].IsEmpty() || !IsOneClass(summary.labels[t]))
      continue;
    LOG(WARNING) << "task " << task.name() << ": " << RangeText(summary, t, data::SplitName(split))
                 << ", one class: it has no AUC there";
  }
}

}  // namespace zhiyin::worker::train
