#include "worker/data/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "common/error.h"
#include "tests/support/data_jobs.h"

namespace zhiyin::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

/// What a NumberSource does, for all its copies.
struct NumberSourceOptions {
  int64_t n_rows = 0;
  /// Every so many rows is malformed; 0: none is.
  int64_t bad_every = 0;
  /// Scans after the first one give this many rows.
  std::optional<int64_t> n_rows_later = std::nullopt;
  /// Throws an Error before this row in scans after the first one.
  std::optional<int64_t> fails_at = std::nullopt;
  /// Takes this long for a block in scans after the first one.
  std::chrono::milliseconds block_time{0};
};

/// Row i has the number i and, in its only field, i % 3 keys i.
class NumberSource : public Source {
 public:
  explicit NumberSource(const NumberSourceOptions& options, std::atomic<int>* n_scans)
      : options_(options), n_scans_(n_scans) {}

  int64_t Scan(const Wanted& wanted, const Sink& sink) override {
    const bool first = (*n_scans_)++ == 0;
    const int64_t n_rows = first ? options_.n_rows : options_.n_rows_later.value_or(options_.n_rows);
    for (int64_t begin = 0; begin < n_rows; begin += kBlockRows) {
      if (!first && options_.fails_at.has_value() && begin + kBlockRows > *options_.fails_at)
        Fail("numbers: broken");
      if (!wanted(begin / kBlockRows)) continue;
      if (!first) std::this_thread::sleep_for(options_.block_time);
      Rows rows(1, 1, 1);
      std::vector<BadLine> bad;
      const int64_t end = std::min(begin + kBlockRows, n_rows);
      for (int64_t i = begin; i < end; ++i) {
        if (options_.bad_every > 0 && i % options_.bad_every == 0) {
          bad.push_back({i, "numbers:" + std::to_string(i) + ": bad"});
          continue;
        }
        rows.keys.insert(rows.keys.end(), static_cast<size_t>(i % 3), static_cast<Key>(i));
        rows.key_begin.push_back(static_cast<uint32_t>(rows.keys.size()));
        rows.numerics.push_back(static_cast<float>(i));
        rows.labels.push_back(static_cast<float>(-i));
        ++rows.n;
      }
      if (!sink(begin / kBlockRows, rows, bad)) return end;
    }
    return n_rows;
  }

 private:
  NumberSourceOptions options_;
  std::atomic<int>* n_scans_;
};

const Normalizer kAsItIs = {{0}, {1}};

/// All workers of a job, one after the other.
struct Readers {
  NumberSourceOptions source;
  StreamPlan plan;
  int64_t shuffle_rows = 1'000'000;
  uint64_t seed = 1;
  bool first_pass = true;
  int64_t n_epochs = 2;

  BlockSummaries summaries;
  std::vector<std::string> bad;
  /// Rows of [epoch][step][stream].
  std::map<std::array<int64_t, 3>, Rows> slices;
  std::atomic<int> n_scans = 0;

  void Run() {
    std::vector<std::unique_ptr<SliceReader>> readers;
    for (int w = 0; w < plan.n_workers; ++w) {
      n_scans = 0;
      readers.push_back(std::make_unique<SliceReader>(std::make_unique<NumberSource>(source, &n_scans), w,
                                                      plan, shuffle_rows, seed));
      BlockSummaries own =
          readers.back()->FirstPass([&](const BadLine& line) { bad.push_back(line.what); }, [] {});
      summaries.merge(own);
      EXPECT_TRUE(own.empty()) << "a block was read by two workers";
      if (first_pass) continue;
      readers.back() = std::make_unique<SliceReader>(std::make_unique<NumberSource>(source, &n_scans), w,
                                                     plan, shuffle_rows, seed);
    }
    plan.SetRows(summaries);
    n_scans = 1;  // from here on, scans are later ones
    for (int w = 0; w < plan.n_workers; ++w) {
      SliceReader& reader = *readers[static_cast<size_t>(w)];
      reader.Start(plan, kAsItIs, 0, n_epochs);
      for (int64_t epoch = 0; epoch < n_epochs; ++epoch) {
        for (int64_t step = 0; step < plan.StepsPerEpoch(); ++step) {
          for (const int stream : plan.StreamsOfWorker(w)) slices[{epoch, step, stream}] = reader.Next();
        }
      }
    }
    --n_scans;
  }

