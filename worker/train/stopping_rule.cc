#include "worker/train/stopping_rule.h"

#include <glog/logging.h>

#include <algorithm>

namespace zhiyin::worker::train {

StoppingRule::StoppingRule(const Job& job) : config_(job.train().early_stopping()) {}

StoppingRule::Verdict StoppingRule::Judge(int64_t epoch, const EvaluationResult& evaluation) {
  Verdict verdict;
  const std::optional<double> value = ValueOf(evaluation);
  verdict.is_best = value && (best_epoch_ == 0 || *value > best_ + config_.min_delta());
  if (verdict.is_best) {
    best_ = *value;
    best_epoch_ = epoch;
    n_since_best_ = 0;
    return verdict;
  }
  ++n_since_best_;
  verdict.stop = config_.patience() > 0 && n_since_best_ >= config_.patience();
  return verdict;
}

Progress::Stopping StoppingRule::progress() const {
  Progress::Stopping progress;
  progress.set_best(best_);
  progress.set_best_epoch(best_epoch_);
  progress.set_n_since_best(n_since_best_);
  return progress;
}

void StoppingRule::GoOn(const Progress::Stopping& progress) {
  best_ = progress.best();
  best_epoch_ = progress.best_epoch();
  n_since_best_ = progress.n_since_best();
}

std::optional<double> StoppingRule::ValueOf(const EvaluationResult& evaluation) const {
  if (config_.term().empty()) return -evaluation.loss;
  double value = 0;
  for (const zhiyin::EarlyStopping::Term& term : config_.term()) {
    const auto task = std::find_if(
        evaluation.tasks.begin(), evaluation.tasks.end(),
        [&](const model::metric::TaskMetrics& metrics) { return metrics.task == term.task(); });
    CHECK(task != evaluation.tasks.end()) << term.task();
    std::optional<double> metric;
    switch (term.metric()) {
      case zhiyin::EarlyStopping::AUC:
        metric = task->auc;
        break;
      case zhiyin::EarlyStopping::RMSE:
        if (task->rmse) metric = -*task->rmse;
        break;
      case zhiyin::EarlyStopping::LOG_LOSS:
        if (task->log_loss) metric = -*task->log_loss;
        break;
      default:
        break;
    }
    if (!metric) return {};
    value += term.weight() * *metric;
  }
  return value;
}

}  // namespace zhiyin::worker::train
