#include "worker/data/unit_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/data/source.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Lines of a file with a header; line i has the number i, and every 100th is malformed.
std::string UnitLines(int64_t n) {
  std::string text = "x,y\n";
  for (int64_t i = 0; i < n; ++i)
    text +=
        i % 100 == 99 ? "bad,bad,bad\n" : std::to_string(i) + "," + std::to_string(i % 2) + "\n";
  return text;
}

class UnitReaderTest : public ::testing::Test {
 protected:
  UnitReaderTest() : UnitReaderTest(20'000) {}
  explicit UnitReaderTest(int64_t n_lines) {
    job_ = testing::TextJob({folder_.Write("a.csv", UnitLines(n_lines)),
                             folder_.WriteGzip("b.csv.gz", UnitLines(500))});
    job_.mutable_data()->mutable_text()->set_header(true);
    job_.mutable_data()->set_max_bad_share(1);
    testing::AddNumeric(&job_, "x", "x");
    testing::AddTask(&job_, "y", "y");
  }
  std::unique_ptr<Source> Open() const {
    return MakeSource(job_, SplitKind::kTrain, model::LabelDomainsOf(job_));
  }
  /// A range of each unit.
  std::vector<UnitRange> Ranges() const {
    const std::vector<Unit> units = Open()->shared_files()->Units();
    std::vector<UnitRange> ranges;
    for (size_t u = 0; u < units.size(); ++u) {
      const FileCut end = u + 1 < units.size() ? units[u + 1].begin : FileCut{2, 0};
      ranges.push_back({units[u].begin, end, units[u].is_plain});
    }
    return ranges;
  }
  std::unique_ptr<UnitReader> Make(const UnitReader::Settings& settings) const {
    return std::make_unique<UnitReader>(Open(), Ranges(), settings, Augmenter(job_),
                                        Normalizer{{0}, {1}});
  }
  /// The numbers of the batches of a range, batch by batch.
  static std::vector<std::vector<double>> ReadRange(UnitReader* reader, int64_t range) {
    reader->Order(range);
    std::vector<std::vector<double>> batches;
    while (const Examples* const batch = reader->Peek([] {})) {
      EXPECT_EQ(reader->Peek([] {}), batch) << "it stays there until it is taken";
      batches.push_back(batch->numerics);
      EXPECT_EQ(&reader->NextSlice([] {}), batch);
    }
    return batches;
  }

  testing::TempFolder folder_;
  Job job_;
};

TEST_F(UnitReaderTest, GivesEachExampleOnceInShuffledBatches) {
  const std::vector<UnitRange> ranges = Ranges();
  ASSERT_GT(ranges.size(), 4u);
  const auto reader =
      Make({.seed = 3, .batch_examples = 50, .window_examples = 600, .allows_bad = true});
  std::map<double, int> seen;
  int64_t n_batches = 0;
  for (size_t r = 0; r < ranges.size(); ++r) {
    const auto batches = ReadRange(reader.get(), static_cast<int64_t>(r));
    ASSERT_FALSE(batches.empty());
    for (const std::vector<double>& batch : batches) {
      EXPECT_LE(batch.size(), 50u);
      EXPECT_FALSE(std::is_sorted(batch.begin(), batch.end()) && batch.size() > 5);
      for (const double x : batch) ++seen[x];
      ++n_batches;
    }
    // A batch is a sample of a window, which is not much longer than 600 examples.
    const auto [least, most] = std::minmax_element(batches[0].begin(), batches[0].end());
    EXPECT_LT(*most - *least, 1000);
    EXPECT_GT(*most - *least, 200);
  }
  EXPECT_EQ(seen.size(), 19'800u);
  for (const auto& [x, n] : seen) EXPECT_EQ(n, x < 500 ? 2 : 1) << x;
  const UnitFindings& found = reader->findings();
  EXPECT_EQ(found.summary.n_rows, 20'295);
  EXPECT_EQ(found.summary.n_bad, 205);
  EXPECT_EQ(found.n_batches, n_batches);
  EXPECT_EQ(found.summary.n_observed[0], 20'295);
  EXPECT_EQ(found.summary.first_bad.begin()->second.Text(),
            folder_.Path("a.csv") + ":101: 3 columns, expected 2");
  ASSERT_EQ(found.ranges.size(), ranges.size());
  for (size_t r = 1; r < ranges.size(); ++r) {
    EXPECT_EQ(found.ranges[r].range, static_cast<int64_t>(r));
    EXPECT_EQ(found.ranges[r - 1].ends.end, found.ranges[r].ends.begin);
  }
}

TEST_F(UnitReaderTest, BatchesDependOnTheRangeAlone) {
  const UnitReader::Settings settings = {
      .seed = 3, .batch_examples = 64, .window_examples = 500, .allows_bad = true};
  const auto in_order = Make(settings);
  const auto first = ReadRange(in_order.get(), 1);
  const auto second = ReadRange(in_order.get(), 2);
  EXPECT_NE(first, second);
  const auto back = Make(settings);
  EXPECT_EQ(ReadRange(back.get(), 2), second);
  EXPECT_EQ(ReadRange(back.get(), 1), first);
  UnitReader::Settings other = settings;
  other.seed = 4;
  EXPECT_NE(ReadRange(Make(other).get(), 1), first);
}

TEST_F(UnitReaderTest, ReadsWhatIsOrderedAhead) {
  const auto reader = Make({.seed = 1, .batch_examples = 5000, .window_examples = 5000});
  reader->Order(0);
  reader->Order(1);
  int n_ended = 0;
  for (int n_batches = 0; n_ended < 2;) {
    if (reader->Peek([] {}) == nullptr) {
      ++n_ended;
      EXPECT_GE(n_batches, n_ended);
    } else {
      reader->NextSlice([] {});
      ++n_batches;
    }
  }
  // One that is not read to its end is no trouble.
  reader->Order(2);
}

TEST_F(UnitReaderTest, AMalformedLineEndsItWhereNoneIsAllowed) {
  const auto reader =
      Make({.seed = 1, .batch_examples = 50, .window_examples = 600, .allows_bad = false});
  EXPECT_THAT([&] { ReadRange(reader.get(), 0); },
              ThrowsMessage<Error>(HasSubstr(
                  "a.csv:101: 3 columns, expected 2 (data.max_bad_share allows no malformed")));
  const auto later =
      Make({.seed = 1, .batch_examples = 50, .window_examples = 600, .allows_bad = false});
  EXPECT_THAT([&] { ReadRange(later.get(), 2); },
              ThrowsMessage<Error>(::testing::MatchesRegex(
                  ".*a.csv: behind byte [0-9]+, line [0-9]+: 3 columns, expected 2 .*")));
}

TEST_F(UnitReaderTest, FindingsAreReadAsTheyWereWritten) {
  const auto reader =
      Make({.seed = 3, .batch_examples = 50, .window_examples = 600, .allows_bad = true});
  for (const int64_t range : {0, 3, 1}) ReadRange(reader.get(), range);
  ByteWriter out;
  reader->findings().Write(&out);
  const std::string bytes = out.Take();
  ByteReader in(bytes, "findings");
  const UnitFindings read = UnitFindings::Parse(&in);
  EXPECT_TRUE(in.AtEnd());
  ByteWriter again;
  read.Write(&again);
  EXPECT_EQ(again.Take(), bytes);
  ASSERT_EQ(read.ranges.size(), 3u);
  EXPECT_EQ(read.ranges[1].range, 3);
  for (size_t n = 0; n < bytes.size(); n += 7) {
    ByteReader shorter(std::string_view(bytes).substr(0, n), "findings");
    EXPECT_THROW(UnitFindings::Parse(&shorter), Error) << n;
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
