#include "worker/data/example_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/data_jobs.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using namespace std::string_view_literals;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsNan;
using zhiyin::testing::AddField;
using zhiyin::testing::AddNumeric;
using zhiyin::testing::AddTask;

/// Rows of one column "x", parsed by what the test adds to the job.
class RowParserTest : public ::testing::Test {
 protected:
  /// What is wrong with a row of this value; empty when nothing is, and then `rows_` has it.
  std::string Parse(std::string_view text) { return ParseValue(Value(text)); }
  std::string ParseValue(const Value& value) {
    const ExampleParser parser(job_, Schema::Of(job_, {1, {"x"}, "f:1"}),
                               model::LabelDomainsOf(job_));
    rows_ = parser.NewExamples();
    return parser.Parse(std::span(&value, 1), &rows_);
  }
  std::vector<Key> Keys(std::string_view value) {
    EXPECT_EQ(Parse(value), "");
    return rows_.keys;
  }
  float Number(std::string_view value) {
    EXPECT_EQ(Parse(value), "");
    return rows_.numerics.at(0);
  }
  float LabelOf(std::string_view value) {
    EXPECT_EQ(Parse(value), "");
    return rows_.labels.at(0);
  }

  Job job_;
  Examples rows_;
};

TEST_F(RowParserTest, ACategoryIsHashedUnderItsFieldsName) {
  AddField(&job_, "city", "x");
  EXPECT_THAT(Keys("Oslo"), ElementsAre(CategoryHasher("city")("Oslo")));
}

TEST_F(RowParserTest, FieldsOfOneVocabularyShareKeys) {
  AddField(&job_, "from", "x")->set_vocabulary("city");
  AddField(&job_, "to", "x")->set_vocabulary("city");
  EXPECT_THAT(Keys("Oslo"),
              ElementsAre(CategoryHasher("city")("Oslo"), CategoryHasher("city")("Oslo")));
}

TEST_F(RowParserTest, AMissingCategoryHasNoKey) {
  AddField(&job_, "city", "x");
  job_.mutable_data()->mutable_text()->add_missing("?");
  job_.mutable_data()->mutable_text()->add_missing("NA");
  for (const char* value : {"", "?", "NA"}) EXPECT_THAT(Keys(value), IsEmpty()) << value;
  EXPECT_THAT(rows_.key_begin, ElementsAre(0, 0));
  EXPECT_THAT(Keys("??"), ElementsAre(CategoryHasher("city")("??")));
}

TEST_F(RowParserTest, ANumberMayMeanMissing) {
  AddField(&job_, "age", "x")->add_bucket(18);
  AddNumeric(&job_, "gain", "x");
  AddTask(&job_, "t", "x");
  const auto is_missing = [&](double number) {
    EXPECT_EQ(ParseValue(Value::Number(number)), "") << number;
    EXPECT_EQ(std::isnan(rows_.numerics.at(0)), std::isnan(rows_.labels.at(0)));
    EXPECT_EQ(std::isnan(rows_.numerics.at(0)), rows_.keys.empty());
    return std::isnan(rows_.numerics.at(0));
  };
  EXPECT_FALSE(is_missing(-999));
  for (const char* text : {"?", "-999", "9x", "+1e3", "nan"})
    job_.mutable_data()->mutable_text()->add_missing(text);
  EXPECT_TRUE(is_missing(-999));
  EXPECT_TRUE(is_missing(1000));
  EXPECT_TRUE(is_missing(std::nan("")));
  EXPECT_FALSE(is_missing(999));
  EXPECT_FALSE(is_missing(9));
  EXPECT_FALSE(is_missing(0));
  EXPECT_EQ(Number("-999.0"), -999) << "texts are compared as text";
  EXPECT_THAT(Number("-999"), IsNan());
}

TEST_F(RowParserTest, AColumnMayHoldSeveralValues) {
  AddField(&job_, "tag", "x")->set_separator("|");
  const CategoryHasher tag("tag");
  EXPECT_THAT(Keys("a|b|a"), ElementsAre(tag("a"), tag("b"), tag("a")));
  EXPECT_THAT(Keys("| a||b |"), ElementsAre(tag("a"), tag("b")))
      << "empty pieces are no values, spaces no part of them";
  EXPECT_THAT(Keys("|"), IsEmpty());
  job_.mutable_data()->mutable_text()->set_trim(false);
  job_.mutable_data()->mutable_text()->add_missing("b");
  EXPECT_THAT(Keys(" a|b"), ElementsAre(tag(" a")));
}

