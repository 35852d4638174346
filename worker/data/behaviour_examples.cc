#include "worker/data/behaviour_examples.h"

#include <algorithm>

#include "common/error.h"
#include "common/random.h"
#include "common/types.h"

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

BehaviourExamples::BehaviourExamples(const Job& job, const Split& split, const Columns& columns)
    : behaviour_(Behaviour::Read(job)),
      config_(job.data().behaviour()),
      is_test_(&split == &job.data().test()),
      user_column_(PositionOf(config_.user(), columns)),
      item_column_(PositionOf(config_.item(), columns)) {
  const auto& tasks = config_.negatives().task();
  for (const Task& task : job.task())
    is_negative_.push_back(std::find(tasks.begin(), tasks.end(), task.name()) != tasks.end());
  const auto& learned = job.data().train().file();
  is_of_training_files_ =
      std::equal(learned.begin(), learned.end(), split.file().begin(), split.file().end());
}

bool BehaviourExamples::IsInSplit(int64_t line, const std::string& path) const {
  if (!is_of_training_files_) return true;
  if (line >= behaviour_->n_rows())
    Fail(path, ": has grown since the job began, expected a file that stays as it is");
  return behaviour_->IsHeldOut(line) == is_test_;
}

void BehaviourExamples::AppendColumns(int64_t line, std::vector<std::string_view>* values) {
  history_ = is_of_training_files_
                 ? behaviour_->HistoryBefore(line)
                 : behaviour_->HistoryOf(behaviour_->FindUser((*values)[user_column_]));
  log_share_ = behaviour_->LogShareOf((*values)[item_column_]);
  values->push_back(history_);
  values->push_back(log_share_);
}

void BehaviourExamples::ForNegatives(int64_t line,
                                     const std::function<void(std::string_view item)>& make) const {
  if (!config_.has_negatives() || !is_of_training_files_ || is_test_ ||
      !behaviour_->IsLearnedEvent(line))
    return;
  Random random(config_.seed(), static_cast<uint64_t>(line), kNegatives);
  for (int i = 0; i < config_.negatives().per_event(); ++i) {
    const int item = behaviour_->DrawNegative(line, &random);
    if (item < 0) return;
    make(behaviour_->item(item));
  }
}

void BehaviourExamples::SetNegativeLabels(std::span<float> labels) const {
  for (size_t t = 0; t < labels.size(); ++t) labels[t] = is_negative_[t] ? 0 : kMissing;
}

}  // namespace zhiyin::worker::data
