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

TEST(LineSplitter, AQuotedValueMayHoldTheDelimiter) {
  EXPECT_THAT(Cut(kQuotes, "\"a,b\",c, \"d\" ,e"), ElementsAre("a,b", "c", "d", "e"));
  EXPECT_THAT(Cut(kQuotes, "\"\",\"x\""), ElementsAre("", "x"));
  EXPECT_THAT(Cut({"; ", '\'', true}, "'a; b'; c; 'd' "), ElementsAre("a; b", "c", "d"));
}

TEST(LineSplitter, SpacesAreRemovedWithinQuotesAsOutside) {
  EXPECT_THAT(Cut(kQuotes, "\" a b \",\"  \", \" c\"\" \" "), ElementsAre("a b", "", "c\""));
  EXPECT_THAT(Cut({",", '"', false}, "\" a b \",\"  \""), ElementsAre(" a b ", "  "));
}

TEST(LineSplitter, ADoubledQuoteStandsForItself) {
  EXPECT_THAT(Cut(kQuotes, "\"say \"\"hi\"\"\",\"\"\"\",z,\"\"\"a\""),
              ElementsAre("say \"hi\"", "\"", "z", "\"a"));
}

TEST(LineSplitter, AQuoteInsideAPlainValueIsACharacter) {
  EXPECT_THAT(Cut(kQuotes, "5\" disk,it\"s"), ElementsAre("5\" disk", "it\"s"));
  EXPECT_THAT(Cut({}, "\"a,b\""), ElementsAre("\"a", "b\"")) << "no quotes in this dialect";
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

TEST(LineSplitter, QuotesThatNobodyAskedForAreCharactersWhereTheyDoNotFit) {
  const Dialect dialect = {.delimiter = ",", .quote = '"', .quote_may_be_text = true};
  EXPECT_THAT(Cut(dialect, "\"a,b\",c"), ElementsAre("a,b", "c"));
  EXPECT_THAT(Cut(dialect, "\"Great\" Expectations,3"), ElementsAre("\"Great\" Expectations", "3"));
  EXPECT_THAT(Cut(dialect, "a,\"b,c"), ElementsAre("a", "\"b", "c"));
}

TEST(LineSplitter, ReadsWhatTsvCellWrites) {
  const Dialect dialect = {.delimiter = "\t", .escapes = true};
  EXPECT_THAT(Cut(dialect, "a\\tb\t\\x22c\t\\x20d\\\\\t \"e\""),
              ElementsAre("a\tb", "\"c", " d\\", "\"e\""));
  EXPECT_EQ(Complaint(dialect, "a\tb\\c"),
            "value #1 has a backslash that is no escape, expected \\\\, \\t, \\n, \\r or \\xHH");
}

TEST(QuoteScanner, KnowsWhereARecordEnds) {
  using State = QuoteScanner::State;
  QuoteScanner quotes(kQuotes);
  EXPECT_EQ(quotes.Add("a,\"b"), State::kOpen);
  EXPECT_EQ(quotes.Add("\"\",c"), State::kOpen) << "a doubled quote";
  EXPECT_EQ(quotes.Add("\" , \"d"), State::kOpen) << "another value";
  EXPECT_EQ(quotes.Add("e\""), State::kWhole);
  EXPECT_EQ(QuoteScanner(kQuotes).Add("a\"b,c\""), State::kWhole);
  EXPECT_EQ(QuoteScanner(kQuotes).Add("\"a\"b,c"), State::kBroken);
}

TEST(FindDelimiter, TheFirstLineTells) {
  const Dialect unknown = Dialect::Of(Text());
  EXPECT_EQ(FindDelimiter(unknown, "user\titem\ttitle, year"), "\t");
  EXPECT_EQ(FindDelimiter(unknown, "a,b|c"), ",");
  EXPECT_EQ(FindDelimiter(unknown, "1::2::3"), "::");
  EXPECT_EQ(FindDelimiter(unknown, "a|b"), "|");
  EXPECT_EQ(FindDelimiter(unknown, "a;b"), ";");
  EXPECT_EQ(FindDelimiter(unknown, "a"), ",");
  Text named;
  for (const char* name : {"item", "title", "genres"}) named.add_column_name(name);
  EXPECT_EQ(FindDelimiter(Dialect::Of(named), "1::Babe, a\tpig::Comedy|Drama"), "::");
  EXPECT_EQ(FindDelimiter(Dialect::Of(named), "1,\"a\tb, c\",Drama"), ",");
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
  EXPECT_EQ(Dialect::Of(text).delimiter, "") << "the file tells";
  EXPECT_EQ(Dialect::Of(text).quote, '"');
  EXPECT_TRUE(Dialect::Of(text).quote_may_be_text);
  EXPECT_TRUE(Dialect::Of(text).trim);
  text.set_escapes(true);
  EXPECT_EQ(Dialect::Of(text).quote, 0);
  text.set_escapes(false);
  text.set_quote("");
  EXPECT_EQ(Dialect::Of(text).quote, 0);
  text.set_delimiter("\\t");
  text.set_quote("'");
  text.set_trim(false);
  EXPECT_EQ(Dialect::Of(text).delimiter, "\t");
  EXPECT_EQ(Dialect::Of(text).quote, '\'');
  EXPECT_FALSE(Dialect::Of(text).quote_may_be_text);
  EXPECT_FALSE(Dialect::Of(text).trim);
}

}  // namespace
}  // namespace zhiyin::worker::data
