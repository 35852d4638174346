#include "worker/data/run_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "tests/support/data_jobs.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using testing::ExpectSameRows;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

constexpr int64_t kNoLimit = 1'000'000;

/// Files in memory, and what was read of them.
struct BlockFiles {
  std::vector<int64_t> n_rows = {};              // [block], examples
  std::map<int64_t, int> n_bad = {};             // by block, malformed lines behind the examples
  std::optional<int64_t> broken = std::nullopt;  // a block that cannot be read
  std::vector<int64_t> reads = {};               // blocks in the order of their reads
};

/// Example i of block b has the number x = 1000 b + i, the label -x, and in its only field the keys
/// 4 x to 4 x + 3.
class BlockSource : public Source {
 public:
  explicit BlockSource(BlockFiles* files) : files_(files) {}

  std::string PlaceOf(int64_t example) const override { return std::to_string(example); }
  int64_t Read(int64_t block, Examples* rows, std::vector<BadLine>* bad) override {
    if (files_->broken == block) Fail("block ", block, ": broken");
    files_->reads.push_back(block);
    *rows = Examples(1, 1, 1);
    bad->clear();
    if (block >= static_cast<int64_t>(files_->n_rows.size())) return 0;
    const int64_t n = files_->n_rows[static_cast<size_t>(block)];
    for (int64_t i = 0; i < n; ++i) {
      const int64_t number = 1000 * block + i;
      for (int64_t k = 0; k < 4; ++k) rows->keys.push_back(static_cast<Key>(4 * number + k));
      rows->key_begin.push_back(static_cast<uint32_t>(rows->keys.size()));
      rows->numerics.push_back(static_cast<float>(number));
      rows->labels.push_back(static_cast<float>(-number));
      ++rows->n;
    }
    const int n_bad = files_->n_bad[block];
    for (int i = 0; i < n_bad; ++i)
      bad->push_back({block * kBlockRecords + n + i, "block ", block, "bad", false});
    return n + n_bad;
  }

 private:
  BlockFiles* files_;
};

RunCache MakeCache(BlockFiles* files, int64_t n_kept_max, uint64_t seed = 1,
                   const Job& job = Job()) {
  return RunCache(std::make_unique<BlockSource>(files), seed, n_kept_max, Augmenter(job));
}

/// Keeps the blocks up to `end`, exclusive.
void KeepBlocks(int64_t end, RunCache* cache) {
  Examples rows;
  std::vector<BadLine> bad;
  for (int64_t block = 0; block < end; ++block) {
    cache->source()->Read(block, &rows, &bad);
    cache->Keep(block, rows);
  }
}

/// The run of n blocks first, first + stride, ...
BlockRun RunOf(const BlockFiles& files, int64_t first, int64_t stride, int64_t n) {
  BlockRun run{.first = first, .stride = stride, .n = n};
  for (int64_t i = 0; i < n; ++i) run.n_rows += files.n_rows[static_cast<size_t>(run.Block(i))];
  run.stream = static_cast<uint64_t>(first);
  return run;
}

/// A run for each block.
std::vector<BlockRun> RunsOfOneBlock(const BlockFiles& files) {
  std::vector<BlockRun> runs;
  for (size_t b = 0; b < files.n_rows.size(); ++b)
    runs.push_back(RunOf(files, static_cast<int64_t>(b), 1, 1));
  return runs;
}

bool Load(RunCache* cache, int64_t run, const std::vector<int64_t>& together = {},
          const std::vector<int64_t>& spared = {}) {
  return cache->Load(run, together, spared, [] { return false; });
}

/// Has the run in memory, as SliceReader does.
void UseOrLoad(RunCache* cache, int64_t run) {
  if (!cache->Use(run)) Load(cache, run);
}

/// The blocks that were read since the last call.
std::vector<int64_t> TakeReads(BlockFiles* files) {
  return std::exchange(files->reads, {});
}

/// The piece of an epoch's shuffled run that is in memory.
Examples PieceOf(RunCache* cache, int64_t epoch, const Piece& piece) {
  Examples rows;
  cache->Append(epoch, piece, &rows);
  return rows;
}

