#include "ps/table/optimizer.h"

#include <glog/logging.h>

#include "common/config/kinds.h"
#include "ps/table/optimizer/optimizers.h"
#include "ps/table/schedule.h"

namespace zhiyin::ps::table {

std::span<const OptimizerKind* const> Optimizers() {
#define ZHIYIN_ADDRESS(Name) &k##Name,
  static constexpr const OptimizerKind* kOptimizers[] = {ZHIYIN_OPTIMIZERS(ZHIYIN_ADDRESS)};
#undef ZHIYIN_ADDRESS
  return kOptimizers;
}

const OptimizerKind* ChosenOptimizer(const zhiyin::Optimizer& config) {
  return config::FindKind(Optimizers(), config::ChosenName(config, "kind"));
}

void FillOptimizer(zhiyin::Optimizer* config) {
  const OptimizerKind* kind = ChosenOptimizer(*config);
  if (kind != nullptr && kind->fill_defaults != nullptr) kind->fill_defaults(config);
  if (!config->has_weight_decay()) config->set_weight_decay(0);
}

void CheckOptimizer(const config::Checker& check, const config::ConfigPath& path,
                    const zhiyin::Optimizer& config) {
  check.CheckNotNegative(path("clip_norm"), config.clip_norm());
  check.CheckNotNegative(path("weight_decay"), config.weight_decay());
  CheckSchedule(check, path("schedule"), config.schedule());
  const OptimizerKind* kind = ChosenOptimizer(config);
  if (kind == nullptr) {
    check.Fail(path, "is missing, expected ",
               config::Listed(config::KindNames(Optimizers()), "or"));
  }
  kind->check(check, path, config);
}

std::unique_ptr<Optimizer> MakeOptimizer(const zhiyin::Optimizer& config) {
  const OptimizerKind* kind = ChosenOptimizer(config);
  CHECK(kind != nullptr) << "an optimizer without a kind passed the checks";
  return kind->make(config);
}

}  // namespace zhiyin::ps::table
