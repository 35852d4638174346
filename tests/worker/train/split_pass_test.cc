#include "worker/train/split_pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <numeric>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/cluster.h"
#include "tests/support/data_jobs.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::train {
namespace {

using testing::ExpectSameRows;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr int64_t kNoLimit = 1'000'000'000;

/// What all workers find and get.
struct Found {
  data::SplitSummary summary;
  data::RecordCounts records;
  /// [workers]: the blocks that each got.
  std::vector<std::map<int64_t, data::Rows>> blocks;
  int64_t n_bytes = 0;
  int64_t n_opened = 0;
  bool is_shared = false;
};

/// Which blocks a worker of several wants.
using Wanted = std::function<std::vector<int64_t>(int worker, int64_t n_blocks)>;

/// Every worker wants all.
std::vector<int64_t> All(int, int64_t n_blocks) {
  std::vector<int64_t> blocks(static_cast<size_t>(n_blocks));
  std::iota(blocks.begin(), blocks.end(), 0);
  return blocks;
}

/// What is in the blocks of the training split, one after the other.
data::SplitFindings FindingsOfBlocks(const Job& job) {
  const auto source =
      data::MakeSource(job, data::SplitKind::kTrain, model::LabelDomainsOf(job), {}, [] {});
  data::SplitFindings findings;
  data::Rows rows;
  std::vector<data::BadLine> bad;
  for (int64_t block = 0;; ++block) {
    const int64_t n = source->Read(block, &rows, &bad);
    if (n == 0) return findings;
    findings.Add(block, n, rows, bad, *source);
  }
}

/// Reads the training split with so many workers. Afterwards each reads some blocks with its
/// source.
Found Pass(const Job& job, int n_workers, int64_t n_kept_max = kNoLimit,
           const Wanted& wanted = All) {
  Found found;
  found.blocks.resize(static_cast<size_t>(n_workers));
  data::ReadCounts counts;
  testing::RunCluster(
      testing::ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3),
      {.n_servers = 1, .n_workers = n_workers}, 1,
      [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
        Group group(mailbox, {.n_servers = 1, .n_workers = n_workers});
        const auto source = data::MakeSource(
            job, data::SplitKind::kTrain, model::LabelDomainsOf(job), {}, [] {}, &counts);
        SplitPass pass(job, data::SplitKind::kTrain, source.get(), n_kept_max, &group, n_workers);
        const SharedFindings shared = pass.Read({n_workers, n_workers});
        group.Barrier("the other workers");
        if (worker == 0) {
          found.summary = shared.summary;
          found.records = shared.records;
          found.n_bytes = counts.n_bytes;
          found.n_opened = counts.n_files;
          found.is_shared = pass.is_shared();
        }
        auto& own = found.blocks[static_cast<size_t>(worker)];
        pass.Deliver([&](int w) { return wanted(w, shared.records.n_blocks()); },
                     [&](int64_t block, data::Rows rows) {
                       EXPECT_TRUE(own.emplace(block, std::move(rows)).second);
                     });
        // The source jumps to blocks that others have read.
        data::Rows rows;
        std::vector<data::BadLine> bad;
        for (const auto& [block, kept] : own) {
          if (block % 5 != worker % 5) continue;
          source->Read(block, &rows, &bad);
          ExpectSameRows(rows, kept);
        }
      });
  return found;
}