  /// Of all good rows of an epoch, sorted.
  std::vector<float> NumbersOf(int64_t epoch) const {
    std::vector<float> numbers;
    for (const auto& [at, rows] : slices) {
      if (at[0] == epoch) numbers.insert(numbers.end(), rows.numerics.begin(), rows.numerics.end());
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }
};

std::vector<float> GoodNumbers(const NumberSourceOptions& source) {
  std::vector<float> numbers;
  for (int64_t i = 0; i < source.n_rows; ++i) {
    if (source.bad_every == 0 || i % source.bad_every != 0) numbers.push_back(static_cast<float>(i));
  }
  return numbers;
}

void ExpectSameSlices(const Readers& a, const Readers& b) {
  ASSERT_EQ(a.slices.size(), b.slices.size());
  for (const auto& [at, rows] : a.slices) zhiyin::testing::ExpectSameRows(rows, b.slices.at(at));
}

TEST(StreamPlan, DealsStreamsToWorkersAndRowsToSteps) {
  StreamPlan plan = {5, 2, 10, {}};
  EXPECT_THAT(plan.StreamsOfWorker(0), ElementsAre(0, 2, 4));
  EXPECT_THAT(plan.StreamsOfWorker(1), ElementsAre(1, 3));
  EXPECT_EQ(plan.StreamOfBlock(7), 2);
  EXPECT_EQ(plan.StepsPerEpoch(), 0);
  BlockSummaries blocks;
  const std::vector<int64_t> rows = {20, 5, 0, 10, 11, 5, 6};
  for (size_t b = 0; b < rows.size(); ++b) blocks[static_cast<int64_t>(b)].n_rows = rows[b];
  plan.SetRows(blocks);
  EXPECT_THAT(plan.stream_rows, ElementsAre(25, 11, 0, 10, 11));
  EXPECT_EQ(plan.StepsPerEpoch(), 3);
  EXPECT_EQ(plan.SliceRows(0, 2), 5);
  EXPECT_EQ(plan.SliceRows(1, 1), 1);
  EXPECT_EQ(plan.SliceRows(1, 2), 0);
  EXPECT_EQ(plan.StepRows(0), 40);
  EXPECT_EQ(plan.StepRows(1), 12);
  EXPECT_EQ(plan.StepRows(2), 5);
}

TEST(StreamPlan, AWorkerMayHaveNoStream) {
  EXPECT_THAT((StreamPlan{1, 2, 1, {}}.StreamsOfWorker(1)), IsEmpty());
}

TEST(SliceReader, GivesEachGoodRowOnceAnEpoch) {
  for (const int n_workers : {1, 2, 3}) {
    for (const int n_streams : {3, 4, 12}) {
      for (const int64_t shuffle_rows : {1'000'000, 300}) {
        for (const int64_t n_rows : {256 * 9, 2000, 257, 1}) {
          Readers readers;
          readers.source = {.n_rows = n_rows, .bad_every = 37};
          readers.plan = {n_streams, n_workers, 64, {}};
          readers.shuffle_rows = shuffle_rows;
          readers.Run();
          const std::vector<float> good = GoodNumbers(readers.source);
          EXPECT_EQ(readers.NumbersOf(0), good);
          EXPECT_EQ(readers.NumbersOf(1), good);
          EXPECT_EQ(readers.bad.size(), static_cast<size_t>(n_rows) - good.size());
          EXPECT_EQ(SplitSummary::Of(readers.summaries).n_bad, static_cast<int64_t>(readers.bad.size()));
          EXPECT_EQ(SplitSummary::Of(readers.summaries).first_bad, "numbers:0: bad");
        }
      }
    }
  }
}

TEST(SliceReader, SlicesAreAsLargeAsPlannedAndRowsAreWhole) {
  Readers readers;
  readers.source.n_rows = 1500;
  readers.plan = {4, 1, 100, {}};
  readers.Run();
  for (const auto& [at, rows] : readers.slices) {
    EXPECT_EQ(rows.n, readers.plan.SliceRows(static_cast<int>(at[2]), at[1]));
    for (int64_t i = 0; i < rows.n; ++i) {
      const float number = rows.numerics[static_cast<size_t>(i)];
      const Key id = static_cast<Key>(number);
      EXPECT_EQ(rows.labels[static_cast<size_t>(i)], -number);
      EXPECT_EQ(rows.KeysOf(i, 0).size(), id % 3);
      for (const Key key : rows.KeysOf(i, 0)) EXPECT_EQ(key, id);
      EXPECT_EQ(readers.plan.StreamOfBlock(static_cast<int64_t>(id) / kBlockRows), at[2]);
    }
  }
}

TEST(SliceReader, TheSameRowsInTheSameOrderForAnyNumberOfWorkers) {
  for (const int64_t shuffle_rows : {1'000'000, 600}) {
    Readers expected;
    expected.source = {.n_rows = 5000, .bad_every = 41};
    expected.plan = {6, 1, 50, {}};
    expected.shuffle_rows = shuffle_rows;
    expected.Run();
    for (const int n_workers : {2, 3, 6}) {
      Readers readers;
      readers.source = expected.source;
      readers.plan = {6, n_workers, 50, {}};
      readers.shuffle_rows = shuffle_rows;
      readers.Run();
      ExpectSameSlices(expected, readers);
    }
  }
}

TEST(SliceReader, KeptAndStreamedRowsAreTheSame) {
  Readers kept;
  kept.source = {.n_rows = 3000, .bad_every = 10};
  kept.plan = {2, 1, 100, {}};
  kept.shuffle_rows = 1500;
  kept.Run();
  EXPECT_EQ(kept.n_scans, 0) << "what is kept is not read again";
  Readers streamed;
  streamed.source = kept.source;
  streamed.plan = {2, 1, 100, {}};
  streamed.shuffle_rows = kept.shuffle_rows;
  streamed.first_pass = false;
  streamed.Run();
  EXPECT_EQ(streamed.n_scans, 2) << "one scan an epoch feeds all streams";
  ExpectSameSlices(kept, streamed);
}

TEST(SliceReader, AJobMayHaveKeptAndStreamedStreams) {
  Readers readers;
  readers.source.n_rows = 256 * 5;  // stream 0 has three blocks, stream 1 has two
  readers.plan = {2, 1, 100, {}};
  readers.shuffle_rows = 600;
  readers.Run();
  EXPECT_EQ(readers.n_scans, 2);
  EXPECT_EQ(readers.NumbersOf(1), GoodNumbers(readers.source));
}

TEST(SliceReader, ShufflesEveryEpochAnewAndBySeed) {
  Readers readers;
  readers.source.n_rows = 256;
  readers.plan = {1, 1, 256, {}};
  readers.Run();
  const std::vector<float> first = readers.slices.at({0, 0, 0}).numerics;
  const std::vector<float> second = readers.slices.at({1, 0, 0}).numerics;
  EXPECT_FALSE(std::is_sorted(first.begin(), first.end()));
  EXPECT_NE(first, second);
  Readers again;
  again.source = readers.source;
  again.plan = {1, 1, 256, {}};
  again.Run();
  EXPECT_EQ(again.slices.at({1, 0, 0}).numerics, second);
  again.seed = 2;
  again.plan = {1, 1, 256, {}};
  again.summaries.clear();
  again.Run();
  EXPECT_NE(again.slices.at({0, 0, 0}).numerics, first);
}

TEST(SliceReader, AWindowOfAStreamIsShuffledForItself) {
  Readers readers;
  readers.source.n_rows = 256 * 6;
  readers.plan = {1, 1, 512, {}};
  readers.shuffle_rows = 600;  // two blocks
  readers.Run();
  for (int64_t step = 0; step < 3; ++step) {
    std::vector<float> numbers = readers.slices.at({0, step, 0}).numerics;
    EXPECT_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
    std::sort(numbers.begin(), numbers.end());
    EXPECT_EQ(numbers.front(), static_cast<float>(512 * step));
    EXPECT_EQ(numbers.back(), static_cast<float>(512 * step + 511));
  }
}

/// One worker that has made its first pass.
class OneReader {
 public:
  OneReader(const NumberSourceOptions& options, int64_t shuffle_rows, int64_t rows_per_slice)
      : plan_{2, 1, rows_per_slice, {}},
        reader_(std::make_unique<SliceReader>(std::make_unique<NumberSource>(options, &n_scans_), 0, plan_,
                                              shuffle_rows, 1)) {
    plan_.SetRows(reader_->FirstPass([](const BadLine&) {}, [] {}));
  }
  void Start(const Normalizer& normalizer = kAsItIs, int64_t first_epoch = 0, int64_t n_epochs = 100) {
    reader_->Start(plan_, normalizer, first_epoch, n_epochs);
  }
  SliceReader& operator*() { return *reader_; }
  const StreamPlan& plan() const { return plan_; }
  void Destroy() { reader_.reset(); }

