#include "worker/data/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/data_jobs.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Two fields, one number, two labels.
Examples ThreeRows() {
  Examples rows(2, 1, 2);
  rows.n = 3;
  rows.keys = {10, 11, 20, 30, 31, 32};
  rows.key_begin = {0, 2, 2, 2, 3, 4, 6};
  rows.numerics = {1, 2, 3};
  rows.labels = {0.1f, 0.2f, 1.1f, 1.2f, 2.1f, 2.2f};
  return rows;
}

TEST(Examples, GivesTheKeysOfARowAndField) {
  const Examples rows = ThreeRows();
  EXPECT_THAT(rows.KeysOf(0, 0), ElementsAre(10, 11));
  EXPECT_THAT(rows.KeysOf(0, 1), IsEmpty());
  EXPECT_THAT(rows.KeysOf(1, 1), ElementsAre(20));
  EXPECT_THAT(rows.KeysOf(2, 1), ElementsAre(31, 32));
}

TEST(Examples, AppendTakesAWholeRow) {
  const Examples from = ThreeRows();
  Examples to(2, 1, 2);
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

TEST(Examples, ClearMakesAnyRowsEmpty) {
  Examples rows = ThreeRows();
  const Examples taken = std::move(rows);
  rows.Clear();
  EXPECT_EQ(rows.n, 0);
  EXPECT_THAT(rows.key_begin, ElementsAre(0));
  rows.Append(taken, 1);
  EXPECT_THAT(rows.KeysOf(0, 1), ElementsAre(20));
}

TEST(Examples, AppendsConsecutiveExamples) {
  const Examples rows = ThreeRows();
  Examples some(2, 1, 2);
  some.Append(rows, 2);
  some.Append(rows, 0, 2);
  Examples one_by_one(2, 1, 2);
  for (const int64_t i : {2, 0, 1}) one_by_one.Append(rows, i);
  zhiyin::testing::ExpectSameRows(some, one_by_one);
  EXPECT_THAT(some.KeysOf(1, 0), ElementsAre(10, 11));
}

TEST(Examples, OfBytesAreThoseThatWereWritten) {
  Examples weighted = ThreeRows();
  weighted.weights = {0.1, 2, 3, 4, 5, 0.7};
  Examples augmented = ThreeRows();
  augmented.data_keys = {10, 11, 21, 20, 30, 31, 32};
  augmented.data_key_begin = {0, 2, 3, 3, 4, 5, 7};
  for (const Examples& rows : {ThreeRows(), weighted, augmented, Examples(2, 1, 2)}) {
    ByteWriter out;
    rows.Write(&out);
    const std::string bytes = out.Take();
    ByteReader in(bytes, "rows");
    zhiyin::testing::ExpectSameRows(Examples::Read(2, 1, 2, &in), rows);
    EXPECT_TRUE(in.AtEnd());
  }
}

TEST(Examples, OfAnotherShapeAreRefused) {
  ByteWriter out;
  ThreeRows().Write(&out);
  const std::string bytes = out.Take();
  for (const auto& [fields, numerics, tasks] :
       {std::array{1, 1, 2}, std::array{3, 1, 2}, std::array{2, 0, 2}, std::array{2, 2, 2},
        std::array{2, 1, 1}, std::array{0, 0, 0}}) {
    ByteReader in(bytes, "rows");
    EXPECT_THROW(Examples::Read(fields, numerics, tasks, &in), Error);
  }
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes.substr(0, i < 200 ? random.Below(bytes.size()) : bytes.size());
    if (!damaged.empty())
      damaged[random.Below(damaged.size())] ^= static_cast<char>(1 << random.Below(8));
    ByteReader in(damaged, "rows");
    try {
      const Examples rows = Examples::Read(2, 1, 2, &in);
      for (int64_t r = 0; r < rows.n; ++r) rows.KeysOf(r, 1);
    } catch (const Error&) {  // refused is as good
    }
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