class SplitPassTest : public ::testing::Test {
 protected:
  /// A job that reads columns a (numbers), b (categories) and y (labels) of files with a header.
  static Job JobOf(const std::vector<std::string>& files) {
    Job job = testing::TextJob(files);
    job.set_name("pass");
    job.mutable_data()->mutable_text()->set_header(true);
    job.mutable_data()->mutable_text()->set_delimiter(",");
    job.mutable_data()->set_max_bad_share(1);
    testing::AddNumeric(&job, "a", "a");
    testing::AddField(&job, "b", "b");
    testing::AddTask(&job, "y", "y");
    return job;
  }
  /// Lines of such a file, with all that makes it hard to begin in the middle of.
  static std::string Lines(int64_t n, Random* random, bool quotes) {
    std::string text = "a,b,y\n";
    for (int64_t i = 0; i < n; ++i) {
      text += std::to_string(random->Normal()) + ",";
      switch (random->Below(quotes ? 12 : 8)) {
        case 0:
          text += "\n\n";  // too few columns, and an empty line
          continue;
        case 1:
          text += "category,x\r\n";  // no label
          continue;
        case 2:
          text += std::string(random->Below(400), 'l');
          break;
        case 8:
          text += "\"two\nlines, 5\n" + std::to_string(i) + "\"";
          break;
        case 9:
          text += "\"a \"\" quote,1,1\n\n\"";
          break;
        case 10:
          text += "a stray \" quote";
          break;
        default:
          text += "c" + std::to_string(random->Below(50));
      }
      text += "," + std::to_string(random->Below(2)) + "\n";
    }
    return text;
  }
  static int64_t BytesOf(const std::vector<std::string>& files) {
    int64_t n = 0;
    for (const std::string& file : files)
      n += static_cast<int64_t>(std::filesystem::file_size(file));
    return n;
  }
  /// Expects that any number of workers finds and gets what one does, and reads each byte once.
  static void ExpectSameForAnyWorkers(const Job& job) {
    const Found alone = Pass(job, 1);
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
      const Found found = Pass(job, n_workers);
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
  Job job = JobOf({folder_.Write("a.csv", Lines(20'000, &random, false)),
                   folder_.Write("empty.csv", "a,b,y\n"),
                   folder_.WriteGzip("b.csv.gz", Lines(3000, &random, false)),
                   folder_.Write("c.csv", Lines(30'000, &random, false)),
                   folder_.Write("d.csv", Lines(10, &random, false))});
  ExpectSameForAnyWorkers(job);
}

TEST_F(SplitPassTest, AShareThatBeginsInsideOfAQuotedValueIsReadAgain) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Random random(seed);
    Job job = JobOf({folder_.Write("q.csv", Lines(30'000, &random, true))});
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
  Job job = JobOf({folder_.Write("q.csv", text)});
  job.mutable_data()->mutable_text()->set_quote("\"");
  ExpectSameForAnyWorkers(job);
  EXPECT_EQ(Pass(job, 9).summary.n_rows, 40'001);
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
  Job job = JobOf(files);
  job.mutable_data()->mutable_text()->Clear();
  ExpectSameForAnyWorkers(job);
}

TEST_F(SplitPassTest, DeliversTheFirstBlocksThatAWorkerMayKeep) {
  Random random(1);
  Job job = JobOf({folder_.Write("a.csv", Lines(20'000, &random, false))});
  const auto every_third = [](int worker, int64_t n_blocks) {
    std::vector<int64_t> blocks;
    for (int64_t b = worker; b < n_blocks; b += 3) blocks.push_back(b);
    return blocks;
  };
  const Found all = Pass(job, 3, kNoLimit, every_third);
  const int64_t share = all.summary.n_rows / 3;
  const Found some = Pass(job, 3, share * 3 / 4, every_third);
  for (size_t w = 0; w < 3; ++w) {
    int64_t n = 0;
    for (const auto& [block, rows] : some.blocks[w]) {
      EXPECT_EQ(block % 3, static_cast<int64_t>(w));
      ExpectSameRows(rows, all.blocks[w].at(block));
      n += rows.n;
    }
    EXPECT_LE(n, share * 3 / 4);
    EXPECT_GT(n, share * 3 / 4 - data::kBlockRows);
    EXPECT_EQ(some.blocks[w].begin()->first, static_cast<int64_t>(w)) << "the first ones";
  }
  // Where shares are twice as large as what may be kept, nothing is delivered, and all can be read.
  const Found none = Pass(job, 3, share / 3, every_third);
  for (const auto& blocks : none.blocks) EXPECT_TRUE(blocks.empty());
}

TEST_F(SplitPassTest, APartOfTheFilesIsFoundWhereverItBegins) {
  Random random(1);
  Job job = JobOf({folder_.Write("a.csv", Lines(20'000, &random, false)),
                   folder_.WriteGzip("b.csv.gz", Lines(9000, &random, false)),
                   folder_.Write("c.csv", Lines(20'000, &random, false))});
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
  const std::vector<std::string> files = {folder_.Write("a.csv", Lines(100'000, &random, false))};
  Job job = JobOf(files);
  job.mutable_data()->mutable_train()->set_n_rows(1000);
  for (const int n_workers : {1, 4})
    EXPECT_LE(Pass(job, n_workers).n_bytes, BytesOf(files) / 20) << n_workers;
}

TEST_F(SplitPassTest, LinesThatAreLongerBehindTheBeginningAreFound) {
  std::string text = "a,b,y\n";
  for (int i = 0; i < 2000; ++i) text += "1,c,0\n";
  for (int i = 0; i < 5000; ++i) text += "1," + std::string(300, 'c') + ",1\n";
  Job job = JobOf({folder_.Write("a.csv", text)});
  job.mutable_data()->mutable_train()->set_n_rows(5000);
  for (const int n_workers : {1, 3}) {
    const Found found = Pass(job, n_workers);
    EXPECT_EQ(found.summary.n_rows, 5000);
    EXPECT_EQ(found.summary.RoundedLabelSums()[0].label, 3000);
  }
}

TEST_F(SplitPassTest, ASecondSplitOfTheFilesBeginsWhereItIsKnownToBegin) {
  Random random(1);
  for (const std::string& file : {folder_.Write("a.csv", Lines(60'000, &random, false)),
                                  folder_.Write("b.csv", Lines(60'000, &random, true))}) {
    Job job = JobOf({file});
    job.mutable_data()->mutable_train()->set_n_rows(40'000);
    job.mutable_data()->mutable_test()->add_file(file);
    job.mutable_data()->mutable_test()->set_first_row(40'000);
    Job test = JobOf({file});
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
          SplitPass(job, data::SplitKind::kTrain, trained.get(), kNoLimit, &group, n_workers)
              .Read({n_workers, n_workers});
          const auto tested = open(data::SplitKind::kTest);
          SplitPass pass(job, data::SplitKind::kTest, tested.get(), kNoLimit, &group, n_workers);
          const SharedFindings found = pass.Read({n_workers, n_workers}, trained->shared_files());
          ByteWriter bytes;
          found.summary.Write(&bytes);
          EXPECT_EQ(bytes.Take(), expected_summary);
          data::Rows rows;
          std::vector<data::BadLine> bad;
          const auto alone = open(data::SplitKind::kTest);
          pass.Deliver(
              [&](int w) {
                return std::vector<int64_t>{w, w + 5};
              },
              [&](int64_t block, const data::Rows& delivered) {
                alone->Read(block, &rows, &bad);
                ExpectSameRows(delivered, rows);
                tested->Read(block, &rows, &bad);
                ExpectSameRows(delivered, rows);
              });
        });
  }
}

TEST_F(SplitPassTest, GeneratedBlocksAreReadAsTheyAreDealt) {
  Job job = testing::ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3);
  const auto own = [](int worker, int64_t n_blocks) {
    std::vector<int64_t> blocks;
    for (int64_t b = worker; b < n_blocks; b += 2) blocks.push_back(b);
    return blocks;
  };
  const Found alone = Pass(job, 1);
  const Found found = Pass(job, 2, kNoLimit, own);
  EXPECT_FALSE(found.is_shared);
  EXPECT_EQ(found.summary.n_rows, alone.summary.n_rows);
  for (const auto& [block, rows] : alone.blocks[0])
    ExpectSameRows(found.blocks[static_cast<size_t>(block % 2)].at(block), rows);
  EXPECT_EQ(Pass(job, 1, 300).blocks[0].size(), 1u) << "the first block alone has room";
}

TEST_F(SplitPassTest, AMalformedLineInTheMiddleOfAFileIsNamedByItsLine) {
  std::string text = "a,b,y\n";
  for (int i = 0; i < 30'000; ++i) text += i == 25'000 ? "\n1,c\n" : "1,c,0\n";
  Job job = JobOf({folder_.Write("a.csv", text)});
  job.mutable_data()->set_max_bad_share(0);
  for (const int n_workers : {1, 3, 4})
    EXPECT_THAT([&] { Pass(job, n_workers); },
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