TEST(RunCache, RunsAreInMemoryWhereAllTheirBlocksWereKept) {
  BlockFiles files{.n_rows = {4, 4, 4, 4}};
  RunCache cache = MakeCache(&files, 12);
  KeepBlocks(3, &cache);
  TakeReads(&files);
  cache.SetRuns({RunOf(files, 0, 2, 2), RunOf(files, 1, 2, 2)});
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(0));
  EXPECT_TRUE(cache.Use(0));
  EXPECT_EQ(PieceOf(&cache, 0, {.run = 0, .begin = 0, .n = 8}).n, 8);
  EXPECT_THAT(files.reads, IsEmpty());
  EXPECT_FALSE(cache.Use(1));
  EXPECT_TRUE(Load(&cache, 1));
  EXPECT_THAT(files.reads, ElementsAre(3)) << "the other block was kept";
  EXPECT_TRUE(cache.Use(1));
}

TEST(RunCache, ReadsTheBlocksOfARunWhenItIsLoaded) {
  BlockFiles files{.n_rows = {4, 4, 4, 4, 4, 4}};
  RunCache cache = MakeCache(&files, kNoLimit);
  cache.SetRuns({RunOf(files, 0, 2, 3), RunOf(files, 1, 2, 3)});
  EXPECT_THAT(cache.KeptRuns(), IsEmpty());
  EXPECT_FALSE(cache.Use(1));
  EXPECT_TRUE(Load(&cache, 1));
  EXPECT_THAT(TakeReads(&files), ElementsAre(1, 3, 5));
  EXPECT_TRUE(cache.Use(1));
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(1));
  UseOrLoad(&cache, 1);
  EXPECT_THAT(files.reads, IsEmpty());
}

TEST(RunCache, AppendsEveryExampleOfARunOnceInOneOrder) {
  BlockFiles files{.n_rows = {5, 0, 7}};
  RunCache cache = MakeCache(&files, kNoLimit);
  cache.SetRuns({RunOf(files, 0, 1, 3)});
  Load(&cache, 0);
  const Examples whole = PieceOf(&cache, 3, {.run = 0, .begin = 0, .n = 12});
  EXPECT_THAT(whole.numerics, ::testing::UnorderedElementsAre(0, 1, 2, 3, 4, 2000, 2001, 2002, 2003,
                                                              2004, 2005, 2006));
  EXPECT_FALSE(std::is_sorted(whole.numerics.begin(), whole.numerics.end()));
  for (int64_t i = 0; i < whole.n; ++i) {
    const float number = whole.numerics[static_cast<size_t>(i)];
    EXPECT_EQ(whole.labels[static_cast<size_t>(i)], -number);
    EXPECT_EQ(whole.KeysOf(i, 0)[3], 4 * static_cast<Key>(number) + 3) << "examples are whole";
  }
  Examples pieces;
  for (const auto& [begin, n] : {std::pair{0, 5}, std::pair{5, 1}, std::pair{6, 6}})
    cache.Append(3, {.run = 0, .begin = begin, .n = n}, &pieces);
  ExpectSameRows(whole, pieces);
}

TEST(RunCache, TheOrderIsAnotherInEveryEpochAndForEverySeed) {
  BlockFiles files{.n_rows = {20}};
  RunCache cache = MakeCache(&files, kNoLimit, 1);
  cache.SetRuns({RunOf(files, 0, 1, 1)});
  Load(&cache, 0);
  const Piece all{.run = 0, .begin = 0, .n = 20};
  const std::vector<double> first = PieceOf(&cache, 0, all).numerics;
  EXPECT_NE(PieceOf(&cache, 1, all).numerics, first);
  EXPECT_EQ(PieceOf(&cache, 0, all).numerics, first) << "an epoch does not depend on those before";
  RunCache other = MakeCache(&files, kNoLimit, 2);
  other.SetRuns({RunOf(files, 0, 1, 1)});
  Load(&other, 0);
  EXPECT_NE(PieceOf(&other, 0, all).numerics, first);
}

/// A job whose only field loses half of its values at random.
Job MaskingJob() {
  Job job;
  job.add_field()->mutable_augment()->set_mask(0.5);
  job.add_task()->set_negative_share(1);
  return job;
}

TEST(RunCache, ExamplesDoNotDependOnWhatWasKept) {
  for (const Job& job : {Job(), MaskingJob()}) {
    BlockFiles files{.n_rows = {9, 9, 9, 9}};
    const std::vector<BlockRun> runs = {RunOf(files, 0, 2, 2), RunOf(files, 1, 2, 2)};
    RunCache keeps = MakeCache(&files, kNoLimit, 1, job);
    KeepBlocks(4, &keeps);
    keeps.SetRuns(runs);
    RunCache streams = MakeCache(&files, 1, 1, job);
    streams.SetRuns(runs);
    TakeReads(&files);
    for (int64_t epoch = 0; epoch < 2; ++epoch) {
      for (const int64_t run : {0, 1}) {
        UseOrLoad(&keeps, run);
        EXPECT_THAT(TakeReads(&files), IsEmpty());
        UseOrLoad(&streams, run);
        EXPECT_THAT(TakeReads(&files), ElementsAre(run, run + 2));
        const Piece all{.run = run, .begin = 0, .n = 18};
        ExpectSameRows(PieceOf(&keeps, epoch, all), PieceOf(&streams, epoch, all));
      }
    }
  }
}

