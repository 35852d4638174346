#include "worker/job.h"

#include <glog/logging.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <memory>

#include "common/bytes.h"
#include "common/error.h"
#include "ps/client.h"
#include "worker/balance/task_balance.h"
#include "worker/data/batches.h"
#include "worker/data_pass.h"
#include "worker/dense_weights.h"
#include "worker/epoch_sums.h"
#include "worker/evaluator.h"
#include "worker/group.h"
#include "worker/invariants.h"
#include "worker/model/model.h"
#include "worker/nn/batch_statistics.h"
#include "worker/nn/team.h"
#include "worker/prediction.h"
#include "worker/profile.h"
#include "worker/results.h"
#include "worker/saved_model.h"
#include "worker/stopping_rule.h"
#include "worker/task_heads.h"
#include "worker/trainer.h"

namespace zhiyin::worker {
namespace {

/// Reports of a worker to the chief in an epoch.
constexpr int64_t kReportsPerEpoch = 500;

std::string UtcNow() {
  const std::time_t now = std::time(nullptr);
  std::tm fields{};
  gmtime_r(&now, &fields);  // ranks may be threads of one process
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &fields);
  return text;
}

/// All that a worker needs, whatever it is asked to do.
struct Tools {
  /// `evaluates`: the metrics of the test split are wanted.
  Tools(const Job& job, const RoleMap& roles, bool evaluates, int n_threads, Mailbox* mailbox)
      : team(n_threads),
        group(mailbox, roles),
        client(mailbox, roles, job),
        model(MakeModel(job)),
        dense(TaskBalance::NumWeights(job, *model)),
        heads(job),
        evaluator(evaluates ? std::make_unique<Evaluator>(job, &client, &group, roles.n_workers,
                                                                      model.get(), &dense, &heads)
                                        : nullptr) {}

  Team team;
  Group group;
  ps::Client client;
  std::unique_ptr<Model> model;
  DenseWeights dense;
  TaskHeads heads;
  std::unique_ptr<Evaluator> evaluator;
};

/// The chief gives the model's weights their first values.
void InitDense(const Job& job, Tools* tools) {
  if (tools->group.IsChief() && !tools->dense.keys().empty()) {
    tools->model->InitWeights(Random(job.train().seed(), 0),
                              tools->dense.weights().first(static_cast<size_t>(tools->model->n_weights())));
    tools->client.Assign(kDenseTable, tools->dense.keys(), tools->dense.weight_rows());
  }
  tools->group.Barrier("the model's first weights");
}

/// A training job as one worker sees it.
class TrainingRun {
 public:
  TrainingRun(const Job& job, const RoleMap& roles, const JobOptions& options, Mailbox* mailbox)
      : job_(job),
        roles_(roles),
        options_(options),
        mailbox_(mailbox),
        tools_(job, roles, job.data().has_test(), options.n_threads, mailbox),
        profile_(options.profile, &tools_.client),
        balance_(job, tools_.model.get(), &profile_),
        files_(options.output) {
    if (job.train().has_early_stopping()) stopping_.emplace(job);
  }