TEST_F(RowParserTest, AColumnMayHoldAThousandValuesAndNoMore) {
  AddField(&job_, "tag", "x")->set_separator(";");
  std::string values = "0";
  for (int i = 1; i < 1000; ++i) values += ";" + std::to_string(i);
  EXPECT_EQ(Keys(values).size(), 1000u);
  EXPECT_THAT(Parse(values + ";1000"), HasSubstr("expected at most 1000 values"));
  EXPECT_EQ(rows_.n, 0);
  EXPECT_THAT(rows_.keys, IsEmpty());
}

TEST_F(RowParserTest, ABucketIsTheIntervalOfANumber) {
  Field* age = AddField(&job_, "age", "x");
  for (const double boundary : {18.0, 30.5, 65.0}) age->add_bucket(boundary);
  const CategoryHasher hash("age");
  EXPECT_THAT(Keys("-3"), ElementsAre(hash("0")));
  EXPECT_THAT(Keys("17.999"), ElementsAre(hash("0")));
  EXPECT_THAT(Keys("18"), ElementsAre(hash("1")));
  EXPECT_THAT(Keys("30.5"), ElementsAre(hash("2")));
  EXPECT_THAT(Keys("1e9"), ElementsAre(hash("3")));
  EXPECT_THAT(Keys(""), IsEmpty());
  EXPECT_THAT(Keys("-5e-312"), ElementsAre(hash("0")));
  EXPECT_EQ(Parse("old"), "field \"age\" (column #0): \"old\", expected a number for its buckets");
}

TEST_F(RowParserTest, NumbersAreReadWhole) {
  AddNumeric(&job_, "age", "x");
  EXPECT_EQ(Number("42"), 42);
  EXPECT_EQ(Number("-1.5e2"), -150);
  EXPECT_EQ(Number("+7"), 7);
  EXPECT_EQ(Number("0.1"), 0.1f);
  EXPECT_EQ(Number("1e-60"), 0);
  EXPECT_THAT(Number(""), IsNan());
  for (const char* value : {"abc", "1x", "1 2", "0x10", "nan", "NaN", "inf", "-Infinity", "1e999",
                            "--1", "+-1", "+", "1,5"}) {
    EXPECT_EQ(Parse(value), std::string("numeric \"age\" (column #0): \"") + value +
                                "\", expected a finite number");
  }
  for (const char* most : {"3.4028234663852886e38", "-3.4028235e38"})
    EXPECT_EQ(std::abs(Number(most)), std::numeric_limits<float>::max()) << most;
  for (const char* value : {"1e39", "-3.4028236e38"})
    EXPECT_THAT(Parse(value),
                HasSubstr("expected a finite number of at most 3.4028235e38 in magnitude"))
        << value;
}

TEST_F(RowParserTest, NumbersTooSmallAreZero) {
  AddNumeric(&job_, "x", "x");
  const std::string zeros(400, '0');
  for (const std::string& value :
       {std::string("1e-400"), std::string("-1e-400"), std::string("+1.5E-400"),
        std::string("1e-99999999999999999999"), "0." + zeros + "1", "0." + zeros + "1e9",
        "1" + zeros + "e-9000", std::string("1e-310"), std::string("-2.2e-308"),
        std::string("4.9e-324")})
    EXPECT_EQ(Number(value), 0) << value;
  for (const std::string& value : {std::string("1e400"), std::string("1e99999999999999999999"),
                                   "1" + zeros, "0." + zeros + "1e9000"})
    EXPECT_THAT(Parse(value), HasSubstr("expected a finite number")) << value;
}

TEST_F(RowParserTest, NumbersAndLabelsKeepTheDigitsOfDoubles) {
  AddNumeric(&job_, "x", "x");
  AddTask(&job_, "t", "x");
  EXPECT_EQ(Parse("1700000001"), "");
  EXPECT_EQ(rows_.numerics.at(0), 1700000001.0);
  EXPECT_EQ(rows_.labels.at(0), 1700000001.0);
  job_.mutable_task(0)->mutable_label()->set_at_least(1700000001);
  EXPECT_EQ(LabelOf("1700000000"), 0);
  EXPECT_EQ(LabelOf("1700000001"), 1);
}

