// Two thousand whole small jobs, all different. In parts, so that ctest runs them in parallel.
#include <gmock/gmock.h>

#include "tests/sim/drawn_job.h"

namespace zhiyin::testing {
namespace {

constexpr uint64_t kParts = 16;
#if defined(ZHIYIN_THREAD_SANITIZER) || defined(ZHIYIN_ADDRESS_SANITIZER)
constexpr uint64_t kWorldsPerPart = 8;  // a sanitizer takes ten times as long
#else
constexpr uint64_t kWorldsPerPart = 128;
#endif

class Seeds : public ::testing::TestWithParam<uint64_t> {};

TEST_P(Seeds, EveryJobEndsAsItMust) {
  Checker checker;
  for (uint64_t i = 0; i < kWorldsPerPart; ++i) {
    const std::string complaint = checker.Check(1 + GetParam() * kWorldsPerPart + i);
    ASSERT_EQ(complaint, "") << complaint;
  }
}

INSTANTIATE_TEST_SUITE_P(Part, Seeds, ::testing::Range(uint64_t{0}, uint64_t{2}));
INSTANTIATE_TEST_SUITE_P(ThoroughPart, Seeds, ::testing::Range(uint64_t{2}, kParts));

/// What the first seeds draw, together.
TEST(DrawnJobs, AreOfEveryKind) {
  std::map<std::string, int> seen;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    const SimulatedJob drawn = DrawJob(seed);
    EXPECT_EQ(drawn.network, [&] {
      net::SimOptions parsed = net::ParseSimOptions(drawn.network.ToText(), drawn.n_ranks());
      parsed.seed = drawn.network.seed;
      return parsed;
    }());
    ++seen["staleness " + std::to_string(drawn.job.train().staleness())];
    ++seen["servers " + std::to_string(drawn.n_servers)];
    ++seen["workers " + std::to_string(drawn.n_workers)];
    seen["slow"] += !drawn.network.slow.empty();
    seen["paused"] += !drawn.network.pauses.empty();
    seen["down"] += !drawn.network.downs.empty();
    seen["queue"] += drawn.network.queue_frames > 0;
    seen["queue bytes"] += drawn.network.queue_bytes > 0;
    seen["admission"] += drawn.job.table(0).has_admission();
    seen["eviction"] += drawn.job.table(1).has_eviction();
    seen["hot keys"] += drawn.job.table(0).has_hot_keys();
    seen["16 bits"] += drawn.job.table(0).wire() != FP32;
    seen["no prefetch"] += !drawn.job.train().prefetch();
    seen["bfloat16"] += drawn.job.train().compute() == Train::BF16;
    seen["more slices"] +=
        drawn.job.train().staleness() == 0 && drawn.n_workers < drawn.job.train().slices();
  }
  EXPECT_EQ(seen.size(), 6u + 5 + 6 + 12);
  for (const auto& [what, n] : seen) EXPECT_GE(n, 20) << what;
}

}  // namespace
}  // namespace zhiyin::testing
