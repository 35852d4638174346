#include <glog/logging.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "common/bytes.h"
#include "common/error.h"
#include "common/file.h"
#include "common/wall_clock.h"
#include "worker/data/slice_reader.h"
#include "worker/model/balance/task_balance.h"
#include "worker/model/label_domains.h"
#include "worker/model/nn/batch_statistics.h"
#include "worker/saved/checkpoints.h"
#include "worker/saved/saved_model.h"
#include "worker/train/checkpoint_schedule.h"
#include "worker/train/data_pass.h"
#include "worker/train/epoch_sums.h"
#include "worker/train/evaluation_message.h"
#include "worker/train/invariants.h"
#include "worker/train/job.h"
#include "worker/train/profile.h"
#include "worker/train/results.h"
#include "worker/train/stopping_rule.h"
#include "worker/train/tools.h"
#include "worker/train/trainer.h"

namespace zhiyin::worker::train {
namespace {

/// Reports of a worker to the chief in an epoch.
constexpr int64_t kReportsPerEpoch = 500;
/// Where the job does not say: those that are written since it was asked to end.
constexpr int kKeptCheckpoints = 2;

/// The chief gives the model's weights their first values.
void InitDense(const Job& job, Tools* tools) {
  if (tools->group.IsChief() && !tools->dense.keys().empty()) {
    tools->model->InitWeights(
        Random(job.train().seed(), 0),
        tools->dense.weights().first(static_cast<size_t>(tools->model->n_weights())));
    tools->client.Assign(kDenseTable, tools->dense.keys(), tools->dense.weight_rows());
  }
  tools->group.Barrier("the model's first weights");
}

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
  }

  /// False: the job was asked to end early, and did, after a checkpoint.
  bool Run() {
    profile_.Enter(Stage::kFirstPass);
    ReadData();
    profile_.Enter(Stage::kOther);
    if (options_.inits_dense) InitDense(job_, &tools_);
    ProgressPrinter printer(tools_.group.IsChief() ? options_.progress : ProgressStyle::kNone,
                            TaskNames(), job_.train().epochs(), n_rows_, options_.print);
    printer_ = &printer;
    reading_s_ = SecondsSinceStart();
    Trainer trainer(job_, dealer_.get(), reader_.get(), &mailbox_->endpoint(), &tools_.client,
                    tools_.model.get(), &tools_.dense, &tools_.heads, &balance_, &profile_,
                    [this] { mailbox_->SendHeartbeat(); });
    if (resumed_ != nullptr) GoOn();
    if (KeepsCheckpoints() && tools_.group.IsChief()) {
      const bool has_config = job_.train().has_checkpoint();
      checkpoints_.emplace(options_.output,
                           has_config ? job_.train().checkpoint().keep() : kKeptCheckpoints,
                           has_config ? job_.train().checkpoint().full_every() : 1, &tools_.client);
      schedule_.emplace(job_, dealer_->steps_per_epoch(),
                        resumed_ != nullptr ? resumed_->next_step() : 0, &mailbox_->endpoint(),
                        options_.stop_requested);
    }
    bool stopped = false;
    while (n_epochs_ < job_.train().epochs() && !stopped) {
      const int64_t epoch = n_epochs_;
      const auto epoch_began = std::chrono::steady_clock::now();
      const bool is_whole = TrainEpoch(epoch, &trainer);
      training_s_ +=
          std::chrono::duration<double>(std::chrono::steady_clock::now() - epoch_began).count();
      if (!is_whole) return false;
      ++n_epochs_;
      if (tools_.evaluator && (n_epochs_ == job_.train().epochs() ||
                               n_epochs_ % job_.evaluation().every_epochs() == 0)) {
        EvaluationResult found = Evaluate(epoch);
        stopped = Judge(std::move(found));
      }
      if (KeepsCheckpoints() && !stopped && !MeetAfterEpoch()) return false;
    }
    FinishCheckpoint(/*wait=*/true);
    // Without a best, where its metric was never defined, the last is kept.
    const bool has_best = KeepsBest() && stopping_->best_epoch() > 0;
    if (!has_best && tools_.group.IsChief()) Save();
    if (evaluation_) {
      printer.Say((has_best
                       ? "\nthe best, after epoch " + std::to_string(stopping_->best_epoch()) + ": "
                       : "\n") +
                  "test split, " + std::to_string(evaluation_->n_rows) + " rows:\n" +
                  MetricsTable(evaluation_->tasks));
    }
    Conclude(stopped);
    return true;
  }

