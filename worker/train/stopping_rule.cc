#include "worker/train/stopping_rule.h"

#include <glog/logging.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>
#include <vector>

#include "common/config/kinds.h"
#include "common/error.h"
#include "common/text.h"
#include "worker/model/loss/loss.h"
#include "worker/train/label_classes.h"

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

/// The metrics have the names of the values of the enum, in lower case.
const model::metric::Metric& MetricOf(EarlyStopping::Metric name) {
  std::string key = EarlyStopping::Metric_Name(name);
  for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const model::metric::Metric* metric = model::metric::FindMetric(key);
  CHECK(metric != nullptr) << key;
  return *metric;
}

/// The values of the enum for tasks with such predictions.
std::vector<std::string> NamesOfMetrics(model::loss::PredictionKind kind) {
  std::vector<std::string> names;
  for (int i = 0; i < EarlyStopping::Metric_descriptor()->value_count(); ++i) {
    const auto* value = EarlyStopping::Metric_descriptor()->value(i);
    if (MetricOf(static_cast<EarlyStopping::Metric>(value->number())).fits(kind))
      names.push_back(value->name());
  }
  return names;
}

/// Checks that the task of a term exists and has the term's metric.
void CheckTerm(const config::Checker& check, const config::ConfigPath& path,
               const EarlyStopping::Term& term, const Job& job) {
  const Task& task = TaskOf(check, path("task"), term.task(), job);
  check.CheckPositive(path("weight"), term.weight());
  const model::loss::PredictionKind kind = model::loss::PredictionOf(task);
  if (!MetricOf(term.metric()).fits(kind)) {
    check.Fail(path("metric"), "is ", EarlyStopping::Metric_Name(term.metric()),
               ", expected one that task ", term.task(),
               " has: ", config::Listed(NamesOfMetrics(kind), "or"));
  }
  if (term.metric() == EarlyStopping::GAUC && job.evaluation().gauc_field().empty()) {
    check.Fail(path("metric"),
               "is GAUC, and there are no groups: expected a field in evaluation.gauc_field");
  }
}

/// Whether the metric is defined for labels in this range. REQUIRES: the range is not empty.
bool IsDefined(EarlyStopping::Metric metric, const data::LabelRange& labels) {
  switch (metric) {
    case EarlyStopping::AUC:
    case EarlyStopping::GAUC:
      return !IsOneClass(labels);
    case EarlyStopping::AVERAGE_PRECISION:
      return labels.most > 0.5;
    case EarlyStopping::NORMALIZED_ENTROPY:  // the mean label is between 0 and 1
      return labels.most > 0 && labels.least < 1;
    default:
      return true;
  }
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
  if (!job.data().has_validation() && !job.data().has_test())
    check.Fail(path, "looks at evaluations, and there is no data.validation and no data.test");
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

void CheckStoppingMetrics(const Job& job, data::SplitKind split,
                          const data::SplitSummary& summary) {
  const zhiyin::EarlyStopping& stopping = job.train().early_stopping();
  for (int i = 0; i < stopping.term_size(); ++i) {
    const EarlyStopping::Term& term = stopping.term(i);
    size_t t = 0;
    while (job.task(static_cast<int>(t)).name() != term.task()) ++t;
    const data::LabelRange& labels = summary.labels[t];
    if (!labels.IsEmpty() && IsDefined(term.metric(), labels)) continue;
    const char* const name = data::SplitName(split);
    Fail("train.early_stopping.term[", i, "]: ", EarlyStopping::Metric_Name(term.metric()),
         " of task ", term.task(), " is undefined: ",
         labels.IsEmpty()
             ? TextOf("no label of data.", name, " has a weight above 0, expected some")
             : RangeText(summary, t, name) +
                   ", expected both classes, or a metric that one class has");
  }
}

bool ComparesAlike(const Job& before, const Job& now) {
  using google::protobuf::util::MessageDifferencer;
  const zhiyin::EarlyStopping& was = before.train().early_stopping();
  const zhiyin::EarlyStopping& is = now.train().early_stopping();
  if (was.keep_best() != is.keep_best() ||
      !MessageDifferencer::Equals(before.data().test(), now.data().test()) ||
      !MessageDifferencer::Equals(before.data().validation(), now.data().validation()) ||
      before.evaluation().gauc_field() != now.evaluation().gauc_field() ||
      !std::equal(was.term().begin(), was.term().end(), is.term().begin(), is.term().end(),
                  MessageDifferencer::Equals))
    return false;
  // Without terms, the losses of all tasks count by the weights of the tasks.
  return !is.term().empty() ||
         std::equal(before.task().begin(), before.task().end(), now.task().begin(),
                    now.task().end(), [](const Task& a, const Task& b) {
                      return a.name() == b.name() && a.weight() == b.weight();
                    });
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
  double value = config_.term().empty() ? -evaluation.loss : 0;
  for (const zhiyin::EarlyStopping::Term& term : config_.term()) {
    const auto task = std::find_if(
        evaluation.tasks.begin(), evaluation.tasks.end(),
        [&](const model::metric::TaskMetrics& metrics) { return metrics.task == term.task(); });
    CHECK(task != evaluation.tasks.end()) << term.task();
    const model::metric::Metric& metric = MetricOf(term.metric());
    const std::optional<double>& found = *task.*metric.value;
    if (!found) return {};
    const bool is_larger_better = metric.better == model::metric::Metric::Better::kLarger;
    value += term.weight() * (is_larger_better ? *found : -*found);
  }
  // What is compared with a value that is not a number is never better.
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

}  // namespace zhiyin::worker::train
