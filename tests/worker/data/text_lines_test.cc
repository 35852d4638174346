#include "worker/data/text_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/files.h"
#include "worker/data/line_blocks.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class TextLinesTest : public ::testing::Test {
 protected:
  TextFile Write(const std::string& name, const std::string& content) {
    const std::string path = folder_.Write(name, content);
    return {path, LineReader(path).stamp()};
  }
  TextFile WriteGzip(const std::string& name, const std::string& content) {
    const std::string path = folder_.WriteGzip(name, content);
    return {path, LineReader(path).stamp()};
  }
  static std::vector<std::string> Rest(TextLines* lines) {
    std::vector<std::string> rest;
    for (Line line; lines->Next(&line);) rest.emplace_back(line.text);
    return rest;
  }

  testing::TempFolder folder_;
};

TEST_F(TextLinesTest, FilesAreReadOneAfterTheOtherWithoutTheirHeaders) {
  TextLines lines({Write("a", "h\n0\n\n1\n"), Write("b", "h\n"), Write("c", "h\n2")}, true);
  EXPECT_EQ(lines.position(), 0);
  EXPECT_THAT(Rest(&lines), ElementsAre("0", "1", "2"));
  EXPECT_EQ(lines.position(), 3);
}

TEST_F(TextLinesTest, SkipsOverTheEndsOfFiles) {
  TextLines lines({Write("a", "0\n1\n"), Write("b", "2\n3\n")}, false);
  EXPECT_EQ(lines.Skip(3), 3);
  EXPECT_THAT(Rest(&lines), ElementsAre("3"));
  EXPECT_EQ(lines.Skip(2), 0);
}

TEST_F(TextLinesTest, SeeksBackToAPlaceInAnEarlierFile) {
  TextLines lines({Write("a", "0\n1\n"), Write("b", "2\n")}, false);
  EXPECT_FALSE(lines.place().has_value()) << "no file is open";
  lines.Skip(1);
  const auto place = lines.place();
  ASSERT_TRUE(place.has_value());
  Rest(&lines);
  lines.Seek(*place);
  EXPECT_EQ(lines.position(), 1);
  EXPECT_THAT(Rest(&lines), ElementsAre("1", "2"));
}

TEST_F(TextLinesTest, AGzipIsReadAgainFromItsBeginning) {
  TextLines lines({WriteGzip("a.gz", "0\n1\n"), WriteGzip("b.gz", "2\n3\n4\n")}, false);
  lines.Skip(4);
  EXPECT_FALSE(lines.place().has_value());
  lines.RestartBefore(3);
  EXPECT_EQ(lines.position(), 2) << "the first line of b.gz";
  EXPECT_THAT(Rest(&lines), ElementsAre("2", "3", "4"));
  lines.RestartBefore(1);
  EXPECT_EQ(lines.position(), 0);
}

TEST_F(TextLinesTest, AFileThatChangedIsRefused) {
  const TextFile file = Write("a", "0\n1\n");
  Write("a", "0\n1\n2\n");
  TextLines lines({file}, false);
  Line line;
  EXPECT_THAT([&] { lines.Next(&line); },
              ThrowsMessage<Error>(HasSubstr("changed since the job began: 4 bytes then, 6 now")));
}

TEST_F(TextLinesTest, BlocksBeginAtTheFirstLineOfTheSplit) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i) + "\n";
  Split split;
  split.set_first_row(100);
  split.set_n_rows(600);
  for (const TextFile& file : {Write("a", text), WriteGzip("a.gz", text)}) {
    LineBlocks blocks({file}, false, split);
    Line line;
    for (const int64_t block : {1, 0, 2, 1, 0}) {
      EXPECT_EQ(blocks.GoTo(block), block < 2 ? kBlockRows : 600 - 2 * kBlockRows);
      ASSERT_TRUE(blocks.lines().Next(&line));
      EXPECT_EQ(line.text, std::to_string(100 + block * kBlockRows));
    }
    EXPECT_EQ(blocks.GoTo(3), 0);
  }
}

TEST_F(TextLinesTest, ABlockBehindTheEndOfTheFilesIsEmpty) {
  LineBlocks blocks({Write("a", "0\n1\n")}, false, Split());
  EXPECT_EQ(blocks.GoTo(1), 0);
  EXPECT_EQ(blocks.GoTo(0), kBlockRows) << "the file may end earlier";
}

}  // namespace
}  // namespace zhiyin::worker::data
