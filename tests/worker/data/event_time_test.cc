#include "worker/data/event_time.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace zhiyin::worker::data {
namespace {

EventTime Number(std::string_view text) {
  const auto parsed = ParseTime(text);
  EXPECT_TRUE(parsed && parsed->kind == TimeKind::kNumber) << text;
  return parsed ? parsed->time : -1;
}

EventTime Date(std::string_view text) {
  const auto parsed = ParseTime(text);
  EXPECT_TRUE(parsed && parsed->kind == TimeKind::kDate) << text;
  return parsed ? parsed->time : -1;
}

TEST(ParseTime, KeepsEveryDigitOfA64BitInteger) {
  EXPECT_EQ(static_cast<int64_t>(Number("1700000000000000003")), 1700000000000000003);
  EXPECT_LT(Number("1700000000000000002"), Number("1700000000000000003"));
  for (const int64_t whole :
       {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()})
    EXPECT_EQ(static_cast<int64_t>(Number(std::to_string(whole))), whole);
  EXPECT_EQ(static_cast<uint64_t>(Number("18446744073709551615")), ~uint64_t{0});
}

TEST(ParseTime, TakesEveryNumber) {
  EXPECT_EQ(Number("+12"), 12);
  EXPECT_EQ(Number("-2.5"), -2.5L);
  EXPECT_EQ(Number("1.5e3"), 1500);
  EXPECT_EQ(Number("1e-9999"), 0);
  EXPECT_LT(Number("1700000000.123456788"), Number("1700000000.123456789"));
}

TEST(ParseTime, DatesAreSecondsSince1970) {
  EXPECT_EQ(Date("1970-01-01"), 0);
  EXPECT_EQ(Date("1969-12-31T23:59:59Z"), -1);
  EXPECT_EQ(Date("2000-02-29"), 951782400);
  EXPECT_EQ(Date("2023-01-01 10:00:00"), 1672567200);
  EXPECT_EQ(Date("2023-01-01T10:00"), 1672567200);
  EXPECT_NEAR(static_cast<double>(Date("2014-04-07T10:54:09.868Z")), 1396868049.868, 1e-6);
  EXPECT_EQ(Date("2014-04-07T10:54:09,5"), 1396868049.5L);
  for (const char* offset : {"+02:00", "+0200", "+02"})
    EXPECT_EQ(Date(std::string("2023-01-01T12:00:00") + offset), 1672567200) << offset;
  EXPECT_EQ(Date("2023-01-01T06:30:00-03:30"), 1672567200);
}

TEST(ParseTime, TakesNothingElse) {
  for (const char* text : {"",
                           " ",
                           "abc",
                           "nan",
                           "inf",
                           "1 2",
                           "2023-1-1",
                           "2023-13-01",
                           "2023-02-29",
                           "2023-00-10",
                           "2023-01-00",
                           "23-01-01",
                           "2023-01-01T",
                           "2023-01-01T10",
                           "2023-01-01T24:00",
                           "2023-01-01T10:60",
                           "2023-01-01T10:00:61",
                           "2023-01-01T10:00:00.",
                           "2023-01-01T10:00Zx",
                           "2023-01-01T10:00+",
                           "2023-01-01T10:00+02:",
                           "2023-01-01Z",
                           "2023/01/01"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
