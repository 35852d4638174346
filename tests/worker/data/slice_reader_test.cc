#include "worker/data/slice_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <thread>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/data_jobs.h"
#include "worker/data/split_summary.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// What a NumberSource does.
struct NumberSourceOptions {
  int64_t n_rows = 0;
  /// Every so many rows is malformed; 0: none is.
  int64_t bad_every = 0;
  /// Once the first pass is over, there are so many rows.
  std::optional<int64_t> n_rows_later = std::nullopt;
  /// Then, throws an Error at this block.
  std::optional<int64_t> fails_at = std::nullopt;
  /// Then, takes this long for a block.
  std::chrono::milliseconds block_time{0};
};

/// What a NumberSource tells and is told.
struct NumberSourceState {
  std::atomic<bool> is_later = false;
  std::atomic<int> n_reads_later = 0;
  std::atomic<int> n_steps_back_later = 0;
};

/// Row i has the number i and, in its only field, i % 3 keys i.
class NumberSource : public Source {
 public:
  NumberSource(const NumberSourceOptions& options, NumberSourceState* state)
      : options_(options), state_(state) {}

  std::string PlaceOf(int64_t example) const override {
    return "numbers:" + std::to_string(example);
  }
  int64_t Read(int64_t block, Examples* rows, std::vector<BadLine>* bad) override {
    const bool later = state_->is_later;
    const int64_t n_rows =
        later ? options_.n_rows_later.value_or(options_.n_rows) : options_.n_rows;
    if (later) {
      if (options_.fails_at == block) Fail("numbers: broken");
      std::this_thread::sleep_for(options_.block_time);
      ++state_->n_reads_later;
      state_->n_steps_back_later += block < last_block_;
    }
    last_block_ = block;
    *rows = Examples(1, 1, 1);
    bad->clear();
    const int64_t begin = block * kBlockRecords;
    const int64_t end = std::max(std::min(begin + kBlockRecords, n_rows), begin);
    for (int64_t i = begin; i < end; ++i) {
      if (options_.bad_every > 0 && i % options_.bad_every == 0) {
        bad->push_back({i, "numbers:", i, "bad", false});
        continue;
      }
      rows->keys.insert(rows->keys.end(), static_cast<size_t>(i % 3), static_cast<Key>(i));
      rows->key_begin.push_back(static_cast<uint32_t>(rows->keys.size()));
      rows->numerics.push_back(static_cast<float>(i));
      rows->labels.push_back(static_cast<float>(-i));
      ++rows->n;
    }
    return end - begin;
  }

 private:
  NumberSourceOptions options_;
  NumberSourceState* state_;
  int64_t last_block_ = 0;
};

const Normalizer kAsItIs = {{0}, {1}};

std::vector<double> GoodNumbers(const NumberSourceOptions& source) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < source.n_rows; ++i) {
    if (source.bad_every == 0 || i % source.bad_every != 0)
      numbers.push_back(static_cast<float>(i));
  }
  return numbers;
}

