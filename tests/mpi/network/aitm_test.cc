// AITM on generated data whose truth is known, by the command that docs/models.md shows.
#include <gtest/gtest.h>

#include "tests/support/comparison.h"

namespace zhiyin::testing {
namespace {

TEST(ThoroughPlantedTruthOfAitm, BeatsIndependentTowersOnAChain) {
  const Comparison compared({"planted_independent", "planted_aitm"});
  for (const char* step : {"step_2", "step_3", "step_4"}) {
    ExpectLess(compared.Values("planted_independent", step, "auc"),
               compared.Values("planted_aitm", step, "auc"), step);
  }
}

}  // namespace
}  // namespace zhiyin::testing
