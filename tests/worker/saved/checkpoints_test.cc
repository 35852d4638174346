#include "worker/saved/checkpoints.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/files.h"

namespace zhiyin::worker::saved {
namespace {

namespace fs = std::filesystem;

/// A checkpoint with a manifest.
void MakeCheckpoint(const std::string& folder) {
  fs::create_directories(folder);
  std::ofstream(folder + "/manifest.textproto") << "";
}

TEST(RemoveCheckpoints, KeepsALinkToAnotherDisk) {
  const testing::TempFolder folder;
  MakeCheckpoint(folder.Path("disk/step-000000000001"));
  MakeCheckpoint(folder.Path("disk/step-000000000002.set-aside"));
  fs::create_directory(folder.Path("out"));
  fs::create_directory_symlink(folder.Path("disk"), folder.Path("out/checkpoints"));
  RemoveCheckpoints(folder.Path("out"));
  EXPECT_TRUE(fs::is_symlink(folder.Path("out/checkpoints")));
  EXPECT_TRUE(fs::is_empty(folder.Path("disk")));
}

TEST(RemoveCheckpoints, RemovesTheirFolder) {
  const testing::TempFolder folder;
  MakeCheckpoint(folder.Path("out/checkpoints/step-000000000001"));
  RemoveCheckpoints(folder.Path("out"));
  EXPECT_FALSE(fs::exists(folder.Path("out/checkpoints")));
  RemoveCheckpoints(folder.Path("out"));
}

}  // namespace
}  // namespace zhiyin::worker::saved
