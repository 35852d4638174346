#include "worker/train/split_pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/cluster.h"
#include "tests/support/data_jobs.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "worker/data/find_files.h"
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
  std::vector<std::map<int64_t, data::Examples>> blocks;
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
  data::Examples rows;
  std::vector<data::BadLine> bad;
  for (int64_t block = 0;; ++block) {
    const int64_t n = source->Read(block, &rows, &bad);
    if (n == 0) return findings;
    findings.Add(block, n, rows, bad, *source);
  }
}

/// Reads the training split with so many workers. Afterwards each reads some blocks with its
/// source; where there is a folder of indexes, all that it wants and did not get.
Found Pass(const Job& job, int n_workers, int64_t n_kept_max = kNoLimit, const Wanted& wanted = All,
           const std::string& index_folder = "") {
  IndexFolders folders;
  if (!index_folder.empty()) folders = {{index_folder}, {index_folder}};
  Found found;
  found.blocks.resize(static_cast<size_t>(n_workers));
  data::ReadCounts counts;
  const auto kept = [&](const data::RecordCounts& records, int worker) {
    return n_kept_max > 0 ? wanted(worker, records.n_blocks()) : std::vector<int64_t>();
  };
  const auto work = [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
    Group group(mailbox, {.n_servers = 1, .n_workers = n_workers});
    const auto source = data::MakeSource(
        job, data::SplitKind::kTrain, model::LabelDomainsOf(job), {}, [] {}, &counts);
    const data::SplitKind named[] = {data::SplitKind::kTrain};
    SplitIndexes indexes(job, folders, named, [] {});
    SplitPass pass(job, data::SplitKind::kTrain, source.get(), n_kept_max, kept, &group, n_workers,
                   &indexes);
    const SharedFindings shared = pass.Read({n_workers, n_workers});
    group.Barrier("the other workers");
    if (worker == 0) {
      found.summary = shared.summary;
      found.records = shared.records;
      found.n_bytes = counts.n_bytes;
      found.n_opened = counts.n_files;
      found.is_shared = pass.is_shared();
    }
    group.Barrier("what was counted");
    auto& own = found.blocks[static_cast<size_t>(worker)];
    pass.Deliver([&](int64_t block, data::Examples rows) {
      EXPECT_TRUE(own.emplace(block, std::move(rows)).second);
    });
    data::Examples rows;
    std::vector<data::BadLine> bad;
    if (!index_folder.empty()) {
      for (const int64_t block : wanted(worker, shared.records.n_blocks())) {
        if (!own.contains(block)) source->Read(block, &own[block], &bad);
      }
    }
    // The source jumps to blocks that others have read.
    for (const auto& [block, expected] : own) {
      if (block % 5 != worker % 5) continue;
      source->Read(block, &rows, &bad);
      ExpectSameRows(rows, expected);
    }
  };
  testing::RunCluster(testing::ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3),
                      {.n_servers = 1, .n_workers = n_workers}, 1, work);
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
    EXPECT_GT(n, share * 3 / 4 - data::kBlockRecords);
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
          const auto wanted = [](const data::RecordCounts&, int w) {
            return std::vector<int64_t>{w, w + 5};
          };
          SplitPass(job, data::SplitKind::kTrain, trained.get(), kNoLimit, wanted, &group,
                    n_workers, nullptr)
              .Read({n_workers, n_workers});
          const auto tested = open(data::SplitKind::kTest);
          SplitPass pass(job, data::SplitKind::kTest, tested.get(), kNoLimit, wanted, &group,
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

/// Expects equal findings of two passes, and equal blocks.
void ExpectSameFound(const Found& found, const Found& expected) {
  ByteWriter bytes;
  ByteWriter expected_bytes;
  found.summary.Write(&bytes);
  expected.summary.Write(&expected_bytes);
  EXPECT_EQ(bytes.Take(), expected_bytes.Take());
  EXPECT_EQ(found.records.Runs().runs(), expected.records.Runs().runs());
  ASSERT_EQ(found.blocks.size(), expected.blocks.size());
  for (size_t w = 0; w < found.blocks.size(); ++w) {
    ASSERT_EQ(found.blocks[w].size(), expected.blocks[w].size());
    for (const auto& [block, rows] : found.blocks[w])
      ExpectSameRows(rows, expected.blocks[w].at(block));
  }
}

class SplitIndexesTest : public SplitPassTest {
 protected:
  /// A pass of a job that keeps its indexes. Every third block is wanted.
  Found PassWithIndex(const Job& job, int n_workers, bool keeps = true) {
    return Pass(
        job, n_workers, keeps ? kNoLimit : 0,
        [&](int worker, int64_t n_blocks) {
          std::vector<int64_t> blocks;
          for (int64_t b = worker; b < n_blocks; b += n_workers) blocks.push_back(b);
          return blocks;
        },
        folder_.Path("index"));
  }
  std::vector<std::string> Indexes() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.Path("index")))
      paths.push_back(entry.path());
    return paths;
  }
};

