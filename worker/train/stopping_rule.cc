#include "worker/train/stopping_rule.h"

#include <glog/logging.h>

#include <algorithm>
#include <string>
#include <vector>

#include "worker/model/loss/loss.h"

namespace zhiyin::worker::train {
namespace {

using zhiyin::EarlyStopping;

const Task& TaskOf(const config::Checker& check, const config::ConfigPath& path,
                   const std::string& name, const Job& job) {
  std::vector<std::string> names;
  for (const Task& task : job.task()) {
    if (task.name() == name) return task;
    names.push_back(task.name());
  }
  check.FailUnknown(path, "task", name, names);
}

/// Checks that the task of a term exists and has the term's metric.
void CheckTerm(const config::Checker& check, const config::ConfigPath& path,
               const EarlyStopping::Term& term, const Job& job) {
  const Task& task = TaskOf(check, path("task"), term.task(), job);
  check.CheckPositive(path("weight"), term.weight());
  const model::loss::PredictionKind kind = model::loss::PredictionOf(task);
  const bool is_number = kind == model::loss::PredictionKind::kNumber;
  const bool is_probability = kind == model::loss::PredictionKind::kProbability;
  const bool fits = term.metric() == EarlyStopping::AUC    ? !is_number
                    : term.metric() == EarlyStopping::RMSE ? is_number || is_probability
                                                           : is_probability;
  if (fits) return;
  check.Fail(path("metric"), "is ", EarlyStopping::Metric_Name(term.metric()),
             ", expected one that task ", term.task(), " has: ",
             is_number        ? "RMSE"
             : is_probability ? "AUC, RMSE or LOG_LOSS"
                              : "AUC");
}

}  // namespace

void FillEarlyStopping(zhiyin::EarlyStopping* stopping) {
  if (!stopping->has_keep_best()) stopping->set_keep_best(true);
  for (zhiyin::EarlyStopping::Term& term : *stopping->mutable_term()) {
    if (!term.has_weight()) term.set_weight(1);
  }
}

void CheckEarlyStopping(const config::Checker& check, const Job& job) {
  constexpr int kMaxPatience = 1'000'000;
  const config::ConfigPath path = check.root()("train")("early_stopping");
  const zhiyin::EarlyStopping& stopping = job.train().early_stopping();
  if (!job.data().has_test()) check.Fail(path, "looks at evaluations, and there is no data.test");
  check.CheckRange(path("patience"), stopping.patience(), 0, kMaxPatience);
  check.CheckNotNegative(path("min_delta"), stopping.min_delta());
  if (stopping.patience() == 0 && !stopping.keep_best())
    check.Fail(path, "neither stops nor keeps the best, expected patience above 0 or keep_best");
  if (stopping.term_size() == 0 &&
      std::all_of(job.task().begin(), job.task().end(),
                  [](const Task& task) { return task.weight() == 0; })) {
    check.Fail(path, "compares the tasks' losses, and all tasks have weight 0: expected a term");
  }
  for (int i = 0; i < stopping.term_size(); ++i)
    CheckTerm(check, path("term", i), stopping.term(i), job);
}

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

void StoppingRule::Resume(const Progress::Stopping& progress) {
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
