#include "worker/data/row_plan.h"

#include <gmock/gmock.h>

#include <set>

#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

constexpr int64_t kMaxRanges = int64_t{1} << 20;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

BlockSummaries Blocks(const std::vector<int64_t>& rows) {
  BlockSummaries blocks;
  for (size_t b = 0; b < rows.size(); ++b) blocks[static_cast<int64_t>(b)].n_rows = rows[b];
  return blocks;
}

std::vector<int64_t> Full(int64_t n_rows) {
  std::vector<int64_t> rows(static_cast<size_t>(n_rows / kBlockRows), kBlockRows);
  if (n_rows % kBlockRows > 0) rows.push_back(n_rows % kBlockRows);
  return rows;
}

TEST(BlockDeal, DealsPartsToWorkers) {
  const BlockDeal deal{5, 2};
  EXPECT_EQ(deal.WorkerOf(0), 0);
  EXPECT_EQ(deal.WorkerOf(3), 1);
  EXPECT_EQ(deal.WorkerOf(4), 0);
  EXPECT_EQ(deal.WorkerOf(5), 0) << "of part 0 again";
}

TEST(StreamPlan, DealsRowsToSteps) {
  const StreamPlan plan(Blocks({20, 5, 0, 10, 11, 5, 6}), 5, 10, 1000);
  EXPECT_EQ(plan.n_streams(), 5);
  EXPECT_EQ(plan.n_steps(), 3) << "streams have 25, 11, 0, 10 and 11 rows";
  EXPECT_EQ(plan.SliceRows(2, 0), 5);
  EXPECT_EQ(plan.SliceRows(1, 1), 1);
  EXPECT_EQ(plan.SliceRows(2, 1), 0);
  EXPECT_EQ(plan.StepRows(0), 40);
  EXPECT_EQ(plan.StepRows(1), 12);
  EXPECT_EQ(plan.StepRows(2), 5);
  EXPECT_THAT(plan.RowsOfSlices(), ElementsAre(10, 10, 0, 10, 10, 10, 1, 0, 0, 1, 5, 0, 0, 0, 0));
  EXPECT_EQ(plan.SliceNumber(2, 3), 13);
  EXPECT_EQ(plan.KeptRows(2), 2 * 25);
}

TEST(StreamPlan, ASliceMayBeOfSeveralWindows) {
  const StreamPlan plan(Blocks({10, 10, 10, 10, 5}), 1, 25, 20);
  ASSERT_EQ(plan.runs().size(), 3u);
  const std::vector<Piece> second = plan.Pieces(1, 0);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].run, 1);
  EXPECT_EQ(second[0].begin, 5);
  EXPECT_EQ(second[0].n, 15);
  EXPECT_EQ(second[1].run, 2);
  EXPECT_EQ(second[1].n, 5);
  EXPECT_THAT(plan.Pieces(2, 0), IsEmpty());
  EXPECT_EQ(plan.KeptRows(2), 2 * 2 * 20) << "two windows of each";
}

TEST(RangePlan, HasEveryRowOnceInBatchesNoneTooLarge) {
  for (const int64_t n_rows : {1, 255, 257, 700, 5000, 66508}) {
    for (const int n_workers : {1, 2, 4, 7}) {
      for (const int64_t batch_size : {1, 48, 512, 10'000}) {
        for (const int64_t shuffle_rows : {256, 3000, 1'000'000}) {
          const BlockSummaries blocks = Blocks(Full(n_rows));
          const RangePlan plan(blocks, n_workers, batch_size, shuffle_rows, kMaxRanges);
          std::set<int64_t> seen;
          std::vector<int64_t> rows_of_slices;
          for (int64_t range = 0; range < plan.n_ranges(); ++range) {
            const BlockRun& run = plan.runs()[static_cast<size_t>(range)];
            EXPECT_EQ(plan.FirstBatch(range), static_cast<int64_t>(rows_of_slices.size()));
            EXPECT_LE(run.n_rows, std::max<int64_t>(shuffle_rows, 2 * kBlockRows));
            int64_t next = 0;
            for (int64_t nth = 0; nth < plan.n_batches(range); ++nth) {
              const Piece batch = plan.Batch(range, nth);
              EXPECT_EQ(batch.begin, next);
              EXPECT_GT(batch.n, 0);
              EXPECT_LE(batch.n, batch_size);
              next += batch.n;
              rows_of_slices.push_back(batch.n);
            }
            EXPECT_EQ(next, run.n_rows);
            for (int64_t i = 0; i < run.n; ++i) EXPECT_TRUE(seen.insert(run.Block(i)).second);
          }
          EXPECT_EQ(seen.size(), blocks.size());
          EXPECT_EQ(plan.RowsOfSlices(), rows_of_slices);
          EXPECT_EQ(plan.n_batches(), static_cast<int64_t>(rows_of_slices.size()));
        }
      }
    }
  }
}

TEST(RangePlan, EveryWorkerGetsSeveralRangesThatItHasReadAlone) {
  const RangePlan plan(Blocks(Full(66508)), 4, 512, 2'000'000, kMaxRanges);
  EXPECT_EQ(plan.n_ranges(), 32);
  EXPECT_FALSE(plan.in_file_order());
  const BlockDeal deal{4, 4};
  for (const BlockRun& run : plan.runs()) {
    for (int64_t i = 0; i < run.n; ++i)
      EXPECT_EQ(deal.WorkerOf(run.Block(i)), deal.WorkerOf(run.first));
  }
  EXPECT_EQ(plan.Batch(5, 0).n, 512);
}

TEST(RangePlan, ARangeIsConsecutiveWhereMemoryIsShort) {
  const RangePlan plan(Blocks(Full(100'000)), 2, 512, 20'000, kMaxRanges);
  EXPECT_TRUE(plan.in_file_order());
  int64_t next = 0;
  for (const BlockRun& run : plan.runs()) {
    EXPECT_EQ(run.first, next);
    EXPECT_EQ(run.stride, 1);
    next = run.last() + 1;
  }
}

TEST(RangePlan, MalformedBlocksGiveNoBatches) {
  const RangePlan plan(Blocks({0, 10, 0}), 3, 5, 1000, kMaxRanges);
  EXPECT_EQ(plan.n_ranges(), 3);
  EXPECT_EQ(plan.n_batches(0), 0);
  EXPECT_EQ(plan.n_batches(1), 2);
}

TEST(RangePlan, HasAtMostAsManyRangesAsItIsAllowed) {
  for (const int64_t shuffle_rows : {256, 1'000'000}) {
    const RangePlan plan(Blocks(Full(100'000)), 2, 256, shuffle_rows, 7);
    EXPECT_LE(plan.n_ranges(), 7);
    EXPECT_GE(plan.n_ranges(), 6);
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