TEST_F(SplitIndexesTest, ASecondPassReadsNothing) {
  Random random(2);
  const std::string plain = folder_.Write("a.csv", Lines(9000, &random, false));
  const std::string quoted = folder_.Write("q.csv", Lines(9000, &random, true));
  const std::string gzip = folder_.WriteGzip("b.csv.gz", Lines(9000, &random, false));
  const std::string empty = folder_.Write("empty.csv", "a,b,y\n");
  for (const std::vector<std::string>& files :
       {std::vector{plain}, {quoted, empty}, {gzip}, {plain, gzip, quoted}}) {
    for (const int n_rows : {0, 5000}) {
      SCOPED_TRACE(files[0] + " " + std::to_string(n_rows));
      Job job = JobOf(files);
      if (files.back() == quoted) job.mutable_data()->mutable_text()->set_quote("\"");
      job.mutable_data()->mutable_train()->set_first_row(n_rows / 2);
      job.mutable_data()->mutable_train()->set_n_rows(n_rows);
      const Found first = PassWithIndex(job, 3, /*keeps=*/false);
      EXPECT_GT(first.n_bytes, 0);
      for (const int n_workers : {3, 3, 1, 5}) {
        const Found second = PassWithIndex(job, n_workers, /*keeps=*/false);
        EXPECT_EQ(second.n_bytes, 0);
        EXPECT_EQ(second.n_opened, 0);
        if (n_workers == 3) ExpectSameFound(second, first);
      }
    }
  }
}

TEST_F(SplitIndexesTest, BlocksOfAMixedGzipAreStillDelivered) {
  Random random(2);
  const std::vector<std::string> gzip = {
      folder_.WriteGzip("b.csv.gz", Lines(9000, &random, false))};
  const Found first = PassWithIndex(JobOf(gzip), 3);
  const Found second = PassWithIndex(JobOf(gzip), 3);
  EXPECT_LE(second.n_bytes, BytesOf(gzip) + 100) << "which one worker has read";
  ExpectSameFound(second, first);
  EXPECT_EQ(PassWithIndex(JobOf(gzip), 1).n_bytes, 0) << "it reads all of it in any case";
  const std::vector<std::string> plain = {folder_.Write("a.csv", Lines(9000, &random, false))};
  PassWithIndex(JobOf(plain), 3);
  EXPECT_EQ(PassWithIndex(JobOf(plain), 3).n_bytes, 0) << "each reads its own blocks";
}

TEST_F(SplitIndexesTest, WhatDoesNotFitIsReadAgain) {
  Random random(3);
  const std::string text = Lines(5000, &random, false);
  const std::string path = folder_.Write("a.csv", text);
  const Job job = JobOf({path});
  PassWithIndex(job, 2);
  const auto reads = [&](const Job& other) { return PassWithIndex(other, 2).n_bytes > 0; };
  EXPECT_FALSE(reads(job));

  Job other = job;
  other.set_name("another");
  other.mutable_data()->set_max_bad_share(0.5);
  other.mutable_data()->set_shuffle_rows(300);
  other.mutable_train()->set_epochs(7);
  EXPECT_FALSE(reads(other)) << "says nothing of what is read";
  other = job;
  other.mutable_field(0)->set_column("a");
  EXPECT_TRUE(reads(other)) << "another column";
  other = job;
  testing::AddNumeric(&other, "b", "b");
  EXPECT_TRUE(reads(other)) << "one input more";
  other = job;
  other.mutable_data()->mutable_train()->set_n_rows(4000);
  EXPECT_TRUE(reads(other)) << "fewer rows";

  // Changed in place, within the same length.
  std::string changed = text;
  changed[changed.size() / 2] = changed[changed.size() / 2] == '1' ? '2' : '1';
  folder_.Write("a.csv", changed);
  EXPECT_TRUE(reads(job)) << "another content";
  EXPECT_FALSE(reads(job));
  using std::filesystem::last_write_time;
  last_write_time(path, last_write_time(path) - std::chrono::seconds(1));
  EXPECT_TRUE(reads(job)) << "another time";
  folder_.Write("a.csv", changed + "5,c,1\n");
  EXPECT_TRUE(reads(job)) << "another length";
}

TEST_F(SplitIndexesTest, AreInTheFoldersOfTheJobAndOfItsOutput) {
  Job job = JobOf({"a.csv"});
  EXPECT_THAT(FoldersOfTraining(job, "").kept, ::testing::IsEmpty());
  EXPECT_THAT(FoldersOfTraining(job, "/out").kept, ::testing::ElementsAre("/out/index"));
  job.mutable_data()->set_index("/shared");
  EXPECT_THAT(FoldersOfTraining(job, "/out").read, ::testing::ElementsAre("/shared", "/out/index"));
  EXPECT_THAT(FoldersOfTraining(job, "/out").kept, ::testing::ElementsAre("/shared", "/out/index"));
  EXPECT_THAT(FoldersOfEvaluation(job, "/out/model").read, ::testing::Contains("/out/index"));
  EXPECT_THAT(FoldersOfEvaluation(job, "/out/checkpoints/step-8").read,
              ::testing::Contains("/out/index"));
  EXPECT_THAT(FoldersOfEvaluation(job, "/out/model").kept, ::testing::ElementsAre("/shared"))
      << "a model that is evaluated stays as it is";
}

