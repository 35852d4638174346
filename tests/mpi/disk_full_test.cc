// A disk that is full, read-only or gone, on a file system in memory of a few MiB.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stop_token>
#include <thread>

#include "tests/support/census_checkpoints.h"
#include "tests/support/files.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::HasSubstr;

class DiskFull : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(disk_);
    if (geteuid() != 0 || mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=12m") != 0)
      GTEST_SKIP() << "no file system can be mounted here (this needs root): "
                   << std::strerror(errno);
    is_mounted_ = true;
  }
  void TearDown() override {
    MakeRoom();
    if (is_mounted_) umount2(disk_.c_str(), MNT_DETACH);
  }
  /// Takes all room but `n_left` bytes, and that of what the job removes until MakeRoom. Returns
  /// when the disk is full.
  void Fill(uint64_t n_left) {
    auto file = std::make_shared<std::ofstream>(disk_ + "/filler", std::ios::binary);
    const auto fill = [disk = disk_, n_left, file] {
      const std::string piece(4096, 'x');
      const uint64_t n_free = std::filesystem::space(disk).available;
      for (uint64_t n = n_left; n + piece.size() <= n_free; n += piece.size()) *file << piece;
      file->flush();
    };
    fill();
    filler_ = std::jthread([fill](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        fill();
        std::this_thread::sleep_for(milliseconds(1));
      }
    });
  }
  void MakeRoom() {
    if (!filler_.joinable()) return;
    filler_.request_stop();
    filler_.join();
    std::filesystem::remove(disk_ + "/filler");
  }
  Arguments Census(int epochs, int max_failures) const {
    return CensusWithCheckpoints(
        output_, 1, epochs,
        "every_steps: 20 keep: 1 max_failures: " + std::to_string(max_failures));
  }

  TempFolder folder_;
  std::string disk_ = folder_.Path("disk");
  std::string output_ = disk_ + "/out";
  bool is_mounted_ = false;
  std::jthread filler_;
};

TEST_F(DiskFull, ForAWhileTheJobGoesOn) {
  BackgroundProcess job(ZhiyinCommand(3, Census(1000, 1000)));
  WaitForStep(output_, 40);
  Fill(500'000);
  while (job.Out().find("WARNING: no checkpoint at step ") == std::string::npos)
    std::this_thread::sleep_for(milliseconds(5));
  // An earlier checkpoint is still there, and whole.
  std::string notes;
  const auto newest =
      worker::saved::NewestCheckpoint(output_, [&](const std::string& note) { notes += note; });
  ASSERT_FALSE(newest.empty());
  MakeRoom();
  WaitForStep(output_, newest.back().manifest.progress().next_step() + 20);
  kill(job.pid(), SIGUSR1);  // all that it was to show is over
  const ProcessResult result = job.Wait(100);
  EXPECT_EQ(result.exit_code, 75) << result.err;
  EXPECT_THAT(result.out, HasSubstr("WARNING: no checkpoint at step "));
  EXPECT_THAT(result.out, HasSubstr("No space left on device: the job goes on, the newest is " +
                                    output_ + "/checkpoints/step-"));
}

TEST_F(DiskFull, ForGoodTheJobEndsAndTheLastCheckpointIsWhole) {
  BackgroundProcess job(ZhiyinCommand(3, Census(100, 2)));
  WaitForStep(output_, 40);
  Fill(700'000);
  const ProcessResult result = job.Wait(100);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(ErrorLines(result),
              Contains(HasSubstr("No space left on device: the job ends, the newest is ")));
  const auto newest = worker::saved::NewestCheckpoint(output_, [](const std::string&) {});
  ASSERT_FALSE(newest.empty());
  MakeRoom();
  Arguments rest = Census(1, 2);
  rest.push_back("--resume");
  rest.push_back("--set");
  rest.push_back("train.epochs=" + std::to_string(newest.back().manifest.progress().epoch() + 1));
  EXPECT_EQ(RunZhiyin(3, rest).exit_code, 0) << "it goes on from there";
}

TEST_F(DiskFull, FromTheBeginningIsFoundBeforeTheFirstStep) {
  Fill(0);
  const ProcessResult result = RunZhiyin(3, Census(1, 2));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(ErrorLines(result), ::testing::ElementsAre(HasSubstr("No space left on device")));
}

TEST_F(DiskFull, AReadOnlyOneIsFoundBeforeTheFirstStep) {
  ASSERT_EQ(mount("tmpfs", disk_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=12m"), 0)
      << std::strerror(errno);
  const ProcessResult result = RunZhiyin(3, Census(1, 2));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(ErrorLines(result), ::testing::ElementsAre(AllOf(
                                      HasSubstr(output_), HasSubstr("Read-only file system"))));
}

TEST_F(DiskFull, AFolderThatVanishesIsSaidAndEndsTheJobByPolicy) {
  BackgroundProcess job(ZhiyinCommand(3, Census(1000, 2)));
  WaitForStep(output_, 40);
  std::filesystem::rename(output_, disk_ + "/elsewhere");
  const ProcessResult result = job.Wait(100);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(ErrorLines(result),
              Contains(AllOf(HasSubstr(output_), HasSubstr("No such file or directory"),
                             HasSubstr("the job ends"))));
  EXPECT_FALSE(
      worker::saved::NewestCheckpoint(disk_ + "/elsewhere", [](const std::string&) {}).empty());
}

}  // namespace
}  // namespace zhiyin::testing
