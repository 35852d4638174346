#include "worker/data/record_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/random.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string BytesOf(const RecordRuns& runs) {
  ByteWriter out;
  runs.Write(&out);
  return out.Take();
}

RecordRuns ReadRuns(const std::string& bytes) {
  ByteReader in(bytes, "records");
  const RecordRuns runs = RecordRuns::Read(&in);
  if (!in.AtEnd()) in.Refuse("not the last");
  return runs;
}

/// Records most of which have one example.
std::vector<int32_t> SomeRecords(size_t n) {
  Random random(5);
  std::vector<int32_t> examples;
  for (size_t i = 0; i < n; ++i) {
    const bool is_odd = random.Below(20) == 0;
    examples.push_back(is_odd ? static_cast<int32_t>(random.Below(102)) : 1);
  }
  return examples;
}

TEST(RecordRuns, AreOneWhereEveryRecordIsAnExample) {
  RecordRuns runs;
  for (int i = 0; i < 1000; ++i) runs.Append(256, 1);
  EXPECT_THAT(runs.runs(), ElementsAre(RecordRuns::Run{256'000, 1}));
  EXPECT_LE(BytesOf(runs).size(), 5u);
}

TEST(RecordRuns, JoinToThoseOfAllForAnyPartition) {
  const std::vector<int32_t> examples = SomeRecords(2000);
  RecordRuns expected;
  for (const int32_t n : examples) expected.Append(1, n);
  for (const size_t n_parts : {1, 3, 8}) {
    std::vector<RecordRuns> parts(n_parts);
    for (size_t i = 0; i < examples.size(); ++i) {
      RecordRuns& part = parts[i / 50 % n_parts];
      part.SkipTo(static_cast<int64_t>(i));
      part.Append(1, examples[i]);
    }
    for (RecordRuns& part : parts) part = ReadRuns(BytesOf(part));
    std::reverse(parts.begin(), parts.end());
    const RecordRuns joined = RecordRuns::Join(parts, "data.train");
    EXPECT_EQ(joined.runs(), expected.runs());
    EXPECT_EQ(joined.n_examples(), expected.n_examples());
    EXPECT_EQ(joined.n_read(), 2000);
  }
}

TEST(RecordRuns, AreReadOnce) {
  RecordRuns first;
  first.Append(10, 1);
  RecordRuns late;
  late.SkipTo(11);
  late.Append(5, 1);
  EXPECT_THAT(
      [&] {
        RecordRuns::Join(std::vector{first, late}, "data.test");
      },
      ThrowsMessage<Error>("data.test: one worker found no lines from line 10 of the split "
                           "on, another found line 11: expected files that stay as they "
                           "are"));
  RecordRuns twice;
  twice.SkipTo(9);
  twice.Append(5, 1);
  EXPECT_THAT(
      [&] {
        RecordRuns::Join(std::vector{first, twice}, "data.test");
      },
      ThrowsMessage<Error>(HasSubstr("two workers have read line 9")));
}

TEST(RecordRuns, OfDamagedBytesAreRefusedOrPossible) {
  RecordRuns runs;
  for (const int32_t n : SomeRecords(100)) runs.Append(1, n);
  const std::string bytes = BytesOf(runs);
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_THROW(ReadRuns(bytes.substr(0, n)), Error) << n;
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    try {
      const RecordRuns read = ReadRuns(flipped);
      EXPECT_GE(read.n_examples(), 0);
      EXPECT_LE(read.n_records(), RecordRuns::kMostRecords);
    } catch (const Error&) {  // refused is as good
    }
  }
  ByteWriter huge;
  huge.PutVarint(uint64_t{2});
  for (int i = 0; i < 2; ++i) {
    huge.PutVarint(static_cast<uint64_t>(RecordRuns::kMostRecords));
    huge.PutVarint(uint64_t{2} + static_cast<uint64_t>(i));
  }
  EXPECT_THROW(ReadRuns(huge.Take()), Error);
}

TEST(RecordCounts, AreThoseOfACountOneByOne) {
  for (const size_t n_records : {0, 1, 256, 2000}) {
    const std::vector<int32_t> examples = SomeRecords(n_records);
    RecordRuns runs;
    for (const int32_t n : examples) runs.Append(1, n);
    const RecordCounts counts(runs);
    std::vector<int64_t> of_blocks((n_records + kBlockRecords - 1) / kBlockRecords);
    int64_t before = 0;
    for (size_t i = 0; i < n_records; ++i) {
      EXPECT_EQ(counts.ExamplesBefore(static_cast<int64_t>(i)), before);
      before += examples[i];
      of_blocks[i / kBlockRecords] += examples[i];
    }
    EXPECT_EQ(counts.ExamplesBefore(static_cast<int64_t>(n_records)), before);
    EXPECT_EQ(counts.n_examples(), before);
    ASSERT_EQ(counts.n_blocks(), static_cast<int64_t>(of_blocks.size()));
    for (size_t b = 0; b < of_blocks.size(); ++b)
      EXPECT_EQ(counts.ExamplesOf(static_cast<int64_t>(b)), of_blocks[b]);
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
