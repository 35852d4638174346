#include "common/stage_clock.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

namespace zhiyin {
namespace {

enum class Phase { kIdle, kBusy, kNever, kCount };

double Of(StageClock<Phase>* clock, Phase phase) {
  return clock->seconds()[static_cast<size_t>(phase)];
}

void Sleep(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

TEST(StageClock, EveryMomentBelongsToOneStage) {
  const auto began = std::chrono::steady_clock::now();
  StageClock<Phase> clock(true, Phase::kIdle);
  Sleep(20);
  {
    const ScopedStage busy(&clock, Phase::kBusy);
    Sleep(40);
  }
  EXPECT_EQ(clock.stage(), Phase::kIdle);
  Sleep(20);
  const auto seconds = clock.seconds();
  const double total =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  EXPECT_GE(Of(&clock, Phase::kBusy), 0.040);
  EXPECT_GE(Of(&clock, Phase::kIdle), 0.040);
  EXPECT_EQ(Of(&clock, Phase::kNever), 0);
  const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  EXPECT_LE(sum, total);
  EXPECT_GE(sum, 0.080);
}

TEST(StageClock, MovesTimeFromOneStageToAnother) {
  StageClock<Phase> clock(true, Phase::kIdle);
  Sleep(20);
  clock.Enter(Phase::kBusy);
  const double before = Of(&clock, Phase::kIdle);
  clock.Move(0.015, Phase::kIdle, Phase::kNever);
  EXPECT_DOUBLE_EQ(Of(&clock, Phase::kIdle), before - 0.015);
  EXPECT_EQ(Of(&clock, Phase::kNever), 0.015);
}

TEST(StageClock, MeasuresNothingWhenItIsOff) {
  StageClock<Phase> clock(false, Phase::kIdle);
  Sleep(5);
  clock.Enter(Phase::kBusy);
  Sleep(5);
  EXPECT_EQ(Of(&clock, Phase::kIdle), 0);
  EXPECT_EQ(Of(&clock, Phase::kBusy), 0);
}

}  // namespace
}  // namespace zhiyin