  void Run() {
    const auto started = std::chrono::steady_clock::now();
    const std::string started_at = UtcNow();
    profile_.Enter(Stage::kFirstPass);
    ReadData();
    profile_.Enter(Stage::kOther);
    InitDense(job_, &tools_);
    ProgressPrinter printer(tools_.group.IsChief() ? options_.progress : ProgressStyle::kNone, TaskNames(),
                            job_.train().epochs(), n_rows_, options_.print);
    printer_ = &printer;
    const auto began = std::chrono::steady_clock::now();
    Trainer trainer(job_, dealer_.get(), reader_.get(), &mailbox_->endpoint(), &tools_.client,
                    tools_.model.get(), &tools_.dense, &tools_.heads, &balance_, &profile_,
                    [this] { mailbox_->SayAlive(); });
    double training_s = 0;
    bool stopped = false;
    while (n_epochs_ < job_.train().epochs() && !stopped) {
      const int64_t epoch = n_epochs_;
      const auto epoch_began = std::chrono::steady_clock::now();
      TrainEpoch(epoch, &trainer);
      training_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - epoch_began).count();
      ++n_epochs_;
      if (tools_.evaluator && (n_epochs_ == job_.train().epochs() || n_epochs_ % job_.evaluation().every_epochs() == 0)) {
        EvaluationResult found = Evaluate(epoch);
        stopped = Judge(std::move(found));
      }
    }
    // Without a best, where its metric was never defined, the last is kept.
    const bool has_best = KeepsBest() && stopping_->best_epoch() > 0;
    if (!has_best && tools_.group.IsChief()) Save();
    if (evaluation_) {
      printer.Say((has_best ? "\nthe best, after epoch " + std::to_string(stopping_->best_epoch()) + ": " : "\n") +
                  "test split, " + std::to_string(evaluation_->n_rows) + " rows:\n" + MetricsTable(evaluation_->tasks));
    }
    profile_.Enter(Stage::kMeeting);
    const std::vector<std::string> all_counts =
        tools_.group.Gather(SerializeCounts(tools_.client.counts()), "its counts");
    const std::vector<double> worker_stages = GatherProfiles();
    if (!tools_.group.IsChief()) return;
    const ps::ServerReport report = tools_.client.Report();
    const JobCounts counts = CountsOf(all_counts, report);
    const std::vector<std::string> invariants = CheckInvariants(counts);
    const double reading_s = std::chrono::duration<double>(began - started).count();
    const double total_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    // Of the workers' time in epochs, the part in which they waited for servers. Simulated waits take no
    // time.
    const double wait_share = waited_s_ / (roles_.n_workers * training_s);
    const bool is_timed = !mailbox_->endpoint().TimeIsVirtual();
    Json summary = {{"name", job_.name()},
                    {"network", options_.network},
                    {"servers", roles_.n_servers},
                    {"workers", roles_.n_workers},
                    {"threads", options_.n_threads},
                    {"seed", job_.train().seed()},
                    {"started", started_at},
                    {"seconds", total_s},
                    {"seconds_reading", reading_s},
                    {"seconds_training", training_s},
                    {"epochs", n_epochs_},
                    {"steps", StepsOf(n_epochs_)},
                    {"train_rows", n_rows_},
                    {"malformed_lines", n_bad_},
                    {"samples", n_samples_},
                    {"worker_samples", worker_samples_},
                    {"samples_per_second", static_cast<double>(n_samples_) / training_s},
                    {"wait_share", is_timed ? Json(wait_share) : Json(nullptr)},
                    {"train_loss", train_loss_},
                    {"test_loss", evaluation_ ? Json(evaluation_->loss) : Json(nullptr)},
                    {"tasks", Json::object()}};
    if (evaluation_) {
      for (const TaskMetrics& metrics : evaluation_->tasks)
        summary["tasks"][metrics.task] = MetricsObject(metrics);
    }
    if (!task_balance_.empty()) summary["balance"] = task_balance_;
    if (stopping_) summary["early_stopping"] = {{"stopped", stopped}, {"best_epoch", stopping_->best_epoch()}};
    summary.update(ReportJson(report));
    summary.update(InvariantsJson(invariants, counts));
    if (options_.profile) {
      summary["profile"] = {{"workers", ProfileJson(kStageNames, worker_stages)},
                            {"servers", ProfileJson(ps::kServerStageNames, report.stage_s)}};
    }
    summary["config"] = ConfigJson(job_);
    files_.WriteSummary(summary);
    if (options_.take_summary) options_.take_summary(summary);
    char line[160];
    std::snprintf(line, sizeof(line), "%lld samples in %.1f s (%.0f samples/s), reading took %.1f s",
                  static_cast<long long>(n_samples_), training_s,
                  static_cast<double>(n_samples_) / training_s, reading_s);
    printer.Say(line);
    for (const ps::ServerReport::Poisoned& refused : report.poisoned) {
      printer.Say(std::to_string(refused.n_pushes) + " pushes of rank " + std::to_string(refused.rank) +
                  " were refused for gradients of table " + refused.table + ", see " +
                  (options_.output.empty() ? "the log" : options_.output + "/poisoned"));
    }
    if (is_timed) {
      std::snprintf(line, sizeof(line), "workers waited for servers in %.0f %% of that time",
                    100 * wait_share);
      printer.Say(line);
    }
    if (options_.profile) {
      printer.Say("\n" + ProfileTable(Counted(roles_.n_workers, "worker"), kStageNames, worker_stages));
      printer.Say(ProfileTable(Counted(roles_.n_servers, "server"), ps::kServerStageNames, report.stage_s));
    }
    if (!options_.output.empty()) printer.Say("model, metrics and summary are in " + options_.output);
  }

