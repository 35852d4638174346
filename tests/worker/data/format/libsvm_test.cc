#include <gmock/gmock.h>

#include "common/error.h"
#include "tests/support/files.h"
#include "tests/support/format_records.h"
#include "worker/data/line_reader.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;
using zhiyin::testing::AsCategories;
using zhiyin::testing::AsNumber;
using zhiyin::testing::AsText;
using zhiyin::testing::ParseText;
using zhiyin::testing::RecordsOf;
using zhiyin::testing::ShownRecord;
using zhiyin::testing::WantedColumns;

class LibsvmTest : public ::testing::Test {
 protected:
  std::vector<std::string> Read(const std::string& content, const WantedColumns& wanted,
                                const std::string& text = "") const {
    return RecordsOf(kLibsvm, folder_.Write("f.svm", content), ParseText(text), wanted);
  }
  /// What is wrong with a line for a job that reads its label and index 3.
  std::string WrongWith(const std::string& line) const {
    const std::vector<std::string> records = Read(line, {AsNumber("label"), AsNumber("3")});
    return records.size() == 1 ? records[0] : "no single record";
  }

  testing::TempFolder folder_;
};

TEST_F(LibsvmTest, ANumberAtAnIndexIsZeroWhereTheLineHasNone) {
  EXPECT_THAT(Read("+1 3:0.25 11:1 14:-5e-1\n-1 5:1\n0\t11:2\t3:7\n",
                   {AsNumber("label"), AsNumber("3"), AsNumber("14"), AsNumber("99")}),
              ElementsAre("1: '+1' 0.25 -0.5 0", "2: '-1' 0 0 0", "3: '0' 7 0 0"));
}

TEST_F(LibsvmTest, ACategoryAtAnIndexIsMissingWhereTheLineHasNone) {
  EXPECT_THAT(Read("1 3:04.0\n1 4:1\n", {AsCategories("3"), AsText("3"), AsText("label")}),
              ElementsAre("1: '04.0' '04.0' '1'", "2: - '0' '1'"));
}

TEST_F(LibsvmTest, IndicesAreThoseWhoseValueIsNotZero) {
  EXPECT_THAT(Read("1 7:1 3:0 5:1.0 12:+1\n0 3:0.0\n0\n", {AsCategories("indices")}),
              ElementsAre("1: [7 5 12]", "2: -", "3: -"));
}

TEST_F(LibsvmTest, AnIndexIsOneCategoryHoweverItIsWritten) {
  EXPECT_THAT(Read("1 007:1 00:1\n", {AsCategories("indices"), AsNumber("7"), AsNumber("0")}),
              ElementsAre("1: [7 0] 1 1"));
}

TEST_F(LibsvmTest, ACategoryHasNoWeight) {
  const std::string content = "1 3:1 14:0.5\n1 3:1\n";
  EXPECT_THAT(Read(content, {AsCategories("indices")}),
              ElementsAre("1! token \"14:0.5\": the value is \"0.5\", expected 0 or 1, since a "
                          "category has no weight; data.text.libsvm.ignore_values: true takes the "
                          "index alone",
                          "2: [3]"));
  EXPECT_THAT(Read(content, {AsNumber("14")}), ElementsAre("1: 0.5", "2: 0"))
      << "a job that reads no indices takes any number";
  EXPECT_THAT(
      Read("1 3:1 14:0.5 15:0\n", {AsCategories("indices")}, "libsvm { ignore_values: true }"),
      ElementsAre("1: [3 14]"))
      << "a value of 0 is as good as none";
}

TEST_F(LibsvmTest, AQueryMayFollowTheLabel) {
  EXPECT_THAT(Read("2 qid:10 1:1\n1 1:1\n0 qid:10\n", {AsText("qid"), AsNumber("1")}),
              ElementsAre("1: '10' 1", "2: - 1", "3: '10' 0"));
}

TEST_F(LibsvmTest, ALineNeedsNoLabelThatNobodyReads) {
  const std::string content = "3:1 4:1\nqid:7 3:2\n0 3:5\n1 qid:8\n";
  EXPECT_THAT(Read(content, {AsNumber("3"), AsText("qid"), AsCategories("indices")},
                   "libsvm { ignore_values: true }"),
              ElementsAre("1: 1 - [3 4]", "2: 2 '7' [3]", "3: 5 - [3]", "4: 0 '8' -"));
}

TEST_F(LibsvmTest, PassesOverCommentsAndBlankLines) {
  const std::string content = "# by hand\n1 3:1 # 4:1\n\n \t\n  # 1 3:1\n0 3:2# x\r\n";
  const std::vector<std::string> records = {"2: '1' 1 0", "6: '0' 2 0"};
  const WantedColumns wanted = {AsText("label"), AsNumber("3"), AsNumber("4")};
  EXPECT_EQ(Read(content, wanted), records);
  EXPECT_EQ(RecordsOf(kLibsvm, folder_.WriteGzip("f.gz", content), Text(), wanted), records);
}

