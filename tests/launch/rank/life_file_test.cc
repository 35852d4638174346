#include "launch/rank/life_file.h"

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/support/files.h"

namespace zhiyin::launch::rank {
namespace {

using ::testing::EndsWith;
using testing::ReadFile;
using ::testing::StartsWith;

constexpr std::chrono::milliseconds kShowEvery{1};

/// Notes signs of life until the file shows this many, zero-padded as there.
void NoteUntil(const std::string& path, const std::string& number, LifeFile* life) {
  while (!ReadFile(path).ends_with(number + "\n")) {
    life->Note();
    std::this_thread::sleep_for(kShowEvery);
  }
}

TEST(LifeFile, ShowsThatTheRankLives) {
  const testing::TempFolder folder;
  const std::string path = folder.Path("life");
  LifeFile life(path, kShowEvery);
  EXPECT_THAT(ReadFile(path), StartsWith("process " + std::to_string(getpid()) + " on "));
  NoteUntil(path, "003", &life);
}

TEST(LifeFile, StandsStillWithoutASign) {
  const testing::TempFolder folder;
  const std::string path = folder.Path("life");
  {
    LifeFile life(path, kShowEvery);
    std::this_thread::sleep_for(20 * kShowEvery);
  }
  EXPECT_THAT(ReadFile(path), EndsWith("sign 00000000000000000000\n"));
}

TEST(LifeFile, WhereItCannotBeWrittenTheJobGoesOn) {
  LifeFile life("/nowhere/life", kShowEvery);
  life.Note();
}

}  // namespace
}  // namespace zhiyin::launch::rank
