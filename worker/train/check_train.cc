#include "worker/train/check_train.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/file.h"
#include "ps/table/optimizer.h"
#include "worker/model/balance/balancer.h"
#include "worker/model/loss/loss.h"
#include "worker/saved/scored_split.h"
#include "worker/train/checkpoint_schedule.h"
#include "worker/train/one_pass.h"
#include "worker/train/stopping_rule.h"

namespace zhiyin::worker::train {
namespace {

constexpr int kMaxEpochs = 1'000'000;

void CheckWarmStart(const config::Checker& check, const config::ConfigPath& path, const Job& job) {
  const WarmStart& start = job.train().warm_start();
  if (start.model().empty()) check.Fail(path("model"), "is empty, expected the folder of a model");
  if (const std::string_view scheme = SchemeOf(start.model()); !scheme.empty())
    check.Fail(path("model"), "is \"", start.model(), "\", which is on ", scheme,
               ", expected a path that this host can open");
  std::vector<std::string> names;
  for (const Table& table : job.table()) names.push_back(table.name());
  for (int i = 0; i < start.table_size(); ++i) {
    const std::string& name = start.table(i);
    if (std::find(names.begin(), names.end(), name) == names.end())
      check.FailUnknown(path("table", i), "table", name, names);
    if (std::find(start.table().begin(), start.table().begin() + i, name) !=
        start.table().begin() + i)
      check.Fail(path("table", i), "\"", name, "\" comes twice");
  }
}

}  // namespace

void ResolveFiles(const std::string& folder, Train* train) {
  if (!train->has_warm_start() || train->warm_start().model().empty()) return;
  std::string* model = train->mutable_warm_start()->mutable_model();
  if (!SchemeOf(*model).empty()) return;  // the check of the job refuses it
  *model = AbsolutePath(folder, *model);
}

void FillTrain(Job* job) {
  Train* train = job->mutable_train();
  if (train->has_checkpoint()) FillCheckpoint(train->mutable_checkpoint());
  if (train->has_early_stopping()) FillEarlyStopping(train->mutable_early_stopping());
  ps::table::FillOptimizer(train->mutable_dense_optimizer());
  model::balance::FillBalance(job);
  if (!train->has_prefetch()) train->set_prefetch(train->staleness() == 0);
  Evaluation* evaluation = job->mutable_evaluation();
  if (!evaluation->has_every_epochs()) evaluation->set_every_epochs(1);
  if (evaluation->has_gauc_field() || !job->data().has_behaviour()) return;
  if (const auto user = saved::FieldOfColumn(*job, job->data().behaviour().user()))
    evaluation->set_gauc_field(job->field(*user).name());
}

void CheckTrain(const config::Checker& check, const Job& job) {
  const config::ConfigPath path = check.root()("train");
  const Train& train = job.train();
  check.CheckRange(path("epochs"), train.epochs(), 1, kMaxEpochs);
  check.CheckRange(path("batch_size"), train.batch_size(), 1, 1 << 24);
  check.CheckRange(path("staleness"), train.staleness(), -1, 1 << 20);
  check.CheckRange(path("slices"), train.slices(), 0, 1 << 16);
  if (train.slices() > 0 && train.batch_size() % train.slices() != 0) {
    check.Fail(path("batch_size"), "is ", train.batch_size(), ", expected a multiple of slices, ",
               train.slices());
  }
  ps::table::CheckOptimizer(check, path("dense_optimizer"), train.dense_optimizer());
  check.CheckRange(path("task_gradients_every"), train.task_gradients_every(), 0, 1 << 30);
  model::balance::CheckBalance(check, job);
  if (train.has_checkpoint()) CheckCheckpoint(check, path("checkpoint"), train.checkpoint());
  if (train.has_warm_start()) CheckWarmStart(check, path("warm_start"), job);
  if (train.has_early_stopping()) CheckEarlyStopping(check, job);
  check.CheckNotNegative(path("max_gradient"), train.max_gradient());
  if (train.max_gradient() > ps::table::kMaxGradient) {
    check.Fail(path("max_gradient"), "is ", train.max_gradient(), ", expected at most ",
               ps::table::kMaxGradient, ", which optimizers take");
  }
  check.CheckRange(check.root()("evaluation")("every_epochs"), job.evaluation().every_epochs(), 1,
                   kMaxEpochs);
  if (const std::string& groups = job.evaluation().gauc_field(); !groups.empty())
    model::loss::CheckGroupField(check, check.root()("evaluation")("gauc_field"), groups, job);
  if (job.data().one_pass()) CheckOnePass(check, job);
}

}  // namespace zhiyin::worker::train