 private:
  std::vector<std::string> TaskNames() const {
    std::vector<std::string> names;
    for (const Task& task : job_.task()) names.push_back(task.name());
    return names;
  }

  /// At the chief: seconds by stage, over all workers. Nothing without --profile.
  std::vector<double> GatherProfiles() {
    if (!options_.profile) return {};
    const std::vector<std::string> all = tools_.group.Gather(SerializeSeconds(profile_.Seconds()), "its profile");
    std::vector<double> sum(kStageNames.size());
    for (size_t w = 0; w < all.size(); ++w) {
      const std::vector<double> own =
          FromRank(roles_.RankOfWorker(static_cast<int>(w)), [&] { return ParseSeconds(all[w]); });
      for (size_t s = 0; s < sum.size(); ++s) sum[s] += own[s];
    }
    return sum;
  }

  JobCounts CountsOf(const std::vector<std::string>& workers, const ps::ServerReport& servers) const {
    JobCounts counts;
    counts.staleness = job_.train().staleness();
    counts.n_rows = n_rows_;
    counts.n_epochs = n_epochs_;
    counts.n_samples = n_samples_;
    counts.n_rows_made_by_evaluation = n_rows_made_by_evaluation_;
    counts.servers = servers;
    for (int w = 0; w < roles_.n_workers; ++w) {
      counts.workers.push_back(
          FromRank(roles_.RankOfWorker(w), [&] { return ParseCounts(workers[static_cast<size_t>(w)]); }));
    }
    return counts;
  }

  /// First pass over both splits: statistics, counts, malformed lines. Then it is known who trains on what.
  void ReadData() {
    const int n_workers = roles_.n_workers;
    const int worker = tools_.group.worker();
    const int64_t shuffle_rows = job_.data().shuffle_rows();
    const bool synchronous = job_.train().staleness() == 0;
    const int n_slices = SlicesOfStep(job_.train(), n_workers);
    const auto on_bad = [&](const BadLine& line) { CheckBadLine(line, job_.data()); };
    const int64_t n_kept = shuffle_rows * (synchronous ? (n_slices + n_workers - 1) / n_workers : 1);
    reader_ = std::make_unique<SliceReader>(MakeSource(job_, SplitKind::kTrain), job_.train().seed(), n_kept);
    const BlockSummaries train = ShareSummaries(
        reader_->FirstPass(FirstDeal(job_.train(), n_workers), worker, on_bad, [this] { mailbox_->SayAlive(); }),
        job_, "train", &tools_.group);
    const SplitSummary summary = SplitSummary::Of(train);
    n_rows_ = summary.n_rows;
    n_bad_ = summary.n_bad;
    normalizer_ = NormalizerFor(job_, summary);
    if (tools_.evaluator) {
      const BlockSummaries own = tools_.evaluator->Load(on_bad);
      n_bad_ += SplitSummary::Of(ShareSummaries(own, job_, "test", &tools_.group)).n_bad;
    }
    const int64_t rows_per_slice = std::max(job_.train().batch_size() / n_slices, 1);
    if (synchronous) {
      StreamPlan plan(train, n_slices, rows_per_slice, shuffle_rows);
      reader_->Start(plan.runs(), normalizer_, /*in_one_pass=*/true);
      dealer_ = MakeStreamDealer(job_, std::move(plan), worker, n_workers, reader_.get(), &tools_.client);
    } else {
      RangePlan plan(train, n_workers, rows_per_slice, shuffle_rows);
      reader_->Start(plan.runs(), normalizer_, /*in_one_pass=*/false);
      dealer_ = MakeRangeDealer(job_, std::move(plan), worker, n_workers, reader_.get(), &tools_.client);
    }
    rows_of_slices_ = dealer_->RowsOfSlices();
    worker_samples_.resize(static_cast<size_t>(n_workers));
  }

