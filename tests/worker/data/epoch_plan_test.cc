#include "worker/data/epoch_plan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

constexpr int64_t kMaxRanges = int64_t{1} << 20;

using ::testing::ElementsAre;

/// Records with so many examples in each block, as evenly as they divide among its records.
RecordCounts Blocks(const std::vector<int64_t>& rows) {
  RecordRuns runs;
  for (const int64_t n : rows) {
    const int32_t each = static_cast<int32_t>(n / kBlockRecords);
    runs.Append(n % kBlockRecords, each + 1);
    runs.Append(kBlockRecords - n % kBlockRecords, each);
  }
  return RecordCounts(runs);
}

std::vector<int64_t> Full(int64_t n_rows) {
  std::vector<int64_t> rows(static_cast<size_t>(n_rows / kBlockRecords), kBlockRecords);
  if (n_rows % kBlockRecords > 0) rows.push_back(n_rows % kBlockRecords);
  return rows;
}

TEST(BlockDeal, DealsPartsToWorkers) {
  const BlockDeal deal{5, 2};
  EXPECT_EQ(deal.WorkerOf(0), 0);
  EXPECT_EQ(deal.WorkerOf(3), 1);
  EXPECT_EQ(deal.WorkerOf(4), 0);
  EXPECT_EQ(deal.WorkerOf(5), 0) << "of part 0 again";
}

/// What a sorted file has in common with a sample of it: the mean position of the examples.
double MeanBlock(const BlockRun& run) {
  double sum = 0;
  for (int64_t i = 0; i < run.n; ++i) sum += static_cast<double>(run.Block(i));
  return sum / static_cast<double>(run.n);
}

std::vector<int64_t> RowsOfSlices(const StreamPlan& plan) {
  std::vector<int64_t> rows;
  for (int64_t step = 0; step < plan.n_steps(); ++step) {
    for (int s = 0; s < plan.n_streams(); ++s) rows.push_back(plan.SliceExamples(step, s));
  }
  return rows;
}

TEST(StreamPlan, DividesASmallSplitEvenlyAmongStreamsAndSteps) {
  const StreamPlan plan(Blocks({20, 5, 0, 10, 11, 5, 6}), 5, 10, 1000);
  EXPECT_EQ(plan.n_streams(), 5);
  ASSERT_EQ(plan.runs().size(), 1u) << "all blocks are shuffled together";
  EXPECT_EQ(plan.runs()[0].n, 7);
  EXPECT_EQ(plan.runs()[0].n_rows, 57);
  EXPECT_EQ(plan.n_steps(), 2);
  EXPECT_EQ(plan.n_slices(), 10);
  EXPECT_THAT(RowsOfSlices(plan), ElementsAre(5, 6, 6, 6, 6, 6, 5, 6, 5, 6));
  EXPECT_EQ(plan.StepExamples(0), 29);
  EXPECT_EQ(plan.StepExamples(1), 28);
  EXPECT_EQ(plan.SliceNumber(1, 3), 8);
  EXPECT_EQ(plan.KeptExamples(2), 57) << "one run, of whichever streams";
}

TEST(StreamPlan, HasEveryExampleOnceInStepsOfAboutEqualSize) {
  for (const int64_t n_rows : {1, 100, 257, 2000, 10'241, 66'508}) {
    for (const auto& [n_streams, examples_per_slice] :
         {std::pair(1, 64), std::pair(3, 8), std::pair(8, 1), std::pair(12, 4),
          std::pair(64, 16)}) {
      for (const int64_t shuffle_rows : {256, 700, 1'000'000}) {
        SCOPED_TRACE(std::to_string(n_rows) + " in " + std::to_string(n_streams) + " streams of " +
                     std::to_string(examples_per_slice));
        const StreamPlan plan(Blocks(Full(n_rows)), n_streams, examples_per_slice, shuffle_rows);
        const int64_t batch_size = n_streams * examples_per_slice;
        ASSERT_EQ(plan.n_steps(), (n_rows + batch_size - 1) / batch_size);
        const double mean = static_cast<double>(n_rows) / static_cast<double>(plan.n_steps());
        int64_t n_dealt = 0;
        std::vector<std::vector<std::pair<int64_t, int64_t>>> pieces(plan.runs().size());
        for (int64_t step = 0; step < plan.n_steps(); ++step) {
          EXPECT_GT(plan.StepExamples(step), 0);
          EXPECT_NEAR(static_cast<double>(plan.StepExamples(step)), mean, 5) << "step " << step;
          for (int s = 0; s < n_streams; ++s) {
            ASSERT_GE(plan.SliceExamples(step, s), 0);
            n_dealt += plan.SliceExamples(step, s);
            for (const Piece& piece : plan.Pieces(step, s))
              pieces[static_cast<size_t>(piece.run)].push_back({piece.begin, piece.n});
          }
        }
        EXPECT_EQ(n_dealt, n_rows);
        for (size_t run = 0; run < pieces.size(); ++run) {
          std::sort(pieces[run].begin(), pieces[run].end());
          int64_t next = 0;
          for (const auto& [begin, n] : pieces[run]) {
            ASSERT_EQ(begin, next);
            next += n;
          }
          EXPECT_EQ(next, plan.runs()[run].n_rows);
        }
      }
    }
  }
}

