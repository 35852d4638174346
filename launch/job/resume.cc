#include "launch/job/resume.h"

#include <utility>

#include "common/error.h"
#include "common/text.h"
#include "launch/job/load_saved.h"
#include "ps/save/row_carry.h"
#include "worker/saved/checkpoints.h"
#include "worker/saved/job_changes.h"
#include "worker/saved/saved_model.h"
#include "worker/saved/saved_statistics.h"
#include "worker/train/chief_state.h"
#include "worker/train/stopping_rule.h"

namespace zhiyin::launch::job {
namespace {

void NoteCarry(const ps::save::RowCarry& carry,
               const std::function<void(const std::string&)>& note) {
  for (const std::string& line : carry.kept) note("kept: " + line);
  for (const std::string& line : carry.fresh) note("begins anew: " + line);
}

/// Takes the statistics of an earlier job into the manifest, if the job asks for them.
void TakeStatistics(const Job& job, Manifest* manifest,
                    const std::function<void(const std::string&)>& note) {
  if (!job.data().statistics().has_model()) return;
  try {
    const std::string folder = worker::saved::FindModel(job.data().statistics().model());
    worker::saved::PutStatistics(
        worker::saved::StatisticsOfEarlier(job, LoadSaved(folder).back().manifest, folder),
        manifest);
    note("statistics from " + folder);
  } catch (const Error& e) {
    Fail("data.statistics.model: ", e.what());
  }
}

/// Whether the output folder holds the model of the best evaluation. Checkpoints of earlier
/// versions do not tell its digest.
bool HoldsBest(const std::string& output, const Progress::Stopping& stopping) {
  try {
    uint64_t digest = 0;
    const Manifest model = worker::saved::LoadManifest(worker::saved::FindModel(output), &digest);
    return stopping.has_model_digest() ? digest == stopping.model_digest()
                                       : model.epoch() == stopping.best_epoch();
  } catch (const Error&) {
    return false;
  }
}

/// Lets the search for the best model begin anew where the job cannot go on with it. A run that
/// died may have saved a better model after this checkpoint, in place of the best one until then:
/// its evaluation is lost, so the next one has to be the best.
void CheckBest(const std::string& output, const Job& before, const Job& now, Progress* progress,
               const std::function<void(const std::string&)>& note) {
  if (!progress->has_stopping() || !now.train().has_early_stopping()) return;
  const Progress::Stopping& stopping = progress->stopping();
  std::string why;
  if (!worker::train::ComparesAlike(before, now)) {
    why = "the evaluations so far do not compare with later ones";
  } else if (now.train().early_stopping().keep_best() && stopping.best_epoch() > 0 &&
             !HoldsBest(output, stopping)) {
    why = TextOf(output, " does not hold the model of epoch ", stopping.best_epoch(),
                 ", the best one of the checkpoint");
  }
  if (why.empty()) return;
  progress->clear_stopping();
  progress->clear_evaluated();
  progress->clear_validated();
  note("begins anew: train.early_stopping: " + why);
}

}  // namespace

std::optional<JobStart> ResumeFrom(const std::string& output, const Job& job,
                                   const std::function<void(const std::string&)>& note,
                                   const Tick& tick) {
  ps::save::SavedChain saved = worker::saved::NewestCheckpoint(
      output, note,
      [](const ps::save::SavedFolder& checkpoint) {
        worker::train::ReadChiefState(checkpoint.path, checkpoint.manifest);
      },
      tick);
  if (saved.empty()) return {};
  saved = CheckedJob(std::move(saved));
  const std::string& folder = saved.back().path;
  Job now = job;
  Job before = saved.back().manifest.job();
  // The number of slices stays what it was. Without one in either job it is that of the workers at
  // the beginning, which the progress has.
  if (now.train().slices() == 0) now.mutable_train()->set_slices(before.train().slices());
  if (before.train().slices() == 0 && now.train().slices() != 0)
    before.mutable_train()->set_slices(saved.back().manifest.progress().n_workers());
  const worker::saved::JobDifferences differences = worker::saved::Differences(before, now);
  if (!differences.refused.empty())
    Fail("--resume: ", folder, " is of another job: ", differences.refused[0],
         differences.refused.size() > 1
             ? ", and " + std::to_string(differences.refused.size() - 1) + " more"
             : "");
  // The columns of the files are those that the earlier run found, unless the job reads more of
  // them.
  if (!now.data().has_columns() && before.data().has_columns() && differences.added.empty())
    *now.mutable_data()->mutable_columns() = before.data().columns();
  for (const std::string& change : differences.allowed)
    note("changed since the checkpoint: " + change);
  const ps::save::RowCarry carry =
      ps::save::CarryOn(before, now, saved.back().manifest.progress().next_step());
  JobStart start{.manifest = saved.back().manifest,
                 .rows = folder,
                 .inits_dense = carry.tables[kDenseTable].saved == ps::save::TableOrigin::kNone};
  *start.manifest.mutable_job() = now;
  CheckBest(output, before, now, start.manifest.mutable_progress(), note);
  if (!differences.added.empty()) {
    for (const std::string& part : differences.added) note("added since the checkpoint: " + part);
    for (const std::string& change : differences.with_added) note("changed with it: " + change);
    NoteCarry(carry, note);
    // Found again in the first pass over the data, or in that of the earlier job.
    start.manifest.mutable_numeric_mean()->Resize(now.numeric_size(), 0);
    start.manifest.mutable_numeric_scale()->Resize(now.numeric_size(), 1);
    start.manifest.clear_label_sums();
    TakeStatistics(now, &start.manifest, note);
  }
  worker::saved::SetNewerAside(output, folder, note);
  return start;
}

JobStart BeginAnew(const Job& job, const std::function<void(const std::string&)>& note) {
  JobStart start;
  *start.manifest.mutable_job() = job;
  TakeStatistics(job, &start.manifest, note);
  if (!job.train().has_warm_start()) return start;
  try {
    start.rows = worker::saved::FindModel(job.train().warm_start().model());
    const ps::save::RowCarry carry =
        ps::save::CarryOver(LoadSaved(start.rows).back().manifest.job(), job);
    start.inits_dense = carry.tables[kDenseTable].saved == ps::save::TableOrigin::kNone;
    note("warm start from " + start.rows);
    NoteCarry(carry, note);
  } catch (const Error& e) {
    Fail("train.warm_start: ", e.what());
  }
  return start;
}

}  // namespace zhiyin::launch::job
