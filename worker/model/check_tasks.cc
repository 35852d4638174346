#include "worker/model/check_tasks.h"

#include <memory>
#include <set>
#include <string>

#include "worker/data/check_inputs.h"
#include "worker/model/check_model.h"
#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model {
namespace {

void CheckSampleSpace(const config::Checker& check, const config::ConfigPath& path,
                      const Label& space, const Data& data, const data::KnownColumns& columns) {
  if (space.column().empty()) check.Fail(path, "has no column");
  data::CheckLabel(check, path, space, data, columns);
}

/// Checks the mean label that a task gives.
void CheckLabelMean(const config::Checker& check, const config::ConfigPath& path,
                    const Task& task) {
  const config::ConfigPath mean = path("label_mean");
  const loss::LossKind* const kind = loss::ChosenLoss(task);
  if (kind->first_output == nullptr)
    check.Fail(mean, "means nothing with ", kind->name, ", whose outputs start at 0");
  const std::unique_ptr<loss::Loss> made = loss::MakeLoss(task);
  if (!made->Accepts(task.label_mean()))
    check.Fail(mean, "is ", task.label_mean(), ", expected ", made->Domain());
  if (task.positive_weight() != 1 &&
      loss::PredictionOf(task) != loss::PredictionKind::kProbability) {
    check.Fail(mean, "does not tell how many labels are 1, expected no positive_weight beside it");
  }
}

void CheckTask(const config::Checker& check, const config::ConfigPath& path, const Task& task,
               const Job& job, const data::KnownColumns& columns) {
  data::CheckLabel(check, path("label"), task.label(), job.data(), columns);
  loss::CheckHasLoss(check, path, task);
  check.CheckNotNegative(path("weight"), task.weight());
  check.CheckNotNegative(path("positive_weight"), task.positive_weight());
  if (!(task.negative_share() > 0 && task.negative_share() <= 1))
    check.Fail(path("negative_share"), "is ", task.negative_share(),
               ", expected more than 0, at most 1");
  check.CheckShare(path("label_smoothing"), task.label_smoothing());
  if (task.label_smoothing() > 0 &&
      loss::PredictionOf(task) != loss::PredictionKind::kProbability) {
    check.Fail(path("label_smoothing"), "means nothing without ",
               loss::NamesOfLosses(loss::PredictionKind::kProbability), ", expected 0");
  }
  if (!task.weight_column().empty())
    data::CheckColumn(check, path("weight_column"), task.weight_column(), columns);
  if (task.has_sample_space())
    CheckSampleSpace(check, path("sample_space"), task.sample_space(), job.data(), columns);
  loss::CheckLoss(check, path, task, job);
  if (task.has_label_mean()) CheckLabelMean(check, path, task);
}

}  // namespace

void FillTasks(Job* job) {
  for (Task& task : *job->mutable_task()) {
    if (task.label().column().empty()) task.mutable_label()->set_column(task.name());
    if (!task.has_weight()) task.set_weight(1);
    if (!task.has_positive_weight()) task.set_positive_weight(1);
    if (!task.has_negative_share()) task.set_negative_share(1);
  }
}

void CheckTasks(const config::Checker& check, const Job& job, const data::KnownColumns& columns) {
  check.CheckCount(check.root(), "task", job.task_size(), data::kMaxTasks);
  if (job.task_size() == 0) check.Fail(check.root(), "the job has no task, expected at least one");
  std::set<std::string> names;
  bool any_counts = false;
  for (int i = 0; i < job.task_size(); ++i) {
    const Task& task = job.task(i);
    const config::ConfigPath path = check.root()("task", i);
    check.CheckName(path, task.name(), &names);
    CheckTask(check, path, task, job, columns);
    any_counts |= task.weight() > 0;
  }
  if (!any_counts && !LearnsWithoutTasks(job))
    check.Fail(check.root()("task", 0)("weight"),
               "is 0, as for all tasks: nothing would be learned");
}

}  // namespace zhiyin::worker::model
