#include "common/net/bell.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <new>
#include <thread>

namespace zhiyin::net {
namespace {

constexpr double kLong = 60;

TEST(Bell, ARingBeforeTheSleepIsKept) {
  Bell bell;
  bell.Announce();
  bell.Ring();
  EXPECT_TRUE(bell.SleepFor(kLong));
}

TEST(Bell, ARingThatNobodyWaitedForIsNot) {
  Bell bell;
  bell.Ring();
  bell.Announce();
  EXPECT_FALSE(bell.SleepFor(0.01));
}

TEST(Bell, RetractingForgetsWhatWasRung) {
  Bell bell;
  bell.Announce();
  bell.Retract();
  bell.Ring();
  bell.Announce();
  EXPECT_FALSE(bell.SleepFor(0.01));
}

TEST(Bell, SleepsForSoLongAtLeast) {
  Bell bell;
  const auto began = std::chrono::steady_clock::now();
  bell.Announce();
  EXPECT_FALSE(bell.SleepFor(0.05));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(49));
}

/// Two threads throw a ball to and fro. A ring that is lost would cost a minute.
TEST(Bell, NoRingIsLost) {
  constexpr int kThrows = 20000;
  struct Side {
    Bell bell;
    std::atomic<int> n_balls = 0;  // that have come, ever
  };
  Side sides[2];
  const auto play = [](Side* own, Side* other) {
    for (int n = 0; n < kThrows; ++n) {
      while (own->n_balls.load(std::memory_order_relaxed) == n) {
        own->bell.Announce();
        if (own->n_balls.load(std::memory_order_relaxed) == n) {
          own->bell.SleepFor(kLong);
        } else {
          own->bell.Retract();
        }
      }
      other->n_balls.fetch_add(1, std::memory_order_relaxed);
      other->bell.Ring();
    }
  };
  const auto began = std::chrono::steady_clock::now();
  sides[0].n_balls = 1;
  std::thread second([&] { play(&sides[1], &sides[0]); });
  play(&sides[0], &sides[1]);
  second.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::duration<double>(kLong));
}

TEST(Bell, WakesAnotherProcess) {
  void* memory =
      mmap(nullptr, sizeof(Bell), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  Bell* bell = new (memory) Bell;
  bell->Announce();
  const pid_t child = fork();
  if (child == 0) _exit(bell->SleepFor(kLong) ? 0 : 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // it sleeps by now, most of the time
  bell->Ring();
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  munmap(memory, sizeof(Bell));
}

}  // namespace
}  // namespace zhiyin::net