 private:
  /// After the last epoch: counts are gathered, and the chief tells what was done.
  void Conclude(bool stopped) {
    profile_.Enter(Stage::kMeeting);
    const std::vector<std::string> all_counts =
        tools_.group.Gather(SerializeCounts(tools_.client.counts()), "its counts");
    const std::vector<double> worker_stages = GatherProfiles();
    if (!tools_.group.IsChief()) return;
    const ps::ServerReport report = tools_.client.Report();
    const Json summary = Summary(report, CountsOf(all_counts, report), worker_stages, stopped);
    files_.WriteSummary(summary);
    if (options_.take_summary) options_.take_summary(summary);
    SayEnd(report, worker_stages);
  }

  /// Throws where an invariant of the job does not hold.
  Json Summary(const ps::ServerReport& report, const JobCounts& counts,
               const std::vector<double>& worker_stages, bool stopped) const {
    Json summary = {{"name", job_.name()},
                    {"network", options_.network},
                    {"servers", roles_.n_servers},
                    {"workers", roles_.n_workers},
                    {"threads", options_.n_threads},
                    {"seed", job_.train().seed()},
                    {"started", started_at_},
                    {"seconds", SecondsSinceStart()},
                    {"seconds_reading", reading_s_},
                    {"seconds_training", training_s_},
                    {"epochs", n_epochs_},
                    {"steps", StepsOf(n_epochs_)},
                    {"train_rows", n_rows_},
                    {"malformed_lines", n_bad_},
                    {"samples", n_samples_},
                    {"worker_samples", worker_samples_},
                    {"samples_per_second", static_cast<double>(n_samples_) / training_s_},
                    {"wait_share", IsTimed() ? Json(WaitShare()) : Json(nullptr)},
                    {"train_loss", train_loss_},
                    {"test_loss", evaluation_ ? Json(evaluation_->loss) : Json(nullptr)},
                    {"tasks", Json::object()}};
    if (evaluation_) {
      for (const model::metric::TaskMetrics& metrics : evaluation_->tasks)
        summary["tasks"][metrics.task] = MetricsObject(metrics);
    }
    if (!task_balance_.empty()) summary["balance"] = task_balance_;
    if (resumed_ != nullptr) summary["resumed_at_step"] = resumed_->next_step();
    if (options_.died_at > 0) summary["seconds_from_death_to_step"] = death_to_step_s_;
    if (stopping_)
      summary["early_stopping"] = {{"stopped", stopped}, {"best_epoch", stopping_->best_epoch()}};
    summary.update(ReportJson(report));
    summary.update(InvariantsJson(CheckInvariants(counts), counts));
    if (options_.profile) {
      summary["profile"] = {{"workers", ProfileJson(kStageNames, worker_stages)},
                            {"servers", ProfileJson(ps::kServerStageNames, report.stage_s)}};
    }
    summary["config"] = ConfigJson(job_);
    return summary;
  }

