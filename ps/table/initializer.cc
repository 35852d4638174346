#include "ps/table/initializer.h"

#include <glog/logging.h>

#include <algorithm>

#include "common/random.h"

namespace zhiyin::ps::table {

void FillInitializer(Initializer* config) {
  if (config->kind_case() == Initializer::KIND_NOT_SET) config->mutable_normal()->set_stddev(0.01);
}

void CheckInitializer(const config::Checker& check, const config::ConfigPath& path,
                      const Initializer& config) {
  if (config.has_normal())
    check.CheckNotNegative(path("normal")("stddev"), config.normal().stddev());
  if (config.has_uniform())
    check.CheckNotNegative(path("uniform")("range"), config.uniform().range());
}

RowInitializer::RowInitializer(const Initializer& config, uint64_t seed, TableId table)
    : config_(config), seed_(seed), table_(table) {}

void RowInitializer::operator()(Key key, std::span<float> weights) const {
  Random random(seed_, table_, key);
  switch (config_.kind_case()) {
    case Initializer::kZero:
      std::fill(weights.begin(), weights.end(), 0.0f);
      return;
    case Initializer::kNormal: {
      const double stddev = config_.normal().stddev();
      for (float& w : weights) w = static_cast<float>(stddev * random.Normal());
      return;
    }
    case Initializer::kUniform: {
      const double range = config_.uniform().range();
      for (float& w : weights) w = static_cast<float>(range * (2 * random.Uniform() - 1));
      return;
    }
    case Initializer::KIND_NOT_SET:
      break;
  }
  LOG(FATAL) << "an initializer without a kind passed validation";
}

}  // namespace zhiyin::ps::table