std::vector<double> Sorted(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

/// The readers of a job's workers after their first pass, and what it found.
class Readers {
 public:
  Readers(const NumberSourceOptions& options, const BlockDeal& deal, int64_t max_kept_rows,
          uint64_t seed = 1, bool first_pass = true) {
    std::vector<RecordRuns> records;
    for (int w = 0; w < deal.n_workers; ++w) {
      const auto make = [&] {
        return std::make_unique<SliceReader>(std::make_unique<NumberSource>(options, &state_), seed,
                                             max_kept_rows, Augmenter(Job()));
      };
      readers_.push_back(make());
      const SplitFindings own = FirstPass(deal, w, max_kept_rows, readers_.back().get());
      summary_.Merge(own.summary);
      records.push_back(own.records);
      if (!first_pass) readers_.back() = make();
    }
    state_.is_later = true;
    records_ = RecordCounts(RecordRuns::Join(records, "data.train"));
  }
  void Start(const std::vector<BlockRun>& runs, bool in_one_pass = true) {
    for (auto& reader : readers_) reader->Start(runs, kAsItIs, in_one_pass);
  }
  SliceReader& operator[](int worker) { return *readers_[static_cast<size_t>(worker)]; }
  const SplitSummary& summary() const { return summary_; }
  const RecordCounts& records() const { return records_; }
  const std::vector<std::string>& bad() const { return bad_; }
  NumberSourceState& state() { return state_; }

 private:
  /// Reads the blocks of a worker, and has its reader keep the first ones.
  SplitFindings FirstPass(const BlockDeal& deal, int worker, int64_t max_kept_rows,
                          SliceReader* reader) {
    SplitFindings findings;
    Examples rows;
    std::vector<BadLine> bad;
    if (worker >= deal.n_parts) return findings;
    for (int64_t block = 0;; ++block) {
      if (deal.WorkerOf(block) != worker) continue;
      const int64_t n = reader->source()->Read(block, &rows, &bad);
      if (n == 0) return findings;
      findings.Add(block, n, rows, bad, *reader->source());
      for (const BadLine& line : bad) bad_.push_back(line.Text());
      if (findings.summary.n_rows <= max_kept_rows) reader->Keep(block, rows);
    }
  }

  NumberSourceState state_;
  std::vector<std::unique_ptr<SliceReader>> readers_;
  SplitSummary summary_;
  RecordCounts records_;
  std::vector<std::string> bad_;
};

/// A job at staleness 0.
struct Streams {
  NumberSourceOptions source;
  int n_streams = 1;
  int n_workers = 1;
  int64_t examples_per_slice = 1;
  int64_t shuffle_rows = 1'000'000;
  uint64_t seed = 1;
  bool first_pass = true;
  /// Slices change hands at random, eight steps at a time.
  bool dealt_anew = false;

  StreamPlan plan = {};
  SplitSummary summary = {};
  std::vector<std::string> bad = {};
  int n_reads_later = 0;
  int n_steps_back_later = 0;
  /// Rows of [epoch][step][stream].
  std::map<std::array<int64_t, 3>, Examples> slices = {};

  void Run() {
    Readers readers(source, {n_streams, n_workers}, shuffle_rows * n_streams, seed, first_pass);
    summary = readers.summary();
    bad = readers.bad();
    plan = StreamPlan(readers.records(), n_streams, examples_per_slice, shuffle_rows);
    readers.Start(plan.runs());
    Random random(seed);
    std::map<std::array<int64_t, 3>, int> owners;
    std::vector<int> owner(static_cast<size_t>(n_streams));
    for (int s = 0; s < n_streams; ++s) owner[static_cast<size_t>(s)] = s % n_workers;
    for (int64_t epoch = 0; epoch < 2; ++epoch) {
      for (int64_t step = 0; step < plan.n_steps(); ++step) {
        for (int s = 0; s < n_streams; ++s) {
          int& w = owner[static_cast<size_t>(s)];
          if (dealt_anew && step % 8 == 7)
            w = static_cast<int>(random.Below(static_cast<uint64_t>(n_workers)));
          owners[{epoch, step, s}] = w;
          readers[w].Order(epoch, plan.Pieces(step, s));
        }
      }
    }
    for (const auto& [at, w] : owners) slices[at] = readers[w].Next();
    n_reads_later = readers.state().n_reads_later;
    n_steps_back_later = readers.state().n_steps_back_later;
  }

  /// Of all good rows of an epoch, sorted.
  std::vector<double> NumbersOf(int64_t epoch) const {
    std::vector<double> numbers;
    for (const auto& [at, rows] : slices) {
      if (at[0] == epoch) numbers.insert(numbers.end(), rows.numerics.begin(), rows.numerics.end());
    }
    return Sorted(std::move(numbers));
  }
};

void ExpectSameSlices(const Streams& a, const Streams& b) {
  ASSERT_EQ(a.slices.size(), b.slices.size());
  for (const auto& [at, rows] : a.slices) zhiyin::testing::ExpectSameRows(rows, b.slices.at(at));
}

TEST(SliceReader, GivesEachGoodRowOnceAnEpoch) {
  for (const int n_workers : {1, 2, 3}) {
    for (const int n_streams : {3, 4, 12}) {
      for (const int64_t shuffle_rows : {1'000'000, 300}) {
        for (const int64_t n_rows : {256 * 9, 2000, 257, 1}) {
          Streams job{{.n_rows = n_rows, .bad_every = 37}, n_streams, n_workers, 64, shuffle_rows};
          job.Run();
          const std::vector<double> good = GoodNumbers(job.source);
          EXPECT_EQ(job.NumbersOf(0), good);
          EXPECT_EQ(job.NumbersOf(1), good);
          EXPECT_EQ(job.bad.size(), static_cast<size_t>(n_rows) - good.size());
          EXPECT_EQ(job.summary.n_bad, static_cast<int64_t>(job.bad.size()));
          EXPECT_EQ(job.summary.first_bad.at(0).Text(), "numbers:0: bad");
        }
      }
    }
  }
}

TEST(SliceReader, SlicesAreAsLargeAsPlannedAndRowsAreWhole) {
  Streams job{{.n_rows = 1500}, 4, 1, 100};
  job.Run();
  for (const auto& [at, rows] : job.slices) {
    EXPECT_EQ(rows.n, job.plan.SliceExamples(at[1], static_cast<int>(at[2])));
    for (int64_t i = 0; i < rows.n; ++i) {
      const float number = rows.numerics[static_cast<size_t>(i)];
      const Key id = static_cast<Key>(number);
      EXPECT_EQ(rows.labels[static_cast<size_t>(i)], -number);
      EXPECT_EQ(rows.KeysOf(i, 0).size(), id % 3);
      for (const Key key : rows.KeysOf(i, 0)) EXPECT_EQ(key, id);
    }
  }
}

TEST(SliceReader, TheSameRowsInTheSameOrderForAnyNumberOfWorkersWhoeverTakesThem) {
  for (const int64_t shuffle_rows : {1'000'000, 600}) {
    Streams expected{{.n_rows = 5000, .bad_every = 41}, 6, 1, 50, shuffle_rows};
    expected.Run();
    for (const int n_workers : {2, 3, 6}) {
      for (const bool dealt_anew : {false, true}) {
        Streams job{expected.source, 6, n_workers, 50, shuffle_rows};
        job.dealt_anew = dealt_anew;
        job.Run();
        ExpectSameSlices(expected, job);
      }
    }
  }
}

TEST(SliceReader, KeptAndStreamedRowsAreTheSame) {
  Streams kept{{.n_rows = 3000, .bad_every = 10}, 2, 1, 100, 1500};
  kept.Run();
  EXPECT_EQ(kept.n_reads_later, 0) << "what is kept is not read again";
  Streams streamed{kept.source, 2, 1, 100, 1500};
  streamed.first_pass = false;
  streamed.Run();
  EXPECT_EQ(streamed.n_reads_later, 12);
  // A stream that is asked for while the thread is ahead in the other may cost one. Stream by
  // stream, there would be a step back for every window.
  EXPECT_LE(streamed.n_steps_back_later, 1) << "one pass feeds all streams";
  ExpectSameSlices(kept, streamed);
}

TEST(SliceReader, ShufflesEveryEpochAnewAndBySeed) {
  Streams job{{.n_rows = 256}, 1, 1, 256};
  job.Run();
  const std::vector<double> first = job.slices.at({0, 0, 0}).numerics;
  const std::vector<double> second = job.slices.at({1, 0, 0}).numerics;
  EXPECT_FALSE(std::is_sorted(first.begin(), first.end()));
  EXPECT_NE(first, second);
  Streams again{{.n_rows = 256}, 1, 1, 256};
  again.Run();
  EXPECT_EQ(again.slices.at({1, 0, 0}).numerics, second);
  Streams other{{.n_rows = 256}, 1, 1, 256};
  other.seed = 2;
  other.Run();
  EXPECT_NE(other.slices.at({0, 0, 0}).numerics, first);
}

TEST(SliceReader, AWindowOfAStreamIsShuffledForItself) {
  Streams job{{.n_rows = 256 * 6}, 1, 1, 512, 600};  // two blocks a window
  job.Run();
  for (int64_t step = 0; step < 3; ++step) {
    std::vector<double> numbers = job.slices.at({0, step, 0}).numerics;
    EXPECT_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
    numbers = Sorted(numbers);
    EXPECT_EQ(numbers.front(), static_cast<float>(512 * step));
    EXPECT_EQ(numbers.back(), static_cast<float>(512 * step + 511));
  }
}

TEST(SliceReader, KeepsTheRunsThatWereUsedLast) {
  Readers readers({.n_rows = 256 * 8}, {1, 1}, 1024);
  std::vector<BlockRun> runs;
  for (int64_t block = 0; block < 8; ++block)
    runs.push_back({.first = block, .n = 1, .n_rows = 256, .stream = static_cast<uint64_t>(block)});
  readers.Start(runs, false);
  EXPECT_THAT(readers[0].KeptRuns(), ElementsAre(0, 1, 2, 3)) << "of the first pass";
  const auto take = [&](int64_t run) {
    readers[0].Order(0, {Piece{run, 0, 256}});
    readers[0].Next();
  };
  for (const int64_t run : {0, 2, 6, 0}) take(run);
  EXPECT_EQ(readers.state().n_reads_later, 1);
  take(7);
  EXPECT_THAT(readers[0].KeptRuns(), ElementsAre(0, 2, 6, 7));
  take(5);
  EXPECT_THAT(readers[0].KeptRuns(), ElementsAre(0, 5, 6, 7));
  take(2);
  EXPECT_EQ(readers.state().n_reads_later, 4);
}

/// One worker of a stream that has made its first pass.
class OneReader {
 public:
  OneReader(const NumberSourceOptions& options, int64_t shuffle_rows, int64_t examples_per_slice)
      : readers_(std::make_unique<Readers>(options, BlockDeal{2, 1}, 2 * shuffle_rows)),
        plan_(readers_->records(), 2, examples_per_slice, shuffle_rows) {}
  void Start(const Normalizer& normalizer = kAsItIs) {
    (*readers_)[0].Start(plan_.runs(), normalizer, true);
  }
  /// So many slices from the first one of an epoch on.
  void Order(int64_t n, int64_t epoch = 0) {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t step = i / 2 % plan_.n_steps();
      (*readers_)[0].Order(epoch + i / 2 / plan_.n_steps(),
                           plan_.Pieces(step, static_cast<int>(i % 2)));
    }
  }
  const Examples& Next(const std::function<void()>& tick = [] {}) {
    return (*readers_)[0].Next(tick);
  }
  const StreamPlan& plan() const { return plan_; }
  void Destroy() { readers_.reset(); }

 private:
  std::unique_ptr<Readers> readers_;
  StreamPlan plan_;
};