TEST(StreamPlan, KeptRunsAreSamplesOfTheWholeSplit) {
  const StreamPlan plan(Blocks(Full(256 * 130)), 12, 4, 1'000'000);
  ASSERT_EQ(plan.runs().size(), 4u) << "three streams share a run";
  for (const BlockRun& run : plan.runs()) {
    EXPECT_GE(run.n, kMixedBlocks);
    EXPECT_NEAR(MeanBlock(run), 64.5, 130.0 / kMixedBlocks);
  }
  const StreamPlan large(Blocks(Full(256 * 12 * 40)), 12, 4, 1'000'000);
  EXPECT_EQ(large.runs().size(), 12u) << "each stream has its own";
  EXPECT_EQ(large.KeptExamples(2), 2 * 40 * 256);
}

TEST(StreamPlan, ASliceMayBeOfSeveralWindows) {
  const StreamPlan plan(Blocks({10, 10, 10, 10, 5}), 1, 25, 20);
  ASSERT_EQ(plan.runs().size(), 3u);
  EXPECT_EQ(plan.n_steps(), 2);
  const std::vector<Piece> second = plan.Pieces(1, 0);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].run, 1);
  EXPECT_EQ(second[0].begin, 12);
  EXPECT_EQ(second[0].n, 8);
  EXPECT_EQ(second[1].run, 2);
  EXPECT_EQ(second[1].n, 15);
  EXPECT_EQ(plan.KeptExamples(2), 2 * 20) << "two windows";
}

TEST(StreamPlan, WindowsAreConsecutiveBlocksOfThePartOfTheirStream) {
  std::vector<int64_t> rows(1000, kBlockRecords);
  for (size_t b = 400; b < 420; ++b) rows[b] = 3 * kBlockRecords;
  const StreamPlan plan(Blocks(rows), 3, 50, 10 * kBlockRecords);
  std::map<int64_t, BlockRun> by_first;
  for (const BlockRun& run : plan.runs()) by_first[run.first] = run;
  int64_t next = 0;
  for (const auto& [first, run] : by_first) {
    EXPECT_EQ(first, next);
    EXPECT_EQ(run.stride, 1);
    EXPECT_EQ(run.stream, static_cast<uint64_t>(first < 333 ? 0 : first < 666 ? 1 : 2));
    EXPECT_LE(run.n_rows, 10 * kBlockRecords);
    next += run.n;
  }
  EXPECT_EQ(next, 1000);
  EXPECT_THAT(plan.FirstBlocks(0, 3), ::testing::IsEmpty());
}

TEST(StreamPlan, AWorkerFirstNeedsTheBlocksOfItsStreams) {
  const StreamPlan shared(Blocks(Full(256 * 70)), 4, 4, 1'000'000);
  ASSERT_EQ(shared.runs().size(), 2u) << "two streams share a run";
  for (int w = 0; w < 4; ++w) {
    const std::vector<int64_t> blocks = shared.FirstBlocks(w, 4);
    ASSERT_EQ(blocks.size(), 35u);
    for (const int64_t block : blocks) EXPECT_EQ(block % 2, w % 2);
  }
  EXPECT_EQ(shared.FirstBlocks(0, 3).size(), 70u) << "it has streams 0 and 3";
  EXPECT_THAT(shared.FirstBlocks(4, 5), ::testing::IsEmpty()) << "a worker without a stream";
}

