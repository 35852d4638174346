#include "worker/data/behaviour_examples.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "common/random.h"
#include "common/types.h"
#include "worker/data/example_parser.h"

namespace zhiyin::worker::data {
namespace {

/// Distinguishes the draws of negatives from other random numbers of the seed.
constexpr uint64_t kNegatives = 0x6e6567;

size_t PositionOf(const std::string& name, const Columns& columns) {
  const auto at = std::find(columns.names.begin(), columns.names.end(), name);
  if (at == columns.names.end()) Fail(columns.where, ": no column \"", name, "\" (data.behaviour)");
  return static_cast<size_t>(at - columns.names.begin());
}

}  // namespace

BehaviourExamples::BehaviourExamples(const Job& job, SplitKind split, const Columns& columns,
                                     std::shared_ptr<const Behaviour> behaviour)
    : behaviour_(std::move(behaviour)),
      config_(job.data().behaviour()),
      missing_(job.data().text()),
      split_(split),
      user_column_(PositionOf(config_.user(), columns)),
      item_column_(PositionOf(config_.item(), columns)) {
  const auto& tasks = config_.negatives().task();
  for (const Task& task : job.task())
    is_negative_.push_back(std::find(tasks.begin(), tasks.end(), task.name()) != tasks.end());
  const auto& learned = job.data().train().file();
  const auto& own = SplitOf(job.data(), split).file();
  is_of_training_files_ = std::equal(learned.begin(), learned.end(), own.begin(), own.end());
  if (!is_of_training_files_) return;
  time_column_ = PositionOf(config_.time(), columns);
  if (!config_.event().empty()) event_column_ = PositionOf(config_.event(), columns);
}

bool BehaviourExamples::IsInSplit(int64_t line, const std::string& path) const {
  if (!is_of_training_files_) return true;
  if (line >= behaviour_->n_rows())
    Fail(path, ": has grown since the job began, expected a file that stays as it is");
  return split_ == SplitKind::kTestFiles || behaviour_->split(line) == split_;
}

std::string BehaviourExamples::Defect(int64_t line, std::span<const Value> values) const {
  if (!is_of_training_files_) return "";
  if (behaviour_->HasWrongEvent(line)) {
    return Wrong("event", config_.event(), event_column_, values[event_column_],
                 "a number, true or false");
  }
  if (behaviour_->HasTime(line) || missing_.Has(values[time_column_])) return "";
  const char* expected = "a number, or a date such as 2024-05-31 or 2024-05-31T08:30:00Z";
  if (behaviour_->time_kind() == TimeKind::kNumber) expected = "a number, as in other lines";
  if (behaviour_->time_kind() == TimeKind::kDate)
    expected = "a date such as 2024-05-31 or 2024-05-31T08:30:00Z, as in other lines";
  return Wrong("time", config_.time(), time_column_, values[time_column_], expected);
}

void BehaviourExamples::AppendColumns(int64_t line, std::vector<Value>* values) {
  history_ = is_of_training_files_
                 ? behaviour_->HistoryBefore(line)
                 : behaviour_->HistoryOf(behaviour_->FindUser((*values)[user_column_].text()));
  log_share_ = behaviour_->LogShareOf((*values)[item_column_].text());
  values->emplace_back(history_);
  values->emplace_back(log_share_);
}

void BehaviourExamples::ForNegatives(int64_t line,
                                     const std::function<void(std::string_view item)>& make) const {
  if (!config_.has_negatives() || !is_of_training_files_ || split_ != SplitKind::kTrain ||
      !behaviour_->IsLearnedEvent(line))
    return;
  Random random(config_.seed(), static_cast<uint64_t>(line), kNegatives);
  for (int i = 0; i < config_.negatives().per_event(); ++i) {
    const int item = behaviour_->DrawNegative(line, &random);
    if (item < 0) return;
    make(behaviour_->item(item));
  }
}

void BehaviourExamples::SetNegativeLabels(std::span<double> labels) const {
  for (size_t t = 0; t < labels.size(); ++t) labels[t] = is_negative_[t] ? 0 : kMissing;
}

}  // namespace zhiyin::worker::data
