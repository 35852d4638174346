#include <glog/logging.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "common/bytes.h"
#include "common/error.h"
#include "common/wall_clock.h"
#include "worker/data/slice_reader.h"
#include "worker/model/balance/task_balance.h"
#include "worker/model/label_domains.h"
#include "worker/model/nn/batch_statistics.h"
#include "worker/saved/checkpoints.h"
#include "worker/saved/saved_model.h"
#include "worker/train/checkpoint_keeper.h"
#include "worker/train/checkpoint_schedule.h"
#include "worker/train/epoch_sums.h"
#include "worker/train/evaluation_message.h"
#include "worker/train/invariants.h"
#include "worker/train/job.h"
#include "worker/train/model_weights.h"
#include "worker/train/profile.h"
#include "worker/train/results.h"
#include "worker/train/stopping_rule.h"
#include "worker/train/tools.h"
#include "worker/train/trainer.h"
#include "worker/train/training_data.h"
#include "worker/train/training_summary.h"

namespace zhiyin::worker::train {
namespace {

/// Reports of a worker to the chief in an epoch.
constexpr int64_t kReportsPerEpoch = 500;

/// A training job as one worker sees it.
class TrainingRun {
 public:
  TrainingRun(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
              net::Mailbox* mailbox)
      : job_(manifest.job()),
        resumed_(manifest.has_progress() ? &manifest.progress() : nullptr),
        roles_(roles),
        options_(options),
        mailbox_(mailbox),
        tools_(job_, roles, job_.data().has_test(), options.n_threads, mailbox),
        profile_(options.profile, &tools_.client),
        balance_(job_, tools_.model.get()),
        files_(options.output) {
    if (job_.train().has_early_stopping()) stopping_.emplace(job_);
    totals_.started = UtcNow();
    totals_.is_timed = !mailbox->endpoint().TimeIsVirtual();
    totals_.worker_samples.resize(static_cast<size_t>(roles.n_workers));
    if (resumed_ != nullptr) totals_.resumed_at_step = resumed_->next_step();
  }

  /// False: the job was asked to end early, and did, after a checkpoint.
  bool Run() {
    profile_.Enter(Stage::kFirstPass);
    data_ = ReadTrainingData(job_, resumed_, roles_, &tools_);
    totals_.n_rows = data_.n_rows;
    totals_.n_bad = data_.n_bad;
    profile_.Enter(Stage::kOther);
    if (options_.inits_dense) InitModelWeights(job_, &tools_);
    ProgressPrinter printer(tools_.group.IsChief() ? options_.progress : ProgressStyle::kNone,
                            TaskNamesOf(job_), job_.train().epochs(), totals_.n_rows,
                            options_.print);
    printer_ = &printer;
    totals_.reading_s = SecondsSinceStart();
    Trainer trainer(job_, data_.dealer.get(), data_.reader.get(), &mailbox_->endpoint(),
                    &tools_.client, tools_.model.get(), &tools_.dense, &tools_.heads, &balance_,
                    &profile_, [this] { mailbox_->SendHeartbeat(); });
    if (resumed_ != nullptr) Resume();
    if (KeepsCheckpoints() && tools_.group.IsChief()) {
      checkpoints_.emplace(job_, options_.output, &tools_.client,
                           [this](const std::string& line) { printer_->Say(line); });
      schedule_.emplace(job_, data_.dealer->steps_per_epoch(),
                        resumed_ != nullptr ? resumed_->next_step() : 0, &mailbox_->endpoint(),
                        options_.stop_requested);
    }
    bool stopped = false;
    while (totals_.n_epochs < job_.train().epochs() && !stopped) {
      const int64_t epoch = totals_.n_epochs;
      const auto epoch_began = std::chrono::steady_clock::now();
      const bool is_whole = TrainEpoch(epoch, &trainer);
      totals_.training_s +=
          std::chrono::duration<double>(std::chrono::steady_clock::now() - epoch_began).count();
      if (!is_whole) return false;
      ++totals_.n_epochs;
      if (tools_.evaluator && (totals_.n_epochs == job_.train().epochs() ||
                               totals_.n_epochs % job_.evaluation().every_epochs() == 0)) {
        EvaluationResult found = Evaluate(epoch);
        stopped = Judge(std::move(found));
      }
      if (KeepsCheckpoints() && !stopped && !PauseAfterEpoch()) return false;
    }
    if (checkpoints_) checkpoints_->Finish(/*wait=*/true);
    // Without a best, where its metric was never defined, the last is kept.
    const bool has_best = KeepsBest() && stopping_->best_epoch() > 0;
    if (!has_best && tools_.group.IsChief()) Save();
    if (totals_.evaluation) {
      printer.Say((has_best
                       ? "\nthe best, after epoch " + std::to_string(stopping_->best_epoch()) + ": "
                       : "\n") +
                  "test split, " + std::to_string(totals_.evaluation->n_rows) + " rows:\n" +
                  MetricsTable(totals_.evaluation->tasks));
    }
    Conclude(stopped);
    return true;
  }

