#include "worker/saved/slices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zhiyin::worker::saved {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Two fields in blocks of two examples and of three. Field 1 has the keys 5 and 8; none; 8, twice;
/// 3 and 8; 5.
std::vector<data::Examples> FiveExamples() {
  data::Examples first(2, 0, 0);
  first.n = 2;
  first.keys = {1, 5, 8, 1};
  first.key_begin = {0, 1, 3, 4, 4};
  data::Examples second(2, 0, 0);
  second.n = 3;
  second.keys = {1, 8, 8, 1, 3, 8, 1, 5};
  second.key_begin = {0, 1, 3, 4, 6, 7, 8};
  return {first, second};
}

TEST(Slices, AreTheExamplesOfEachKeyTheLargestFirst) {
  const std::vector<Slice> slices = SlicesOf(FiveExamples(), 1);
  ASSERT_EQ(slices.size(), 4u);
  EXPECT_EQ(slices[0].key, 8u);
  EXPECT_THAT(slices[0].examples, ElementsAre(0, 2, 3));
  EXPECT_EQ(slices[1].key, 5u);
  EXPECT_THAT(slices[1].examples, ElementsAre(0, 4));
  EXPECT_EQ(slices[2].key, 0u);  // the example without keys
  EXPECT_THAT(slices[2].examples, ElementsAre(1));
  EXPECT_EQ(slices[3].key, 3u);
  EXPECT_THAT(slices[3].examples, ElementsAre(3));
}

TEST(Slices, OfAFieldWithOneKeyIsAllExamples) {
  const std::vector<Slice> slices = SlicesOf(FiveExamples(), 0);
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_THAT(slices[0].examples, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(SlicesOf({}, 0), IsEmpty());
}

}  // namespace
}  // namespace zhiyin::worker::saved