TEST_F(RowParserTest, Log1pKeepsTheSign) {
  AddNumeric(&job_, "gain", "x")->set_log1p(true);
  EXPECT_EQ(Number("0"), 0);
  EXPECT_FLOAT_EQ(Number("99"), std::log(100.0f));
  EXPECT_FLOAT_EQ(Number("-99"), -std::log(100.0f));
  EXPECT_THAT(Number(""), IsNan());
}

TEST_F(RowParserTest, ALabelByEquality) {
  AddTask(&job_, "t", "x")->mutable_label()->set_equals("yes");
  job_.mutable_data()->mutable_text()->add_missing("?");
  EXPECT_EQ(LabelOf("yes"), 1);
  EXPECT_EQ(LabelOf("yes!"), 0);
  EXPECT_THAT(LabelOf("?"), IsNan());
  EXPECT_THAT(LabelOf(""), IsNan());
}

TEST_F(RowParserTest, EqualNumbersAreEqualHoweverTheyAreWritten) {
  Task* task = AddTask(&job_, "t", "x");
  task->mutable_label()->set_equals("1");
  for (const char* value : {"1", "1.0", "+1", "01", "1e0"}) EXPECT_EQ(LabelOf(value), 1) << value;
  for (const char* value : {"-1", "0", "10", "1.0000001", "one", "1x"})
    EXPECT_EQ(LabelOf(value), 0) << value;
  task->mutable_label()->set_equals("-0.50");
  EXPECT_EQ(LabelOf("-.5"), 1);
  EXPECT_EQ(LabelOf("0.5"), 0);
  task->mutable_label()->set_equals("9007199254740993");
  EXPECT_EQ(LabelOf("9007199254740993"), 1);
  EXPECT_EQ(LabelOf("9007199254740992"), 0) << "equal as doubles only";
}

TEST_F(RowParserTest, ALabelByPrefix) {
  AddTask(&job_, "t", "x")->mutable_label()->set_prefix("50000+");
  EXPECT_EQ(LabelOf("50000+."), 1);
  EXPECT_EQ(LabelOf("50000"), 0);
  EXPECT_THAT(LabelOf(""), IsNan());
}

TEST_F(RowParserTest, ALabelThatIsANumber) {
  Task* task = AddTask(&job_, "t", "x");
  EXPECT_EQ(LabelOf("-3.5"), -3.5f);
  EXPECT_THAT(LabelOf(""), IsNan());
  EXPECT_EQ(Parse("good"), "label of task \"t\" (column #0): \"good\", expected a finite number");
  EXPECT_THAT(Parse("inf"), HasSubstr("expected a finite number"));
  task->mutable_binary_cross_entropy();
  EXPECT_EQ(LabelOf("0"), 0);
  EXPECT_EQ(LabelOf("0.25"), 0.25f);
  EXPECT_EQ(LabelOf("1"), 1);
  for (const char* value : {"-0.001", "1.001", "2"})
    EXPECT_THAT(Parse(value), HasSubstr("expected a number from 0 to 1"));
}

TEST_F(RowParserTest, ARowNeedsAllItsColumnsAndNoMore) {
  AddField(&job_, "f", "x");
  const ExampleParser parser(job_, Schema::Of(job_, {3, {"x", "y", "z"}, "f:1"}),
                             model::LabelDomainsOf(job_));
  Examples rows = parser.NewExamples();
  const std::vector<Value> values = {"1"sv, "2"sv, "3"sv, "4"sv};
  EXPECT_EQ(parser.Parse(std::span(values).first(1), &rows), "1 column, expected 3");
  EXPECT_EQ(parser.Parse(values, &rows), "4 columns, expected 3");
  EXPECT_EQ(parser.Parse(std::span(values).first(3), &rows), "");
  EXPECT_EQ(rows.n, 1);
}

TEST_F(RowParserTest, ABadRowLeavesNoTrace) {
  AddField(&job_, "f", "x");
  AddNumeric(&job_, "n", "x");
  AddTask(&job_, "t", "x")->mutable_binary_cross_entropy();
  const ExampleParser parser(job_, Schema::Of(job_, {1, {"x"}, "f:1"}),
                             model::LabelDomainsOf(job_));
  Examples rows = parser.NewExamples();
  for (const Value value : {"0.5"sv, "2"sv, "x"sv, "1"sv})
    parser.Parse(std::span(&value, 1), &rows);
  EXPECT_EQ(rows.n, 2);
  EXPECT_THAT(rows.keys, ElementsAre(CategoryHasher("f")("0.5"), CategoryHasher("f")("1")));
  EXPECT_THAT(rows.key_begin, ElementsAre(0, 1, 2));
  EXPECT_THAT(rows.numerics, ElementsAre(0.5f, 1));
  EXPECT_THAT(rows.labels, ElementsAre(0.5f, 1));
}