 private:
  /// After the last epoch: counts are gathered, and the chief tells what was done.
  void Conclude(bool stopped) {
    profile_.Enter(Stage::kSync);
    const std::vector<std::string> all_counts =
        tools_.group.Gather(SerializeCounts(tools_.client.counts()), "its counts");
    const std::vector<double> worker_stages =
        options_.profile ? GatherSeconds(&profile_, roles_, &tools_.group) : std::vector<double>();
    if (!tools_.group.IsChief()) return;
    const ps::ServerReport report = tools_.client.Report();
    totals_.seconds = SecondsSinceStart();
    totals_.n_steps = StepsOf(totals_.n_epochs);
    if (stopping_) totals_.early_stopping = {stopped, stopping_->best_epoch()};
    const Json summary =
        TrainingSummary(job_, roles_, options_, totals_,
                        CountsOf(job_, roles_, totals_, all_counts, report), worker_stages);
    files_.WriteSummary(summary);
    if (options_.take_summary) options_.take_summary(summary);
    for (const std::string& line : ClosingLines(roles_, options_, totals_, report, worker_stages))
      printer_->Say(line);
  }

  double SecondsSinceStart() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }
  bool KeepsCheckpoints() const {
    return !options_.output.empty() && (job_.train().has_checkpoint() || options_.stop_requested);
  }

  /// Takes up what the checkpoint says, before the first epoch.
  void Resume() {
    const Progress& left = *resumed_;
    totals_.n_epochs = left.epoch();
    totals_.n_samples = left.n_samples();
    totals_.train_loss = left.train_loss();
    totals_.training_s = left.training_s();
    const std::vector<std::string> saved_tasks(left.task_name().begin(), left.task_name().end());
    const TaskOrder order(saved_tasks, TaskNamesOf(job_));
    for (const Progress::Losses& losses : left.losses()) {
      if (losses.task_size() != left.task_name_size())
        Fail("the checkpoint: damaged: losses of ", losses.task_size(), " tasks of ",
             saved_tasks.size());
      // NaN, as of a task without labels.
      balance_.AddEpoch(
          order.Of(std::vector<double>(losses.task().begin(), losses.task().end()), std::nan("")));
    }
    if (!left.slice_sums().empty()) {
      const bool is_same = saved_tasks == TaskNamesOf(job_);
      const size_t n_saved_balance =
          n_balance() > 0 ? model::balance::BalanceSums(saved_tasks.size()).numbers().size() : 0;
      left_sums_ = SliceSums::Parse(left.slice_sums(), data_.rows_of_slices, saved_tasks.size(),
                                    n_saved_balance);
      left_tally_ = EpochTally::Parse(left.tally(), saved_tasks.size());
      if (!is_same) {
        left_sums_ = order.Of(left_sums_, n_balance());
        left_tally_.aucs = order.Of(left_tally_.aucs, model::metric::RunningAuc());
      }
    }
    data_.dealer->Resume(left.epoch(), left.next_step(), left_sums_.numbers);
    if (tools_.group.IsChief()) {
      files_.Continue(left.metrics());
      if (!left.balance().empty()) totals_.task_balance = Json::parse(left.balance());
      if (left.has_evaluated()) totals_.evaluation = EvaluationOf(left.evaluated());
      if (stopping_) stopping_->Resume(left.stopping());
      printer_->Say("resumed at step " + std::to_string(left.next_step()) + ", in epoch " +
                    std::to_string(left.epoch() + 1));
    }
    tools_.group.Barrier("where the job stands");
  }

