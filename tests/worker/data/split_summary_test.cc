#include "worker/data/split_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/random.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr int64_t kSourceBlocks = 20;

/// Blocks of two numbers and a label, some of them missing, with weights; each block has two
/// malformed records, and joins of which the first finds nothing.
class SomeSource final : public Source {
 public:
  int64_t Read(int64_t block, Examples* rows, std::vector<BadLine>* bad) override {
    *rows = Examples(0, 2, 1);
    bad->clear();
    block_ = block;
    seen_ = {1, block == 3, 0};
    if (block >= kSourceBlocks) return 0;
    Random random(static_cast<uint64_t>(block));
    for (; rows->n < kBlockRecords - 2; ++rows->n) {
      rows->key_begin.push_back(0);
      rows->numerics.push_back(1e9 + random.Normal());
      rows->numerics.push_back(random.Below(3) == 0 ? kMissing : random.Uniform() / 3);
      rows->labels.push_back(random.Below(4) == 0 ? kMissing
                                                  : static_cast<double>(random.Below(2)));
      rows->weights.push_back(static_cast<float>(random.Uniform()));
    }
    for (const int64_t i : {17, 40}) {
      const int64_t line = block * kBlockRecords + i;
      bad->push_back({line, "f:", line, "bad", false});
    }
    return kBlockRecords;
  }
  std::string PlaceOf(int64_t) const override { return "f"; }
  std::span<const uint8_t> seen() const override { return seen_; }
  JoinMatches joined() const override {
    JoinMatches joins(2);
    joins.n_lines = kBlockRecords - 2;
    joins.n_looked_up = {50, 40};
    joins.n_found[1] = block_;
    for (size_t j = 0; j < 2; ++j) {
      if (joins.n_found[j] > 0) continue;
      joins.first_missed[j] = "block " + std::to_string(block_);
      joins.first_missed_at[j] = block_ * kBlockRecords;
    }
    return joins;
  }

 private:
  int64_t block_ = 0;
  std::vector<uint8_t> seen_;
};

/// What one worker of several finds in its blocks.
SplitFindings FindingsOf(int64_t worker, int64_t n_workers) {
  SomeSource source;
  SplitFindings findings;
  Examples rows;
  std::vector<BadLine> bad;
  for (int64_t block = worker; block < kSourceBlocks; block += n_workers) {
    const int64_t n = source.Read(block, &rows, &bad);
    findings.Add(block, n, rows, bad, source);
  }
  return findings;
}

TEST(SplitSummary, WeightsKeepTheirDigits) {
  Examples rows(0, 0, 1);
  rows.n = 2;
  rows.labels = {1, 0};
  rows.weights = {0.1, 0.7};
  SplitSummary summary;
  summary.Add(rows);
  const std::vector<LabelSums> sums = summary.RoundedLabelSums();
  EXPECT_DOUBLE_EQ(sums[0].label / sums[0].weight, 0.125);
}

TEST(SplitSummary, LeavesOutWhatIsMissingAndSumsByWeights) {
  Examples rows(0, 1, 2);
  rows.n = 3;
  rows.numerics = {1, kMissing, 3};
  rows.labels = {1, 5, 0, kMissing, 1, 7};
  rows.weights = {2, 0, 0.5f, 1, 3, 2};
  SplitSummary summary;
  summary.Add(rows);
  EXPECT_EQ(summary.n_rows, 3);
  EXPECT_EQ(summary.numerics[0].Rounded().n, 2);
  EXPECT_EQ(summary.numerics[0].Rounded().mean, 2);
  EXPECT_THAT(summary.n_observed, ElementsAre(3, 2));
  EXPECT_EQ(summary.labels[1].least, 7) << "the label of weight 0 is in no range";
  const std::vector<LabelSums> sums = summary.RoundedLabelSums();
  EXPECT_EQ(sums[0].weight, 5.5);
  EXPECT_EQ(sums[0].label, 5);
  EXPECT_EQ(sums[0].positives, 5);
  EXPECT_EQ(sums[1].weight, 2);
  EXPECT_EQ(sums[1].label, 14);
  EXPECT_EQ(sums[1].positives, 0);
}

