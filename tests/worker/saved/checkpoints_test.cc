#include "worker/saved/checkpoints.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/files.h"

namespace zhiyin::worker::saved {
namespace {

namespace fs = std::filesystem;

TEST(RemoveCheckpoints, KeepsALinkToAnotherDisk) {
  const testing::TempFolder folder;
  folder.Write("disk/step-000000000001/manifest.textproto", "");
  folder.Write("disk/step-000000000002.set-aside/manifest.textproto", "");
  fs::create_directory(folder.Path("out"));
  fs::create_directory_symlink(folder.Path("disk"), folder.Path("out/checkpoints"));
  RemoveCheckpoints(folder.Path("out"));
  EXPECT_TRUE(fs::is_symlink(folder.Path("out/checkpoints")));
  EXPECT_TRUE(fs::is_empty(folder.Path("disk")));
}

TEST(RemoveCheckpoints, RemovesTheirFolder) {
  const testing::TempFolder folder;
  folder.Write("out/checkpoints/step-000000000001/manifest.textproto", "");
  RemoveCheckpoints(folder.Path("out"));
  EXPECT_FALSE(fs::exists(folder.Path("out/checkpoints")));
  RemoveCheckpoints(folder.Path("out"));
}

}  // namespace
}  // namespace zhiyin::worker::saved
