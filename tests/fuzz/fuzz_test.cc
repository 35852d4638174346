// Every fuzz target on its seeds, whole and damaged. What libFuzzer does for hours, this does for a
// second.
#include <gmock/gmock.h>

#include "tests/fuzz/mutate.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {
namespace {

constexpr int kMutations = 2000;

void Feed(const Target& target, const std::string& input) {
  target.run(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

class EveryTarget : public ::testing::TestWithParam<Target> {};

TEST_P(EveryTarget, TakesWhatIsWhole) {
  for (const std::string& seed : GetParam().seeds()) {
    Feed(GetParam(), seed);
    EXPECT_EQ(LastError().empty(), GetParam().name != "mailbox") << LastError();
  }
}

TEST_P(EveryTarget, RefusesDamageByAnError) {
  const std::vector<std::string> seeds = GetParam().seeds();
  Random random(1);
  int n_refused = 0;
  for (int i = 0; i < kMutations; ++i) {
    Feed(GetParam(), Mutate(seeds, &random));
    if (!LastError().empty()) ++n_refused;
  }
  EXPECT_GT(n_refused, kMutations / 20) << "damage that nobody notices";
}

INSTANTIATE_TEST_SUITE_P(Fuzz, EveryTarget, ::testing::ValuesIn(AllTargets()),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace zhiyin::fuzz
