#include "worker/train/training_run.h"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "common/bytes.h"
#include "common/wall_clock.h"
#include "ps/slices.h"
#include "worker/saved/saved_model.h"
#include "worker/saved/saved_statistics.h"
#include "worker/train/epoch_evaluation.h"
#include "worker/train/invariants.h"
#include "worker/train/label_classes.h"
#include "worker/train/left_out.h"
#include "worker/train/model_weights.h"
#include "worker/train/one_pass.h"
#include "worker/train/products_used.h"
#include "worker/train/progress_message.h"

namespace zhiyin::worker::train {
namespace {

/// The job with the number of its slices. Where it names none, there is one for each of the workers
/// that it began with, also when others resume it. Saved is the job as it was configured.
Job WithSlices(const Manifest& manifest, int n_workers) {
  Job job = manifest.job();
  const int n_first_workers = manifest.has_progress() ? manifest.progress().n_workers() : n_workers;
  job.mutable_train()->set_slices(ps::SlicesOfStep(job.train(), n_first_workers));
  return job;
}

/// The statistics that training begins with, where they are not those of the examples: of an
/// earlier job, or those that a resumed job began with. Where inputs or tasks were added, the
/// manifest has none.
std::optional<saved::FirstStatistics> KnownStatistics(const Manifest& manifest) {
  if (!manifest.job().data().has_statistics()) return {};
  return saved::StatisticsOf(manifest);
}

/// The splits whose indexes the chief is to find or keep; none elsewhere.
std::vector<data::SplitKind> NamedSplits(const Job& job, bool is_chief) {
  if (!is_chief) return {};
  std::vector<data::SplitKind> splits = data::EvaluatedSplits(job.data());
  splits.push_back(data::SplitKind::kTrain);
  return splits;
}

}  // namespace

TrainingRun::TrainingRun(const Manifest& manifest, const net::RoleMap& roles,
                         const JobOptions& options, net::Mailbox* mailbox)
    : manifest_(manifest),
      job_(WithSlices(manifest, roles.n_workers)),
      resumed_(manifest.has_progress() ? &manifest.progress() : nullptr),
      roles_(roles),
      options_(options),
      mailbox_(mailbox),
      indexes_(job_, FoldersOfTraining(job_, options.output),
               NamedSplits(job_, mailbox->endpoint().rank() == roles.ChiefRank()),
               [mailbox] { mailbox->SendHeartbeat(); }),
      tools_(job_, roles, data::EvaluatedSplits(job_.data()), options.n_threads, mailbox),
      profile_(options.profile, &tools_.client),
      balance_(job_, tools_.model.get()),
      selection_(job_),
      files_(options.output) {
  totals_.started = UtcNow();
  totals_.is_timed = !mailbox->endpoint().TimeIsVirtual();
  totals_.worker_samples.resize(static_cast<size_t>(roles.n_workers));
  if (resumed_ != nullptr) totals_.resumed_at_step = resumed_->next_step();
}

bool TrainingRun::Run() {
  Prepare();
  if (!RunEpochs()) return false;
  Conclude();
  return true;
}

void TrainingRun::Prepare() {
  profile_.Enter(Stage::kFirstPass);
  const std::optional<saved::FirstStatistics> known = KnownStatistics(manifest_);
  data_ = ReadTrainingData(job_, resumed_, known ? &*known : nullptr, roles_, &indexes_, &tools_);
  n_bytes_before_ = tools_.reads.n_bytes;
  TakeRowCounts();
  profile_.Enter(Stage::kOther);
  const ProductsUsed products = GatherProductsUsed(job_.train(), &tools_.group);
  totals_.products = products.backends;
  if (options_.inits_dense) InitModelWeights(job_, data_.first_outputs, &tools_);
  printer_.emplace(IsChief() ? options_.progress : ProgressStyle::kNone, TaskNamesOf(job_),
                   job_.train().epochs(), totals_.n_rows, options_.print);
  if (IsChief()) {
    for (const std::string& note : data_.notes) printer_->Say(note);
    for (const std::string& note : products.notes) printer_->Say(note);
  }
  reports_.emplace(roles_, options_.progress, static_cast<size_t>(job_.task_size()), data_.n_slices,
                   mailbox_, &*printer_);
  totals_.reading_s = SecondsSince(started_);
  trainer_.emplace(job_, data_.dealer.get(), data_.slices(), &mailbox_->endpoint(),
                   &data_.statistics.normalizer, RowsOfEpoch(), &tools_.client, tools_.model.get(),
                   &tools_.dense, &tools_.heads, &balance_, &profile_,
                   [this] { mailbox_->SendHeartbeat(); });
  if (resumed_ != nullptr) Resume();
  const bool keeps_checkpoints = !options_.output.empty() && !job_.data().one_pass() &&
                                 (job_.train().has_checkpoint() || options_.stop_requested);
  if (!keeps_checkpoints) return;
  const SyncPoints::Settings settings = {
      .output = options_.output,
      .steps_per_epoch = data_.dealer->steps_per_epoch(),
      .first_step = resumed_ != nullptr ? resumed_->next_step() : 0,
      .stop_requested = options_.stop_requested,
      .say = [this](const std::string& line) { printer_->Say(line); }};
  sync_points_.emplace(job_, settings, &mailbox_->endpoint(), &tools_.client, &tools_.group);
}

void TrainingRun::Resume() {
  totals_.n_epochs = resumed_->epoch();
  for (std::vector<double>& losses : LossesOfCheckpoint(*resumed_, TaskNamesOf(job_)))
    balance_.AddEpoch(std::move(losses));
  if (IsChief()) {
    ChiefState state = ReadChiefState(options_.loaded_from, manifest_);
    files_.Continue(std::move(state.metrics));
    if (state.part)
      left_ = OrderedPart(*state.part, SavedTasksOf(*resumed_), TaskNamesOf(job_),
                          Shape().sums.n_balance);
    if (options_.inits_dense) left_.batch_statistics.clear();
    ResumeTotals(*resumed_, &totals_);
    selection_.Resume(*resumed_);
    printer_->Say("resumed at step " + std::to_string(resumed_->next_step()) + ", in epoch " +
                  std::to_string(resumed_->epoch() + 1));
  }
  data_.dealer->Resume(resumed_->epoch(), resumed_->next_step(), left_.sums.Slices());
  tools_.group.Barrier("where the job stands");
}

bool TrainingRun::RunEpochs() {
  while (totals_.n_epochs < job_.train().epochs() && !stopped_early_) {
    epoch_began_ = Clock::now();
    const bool is_whole = TrainEpoch(totals_.n_epochs);
    totals_.training_s += SecondsSince(epoch_began_);
    if (!is_whole) return false;
    ++totals_.n_epochs;
    const bool is_last = totals_.n_epochs == job_.train().epochs();
    if (!tools_.evaluators.empty() &&
        (is_last || totals_.n_epochs % job_.evaluation().every_epochs() == 0)) {
      // An evaluation that fails does not cost what was trained.
      if (IsChief() && selection_.KeepsUnjudged(is_last)) SaveModel();
      stopped_early_ = Judge(Evaluate());
    }
    if (!sync_points_ || stopped_early_) continue;
    const SyncPoint sync_point = sync_points_->AfterEpoch(totals_.n_epochs - 1, is_last);
    if (!Pause(sync_point, StepsOf(totals_.n_epochs), /*in_epoch=*/false)) return false;
  }
  return true;
}

void TrainingRun::Conclude() {
  if (sync_points_) sync_points_->Finish();
  if (IsChief() && !selection_.HasBest()) SaveModel();
  if (!totals_.evaluated.IsEmpty()) printer_->Say(selection_.ReportText(totals_.evaluated));
  profile_.Enter(Stage::kSync);
  const std::vector<std::string> all_counts =
      tools_.group.Gather(SerializeCounts(tools_.client.counts()), "its counts");
  totals_.reads = GatherReads(tools_.reads, n_bytes_before_, &tools_.group);
  const std::vector<double> worker_stages =
      options_.profile ? GatherSeconds(&profile_, roles_, &tools_.group) : std::vector<double>();
  if (!IsChief()) return;
  const ps::ServerReport report = tools_.client.Report();
  totals_.seconds = SecondsSince(started_);
  totals_.n_steps = StepsOf(totals_.n_epochs);
  if (selection_.HasRule()) totals_.early_stopping = {stopped_early_, selection_.best_epoch()};
  const Json summary =
      TrainingSummary(job_, roles_, options_, totals_,
                      CountsOf(job_, roles_, totals_, all_counts, report), worker_stages);
  tools_.group.WaitForDisk([&] { files_.WriteSummary(summary); });
  if (options_.take_summary) options_.take_summary(summary);
  for (const std::string& line :
       ClosingLines(job_, roles_, options_, totals_, report, worker_stages))
    printer_->Say(line);
}

bool TrainingRun::TrainEpoch(int64_t epoch) {
  const auto after_slice = [&](const EpochTally& tally) {
    if (options_.died_at > 0 && totals_.death_to_step_s == 0 && IsChief()) SayBackAtWork();
    if (job_.data().one_pass()) SayIfAskedToStop();
    reports_->AfterSlice(tally);
  };
  reports_->BeginEpoch(epoch);
  trainer_->BeginEpoch(epoch);
  const bool is_resumed = resumed_ != nullptr && epoch == resumed_->epoch();
  uint64_t step = static_cast<uint64_t>(is_resumed ? resumed_->next_step() : StepsOf(epoch));
  // A worker whose part of the epoch is over still takes part in the sync points of the others.
  for (bool is_over = false; !is_over || step != SyncPoint::kNone;) {
    SyncPoint sync_point;
    if (sync_points_) {
      profile_.Enter(Stage::kSync);
      sync_point = sync_points_->InEpoch(epoch, step);
      if (!Pause(sync_point, static_cast<int64_t>(step), /*in_epoch=*/true)) return false;
    }
    step = sync_point.next;
    is_over = trainer_->Run(step, after_slice);
  }
  trainer_->EndEpoch();
  EndEpoch(epoch);
  return true;
}

void TrainingRun::EndEpoch(int64_t epoch) {
  profile_.Enter(Stage::kSync);
  if (job_.data().one_pass()) EndOnePass();
  WorkerParts parts;
  parts.sums = tools_.group.Gather(trainer_->epoch_sums().Serialize(), "the end of an epoch");
  parts.tallies = tools_.group.Gather(trainer_->tally().Serialize(), "its tally of an epoch");
  // Ranges of an epoch are dealt when all of the one before are finished.
  if (job_.train().staleness() != 0) tools_.group.Barrier("the end of an epoch");
  if (job_.model().hidden().normalization() == Hidden::BATCH)
    StoreBatchStatistics(trainer_->batch_statistics(), left_.batch_statistics, job_.table_size(),
                         roles_, &tools_);
  std::vector<double> mean_losses;  // known to the chief
  if (IsChief()) {
    reports_->TakeArrived();
    EpochSummary summary = SumUpEpoch(tools_.heads, Shape(), left_, parts, roles_);
    CheckLeftOut(summary.left_out, totals_.n_rows, epoch + 1);
    SayLeftOut(summary);
    AddEpoch(summary, &totals_);
    const std::vector<Json> lines = TrainLines(epoch + 1, StepsOf(epoch + 1), summary);
    tools_.group.WaitForDisk([&] { files_.AddMetrics(lines); });
    mean_losses = std::move(summary.mean_losses);
  }
  left_ = EpochPart();
  if (!balance_.UsesEpochs()) return;
  ByteWriter losses;
  losses.PutArray<double>(mean_losses);
  const std::string known = tools_.group.Broadcast(losses.Take(), "the mean losses of an epoch");
  balance_.AddEpoch(ByteReader(known, "mean losses").GetArray<double>());
}

void TrainingRun::EndOnePass() {
  const bool sees_files = data_.units != nullptr;
  const data::UnitFindings found =
      ShareUnits(sees_files ? data_.units->findings() : data::UnitFindings(), data_.ranges, job_,
                 &tools_.group, sees_files);
  const int n_slices = ps::SlicesOfStep(job_.train(), roles_.n_workers);
  steps_of_one_pass_ = (found.n_batches + n_slices - 1) / n_slices;
  const auto say = [this](const std::string& line) {
    if (IsChief()) printer_->Say(line);
  };
  TakeUnits(job_, found, &data_, say);
  if (IsChief()) NoteLabels(job_, data::SplitKind::kTrain, found.summary);
  TakeRowCounts();
}

void TrainingRun::TakeRowCounts() {
  totals_.n_rows = data_.n_rows;
  totals_.n_bad = data_.n_bad;
  if (job_.data().join_size() > 0) totals_.joins = JoinsJson(data_.joins, data_.n_bad_joined);
}

void TrainingRun::SayLeftOut(const EpochSummary& summary) {
  std::vector<std::string> notes =
      data::UnpredictedNotes(summary.left_out, summary.n_samples, "left out of training");
  // Names are of the first epoch that leaves out any: those of later ones are most often alike.
  if (totals_.n_left_out > 0 && notes.size() > 1) notes.resize(1);
  for (const std::string& note : notes) printer_->Say(note);
}

Evaluations TrainingRun::Evaluate() {
  profile_.Enter(Stage::kEvaluation);
  EpochEvaluation evaluation = EvaluateModel(data_.statistics.normalizer, &tools_);
  if (!IsChief()) return {};
  totals_.n_rows_made_by_evaluation += evaluation.n_rows_made;
  const std::vector<Json> lines =
      EvaluationLines(totals_.n_epochs, StepsOf(totals_.n_epochs), evaluation.found);
  tools_.group.WaitForDisk([&] { files_.AddMetrics(lines); });
  printer_->Say(EvaluationLine(totals_.n_epochs, job_.train().epochs(), totals_.train_loss,
                               evaluation.found));
  ForEachEvaluation(evaluation.found, [&](data::SplitKind, const EvaluationResult& result) {
    for (const std::string& note :
         data::UnpredictedNotes(result.unpredicted, result.n_rows, kCountsInNoMetric))
      printer_->Say(note);
  });
  return std::move(evaluation.found);
}

bool TrainingRun::Judge(Evaluations found) {
  std::string stop;  // "" to train on
  if (IsChief()) {
    const ModelSelection::Decision decision =
        selection_.Decide(totals_.n_epochs, found.Deciding(), !totals_.evaluated.IsEmpty());
    if (decision.reports) totals_.evaluated = std::move(found);
    if (decision.saves) SaveModel();
    if (decision.stops) {
      stop = "stop";
      printer_->Say(selection_.StopLine());
    }
  }
  return selection_.HasRule() && !tools_.group.Broadcast(stop, "whether to stop").empty();
}

bool TrainingRun::Pause(const SyncPoint& sync_point, int64_t step, bool in_epoch) {
  if (!sync_point.save) return true;
  profile_.Enter(Stage::kSave);
  WorkerParts parts;
  if (in_epoch) {
    trainer_->Settle();
    parts = GatherParts(trainer_->epoch_sums(), trainer_->tally(), trainer_->batch_statistics(),
                        &tools_.group);
  }
  if (IsChief()) {
    Manifest manifest = ManifestNow(step);
    Progress* progress = manifest.mutable_progress();
    *progress = ProgressOf(job_, data_, totals_, balance_.epochs(), step);
    if (in_epoch) progress->set_training_s(totals_.training_s + SecondsSince(epoch_began_));
    selection_.Save(progress);
    sync_points_->Start(std::move(manifest), StateNow(parts, in_epoch).Serialize(),
                        sync_point.stop);
  }
  tools_.group.Barrier("a checkpoint");
  return !sync_point.stop;
}

void TrainingRun::SaveModel() {
  if (options_.output.empty() || saved_at_epoch_ == totals_.n_epochs) return;
  saved_at_epoch_ = totals_.n_epochs;
  profile_.Enter(Stage::kSave);
  if (sync_points_) sync_points_->Finish();
  selection_.ModelSaved(saved::SaveModel(ManifestNow(StepsOf(totals_.n_epochs)),
                                         options_.output + "/model", &tools_.client,
                                         [this](const std::string& line) { printer_->Say(line); }));
}

Manifest TrainingRun::ManifestNow(int64_t step) const {
  Manifest manifest = saved::ManifestOf(manifest_.job(), data_.statistics.normalizer,
                                        totals_.n_epochs, step, tools_.model->n_weights());
  saved::PutStatistics(data_.statistics, &manifest);
  return manifest;
}

void TrainingRun::SayIfAskedToStop() {
  if (has_said_no_stop_ || !IsChief() || !options_.stop_requested || !options_.stop_requested())
    return;
  has_said_no_stop_ = true;
  printer_->Say(
      "note: asked to end early, but a job with data.one_pass keeps no checkpoints: it goes on");
}

void TrainingRun::SayBackAtWork() {
  totals_.death_to_step_s = UnixNow() - options_.died_at;
  char text[80];
  std::snprintf(text, sizeof(text), "first new step %.2f s after the death of the job",
                totals_.death_to_step_s);
  printer_->Say(text);
}

EpochShape TrainingRun::Shape() const {
  return {.sums = {.n_slices = static_cast<size_t>(data_.n_slices),
                   .n_tasks = static_cast<size_t>(job_.task_size()),
                   .n_balance = balance_.HasSums() ? balance_.sums().numbers().size() : 0},
          .n_rows = data_.n_rows,
          .n_weights = tools_.model->n_weights()};
}

ChiefState TrainingRun::StateNow(const WorkerParts& parts, bool in_epoch) const {
  ChiefState state{.metrics = files_.metrics(), .part = {}};
  if (in_epoch) state.part = MergeParts(left_, parts, Shape(), roles_);
  return state;
}

}  // namespace zhiyin::worker::train