TEST(RunCache, AugmentsByEpochAndExample) {
  BlockFiles files{.n_rows = {50}};
  RunCache cache = MakeCache(&files, kNoLimit, 1, MaskingJob());
  cache.SetRuns({RunOf(files, 0, 1, 1)});
  Load(&cache, 0);
  // The keys of each example, by its number.
  const auto keys_by_example = [&](int64_t epoch) {
    const Examples rows = PieceOf(&cache, epoch, {.run = 0, .begin = 0, .n = 50});
    std::map<float, std::vector<Key>> keys;
    for (int64_t i = 0; i < rows.n; ++i) {
      const std::span<const Key> own = rows.KeysOf(i, 0);
      keys[rows.numerics[static_cast<size_t>(i)]].assign(own.begin(), own.end());
    }
    return keys;
  };
  const auto first = keys_by_example(0);
  EXPECT_EQ(keys_by_example(0), first);
  EXPECT_NE(keys_by_example(1), first);
  size_t n_keys = 0;
  for (const auto& [number, keys] : first) {
    n_keys += keys.size();
    for (const Key key : keys) EXPECT_EQ(key / 4, static_cast<Key>(number));
  }
  EXPECT_GT(n_keys, 50u);
  EXPECT_LT(n_keys, 150u);
}

TEST(RunCache, RemovesTheRunsThatWereUsedTheLongestAgo) {
  BlockFiles files{.n_rows = {4, 4, 4, 4, 4}};
  RunCache cache = MakeCache(&files, 12);
  cache.SetRuns(RunsOfOneBlock(files));
  for (const int64_t run : {0, 1, 2}) Load(&cache, run);
  EXPECT_TRUE(cache.Use(0));
  Load(&cache, 3);
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(0, 2, 3));
  EXPECT_FALSE(cache.Use(1));
  Load(&cache, 4);
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(0, 3, 4));
}

TEST(RunCache, SparesTheRunsThatItIsTold) {
  BlockFiles files{.n_rows = {4, 4, 4, 4}};
  RunCache cache = MakeCache(&files, 8);
  cache.SetRuns(RunsOfOneBlock(files));
  Load(&cache, 0);
  Load(&cache, 1);
  Load(&cache, 2, {}, {0});
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(0, 2));
  Load(&cache, 3, {}, {0, 2});
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(0, 2, 3)) << "what is in use is always kept";
}

TEST(RunCache, ARunThatIsLargerThanTheLimitIsKeptAlone) {
  BlockFiles files{.n_rows = {4, 4, 4, 4}};
  RunCache cache = MakeCache(&files, 3);
  cache.SetRuns({RunOf(files, 0, 1, 2), RunOf(files, 2, 1, 2)});
  Load(&cache, 0);
  EXPECT_TRUE(cache.Use(0));
  Load(&cache, 1);
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(1));
}

TEST(RunCache, TheLimitMayChange) {
  BlockFiles files{.n_rows = {4, 4, 4, 4, 4}};
  RunCache cache = MakeCache(&files, 4);
  cache.SetRuns(RunsOfOneBlock(files));
  cache.SetMaxKept(12);
  for (const int64_t run : {0, 1, 2}) Load(&cache, run);
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(0, 1, 2));
  cache.SetMaxKept(8);
  Load(&cache, 3);
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(2, 3));
}

TEST(RunCache, RunsThatInterleaveAreReadInOnePass) {
  BlockFiles files{.n_rows = std::vector<int64_t>(12, 4)};
  RunCache cache = MakeCache(&files, kNoLimit);
  // Windows of two streams, three blocks each: 0 2 4, 6 8 10, and 1 3 5, 7 9 11.
  cache.SetRuns(
      {RunOf(files, 0, 2, 3), RunOf(files, 6, 2, 3), RunOf(files, 1, 2, 3), RunOf(files, 7, 2, 3)});
  const std::vector<int64_t> ordered = {1, 3, 0, 2, 1};
  Load(&cache, 1, ordered);
  EXPECT_THAT(TakeReads(&files), ElementsAre(6, 7, 8, 9, 10, 11))
      << "runs that lie before it are read when they are wanted";
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(1, 3));
  EXPECT_TRUE(cache.Use(3));
  Load(&cache, 0, ordered);
  EXPECT_THAT(TakeReads(&files), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(0, 1, 2, 3));
}

