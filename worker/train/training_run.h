// A training job, from the first pass over the data to the last message.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "configs/manifest.pb.h"
#include "worker/model/balance/task_balance.h"
#include "worker/train/epoch_part.h"
#include "worker/train/job.h"
#include "worker/train/model_selection.h"
#include "worker/train/profile.h"
#include "worker/train/progress.h"
#include "worker/train/progress_reports.h"
#include "worker/train/results.h"
#include "worker/train/sync_points.h"
#include "worker/train/tools.h"
#include "worker/train/trainer.h"
#include "worker/train/training_data.h"
#include "worker/train/training_summary.h"

namespace zhiyin::worker::train {

/// A training job as one worker sees it: the order in which its parts do their work. Collective:
/// every worker runs one. Used by the rank's thread; borrows all it is given. A checkpoint's
/// Progress holds what is needed to resume, besides the rows and the job: the job continues as a
/// TrainingRun made from it.
class TrainingRun {
 public:
  /// REQUIRES: a job that passed validation; where the manifest has progress, the servers have
  /// loaded its rows.
  TrainingRun(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
              net::Mailbox* mailbox);

  /// Called once. Returns false when the job was asked to end early, and did, after a checkpoint.
  /// Throws Error on what a user can mend, from the data to the disk.
  bool Run();

 private:
  using Clock = std::chrono::steady_clock;

  /// Reads the data, and makes what depends on it.
  void Prepare();
  /// Takes up what the checkpoint says, before the first epoch. Collective.
  void Resume();
  /// Trains and evaluates epoch by epoch. Returns false when the job ends early for a checkpoint.
  bool RunEpochs();
  /// Leaves the model, the results and the summary. Collective.
  void Conclude();

  /// Trains the epoch, with its sync points. Returns false when the job ends before the epoch does.
  bool TrainEpoch(int64_t epoch);
  /// Gathers what all workers have seen of the epoch, and shares what they need to know of it.
  void EndEpoch(int64_t epoch);
  /// Evaluates the model; the chief learns what was found, and tells it.
  EvaluationResult Evaluate();
  /// Decides what follows from an evaluation, whose result the chief knows, and keeps the model
  /// where it is the best. Returns, at all workers, whether training stops.
  bool Judge(EvaluationResult found);

  /// Writes the checkpoint that a sync point wants, if any, where all before `step` is done, and
  /// nothing after it: with what was seen of the epoch, or between epochs without. Returns false
  /// when the job ends here. Collective.
  bool Pause(const SyncPoint& sync_point, int64_t step, bool in_epoch);

  /// At the chief: saves the model as it is now.
  void SaveModel();
  void SayBackAtWork();

  bool IsChief() const { return tools_.group.IsChief(); }
  /// The number of steps in so many epochs.
  int64_t StepsOf(int64_t n_epochs) const { return n_epochs * data_.dealer->steps_per_epoch(); }
  EpochShape Shape() const;
  static double SecondsSince(Clock::time_point began) {
    return std::chrono::duration<double>(Clock::now() - began).count();
  }

  const Clock::time_point started_ = Clock::now();
  const Job& job_;
  const Progress* resumed_;  // nullptr: the job begins
  net::RoleMap roles_;
  const JobOptions& options_;
  net::Mailbox* mailbox_;
  Tools tools_;
  Profile profile_;
  model::balance::TaskBalance balance_;
  ModelSelection selection_;
  ResultFiles files_;
  TrainingTotals totals_;
  TrainingData data_;
  EpochPart left_;  // of the epoch at hand, done before a resume
  bool stopped_early_ = false;
  // Made by Prepare().
  std::optional<ProgressPrinter> printer_;
  std::optional<ProgressReports> reports_;
  std::optional<Trainer> trainer_;
  std::optional<SyncPoints> sync_points_;  // of a job that keeps checkpoints
};

}  // namespace zhiyin::worker::train
