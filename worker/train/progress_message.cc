#include "worker/train/progress_message.h"

#include "worker/train/evaluation_message.h"

namespace zhiyin::worker::train {

Progress ProgressOf(const Job& job, const TrainingData& data, const TrainingTotals& totals,
                    const std::vector<std::vector<double>>& mean_losses, int64_t next_step) {
  Progress progress;
  progress.set_epoch(totals.n_epochs);
  progress.set_next_step(next_step);
  progress.set_n_workers(data.n_planned_workers);
  progress.set_n_rows(totals.n_rows);
  progress.set_n_slices(data.n_slices);
  progress.set_n_samples(totals.n_samples);
  progress.set_n_left_out(totals.n_left_out);
  progress.set_train_loss(totals.train_loss);
  if (!totals.task_balance.is_null()) progress.set_balance(totals.task_balance.dump());
  for (const std::vector<double>& losses : mean_losses)
    progress.add_losses()->mutable_task()->Assign(losses.begin(), losses.end());
  const auto& [validation, test] = totals.evaluated;
  if (validation) *progress.mutable_validated() = MessageOf(*validation);
  if (test) *progress.mutable_evaluated() = MessageOf(*test);
  progress.set_training_s(totals.training_s);
  for (const Task& task : job.task()) progress.add_task_name(task.name());
  for (const data::FileDigest& file : data.files) {
    Progress::DataFile* saved = progress.add_data_file();
    saved->set_path(file.path);
    saved->set_n_bytes(file.n_bytes);
    saved->set_digest(file.digest);
  }
  return progress;
}

void ResumeTotals(const Progress& progress, TrainingTotals* totals) {
  totals->n_epochs = progress.epoch();
  totals->n_samples = progress.n_samples();
  totals->n_left_out = progress.n_left_out();
  totals->train_loss = progress.train_loss();
  totals->training_s = progress.training_s();
  totals->earlier_s = progress.training_s();
  if (!progress.balance().empty()) totals->task_balance = Json::parse(progress.balance());
  auto& [validation, test] = totals->evaluated;
  if (progress.has_validated()) validation = EvaluationOf(progress.validated());
  if (progress.has_evaluated()) test = EvaluationOf(progress.evaluated());
}

}  // namespace zhiyin::worker::train
