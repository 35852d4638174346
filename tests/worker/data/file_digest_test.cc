#include "worker/data/file_digest.h"

#include <gtest/gtest.h>

#include <string>

#include "common/error.h"
#include "tests/support/files.h"

namespace zhiyin::worker::data {
namespace {

uint64_t Digested(const testing::TempFolder& folder, const std::string& content) {
  return DigestOf(folder.Write("file", content), kMinSampledBytes, [] {}).digest;
}

std::vector<FileDigest> DigestsOf(const Data& data) {
  const std::vector<std::string> paths = FilesOf(data, SplitKind::kTrain);
  std::vector<FileDigest> digests;
  for (const std::string& path : paths)
    digests.push_back(DigestOf(path, SampledBytes(paths.size()), [] {}));
  return digests;
}

TEST(FileDigest, OfAShortFileSeesEveryByte) {
  const testing::TempFolder folder;
  std::string content(1000, 'a');
  const FileDigest first = DigestOf(folder.Write("file", content), kMinSampledBytes, [] {});
  EXPECT_EQ(first.n_bytes, 1000);
  EXPECT_EQ(first.path, folder.Path("file"));
  EXPECT_EQ(DigestOf(folder.Write("file", content), kMinSampledBytes, [] {}), first)
      << "written again";
  for (const size_t at : {size_t{0}, size_t{500}, size_t{999}}) {
    std::string changed = content;
    changed[at] = 'b';
    EXPECT_NE(Digested(folder, changed), first.digest) << at;
  }
  EXPECT_NE(Digested(folder, ""), first.digest);
}

TEST(FileDigest, OfALongFileSeesItsEndsAndWhatMovesTheRest) {
  const testing::TempFolder folder;
  std::string content;
  for (int i = 0; content.size() < 1'000'000; ++i) content += std::to_string(i) + "\n";
  const uint64_t first = Digested(folder, content);
  int n_ticks = 0;
  DigestOf(folder.Path("file"), kMinSampledBytes, [&] { ++n_ticks; });
  EXPECT_EQ(n_ticks, 4) << "of 64 KiB each";
  for (const size_t at : {size_t{0}, content.size() - 1}) {
    std::string changed = content;
    changed[at] = 'x';
    EXPECT_NE(Digested(folder, changed), first) << at;
  }
  std::string moved = content;
  moved.erase(moved.begin() + 100'000);
  moved += '\n';  // as long as before
  EXPECT_NE(Digested(folder, moved), first);
  std::string unseen = content;
  unseen[100'000] = 'x';
  EXPECT_EQ(Digested(folder, unseen), first) << "as the header says";
}

TEST(FileDigest, OfAJobHasTheFilesOfTrainingAndOfJoins) {
  const testing::TempFolder folder;
  Data data;
  data.mutable_train()->add_file(folder.Write("train", "a"));
  data.mutable_test()->add_file(folder.Write("test", "b"));
  data.add_join()->add_file(folder.Write("users", "c"));
  const std::vector<FileDigest> files = DigestsOf(data);
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].path, folder.Path("train"));
  EXPECT_EQ(files[1].path, folder.Path("users"));
  EXPECT_TRUE(DigestsOf(Data()).empty());
  data.add_join()->add_file(folder.Path("none"));
  EXPECT_THROW(DigestsOf(data), Error);
}

}  // namespace
}  // namespace zhiyin::worker::data