TEST(SliceReader, NormalizesWhatItGives) {
  OneReader reader({.n_rows = 10}, 1000, 10);
  reader.Start({{4.5f}, {2}});
  reader.Order(2);
  std::vector<double> numbers = reader.Next().numerics;
  EXPECT_EQ(numbers.size(), 5u) << "streams share a small split";
  for (const float number : reader.Next().numerics) numbers.push_back(number);
  EXPECT_THAT(Sorted(numbers), ElementsAre(-9, -7, -5, -3, -1, 1, 3, 5, 7, 9));
}

TEST(SliceReader, AnEpochDoesNotDependOnThoseBefore) {
  OneReader from_start({.n_rows = 256}, 1000, 256);
  from_start.Start();
  from_start.Order(8);
  for (int i = 0; i < 6; ++i) from_start.Next();
  OneReader later({.n_rows = 256}, 1000, 256);
  later.Start();
  later.Order(1, 3);
  EXPECT_EQ(later.Next().numerics, from_start.Next().numerics);
}

TEST(SliceReader, UsesTheSameMemoryAgainAndAgain) {
  OneReader reader({.n_rows = 4096}, 1'000'000, 64);
  reader.Start();
  const int64_t n_slices = 2 * reader.plan().n_steps();
  reader.Order(8 * n_slices);
  for (int64_t i = 0; i < 3 * n_slices; ++i) reader.Next();
  std::set<const double*> memory;
  for (int64_t i = 0; i < 5 * n_slices; ++i) memory.insert(reader.Next().numerics.data());
  EXPECT_LE(memory.size(), static_cast<size_t>(SliceReader::kSlicesAhead + 1));
}