TEST(RunCache, RunsThatAreLoadedTogetherDoNotMakeRoomForEachOther) {
  BlockFiles files{.n_rows = std::vector<int64_t>(6, 4)};
  RunCache cache = MakeCache(&files, 10);
  cache.SetRuns({RunOf(files, 0, 2, 2), RunOf(files, 1, 2, 2), RunOf(files, 4, 1, 2)});
  Load(&cache, 2);
  Load(&cache, 0, {0, 1});
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(0, 1));
}

TEST(RunCache, ACancelledLoadIsContinuedByTheNext) {
  BlockFiles files{.n_rows = {4, 4, 4, 4}};
  RunCache cache = MakeCache(&files, 12);
  cache.SetRuns({RunOf(files, 0, 1, 3), RunOf(files, 3, 1, 1)});
  EXPECT_FALSE(cache.Load(0, {}, {}, [&] { return files.reads.size() == 2; }));
  EXPECT_THAT(TakeReads(&files), ElementsAre(0, 1));
  EXPECT_FALSE(cache.Use(0));
  EXPECT_THAT(cache.KeptRuns(), IsEmpty());
  EXPECT_TRUE(Load(&cache, 0));
  EXPECT_THAT(TakeReads(&files), ElementsAre(2));
  EXPECT_TRUE(cache.Use(0));
}

TEST(RunCache, WhatACancelledLoadHasReadMakesRoomForOthers) {
  BlockFiles files{.n_rows = {4, 4, 4, 4}};
  RunCache cache = MakeCache(&files, 8);
  cache.SetRuns({RunOf(files, 0, 1, 3), RunOf(files, 3, 1, 1)});
  EXPECT_FALSE(cache.Load(0, {}, {}, [&] { return files.reads.size() == 2; }));
  Load(&cache, 1);
  TakeReads(&files);
  EXPECT_TRUE(Load(&cache, 0));
  EXPECT_THAT(files.reads, ElementsAre(0, 1, 2));
}

TEST(RunCache, NoticesThatTheDataHasChanged) {
  for (const int64_t n_rows_later : {3, 5}) {
    BlockFiles files{.n_rows = {4, 4}};
    RunCache cache = MakeCache(&files, kNoLimit);
    cache.SetRuns({RunOf(files, 0, 1, 2)});
    files.n_rows[1] = n_rows_later;
    EXPECT_THAT([&] { Load(&cache, 0); },
                ThrowsMessage<Error>("training data: " + std::to_string(4 + n_rows_later) +
                                     " examples in lines 0 to 511, expected 8 as in the first "
                                     "pass: files that stay as they are"));
    EXPECT_FALSE(cache.Use(0));
    EXPECT_THAT(cache.KeptRuns(), IsEmpty());
  }
}

TEST(RunCache, PassesOnTheErrorOfItsSource) {
  BlockFiles files{.n_rows = {4, 4}};
  RunCache cache = MakeCache(&files, kNoLimit);
  cache.SetRuns({RunOf(files, 0, 1, 2)});
  files.broken = 1;
  EXPECT_THAT([&] { Load(&cache, 0); }, ThrowsMessage<Error>("block 1: broken"));
  EXPECT_FALSE(cache.Use(0));
  files.broken.reset();
  EXPECT_TRUE(Load(&cache, 0));
  EXPECT_THAT(files.reads, ElementsAre(0, 1));
}

TEST(RunCache, ARunWithoutExamplesIsInMemoryOnceItWasRead) {
  BlockFiles files{.n_rows = {0, 4}, .n_bad = {{0, 3}}};
  RunCache cache = MakeCache(&files, kNoLimit);
  cache.SetRuns(RunsOfOneBlock(files));
  EXPECT_FALSE(cache.Use(0));
  EXPECT_TRUE(Load(&cache, 0));
  EXPECT_TRUE(cache.Use(0));
  EXPECT_THAT(cache.KeptRuns(), ElementsAre(0));
  const Examples none = PieceOf(&cache, 0, {.run = 0, .begin = 0, .n = 0});
  EXPECT_EQ(none.n, 0);
  EXPECT_EQ(none.n_fields, 1) << "the shape is that of the data";
}

}  // namespace
}  // namespace zhiyin::worker::data
