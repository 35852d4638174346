#include "launch/job/resume.h"

#include <utility>

#include "common/error.h"
#include "launch/job/load_saved.h"
#include "ps/save/row_carry.h"
#include "worker/saved/checkpoints.h"
#include "worker/saved/job_changes.h"
#include "worker/train/chief_state.h"
#include "worker/train/stopping_rule.h"

namespace zhiyin::launch::job {
namespace {

void NoteCarry(const ps::save::RowCarry& carry,
               const std::function<void(const std::string&)>& note) {
  for (const std::string& line : carry.kept) note("kept: " + line);
  for (const std::string& line : carry.fresh) note("begins anew: " + line);
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
  if (Progress& progress = *start.manifest.mutable_progress();
      progress.has_stopping() && now.train().has_early_stopping() &&
      !worker::train::ComparesAlike(before, now)) {
    progress.clear_stopping();
    progress.clear_evaluated();
    note(
        "begins anew: train.early_stopping: the evaluations so far do not compare with later ones");
  }
  if (!differences.added.empty()) {
    for (const std::string& part : differences.added) note("added since the checkpoint: " + part);
    for (const std::string& change : differences.with_added) note("changed with it: " + change);
    NoteCarry(carry, note);
    // Found again in the first pass over the data.
    start.manifest.mutable_numeric_mean()->Resize(now.numeric_size(), 0);
    start.manifest.mutable_numeric_scale()->Resize(now.numeric_size(), 1);
  }
  worker::saved::SetNewerAside(output, folder, note);
  return start;
}

JobStart BeginAnew(const Job& job, const std::function<void(const std::string&)>& note) {
  JobStart start;
  *start.manifest.mutable_job() = job;
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
