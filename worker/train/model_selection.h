// The decisions after each evaluation: which model the job keeps, and whether training continues.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "worker/train/evaluator.h"
#include "worker/train/stopping_rule.h"

namespace zhiyin::worker::train {

/// A job keeps its last model, after all epochs, or, with keep_best of train.early_stopping, the
/// best one. The chief decides; at other workers only HasRule() may be called. Not collective. Used
/// by one thread; borrows the job, which has passed validation.
class ModelSelection {
 public:
  explicit ModelSelection(const Job& job);

  struct Decision {
    bool reports = false;  // summary.json reports this evaluation, unless a later one replaces it
    bool saves = false;    // the current model is the best one and must be saved
    bool stops = false;    // training ends although epochs are left
  };
  /// Decides on an evaluation of the split that decides (Evaluations::Deciding), after `n_epochs`
  /// completed epochs. Called for every evaluation in turn. `has_report`: whether an earlier
  /// evaluation, possibly of an earlier run of the job, is reported so far.
  Decision Decide(int64_t n_epochs, const EvaluationResult& found, bool has_report);

  /// Whether decisions can stop the job, so that the chief must broadcast them.
  bool HasRule() const { return rule_.has_value(); }
  /// Whether a best model has been saved. False if its metric was never defined; then the job keeps
  /// its last model.
  bool HasBest() const { return KeepsBest() && best_epoch() > 0; }
  /// Whether the model is the one to keep as long as no evaluation says otherwise: the last one, or
  /// one of a job that keeps its best and has none yet. Such a model is saved before it is
  /// evaluated.
  bool KeepsUnjudged(bool is_last) const { return !HasBest() && (is_last || KeepsBest()); }
  /// Takes note that the current model was saved; its manifest has this digest.
  void ModelSaved(uint64_t digest) { model_digest_ = digest; }
  /// The epoch of the best evaluation, counted from 1; 0 if there was none. REQUIRES: HasRule().
  int64_t best_epoch() const { return rule_->best_epoch(); }

  /// The line that is printed when a decision stops the job. REQUIRES: HasRule().
  std::string StopLine() const;
  /// The text that is printed at the end of the job: the reported evaluations, as tables.
  std::string ReportText(const Evaluations& reported) const;

  /// Writes the state of the rule to a checkpoint, and which model is the best one.
  void Save(Progress* progress) const;
  /// Restores the state that Save wrote.
  void Resume(const Progress& progress);

 private:
  bool KeepsBest() const { return rule_ && job_.train().early_stopping().keep_best(); }

  const Job& job_;
  std::optional<StoppingRule> rule_;
  std::optional<uint64_t> model_digest_;  // of the model that was saved last
};

}  // namespace zhiyin::worker::train