 private:
  std::atomic<int> n_scans_ = 0;
  StreamPlan plan_;
  std::unique_ptr<SliceReader> reader_;
};

TEST(SliceReader, NormalizesWhatItGives) {
  OneReader reader({.n_rows = 10}, 1000, 10);
  reader.Start({{4.5f}, {2}});
  std::vector<float> numbers = (*reader).Next().numerics;
  std::sort(numbers.begin(), numbers.end());
  EXPECT_THAT(numbers, ElementsAre(-9, -7, -5, -3, -1, 1, 3, 5, 7, 9));
  EXPECT_EQ((*reader).Next().n, 0) << "stream 1 has no rows";
}

TEST(SliceReader, MayStartAtALaterEpoch) {
  const NumberSourceOptions options = {.n_rows = 256};
  OneReader from_start(options, 1000, 256);
  from_start.Start();
  for (int i = 0; i < 6; ++i) (*from_start).Next();
  OneReader later(options, 1000, 256);
  later.Start(kAsItIs, 3, 1);
  EXPECT_EQ((*later).Next().numerics, (*from_start).Next().numerics);
}

TEST(SliceReader, UsesTheSameMemoryAgainAndAgain) {
  OneReader reader({.n_rows = 4096}, 1'000'000, 64);
  reader.Start();
  const int64_t n_slices = 2 * reader.plan().StepsPerEpoch();
  for (int64_t i = 0; i < 3 * n_slices; ++i) (*reader).Next();
  std::set<const float*> memory;
  for (int64_t i = 0; i < 5 * n_slices; ++i) memory.insert((*reader).Next().numerics.data());
  EXPECT_LE(memory.size(), static_cast<size_t>(SliceReader::kSlicesAhead + 1));
}

TEST(SliceReader, AnErrorInTheThreadComesOutOfNext) {
  OneReader reader({.n_rows = 256 * 40, .fails_at = 256 * 30}, 500, 100);
  reader.Start();
  int n_slices = 0;
  EXPECT_THAT(
      [&] {
        while (true) n_slices += (*reader).Next().n > 0;
      },
      ThrowsMessage<Error>("numbers: broken"));
  EXPECT_GT(n_slices, 50) << "what was ready before comes first";
  EXPECT_THROW((*reader).Next(), Error) << "and it stays broken";
}

TEST(SliceReader, TicksWhileItWaits) {
  OneReader reader({.n_rows = 512, .block_time = std::chrono::milliseconds(1300)}, 100, 100);
  reader.Start();
  int n_ticks = 0;
  EXPECT_GT((*reader).Next([&] { ++n_ticks; }).n, 0);
  EXPECT_GE(n_ticks, 3) << "once at the call, and for each half second of the wait";
}

TEST(SliceReader, NoticesRowsThatVanishOrAppear) {
  for (const auto& [n_rows_later, sentence] :
       {std::pair<int64_t, const char*>{4000, "fewer good rows than"}, {6000, "more good rows than"}}) {
    OneReader reader({.n_rows = 5000, .n_rows_later = n_rows_later}, 500, 100);
    reader.Start();
    EXPECT_THAT(
        [&] {
          for (int i = 0; i < 1000; ++i) (*reader).Next();
        },
        ThrowsMessage<Error>(HasSubstr(sentence)));
  }
}

TEST(SliceReader, MayBeDestroyedAtAnyTime) {
  for (const int64_t shuffle_rows : {1'000'000, 300}) {
    for (const int n_taken : {-1, 0, 1, 7}) {
      OneReader reader({.n_rows = 20'000}, shuffle_rows, 16);
      if (n_taken >= 0) reader.Start();
      for (int i = 0; i < n_taken; ++i) (*reader).Next();
      if (n_taken == 7)
        std::this_thread::sleep_for(
            std::chrono::milliseconds(20));  // the thread has filled the queue and waits
      reader.Destroy();
    }
  }
}

TEST(SliceReader, DoesNotFinishALongScanBeforeItIsDestroyed) {
  // Two windows of a thousand blocks each: no slice for the first 5 seconds, 10 seconds for the scan.
  OneReader reader({.n_rows = 256 * 2000, .block_time = std::chrono::milliseconds(5)}, 255'999, 64);
  reader.Start();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto begin = std::chrono::steady_clock::now();
  reader.Destroy();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace zhiyin::worker
