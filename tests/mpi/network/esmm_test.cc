// ESMM on generated data whose truth is known, by the command that docs/models.md shows.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/comparison.h"

namespace zhiyin::testing {
namespace {

TEST(ThoroughPlantedTruthOfEsmm, RecoversTheConversionRateWhereClicksAloneAreBiased) {
  const Comparison compared({"planted_clicks_only", "planted_esmm"});
  ExpectLess(compared.Values("planted_esmm", "conversion", "mse"),
             compared.Values("planted_clicks_only", "conversion", "mse"),
             "distance from the truth");
  const auto bias = [&](const std::string& config) {
    std::vector<double> values = compared.Values(config, "conversion", "calibration");
    for (double& value : values) value = std::abs(value - 1);
    return values;
  };
  EXPECT_GT(Mean(bias("planted_clicks_only")), 0.2) << "there is no bias to take away";
  ExpectLess(bias("planted_esmm"), bias("planted_clicks_only"), "bias");
}

}  // namespace
}  // namespace zhiyin::testing
