// Which of a job's models it leaves behind, and whether it trains on: what follows from each
// evaluation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "worker/train/evaluator.h"
#include "worker/train/stopping_rule.h"

namespace zhiyin::worker::train {

/// Without train.early_stopping the last model is left, after all epochs; with its keep_best the
/// best one. The chief decides: at other workers only HasRule() means something. One thread, not
/// collective; borrows the job, which passed validation.
class ModelSelection {
 public:
  explicit ModelSelection(const Job& job);

  struct Decision {
    bool reports = false;  // the evaluation is what summary.json tells of the job, for now
    bool saves = false;    // the model as it is now is the best, to be kept
    bool stops = false;    // training ends although epochs are left
  };
  /// Decides after every evaluation in turn, when `n_epochs` are completed. `has_report`: some
  /// earlier evaluation, also of an earlier run of the job, is reported so far.
  Decision Decide(int64_t n_epochs, const EvaluationResult& found, bool has_report);

  /// Whether a decision can stop the job, so that the chief must share it.
  bool HasRule() const { return rule_.has_value(); }
  /// Whether a best model was found and is kept. False where its metric was never defined: then
  /// the last model is left.
  bool HasBest() const { return KeepsBest() && best_epoch() > 0; }
  /// The epoch of the best evaluation, counted from 1; 0: there was none. REQUIRES: HasRule().
  int64_t best_epoch() const { return rule_->best_epoch(); }

  /// What is said when a decision stops the job. REQUIRES: HasRule().
  std::string StopLine() const;
  /// What is said at the end of the job: the evaluation that was last reported, as a table.
  std::string ReportText(const EvaluationResult& reported) const;

  /// Writes to a checkpoint what a later run of the job needs to decide on; and takes it up.
  void Save(Progress* progress) const;
  void Resume(const Progress& progress);

 private:
  bool KeepsBest() const { return rule_ && job_.train().early_stopping().keep_best(); }

  const Job& job_;
  std::optional<StoppingRule> rule_;
};

}  // namespace zhiyin::worker::train
