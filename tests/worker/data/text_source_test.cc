#include "worker/data/text_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "common/error.h"
#include "common/hash.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using zhiyin::testing::AddField;
using zhiyin::testing::AddNumeric;
using zhiyin::testing::AddTask;
using zhiyin::testing::CensusJob;
using zhiyin::testing::Collect;
using zhiyin::testing::CollectBlocks;
using zhiyin::testing::Collected;
using zhiyin::testing::CollectTrain;
using zhiyin::testing::ExpectSameRows;
using zhiyin::testing::SourcePath;
using zhiyin::testing::TempFolder;
using zhiyin::testing::TextJob;

/// Lines "begin,", "begin + 1,", ...
std::string Numbered(int begin, int end) {
  std::string text;
  for (int i = begin; i < end; ++i) text += std::to_string(i) + "\n";
  return text;
}

class TextSourceTest : public ::testing::Test {
 protected:
  /// A job with the number in the first column of these files.
  static Job NumberJob(const std::vector<std::string>& files) {
    Job job = TextJob(files);
    AddNumeric(&job, "number", "#0");
    return job;
  }
  static void ExpectNumbers(const Collected& all, int begin, int end) {
    ASSERT_EQ(all.rows.n, end - begin);
    for (int i = begin; i < end; ++i)
      ASSERT_EQ(all.rows.numerics[static_cast<size_t>(i - begin)], static_cast<float>(i));
  }
  static void ExpectRefused(const Job& job, const std::string& sentence) {
    EXPECT_THAT([&] { MakeSource(job, SplitKind::kTrain); }, ThrowsMessage<Error>(HasSubstr(sentence)));
  }

  TempFolder folder_;
};

TEST_F(TextSourceTest, ReadsFieldsNumbersAndLabelsByName) {
  Job job = TextJob({folder_.Write("f", "age;city;score\n30; Oslo ;0.5\n;Rome;\n")});
  job.mutable_data()->mutable_text()->set_delimiter(";");
  job.mutable_data()->mutable_text()->set_header(true);
  AddField(&job, "city");
  AddNumeric(&job, "age");
  AddTask(&job, "score");
  const Collected all = CollectTrain(job);
  EXPECT_EQ(all.n_seen, 2);
  EXPECT_THAT(all.bad, IsEmpty());
  EXPECT_THAT(all.rows.keys, ElementsAre(CategoryHasher("city")("Oslo"), CategoryHasher("city")("Rome")));
  EXPECT_EQ(all.rows.numerics[0], 30);
  EXPECT_THAT(all.rows.numerics[1], ::testing::IsNan());
  EXPECT_EQ(all.rows.labels[0], 0.5f);
  EXPECT_THAT(all.rows.labels[1], ::testing::IsNan());
}

TEST_F(TextSourceTest, TheConfigMayNameTheColumns) {
  Job job = TextJob({folder_.Write("f", "1\t2\n3\t4\n")});
  job.mutable_data()->mutable_text()->set_delimiter("\\t");
  for (const char* name : {"a", "b"}) job.mutable_data()->mutable_text()->add_column_name(name);
  AddNumeric(&job, "b");
  EXPECT_THAT(CollectTrain(job).rows.numerics, ElementsAre(2, 4));
}

TEST_F(TextSourceTest, QuotesByteOrderMarkAndWindowsLineEnds) {
  Job job = TextJob({folder_.Write("f", "\xef\xbb\xbf\"city, land\",n\r\n\"Oslo, Norway\",1\r\n\r\nRome,2")});
  job.mutable_data()->mutable_text()->set_header(true);
  job.mutable_data()->mutable_text()->set_quote("\"");
  AddField(&job, "f", "city, land");
  AddNumeric(&job, "n");
  const Collected all = CollectTrain(job);
  EXPECT_THAT(all.bad, IsEmpty());
  EXPECT_THAT(all.rows.keys, ElementsAre(CategoryHasher("f")("Oslo, Norway"), CategoryHasher("f")("Rome")));
  EXPECT_THAT(all.rows.numerics, ElementsAre(1, 2));
}

TEST_F(TextSourceTest, EveryMalformedLineIsNamedAndTheOthersAreUsed) {
  const std::string path = folder_.Write("f", std::string("1,a\n2\n3,a,b\n4,\xff\n5,\0\nsix,a\n\n", 28) +
                                                  "7," + std::string(2'000'000, 'x') + "\n8,b\n");
  Job job = NumberJob({path});
  const Collected all = CollectTrain(job);
  EXPECT_THAT(all.rows.numerics, ElementsAre(1, 8));
  EXPECT_EQ(all.n_seen, 8);
  EXPECT_THAT(all.Complaints(),
              ElementsAre(path + ":2: 1 column, expected 2", path + ":3: 3 columns, expected 2",
                          path + ":4: byte 2 is not UTF-8, expected UTF-8 text",
                          path + ":5: a NUL at byte 2, expected text",
                          path + ":6: numeric \"number\" (column #0): \"six\", expected a finite number",
                          path + ":8: longer than 1048576 bytes, expected a shorter line"));
  EXPECT_EQ(all.bad[0].row, 1);
  EXPECT_EQ(all.bad[5].row, 6) << "the empty line is no row";
}

