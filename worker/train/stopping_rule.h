// When training has gone on long enough, and which of its models was the best: train.early_stopping
// of the job.
#pragma once

#include <cstdint>
#include <optional>

#include "common/config/checker.h"
#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "worker/train/evaluator.h"

namespace zhiyin::worker::train {

void FillEarlyStopping(zhiyin::EarlyStopping* stopping);
/// Throws Error, by way of `check`, for the first thing about train.early_stopping that is
/// impossible. REQUIRES: the job has it, defaults are filled in, and the tasks were checked.
void CheckEarlyStopping(const config::Checker& check, const Job& job);

/// Used by the chief, who knows the evaluations. Borrows the job.
class StoppingRule {
 public:
  /// REQUIRES: a job that passed validation, with train.early_stopping.
  explicit StoppingRule(const Job& job);

  struct Verdict {
    bool is_best = false;  // better than all before by more than min_delta; the first always is
    bool stop = false;
  };
  /// Judges every evaluation in turn, after the given epoch, counted from 1. One whose value is
  /// undefined is no best.
  Verdict Judge(int64_t epoch, const EvaluationResult& evaluation);

  /// What a later run of the job needs to judge on.
  Progress::Stopping progress() const;
  void Resume(const Progress::Stopping& progress);

  /// Epoch of the best evaluation; 0: there was none.
  int64_t best_epoch() const { return best_epoch_; }

  /// What is compared: the sum over terms of weight times metric, those of which less is better
  /// negative; without terms the negative loss. More is better. Nothing where a metric is
  /// undefined.
  std::optional<double> ValueOf(const EvaluationResult& evaluation) const;

 private:
  const zhiyin::EarlyStopping& config_;
  double best_ = 0;
  int64_t best_epoch_ = 0;
  int n_since_best_ = 0;
};

}  // namespace zhiyin::worker::train
