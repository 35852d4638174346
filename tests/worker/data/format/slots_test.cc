#include <gmock/gmock.h>

#include "common/error.h"
#include "tests/support/files.h"
#include "tests/support/format_records.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using zhiyin::testing::AsCategories;
using zhiyin::testing::AsNumber;
using zhiyin::testing::AsText;
using zhiyin::testing::ParseText;
using zhiyin::testing::RecordsOf;
using zhiyin::testing::WantedColumns;

class SlotsTest : public ::testing::Test {
 protected:
  std::vector<std::string> Read(const std::string& content, const WantedColumns& wanted,
                                const std::string& text = "slots {}") const {
    return RecordsOf(kSlots, folder_.Write("f.txt", content), ParseText(text), wanted);
  }

  testing::TempFolder folder_;
};

constexpr const char* kPlainAndSlots = "slots {} column_name: [\"id\", \"click\", \"buy\"]";

TEST_F(SlotsTest, ASlotIsTheListOfItsFeasigns) {
  EXPECT_THAT(Read("user:7 tag:b tag:a\ttag:b\n  item:9  user:8 \n",
                   {AsCategories("tag"), AsText("user"), AsNumber("item")}),
              ElementsAre("1: [b a b] '7' -", "2: - '8' '9'"));
}

TEST_F(SlotsTest, ASlotOfNumbersIsReadByPosition) {
  EXPECT_THAT(Read("click:0 dense:0.0 dense:0.05 1:737395\nclick:1 dense:0.1\n",
                   {AsNumber("click"), AsNumber("dense[0]"), AsNumber("dense[1]"),
                    AsCategories("dense[1]"), AsCategories("1")}),
              ElementsAre("1: '0' '0.0' '0.05' '0.05' [737395]", "2: '1' '0.1' - - -"));
}

TEST_F(SlotsTest, OneTextOrNumberIsTheOnlyValue) {
  for (const auto& column : {AsText("a"), AsNumber("a")}) {
    EXPECT_THAT(Read("a:1 a:2\n", {column}),
                ElementsAre("1! slot \"a\" has 2 values, expected one where one text or number is "
                            "read; \"a[0]\" is the first"));
  }
}

TEST_F(SlotsTest, PlainValuesStandBeforeTheTokens) {
  EXPECT_THAT(Read("1, x y ,,210:1,210:2,216:4\n2,0,0,210:877 216:882\n3,0,0\n4,0,0,\n",
                   {AsText("id"), AsCategories("click"), AsNumber("buy"), AsCategories("210"),
                    AsText("216")},
                   kPlainAndSlots),
              ElementsAre("1: '1' 'x y' '' [1 2] '4'", "2: '2' '0' '0' [877] '882'",
                          "3: '3' '0' '0' - -", "4: '4' '0' '0' - -"));
  EXPECT_THAT(
      Read("1, x ,0,210:1\n", {AsText("click")}, std::string(kPlainAndSlots) + " trim: false"),
      ElementsAre("1: ' x '"));
  EXPECT_THAT(Read("1,0\n", {AsText("id")}, kPlainAndSlots),
              ElementsAre("1! 2 values before the tokens, expected 3, each with the delimiter "
                          "\",\" behind it"));
}

TEST_F(SlotsTest, ThePlainValueOfANameHidesASlotOfIt) {
  EXPECT_THAT(Read("a,id:5\n", {AsText("id")}, "slots {} column_name: \"id\" delimiter: \",\""),
              ElementsAre("1: 'a'"));
}

TEST_F(SlotsTest, TheDelimiterSeparatesTokensToo) {
  const WantedColumns wanted = {AsCategories("a"), AsCategories("b")};
  EXPECT_THAT(Read("a:1|b:2 a:3|\n", wanted), ElementsAre("1: [1 3] [2]"))
      << "the first line tells it";
  EXPECT_THAT(Read("a:1;;b:2;;a:x;y\n", wanted, "slots {} delimiter: \";;\""),
              ElementsAre("1: [1 x;y] [2]"));
  EXPECT_THAT(Read("a:1,b:2 a:3\n", wanted, "slots {} delimiter: \" \""),
              ElementsAre("1: [1,b:2 3] -"));
  EXPECT_THAT(Read("1\t2\ta:1\tb:2\n", {AsText("y"), AsCategories("a")},
                   "slots {} delimiter: \"\\\\t\" column_name: [\"x\", \"y\"]"),
              ElementsAre("1: '2' [1]"));
}

TEST_F(SlotsTest, AFeasignMayHaveColons) {
  EXPECT_THAT(Read("url:http://a:80/ ip:::1 e:\n",
                   {AsText("url"), AsText("ip"), AsCategories("e"), AsText("e")}),
              ElementsAre("1: 'http://a:80/' '::1' [] ''"));
  EXPECT_THAT(Read("http://a:80/:url 7:u 8:u\n", {AsText("url"), AsCategories("u")},
                   "slots { feasign_first: true }"),
              ElementsAre("1: 'http://a:80/' [7 8]"));
}

TEST_F(SlotsTest, SaysWhatIsWrongWithALine) {
  EXPECT_THAT(Read("a:1 b\n:1\n", {AsText("a")}),
              ElementsAre("1! token \"b\" has no colon, expected slot:feasign",
                          "2! token \":1\" has no slot, expected slot:feasign"));
  EXPECT_THAT(Read("1:a b\n1:\n", {AsText("a")}, "slots { feasign_first: true }"),
              ElementsAre("1! token \"b\" has no colon, expected feasign:slot",
                          "2! token \"1:\" has no slot, expected feasign:slot"));
  EXPECT_THAT([&] { Read("a:1\n", {AsText("")}); },
              ThrowsMessage<Error>(HasSubstr("a column without a name")));
}

TEST_F(SlotsTest, BracketsWithoutANumberAreAPartOfTheName) {
  EXPECT_THAT(Read("a[]:1 b[x]:2 [3]:3 c[4:4\n",
                   {AsText("a[]"), AsText("b[x]"), AsText("[3]"), AsText("c[4")}),
              ElementsAre("1: '1' '2' '3' '4'"));
  EXPECT_THAT(Read("a:1\n", {AsText("a[18446744073709551615]")}), ElementsAre("1: -"));
}

TEST(RecogniseSlots, ByTheConfigAlone) {
  EXPECT_FALSE(kSlots.recognises("click:0 dense_feature:0.0 1:737395\n"));
}

}  // namespace
}  // namespace zhiyin::worker::data