TEST_F(TextSourceTest, AnUnclosedQuoteIsAMalformedLine) {
  const std::string path = folder_.Write("f", "1,a\n2,\"b\n3,c\n");
  Job job = NumberJob({path});
  job.mutable_data()->mutable_text()->set_quote("\"");
  const Collected all = CollectTrain(job);
  EXPECT_THAT(all.rows.numerics, ElementsAre(1, 3));
  EXPECT_THAT(all.Complaints(),
              ElementsAre(path + ":2: a quote is never closed, expected it to end on its line"));
}

TEST_F(TextSourceTest, BlocksAndRangesSpanFiles) {
  // 1000 rows in files that end in the middle of blocks; one of them has none at all.
  const std::vector<std::string> files = {folder_.Write("a", Numbered(0, 300)),
                                          folder_.Write("b", Numbered(300, 301)), folder_.Write("c", ""),
                                          folder_.WriteGzip("d", Numbered(301, 1000))};
  struct Range {
    int64_t first_row, n_rows;
    int begin, end;
  };
  for (const Range& range : {Range{0, 0, 0, 1000},
                             {0, 1000, 0, 1000},
                             {0, 5000, 0, 1000},
                             {299, 3, 299, 302},
                             {1, 256, 1, 257},
                             {290, 600, 290, 890},
                             {999, 0, 999, 1000},
                             {1000, 0, 0, 0},
                             {5000, 7, 0, 0}}) {
    Job job = NumberJob(files);
    job.mutable_data()->mutable_train()->set_first_row(range.first_row);
    job.mutable_data()->mutable_train()->set_n_rows(range.n_rows);
    const Collected all = CollectTrain(job);
    ExpectNumbers(all, range.begin, range.end);
    EXPECT_EQ(all.n_seen, range.end - range.begin);
    EXPECT_EQ(all.blocks.size(),
              static_cast<size_t>((range.end - range.begin + kBlockRows - 1) / kBlockRows));
  }
}

TEST_F(TextSourceTest, WantedBlocksAreThoseOfTheWholeScan) {
  std::string text = Numbered(0, 1500);
  text.replace(text.find("\n700\n"), 5, "\nbad\n");
  text.replace(text.find("\n800\n"), 5, "\nbad\n");
  Job job = NumberJob({folder_.Write("f", text)});
  job.mutable_data()->mutable_train()->set_first_row(100);
  const auto source = MakeSource(job, SplitKind::kTrain);
  const Collected all = Collect(source.get());
  EXPECT_EQ(all.n_seen, 1400);
  EXPECT_THAT(all.blocks, ElementsAre(0, 1, 2, 3, 4, 5));
  Collected parts;
  for (int64_t b = 0; b < 6; ++b) {
    const Collected part = CollectBlocks(source.get(), [b](int64_t block) { return block == b; });
    EXPECT_THAT(part.blocks, ElementsAre(b));
    EXPECT_EQ(part.n_seen, 1400) << "rows that are not wanted count too";
    if (b == 0) parts.rows = Rows(0, 1, 0);
    for (int64_t i = 0; i < part.rows.n; ++i) parts.rows.Append(part.rows, i);
    parts.bad.insert(parts.bad.end(), part.bad.begin(), part.bad.end());
  }
  ExpectSameRows(parts.rows, all.rows);
  EXPECT_EQ(parts.Complaints(), all.Complaints());
  EXPECT_EQ(all.bad[0].row, 600);
}

TEST_F(TextSourceTest, ASinkMayEndTheScanAndKeepTheRows) {
  const auto source = MakeSource(NumberJob({folder_.Write("f", Numbered(0, 2000))}), SplitKind::kTrain);
  std::vector<Rows> kept;
  const int64_t n_seen = source->Scan([](int64_t) { return true; },
                                      [&](int64_t block, Rows& rows, const std::vector<BadLine>&) {
                                        kept.push_back(std::move(rows));
                                        return block < 2;
                                      });
  EXPECT_EQ(n_seen, 3 * kBlockRows);
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[2].n, kBlockRows);
  EXPECT_EQ(kept[2].numerics[0], 512);
  EXPECT_EQ(kept[1].numerics[255], 511);
}