/// The pieces of a slice, found by walking over all windows of the stream's group.
std::vector<Piece> WalkedPieces(const StreamPlan& plan, int64_t step, int stream, int64_t first) {
  std::vector<Piece> pieces;
  int64_t begin = 0;
  const int64_t end = first + plan.SliceExamples(step, stream);
  for (size_t r = 0; r < plan.runs().size(); ++r) {
    const BlockRun& run = plan.runs()[r];
    if (run.stream != static_cast<uint64_t>(stream)) continue;
    const int64_t from = std::max(first, begin);
    const int64_t to = std::min(end, begin + run.n_rows);
    if (from < to) pieces.push_back({static_cast<int64_t>(r), from - begin, to - from});
    begin += run.n_rows;
  }
  return pieces;
}

TEST(StreamPlan, FindsThePiecesThatAWalkOverAllWindowsFinds) {
  std::vector<int64_t> rows;
  for (int64_t b = 0; b < 300; ++b) rows.push_back(b % 7 == 0 ? 0 : b * 37 % 256);
  const StreamPlan plan(Blocks(rows), 3, 50, 300);
  ASSERT_GT(plan.runs().size(), 100u);
  for (int s = 0; s < 3; ++s) {
    int64_t first = 0;
    for (int64_t step = 0; step < plan.n_steps(); ++step) {
      const std::vector<Piece> pieces = plan.Pieces(step, s);
      const std::vector<Piece> walked = WalkedPieces(plan, step, s, first);
      ASSERT_EQ(pieces.size(), walked.size());
      for (size_t i = 0; i < pieces.size(); ++i) {
        EXPECT_EQ(pieces[i].run, walked[i].run);
        EXPECT_EQ(pieces[i].begin, walked[i].begin);
        EXPECT_EQ(pieces[i].n, walked[i].n);
      }
      first += plan.SliceExamples(step, s);
    }
  }
}

TEST(RangePlan, AWorkerFirstNeedsTheBlocksOfItsRuns) {
  const RangePlan plan(Blocks(Full(256 * 400)), 4, 64, 1'000'000, kMaxRanges);
  std::set<int64_t> all;
  for (int w = 0; w < 4; ++w) {
    const std::vector<int64_t> blocks = plan.FirstBlocks(w, 4);
    for (const int64_t block : blocks) {
      EXPECT_EQ(block % static_cast<int64_t>(plan.runs().size()) % 4, w);
      EXPECT_TRUE(all.insert(block).second);
    }
  }
  EXPECT_EQ(all.size(), 400u);
  const RangePlan large(Blocks(Full(256 * 400)), 4, 64, 1000, kMaxRanges);
  ASSERT_TRUE(large.in_file_order());
  EXPECT_THAT(large.FirstBlocks(0, 4), ::testing::IsEmpty());
}