  void SayEnd(const ps::ServerReport& report, const std::vector<double>& worker_stages) const {
    char line[160];
    std::snprintf(line, sizeof(line),
                  "%lld samples in %.1f s (%.0f samples/s), reading took %.1f s",
                  static_cast<long long>(n_samples_), training_s_,
                  static_cast<double>(n_samples_) / training_s_, reading_s_);
    printer_->Say(line);
    for (const ps::ServerReport::NonFinite& refused : report.non_finite) {
      printer_->Say(std::to_string(refused.n_pushes) + " pushes of rank " +
                    std::to_string(refused.rank) + " were refused for gradients of table " +
                    refused.table + ", see " +
                    (options_.output.empty() ? "the log" : options_.output + "/poisoned"));
    }
    if (IsTimed()) {
      std::snprintf(line, sizeof(line), "workers waited for servers in %.0f %% of that time",
                    100 * WaitShare());
      printer_->Say(line);
    }
    if (options_.profile) {
      printer_->Say("\n" +
                    ProfileTable(Counted(roles_.n_workers, "worker"), kStageNames, worker_stages));
      printer_->Say(
          ProfileTable(Counted(roles_.n_servers, "server"), ps::kServerStageNames, report.stage_s));
    }
    if (!options_.output.empty())
      printer_->Say("model, metrics and summary are in " + options_.output);
  }