  size_t n_balance() const { return balance_.HasSums() ? balance_.sums().numbers().size() : 0; }

  /// Pauses with all others; false: the job ends here. `step`: all before it are done, and none
  /// after.
  bool Pause(const SyncPoint& sync_point, uint64_t step, Trainer* trainer) {
    if (!sync_point.save) return true;
    profile_.Enter(Stage::kSave);
    trainer->Settle();
    const std::vector<std::string> sums =
        tools_.group.Gather(trainer->slice_sums().Serialize(), "its part of a checkpoint");
    const std::vector<std::string> tallies =
        tools_.group.Gather(trainer->tally().Serialize(), "its tally for a checkpoint");
    const std::vector<std::string> statistics = tools_.group.Gather(
        trainer->batch_statistics().Serialize(), "its batch statistics for a checkpoint");
    if (tools_.group.IsChief()) {
      Progress progress = ProgressSoFar(step);
      SliceSums all = left_sums_;
      EpochTally tally = left_tally_;
      model::nn::BatchStatistics batch(tools_.dense.weights());
      if (const std::string left = StatisticsLeft(); !left.empty())
        batch.Add(left, tools_.model->n_weights());
      tally.aucs.resize(static_cast<size_t>(job_.task_size()));
      for (int w = 0; w < roles_.n_workers; ++w) {
        FromRank(roles_.RankOfWorker(w), [&] {
          const size_t worker = static_cast<size_t>(w);
          all.Append(SliceSums::Parse(sums[worker], data_.rows_of_slices,
                                      static_cast<size_t>(job_.task_size()), n_balance()));
          tally.Merge(EpochTally::Parse(tallies[worker], static_cast<size_t>(job_.task_size())));
          batch.Add(statistics[worker], tools_.model->n_weights());
        });
      }
      progress.set_slice_sums(all.Serialize());
      progress.set_tally(tally.Serialize());
      progress.set_batch_statistics(batch.Serialize());
      StartCheckpoint(std::move(progress), sync_point.stop);
    }
    tools_.group.Barrier("a checkpoint");
    return !sync_point.stop;
  }

  /// The sync point between epochs.
  bool PauseAfterEpoch() {
    SyncPoint sync_point;
    if (tools_.group.IsChief())
      sync_point =
          schedule_->AfterEpoch(totals_.n_epochs - 1, totals_.n_epochs == job_.train().epochs());
    sync_point = SyncPoint::Parse(
        tools_.group.Broadcast(sync_point.Serialize(), "whether to write a checkpoint"));
    if (!sync_point.save) return true;
    profile_.Enter(Stage::kSave);
    if (tools_.group.IsChief())
      StartCheckpoint(ProgressSoFar(static_cast<uint64_t>(StepsOf(totals_.n_epochs))),
                      sync_point.stop);
    tools_.group.Barrier("a checkpoint");
    return !sync_point.stop;
  }

  /// All but what the epoch at hand has.
  Progress ProgressSoFar(uint64_t step) const {
    Progress progress;
    progress.set_epoch(totals_.n_epochs);
    progress.set_next_step(static_cast<int64_t>(step));
    progress.set_n_workers(data_.n_planned_workers);
    progress.set_n_rows(totals_.n_rows);
    progress.set_n_slices(static_cast<int64_t>(data_.rows_of_slices.size()));
    progress.set_n_samples(totals_.n_samples);
    progress.set_train_loss(totals_.train_loss);
    progress.set_metrics(files_.metrics());
    if (!totals_.task_balance.is_null()) progress.set_balance(totals_.task_balance.dump());
    for (const std::vector<double>& losses : balance_.epochs())
      progress.add_losses()->mutable_task()->Assign(losses.begin(), losses.end());
    if (totals_.evaluation) *progress.mutable_evaluated() = MessageOf(*totals_.evaluation);
    if (stopping_) *progress.mutable_stopping() = stopping_->progress();
    progress.set_training_s(totals_.training_s);
    for (const Task& task : job_.task()) progress.add_task_name(task.name());
    return progress;
  }

