#include "worker/data/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "common/error.h"
#include "tests/support/compress.h"
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
std::vector<std::string> Lines(const std::string& path, const Dialect& dialect = Dialect()) {
  LineReader reader(path, dialect);
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

TEST_F(LineReaderTest, RefusesLineEndsTheWrongWayRound) {
  const std::string wrong = folder_.Write("wrong.csv", "user,click\n\ru1,0\n\ru2,1\nu3,0\n\r");
  EXPECT_THAT([&] { LineReader reader(wrong); },
              ThrowsMessage<Error>(
                  HasSubstr("wrong.csv: its lines end in \\n\\r (LF CR), expected \\n or \\r\\n")));
  EXPECT_THAT(Lines(folder_.Write("f", "one\ntwo\n\rthree\n")),
              ElementsAre("1:one", "2:two", "3:\rthree"));
  EXPECT_THAT(Lines(folder_.Write("g", "one\r\n\r\ntwo\r\n")), ElementsAre("1:one", "3:two"));
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

TEST_F(LineReaderTest, FindsOldMacLineEnds) {
  EXPECT_THAT(Lines(folder_.Write("f", "one\rtwo\r\rthree\r")),
              ElementsAre("1:one", "2:two", "4:three"));
  EXPECT_THAT(Lines(folder_.WriteGzip("g", "one\rtwo")), ElementsAre("1:one", "2:two"));
  EXPECT_THAT(Lines(folder_.Write("h", "o\rne\ntwo\n")), ElementsAre("1:o\rne", "2:two"))
      << "where lines end in \\n, \\r is a character";
}

TEST_F(LineReaderTest, AQuotedValueMaySpanLines) {
  const Dialect quotes = {.delimiter = ",", .quote = '"'};
  const std::string path = folder_.Write("f", "a,\"b\n\nc\"\r\nd\n\"e\r\nf\"\"\n\",g\n\"h\n");
  EXPECT_THAT(Lines(path, quotes),
              ElementsAre("1:a,\"b\n\nc\"", "4:d", "5:\"e\r\nf\"\"\n\",g", "8:\"h"))
      << "the last quote is never closed";
  EXPECT_EQ(Lines(path).size(), 7u) << "without quotes every line is one";
  LineReader reader(path, quotes);
  EXPECT_EQ(reader.Skip(1), 1);
  const LineReader::Place place = reader.place();
  EXPECT_EQ(reader.Skip(9), 3);
  reader.Seek(place);
  Line line;
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line.text, "d");
  EXPECT_EQ(line.number, 4);
}

TEST_F(LineReaderTest, AStrayQuoteSpoilsNoOtherLine) {
  const Dialect quotes = {.delimiter = ",", .quote = '"'};
  EXPECT_THAT(Lines(folder_.Write("f", "\"a,1\nb,2\n\"c\",3\n"), quotes),
              ElementsAre("1:\"a,1", "2:b,2", "3:\"c\",3"));
  const std::string lines(LineReader::kMaxBytes, '\n');
  EXPECT_THAT(Lines(folder_.Write("g", "\"a" + lines + "b\"\n"), quotes),
              ElementsAre("1:\"a", std::to_string(1 + lines.size()) + ":b\""))
      << "the record would be too long";
}

TEST_F(LineReaderTest, ConvertsWhatIsNotUtf8) {
  EXPECT_THAT(Lines(folder_.Write("f", "\xe9t\xe9\n"), {.encoding = "latin1"}),
              ElementsAre("1:été"));
  EXPECT_THAT(Lines(folder_.WriteGzip("f.gz", "\xe9t\xe9\n"), {.encoding = "latin1"}),
              ElementsAre("1:été"));
  std::string many;
  std::vector<std::string> expected;
  for (int i = 1; i <= 30'000; ++i) {  // more than a buffer, which cuts characters
    many += "\xd6\xaa\xd2\xf4" + std::to_string(i) + "\n";
    expected.push_back(std::to_string(i) + ":知音" + std::to_string(i));
  }
  EXPECT_EQ(Lines(folder_.Write("g", many), {.encoding = "gb18030"}), expected);
  EXPECT_THAT(Lines(folder_.Write("h", "a\xff\nb\xd6"), {.encoding = "gb18030"}),
              ElementsAre("1:a\xff", "2:b\xff"))
      << "what means nothing is no UTF-8";
  EXPECT_FALSE(LineReader(folder_.Path("f"), {.encoding = "latin1"}).CanSeek());
}

TEST_F(LineReaderTest, AByteOrderMarkTellsTheEncoding) {
  const std::string_view little(
      "\xff\xfe"
      "a\0\xe9\0\n\0",
      8);
  EXPECT_THAT(Lines(folder_.Write("f", little)), ElementsAre("1:aé"));
  const std::string_view big("\xfe\xff\0a\0\xe9\0\n", 8);
  EXPECT_THAT(Lines(folder_.Write("g", big)), ElementsAre("1:aé"));
  EXPECT_THAT(Lines(folder_.Write("h",
                                  "\xef\xbb\xbf"
                                  "é\n"),
                    {.encoding = "latin1"}),
              ElementsAre("1:é"));
  const std::string path = folder_.Write("i", little.substr(2));
  EXPECT_THAT(
      [&] { Lines(path); },
      ThrowsMessage<Error>(path + ": is UTF-16 without a byte order mark, expected UTF-8, or "
                                  "data.text.encoding: \"UTF-16LE\""));
  EXPECT_THAT(Lines(path, {.encoding = "UTF-16LE"}), ElementsAre("1:aé"));
}

TEST_F(LineReaderTest, NamesAPointerOfGitLfs) {
  const std::string path =
      folder_.Write("f", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
  EXPECT_THAT([&] { LineReader{path}; },
              ThrowsMessage<Error>(path + ": is a pointer of Git LFS, expected the file itself, "
                                          "which \"git lfs pull\" fetches"));
}

TEST_F(LineReaderTest, NamesArchives) {
  const auto error = [&](const std::string& content) -> std::string {
    const std::string path = folder_.Write("f", content);
    try {
      LineReader reader(path);
    } catch (const Error& e) {
      return std::string(e.what()).substr(path.size());
    }
    return "none";
  };
  const std::string zeros(300, '\0');
  EXPECT_EQ(error("PK\x03\x04" + zeros),
            ": is a zip archive (as .xlsx and .npz are) in place of text, expected it unpacked");
  EXPECT_THAT(error("7z\xbc\xaf\x27\x1c" + zeros), HasSubstr(": is a 7z archive"));
  EXPECT_THAT(error(std::string("\x5d\0\0\x80", 4) + std::string(9, '\xff')),
              HasSubstr(": is an .lzma file"));
  std::string tar = "users.csv" + zeros;
  tar.replace(257, 5, "ustar");
  EXPECT_THAT(error(tar), HasSubstr(": is a tar archive in place of text"));
  EXPECT_EQ(error(zhiyin::testing::Gzip(tar)),
            ": holds a tar archive in place of text, expected it unpacked");
  EXPECT_EQ(error(zhiyin::testing::Gzip(zhiyin::testing::Gzip("user,click\nu1,0\n"))),
            ": holds gzip data in place of text, expected it unpacked");
  EXPECT_THAT(error(zhiyin::testing::Gzip(testing::Zstd("user,click\nu1,0\n"))),
              HasSubstr(": holds zstd data"));
  EXPECT_EQ(error(zhiyin::testing::Gzip("BZ")), "none") << "a short text";
  EXPECT_EQ(error("PK,click\nu1,0\n"), "none");
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

TEST_F(LineReaderTest, AGzipMayBePaddedWithZeros) {
  const std::string a = ReadFile(folder_.WriteGzip("a", "one\ntw"));
  const std::string b = ReadFile(folder_.WriteGzip("b", "o\n"));
  const std::string zeros(100'000, '\0');
  EXPECT_THAT(Lines(folder_.Write("ab", a + b + zeros)), ElementsAre("1:one", "2:two"));
  EXPECT_THAT(Lines(folder_.Write("a0b", a + zeros + b)), ElementsAre("1:one", "2:two"));
  const std::string path = folder_.Write("more", a + zeros + "something else");
  EXPECT_THAT([&] { Lines(path); },
              ThrowsMessage<Error>(HasSubstr("corrupt gzip (incorrect header check)")));
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
