#include "worker/model/nn/team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "common/random.h"
#include "tests/support/products.h"
#include "worker/model/nn/mlp.h"

namespace zhiyin::worker::model::nn {
namespace {

TEST(Team, DoesEveryPartOnce) {
  for (const int n_threads : {1, 2, 5}) {
    Team team(n_threads);
    ASSERT_EQ(Team::Current(), &team);
    for (int64_t n_parts = 0; n_parts < 200; ++n_parts) {
      std::vector<int> times(static_cast<size_t>(n_parts));
      team.Run(n_parts, [&](int64_t part) { ++times[static_cast<size_t>(part)]; });
      EXPECT_EQ(times, std::vector<int>(static_cast<size_t>(n_parts), 1))
          << n_threads << " threads";
    }
  }
  EXPECT_EQ(Team::Current(), nullptr);
}

TEST(Team, IsWokenFromSleep) {
  Team team(3);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> n = 0;
    team.Run(7, [&](int64_t) { ++n; });
    EXPECT_EQ(n, 7);
  }
}

TEST(Team, BelongsToItsThread) {
  Team team(2);
  std::jthread([] {
    EXPECT_EQ(Team::Current(), nullptr);
    Team own(2);
    EXPECT_EQ(Team::Current(), &own);
  });
  EXPECT_EQ(Team::Current(), &team);
}

TEST(ForRows, CoversEveryRowOnce) {
  Team team(3);
  for (const int64_t n_rows : {0, 1, 63, 64, 127, 128, 129, 1000, 4096}) {
    std::vector<std::atomic<int>> times(static_cast<size_t>(n_rows));
    ForRows(n_rows, 1e9, [&](int64_t begin, int64_t n) {
      for (int64_t i = begin; i < begin + n; ++i) ++times[static_cast<size_t>(i)];
    });
    for (const auto& n : times) ASSERT_EQ(n, 1) << n_rows << " rows";
  }
}

TEST(ForRows, SharesOnlyWhatIsWorthIt) {
  const auto parts = [](int64_t n_rows, double flops) {
    std::atomic<int> n = 0;
    ForRows(n_rows, flops, [&](int64_t, int64_t) { ++n; });
    return n.load();
  };
  EXPECT_EQ(parts(1024, 1e9), 1) << "without a team";
  Team team(2);
  EXPECT_EQ(parts(1024, 1e9), 4);
  EXPECT_EQ(parts(1024, 1e5), 1) << "too little to do";
  EXPECT_EQ(parts(100, 1e9), 1) << "too few rows";
}

/// Output, derivatives of the weights and of x after a pass forward and back of layers of awkward
/// widths; in bfloat16, if told.
std::vector<float> PassOf(int n_rows, int n_threads, bool in_bfloat16) {
  constexpr int kWidths[] = {131, 77, 1};
  int64_t n_weights = 0;
  Mlp mlp(205, kWidths, Activation::kNone, Hidden::default_instance(), &n_weights);
  Random random(7);
  std::vector<float, Eigen::aligned_allocator<float>> weights(static_cast<size_t>(n_weights));
  mlp.Init(&random, weights);
  Matrix x(n_rows, 205);
  for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.Normal());
  Matrix dx(n_rows, 205);
  std::vector<float, Eigen::aligned_allocator<float>> dweights(static_cast<size_t>(n_weights));
  std::optional<testing::RoundedPass> pass;
  if (in_bfloat16) pass.emplace(weights);
  Team team(n_threads);
  mlp.Forward(weights, x, {});
  std::vector<float> all(mlp.output().data(), mlp.output().data() + n_rows);
  mlp.doutput().setOnes();
  mlp.Backward(weights, x, dweights, dx);
  all.insert(all.end(), dweights.begin(), dweights.end());
  all.insert(all.end(), dx.data(), dx.data() + dx.size());
  return all;
}

void ExpectEqualBits(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), expected.size() * sizeof(float)), 0);
}

TEST(DenseLayerInATeam, GivesTheSameBitsWhateverTheNumberOfThreads) {
  for (const Backend backend : testing::BackendsOfThisBuild()) {
    const testing::BackendInUse in_use(backend);
    for (const int n_rows : {1024, 1000, 517, 131}) {
      const std::vector<float> alone = PassOf(n_rows, 1, false);
      const std::vector<float> rounded = PassOf(n_rows, 1, true);
      EXPECT_NE(rounded, alone);
      for (const int n_threads : {2, 3, 5}) {
        SCOPED_TRACE(testing::BackendName(backend) + ", " + std::to_string(n_rows) + " rows, " +
                     std::to_string(n_threads) + " threads");
        ExpectEqualBits(PassOf(n_rows, n_threads, false), alone);
        ExpectEqualBits(PassOf(n_rows, n_threads, true), rounded);
      }
    }
  }
}

}  // namespace
}  // namespace zhiyin::worker::model::nn
