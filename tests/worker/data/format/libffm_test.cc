#include <gmock/gmock.h>

#include "common/error.h"
#include "tests/support/files.h"
#include "tests/support/format_records.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;
using zhiyin::testing::AsCategories;
using zhiyin::testing::AsNumber;
using zhiyin::testing::AsText;
using zhiyin::testing::ParseText;
using zhiyin::testing::RecordsOf;
using zhiyin::testing::WantedColumns;

class LibffmTest : public ::testing::Test {
 protected:
  std::vector<std::string> Read(const std::string& content, const WantedColumns& wanted,
                                const std::string& text = "") const {
    return RecordsOf(kLibffm, folder_.Write("f.ffm", content), ParseText(text), wanted);
  }
  /// What is wrong with a line for a job that reads its label.
  std::string WrongWith(const std::string& line) const {
    const std::vector<std::string> records = Read(line, {AsNumber("label")});
    return records.size() == 1 ? records[0] : "no single record";
  }

  testing::TempFolder folder_;
};

TEST_F(LibffmTest, AFieldIsTheListOfItsIndices) {
  EXPECT_THAT(Read("1 0:3:1 1:117:1 0:004:1.0 2:9:0\n-1\t1:5:1\n",
                   {AsText("label"), AsCategories("0"), AsCategories("1"), AsCategories("2"),
                    AsCategories("77")}),
              ElementsAre("1: '1' [3 4] [117] - -", "2: '-1' - [5] - -"));
}

TEST_F(LibffmTest, ALineNeedsNoLabelThatNobodyReads) {
  EXPECT_THAT(Read("0:3:1 1:7:1\n0 0:4:1\n", {AsCategories("0")}), ElementsAre("1: [3]", "2: [4]"));
  EXPECT_TRUE(kLibffm.may_begin("0:3:1 1:7:1\n"));
  EXPECT_FALSE(kLibffm.may_begin("1 3:1\n"));
}

TEST_F(LibffmTest, AValueIsThatOfTheFieldsOnlyToken) {
  const WantedColumns wanted = {AsNumber("0.value"), AsText("0.value"), AsNumber("3.value")};
  EXPECT_THAT(Read("1 0:3:0.50 1:7:2\n0 1:7:2 3:40:-1e-3\n0 0:3:0\n", wanted),
              ElementsAre("1: 0.5 '0.50' -", "2: - - -0.001", "3: 0 '0' -"));
  EXPECT_THAT(Read("1 0:3:1 0:4:1\n", wanted),
              ElementsAre("1! field 0 has 2 tokens, expected one for its value"));
  EXPECT_THAT(Read("1 0:3:nan\n", wanted, "missing: \"nan\""), ElementsAre("1: - 'nan' -"));
}

TEST_F(LibffmTest, OneTextIsTheFieldsOnlyIndex) {
  EXPECT_THAT(Read("1 0:3:1\n1 1:1:1\n1 0:3:1 0:4:1\n", {AsText("0")}),
              ElementsAre("1: '3'", "2: -",
                          "3! field 0 has 2 indices, expected one where one text is read"));
}

TEST_F(LibffmTest, ACategoryHasNoWeight) {
  const std::string content = "1 0:3:0.5 1:117:1\n";
  EXPECT_THAT(Read(content, {AsCategories("0")}),
              ElementsAre("1! token \"0:3:0.5\": the value is \"0.5\", expected 0 or 1, since a "
                          "category has no weight; data.text.libffm.ignore_values: true takes the "
                          "index alone"));
  EXPECT_THAT(Read(content, {AsCategories("1"), AsNumber("0.value")}), ElementsAre("1: [117] 0.5"))
      << "nobody reads the indices of field 0";
  EXPECT_THAT(
      Read(content, {AsCategories("0"), AsNumber("0.value")}, "libffm { ignore_values: true }"),
      ElementsAre("1: [3] 0.5"));
}

TEST_F(LibffmTest, SaysWhatIsWrongWithALine) {
  EXPECT_EQ(WrongWith("1 abc"), "1! token \"abc\" has no colon, expected field:index:value");
  EXPECT_EQ(WrongWith("1 3:1"), "1! token \"3:1\" has one colon, expected field:index:value");
  EXPECT_EQ(WrongWith("1 a:3:1"),
            "1! token \"a:3:1\": the field is \"a\", expected a whole number below 2^64");
  EXPECT_EQ(WrongWith("1 0:-3:1"),
            "1! token \"0:-3:1\": the index is \"-3\", expected a whole number below 2^64");
  EXPECT_EQ(WrongWith("1 0:3:1:1"),
            "1! token \"0:3:1:1\": the value is \"1:1\", expected a finite number");
  EXPECT_EQ(WrongWith("1 0:3:"), "1! token \"0:3:\": the value is \"\", expected a finite number");
  EXPECT_EQ(WrongWith("0:3:1"),
            "1! begins with \"0:3:1\", expected a label before the tokens field:index:value");
  EXPECT_EQ(WrongWith("1 0:3:1 # 4"), "1! token \"#\" has no colon, expected field:index:value")
      << "the format has no comments";
}

TEST_F(LibffmTest, RefusesColumnsThatMeanNothing) {
  const auto open = [&](const WantedColumns& wanted) { Read("1 0:3:1\n", wanted); };
  EXPECT_THAT([&] { open({AsText("user")}); },
              ThrowsMessage<Error>(
                  StartsWith(folder_.Path("f.ffm") + ": no column \"user\" in libffm, expected")));
  EXPECT_THROW(open({AsText(".value")}), Error);
  EXPECT_THAT([&] { open({AsNumber("0")}); },
              ThrowsMessage<Error>(HasSubstr("expected \"0.value\" for its value")))
      << "an index that is read as a number would be a wrong one";
}

TEST(RecogniseLibffm, ByANumberAndTokens) {
  const auto is = [](const std::string& start) { return kLibffm.recognises(start); };
  EXPECT_TRUE(is("1 0:3:0.5 1:117:0.25 2:9:1\n0 0:4:0.5\n"));
  EXPECT_TRUE(is("1\n\n0\t0:3:1\t0:4:1"));
  EXPECT_FALSE(is("1 3:1\n")) << "this is libsvm";
  EXPECT_FALSE(is("1 0:3:1 4:1\n"));
  EXPECT_FALSE(is("0:3:1\n"));
  EXPECT_FALSE(is("1 0:a:1\n"));
  EXPECT_FALSE(is("# comment\n1 0:3:1\n"));
  EXPECT_FALSE(is("1 qid:3 0:3:1\n"));
  EXPECT_FALSE(is("1\n2\n"));
}

TEST(RecogniseLibffm, NotInTimesOfDay) {
  for (const std::string text :
       {"12:30:05\n", "20240531 12:30:15\n", "1 12:30:15.250 13:45:59\n", "1 9:30:15\n",
        "1 100:3:1 12:05:15\n", "2024-05-31 12:30:15\n", "12:30:05,4\n"}) {
    EXPECT_FALSE(kLibffm.recognises(text)) << text;
  }
  EXPECT_TRUE(kLibffm.recognises("1 12:30:15 13:45:1\n"));
  EXPECT_TRUE(kLibffm.recognises("1 12:30:15 13:7:15\n"));
}

}  // namespace
}  // namespace zhiyin::worker::data
