// Ranks that die, or stand still for too long, at any moment: the job ends in time, with a line
// that names them.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/sim/drawn_job.h"

namespace zhiyin::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr double kTimeoutS = 60;
#if defined(ZHIYIN_THREAD_SANITIZER) || defined(ZHIYIN_ADDRESS_SANITIZER)
constexpr uint64_t kSeedsPerPart = 3;
#else
constexpr uint64_t kSeedsPerPart = 30;
#endif

/// A drawn job, one of its ranks, and a moment at which the job is not over.
struct Moment {
  explicit Moment(uint64_t seed) : drawn(DrawJob(seed)) {
    drawn.timeout_s = kTimeoutS;
    Random random(seed, 2);
    rank = static_cast<int>(random.Below(static_cast<uint64_t>(drawn.n_ranks())));
    at_ns = static_cast<int64_t>(1e9 * Simulate(drawn).now_s * random.Uniform());
  }

  SimulatedJob drawn;
  int rank = 0;
  int64_t at_ns = 0;
};

/// From a rank's last sign of life: others notice, tell rank 0 or give up, each within its limit.
constexpr double kMostS = 2 * kTimeoutS + 30;

class Crashes : public ::testing::TestWithParam<uint64_t> {};

TEST_P(Crashes, EndTheJobInTimeAndAreNamed) {
  int n_crashed = 0;
  for (uint64_t i = 0; i < kSeedsPerPart; ++i) {
    const uint64_t seed = 1 + GetParam() * kSeedsPerPart + i;
    Moment moment(seed);
    moment.drawn.network.crashes = {{moment.rank, moment.at_ns}};
    const Outcome outcome = Simulate(moment.drawn);
    const std::string replay = moment.drawn.Describe() + "\n" + Replay(seed);
    if (outcome.crashed.empty()) {
      EXPECT_EQ(Judge(moment.drawn, outcome), "") << "the rank had done its part: " << replay;
      continue;
    }
    ++n_crashed;
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_THAT(outcome.error(), ::testing::Not(HasSubstr("deadlock"))) << replay;
    EXPECT_LT(outcome.now_s, 1e-9 * static_cast<double>(moment.at_ns) + kMostS) << replay;
    if (outcome.n_failed == 0) continue;  // all others had done theirs
    // Without rank 0 each has a line, and mpirun ends all with the first.
    if (moment.rank == 0) {
      EXPECT_GE(outcome.errors.size(), 1u) << replay;
      continue;
    }
    ASSERT_EQ(outcome.errors.size(), 1u) << outcome.error() << replay;
    EXPECT_THAT(outcome.error(), HasSubstr("rank " + std::to_string(moment.rank))) << replay;
  }
  EXPECT_GT(n_crashed, 0);
}

INSTANTIATE_TEST_SUITE_P(Part, Crashes, ::testing::Values(uint64_t{0}));
INSTANTIATE_TEST_SUITE_P(ThoroughPart, Crashes, ::testing::Range(uint64_t{1}, uint64_t{4}));

TEST(Pauses, BeyondTheLimitEndTheJobAndAreNamed) {
  for (uint64_t seed = 1; seed <= kSeedsPerPart; ++seed) {
    Moment moment(seed);
    moment.drawn.network.pauses.push_back({moment.rank, moment.at_ns, 1'000'000'000'000});
    const Outcome outcome = Simulate(moment.drawn);
    const std::string replay = moment.drawn.Describe() + "\n" + Replay(seed);
    if (outcome.exit_code == 0) continue;  // the rank had done its part
    if (moment.rank == 0) {
      // The others have said it, more than one perhaps; rank 0 has nothing to add when it wakes.
      EXPECT_THAT(outcome.errors,
                  AllOf(SizeIs(Ge(1)), Each(HasSubstr("(rank 0 does not answer, rank "))))
          << replay;
      continue;
    }
    ASSERT_EQ(outcome.errors.size(), 1u) << outcome.error() << replay;
    EXPECT_THAT(outcome.error(), HasSubstr("rank " + std::to_string(moment.rank))) << replay;
  }
}

}  // namespace
}  // namespace zhiyin::testing