TEST(RangePlan, HasEveryRowOnceInBatchesNoneTooLarge) {
  for (const int64_t n_rows : {1, 255, 257, 700, 5000, 66508}) {
    for (const int n_workers : {1, 2, 4, 7}) {
      for (const int64_t batch_size : {1, 48, 512, 10'000}) {
        for (const int64_t shuffle_rows : {256, 3000, 1'000'000}) {
          const RecordCounts blocks = Blocks(Full(n_rows));
          const RangePlan plan(blocks, n_workers, batch_size, shuffle_rows, kMaxRanges);
          std::set<int64_t> seen;
          std::vector<int64_t> rows_of_slices;
          std::vector<int64_t> next(plan.runs().size());
          for (int64_t range = 0; range < plan.n_ranges(); ++range) {
            EXPECT_EQ(plan.FirstBatch(range), static_cast<int64_t>(rows_of_slices.size()));
            EXPECT_GT(plan.n_batches(range), 0);
            for (int64_t nth = 0; nth < plan.n_batches(range); ++nth) {
              const Piece batch = plan.Batch(range, nth);
              int64_t& end = next[static_cast<size_t>(batch.run)];
              EXPECT_EQ(batch.begin, end);
              EXPECT_GT(batch.n, 0);
              EXPECT_LE(batch.n, batch_size);
              end += batch.n;
              rows_of_slices.push_back(batch.n);
            }
          }
          for (size_t r = 0; r < plan.runs().size(); ++r) {
            const BlockRun& run = plan.runs()[r];
            EXPECT_EQ(next[r], run.n_rows);
            EXPECT_LE(run.n_rows, std::max<int64_t>(shuffle_rows, 2 * kBlockRecords));
            for (int64_t i = 0; i < run.n; ++i) EXPECT_TRUE(seen.insert(run.Block(i)).second);
          }
          EXPECT_EQ(static_cast<int64_t>(seen.size()), blocks.n_blocks());
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
  for (int64_t range = 0; range < plan.n_ranges(); ++range) {
    for (int64_t nth = 0; nth < plan.n_batches(range); ++nth)
      EXPECT_NEAR(static_cast<double>(plan.Batch(range, nth).n), 500, 12);
  }
}

TEST(RangePlan, BatchesAreSamplesOfTheWholeSplitForAnyNumberOfWorkers) {
  for (const int64_t n_blocks : {1, 20, 40, 130, 1000}) {
    for (const int n_workers : {1, 3, 8, 64}) {
      SCOPED_TRACE(std::to_string(n_blocks) + " for " + std::to_string(n_workers));
      const RangePlan plan(Blocks(Full(n_blocks * kBlockRecords)), n_workers, 16, 1'000'000,
                           kMaxRanges);
      for (const BlockRun& run : plan.runs()) {
        EXPECT_GE(run.n, std::min(n_blocks, kMixedBlocks));
        EXPECT_NEAR(MeanBlock(run), static_cast<double>(n_blocks - 1) / 2,
                    static_cast<double>(n_blocks) / kMixedBlocks);
      }
      EXPECT_GE(plan.n_ranges(), std::min<int64_t>(4 * n_workers, plan.n_batches()))
          << "there is work for all";
    }
  }
}

TEST(RangePlan, AWorkerPrefersWhatItHasInMemoryAndReadsFirst) {
  const RangePlan plan(Blocks(Full(kBlockRecords * 130)), 8, 16, 1'000'000, kMaxRanges);
  ASSERT_EQ(plan.runs().size(), 4u);
  std::vector<uint64_t> expected;
  for (int64_t range = 0; range < plan.n_ranges(); ++range) {
    const int64_t run = plan.Batch(range, 0).run;
    if (run == 1 || run == 2) expected.push_back(static_cast<uint64_t>(range));
  }
  EXPECT_EQ(plan.PreferredRanges(6, {1}), expected);
  EXPECT_LT(plan.PreferredRanges(6, {}).size(), expected.size());
}

TEST(RangePlan, ARangeIsConsecutiveWhereMemoryIsShort) {
  const RangePlan plan(Blocks(Full(100'000)), 2, 512, 20'000, kMaxRanges);
  EXPECT_TRUE(plan.in_file_order());
  EXPECT_EQ(plan.n_ranges(), static_cast<int64_t>(plan.runs().size()));
  int64_t next = 0;
  for (const BlockRun& run : plan.runs()) {
    EXPECT_EQ(run.first, next);
    EXPECT_EQ(run.stride, 1);
    next = run.last() + 1;
  }
}

TEST(RangePlan, BlocksOfManyExamplesMakeNoLargerRuns) {
  const RangePlan plan(Blocks(std::vector<int64_t>(100, 25'600)), 4, 512, 700'000, kMaxRanges);
  for (const BlockRun& run : plan.runs()) EXPECT_LE(run.n_rows, 700'000);
}

TEST(RangePlan, MalformedBlocksGiveNoBatches) {
  const RangePlan plan(Blocks({0, 10, 0}), 3, 5, 1000, kMaxRanges);
  EXPECT_EQ(plan.n_ranges(), 2);
  EXPECT_EQ(plan.n_batches(), 2);
  const RangePlan in_file_order(Blocks({0, 300, 0, 256, 0}), 1, 100, 256, kMaxRanges);
  EXPECT_TRUE(in_file_order.in_file_order());
  EXPECT_EQ(in_file_order.n_ranges(), 2);
  EXPECT_EQ(in_file_order.n_batches(), 6);
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
