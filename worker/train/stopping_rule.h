// The rule of train.early_stopping: finds the best model, and decides when training stops.
#pragma once

#include <cstdint>
#include <optional>

#include "common/config/checker.h"
#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "worker/data/split_kind.h"
#include "worker/data/split_summary.h"
#include "worker/data/statistics.h"
#include "worker/train/evaluator.h"

namespace zhiyin::worker::train {

void FillEarlyStopping(zhiyin::EarlyStopping* stopping);
/// Throws Error, by way of `check`, for the first thing about train.early_stopping that is
/// impossible. REQUIRES: the job has it, defaults are filled in, and the tasks were checked.
void CheckEarlyStopping(const config::Checker& check, const Job& job);

/// Throws Error where a metric of train.early_stopping is undefined on the split that decides,
/// whatever the model predicts: without a label that has a weight above 0, an AUC or GAUC with
/// labels of one class, an average precision without a positive one, and a normalized entropy whose
/// labels are all 0 or all 1. REQUIRES: the job passed validation and has early_stopping.
void CheckStoppingMetrics(const Job& job, data::SplitKind split, const data::SplitSummary& summary);

/// Whether what the rule has found in the job `before` still holds in `now`, a later state of it:
/// evaluations compare only where they are of one test split and of one sum of metrics or losses,
/// and the best model is there only if keep_best was set. REQUIRES: both jobs have passed
/// validation and have train.early_stopping.
bool ComparesAlike(const Job& before, const Job& now);

/// Compares the evaluations of a job. Used by the chief, which has the results. Borrows the job.
class StoppingRule {
 public:
  /// REQUIRES: a job that passed validation, with train.early_stopping.
  explicit StoppingRule(const Job& job);

  struct Verdict {
    bool is_best = false;  // better than all before by more than min_delta, or the first
    bool stop = false;
  };
  /// Judges the evaluation after an epoch, counted from 1. Called for every evaluation in turn. An
  /// evaluation with an undefined value is never the best.
  Verdict Judge(int64_t epoch, const EvaluationResult& evaluation);

  /// The state of the rule, for checkpoints.
  Progress::Stopping progress() const;
  /// Restores the state of a checkpoint.
  void Resume(const Progress::Stopping& progress);

  /// The epoch of the best evaluation, counted from 1; 0 if there was none.
  int64_t best_epoch() const { return best_epoch_; }

  /// The value that is compared; larger is better. The sum over the terms of weight times metric,
  /// with the opposite sign for metrics of which smaller is better; without terms, minus the loss.
  /// Nothing if a metric is undefined or the sum is not finite.
  std::optional<double> ValueOf(const EvaluationResult& evaluation) const;

 private:
  const zhiyin::EarlyStopping& config_;
  double best_ = 0;
  int64_t best_epoch_ = 0;
  int n_since_best_ = 0;
};

}  // namespace zhiyin::worker::train
