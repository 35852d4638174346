#include "common/erase_at.h"

#include <gmock/gmock.h>

namespace zhiyin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int> Without(std::vector<int64_t> positions, size_t width, std::vector<int> values) {
  EraseAt(positions, width, &values);
  return values;
}

TEST(EraseAt, KeepsTheOthersInTheirOrder) {
  EXPECT_THAT(Without({}, 1, {1, 2, 3}), ElementsAre(1, 2, 3));
  EXPECT_THAT(Without({0}, 1, {1, 2, 3}), ElementsAre(2, 3));
  EXPECT_THAT(Without({1, 2}, 1, {1, 2, 3, 4, 5}), ElementsAre(1, 4, 5));
  EXPECT_THAT(Without({0, 2, 4}, 1, {1, 2, 3, 4, 5}), ElementsAre(2, 4));
  EXPECT_THAT(Without({0, 1, 2}, 1, {1, 2, 3}), IsEmpty());
}

TEST(EraseAt, ErasesWholeGroups) {
  EXPECT_THAT(Without({1}, 2, {1, 2, 3, 4, 5, 6}), ElementsAre(1, 2, 5, 6));
  EXPECT_THAT(Without({0, 2}, 2, {1, 2, 3, 4, 5, 6}), ElementsAre(3, 4));
}

TEST(EraseAt, LeavesAVectorWithoutElements) {
  EXPECT_THAT(Without({1, 3}, 2, {}), IsEmpty());
}

}  // namespace
}  // namespace zhiyin