  /// At the chief, while nobody pushes.
  void StartCheckpoint(Progress progress, bool is_last) {
    Manifest manifest = saved::ManifestOf(job_, data_.normalizer, totals_.n_epochs,
                                          progress.next_step(), tools_.model->n_weights());
    *manifest.mutable_progress() = std::move(progress);
    checkpoints_->Start(std::move(manifest), is_last);
  }

  void SayBackAtWork() {
    totals_.death_to_step_s = UnixNow() - options_.died_at;
    char text[80];
    std::snprintf(text, sizeof(text), "first new step %.2f s after the death of the job",
                  totals_.death_to_step_s);
    printer_->Say(text);
  }

  /// Batch statistics that the resumed checkpoint has of the current epoch; "" for none.
  std::string StatisticsLeft() const {
    const bool is_left = resumed_ != nullptr && totals_.n_epochs == resumed_->epoch();
    return is_left ? resumed_->batch_statistics() : "";
  }

  /// False: the job ends before the epoch does.
  bool TrainEpoch(int64_t epoch, Trainer* trainer) {
    std::vector<EpochTally> tallies(static_cast<size_t>(roles_.n_workers));
    const int64_t n_slices = static_cast<int64_t>(data_.rows_of_slices.size());
    const int64_t interval = std::max<int64_t>(1, n_slices / roles_.n_workers / kReportsPerEpoch);
    int64_t n_done = 0;
    const auto after_slice = [&](const EpochTally& tally) {
      if (options_.died_at > 0 && totals_.death_to_step_s == 0 && tools_.group.IsChief())
        SayBackAtWork();
      // By count, not by time: a simulated run repeats exactly.
      if (++n_done % interval != 0 || options_.progress == ProgressStyle::kNone) return;
      if (!tools_.group.IsChief()) {
        mailbox_->Send(roles_.ChiefRank(),
                       net::Frame(net::FrameKind::kProgress, mailbox_->NewRequestId(),
                                  static_cast<uint64_t>(epoch), tally.Serialize()));
        return;
      }
      TakeProgress(epoch, &tallies);
      tallies[0] = tally;
      printer_->Update(epoch + 1, tallies);
    };
    trainer->BeginEpoch(epoch);
    uint64_t step = resumed_ != nullptr && epoch == resumed_->epoch()
                        ? static_cast<uint64_t>(resumed_->next_step())
                        : static_cast<uint64_t>(StepsOf(epoch));
    // A worker whose part of the epoch is over still takes part in the sync points of the others.
    for (bool is_over = false; !is_over || step != SyncPoint::kNone;) {
      SyncPoint sync_point;
      if (KeepsCheckpoints()) {
        profile_.Enter(Stage::kSync);
        if (schedule_) sync_point = schedule_->InEpoch(epoch, step);
        if (checkpoints_) checkpoints_->Finish(/*wait=*/false);
        sync_point = SyncPoint::Parse(
            tools_.group.Broadcast(sync_point.Serialize(), "whether to write a checkpoint"));
        if (!Pause(sync_point, step, trainer)) return false;
      }
      step = sync_point.next;
      is_over = trainer->Run(step, after_slice);
    }
    trainer->EndEpoch();

    profile_.Enter(Stage::kSync);
    const std::vector<std::string> all_sums =
        tools_.group.Gather(trainer->slice_sums().Serialize(), "the end of an epoch");
    const std::vector<std::string> all_tallies =
        tools_.group.Gather(trainer->tally().Serialize(), "its tally of an epoch");
    // Ranges of an epoch are dealt when all of the one before are finished.
    if (job_.train().staleness() != 0) tools_.group.Barrier("the end of an epoch");
    if (job_.model().hidden().normalization() == Hidden::BATCH)
      StoreBatchStatistics(trainer->batch_statistics(), StatisticsLeft(), job_.table_size(), roles_,
                           &tools_);
    if (tools_.group.IsChief()) SumUpEpoch(epoch, &tallies, all_sums, all_tallies);
    left_sums_ = SliceSums();
    left_tally_ = EpochTally();
    if (!balance_.UsesEpochs()) return true;
    ByteWriter losses;
    losses.PutArray<double>(mean_losses_);
    const std::string known = tools_.group.Broadcast(losses.Take(), "the mean losses of an epoch");
    balance_.AddEpoch(ByteReader(known, "mean losses").GetArray<double>());
    return true;
  }