TEST_F(LibsvmTest, SkipPassesOverWhatNextReads) {
  const std::string path = folder_.Write("f", "1 3:1\n# no record\n0 x\n \n1 3:4\n1 3:5\n");
  const std::unique_ptr<RecordReader> reader =
      kLibsvm.open(path, Text(), WantedColumns{AsNumber("3")}, nullptr);
  Record record;
  EXPECT_EQ(reader->Skip(2), 2);
  ASSERT_TRUE(reader->Next(&record));
  EXPECT_EQ(ShownRecord(record), "5: 4");
  EXPECT_EQ(reader->Skip(0), 0);
  EXPECT_EQ(reader->Skip(5), 1);
  EXPECT_FALSE(reader->Next(&record));
}

TEST_F(LibsvmTest, AMalformedRecordHasNoValuesAndSpoilsNoOther) {
  const std::string path = folder_.Write("f", "1 3:1 4:1\n1 3:9 4:x\n0\n");
  const std::unique_ptr<RecordReader> reader =
      kLibsvm.open(path, Text(), WantedColumns{AsNumber("3"), AsCategories("indices")}, nullptr);
  Record record;
  ASSERT_TRUE(reader->Next(&record));
  EXPECT_EQ(ShownRecord(record), "1: 1 [3 4]");
  ASSERT_TRUE(reader->Next(&record));
  EXPECT_FALSE(record.wrong.empty());
  ASSERT_EQ(record.values.size(), 2u);
  EXPECT_EQ(record.values[0].kind(), Value::Kind::kMissing);
  EXPECT_EQ(record.values[1].kind(), Value::Kind::kMissing);
  ASSERT_TRUE(reader->Next(&record));
  EXPECT_EQ(ShownRecord(record), "3: 0 -");
}

TEST_F(LibsvmTest, SaysWhatIsWrongWithALine) {
  EXPECT_EQ(WrongWith("1 abc"), "1! token \"abc\" has no colon, expected index:value");
  EXPECT_EQ(WrongWith("1 x:1"),
            "1! token \"x:1\": the index is \"x\", expected a whole number below 2^64");
  EXPECT_EQ(WrongWith("1 3:1 qid:4"),
            "1! token \"qid:4\": the index is \"qid\", expected a whole number below 2^64");
  EXPECT_EQ(WrongWith("1 qid:a 3:1"),
            "1! token \"qid:a\": the query is \"a\", expected a whole number below 2^64");
  EXPECT_EQ(WrongWith("1 7:ab"),
            "1! token \"7:ab\": the value is \"ab\", expected a finite number");
  EXPECT_EQ(WrongWith("3:1 4:1"),
            "1! begins with \"3:1\", expected a label before the tokens index:value");
  EXPECT_EQ(WrongWith("1 7:1 8:1 7:1"),
            "1! index 7 is there twice, expected each index once in a line");
  EXPECT_EQ(WrongWith("1 7:1 07:1"),
            "1! index 7 is there twice, expected each index once in a line");
  EXPECT_EQ(WrongWith("1 \x01:1"),
            "1! token \"\\x01:1\": the index is \"\\x01\", expected a whole number below 2^64");
  EXPECT_EQ(WrongWith("1 3:\xff"), "1! byte 4 is not UTF-8, expected UTF-8 text");
  EXPECT_EQ(WrongWith("1 " + std::string(100, 'x')),
            "1! token \"" + std::string(40, 'x') + "...\" has no colon, expected index:value");
  EXPECT_EQ(WrongWith("1 3:" + std::string(LineReader::kMaxBytes, '1')),
            "1! longer than 1048576 bytes, expected a shorter line");
}

TEST_F(LibsvmTest, TakesOnlyWholeIndicesAndFiniteValues) {
  for (const char* token : {":1", "-3:1", "+3:1", "3.0:1", "1e1:1", "18446744073709551616:1",
                            "3:", "3:nan", "3:inf", "3:1e999", "3:1:1", "3:0x1", "3:1,"}) {
    EXPECT_THAT(WrongWith(std::string("1 ") + token), StartsWith("1! token")) << token;
  }
  EXPECT_THAT(Read("1 18446744073709551615:2\n", {AsNumber("18446744073709551615")}),
              ElementsAre("1: 2"));
}

TEST_F(LibsvmTest, ValuesThatMeanMissingAreMissing) {
  const WantedColumns wanted = {AsNumber("3"), AsNumber("4"), AsCategories("indices")};
  EXPECT_THAT(Read("1 3:nan 4:1\n1 3:-1\n", wanted, "missing: [\"nan\", \"-1\"]"),
              ElementsAre("1: - 1 [4]", "2: - 0 -"));
  EXPECT_THAT(Read("1 3:0 4:1\n", {AsNumber("3"), AsNumber("5")}, "missing: \"0\""),
              ElementsAre("1: - -"))
      << "an absent 0 is as an explicit one";
}

