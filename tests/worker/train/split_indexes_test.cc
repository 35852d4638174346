#include "worker/train/split_indexes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "common/random.h"
#include "tests/support/compress.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "tests/support/split_passes.h"
#include "worker/data/find_files.h"
#include "worker/data/format/arrow_library.h"

namespace zhiyin::worker::train {
namespace {

using testing::ExpectSameFound;
using testing::JobOfColumns;
using testing::kNoRecordLimit;
using testing::LinesOfColumns;
using testing::PassOver;
using testing::PassResult;

class SplitIndexesTest : public ::testing::Test {
 protected:
  /// A pass of a job that keeps its indexes. Every third block is wanted.
  PassResult PassWithIndex(const Job& job, int n_workers, bool keeps = true) {
    return PassOver(
        job, n_workers, keeps ? kNoRecordLimit : 0,
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

  testing::TempFolder folder_;
};

TEST_F(SplitIndexesTest, ASecondPassReadsNothing) {
  Random random(2);
  const std::string plain = folder_.Write("a.csv", LinesOfColumns(9000, &random, false));
  const std::string quoted = folder_.Write("q.csv", LinesOfColumns(9000, &random, true));
  const std::string gzip = folder_.WriteGzip("b.csv.gz", LinesOfColumns(9000, &random, false));
  const std::string empty = folder_.Write("empty.csv", "a,b,y\n");
  for (const std::vector<std::string>& files :
       {std::vector{plain}, {quoted, empty}, {gzip}, {plain, gzip, quoted}}) {
    for (const int n_rows : {0, 5000}) {
      SCOPED_TRACE(files[0] + " " + std::to_string(n_rows));
      Job job = JobOfColumns(files);
      if (files.back() == quoted) job.mutable_data()->mutable_text()->set_quote("\"");
      job.mutable_data()->mutable_train()->set_first_row(n_rows / 2);
      job.mutable_data()->mutable_train()->set_n_rows(n_rows);
      const PassResult first = PassWithIndex(job, 3, /*keeps=*/false);
      EXPECT_GT(first.n_bytes, 0);
      for (const int n_workers : {3, 3, 1, 5}) {
        const PassResult second = PassWithIndex(job, n_workers, /*keeps=*/false);
        EXPECT_EQ(second.n_bytes, 0);
        EXPECT_EQ(second.n_opened, 0);
        if (n_workers == 3) ExpectSameFound(second, first);
      }
    }
  }
}

TEST_F(SplitIndexesTest, MixedBlocksAreReadOnceWhenTheyAreDelivered) {
  Random random(2);
  const std::string text = LinesOfColumns(9000, &random, false);
  std::string json;
  for (int i = 0; i < 9000; ++i) {
    json +=
        "{\"a\": " + std::to_string(i) + ", \"b\": \"x\", \"y\": " + std::to_string(i % 2) + "}\n";
  }
  const std::vector<std::string> files = {folder_.WriteGzip("b.csv.gz", text),
                                          folder_.Write("c.csv.zst", testing::Zstd(text)),
                                          folder_.Write("d.jsonl", json)};
  for (const std::string& file : files) {
    SCOPED_TRACE(file);
    Job job = JobOfColumns({file});
    if (file == files[2]) job.mutable_data()->mutable_text()->Clear();
    for (const int n_rows : {0, 5000}) {
      job.mutable_data()->mutable_train()->set_first_row(n_rows / 2);
      job.mutable_data()->mutable_train()->set_n_rows(n_rows);
      const PassResult first = PassWithIndex(job, 3);
      EXPECT_EQ(first.n_bytes_delivered, 0);
      const PassResult second = PassWithIndex(job, 3);
      EXPECT_EQ(second.n_bytes, 0);
      EXPECT_GT(second.n_bytes_delivered, 0);
      EXPECT_LE(second.n_bytes_delivered,
                static_cast<int64_t>(std::filesystem::file_size(file)) + 3000)
          << "which one worker has read";
      ExpectSameFound(second, first);
      const PassResult alone = PassWithIndex(job, 1);
      EXPECT_EQ(alone.n_bytes + alone.n_bytes_delivered, 0) << "it reads all of it in any case";
    }
  }
  const std::string plain = folder_.Write("a.csv", text);
  PassWithIndex(JobOfColumns({plain}), 3);
  const PassResult second = PassWithIndex(JobOfColumns({plain}), 3);
  EXPECT_EQ(second.n_bytes + second.n_bytes_delivered, 0) << "each reads its own blocks";
}

TEST_F(SplitIndexesTest, AFileOfWhichNothingWouldBeKeptIsNotReadForDelivery) {
  Random random(2);
  const Job job =
      JobOfColumns({folder_.WriteGzip("b.csv.gz", LinesOfColumns(9000, &random, false))});
  const auto pass = [&] {
    return PassOver(
        job, 3, 2600,
        [](int worker, int64_t n_blocks) {
          std::vector<int64_t> blocks;
          for (int64_t b = worker; b < n_blocks; b += 3) blocks.push_back(b);
          return blocks;
        },
        folder_.Path("index"));
  };
  const PassResult first = pass();
  ASSERT_GT(first.records.n_examples(), 2 * 2600) << "one worker reads all, and cannot keep it";
  const PassResult second = pass();
  EXPECT_EQ(second.n_bytes + second.n_bytes_delivered, 0);
  ExpectSameFound(second, first);
}

TEST_F(SplitIndexesTest, WhatDoesNotFitIsReadAgain) {
  Random random(3);
  const std::string text = LinesOfColumns(5000, &random, false);
  const std::string path = folder_.Write("a.csv", text);
  const Job job = JobOfColumns({path});
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

  // Changed in place, without a change of its length.
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
  Job job = JobOfColumns({"a.csv"});
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
  PassWithIndex(JobOfColumns({folder_.Write("a.csv", LinesOfColumns(300, &random, false))}), 1);
  folder_.Write("index/letters.txt", "a");
  folder_.Write("index/_train-0123456789abcdef.index.tmp-17", "left by a writer that was killed");
  RemoveIndexes(folder_.Path());
  EXPECT_THAT(Indexes(), ::testing::ElementsAre(folder_.Path("index/letters.txt")));
  RemoveIndexes(folder_.Path("nowhere"));
}

TEST_F(SplitIndexesTest, AreNoDataOfTheFolderThatTheyAreIn) {
  Random random(7);
  const std::string path = folder_.Write("a.csv", LinesOfColumns(3000, &random, false));
  PassWithIndex(JobOfColumns({path}), 2);
  ASSERT_EQ(Indexes().size(), 1u);
  std::filesystem::copy(path, folder_.Path("index/a.csv"));
  const std::vector<data::FoundFile> found = data::FindInFolder(folder_.Path("index"));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, folder_.Path("index/a.csv"));
}

TEST_F(SplitIndexesTest, AreNamedByTheFilesAsTheyWereBeforeTheyWereRead) {
  Random random(8);
  const std::string path = folder_.Write("a.csv", LinesOfColumns(3000, &random, false));
  const Job job = JobOfColumns({path});
  const IndexFolders folders = {{folder_.Path("index")}, {folder_.Path("index")}};
  const data::SplitKind named[] = {data::SplitKind::kTrain};
  SplitIndexes before(job, folders, named, [] {});
  folder_.Write("a.csv", LinesOfColumns(3000, &random, false));
  SplitIndex index;
  index.file_begins = {0};
  before.Keep(data::SplitKind::kTrain, index.Serialize());
  EXPECT_EQ(Indexes().size(), 1u);
  EXPECT_NE(before.Find(data::SplitKind::kTrain), "");
  EXPECT_EQ(SplitIndexes(job, folders, named, [] {}).Find(data::SplitKind::kTrain), "");
}

TEST_F(SplitIndexesTest, OfParquetNeedThePluginThatReadsIt) {
  Job job = JobOfColumns({folder_.Write("a.parquet", "PAR1 and so on")});
  job.mutable_data()->mutable_text()->Clear();
  const IndexFolders folders = {{folder_.Path("index")}, {folder_.Path("index")}};
  const data::SplitKind named[] = {data::SplitKind::kTrain};
  EXPECT_EQ(SplitIndexes(job, folders, named, [] {}).Keeps(data::SplitKind::kTrain),
            data::LoadArrowLibrary().plugin != nullptr);
}

TEST_F(SplitIndexesTest, AreWrittenToTheFoldersThatLackThem) {
  Random random(9);
  const Job job = JobOfColumns({folder_.Write("a.csv", LinesOfColumns(3000, &random, false))});
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
  const Job job = JobOfColumns({folder_.Write("a.csv", LinesOfColumns(5000, &random, false))});
  const PassResult first = PassWithIndex(job, 2);
  ASSERT_EQ(Indexes().size(), 1u);
  const std::string path = Indexes()[0];
  const std::string bytes = testing::ReadFile(path);
  std::string flipped = bytes;
  flipped[flipped.size() / 3] ^= 4;
  for (const std::string& damaged : {flipped, bytes.substr(0, bytes.size() / 2), std::string()}) {
    std::ofstream(path, std::ios::binary) << damaged;
    const PassResult again = PassWithIndex(job, 2);
    EXPECT_GT(again.n_bytes, 0);
    ExpectSameFound(again, first);
    EXPECT_EQ(testing::ReadFile(path), bytes);
  }
}

TEST_F(SplitIndexesTest, AFolderThatCannotBeMadeIsNoError) {
  Random random(5);
  const Job job = JobOfColumns({folder_.Write("a.csv", LinesOfColumns(2000, &random, false))});
  folder_.Write("index", "a file");
  EXPECT_GT(PassWithIndex(job, 2).summary.n_rows, 0);
}

}  // namespace
}  // namespace zhiyin::worker::train