TEST(SplitFindings, AreEqualBitByBitForAnyPartitionAndOrder) {
  const SplitFindings whole = FindingsOf(0, 1);
  const std::string expected = whole.Serialize();
  EXPECT_EQ(whole.summary.n_rows, kSourceBlocks * (kBlockRecords - 2));
  EXPECT_EQ(whole.summary.n_bad, 2 * kSourceBlocks);
  EXPECT_EQ(whole.summary.first_bad.size(), SplitSummary::kMaxBadKept);
  EXPECT_EQ(whole.summary.first_bad.begin()->second.Text(), "f:17: bad");
  EXPECT_THAT(whole.summary.joins.first_missed, ElementsAre("block 0", ""));
  EXPECT_THAT(whole.summary.seen, ElementsAre(1, 1, 0));
  EXPECT_EQ(RecordCounts(whole.records).ExamplesOf(3), kBlockRecords - 2);
  EXPECT_NEAR(whole.summary.numerics[0].Rounded().Stddev(), 1, 0.1);
  for (const int64_t n_workers : {2, 3, 7, 25}) {
    SplitFindings merged;
    std::vector<RecordRuns> records;
    for (int64_t w = n_workers - 1; w >= 0; --w) {
      const SplitFindings part = SplitFindings::Parse(FindingsOf(w, n_workers).Serialize());
      merged.summary.Merge(part.summary);
      records.push_back(part.records);
    }
    merged.records = RecordRuns::Join(records, "data.train");
    EXPECT_EQ(merged.Serialize(), expected) << n_workers;
  }
}

TEST(SplitFindings, OfDamagedBytesAreRefusedOrPossible) {
  const std::string bytes = FindingsOf(0, 7).Serialize();
  for (size_t n = 0; n < bytes.size(); n += 5)
    EXPECT_THROW(SplitFindings::Parse(bytes.substr(0, n)), Error) << n;
  EXPECT_THAT([&] { SplitFindings::Parse(bytes + "x"); },
              ThrowsMessage<Error>(HasSubstr("not the last")));
  Random random(1);
  for (int i = 0; i < 5000; ++i) {
    std::string flipped = bytes;
    flipped[random.Below(flipped.size())] ^= static_cast<char>(1 << random.Below(8));
    try {
      const SplitFindings read = SplitFindings::Parse(flipped);
      EXPECT_EQ(read.summary.n_rows, read.records.n_examples());
      EXPECT_LE(read.summary.n_bad, read.records.n_read());
      for (const ExactMoments& moments : read.summary.numerics)
        EXPECT_TRUE(std::isfinite(moments.Rounded().Stddev()));
    } catch (const Error&) {  // refused is as good
    }
  }
}

TEST(SplitFindings, RefuseWhatCannotBe) {
  const auto error = [](const auto& change) {
    SplitFindings findings = FindingsOf(0, 7);
    change(&findings);
    return [bytes = findings.Serialize()] { SplitFindings::Parse(bytes); };
  };
  EXPECT_THAT(error([](SplitFindings* findings) { ++findings->summary.n_rows; }),
              ThrowsMessage<Error>(HasSubstr("another number of examples")));
  EXPECT_THAT(error([](SplitFindings* findings) { findings->summary.n_bad = -1; }),
              ThrowsMessage<Error>(HasSubstr("an impossible number of malformed records")));
  EXPECT_THAT(error([](SplitFindings* findings) {
                findings->summary.first_bad.begin()->second.wrong = "";
              }),
              ThrowsMessage<Error>(HasSubstr("a malformed record that is not named")));
  EXPECT_THAT(
      error([](SplitFindings* findings) { findings->summary.label_sums[0].positives.Add(1e6); }),
      ThrowsMessage<Error>(HasSubstr("impossible sums of labels")));
  EXPECT_THAT(error([](SplitFindings* findings) {
                findings->summary.labels[0] = {2, 1};
              }),
              ThrowsMessage<Error>(HasSubstr("impossible labels")));
  EXPECT_THAT(error([](SplitFindings* findings) { findings->summary.seen[0] = 2; }),
              ThrowsMessage<Error>(HasSubstr("impossible columns")));
}

}  // namespace
}  // namespace zhiyin::worker::data
