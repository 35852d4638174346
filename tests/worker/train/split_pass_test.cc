#include "worker/train/split_pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/cluster.h"
#include "tests/support/compress.h"
#include "tests/support/data_jobs.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "tests/support/split_passes.h"
#include "worker/data/writer/table_format.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::train {
namespace {

using testing::AllBlocks;
using testing::ExpectSameRows;
using ::testing::HasSubstr;
using testing::JobOfColumns;
using testing::kNoRecordLimit;
using testing::LinesOfColumns;
using testing::PassOver;
using testing::PassResult;
using ::testing::ThrowsMessage;

/// What is in the blocks of the training split, one after the other.
data::SplitFindings FindingsOfBlocks(const Job& job) {
  const auto source =
      data::MakeSource(job, data::SplitKind::kTrain, model::LabelDomainsOf(job), {}, [] {});
  data::SplitFindings findings;
  data::Examples rows;
  std::vector<data::BadLine> bad;
  for (int64_t block = 0;; ++block) {
    const int64_t n = source->Read(block, &rows, &bad);
    if (n == 0) return findings;
    findings.Add(block, n, rows, bad, *source);
  }
}

class SplitPassTest : public ::testing::Test {
 protected:
  static int64_t BytesOf(const std::vector<std::string>& files) {
    int64_t n = 0;
    for (const std::string& file : files)
      n += static_cast<int64_t>(std::filesystem::file_size(file));
    return n;
  }
  /// Expects that any number of workers finds and gets what one does, and reads each byte once.
  static void ExpectSameForAnyWorkers(const Job& job) {
    const PassResult alone = PassOver(job, 1);
    EXPECT_TRUE(alone.is_shared);
    EXPECT_GT(alone.summary.n_rows, 0);
    EXPECT_EQ(static_cast<int64_t>(alone.blocks[0].size()), alone.records.n_blocks());
    const data::SplitFindings in_blocks = FindingsOfBlocks(job);
    EXPECT_EQ(alone.records.n_records(), in_blocks.records.n_records());
    ByteWriter expected;
    in_blocks.summary.Write(&expected);
    const std::string expected_bytes = expected.Take();
    const std::vector<std::string> files(job.data().train().file().begin(),
                                         job.data().train().file().end());
    for (const int n_workers : {1, 2, 3, 5, 9}) {
      const PassResult found = PassOver(job, n_workers);
      ByteWriter bytes;
      found.summary.Write(&bytes);
      EXPECT_EQ(bytes.Take(), expected_bytes) << n_workers;
      EXPECT_EQ(found.records.n_records(), alone.records.n_records());
      for (const auto& blocks : found.blocks) {
        ASSERT_EQ(blocks.size(), alone.blocks[0].size()) << n_workers;
        for (const auto& [block, rows] : blocks) ExpectSameRows(rows, alone.blocks[0].at(block));
      }
      if (!job.data().text().quote().empty()) continue;  // a share may be read twice
      // Where the split is a part of the files, what is at its ends is read again.
      const bool is_part = job.data().train().first_row() + job.data().train().n_rows() > 0;
      const int64_t n_again = is_part ? BytesOf(files) / 10 : 0;
      EXPECT_LE(found.n_bytes, BytesOf(files) + n_again + (n_workers + 10) * 3000) << n_workers;
      EXPECT_LE(found.n_opened, static_cast<int64_t>(files.size()) + n_workers + (is_part ? 4 : 0));
    }
  }

