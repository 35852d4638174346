#include "worker/data/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Two fields, one number, two labels.
Rows ThreeRows() {
  Rows rows(2, 1, 2);
  rows.n = 3;
  rows.keys = {10, 11, 20, 30, 31, 32};
  rows.key_begin = {0, 2, 2, 2, 3, 4, 6};
  rows.numerics = {1, 2, 3};
  rows.labels = {0.1f, 0.2f, 1.1f, 1.2f, 2.1f, 2.2f};
  return rows;
}

TEST(Rows, GivesTheKeysOfARowAndField) {
  const Rows rows = ThreeRows();
  EXPECT_THAT(rows.KeysOf(0, 0), ElementsAre(10, 11));
  EXPECT_THAT(rows.KeysOf(0, 1), IsEmpty());
  EXPECT_THAT(rows.KeysOf(1, 1), ElementsAre(20));
  EXPECT_THAT(rows.KeysOf(2, 1), ElementsAre(31, 32));
}

TEST(Rows, AppendTakesAWholeRow) {
  const Rows from = ThreeRows();
  Rows to(2, 1, 2);
  to.Append(from, 2);
  to.Append(from, 0);
  EXPECT_EQ(to.n, 2);
  EXPECT_THAT(to.KeysOf(0, 0), ElementsAre(30));
  EXPECT_THAT(to.KeysOf(0, 1), ElementsAre(31, 32));
  EXPECT_THAT(to.KeysOf(1, 0), ElementsAre(10, 11));
  EXPECT_THAT(to.KeysOf(1, 1), IsEmpty());
  EXPECT_THAT(to.numerics, ElementsAre(3, 1));
  EXPECT_THAT(to.labels, ElementsAre(2.1f, 2.2f, 0.1f, 0.2f));
}

TEST(Rows, ClearMakesAnyRowsEmpty) {
  Rows rows = ThreeRows();
  const Rows taken = std::move(rows);
  rows.Clear();
  EXPECT_EQ(rows.n, 0);
  EXPECT_THAT(rows.key_begin, ElementsAre(0));
  rows.Append(taken, 1);
  EXPECT_THAT(rows.KeysOf(0, 1), ElementsAre(20));
}

}  // namespace
}  // namespace zhiyin::worker::data
