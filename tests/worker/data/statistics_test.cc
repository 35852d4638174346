#include "worker/data/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "common/bytes.h"
#include "common/error.h"
#include "common/random.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Moments MomentsOf(std::initializer_list<double> numbers) {
  Moments moments;
  for (const double x : numbers) moments.Add(x);
  return moments;
}

/// Twenty blocks with two numbers and a label, some of them missing.
BlockSummaries SomeSummaries() {
  BlockSummaries summaries;
  Random random(7);
  for (int64_t block = 0; block < 20; ++block) {
    Rows rows(0, 2, 1);
    for (rows.n = 0; rows.n < 50; ++rows.n) {
      rows.key_begin.push_back(0);
      rows.numerics.push_back(static_cast<float>(100 + random.Normal()));
      rows.numerics.push_back(random.Below(3) == 0 ? kMissing
                                                   : static_cast<float>(random.Uniform()));
      rows.labels.push_back(random.Below(4) == 0 ? kMissing : 1.0f);
    }
    summaries[block] = BlockSummary::Of(rows);
    if (block == 3 || block == 11) {
      summaries[block].n_bad = 2;
      summaries[block].first_bad = "f:" + std::to_string(block) + ": bad";
    }
  }
  return summaries;
}

void ExpectSame(const std::vector<Moments>& a, const std::vector<Moments>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t j = 0; j < a.size(); ++j) {
    EXPECT_EQ(a[j].n, b[j].n);
    EXPECT_EQ(std::bit_cast<uint64_t>(a[j].mean), std::bit_cast<uint64_t>(b[j].mean));
    EXPECT_EQ(std::bit_cast<uint64_t>(a[j].m2), std::bit_cast<uint64_t>(b[j].m2));
  }
}

TEST(Moments, AreThoseOfTheBook) {
  const Moments moments = MomentsOf({2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_EQ(moments.n, 8);
  EXPECT_DOUBLE_EQ(moments.mean, 5);
  EXPECT_DOUBLE_EQ(moments.Stddev(), 2);
  EXPECT_EQ(Moments().Stddev(), 0);
}

TEST(Moments, MergeIsAddingAll) {
  Moments merged = MomentsOf({2, 4, 4});
  merged.Merge(Moments());
  merged.Merge(MomentsOf({4, 5, 5, 7, 9}));
  EXPECT_EQ(merged.n, 8);
  EXPECT_DOUBLE_EQ(merged.mean, 5);
  EXPECT_DOUBLE_EQ(merged.Stddev(), 2);
  Moments from_nothing;
  from_nothing.Merge(MomentsOf({1, 3}));
  EXPECT_DOUBLE_EQ(from_nothing.mean, 2);
  EXPECT_DOUBLE_EQ(from_nothing.Stddev(), 1);
}

TEST(BlockSummary, LeavesOutWhatIsMissing) {
  Rows rows(0, 1, 2);
  rows.n = 3;
  rows.key_begin = {0};
  rows.numerics = {1, kMissing, 3};
  rows.labels = {1, kMissing, 0, kMissing, kMissing, 5};
  const BlockSummary summary = BlockSummary::Of(rows);
  EXPECT_EQ(summary.n_rows, 3);
  EXPECT_EQ(summary.numerics[0].n, 2);
  EXPECT_EQ(summary.numerics[0].mean, 2);
  EXPECT_THAT(summary.n_observed, ElementsAre(2, 1));
}

TEST(SplitSummary, DoesNotDependOnWhoReadWhichBlock) {
  const BlockSummaries all = SomeSummaries();
  const SplitSummary expected = SplitSummary::Of(all);
  EXPECT_EQ(expected.n_rows, 1000);
  EXPECT_EQ(expected.n_bad, 4);
  EXPECT_EQ(expected.first_bad, "f:3: bad");
  EXPECT_NEAR(expected.numerics[0].Stddev(), 1, 0.1);
  for (const int n_workers : {1, 2, 3, 7}) {
    BlockSummaries merged;
    for (int w = n_workers - 1; w >= 0; --w) {
      BlockSummaries own;
      for (const auto& [block, summary] : all) {
        if (block % n_workers == w) own[block] = summary;
      }
      merged.merge(ParseBlockSummaries(Serialize(own)));
    }
    const SplitSummary total = SplitSummary::Of(merged);
    EXPECT_EQ(total.n_rows, expected.n_rows);
    EXPECT_EQ(total.first_bad, expected.first_bad);
    EXPECT_EQ(total.n_observed, expected.n_observed);
    ExpectSame(total.numerics, expected.numerics);
  }
}

TEST(SplitSummary, OfNothingIsNothing) {
  EXPECT_EQ(SplitSummary::Of({}).n_rows, 0);
  EXPECT_TRUE(ParseBlockSummaries(Serialize({})).empty());
}

TEST(ParseBlockSummaries, RefusesEveryTruncation) {
  const std::string bytes = Serialize(SomeSummaries());
  for (size_t n = 0; n < bytes.size(); n += 13) {
    EXPECT_THROW(ParseBlockSummaries(std::string_view(bytes).substr(0, n)), Error) << n;
  }
  EXPECT_THAT([&] { ParseBlockSummaries(bytes + "x"); },
              ThrowsMessage<Error>(HasSubstr("bytes after the last")));
}

TEST(ParseBlockSummaries, SurvivesFlippedBits) {
  const std::string bytes = Serialize(SomeSummaries());
  Random random(1);
  for (int i = 0; i < 5000; ++i) {
    std::string flipped = bytes;
    flipped[random.Below(flipped.size())] ^= static_cast<char>(1 << random.Below(8));
    try {
      for (const auto& [block, summary] : ParseBlockSummaries(flipped)) {
        EXPECT_LE(summary.n_rows, kMaxRowsOfBlock);
        EXPECT_LE(summary.n_bad, kBlockRows);
      }
    } catch (const Error&) {  // refused is as good
    }
  }
}

TEST(ParseBlockSummaries, RefusesCountsThatCannotBe) {
  ByteWriter huge;
  huge.Put<uint64_t>(uint64_t{1} << 60);
  EXPECT_THROW(ParseBlockSummaries(huge.Take()), Error);
  BlockSummaries negative = SomeSummaries();
  negative[5].n_rows = -1;
  EXPECT_THAT([&] { ParseBlockSummaries(Serialize(negative)); },
              ThrowsMessage<Error>(HasSubstr("block 5: impossible number of rows")));
  BlockSummaries ragged = SomeSummaries();
  ragged[5].numerics.pop_back();
  EXPECT_THAT([&] { ParseBlockSummaries(Serialize(ragged)); },
              ThrowsMessage<Error>(HasSubstr("another shape")));
  BlockSummaries nan = SomeSummaries();
  nan[5].numerics[0].mean = std::nan("");
  EXPECT_THAT([&] { ParseBlockSummaries(Serialize(nan)); },
              ThrowsMessage<Error>(HasSubstr("impossible moments")));
}

TEST(Normalizer, StandardisesAndPutsTheMeanForWhatIsMissing) {
  std::vector<float> numerics = {1, 7, 3, kMissing, kMissing, -2};
  const Normalizer normalizer = {{2, 0}, {0.5f, 1}};
  normalizer.Apply(numerics);
  EXPECT_THAT(numerics, ElementsAre(-0.5f, 7, 0.5f, 0, 0, -2));
  Normalizer().Apply({});
}

}  // namespace
}  // namespace zhiyin::worker::data
