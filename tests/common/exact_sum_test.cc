#include "common/exact_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/random.h"

namespace zhiyin {
namespace {

double SumOf(const std::vector<double>& terms) {
  ExactSum sum;
  for (const double term : terms) sum.Add(term);
  return sum.Value();
}

TEST(ExactSum, RoundsOnce) {
  EXPECT_EQ(SumOf({}), 0);
  EXPECT_EQ(SumOf({0.1, 0.2, 0.3}), 0.6);  // 0.1 + 0.2 + 0.3 is 0.6000000000000001 in doubles
  EXPECT_EQ(SumOf({1e300, 1, -1e300}), 1);
  EXPECT_EQ(SumOf({-1, 0x1p-60}), -1 + 0x1p-60);
  EXPECT_EQ(SumOf({-3, 1}), -2);
  EXPECT_EQ(SumOf({0x1p-1074, 0x1p-1074}), 0x1p-1073);
  const double largest = std::numeric_limits<double>::max();
  EXPECT_EQ(SumOf({largest, largest, -largest}), largest);
  EXPECT_EQ(SumOf({-largest, -largest}), -std::numeric_limits<double>::infinity());
  // Half of the last bit goes to the even neighbour, a little more goes up.
  EXPECT_EQ(SumOf({1, 0x1p-53}), 1);
  EXPECT_EQ(SumOf({1, 0x1p-53, 0x1p-1000}), 1 + 0x1p-52);
  EXPECT_EQ(SumOf({1 + 0x1p-52, 0x1p-53}), 1 + 0x1p-51);
}

TEST(ExactSum, OfIntegersIsTheirSum) {
  Random random(1);
  for (int round = 0; round < 50; ++round) {
    ExactSum sum;
    int64_t expected = 0;
    for (int i = 0; i < 1000; ++i) {
      const int64_t term = static_cast<int64_t>(random.Below(1u << 20)) - (1 << 19);
      expected += term;
      sum.Add(static_cast<double>(term) * 0x1p-30);
    }
    EXPECT_EQ(sum.Value(), static_cast<double>(expected) * 0x1p-30);
  }
}

TEST(ExactSum, DoesNotDependOnOrderOrGroups) {
  Random random(2);
  std::vector<double> terms;
  for (int i = 0; i < 300; ++i)
    terms.push_back(std::ldexp(random.Normal(), static_cast<int>(random.Below(400)) - 200));
  const double expected = SumOf(terms);
  for (int round = 0; round < 20; ++round) {
    random.Shuffle(std::span(terms));
    std::vector<ExactSum> groups(7);
    for (const double term : terms) groups[random.Below(groups.size())].Add(term);
    ExactSum all;
    for (const ExactSum& group : groups) all.Add(group);
    EXPECT_EQ(all.Value(), expected);
    EXPECT_EQ(SumOf(terms), expected);
  }
}

TEST(ExactSum, IsWrittenInAFewBytesAndReadBack) {
  for (const std::vector<double>& terms :
       {std::vector<double>{}, {1}, {-0.1, 0.3}, {1e300, 1e-300}, {-1e-310}, {1e9, -1.0 / 3}}) {
    ExactSum sum;
    for (const double term : terms) sum.Add(term);
    ByteWriter out;
    sum.Write(&out);
    const std::string bytes = out.Take();
    ByteReader in(bytes, "sum");
    ExactSum found = ExactSum::Read(&in);
    EXPECT_TRUE(in.AtEnd());
    EXPECT_EQ(found.Value(), sum.Value());
    found.Add(0x1p-20);
    sum.Add(0x1p-20);
    EXPECT_EQ(found.Value(), sum.Value());
  }
  ExactSum sum;
  for (int i = 0; i < 1000; ++i) sum.Add(0.1 * i);
  ByteWriter out;
  sum.Write(&out);
  EXPECT_LE(out.Take().size(), 20u);
}

TEST(ExactSum, RefusesWhatIsNoSum) {
  const auto read = [](size_t begin, size_t n) {
    ByteWriter out;
    out.PutVarint(2 * begin);
    out.PutVarint(n);
    for (size_t i = 0; i < n; ++i) out.Put(~uint32_t{0});
    const std::string bytes = out.Take();
    ByteReader in(bytes, "sum");
    ExactSum::Read(&in);
  };
  EXPECT_NO_THROW(read(30, 3));
  EXPECT_THROW(read(66, 1), Error) << "an infinity";
  EXPECT_THROW(read(66, 2), Error) << "more digits than there are";
  EXPECT_THROW(read(1000, 1), Error);
}

TEST(Varint, IsReadBackUpToItsLimit) {
  const unsigned __int128 large = ~static_cast<unsigned __int128>(0);
  for (const unsigned __int128 value :
       {static_cast<unsigned __int128>(0), static_cast<unsigned __int128>(127),
        static_cast<unsigned __int128>(128), static_cast<unsigned __int128>(1) << 64, large}) {
    ByteWriter out;
    out.PutVarint(value);
    const std::string bytes = out.Take();
    EXPECT_TRUE(ByteReader(bytes, "number").GetVarint(value) == value);
    EXPECT_TRUE(ByteReader(bytes, "number").GetVarint(large) == value);
    if (value > 0) {
      EXPECT_THROW(ByteReader(bytes, "number").GetVarint(value - 1), Error);
    }
  }
  EXPECT_THROW(ByteReader(std::string(30, '\xff'), "number").GetVarint(large), Error);
}

}  // namespace
}  // namespace zhiyin