  void TrainEpoch(int64_t epoch, Trainer* trainer) {
    std::vector<EpochTally> tallies(static_cast<size_t>(roles_.n_workers));
    const int64_t n_slices = static_cast<int64_t>(rows_of_slices_.size());
    const int64_t interval = std::max<int64_t>(1, n_slices / roles_.n_workers / kReportsPerEpoch);
    int64_t n_done = 0;
    trainer->TrainEpoch(epoch, [&](const EpochTally& tally) {
      // By count, not by time: a simulated run repeats exactly.
      if (++n_done % interval != 0 || options_.progress == ProgressStyle::kNone) return;
      if (!tools_.group.IsChief()) {
        mailbox_->Send(roles_.ChiefRank(), Frame(FrameKind::kProgress, mailbox_->NewRequestId(),
                                                 static_cast<uint64_t>(epoch), tally.Serialize()));
        return;
      }
      TakeProgress(epoch, &tallies);
      tallies[0] = tally;
      printer_->Update(epoch + 1, tallies);
    });

    profile_.Enter(Stage::kMeeting);
    const std::vector<std::string> all_sums =
        tools_.group.Gather(trainer->slice_sums().Serialize(), "the end of an epoch");
    const std::vector<std::string> all_tallies =
        tools_.group.Gather(trainer->tally().Serialize(), "its tally of an epoch");
    // Ranges of an epoch are dealt when all of the one before are finished.
    if (job_.train().staleness() != 0) tools_.group.Barrier("the end of an epoch");
    if (job_.model().hidden().normalization() == Hidden::BATCH) KeepBatchStatistics(trainer->batch_statistics());
    if (tools_.group.IsChief()) SumUpEpoch(epoch, &tallies, all_sums, all_tallies);
    if (!balance_.UsesEpochs()) return;
    ByteWriter losses;
    losses.PutArray<double>(mean_losses_);
    const std::string known = tools_.group.Broadcast(losses.Take(), "the mean losses of an epoch");
    balance_.AddEpoch(ByteReader(known, "mean losses").GetArray<double>());
  }

  /// At the chief: what the epoch showed, from all workers' parts.
  void SumUpEpoch(int64_t epoch, std::vector<EpochTally>* tallies, const std::vector<std::string>& all_sums,
                  const std::vector<std::string>& all_tallies) {
    TakeProgress(epoch, tallies);
    const size_t n_tasks = static_cast<size_t>(job_.task_size());
    const size_t n_balance = balance_.HasSums() ? balance_.sums().numbers().size() : 0;
    EpochTally tally;
    std::vector<SliceSums> sums;
    for (int w = 0; w < roles_.n_workers; ++w) {
      const size_t worker = static_cast<size_t>(w);
      FromRank(roles_.RankOfWorker(w), [&] {
        const EpochTally own = EpochTally::Parse(all_tallies[worker], n_tasks);
        worker_samples_[worker] += own.n_rows;
        tally.Merge(own);
        sums.push_back(SliceSums::Parse(all_sums[worker], rows_of_slices_, n_tasks, n_balance));
      });
    }
    n_samples_ += tally.n_rows;
    waited_s_ += tally.waited_s;
    const EpochSums total = SumEpoch(rows_of_slices_.size(), n_tasks, n_balance, sums);
    BalanceSums balance(n_tasks);
    if (n_balance > 0) balance.Add(total.balance);
    std::vector<Json> lines;
    train_loss_ = 0;
    mean_losses_.clear();
    for (int t = 0; t < job_.task_size(); ++t) {
      const TaskSums& task = total.tasks[static_cast<size_t>(t)];
      mean_losses_.push_back(task.loss / task.n);
      train_loss_ += (tools_.heads.weight(t) * task.loss + task.own_loss) / static_cast<double>(n_rows_);
      lines.push_back(MetricsLine(epoch + 1, (epoch + 1) * dealer_->steps_per_epoch(), "train",
                                  TrainMetrics(job_.task(t).name(), tools_.heads.kind(t), task,
                                               tally.aucs[static_cast<size_t>(t)])));
      if (n_balance > 0) {
        task_balance_[job_.task(t).name()] = balance.Describe(static_cast<size_t>(t), TaskNames());
        lines.back().update(task_balance_[job_.task(t).name()]);
      }
      if (task.own_loss != 0) lines.back()["own_loss"] = task.own_loss / static_cast<double>(n_rows_);
    }
    files_.AddMetrics(lines);
  }

