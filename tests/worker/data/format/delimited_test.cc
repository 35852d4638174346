#include "worker/data/format/delimited.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Cut(const Dialect& dialect, std::string_view line) {
  LineSplitter splitter(dialect);
  std::vector<std::string_view> values;
  EXPECT_EQ(splitter.Split(line, &values), "") << line;
  return {values.begin(), values.end()};
}

std::string Complaint(const Dialect& dialect, std::string_view line) {
  LineSplitter splitter(dialect);
  std::vector<std::string_view> values;
  return splitter.Split(line, &values);
}

const Dialect kQuotes = {",", '"', true};

TEST(LineSplitter, CutsAtEveryDelimiter) {
  EXPECT_THAT(Cut({}, "a,b,,c"), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(Cut({}, ",a,"), ElementsAre("", "a", ""));
  EXPECT_THAT(Cut({}, "a"), ElementsAre("a"));
  EXPECT_THAT(Cut({"\t"}, "a\t\tb"), ElementsAre("a", "", "b"));
}

TEST(LineSplitter, ADelimiterMayHaveTwoCharacters) {
  EXPECT_THAT(Cut({", "}, "a, b,c, d,"), ElementsAre("a", "b,c", "d,"));
  EXPECT_THAT(Cut({"::"}, "1::2:3::::4:"), ElementsAre("1", "2:3", "", "4:"));
  EXPECT_THAT(Cut({"::"}, "1:::2"), ElementsAre("1", ":2"));
}

TEST(LineSplitter, RemovesSpacesOnlyWhereTold) {
  EXPECT_THAT(Cut({}, " a , b c,  "), ElementsAre("a", "b c", ""));
  EXPECT_THAT(Cut({",", 0, false}, " a , b"), ElementsAre(" a ", " b"));
}

TEST(LineSplitter, AQuotedValueMayHoldTheDelimiterAndSpaces) {
  EXPECT_THAT(Cut(kQuotes, "\"a,b\",c, \" d \" ,e"), ElementsAre("a,b", "c", " d ", "e"));
  EXPECT_THAT(Cut(kQuotes, "\"\",\"x\""), ElementsAre("", "x"));
  EXPECT_THAT(Cut({"; ", '\'', true}, "'a; b'; c; 'd' "), ElementsAre("a; b", "c", "d"));
}

TEST(LineSplitter, ADoubledQuoteStandsForItself) {
  EXPECT_THAT(Cut(kQuotes, "\"say \"\"hi\"\"\",\"\"\"\",z,\"\"\"a\""),
              ElementsAre("say \"hi\"", "\"", "z", "\"a"));
}

TEST(LineSplitter, AQuoteInsideAPlainValueIsACharacter) {
  EXPECT_THAT(Cut(kQuotes, "5\" disk,it\"s"), ElementsAre("5\" disk", "it\"s"));
  EXPECT_THAT(Cut({}, "\"a,b\""), ElementsAre("\"a", "b\"")) << "no quotes unless configured";
}

TEST(LineSplitter, ASpaceMayBeTheDelimiterOfQuotedValues) {
  EXPECT_THAT(Cut({" ", '"', true}, "a  \"b c\" d"), ElementsAre("a", "", "b c", "d"));
}

TEST(LineSplitter, NamesWhatIsWrongWithQuotes) {
  EXPECT_THAT(Complaint(kQuotes, "a,\"b,c"), HasSubstr("a quote is never closed"));
  EXPECT_THAT(Complaint(kQuotes, "a,\"b\"\""), HasSubstr("a quote is never closed"));
  EXPECT_THAT(Complaint(kQuotes, "a,\"b\"x,c"),
              HasSubstr("text after the closing quote of value #1"));
}

TEST(LineSplitter, IsUsedAgainAndAgain) {
  LineSplitter splitter(kQuotes);
  std::vector<std::string_view> values;
  for (const char* line : {"\"a\"\"b\",c", "d", "\"e\"\"\",\"\"\"f\",g"})
    ASSERT_EQ(splitter.Split(line, &values), "");
  EXPECT_THAT(values, ElementsAre("e\"", "\"f", "g"));
}

TEST(Dialect, HasTheDefaultsOfTheManual) {
  Text text;
  EXPECT_EQ(Dialect::Of(text).delimiter, ",");
  EXPECT_EQ(Dialect::Of(text).quote, 0);
  EXPECT_TRUE(Dialect::Of(text).trim);
  text.set_delimiter("\\t");
  text.set_quote("'");
  text.set_trim(false);
  EXPECT_EQ(Dialect::Of(text).delimiter, "\t");
  EXPECT_EQ(Dialect::Of(text).quote, '\'');
  EXPECT_FALSE(Dialect::Of(text).trim);
}

}  // namespace
}  // namespace zhiyin::worker::data