  /// At the chief: what the epoch showed, from all workers' parts.
  void SumUpEpoch(int64_t epoch, std::vector<EpochTally>* tallies,
                  const std::vector<std::string>& all_sums,
                  const std::vector<std::string>& all_tallies) {
    TakeProgress(epoch, tallies);
    const size_t n_tasks = static_cast<size_t>(job_.task_size());
    EpochTally tally = left_tally_;
    tally.aucs.resize(n_tasks);
    std::vector<SliceSums> sums = {left_sums_};
    for (int w = 0; w < roles_.n_workers; ++w) {
      const size_t worker = static_cast<size_t>(w);
      FromRank(roles_.RankOfWorker(w), [&] {
        const EpochTally own = EpochTally::Parse(all_tallies[worker], n_tasks);
        totals_.worker_samples[worker] += own.n_rows;
        tally.Merge(own);
        sums.push_back(
            SliceSums::Parse(all_sums[worker], data_.rows_of_slices, n_tasks, n_balance()));
      });
    }
    totals_.n_samples += tally.n_rows;
    totals_.waited_s += tally.waited_s;
    const EpochSums total = SumEpoch(data_.rows_of_slices.size(), n_tasks, n_balance(), sums);
    model::balance::BalanceSums balance(n_tasks);
    if (n_balance() > 0) balance.Add(total.balance);
    std::vector<Json> lines;
    totals_.train_loss = 0;
    mean_losses_.clear();
    for (int t = 0; t < job_.task_size(); ++t) {
      const model::TaskSums& task = total.tasks[static_cast<size_t>(t)];
      mean_losses_.push_back(task.loss / task.n);
      totals_.train_loss += (tools_.heads.weight(t) * task.loss + task.own_loss) /
                            static_cast<double>(totals_.n_rows);
      lines.push_back(MetricsLine(epoch + 1, (epoch + 1) * data_.dealer->steps_per_epoch(), "train",
                                  TrainMetrics(job_.task(t).name(), tools_.heads.kind(t), task,
                                               tally.aucs[static_cast<size_t>(t)])));
      if (n_balance() > 0) {
        totals_.task_balance[job_.task(t).name()] = BalanceJson(
            balance.FiguresOf(static_cast<size_t>(t)), static_cast<size_t>(t), TaskNamesOf(job_));
        lines.back().update(totals_.task_balance[job_.task(t).name()]);
      }
      if (task.own_loss != 0)
        lines.back()["own_loss"] = task.own_loss / static_cast<double>(totals_.n_rows);
    }
    files_.AddMetrics(lines);
  }

  void TakeProgress(int64_t epoch, std::vector<EpochTally>* tallies) {
    while (std::optional<net::Frame> frame = mailbox_->Take({net::FrameKind::kProgress})) {
      if (frame->header().clock != static_cast<uint64_t>(epoch)) continue;
      if (roles_.IsServer(frame->source()))
        Fail(net::NameOf(*frame), ", which is a server, expected one from a worker");
      (*tallies)[static_cast<size_t>(roles_.WorkerOfRank(frame->source()))] = FromRank(
          frame->source(),
          [&] { return EpochTally::Parse(frame->text(), static_cast<size_t>(job_.task_size())); });
    }
  }

  bool KeepsBest() const { return stopping_ && job_.train().early_stopping().keep_best(); }

  int64_t StepsOf(int64_t n_epochs) const { return n_epochs * data_.dealer->steps_per_epoch(); }