TEST_F(TextSourceTest, TrainAndTestAreSplitsOfTheirOwn) {
  Job job = NumberJob({folder_.Write("f", Numbered(0, 10))});
  job.mutable_data()->mutable_train()->set_n_rows(6);
  *job.mutable_data()->mutable_test() = job.data().train();
  job.mutable_data()->mutable_test()->set_first_row(6);
  job.mutable_data()->mutable_test()->set_n_rows(0);
  ExpectNumbers(CollectTrain(job), 0, 6);
  ExpectNumbers(Collect(MakeSource(job, SplitKind::kTest).get()), 6, 10);
}

TEST_F(TextSourceTest, HeadersOfAllFilesMustBeEqual) {
  Job job = NumberJob({folder_.Write("a", "x,y\n0,0\n1,0\n"), folder_.Write("b", "x,y\r\n2,0\r\n")});
  job.mutable_data()->mutable_text()->set_header(true);
  ExpectNumbers(CollectTrain(job), 0, 3);
  job.mutable_data()->mutable_train()->add_file(folder_.Write("c", "x,z\n"));
  ExpectRefused(
      job, folder_.Path("c") + ":1: column #1 is \"z\", expected \"y\" as in " + folder_.Path("a") + ":1");
  folder_.Write("c", "x\n");
  ExpectRefused(
      job, folder_.Path("c") + ":1: a header of 1 columns, expected 2 as in " + folder_.Path("a") + ":1");
  folder_.Write("c", "");
  ExpectRefused(job, folder_.Path("c") + ": is empty, expected a header");
}

TEST_F(TextSourceTest, AColumnThatDoesNotExistIsRefusedAtOnce) {
  Job job = TextJob({folder_.Write("f", "\nage,city\n1,2\n")});
  job.mutable_data()->mutable_text()->set_header(true);
  AddNumeric(&job, "height");
  ExpectRefused(job,
                folder_.Path("f") + ":2: no column \"height\" (numeric[0] \"height\"); known are age, city");
}

TEST_F(TextSourceTest, FilesThatCannotBeReadAreRefusedAtOnce) {
  const std::string good = folder_.Write("f", "1\n");
  ExpectRefused(NumberJob({good, folder_.Path("nowhere")}), folder_.Path("nowhere") + ": No such file");
  ExpectRefused(NumberJob({folder_.Path()}), "is a folder, expected a file");
  ExpectRefused(NumberJob({}), "no file in a split, expected at least one");
  ExpectRefused(NumberJob({folder_.Write("empty", "\n\n")}),
                folder_.Path("empty") + ": is empty, expected rows");
  ExpectRefused(Job(), "no source, expected text or generated_ratings");
}

TEST_F(TextSourceTest, ATruncatedGzipEndsTheScan) {
  const std::string gzip = zhiyin::testing::ReadFile(folder_.WriteGzip("whole", Numbered(0, 200'000)));
  const std::string path = folder_.Write("cut.gz", gzip.substr(0, gzip.size() - 100));
  const auto source = MakeSource(NumberJob({path}), SplitKind::kTrain);
  EXPECT_THAT([&] { Collect(source.get()); }, ThrowsMessage<Error>(HasSubstr(path + ": at byte ")));
}

TEST_F(TextSourceTest, AFileThatChangesBetweenScansEndsTheJob) {
  const std::string path = folder_.Write("f", Numbered(0, 10));
  const auto source = MakeSource(NumberJob({path}), SplitKind::kTrain);
  ExpectNumbers(Collect(source.get()), 0, 10);
  folder_.Write("f", Numbered(0, 11));
  EXPECT_THAT([&] { Collect(source.get()); },
              ThrowsMessage<Error>(HasSubstr(path + ": changed since the job began: 20 bytes then, 23 now")));
}

TEST_F(TextSourceTest, ReadsCensusIncome) {
  const Collected all = CollectTrain(CensusJob(SourcePath("tests/data/census-income.test.gz")));
  EXPECT_EQ(all.rows.n, 99'762);
  EXPECT_THAT(all.bad, IsEmpty());
  EXPECT_EQ(all.rows.n_fields, 32);
  EXPECT_EQ(all.rows.keys.size(), 99'762u * 32);
  double n_rich = 0;
  double n_never_married = 0;
  for (size_t i = 0; i < 99'762; ++i) {
    n_rich += all.rows.labels[2 * i];
    n_never_married += all.rows.labels[2 * i + 1];
  }
  EXPECT_NEAR(n_rich / 99'762, 0.062, 0.0005);
  EXPECT_NEAR(n_never_married / 99'762, 0.432, 0.0005);
}

}  // namespace
}  // namespace zhiyin::worker
