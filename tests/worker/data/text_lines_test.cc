#include "worker/data/text_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/files.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class TextLinesTest : public ::testing::Test {
 protected:
  TextFile Write(const std::string& name, const std::string& content, bool has_header = false) {
    const std::string path = folder_.Write(name, content);
    return {path, LineReader(path).stamp(), has_header};
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
  TextLines lines(
      {Write("a", "h\n0\n\n1\n", true), Write("b", "h\n", true), Write("c", "2", false)});
  EXPECT_EQ(lines.position(), 0);
  EXPECT_THAT(Rest(&lines), ElementsAre("0", "1", "2"));
  EXPECT_EQ(lines.position(), 3);
}

TEST_F(TextLinesTest, SkipsOverTheEndsOfFiles) {
  TextLines lines({Write("a", "0\n1\n"), Write("b", "2\n3\n")});
  EXPECT_EQ(lines.Skip(3), 3);
  EXPECT_THAT(Rest(&lines), ElementsAre("3"));
  EXPECT_EQ(lines.Skip(2), 0);
}

TEST_F(TextLinesTest, SeeksBackToAPlaceInAnEarlierFile) {
  TextLines lines({Write("a", "0\n1\n"), Write("b", "2\n")});
  EXPECT_FALSE(lines.place().has_value()) << "no file is open";
  lines.Skip(1);
  const auto place = lines.place();
  ASSERT_TRUE(place.has_value());
  Rest(&lines);
  lines.Seek(*place);
  EXPECT_EQ(lines.position(), 1);
  EXPECT_THAT(Rest(&lines), ElementsAre("1", "2"));
}

TEST_F(TextLinesTest, AGzipIsReturnedToLikeAPlainFile) {
  TextLines lines({WriteGzip("a.gz", "0\n1\n"), WriteGzip("b.gz", "2\n3\n4\n")});
  lines.Skip(4);
  const std::optional<TextLines::Place> place = lines.place();
  ASSERT_TRUE(place.has_value());
  EXPECT_THAT(Rest(&lines), ElementsAre("4"));
  lines.Seek(*place);
  EXPECT_EQ(lines.position(), 4);
  EXPECT_THAT(Rest(&lines), ElementsAre("4"));
  lines.RestartBefore(3);
  EXPECT_EQ(lines.position(), 2) << "the first line of b.gz";
  EXPECT_THAT(Rest(&lines), ElementsAre("2", "3", "4"));
  lines.RestartBefore(1);
  EXPECT_EQ(lines.position(), 0);
}

TEST_F(TextLinesTest, AFileThatChangedIsRefused) {
  const TextFile file = Write("a", "0\n1\n");
  Write("a", "0\n1\n2\n");
  TextLines lines({file});
  Line line;
  EXPECT_THAT([&] { lines.Next(&line); },
              ThrowsMessage<Error>(HasSubstr("changed since the job began: 4 bytes then, 6 now")));
}

TEST_F(TextLinesTest, TicksForEveryFileAndWhileItSkips) {
  std::vector<TextFile> files;
  for (int i = 0; i < 10; ++i) files.push_back(Write("f" + std::to_string(i), "h\n", true));
  std::string many;
  for (int64_t i = 0; i < 3 * PieceTick::kPieces; ++i) many += "x\n";
  files.push_back(Write("many", many, true));
  TextLines lines(files);
  int n_ticks = 0;
  lines.SetTick([&] { ++n_ticks; });
  lines.Skip(1);
  EXPECT_GE(n_ticks, 11) << "files without lines are passed";
  n_ticks = 0;
  lines.Skip(3 * PieceTick::kPieces - 2);
  EXPECT_GE(n_ticks, 3);
}

TEST_F(TextLinesTest, TicksWhileItDecodesUpToAPlace) {
  const std::string line(1023, 'x');
  std::string many;
  while (static_cast<int64_t>(many.size()) < 3 * FileBytes::kTickBytes) many += line + "\n";
  TextFile file = WriteGzip("a.gz", many);
  file.look = LineReader(file.path).look();
  TextLines lines({file});
  lines.Skip(static_cast<int64_t>(many.size()) / 1024 - 1);
  const std::optional<TextLines::Place> place = lines.place();
  ASSERT_TRUE(place.has_value());
  EXPECT_THAT(Rest(&lines), ElementsAre(line));
  int n_ticks = 0;
  lines.SetTick([&] { ++n_ticks; });
  lines.Seek(*place);
  EXPECT_GE(n_ticks, 2) << "in the file that was open before";
  EXPECT_THAT(Rest(&lines), ElementsAre(line));
  n_ticks = 0;
  lines.RestartBefore(0);
  lines.Seek(*place);
  EXPECT_GE(n_ticks, 3) << "for opening the file, too";

  TextLines cut({file}, {0, place->in_file.offset}, {1, 0}, Dialect(), nullptr);
  n_ticks = 0;
  cut.SetTick([&] { ++n_ticks; });
  EXPECT_TRUE(cut.Begin());
  EXPECT_GE(n_ticks, 3);
  EXPECT_THAT(Rest(&cut), ElementsAre(line));
}

}  // namespace
}  // namespace zhiyin::worker::data
