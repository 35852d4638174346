#include "worker/train/read_apart.h"

#include <gtest/gtest.h>

#include <array>

namespace zhiyin::worker::train {
namespace {

/// The index of one file with six blocks.
SplitIndex OfSixBlocks() {
  SplitIndex index;
  index.findings.records.Append(6 * data::kBlockRecords, 1);
  index.file_begins = {0};
  return index;
}

bool IsReadApartBy(const std::vector<std::vector<int64_t>>& workers, const IndexedFiles& files,
                   const SplitIndex& index = OfSixBlocks()) {
  return IsReadApart(index, files, static_cast<int>(workers.size()),
                     [&](int w) { return workers[static_cast<size_t>(w)]; });
}

const std::array<data::Unit, 1> kFile = {data::Unit{{0, 0}, 1000}};
const IndexedFiles kCompressed = {kFile, 0, /*can_jump=*/false};
const IndexedFiles kPlain = {kFile, 0, /*can_jump=*/true};

TEST(IsReadApart, WhereFilesCannotBeJumpedInEachRunIsAPass) {
  EXPECT_TRUE(IsReadApartBy({{0, 1, 2, 3, 4, 5}}, kCompressed));
  EXPECT_FALSE(IsReadApartBy({{0, 2, 4, 1, 3, 5}}, kCompressed)) << "two runs of one worker";
  EXPECT_FALSE(IsReadApartBy({{0, 2, 4}, {1, 3, 5}}, kCompressed)) << "two workers";
  EXPECT_TRUE(IsReadApartBy({{}, {}}, kCompressed)) << "they keep nothing";
}

TEST(IsReadApart, PlainTextCostsTheBlocksThatAreWanted) {
  EXPECT_TRUE(IsReadApartBy({{0, 2, 4, 1, 3, 5}}, kPlain));
  EXPECT_TRUE(IsReadApartBy({{0, 2, 4}, {1, 3, 5}}, kPlain));
  EXPECT_FALSE(IsReadApartBy({{0, 1, 2, 3, 4, 5}, {0, 1, 2, 3, 4, 5}}, kPlain));
}

TEST(IsReadApart, ConsecutiveBlocksBeginAtAFileOrAPoint) {
  const std::vector<std::vector<int64_t>> halves = {{0, 1, 2}, {3, 4, 5}};
  EXPECT_FALSE(IsReadApartBy(halves, kCompressed));
  SplitIndex index = OfSixBlocks();
  index.file_begins = {0, 3 * data::kBlockRecords};
  EXPECT_TRUE(IsReadApartBy(halves, kCompressed, index));
  index = OfSixBlocks();
  index.points[0].emplace_back();
  EXPECT_TRUE(IsReadApartBy(halves, kCompressed, index));
}

TEST(IsAnyShareKept, AShareOfAtMostTwiceWhatAWorkerKeeps) {
  const std::array<data::Unit, 3> units = {data::Unit{{0, 0}, 300}, {{1, 0}, 500}, {{2, 0}, 200}};
  const std::array<int64_t, 4> all_in_one = {0, 0, 3, 3};
  EXPECT_TRUE(IsAnyShareKept(units, all_in_one, 100, 50));
  EXPECT_FALSE(IsAnyShareKept(units, all_in_one, 100, 49));
  const std::array<int64_t, 4> divided = {0, 1, 2, 3};
  EXPECT_TRUE(IsAnyShareKept(units, divided, 100, 10)) << "the last one";
  EXPECT_FALSE(IsAnyShareKept(units, divided, 100, 9));
}

}  // namespace
}  // namespace zhiyin::worker::train
