#include "common/net/wake_up.h"

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

TEST(WakeUp, AWakeUpBeforeTheSleepIsKept) {
  WakeUp wake_up;
  wake_up.Announce();
  wake_up.Wake();
  EXPECT_TRUE(wake_up.SleepFor(kLong));
}

TEST(WakeUp, AWakeUpThatNoSleepWasAnnouncedForIsNot) {
  WakeUp wake_up;
  wake_up.Wake();
  wake_up.Announce();
  EXPECT_FALSE(wake_up.SleepFor(0.01));
}

TEST(WakeUp, RetractingForgetsWhatWasRung) {
  WakeUp wake_up;
  wake_up.Announce();
  wake_up.Retract();
  wake_up.Wake();
  wake_up.Announce();
  EXPECT_FALSE(wake_up.SleepFor(0.01));
}

TEST(WakeUp, SleepsForSoLongAtLeast) {
  WakeUp wake_up;
  const auto began = std::chrono::steady_clock::now();
  wake_up.Announce();
  EXPECT_FALSE(wake_up.SleepFor(0.05));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(49));
}

/// Two threads throw a ball to and fro. A lost wake-up would cost a minute.
TEST(WakeUp, NoRingIsLost) {
  constexpr int kThrows = 20000;
  struct Side {
    WakeUp wake_up;
    std::atomic<int> n_balls = 0;  // that have come, ever
  };
  Side sides[2];
  const auto play = [](Side* own, Side* other) {
    for (int n = 0; n < kThrows; ++n) {
      while (own->n_balls.load(std::memory_order_relaxed) == n) {
        own->wake_up.Announce();
        if (own->n_balls.load(std::memory_order_relaxed) == n) {
          own->wake_up.SleepFor(kLong);
        } else {
          own->wake_up.Retract();
        }
      }
      other->n_balls.fetch_add(1, std::memory_order_relaxed);
      other->wake_up.Wake();
    }
  };
  const auto began = std::chrono::steady_clock::now();
  sides[0].n_balls = 1;
  std::thread second([&] { play(&sides[1], &sides[0]); });
  play(&sides[0], &sides[1]);
  second.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::duration<double>(kLong));
}

TEST(WakeUp, WakesAnotherProcess) {
  void* memory =
      mmap(nullptr, sizeof(WakeUp), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  WakeUp* wake_up = new (memory) WakeUp;
  wake_up->Announce();
  const pid_t child = fork();
  if (child == 0) _exit(wake_up->SleepFor(kLong) ? 0 : 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // it sleeps by now, most of the time
  wake_up->Wake();
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  munmap(memory, sizeof(WakeUp));
}

}  // namespace
}  // namespace zhiyin::net
