#include "worker/data/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "common/error.h"
#include "tests/support/files.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using zhiyin::testing::ReadFile;
using zhiyin::testing::TempFolder;

/// "number:text" of every line; a line that is too long is "number:(too long)".
std::vector<std::string> Lines(const std::string& path) {
  LineReader reader(path);
  std::vector<std::string> lines;
  Line line;
  while (reader.Next(&line)) {
    lines.push_back(std::to_string(line.number) + ":" +
                    (line.too_long ? "(too long)" : std::string(line.text)));
  }
  EXPECT_FALSE(reader.Next(&line)) << "the end is the end";
  return lines;
}

/// Some megabytes of different lines.
std::string LargeText() {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

class LineReaderTest : public ::testing::Test {
 protected:
  TempFolder folder_;
};

TEST_F(LineReaderTest, GivesLinesWithTheirNumbers) {
  EXPECT_THAT(Lines(folder_.Write("f", "one\ntwo\nthree\n")),
              ElementsAre("1:one", "2:two", "3:three"));
}

TEST_F(LineReaderTest, TheLastLineNeedsNoEnd) {
  EXPECT_THAT(Lines(folder_.Write("f", "one\ntwo")), ElementsAre("1:one", "2:two"));
}

TEST_F(LineReaderTest, PassesOverEmptyLinesButCountsThem) {
  EXPECT_THAT(Lines(folder_.Write("f", "\n\none\n\r\n\ntwo\n\n")), ElementsAre("3:one", "6:two"));
}

TEST_F(LineReaderTest, KnowsWindowsLineEndsAndTheByteOrderMark) {
  EXPECT_THAT(Lines(folder_.Write("f", "\xef\xbb\xbfone\r\ntwo\r\nthree\r")),
              ElementsAre("1:one", "2:two", "3:three"));
}

TEST_F(LineReaderTest, AnEmptyFileHasNoLines) {
  EXPECT_THAT(Lines(folder_.Write("f", "")), IsEmpty());
  EXPECT_THAT(Lines(folder_.Write("g", "\n")), IsEmpty());
  EXPECT_THAT(Lines(folder_.WriteGzip("h", "")), IsEmpty());
}

TEST_F(LineReaderTest, PassesOverALineThatIsTooLong) {
  const std::string longest(LineReader::kMaxBytes, 'x');
  EXPECT_THAT(Lines(folder_.Write("f", "one\n" + longest + "y\ntwo\n")),
              ElementsAre("1:one", "2:(too long)", "3:two"));
  EXPECT_THAT(Lines(folder_.Write("g", longest + longest + longest)), ElementsAre("1:(too long)"));
  EXPECT_THAT(Lines(folder_.Write("h", "one\n" + longest + "\ntwo")),
              ElementsAre("1:one", "2:" + longest, "3:two"));
}

TEST_F(LineReaderTest, SkipCountsLinesThatAreNotEmpty) {
  LineReader reader(folder_.Write("f", "one\n\ntwo\nthree\nfour\n"));
  EXPECT_EQ(reader.Skip(2), 2);
  Line line;
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line.text, "three");
  EXPECT_EQ(line.number, 4);
  EXPECT_EQ(reader.Skip(5), 1);
}

TEST_F(LineReaderTest, PlainAndGzipAreTheSame) {
  const std::string text = LargeText();
  const std::vector<std::string> plain = Lines(folder_.Write("f", text));
  EXPECT_EQ(plain.size(), 200'000u);
  EXPECT_EQ(plain.back(), "200000:line 199999");
  EXPECT_EQ(Lines(folder_.WriteGzip("f.gz", text)), plain);
}

TEST_F(LineReaderTest, AGzipMayHaveSeveralMembers) {
  const std::string a = ReadFile(folder_.WriteGzip("a", "one\ntw"));
  const std::string b = ReadFile(folder_.WriteGzip("b", "o\nthree\n"));
  EXPECT_THAT(Lines(folder_.Write("ab", a + b)), ElementsAre("1:one", "2:two", "3:three"));
}

TEST_F(LineReaderTest, ATruncatedGzipIsNamedWithItsLength) {
  const std::string gzip = ReadFile(folder_.WriteGzip("whole.gz", LargeText()));
  for (const size_t n : {gzip.size() / 2, gzip.size() - 1, gzip.size() - 8, size_t{5}}) {
    const std::string path = folder_.Write("cut.gz", gzip.substr(0, n));
    EXPECT_THAT([&] { Lines(path); },
                ThrowsMessage<Error>(HasSubstr(path + ": at byte " + std::to_string(n) +
                                               ": the gzip ends too early, expected more")));
  }
}

TEST_F(LineReaderTest, ACorruptGzipIsNamedWithTheByte) {
  std::string gzip = ReadFile(folder_.WriteGzip("whole.gz", LargeText()));
  gzip[gzip.size() - 6] ^= 1;  // in the checksum
  const std::string path = folder_.Write("flipped.gz", gzip);
  EXPECT_THAT([&] { Lines(path); }, ThrowsMessage<Error>(AllOf(HasSubstr(path + ": at byte "),
                                                               HasSubstr("incorrect data check"),
                                                               HasSubstr("expected"))));
}

TEST_F(LineReaderTest, WhatFollowsAGzipMustBeAGzip) {
  const std::string gzip = ReadFile(folder_.WriteGzip("whole.gz", "one\n"));
  const std::string path = folder_.Write("more.gz", gzip + "something else");
  EXPECT_THAT([&] { Lines(path); },
              ThrowsMessage<Error>(HasSubstr("corrupt gzip (incorrect header check)")));
}

TEST_F(LineReaderTest, NamesAFileThatIsNotThere) {
  const std::string path = folder_.Path("nowhere.csv");
  EXPECT_THAT(
      [&] { LineReader{path}; },
      ThrowsMessage<Error>(path + ": No such file or directory, expected a file that can be read"));
}

TEST_F(LineReaderTest, NamesAFolder) {
  EXPECT_THAT([&] { LineReader{folder_.Path()}; },
              ThrowsMessage<Error>(HasSubstr(": is a folder, expected a file")));
}

TEST_F(LineReaderTest, DoesNotHangOnAPipe) {
  const std::string path = folder_.Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT([&] { LineReader{path}; },
              ThrowsMessage<Error>(HasSubstr("pipe: is no regular file, expected a file")));
}

TEST_F(LineReaderTest, NamesAFileThatMayNotBeRead) {
  const std::string path = folder_.Write("secret", "one\n");
  std::filesystem::permissions(path, std::filesystem::perms::none);
  if (std::ifstream(path).good()) GTEST_SKIP() << "root may read everything";
  EXPECT_THAT([&] { LineReader{path}; }, ThrowsMessage<Error>(HasSubstr("Permission denied")));
}

TEST_F(LineReaderTest, NoticesThatAFileShrinksOrGrowsWhileItIsRead) {
  for (const bool shrinks : {true, false}) {
    const std::string text = LargeText();
    const std::string path = folder_.Write("f", text);
    LineReader reader(path);
    if (shrinks) {
      std::filesystem::resize_file(path, text.size() / 2);
    } else {
      std::ofstream(path, std::ios::app) << "one more\n";
    }
    EXPECT_THAT(
        [&] { reader.Skip(1'000'000); },
        ThrowsMessage<Error>(HasSubstr(path + ": changed while it was read: " +
                                       std::to_string(text.size()) + " bytes when opened, ")));
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