  /// At the chief: the model as it is now.
  void Save() {
    if (options_.output.empty()) return;
    profile_.Enter(Stage::kSave);
    if (checkpoints_) checkpoints_->Finish(/*wait=*/true);
    saved::SaveModel(saved::ManifestOf(job_, data_.normalizer, totals_.n_epochs,
                                       StepsOf(totals_.n_epochs), tools_.model->n_weights()),
                     options_.output + "/model", &tools_.client);
  }

  /// Everywhere: whether to stop after this evaluation, whose result the chief knows. The best is
  /// saved first.
  bool Judge(EvaluationResult found) {
    std::string stop;
    if (tools_.group.IsChief()) {
      StoppingRule::Verdict verdict;
      if (stopping_) verdict = stopping_->Judge(totals_.n_epochs, found);
      if (!KeepsBest() || verdict.is_best || !totals_.evaluation)
        totals_.evaluation = std::move(found);
      if (KeepsBest() && verdict.is_best) Save();
      if (verdict.stop && totals_.n_epochs < job_.train().epochs()) {
        stop = "stop";
        printer_->Say("no better than after epoch " + std::to_string(stopping_->best_epoch()) +
                      " in " + std::to_string(job_.train().early_stopping().patience()) +
                      " evaluations: training ends here");
      }
    }
    return stopping_ && !tools_.group.Broadcast(stop, "whether to stop").empty();
  }

  /// What the chief found.
  EvaluationResult Evaluate(int64_t epoch) {
    profile_.Enter(Stage::kEvaluation);
    // Every gradient is in before anybody looks, and every row is made.
    if (tools_.group.IsChief())
      totals_.n_rows_made_by_evaluation -= RowsMade(tools_.client.Report());
    tools_.group.Barrier("the start of an evaluation");
    EvaluationResult found = tools_.evaluator->Evaluate(data_.normalizer);
    if (tools_.group.IsChief())
      totals_.n_rows_made_by_evaluation += RowsMade(tools_.client.Report());
    tools_.group.Barrier("the end of an evaluation");
    if (!tools_.group.IsChief()) return found;
    std::vector<Json> lines;
    std::string text = "epoch " + std::to_string(epoch + 1) + "/" +
                       std::to_string(job_.train().epochs()) + "  train loss " +
                       Number(totals_.train_loss) + "  test loss " + Number(found.loss);
    for (const model::metric::TaskMetrics& metrics : found.tasks) {
      lines.push_back(
          MetricsLine(epoch + 1, (epoch + 1) * data_.dealer->steps_per_epoch(), "test", metrics));
      if (metrics.auc) text += "  " + metrics.task + " AUC " + Number(*metrics.auc);
      if (!metrics.auc && metrics.mse) text += "  " + metrics.task + " MSE " + Number(*metrics.mse);
    }
    files_.AddMetrics(lines);
    printer_->Say(text);
    return found;
  }

  static std::string Number(double value) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.5f", value);
    return text;
  }

  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  const Job& job_;
  const Progress* resumed_;  // nullptr: the job begins
  net::RoleMap roles_;
  const JobOptions& options_;
  net::Mailbox* mailbox_;
  Tools tools_;
  Profile profile_;
  model::balance::TaskBalance balance_;
  ResultFiles files_;
  TrainingData data_;
  TrainingTotals totals_;
  ProgressPrinter* printer_ = nullptr;
  std::optional<CheckpointSchedule> schedule_;   // at the chief of a job that keeps checkpoints
  std::optional<CheckpointKeeper> checkpoints_;  // at the chief of a job that keeps checkpoints
  SliceSums left_sums_;              // slices of the resumed epoch that were done before
  EpochTally left_tally_;            // tally of the resumed epoch, up to the checkpoint
  std::vector<double> mean_losses_;  // [n_tasks], in training, of the last epoch; NaN: no labels
  std::optional<StoppingRule> stopping_;
};

}  // namespace

bool RunTraining(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                 net::Mailbox* mailbox) {
  TrainingRun run(manifest, roles, options, mailbox);
  return run.Run();
}

}  // namespace zhiyin::worker::train