TEST_F(LibsvmTest, RefusesColumnsThatMeanNothing) {
  const auto open = [&](const WantedColumns& wanted) { Read("1 3:1\n", wanted); };
  EXPECT_THAT([&] { open({AsText("user")}); },
              ThrowsMessage<Error>(
                  AllOf(StartsWith(folder_.Path("f.svm") + ": no column \"user\" in libsvm"),
                        HasSubstr("data.text.delimited {}"))));
  EXPECT_THAT([&] { open({AsNumber("indices")}); }, ThrowsMessage<Error>(HasSubstr("is a list")));
  EXPECT_THROW(open({AsNumber("-3")}), Error);
  EXPECT_THAT([&] { RecordsOf(kLibsvm, folder_.Path("nowhere"), Text(), {}); },
              ThrowsMessage<Error>(StartsWith(folder_.Path("nowhere"))));
  EXPECT_THAT(Read("", {AsText("label")}), IsEmpty());
}

TEST(RecogniseLibsvm, ByANumberAndTokens) {
  const auto is = [](const std::string& start) { return kLibsvm.recognises(start); };
  EXPECT_TRUE(is("+1 3:1 11:1 14:0.5\n-1 5:1 7:1\n"));
  EXPECT_TRUE(is("1\t3:1"));
  EXPECT_TRUE(is("\xef\xbb\xbf# comment\r\n\r\n0\r\n1\r\n0.5 qid:3 3:1 # doc 7\r\n"));
  EXPECT_TRUE(is("1 11:1 3:1\n")) << "indices need not ascend";
  EXPECT_FALSE(is("")) << "nothing tells";
  EXPECT_FALSE(is("1\n0\n1\n")) << "no line has a token";
  EXPECT_FALSE(is("1 qid:3\n"));
  EXPECT_FALSE(is("a 3:1\n"));
  EXPECT_FALSE(is("3:1 4:1\n"));
  EXPECT_FALSE(is("1 3:1\n1 3:1 x\n")) << "every token must fit";
  EXPECT_FALSE(is("1 3:1 3:1\n")) << "an index twice";
  EXPECT_FALSE(is("1 0:3:0.5\n")) << "this is libffm";
  EXPECT_FALSE(is("label,3:1\n1,3:1\n"));
  EXPECT_FALSE(is("1 3:nan\n"));
  EXPECT_FALSE(is("1 qid:x 3:1\n"));
}

TEST(RecogniseLibsvm, FilesThatAreKnownToBeOfItMayBeginOtherwise) {
  for (const char* start : {"", "# comment\n\n", "1 3:1\n", "3:1 4:1\n", "qid:3 3:1\n",
                            "hello\n3:1\n", "0\n1\n0 12:30\n"})
    EXPECT_TRUE(kLibsvm.may_begin(start)) << start;
  for (const char* start :
       {"hello\nworld\n", "1\n0\n", "1,2\n", "{\"a\":1}\n", "0:3:1\n", "a 3:1\n"})
    EXPECT_FALSE(kLibsvm.may_begin(start)) << start;
}

TEST(RecogniseLibsvm, NotInTimesOfDay) {
  for (const std::string text :
       {"12:30,4\n", "12:30:05\n", "1 12:30\n", "200 12:30 13:45\n", "1 9:30\n2 10:15\n",
        "200 130:5 09:15\n", "1 7:1 12:05\n", "1 3:00 100:1\n", "20240531 12:30:15\n",
        "2024-05-31 12:30\n", "12:30\n13:45\n"}) {
    EXPECT_FALSE(kLibsvm.recognises(text)) << text;
  }
  EXPECT_TRUE(kLibsvm.recognises("1 12:30 25:10\n")) << "no hour";
  EXPECT_TRUE(kLibsvm.recognises("1 12:30 13:60\n")) << "no minute";
  EXPECT_TRUE(kLibsvm.recognises("1 12:30\n1 12:5\n"));
}

TEST(RecogniseLibsvm, ByTwentyLinesAndNoPieceOfOne) {
  std::string lines;
  for (int i = 0; i < 19; ++i) lines += "0\n1 3:1\n";
  EXPECT_FALSE(kLibsvm.recognises(lines + "1 x\n"));
  EXPECT_TRUE(kLibsvm.recognises(lines + "1 3:1\n1 x\n"));
  std::string long_line = "1";
  for (int i = 0; long_line.size() < kStartBytes; ++i) long_line += " " + std::to_string(i) + ":1";
  EXPECT_TRUE(kLibsvm.recognises(long_line.substr(0, kStartBytes)));
  long_line.resize(kStartBytes - 10);
  long_line.resize(long_line.rfind(' '));
  EXPECT_TRUE(kLibsvm.recognises((long_line + "\n1 900000000:1").substr(0, kStartBytes)));
  EXPECT_FALSE(kLibsvm.recognises(std::string(kStartBytes, '1')));
}

}  // namespace
}  // namespace zhiyin::worker::data
