// The course of a training job on one worker, from the first pass over the data to the summary.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "configs/manifest.pb.h"
#include "worker/model/balance/task_balance.h"
#include "worker/train/chief_state.h"
#include "worker/train/epoch_part.h"
#include "worker/train/epoch_summary.h"
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

/// Runs the training job on one worker: calls the parts that do the work, in their order. Every
/// worker has one TrainingRun, and their Run() is collective. Used by the rank's thread. Borrows
/// all arguments of the constructor. A resumed job is a TrainingRun whose manifest has the Progress
/// of a checkpoint.
class TrainingRun {
 public:
  /// REQUIRES: the manifest's job has passed validation; if the manifest has progress, the servers
  /// have loaded the embedding rows and dense weights of that checkpoint.
  TrainingRun(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
              net::Mailbox* mailbox);

  /// Trains to the end. Called once. Returns false when the job ended early, after a checkpoint,
  /// because options.stop_requested returned true. Throws Error on problems that a user can solve,
  /// such as malformed data or a full disk.
  bool Run();

 private:
  using Clock = std::chrono::steady_clock;

  // All of these are collective unless marked "at the chief". Epochs count from 0.

  /// Reads the data and makes the members that depend on it.
  void Prepare();
  /// Restores the state of the checkpoint, before the first epoch.
  void Resume();
  /// Trains and evaluates epoch by epoch. Returns false when the job ends early, after a
  /// checkpoint.
  bool RunEpochs();
  /// Writes the model, the results and the summary, and prints the closing lines.
  void Conclude();

  /// Trains one epoch, with its sync points. Returns false when the job ends before the epoch does.
  bool TrainEpoch(int64_t epoch);
  /// Gathers the workers' sums of the epoch at the chief, which writes the epoch's metrics;
  /// broadcasts the mean losses where the method of balancing uses them.
  void EndEpoch(int64_t epoch);
  /// Takes what was found in one pass over the training split. With data.one_pass alone.
  void EndOnePass();
  /// Takes the numbers of rows that are known into the totals.
  void TakeRowCounts();
  /// At the chief: prints how many examples the epoch has left out.
  void SayLeftOut(const EpochSummary& summary);
  /// Evaluates the model. Returns the results at the chief, which also writes and prints them; none
  /// elsewhere.
  Evaluations Evaluate();
  /// Takes the chief's decision on an evaluation: saves the model if it is the best one. Returns,
  /// at all workers, whether training stops. `found` is used at the chief only.
  bool Judge(Evaluations found);

  /// Begins the checkpoint that `sync_point` asks for, if any. Between epochs the checkpoint holds
  /// no sums of an epoch; `in_epoch`, it holds those of the epoch so far. Returns false when the
  /// job ends here. REQUIRES: all workers have pushed the steps before `step`, and no later ones.
  bool Pause(const SyncPoint& sync_point, int64_t step, bool in_epoch);

  /// The manifest of a model or a checkpoint that is saved before `step`.
  Manifest ManifestNow(int64_t step) const;
  /// At the chief: saves the model with its current weights, unless that was done or the job has no
  /// output folder.
  void SaveModel();
  /// At the chief: prints, once, that a job which keeps no checkpoints does not end early.
  void SayIfAskedToStop();
  /// At the chief: prints how long after the death of the earlier run the first step was done.
  void SayBackAtWork();

  bool IsChief() const { return tools_.group.IsChief(); }
  /// The number of steps in `n_epochs` epochs.
  int64_t StepsOf(int64_t n_epochs) const {
    return n_epochs *
           (job_.data().one_pass() ? steps_of_one_pass_ : data_.dealer->steps_per_epoch());
  }
  /// The examples of an epoch; more than there are where their number is not known.
  int64_t RowsOfEpoch() const {
    return job_.data().one_pass() && data_.n_rows == 0 ? kMostRows : data_.n_rows;
  }
  EpochShape Shape() const;
  /// At the chief: the lines of metrics.jsonl and, `in_epoch`, the sums of the epoch so far.
  ChiefState StateNow(const WorkerParts& parts, bool in_epoch) const;
  static double SecondsSince(Clock::time_point began) {
    return std::chrono::duration<double>(Clock::now() - began).count();
  }

  const Clock::time_point started_ = Clock::now();
  const Manifest& manifest_;
  const Job job_;            // the manifest's, with the number of slices in numbers
  const Progress* resumed_;  // nullptr: a new job
  net::RoleMap roles_;
  const JobOptions& options_;
  net::Mailbox* mailbox_;
  SplitIndexes indexes_;  // made before the sources of the tools see the files
  Tools tools_;
  Profile profile_;
  model::balance::TaskBalance balance_;
  ModelSelection selection_;
  ResultFiles files_;
  TrainingTotals totals_;
  TrainingData data_;
  int64_t n_bytes_before_ = 0;  // what this worker had read when training began
  EpochPart left_;  // at the chief: the part of the current epoch that was done before the resume
  bool stopped_early_ = false;
  int64_t steps_of_one_pass_ = 0;  // once it is over
  bool has_said_no_stop_ = false;
  int64_t saved_at_epoch_ = -1;    // at the chief: the completed epochs of the model that was saved
  Clock::time_point epoch_began_;  // of this run's part of the current epoch
  // Made by Prepare().
  std::optional<ProgressPrinter> printer_;
  std::optional<ProgressReports> reports_;
  std::optional<Trainer> trainer_;
  std::optional<SyncPoints> sync_points_;  // only in a job that keeps checkpoints
};

}  // namespace zhiyin::worker::train
