#include "worker/recommend/formula.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "common/error.h"

namespace zhiyin::worker::recommend {
namespace {

double Value(const std::string& text) {
  return Formula(text, {"ctr", "cvr"})(std::vector<float>{0.5f, 0.25f});
}

TEST(Formula, ValuesByHand) {
  EXPECT_DOUBLE_EQ(Value("ctr * cvr"), 0.125);
  EXPECT_DOUBLE_EQ(Value("1 + 2 * 3"), 7);
  EXPECT_DOUBLE_EQ(Value("(1 + 2) * 3"), 9);
  EXPECT_DOUBLE_EQ(Value("8 - 4 - 2"), 2);
  EXPECT_DOUBLE_EQ(Value("8 / 4 / 2"), 1);
  EXPECT_DOUBLE_EQ(Value("2 ^ 3 ^ 2"), 512);
  EXPECT_DOUBLE_EQ(Value("-2 ^ 2"), -4);
  EXPECT_DOUBLE_EQ(Value("2 ^ -1"), 0.5);
  EXPECT_DOUBLE_EQ(Value("2 - -3"), 5);
  EXPECT_DOUBLE_EQ(Value("1.5e1"), 15);
  EXPECT_DOUBLE_EQ(Value("exp(log(ctr)) + min(ctr, cvr) + max(1, cvr)"), 1.75);
  EXPECT_TRUE(std::isnan(Value("log(-1)")));
}

std::string ErrorOf(const std::string& text) {
  try {
    Value(text);
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

TEST(Formula, SaysWhereItIsWrong) {
  using ::testing::HasSubstr;
  EXPECT_THAT(ErrorOf("ctr + "),
              HasSubstr("formula, column 7: the end, expected a number, a task or ("));
  EXPECT_THAT(ErrorOf("ctr cvr"), HasSubstr("formula, column 5: \"c\", expected an operator"));
  EXPECT_THAT(ErrorOf("1 + ctx"),
              HasSubstr("formula, column 5: no task \"ctx\"; the nearest is \"ctr\""));
  EXPECT_THAT(ErrorOf("sin(ctr)"),
              HasSubstr("formula, column 1: no function \"sin\", expected exp, log, min or max"));
  EXPECT_THAT(ErrorOf("min(ctr)"), HasSubstr("formula, column 8: \")\", expected ,"));
  EXPECT_THAT(ErrorOf("(ctr"), HasSubstr("expected )"));
  EXPECT_THAT(ErrorOf(std::string(500, '(')), HasSubstr("nested too deep"));
  EXPECT_THAT(ErrorOf(std::string(500, '-')), HasSubstr("nested too deep"));
  EXPECT_THAT(ErrorOf(std::string(1001, '1')), HasSubstr("1001 bytes"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("column 1"));
}

}  // namespace
}  // namespace zhiyin::worker::recommend
