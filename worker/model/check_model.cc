#include "worker/model/check_model.h"

#include "worker/model/interaction/interaction.h"
#include "worker/model/model_checker.h"
#include "worker/model/network/networks.h"
#include "worker/model/network/wide_part.h"
#include "worker/model/sequence/sequence_reader.h"

namespace zhiyin::worker::model {
namespace {

void CheckHidden(const ModelChecker& check) {
  const config::ConfigPath path = check.model_path()("hidden");
  const Hidden& hidden = check.job().model().hidden();
  const Train& train = check.job().train();
  if (!ChosenNetwork(check.job())->has_hidden_layers)
    check.Fail(path, "the model has no hidden layers, expected none");
  if (!(hidden.dropout() >= 0 && hidden.dropout() <= 0.99))
    check.Fail(path("dropout"), "is ", hidden.dropout(), ", expected 0 to 0.99");
  if (hidden.normalization() == Hidden::BATCH && train.slices() > 0 &&
      train.batch_size() / train.slices() < 2) {
    check.Fail(
        path("normalization"),
        "is BATCH with one example a slice (train.batch_size / train.slices), expected at least "
        "2");
  }
}

}  // namespace

void FillModel(Job* job) {
  const NetworkKind* network = ChosenNetwork(*job);
  if (network != nullptr && network->fill_defaults != nullptr) network->fill_defaults(job);
}

void CheckModel(const config::Checker& base, const Job& job) {
  const ModelChecker check(base, job);
  CheckSequences(check);
  check.CheckNotNegative(check.model_path()("gates")("l1"), job.model().gates().l1());
  CheckInteractions(check);
  CheckNetwork(check);
  if (job.model().has_wide()) CheckWide(check);
  if (job.model().has_hidden()) CheckHidden(check);
}

bool LearnsWithoutTasks(const Job& job) {
  const NetworkKind* network = ChosenNetwork(job);
  return network != nullptr && network->learns_without_tasks != nullptr &&
         network->learns_without_tasks(job);
}

}  // namespace zhiyin::worker::model