  double SecondsSinceStart() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }
  /// Simulated waits take no time.
  bool IsTimed() const { return !mailbox_->endpoint().TimeIsVirtual(); }
  /// Of the workers' time in epochs, the part in which they waited for servers.
  double WaitShare() const { return waited_s_ / (roles_.n_workers * training_s_); }

  std::vector<std::string> TaskNames() const {
    std::vector<std::string> names;
    for (const Task& task : job_.task()) names.push_back(task.name());
    return names;
  }

  /// At the chief: seconds by stage, over all workers. Nothing without --profile.
  std::vector<double> GatherProfiles() {
    if (!options_.profile) return {};
    const std::vector<std::string> all =
        tools_.group.Gather(SerializeSeconds(profile_.Seconds()), "its profile");
    std::vector<double> sum(kStageNames.size());
    for (size_t w = 0; w < all.size(); ++w) {
      const std::vector<double> own =
          FromRank(roles_.RankOfWorker(static_cast<int>(w)), [&] { return ParseSeconds(all[w]); });
      for (size_t s = 0; s < sum.size(); ++s) sum[s] += own[s];
    }
    return sum;
  }

  JobCounts CountsOf(const std::vector<std::string>& workers,
                     const ps::ServerReport& servers) const {
    JobCounts counts;
    counts.staleness = job_.train().staleness();
    counts.n_rows = n_rows_;
    counts.n_epochs = n_epochs_;
    counts.n_samples = n_samples_;
    counts.n_rows_made_by_evaluation = n_rows_made_by_evaluation_;
    counts.servers = servers;
    for (int w = 0; w < roles_.n_workers; ++w) {
      counts.workers.push_back(FromRank(
          roles_.RankOfWorker(w), [&] { return ParseCounts(workers[static_cast<size_t>(w)]); }));
    }
    return counts;
  }

  /// First pass over both splits: statistics, counts, malformed lines. Then it is known who trains
  /// on what.
  void ReadData() {
    const int n_workers = roles_.n_workers;
    const int worker = tools_.group.worker();
    const int64_t shuffle_rows = job_.data().shuffle_rows();
    const bool synchronous = job_.train().staleness() == 0;
    const int n_slices = SlicesOfStep(job_.train(), n_workers);
    // What decides the slices of an epoch stays what it was when the job began.
    n_planned_workers_ = resumed_ != nullptr ? resumed_->n_workers() : n_workers;
    const auto on_bad = [&](const data::BadLine& line) { CheckBadLine(line, job_.data()); };
    const int64_t n_kept =
        shuffle_rows * (synchronous ? (n_slices + n_workers - 1) / n_workers : 1);
    reader_ = std::make_unique<data::SliceReader>(
        data::MakeSource(job_, data::SplitKind::kTrain, model::LabelDomainsOf(job_)),
        job_.train().seed(), n_kept, data::Augmenter(job_));
    const data::BlockSummaries train =
        ShareSummaries(reader_->FirstPass(FirstDeal(job_.train(), n_workers), worker, on_bad,
                                          [this] { mailbox_->SendHeartbeat(); }),
                       job_, "train", &tools_.group);
    const data::SplitSummary summary = data::SplitSummary::Of(train);
    n_rows_ = summary.n_rows;
    n_bad_ = summary.n_bad;
    normalizer_ = NormalizerFor(job_, summary);
    if (tools_.evaluator) {
      const data::BlockSummaries own = tools_.evaluator->Load(on_bad);
      n_bad_ += data::SplitSummary::Of(ShareSummaries(own, job_, "test", &tools_.group)).n_bad;
    }
    const int64_t rows_per_slice = std::max(job_.train().batch_size() / n_slices, 1);
    if (synchronous) {
      data::StreamPlan plan(train, n_slices, rows_per_slice, shuffle_rows);
      reader_->Start(plan.runs(), normalizer_, /*in_one_pass=*/true);
      dealer_ =
          MakeStreamDealer(job_, std::move(plan), worker, n_workers, reader_.get(), &tools_.client);
    } else {
      data::RangePlan plan(train, n_planned_workers_, rows_per_slice, shuffle_rows, ps::kMaxRanges);
      reader_->Start(plan.runs(), normalizer_, /*in_one_pass=*/false);
      dealer_ =
          MakeRangeDealer(job_, std::move(plan), worker, n_workers, reader_.get(), &tools_.client);
    }
    rows_of_slices_ = dealer_->RowsOfSlices();
    worker_samples_.resize(static_cast<size_t>(n_workers));
    if (resumed_ == nullptr) return;
    const int64_t n_all = static_cast<int64_t>(rows_of_slices_.size());
    if (resumed_->n_rows() != n_rows_ || resumed_->n_slices() != n_all) {
      Fail("data.train: has ", n_rows_, " rows in ", n_all, " slices, expected ",
           resumed_->n_rows(), " in ", resumed_->n_slices(), " as when the checkpoint was written");
    }
    if (resumed_->next_step() < StepsOf(resumed_->epoch()) ||
        resumed_->next_step() > StepsOf(resumed_->epoch() + 1))
      Fail("the checkpoint: damaged: step ", resumed_->next_step(), " is none of epoch ",
           resumed_->epoch() + 1);
  }

  bool KeepsCheckpoints() const {
    return !options_.output.empty() && (job_.train().has_checkpoint() || options_.stop_requested);
  }

  /// Takes up what the checkpoint says, before the first epoch.
  void GoOn() {
    const Progress& left = *resumed_;
    n_epochs_ = left.epoch();
    n_samples_ = left.n_samples();
    train_loss_ = left.train_loss();
    training_s_ = left.training_s();
    const std::vector<std::string> saved_tasks(left.task_name().begin(), left.task_name().end());
    const TaskOrder order(saved_tasks, TaskNames());
    for (const Progress::Losses& losses : left.losses()) {
      if (losses.task_size() != left.task_name_size())
        Fail("the checkpoint: damaged: losses of ", losses.task_size(), " tasks of ",
             saved_tasks.size());
      // NaN, as of a task without labels.
      balance_.AddEpoch(
          order.Of(std::vector<double>(losses.task().begin(), losses.task().end()), std::nan("")));
    }
    if (!left.slice_sums().empty()) {
      const bool is_same = saved_tasks == TaskNames();
      const size_t n_saved_balance =
          n_balance() > 0 ? model::balance::BalanceSums(saved_tasks.size()).numbers().size() : 0;
      left_sums_ =
          SliceSums::Parse(left.slice_sums(), rows_of_slices_, saved_tasks.size(), n_saved_balance);
      left_tally_ = EpochTally::Parse(left.tally(), saved_tasks.size());
      if (!is_same) {
        left_sums_ = order.Of(left_sums_, n_balance());
        left_tally_.aucs = order.Of(left_tally_.aucs, model::metric::RunningAuc());
      }
    }
    dealer_->GoOn(left.epoch(), left.next_step(), left_sums_.numbers);
    if (tools_.group.IsChief()) {
      files_.Continue(left.metrics());
      if (!left.balance().empty()) task_balance_ = Json::parse(left.balance());
      if (left.has_evaluated()) evaluation_ = EvaluationOf(left.evaluated());
      if (stopping_) stopping_->GoOn(left.stopping());
      printer_->Say("resumed at step " + std::to_string(left.next_step()) + ", in epoch " +
                    std::to_string(left.epoch() + 1));
    }
    tools_.group.Barrier("where the job stands");
  }

  size_t n_balance() const { return balance_.HasSums() ? balance_.sums().numbers().size() : 0; }

  /// All meet; false: the job ends here. `step`: all before it are done, and none after.
  bool Meet(const Meeting& meeting, uint64_t step, Trainer* trainer) {
    if (!meeting.save) return true;
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
      AddStatisticsLeft(&batch);
      tally.aucs.resize(static_cast<size_t>(job_.task_size()));
      for (int w = 0; w < roles_.n_workers; ++w) {
        FromRank(roles_.RankOfWorker(w), [&] {
          const size_t worker = static_cast<size_t>(w);
          all.Append(SliceSums::Parse(sums[worker], rows_of_slices_,
                                      static_cast<size_t>(job_.task_size()), n_balance()));
          tally.Merge(EpochTally::Parse(tallies[worker], static_cast<size_t>(job_.task_size())));
          batch.Add(statistics[worker], tools_.model->n_weights());
        });
      }
      progress.set_slice_sums(all.Serialize());
      progress.set_tally(tally.Serialize());
      progress.set_batch_statistics(batch.Serialize());
      StartCheckpoint(std::move(progress), meeting.stop);
    }
    tools_.group.Barrier("a checkpoint");
    return !meeting.stop;
  }

  /// The same between epochs.
  bool MeetAfterEpoch() {
    Meeting meeting;
    if (tools_.group.IsChief())
      meeting = schedule_->AfterEpoch(n_epochs_ - 1, n_epochs_ == job_.train().epochs());
    meeting = Meeting::Parse(
        tools_.group.Broadcast(meeting.Serialize(), "whether to write a checkpoint"));
    if (!meeting.save) return true;
    profile_.Enter(Stage::kSave);
    if (tools_.group.IsChief())
      StartCheckpoint(ProgressSoFar(static_cast<uint64_t>(StepsOf(n_epochs_))), meeting.stop);
    tools_.group.Barrier("a checkpoint");
    return !meeting.stop;
  }

  /// All but what the epoch at hand has.
  Progress ProgressSoFar(uint64_t step) const {
    Progress progress;
    progress.set_epoch(n_epochs_);
    progress.set_next_step(static_cast<int64_t>(step));
    progress.set_n_workers(n_planned_workers_);
    progress.set_n_rows(n_rows_);
    progress.set_n_slices(static_cast<int64_t>(rows_of_slices_.size()));
    progress.set_n_samples(n_samples_);
    progress.set_train_loss(train_loss_);
    progress.set_metrics(files_.metrics());
    if (!task_balance_.is_null()) progress.set_balance(task_balance_.dump());
    for (const std::vector<double>& losses : balance_.epochs())
      progress.add_losses()->mutable_task()->Assign(losses.begin(), losses.end());
    if (evaluation_) *progress.mutable_evaluated() = MessageOf(*evaluation_);
    if (stopping_) *progress.mutable_stopping() = stopping_->progress();
    progress.set_training_s(training_s_);
    for (const Task& task : job_.task()) progress.add_task_name(task.name());
    return progress;
  }

  /// Begins one; nobody pushes meanwhile. The last of the job is there when this returns, others
  /// are written while training goes on.
  void StartCheckpoint(Progress progress, bool is_last) {
    FinishCheckpoint(/*wait=*/true);
    const int64_t step = progress.next_step();
    Manifest manifest =
        saved::ManifestOf(job_, normalizer_, n_epochs_, step, tools_.model->n_weights());
    *manifest.mutable_progress() = std::move(progress);
    checkpoint_began_ = std::chrono::steady_clock::now();
    try {
      checkpoints_->Start(std::move(manifest));
    } catch (const FileError& e) {
      SayNoCheckpoint(step, e, is_last);
    }
    if (is_last) FinishCheckpoint(/*wait=*/true, is_last);
  }

  /// At the chief, where one is being written: looks whether it is there, for which `wait` waits.
  void FinishCheckpoint(bool wait, bool is_last = false) {
    if (!checkpoints_ || !checkpoints_->step()) return;
    const int64_t step = *checkpoints_->step();
    try {
      if (!checkpoints_->Finish(wait)) return;
      n_failed_checkpoints_ = 0;
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - checkpoint_began_)
              .count();
      char text[100];
      std::snprintf(text, sizeof(text), "checkpoint at step %lld, written in %.2f s%s",
                    static_cast<long long>(step), seconds,
                    is_last ? ": the job ends here, as it was asked to" : "");
      printer_->Say(text);
    } catch (const FileError& e) {
      SayNoCheckpoint(step, e, is_last);
    }
  }

  void SayNoCheckpoint(int64_t step, const FileError& e, bool is_last) {
    if (is_last || ++n_failed_checkpoints_ > job_.train().checkpoint().max_failures())
      Fail("checkpoint at step ", step, ": ", e.what(), ": the job ends, ", NewestLeft());
    printer_->Say("WARNING: no checkpoint at step " + std::to_string(step) + ": " + e.what() +
                  ": the job goes on, " + NewestLeft());
  }

  void SayBackAtWork() {
    death_to_step_s_ = UnixNow() - options_.died_at;
    char text[80];
    std::snprintf(text, sizeof(text), "first new step %.2f s after the death of the job",
                  death_to_step_s_);
    printer_->Say(text);
  }

  std::string NewestLeft() const {
    const std::vector<std::string> left = saved::FindCheckpoints(options_.output);
    return left.empty() ? "there is none before it" : "the newest is " + left[0];
  }

  void AddStatisticsLeft(model::nn::BatchStatistics* statistics) const {
    const bool is_left = resumed_ != nullptr && n_epochs_ == resumed_->epoch() &&
                         !resumed_->batch_statistics().empty();
    if (is_left) statistics->Add(resumed_->batch_statistics(), tools_.model->n_weights());
  }

  /// False: the job ends before the epoch does.
  bool TrainEpoch(int64_t epoch, Trainer* trainer) {
    std::vector<EpochTally> tallies(static_cast<size_t>(roles_.n_workers));
    const int64_t n_slices = static_cast<int64_t>(rows_of_slices_.size());
    const int64_t interval = std::max<int64_t>(1, n_slices / roles_.n_workers / kReportsPerEpoch);
    int64_t n_done = 0;
    const auto after_slice = [&](const EpochTally& tally) {
      if (options_.died_at > 0 && death_to_step_s_ == 0 && tools_.group.IsChief()) SayBackAtWork();
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
    // A worker whose part of the epoch is over still comes to the meetings of the others.
    for (bool is_over = false; !is_over || step != Meeting::kNone;) {
      Meeting meeting;
      if (KeepsCheckpoints()) {
        profile_.Enter(Stage::kMeeting);
        if (schedule_) meeting = schedule_->InEpoch(epoch, step);
        FinishCheckpoint(/*wait=*/false);
        meeting = Meeting::Parse(
            tools_.group.Broadcast(meeting.Serialize(), "whether to write a checkpoint"));
        if (!Meet(meeting, step, trainer)) return false;
      }
      step = meeting.next;
      is_over = trainer->Run(step, after_slice);
    }
    trainer->EndEpoch();

    profile_.Enter(Stage::kMeeting);
    const std::vector<std::string> all_sums =
        tools_.group.Gather(trainer->slice_sums().Serialize(), "the end of an epoch");
    const std::vector<std::string> all_tallies =
        tools_.group.Gather(trainer->tally().Serialize(), "its tally of an epoch");
    // Ranges of an epoch are dealt when all of the one before are finished.
    if (job_.train().staleness() != 0) tools_.group.Barrier("the end of an epoch");
    if (job_.model().hidden().normalization() == Hidden::BATCH)
      KeepBatchStatistics(trainer->batch_statistics());
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
        worker_samples_[worker] += own.n_rows;
        tally.Merge(own);
        sums.push_back(SliceSums::Parse(all_sums[worker], rows_of_slices_, n_tasks, n_balance()));
      });
    }
    n_samples_ += tally.n_rows;
    waited_s_ += tally.waited_s;
    const EpochSums total = SumEpoch(rows_of_slices_.size(), n_tasks, n_balance(), sums);
    model::balance::BalanceSums balance(n_tasks);
    if (n_balance() > 0) balance.Add(total.balance);
    std::vector<Json> lines;
    train_loss_ = 0;
    mean_losses_.clear();
    for (int t = 0; t < job_.task_size(); ++t) {
      const model::TaskSums& task = total.tasks[static_cast<size_t>(t)];
      mean_losses_.push_back(task.loss / task.n);
      train_loss_ +=
          (tools_.heads.weight(t) * task.loss + task.own_loss) / static_cast<double>(n_rows_);
      lines.push_back(MetricsLine(epoch + 1, (epoch + 1) * dealer_->steps_per_epoch(), "train",
                                  TrainMetrics(job_.task(t).name(), tools_.heads.kind(t), task,
                                               tally.aucs[static_cast<size_t>(t)])));
      if (n_balance() > 0) {
        task_balance_[job_.task(t).name()] = BalanceJson(balance.FiguresOf(static_cast<size_t>(t)),
                                                         static_cast<size_t>(t), TaskNames());
        lines.back().update(task_balance_[job_.task(t).name()]);
      }
      if (task.own_loss != 0)
        lines.back()["own_loss"] = task.own_loss / static_cast<double>(n_rows_);
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

  /// Sets what batch normalisation uses outside of training. Everybody has pushed, and nobody pulls
  /// before the chief is done.
  void KeepBatchStatistics(const model::nn::BatchStatistics& own) {
    const std::vector<std::string> all =
        tools_.group.Gather(own.Serialize(), "its batch statistics");
    if (tools_.group.IsChief()) {
      model::DenseWeights* dense = &tools_.dense;
      model::nn::BatchStatistics total(dense->weights());
      AddStatisticsLeft(&total);
      for (int w = 0; w < roles_.n_workers; ++w) {
        FromRank(roles_.RankOfWorker(w),
                 [&] { total.Add(all[static_cast<size_t>(w)], tools_.model->n_weights()); });
      }
      ps::client::Exchange exchange;
      exchange.parts.resize(static_cast<size_t>(job_.table_size()) + 1);
      exchange.parts[kDenseTable] = {dense->keys(), true, dense->weight_rows().data(), nullptr};
      tools_.client.PeekStart(&exchange);
      tools_.client.PullFinish(&exchange);
      total.Write(dense->weights());
      tools_.client.Assign(kDenseTable, dense->keys(), dense->weight_rows());
    }
    tools_.group.Barrier("batch statistics");
  }

  bool KeepsBest() const { return stopping_ && job_.train().early_stopping().keep_best(); }

  int64_t StepsOf(int64_t n_epochs) const { return n_epochs * dealer_->steps_per_epoch(); }

  /// At the chief: the model as it is now.
  void Save() {
    if (options_.output.empty()) return;
    profile_.Enter(Stage::kSave);
    FinishCheckpoint(/*wait=*/true);
    saved::SaveModel(saved::ManifestOf(job_, normalizer_, n_epochs_, StepsOf(n_epochs_),
                                       tools_.model->n_weights()),
                     options_.output + "/model", &tools_.client);
  }

  /// Everywhere: whether to stop after this evaluation, whose result the chief knows. The best is
  /// saved first.
  bool Judge(EvaluationResult found) {
    std::string stop;
    if (tools_.group.IsChief()) {
      StoppingRule::Verdict verdict;
      if (stopping_) verdict = stopping_->Judge(n_epochs_, found);
      if (!KeepsBest() || verdict.is_best || !evaluation_) evaluation_ = std::move(found);
      if (KeepsBest() && verdict.is_best) Save();
      if (verdict.stop && n_epochs_ < job_.train().epochs()) {
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
    if (tools_.group.IsChief()) n_rows_made_by_evaluation_ -= RowsMade(tools_.client.Report());
    tools_.group.Barrier("the start of an evaluation");
    EvaluationResult found = tools_.evaluator->Evaluate(normalizer_);
    if (tools_.group.IsChief()) n_rows_made_by_evaluation_ += RowsMade(tools_.client.Report());
    tools_.group.Barrier("the end of an evaluation");
    if (!tools_.group.IsChief()) return found;
    std::vector<Json> lines;
    std::string text = "epoch " + std::to_string(epoch + 1) + "/" +
                       std::to_string(job_.train().epochs()) + "  train loss " +
                       Number(train_loss_) + "  test loss " + Number(found.loss);
    for (const model::metric::TaskMetrics& metrics : found.tasks) {
      lines.push_back(
          MetricsLine(epoch + 1, (epoch + 1) * dealer_->steps_per_epoch(), "test", metrics));
      if (metrics.auc) text += "  " + metrics.task + " AUC " + Number(*metrics.auc);
      if (!metrics.auc && metrics.mse) text += "  " + metrics.task + " MSE " + Number(*metrics.mse);
    }
    files_.AddMetrics(lines);
    printer_->Say(text);
    return found;
  }

  static int64_t RowsMade(const ps::ServerReport& report) {
    int64_t n = 0;
    for (const ps::ServerReport::TableCount& table : report.tables) n += table.counts.created;
    return n;
  }

  static std::string Counted(int n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
  }

  static std::string Number(double value) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.5f", value);
    return text;
  }

  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  const std::string started_at_ = UtcNow();
  const Job& job_;
  const Progress* resumed_;  // nullptr: the job begins
  net::RoleMap roles_;
  const JobOptions& options_;
  net::Mailbox* mailbox_;
  Tools tools_;
  Profile profile_;
  model::balance::TaskBalance balance_;
  ResultFiles files_;
  std::vector<int64_t> rows_of_slices_;  // of an epoch, by number
  data::Normalizer normalizer_;
  std::unique_ptr<data::SliceReader> reader_;
  std::unique_ptr<Dealer> dealer_;
  ProgressPrinter* printer_ = nullptr;
  std::optional<CheckpointSchedule> schedule_;  // the chief's, where there is one
  int n_planned_workers_ = 0;
  std::optional<saved::CheckpointWriter> checkpoints_;  // the chief's, where there is a schedule
  std::chrono::steady_clock::time_point checkpoint_began_;
  int n_failed_checkpoints_ = 0;  // in a row
  double death_to_step_s_ = 0;
  SliceSums left_sums_;    // of the epoch that was resumed: what had been done of it
  EpochTally left_tally_;  // the same
  double reading_s_ = 0;
  double training_s_ = 0;
  int64_t n_rows_ = 0;
  int64_t n_bad_ = 0;
  int64_t n_samples_ = 0;  // trained on, all workers and epochs
  int64_t n_rows_made_by_evaluation_ = 0;
  std::vector<int64_t> worker_samples_;  // [worker], the same of each
  double waited_s_ = 0;                  // the same
  double train_loss_ = 0;
  Json task_balance_;                // by task, of the last epoch; null: nothing to tell
  std::vector<double> mean_losses_;  // [n_tasks], in training, of the last epoch; NaN: no labels
  std::optional<StoppingRule> stopping_;
  int64_t n_epochs_ = 0;                        // that are over
  std::optional<EvaluationResult> evaluation_;  // of the model that is saved
};

}  // namespace

bool RunTraining(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                 net::Mailbox* mailbox) {
  TrainingRun run(manifest, roles, options, mailbox);
  return run.Run();
}

}  // namespace zhiyin::worker::train
