#include "worker/model/network/networks.h"

#include "common/config/kinds.h"

namespace zhiyin::worker::model {

std::span<const NetworkKind* const> Networks() {
#define ZHIYIN_ADDRESS(Name) &k##Name,
  static constexpr const NetworkKind* kNetworks[] = {ZHIYIN_NETWORKS(ZHIYIN_ADDRESS)};
#undef ZHIYIN_ADDRESS
  return kNetworks;
}

const NetworkKind* ChosenNetwork(const Job& job) {
  return config::FindKind(Networks(), config::ChosenName(job.model(), "kind"));
}

void CheckNetwork(const ModelChecker& check) {
  const NetworkKind* network = ChosenNetwork(check.job());
  if (network == nullptr) {
    check.Fail(check.model_path(), "is missing, expected ",
               config::Listed(config::KindNames(Networks()), "or"));
  }
  network->check(check, check.model_path()(network->name));
}

}  // namespace zhiyin::worker::model