TEST_F(SplitIndexesTest, AreRemovedWithoutWhatElseIsThere) {
  Random random(6);
  PassWithIndex(JobOf({folder_.Write("a.csv", Lines(300, &random, false))}), 1);
  folder_.Write("index/letters.txt", "a");
  folder_.Write("index/_train-0123456789abcdef.index.tmp-17", "left by a writer that was killed");
  RemoveIndexes(folder_.Path());
  EXPECT_THAT(Indexes(), ::testing::ElementsAre(folder_.Path("index/letters.txt")));
  RemoveIndexes(folder_.Path("nowhere"));
}

TEST_F(SplitIndexesTest, AreNoDataOfTheFolderThatTheyAreIn) {
  Random random(7);
  const std::string path = folder_.Write("a.csv", Lines(3000, &random, false));
  PassWithIndex(JobOf({path}), 2);
  ASSERT_EQ(Indexes().size(), 1u);
  std::filesystem::copy(path, folder_.Path("index/a.csv"));
  const std::vector<data::FoundFile> found = data::FindInFolder(folder_.Path("index"));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, folder_.Path("index/a.csv"));
}

TEST_F(SplitIndexesTest, AreNamedByTheFilesAsTheyWereBeforeTheyWereRead) {
  Random random(8);
  const std::string path = folder_.Write("a.csv", Lines(3000, &random, false));
  const Job job = JobOf({path});
  const IndexFolders folders = {{folder_.Path("index")}, {folder_.Path("index")}};
  const data::SplitKind named[] = {data::SplitKind::kTrain};
  SplitIndexes before(job, folders, named, [] {});
  folder_.Write("a.csv", Lines(3000, &random, false));
  SplitIndex index;
  index.file_begins = {0};
  before.Keep(data::SplitKind::kTrain, index.Serialize());
  EXPECT_EQ(Indexes().size(), 1u);
  EXPECT_NE(before.Find(data::SplitKind::kTrain), "");
  EXPECT_EQ(SplitIndexes(job, folders, named, [] {}).Find(data::SplitKind::kTrain), "");
}

TEST_F(SplitIndexesTest, AreWrittenToTheFoldersThatLackThem) {
  Random random(9);
  const Job job = JobOf({folder_.Write("a.csv", Lines(3000, &random, false))});
  const data::SplitKind named[] = {data::SplitKind::kTrain};
  const auto make = [&](const std::vector<std::string>& folders) {
    return SplitIndexes(job, {folders, folders}, named, [] {});
  };
  const std::string one = folder_.Path("index");
  const std::string two = folder_.Path("two");
  SplitIndex index;
  index.file_begins = {0};
  SplitIndexes first = make({one});
  EXPECT_TRUE(first.Keeps(data::SplitKind::kTrain));
  first.Keep(data::SplitKind::kTrain, index.Serialize());
  SplitIndexes second = make({one});
  EXPECT_NE(second.Find(data::SplitKind::kTrain), "");
  EXPECT_FALSE(second.Keeps(data::SplitKind::kTrain));
  SplitIndexes both = make({one, two});
  EXPECT_NE(both.Find(data::SplitKind::kTrain), "");
  EXPECT_TRUE(both.Keeps(data::SplitKind::kTrain));
  both.Keep(data::SplitKind::kTrain, index.Serialize());
  EXPECT_NE(make({two}).Find(data::SplitKind::kTrain), "");
}

TEST_F(SplitIndexesTest, ADamagedIndexIsWrittenAnew) {
  Random random(4);
  const Job job = JobOf({folder_.Write("a.csv", Lines(5000, &random, false))});
  const Found first = PassWithIndex(job, 2);
  ASSERT_EQ(Indexes().size(), 1u);
  const std::string path = Indexes()[0];
  const std::string bytes = testing::ReadFile(path);
  std::string flipped = bytes;
  flipped[flipped.size() / 3] ^= 4;
  for (const std::string& damaged : {flipped, bytes.substr(0, bytes.size() / 2), std::string()}) {
    std::ofstream(path, std::ios::binary) << damaged;
    const Found again = PassWithIndex(job, 2);
    EXPECT_GT(again.n_bytes, 0);
    ExpectSameFound(again, first);
    EXPECT_EQ(testing::ReadFile(path), bytes);
  }
}

TEST_F(SplitIndexesTest, AFolderThatCannotBeMadeIsNoError) {
  Random random(5);
  const Job job = JobOf({folder_.Write("a.csv", Lines(2000, &random, false))});
  folder_.Write("index", "a file");
  EXPECT_GT(PassWithIndex(job, 2).summary.n_rows, 0);
}

}  // namespace
}  // namespace zhiyin::worker::train