TEST(SliceReader, AnErrorInTheThreadComesOutOfNext) {
  OneReader reader({.n_rows = 256 * 40, .fails_at = 30}, 500, 100);
  reader.Start();
  reader.Order(200);
  int n_slices = 0;
  EXPECT_THAT(
      [&] {
        while (true) n_slices += reader.Next().n > 0;
      },
      ThrowsMessage<Error>("numbers: broken"));
  EXPECT_GT(n_slices, 50) << "what was ready before comes first";
  EXPECT_THROW(reader.Next(), Error) << "and it stays broken";
}

TEST(SliceReader, TicksWhileItWaits) {
  // Runs of four blocks, each longer than it takes to the next tick.
  OneReader reader({.n_rows = 256 * 12, .block_time = 2 * SliceQueue::kTickEvery}, 1024, 100);
  reader.Start();
  reader.Order(40);
  int n_ticks_max = 0;
  for (int i = 0; i < 26; ++i) {
    int n_ticks = 0;
    ASSERT_GT(reader.Next([&] { ++n_ticks; }).n, 0);
    n_ticks_max = std::max(n_ticks_max, n_ticks);
  }
  EXPECT_GE(n_ticks_max, 3) << "once at the call, and for each block of the wait";
}

TEST(SliceReader, NoticesRowsThatVanishOrAppear) {
  for (const int64_t n_rows_later : {4000, 5120}) {
    OneReader reader({.n_rows = 5000, .n_rows_later = n_rows_later}, 256, 100);
    reader.Start();
    reader.Order(100);
    EXPECT_THAT(
        [&] {
          for (int i = 0; i < 100; ++i) reader.Next();
        },
        ThrowsMessage<Error>(HasSubstr("as in the first pass: files that stay as they are")));
  }
}

TEST(SliceReader, MayBeDestroyedAtAnyTime) {
  for (const int64_t shuffle_rows : {1'000'000, 300}) {
    for (const int n_taken : {-1, 0, 1, 7}) {
      OneReader reader({.n_rows = 20'000}, shuffle_rows, 16);
      if (n_taken >= 0) reader.Start();
      reader.Order(100);
      for (int i = 0; i < n_taken; ++i) reader.Next();
      if (n_taken == 7)
        std::this_thread::sleep_for(
            std::chrono::milliseconds(20));  // the thread has filled the queue and waits
      reader.Destroy();
    }
  }
}

TEST(SliceReader, DoesNotFinishALongReadBeforeItIsDestroyed) {
  auto readers = std::make_unique<Readers>(
      NumberSourceOptions{.n_rows = 256 * 2000, .block_time = std::chrono::milliseconds(5)},
      BlockDeal{1, 1}, 256);
  const StreamPlan plan(readers->records(), 1, 64, 1'000'000);
  readers->Start(plan.runs());
  (*readers)[0].Order(0, plan.Pieces(0, 0));  // 10 seconds
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto begin = std::chrono::steady_clock::now();
  readers.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace zhiyin::worker::data