  void TakeProgress(int64_t epoch, std::vector<EpochTally>* tallies) {
    while (std::optional<Frame> frame = mailbox_->Take({FrameKind::kProgress})) {
      if (frame->header().clock != static_cast<uint64_t>(epoch)) continue;
      if (roles_.IsServer(frame->source()))
        Fail(NameOf(*frame), ", which is a server, expected one from a worker");
      (*tallies)[static_cast<size_t>(roles_.WorkerOfRank(frame->source()))] = FromRank(frame->source(), [&] {
        return EpochTally::Parse(frame->text(), static_cast<size_t>(job_.task_size()));
      });
    }
  }

  /// Sets what batch normalisation uses outside of training. Everybody has pushed, and nobody pulls before the chief is done.
  void KeepBatchStatistics(const BatchStatistics& own) {
    const std::vector<std::string> all = tools_.group.Gather(own.Serialize(), "its batch statistics");
    if (tools_.group.IsChief()) {
      DenseWeights* dense = &tools_.dense;
      BatchStatistics total(dense->weights());
      for (int w = 0; w < roles_.n_workers; ++w) {
        FromRank(roles_.RankOfWorker(w), [&] {
          total.Add(all[static_cast<size_t>(w)], tools_.model->n_weights());
        });
      }
      ps::Exchange exchange;
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
    SaveModel(job_, normalizer_, n_epochs_, StepsOf(n_epochs_), tools_.model->n_weights(), options_.output,
              &tools_.client);
  }

  /// Everywhere: whether to stop after this evaluation, whose result the chief knows. The best is saved first.
  bool Judge(EvaluationResult found) {
    std::string stop;
    if (tools_.group.IsChief()) {
      StoppingRule::Verdict verdict;
      if (stopping_) verdict = stopping_->Judge(n_epochs_, found);
      if (!KeepsBest() || verdict.is_best || !evaluation_) evaluation_ = std::move(found);
      if (KeepsBest() && verdict.is_best) Save();
      if (verdict.stop && n_epochs_ < job_.train().epochs()) {
        stop = "stop";
        printer_->Say("no better than after epoch " + std::to_string(stopping_->best_epoch()) + " in " +
                      std::to_string(job_.train().early_stopping().patience()) + " evaluations: training ends here");
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
    std::string text = "epoch " + std::to_string(epoch + 1) + "/" + std::to_string(job_.train().epochs()) +
                       "  train loss " + Number(train_loss_) + "  test loss " + Number(found.loss);
    for (const TaskMetrics& metrics : found.tasks) {
      lines.push_back(MetricsLine(epoch + 1, (epoch + 1) * dealer_->steps_per_epoch(), "test", metrics));
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

  const Job& job_;
  RoleMap roles_;
  const JobOptions& options_;
  Mailbox* mailbox_;
  Tools tools_;
  Profile profile_;
  TaskBalance balance_;
  ResultFiles files_;
  std::vector<int64_t> rows_of_slices_;  // of an epoch, by number
  Normalizer normalizer_;
  std::unique_ptr<SliceReader> reader_;
  std::unique_ptr<Dealer> dealer_;
  ProgressPrinter* printer_ = nullptr;
  int64_t n_rows_ = 0;
  int64_t n_bad_ = 0;
  int64_t n_samples_ = 0;  // trained on, all workers and epochs
  int64_t n_rows_made_by_evaluation_ = 0;
  std::vector<int64_t> worker_samples_;  // [worker], the same of each
  double waited_s_ = 0;    // the same
  double train_loss_ = 0;
  Json task_balance_;                // by task, of the last epoch; null: nothing to tell
  std::vector<double> mean_losses_;  // [n_tasks], in training, of the last epoch; NaN: no labels
  std::optional<StoppingRule> stopping_;
  int64_t n_epochs_ = 0;  // that are over
  std::optional<EvaluationResult> evaluation_;  // of the model that is saved
};

/// Throws Error unless the saved model has as many weights as this program's.
void CheckModel(const Manifest& manifest, const Model& model) {
  if (manifest.n_weights() == model.n_weights()) return;
  Fail("the saved model has ", manifest.n_weights(), " weights beside its tables, this program's model has ",
       model.n_weights(), ": it was saved by another version");
}

}  // namespace

void RunTraining(const Job& job, const RoleMap& roles, const JobOptions& options, Mailbox* mailbox) {
  TrainingRun run(job, roles, options, mailbox);
  run.Run();
}

void RunEvaluation(const Manifest& manifest, const RoleMap& roles, const JobOptions& options,
                   Mailbox* mailbox) {
  const Job& job = manifest.job();
  if (!job.data().has_test())
    Fail("data.test: the model's job names no test split: add --set data.test.file=...");
  Tools tools(job, roles, /*evaluates=*/true, options.n_threads, mailbox);
  CheckModel(manifest, *tools.model);
  const auto on_bad = [&](const BadLine& line) { CheckBadLine(line, job.data()); };
  ShareSummaries(tools.evaluator->Load(on_bad), job, "test", &tools.group);
  const EvaluationResult result = tools.evaluator->Evaluate(NormalizerOf(manifest));
  if (!tools.group.IsChief()) return;
  options.print("test split, " + std::to_string(result.n_rows) + " rows:\n" + MetricsTable(result.tasks));
  Json summary = {{"name", job.name()},         {"network", options.network}, {"servers", roles.n_servers},
                  {"workers", roles.n_workers}, {"epoch", manifest.epoch()},  {"step", manifest.step()},
                  {"test_loss", result.loss},   {"tasks", Json::object()}};
  for (const TaskMetrics& metrics : result.tasks) summary["tasks"][metrics.task] = MetricsObject(metrics);
  ResultFiles(options.output).WriteSummary(summary);
}

void RunPrediction(const Manifest& manifest, const RoleMap& roles, const JobOptions& options,
                   Mailbox* mailbox) {
  const Job& job = manifest.job();
  if (!job.data().has_test())
    Fail("data.test: the model's job names no rows to predict: add --set data.test.file=...");
  Tools tools(job, roles, /*evaluates=*/false, options.n_threads, mailbox);
  CheckModel(manifest, *tools.model);
  const std::unique_ptr<Source> source = MakeSource(job, SplitKind::kTest, LabelUse::kIgnored);
  Scorer scorer(job, &tools.client, tools.model.get(), &tools.dense, &tools.heads);
  const PredictionCounts counts = WritePredictions(options.output, NormalizerOf(manifest), tools.heads,
                                                   source.get(), &scorer, roles.n_workers, &tools.group);
  if (!tools.group.IsChief()) return;
  options.print("predictions of " + std::to_string(counts.n_rows) + " rows, " + std::to_string(counts.n_bad) +
                " of them malformed and left empty, are in " + options.output + "\n");
}

}  // namespace zhiyin::worker
