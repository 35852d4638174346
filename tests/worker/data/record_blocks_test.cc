#include "worker/data/record_blocks.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/files.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

class RecordBlocksTest : public ::testing::Test {
 protected:
  RecordBlocks Open(const std::string& file, Split split = Split()) {
    split.add_file(file);
    return RecordBlocks(OpenRecords(
                            job_, split, LabelUse::kIgnored, [] {}, &reads_),
                        split);
  }
  /// Reads the records of a block; returns their text.
  static std::string TextOf(int64_t block, RecordBlocks* blocks) {
    std::string text;
    RecordView record;
    int64_t n = blocks->GoTo(block);
    for (; n > 0 && blocks->records().Next(&record); --n)
      text += std::string(record.values.at(0).text()) + "\n";
    return text;
  }

  testing::TempFolder folder_;
  Job job_;
  ReadCounts reads_;
};

TEST_F(RecordBlocksTest, BlocksBeginAtTheFirstRecordOfTheSplit) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i) + "\n";
  Split split;
  split.set_first_row(100);
  split.set_n_rows(600);
  for (const std::string& file : {folder_.Write("a", text), folder_.WriteGzip("a.gz", text)}) {
    RecordBlocks blocks = Open(file, split);
    RecordView record;
    for (const int64_t block : {1, 0, 2, 1, 0}) {
      EXPECT_EQ(blocks.GoTo(block), block < 2 ? kBlockRecords : 600 - 2 * kBlockRecords);
      ASSERT_TRUE(blocks.records().Next(&record));
      EXPECT_EQ(record.values.at(0).text(), std::to_string(100 + block * kBlockRecords));
    }
    EXPECT_EQ(blocks.GoTo(3), 0);
  }
}

TEST_F(RecordBlocksTest, ABlockThatIsReadAgainCostsItsBytes) {
  constexpr int64_t kBlocks = 40;
  std::string text;
  for (int64_t i = 0; i < kBlocks * kBlockRecords; ++i)
    text += std::to_string(i) + std::string(static_cast<size_t>(i % 90), 'x') + "\n";
  Split split;
  split.add_file(folder_.Write("a", text.substr(0, text.find("\n5000") + 1)));
  RecordBlocks blocks = Open(folder_.Write("b", text.substr(text.find("\n5000") + 1)), split);
  std::vector<std::string> first;
  for (int64_t b = 0; b < kBlocks; ++b) first.push_back(TextOf(b, &blocks));
  EXPECT_EQ(blocks.GoTo(kBlocks), kBlockRecords);
  EXPECT_EQ(TextOf(kBlocks, &blocks), "");
  const int64_t n_files = 2;
  EXPECT_EQ(reads_.n_files, n_files);
  const int64_t n_text = static_cast<int64_t>(text.size());
  constexpr int64_t kStart = 100;  // more than is read to see what a file is
  EXPECT_GE(reads_.n_bytes, n_text);
  EXPECT_LE(reads_.n_bytes, n_text + n_files * kStart) << "in the first pass";

  const auto cost = [&](const std::vector<int64_t>& order) {
    reads_.n_bytes = 0;
    for (const int64_t b : order) EXPECT_EQ(TextOf(b, &blocks), first[static_cast<size_t>(b)]);
    return reads_.n_bytes.load();
  };
  EXPECT_LE(cost({3}), static_cast<int64_t>(first[3].size()) + kStart) << "opens a file";
  EXPECT_EQ(cost({5, 9, 2, 2}),
            static_cast<int64_t>(first[5].size() + first[9].size() + 2 * first[2].size()));
  EXPECT_EQ(cost({7, 8, 9}),
            static_cast<int64_t>(first[7].size() + first[8].size() + first[9].size()))
      << "one after the other";
  std::vector<int64_t> odd;
  int64_t n_odd = 0;
  for (int64_t b = 1; b < kBlocks; b += 2) {
    odd.push_back(b);
    n_odd += static_cast<int64_t>(first[static_cast<size_t>(b)].size());
  }
  EXPECT_LE(cost(odd), n_odd + n_files * kStart) << "block 19 is in both files";
}

TEST_F(RecordBlocksTest, ABlockBehindTheEndOfTheFilesIsEmpty) {
  RecordBlocks blocks = Open(folder_.Write("a", "0\n1\n"));
  EXPECT_EQ(blocks.GoTo(1), 0);
  EXPECT_EQ(blocks.GoTo(0), kBlockRecords) << "the file may end earlier";
}

}  // namespace
}  // namespace zhiyin::worker::data
