// Generated data whose truth is known, and all models on Census, by the commands that
// docs/models.md shows.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/comparison.h"

namespace zhiyin::testing {
namespace {

TEST(ThoroughPlantedTruth, ExpertsBeatASharedBottomOnTasksThatAreNotRelated) {
  const std::vector<std::string> configs = ConfigsNamed("planted_related_");
  const std::string bottom = "planted_related_shared_bottom";
  ASSERT_EQ(std::count(configs.begin(), configs.end(), bottom), 1);
  ASSERT_GE(configs.size(), 3u);
  const Comparison compared(configs);
  const auto both = [&](const std::string& config) {
    return Sum(compared.Values(config, "y_0", "mse"), compared.Values(config, "y_1", "mse"));
  };
  for (const std::string& config : configs) {
    if (config != bottom) ExpectLess(both(config), both(bottom), config);
  }
}

TEST(ThoroughPlantedTruth, GradientSurgeryTakesConflictAway) {
  const Comparison compared(
      {"planted_conflict", "planted_conflict_pc_grad", "planted_conflict_ca_grad"});
  const auto values = [&](const std::string& config, const char* metric) {
    return compared.Values(config, "y_0", metric);
  };
  const std::string none = "planted_conflict";
  const std::string pc_grad = "planted_conflict_pc_grad";
  const std::string ca_grad = "planted_conflict_ca_grad";
  for (const std::string& config : {pc_grad, ca_grad})
    ExpectLess(values(config, "mse"), values(none, "mse"), config + " mse");
  ExpectLess(values(pc_grad, "gradient_conflict"), values(none, "gradient_conflict"),
             pc_grad + " gradient_conflict");
  // CAGrad promises less conflict, not none, and how much less differs from seed to seed by more
  // than the gain.
  EXPECT_LT(Mean(values(ca_grad, "gradient_conflict")), Mean(values(none, "gradient_conflict")));
}

TEST(ThoroughCensusTable, NoArchitectureIsFarBelowSingleTasks) {
  const std::vector<std::string> configs = ConfigsNamed("census_");
  ASSERT_GE(configs.size(), 10u);
  const Comparison compared(configs, {}, 115);
  EXPECT_GE(compared.Mean("census_mmoe", "income", "auc"), 0.9415);
  EXPECT_GE(compared.Mean("census_mmoe", "never_married", "auc"), 0.9939);
  for (const char* task : {"income", "never_married"}) {
    const double single = compared.Mean("census_single_task", task, "auc");
    for (const std::string& config : configs)
      EXPECT_GT(compared.Mean(config, task, "auc"), single - 0.003) << config << " " << task;
  }
}

}  // namespace
}  // namespace zhiyin::testing
