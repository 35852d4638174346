#include "common/net/watchdog.h"

#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace zhiyin::net {
namespace {

using Seconds = std::chrono::duration<double>;

struct Barks {
  std::mutex mutex;
  std::vector<std::string> all;

  std::vector<std::string> Taken() {
    const std::lock_guard lock(mutex);
    return all;
  }
};

TEST(Watchdog, SaysOnceWhatDoesNotEnd) {
  Barks barks;
  Watchdog watchdog(0.3, [&](const std::string& what) {
    const std::lock_guard lock(barks.mutex);
    barks.all.push_back(what);
  });
  watchdog.Begin("godot");
  while (barks.Taken().empty()) std::this_thread::sleep_for(Seconds(0.01));
  std::this_thread::sleep_for(Seconds(0.7));  // time for a second one
  EXPECT_EQ(barks.Taken(), std::vector<std::string>{"godot"});
}

TEST(Watchdog, SaysNothingOfWhatEnds) {
  Barks barks;
  Watchdog watchdog(0.5, [&](const std::string& what) {
    const std::lock_guard lock(barks.mutex);
    barks.all.push_back(what);
  });
  for (int i = 0; i < 3; ++i) {
    watchdog.Begin("spring");
    watchdog.End();
  }
  std::this_thread::sleep_for(Seconds(1));
  EXPECT_TRUE(barks.Taken().empty()) << "each ended in time, and nothing was begun since";
}

}  // namespace
}  // namespace zhiyin::net