  testing::TempFolder folder_;
};

TEST_F(SplitPassTest, AnyNumberOfWorkersFindsAndGetsWhatOneDoes) {
  Random random(1);
  Job job = JobOfColumns({folder_.Write("a.csv", LinesOfColumns(20'000, &random, false)),
                          folder_.Write("empty.csv", "a,b,y\n"),
                          folder_.WriteGzip("b.csv.gz", LinesOfColumns(3000, &random, false)),
                          folder_.Write("c.csv", LinesOfColumns(30'000, &random, false)),
                          folder_.Write("d.csv", LinesOfColumns(10, &random, false))});
  ExpectSameForAnyWorkers(job);
}

TEST_F(SplitPassTest, AShareThatBeginsInsideOfAQuotedValueIsReadAgain) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Random random(seed);
    Job job = JobOfColumns({folder_.Write("q.csv", LinesOfColumns(30'000, &random, true))});
    job.mutable_data()->mutable_text()->set_quote("\"");
    ExpectSameForAnyWorkers(job);
  }
}

TEST_F(SplitPassTest, AQuotedValueLongerThanAShareBelongsToTheFirst) {
  std::string text = "a,b,y\n";
  for (int i = 0; i < 20'000; ++i) text += "1,c,0\n";
  text += "2,\"";
  for (int i = 0; i < 100'000; ++i) text += "3,d,1\n";
  text += "\",1\n";
  for (int i = 0; i < 20'000; ++i) text += "4,e,1\n";
  Job job = JobOfColumns({folder_.Write("q.csv", text)});
  job.mutable_data()->mutable_text()->set_quote("\"");
  ExpectSameForAnyWorkers(job);
  EXPECT_EQ(PassOver(job, 9).summary.n_rows, 40'001);
}

TEST_F(SplitPassTest, RecordsOfOtherFormatsAreSharedByFiles) {
  std::vector<std::string> files;
  for (int f = 0; f < 5; ++f) {
    std::string text;
    for (int i = 0; i < 100 * f; ++i) {
      text += "{\"a\": " + std::to_string(i) +
              ", \"b\": \"x\", \"y\": " + (i % 7 == 0 ? "\"bad\"" : std::to_string(i % 2)) + "}\n";
    }
    files.push_back(folder_.Write("f" + std::to_string(f) + ".jsonl", text));
  }
  Job job = JobOfColumns(files);
  job.mutable_data()->mutable_text()->Clear();
  ExpectSameForAnyWorkers(job);
}

/// Writes a Parquet file of several row groups; returns its path, "" where there is no plugin.
std::string WriteGroups(const testing::TempFolder& folder, int64_t n_rows) {
  const std::vector<data::TableColumn> columns = {{"a", data::ColumnKind::kNumber},
                                                  {"b", data::ColumnKind::kCategory},
                                                  {"y", data::ColumnKind::kInteger, true}};
  if (!data::kParquetTable.refuses(columns).empty()) return "";
  std::ostringstream bytes;
  const auto write_rows = [n_rows](data::TableWriter* writer) {
    for (int64_t i = 0; i < n_rows; ++i) {
      const std::string number = std::to_string(i);
      const std::string category = "c" + std::to_string(i % 50);
      writer->Row({number, category, std::string_view(i % 3 == 0 ? "1" : "0")});
    }
  };
  data::WriteTable({columns, write_rows}, data::kParquetTable, &bytes);
  return folder.Write("groups" + std::to_string(n_rows) + ".parquet", bytes.str());
}

TEST_F(SplitPassTest, RowGroupsAreShared) {
  const std::string file = WriteGroups(folder_, 70'000);
  if (file.empty()) GTEST_SKIP() << "no plugin";
  Job job = JobOfColumns({file, WriteGroups(folder_, 100)});
  job.mutable_data()->mutable_text()->Clear();
  ExpectSameForAnyWorkers(job);
}

TEST_F(SplitPassTest, RowGroupsBeforeAndBehindTheSplitAreNotRead) {
  const std::string file = WriteGroups(folder_, 140'000);
  if (file.empty()) GTEST_SKIP() << "no plugin";
  Job job = JobOfColumns({file});
  job.mutable_data()->mutable_text()->Clear();
  for (const auto& [first_row, n_rows] : {std::pair(70'000, 50'000), {65'536, 65'536}}) {
    job.mutable_data()->mutable_train()->set_first_row(first_row);
    job.mutable_data()->mutable_train()->set_n_rows(n_rows);
    ExpectSameForAnyWorkers(job);
  }
}

TEST_F(SplitPassTest, DeliversTheFirstBlocksThatAWorkerMayKeep) {
  Random random(1);
  Job job = JobOfColumns({folder_.Write("a.csv", LinesOfColumns(20'000, &random, false))});
  const auto every_third = [](int worker, int64_t n_blocks) {
    std::vector<int64_t> blocks;
    for (int64_t b = worker; b < n_blocks; b += 3) blocks.push_back(b);
    return blocks;
  };
  const PassResult all = PassOver(job, 3, kNoRecordLimit, every_third);
  const int64_t share = all.summary.n_rows / 3;
  const PassResult some = PassOver(job, 3, share * 3 / 4, every_third);
  for (size_t w = 0; w < 3; ++w) {
    int64_t n = 0;
    for (const auto& [block, rows] : some.blocks[w]) {
      EXPECT_EQ(block % 3, static_cast<int64_t>(w));
      ExpectSameRows(rows, all.blocks[w].at(block));
      n += rows.n;
    }
    EXPECT_LE(n, share * 3 / 4);
    EXPECT_GT(n, share * 3 / 4 - data::kBlockRecords);
    EXPECT_EQ(some.blocks[w].begin()->first, static_cast<int64_t>(w)) << "the first ones";
  }
  // Where shares are twice as large as what may be kept, nothing is delivered, and all can be read.
  const PassResult none = PassOver(job, 3, share / 3, every_third);
  for (const auto& blocks : none.blocks) EXPECT_TRUE(blocks.empty());
}

TEST_F(SplitPassTest, APartOfTheFilesIsFoundWhereverItBegins) {
  Random random(1);
  Job job = JobOfColumns({folder_.Write("a.csv", LinesOfColumns(20'000, &random, false)),
                          folder_.WriteGzip("b.csv.gz", LinesOfColumns(9000, &random, false)),
                          folder_.Write("c.csv", LinesOfColumns(20'000, &random, false))});
  for (const auto& [first, n] :
       {std::pair{0, 1000}, std::pair{100, 5000}, std::pair{4096, 8192}, std::pair{15'001, 0},
        std::pair{17'000, 10'000}, std::pair{23'000, 1}, std::pair{30'000, 100'000}}) {
    job.mutable_data()->mutable_train()->set_first_row(first);
    job.mutable_data()->mutable_train()->set_n_rows(n);
    SCOPED_TRACE(job.data().train().ShortDebugString());
    ExpectSameForAnyWorkers(job);
  }
}

TEST_F(SplitPassTest, OfAPartAtTheBeginningLittleMoreIsRead) {
  Random random(1);
  const std::vector<std::string> files = {
      folder_.Write("a.csv", LinesOfColumns(100'000, &random, false))};
  Job job = JobOfColumns(files);
  job.mutable_data()->mutable_train()->set_n_rows(1000);
  for (const int n_workers : {1, 4})
    EXPECT_LE(PassOver(job, n_workers).n_bytes, BytesOf(files) / 20) << n_workers;
}

TEST_F(SplitPassTest, LinesThatAreLongerBehindTheBeginningAreFound) {
  std::string text = "a,b,y\n";
  for (int i = 0; i < 2000; ++i) text += "1,c,0\n";
  for (int i = 0; i < 5000; ++i) text += "1," + std::string(300, 'c') + ",1\n";
  Job job = JobOfColumns({folder_.Write("a.csv", text)});
  job.mutable_data()->mutable_train()->set_n_rows(5000);
  for (const int n_workers : {1, 3}) {
    const PassResult found = PassOver(job, n_workers);
    EXPECT_EQ(found.summary.n_rows, 5000);
    EXPECT_EQ(found.summary.RoundedLabelSums()[0].label, 3000);
  }
}

TEST_F(SplitPassTest, ASecondSplitOfTheFilesBeginsWhereItIsKnownToBegin) {
  Random random(1);
  for (const std::string& file : {folder_.Write("a.csv", LinesOfColumns(60'000, &random, false)),
                                  folder_.Write("b.csv", LinesOfColumns(60'000, &random, true))}) {
    Job job = JobOfColumns({file});
    job.mutable_data()->mutable_train()->set_n_rows(40'000);
    job.mutable_data()->mutable_test()->add_file(file);
    job.mutable_data()->mutable_test()->set_first_row(40'000);
    Job test = JobOfColumns({file});
    test.mutable_data()->mutable_train()->set_first_row(40'000);
    const data::SplitFindings expected = FindingsOfBlocks(test);
    ByteWriter expected_bytes;
    expected.summary.Write(&expected_bytes);
    const std::string expected_summary = expected_bytes.Take();
    const int n_workers = 4;
    data::ReadCounts counts;
    testing::RunCluster(
        testing::ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3),
        {.n_servers = 1, .n_workers = n_workers}, 1,
        [&](int, net::Mailbox* mailbox, ps::client::Client*) {
          Group group(mailbox, {.n_servers = 1, .n_workers = n_workers});
          const auto open = [&](data::SplitKind split) {
            return data::MakeSource(
                job, split, model::LabelDomainsOf(job), {}, [] {}, &counts);
          };
          const auto trained = open(data::SplitKind::kTrain);
          const auto wanted = [](const data::RecordCounts&, int w) {
            return std::vector<int64_t>{w, w + 5};
          };
          SplitPass(job, data::SplitKind::kTrain, trained.get(), kNoRecordLimit, wanted, &group,
                    n_workers, nullptr)
              .Read({n_workers, n_workers});
          const auto tested = open(data::SplitKind::kTest);
          SplitPass pass(job, data::SplitKind::kTest, tested.get(), kNoRecordLimit, wanted, &group,
                         n_workers, nullptr);
          const SharedFindings found = pass.Read({n_workers, n_workers}, trained->shared_files());
          ByteWriter bytes;
          found.summary.Write(&bytes);
          EXPECT_EQ(bytes.Take(), expected_summary);
          data::Examples rows;
          std::vector<data::BadLine> bad;
          const auto alone = open(data::SplitKind::kTest);
          pass.Deliver([&](int64_t block, const data::Examples& delivered) {
            alone->Read(block, &rows, &bad);
            ExpectSameRows(delivered, rows);
            tested->Read(block, &rows, &bad);
            ExpectSameRows(delivered, rows);
          });
        });
  }
}

TEST_F(SplitPassTest, ASecondSplitOfAGzipHasPointsBehindItsBeginning) {
  Random random(1);
  const std::string file = folder_.WriteGzip("a.csv.gz", LinesOfColumns(30'000, &random, false));
  Job job = JobOfColumns({file});
  job.mutable_data()->mutable_train()->set_n_rows(20'000);
  job.mutable_data()->mutable_test()->add_file(file);
  job.mutable_data()->mutable_test()->set_first_row(20'000);
  const int n_workers = 2;
  SplitIndex kept;
  testing::RunCluster(
      testing::ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3),
      {.n_servers = 1, .n_workers = n_workers}, 1,
      [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
        Group group(mailbox, {.n_servers = 1, .n_workers = n_workers});
        const data::SplitKind named[] = {data::SplitKind::kTest};
        SplitIndexes indexes(job, {{folder_.Path()}, {folder_.Path()}}, named, [] {});
        const auto wanted = [](const data::RecordCounts&, int w) {
          return std::vector<int64_t>{w};
        };
        const auto read = [&](data::SplitKind split, data::Source* source,
                              const data::SharedFiles* known) {
          SplitPass(job, split, source, kNoRecordLimit, wanted, &group, n_workers, &indexes)
              .Read({n_workers, n_workers}, known);
        };
        const auto domains = model::LabelDomainsOf(job);
        const auto trained = data::MakeSource(job, data::SplitKind::kTrain, domains);
        const auto tested = data::MakeSource(job, data::SplitKind::kTest, domains);
        read(data::SplitKind::kTrain, trained.get(), nullptr);
        read(data::SplitKind::kTest, tested.get(), trained->shared_files());
        if (worker == 0) kept = SplitIndex::Parse(indexes.Find(data::SplitKind::kTest));
      });
  ASSERT_FALSE(kept.places.empty());
  // The split begins behind more bytes of text than the file has on disk.
  EXPECT_GT(kept.places[0].in_file.offset, BytesOf({file}));
  ASSERT_TRUE(kept.points.contains(0));
  EXPECT_GT(kept.points.at(0).size(), 2u);
  EXPECT_LE(kept.points.at(0).size(), 128u);
  EXPECT_GT(kept.points.at(0)[0].n_out, kept.places[0].in_file.offset);
}

TEST_F(SplitPassTest, AnIndexOfManyFilesSparesThePassWhereBlocksAreConsecutive) {
  Random random(1);
  std::vector<std::string> files;
  for (int f = 0; f < 60; ++f) {
    files.push_back(folder_.Write("f" + std::to_string(f) + ".csv.zst",
                                  testing::Zstd(LinesOfColumns(600, &random, false))));
  }
  const Job job = JobOfColumns(files);
  const auto part = [](int worker, int64_t n_blocks) {
    std::vector<int64_t> blocks;
    for (int64_t b = n_blocks * worker / 4; b < n_blocks * (worker + 1) / 4; ++b)
      blocks.push_back(b);
    return blocks;
  };
  const std::string index = folder_.Path("index");
  const PassResult first = PassOver(job, 4, kNoRecordLimit, part, index);
  EXPECT_GT(first.n_bytes, 0);
  const PassResult second = PassOver(job, 4, kNoRecordLimit, part, index);
  EXPECT_EQ(second.n_bytes, 0);
  testing::ExpectSameFound(second, first);
}

TEST_F(SplitPassTest, GeneratedBlocksAreReadAsTheyAreDealt) {
  Job job = testing::ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3);
  const auto own = [](int worker, int64_t n_blocks) {
    std::vector<int64_t> blocks;
    for (int64_t b = worker; b < n_blocks; b += 2) blocks.push_back(b);
    return blocks;
  };
  const PassResult alone = PassOver(job, 1);
  const PassResult found = PassOver(job, 2, kNoRecordLimit, own);
  EXPECT_FALSE(found.is_shared);
  EXPECT_EQ(found.summary.n_rows, alone.summary.n_rows);
  for (const auto& [block, rows] : alone.blocks[0])
    ExpectSameRows(found.blocks[static_cast<size_t>(block % 2)].at(block), rows);
  EXPECT_EQ(PassOver(job, 1, 300).blocks[0].size(), 1u) << "the first block alone has room";
}

TEST_F(SplitPassTest, AMalformedLineInTheMiddleOfAFileIsNamedByItsLine) {
  std::string text = "a,b,y\n";
  for (int i = 0; i < 30'000; ++i) text += i == 25'000 ? "\n1,c\n" : "1,c,0\n";
  Job job = JobOfColumns({folder_.Write("a.csv", text)});
  job.mutable_data()->set_max_bad_share(0);
  for (const int n_workers : {1, 3, 4})
    EXPECT_THAT([&] { PassOver(job, n_workers); },
                ThrowsMessage<Error>(HasSubstr("a.csv:25003: 2 columns, expected 3 (data.max_bad")))
        << n_workers;
}

TEST(ShareReport, OfDamagedBytesIsRefusedOrPossible) {
  ShareReport report{3, 9, {}, true};
  report.findings.n_records = 100;
  report.findings.ends = {{1, 50}, {4, 7}, 5};
  report.findings.file_begins = {{2, 10}, {3, 100}};
  const std::string bytes = report.Serialize();
  const ShareReport read = ShareReport::Parse(bytes);
  EXPECT_EQ(read.Serialize(), bytes);
  EXPECT_EQ(read.findings.ends.end, (data::FileCut{4, 7}));
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_THROW(ShareReport::Parse(bytes.substr(0, n)), Error) << n;
  EXPECT_THROW(ShareReport::Parse(bytes + "x"), Error);
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    damaged[random.Below(damaged.size())] ^= static_cast<char>(1 << random.Below(8));
    try {
      EXPECT_GE(ShareReport::Parse(damaged).findings.n_records, 0);
    } catch (const Error&) {  // refused is as good
    }
  }
}

TEST(DivideUnits, SharesAreOfAboutEqualSize) {
  std::vector<data::Unit> units;
  for (size_t i = 0; i < 100; ++i) units.push_back({{i, 0}, 10});
  EXPECT_THAT(DivideUnits(units, 4), ::testing::ElementsAre(0, 25, 50, 75, 100));
  EXPECT_THAT(DivideUnits(std::span(units).first(2), 3), ::testing::ElementsAre(0, 1, 1, 2));
  units[3].n_bytes = 1000;
  const std::vector<int64_t> begins = DivideUnits(units, 2);
  EXPECT_EQ(begins[1], 4) << "the large one is nobody else's";
}

}  // namespace
}  // namespace zhiyin::worker::train