TEST_F(RowParserTest, AMessageShowsLittleOfAValueAndNoControlCharacters) {
  AddNumeric(&job_, "n", "x");
  EXPECT_THAT(Parse("\x1b[31m\n"), HasSubstr("\"?[31m?\""));
  EXPECT_THAT(Parse(std::string(100, 'a')), HasSubstr("\"" + std::string(40, 'a') + "...\""));
  EXPECT_THAT(Parse(std::string(39, 'a') + "知音"),
              HasSubstr("\"" + std::string(39, 'a') + "...\""));
}

/// Rows of the columns clicked, bought and weight.
class TaskColumnsTest : public ::testing::Test {
 protected:
  TaskColumnsTest() {
    AddField(&job_, "user", "clicked");
    AddTask(&job_, "click", "clicked");
    Task* purchase = AddTask(&job_, "purchase", "bought");
    purchase->mutable_sample_space()->set_column("clicked");
    purchase->mutable_sample_space()->set_equals("1");
    purchase->set_weight_column("weight");
  }
  std::string Parse(const std::vector<std::string_view>& texts) {
    const std::vector<Value> values(texts.begin(), texts.end());
    const ExampleParser parser(job_, Schema::Of(job_, {3, {"clicked", "bought", "weight"}, "f:1"}),
                               model::LabelDomainsOf(job_));
    if (rows_.n_tasks == 0) rows_ = parser.NewExamples();
    return parser.Parse(values, &rows_);
  }

  Job job_;
  Examples rows_;
};

TEST_F(TaskColumnsTest, OutsideItsSampleSpaceATaskHasNoLabel) {
  EXPECT_EQ(Parse({"1", "1", "2"}), "");
  EXPECT_EQ(Parse({"0", "1", "2"}), "");
  EXPECT_EQ(Parse({"", "1", "2"}), "");
  EXPECT_EQ(Parse({"1.0", "1", "2"}), "");
  EXPECT_THAT(rows_.labels, ElementsAre(1, 1, 0, IsNan(), IsNan(), IsNan(), 1, 1));
}

TEST_F(TaskColumnsTest, WeightsAreOfTheirTaskAloneAndOneWhereMissing) {
  EXPECT_EQ(Parse({"1", "1", "2.5"}), "");
  EXPECT_EQ(Parse({"1", "0", ""}), "");
  EXPECT_THAT(rows_.weights, ElementsAre(1, 2.5, 1, 1));
  Examples copied(rows_.n_fields, rows_.n_numerics, rows_.n_tasks);
  copied.Append(rows_, 0);
  EXPECT_THAT(copied.weights, ElementsAre(1, 2.5));
}

TEST_F(TaskColumnsTest, WeightsKeepTheirDigits) {
  EXPECT_EQ(Parse({"1", "1", "0.1"}), "");
  EXPECT_EQ(Parse({"1", "1", "1e-50"}), "");
  EXPECT_THAT(rows_.weights, ElementsAre(1, 0.1, 1, 0)) << "1e-50 would be 0 in gradients";
}

TEST_F(TaskColumnsTest, AWeightIsANumberOfZeroOrMore) {
  EXPECT_THAT(
      Parse({"1", "1", "-1"}),
      HasSubstr("weight of task \"purchase\" (column #2): \"-1\", expected a finite number"));
  EXPECT_THAT(Parse({"1", "1", "much"}),
              HasSubstr("\"much\", expected a finite number of 0 or more"));
  EXPECT_EQ(rows_.n, 0);
  EXPECT_THAT(rows_.weights, IsEmpty());
}

TEST_F(TaskColumnsTest, ALabelIsInTheDomainOfItsLoss) {
  job_.mutable_task(0)->mutable_hinge();
  job_.mutable_task(1)->mutable_poisson();
  EXPECT_THAT(Parse({"0.5", "1", "1"}),
              HasSubstr("label of task \"click\" (column #0): \"0.5\", expected 0 or 1"));
  EXPECT_THAT(Parse({"1", "-3", "1"}), HasSubstr("\"-3\", expected a finite number of 0 or more"));
}

}  // namespace
}  // namespace zhiyin::worker::data
