#include "worker/train/row_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/random.h"
#include "tests/support/cluster.h"
#include "tests/support/data_jobs.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "tests/support/split_passes.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// A sample, and how many bytes were read for it.
struct Sampled {
  RowSample sample;
  std::string summary;  // as bytes
  int64_t n_bytes = 0;
};

Sampled SampleWith(const Job& job, int64_t n, int n_workers) {
  Sampled found;
  data::ReadCounts counts;
  const auto work = [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
    Group group(mailbox, {.n_servers = 1, .n_workers = n_workers});
    const auto source = data::MakeSource(
        job, data::SplitKind::kTrain, model::LabelDomainsOf(job), {}, [] {}, &counts);
    const RowSample sample = SampleRows(job, n, source.get(), n_workers, &group);
    group.Barrier("the other workers");
    if (worker > 0) return;
    found.sample = sample;
    found.n_bytes = counts.n_bytes;
  };
  testing::RunCluster(testing::ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3),
                      {.n_servers = 1, .n_workers = n_workers}, 1, work);
  ByteWriter bytes;
  found.sample.summary.Write(&bytes);
  found.summary = bytes.Take();
  return found;
}

/// Lines whose number in the file is what column a has.
std::string Numbered(int64_t n) {
  std::string text = "a,b,y\n";
  for (int64_t i = 0; i < n; ++i) text += std::to_string(i) + ",c,1\n";
  return text;
}

class RowSampleTest : public ::testing::Test {
 protected:
  testing::TempFolder folder_;
};

TEST_F(RowSampleTest, DoesNotDependOnTheWorkers) {
  Random random(1);
  Job job = testing::JobOfColumns(
      {folder_.Write("a.csv", testing::LinesOfColumns(40'000, &random, false)),
       folder_.Write("empty.csv", "a,b,y\n"),
       folder_.WriteGzip("b.csv.gz", testing::LinesOfColumns(9000, &random, false)),
       folder_.Write("c.csv", testing::LinesOfColumns(500, &random, false))});
  for (const int64_t n : {1, 300, 5000, 30'000, 1'000'000}) {
    const Sampled alone = SampleWith(job, n, 1);
    for (const int n_workers : {2, 5}) {
      const Sampled found = SampleWith(job, n, n_workers);
      EXPECT_EQ(found.summary, alone.summary) << n << " records, " << n_workers << " workers";
      EXPECT_EQ(found.sample.n_records, alone.sample.n_records);
      EXPECT_EQ(found.sample.is_whole, alone.sample.is_whole);
    }
  }
}

TEST_F(RowSampleTest, HasAboutAsManyRecordsFromAllOverTheFiles) {
  constexpr int64_t kRows = 200'000;
  Job job = testing::JobOfColumns({folder_.Write("a.csv", Numbered(kRows))});
  for (const int64_t n : {2000, 20'000, 150'000}) {
    const Sampled found = SampleWith(job, n, 2);
    EXPECT_GE(found.sample.n_records, n);
    EXPECT_LE(found.sample.n_records, 2 * n);
    EXPECT_EQ(found.sample.summary.n_rows, found.sample.n_records);
    EXPECT_FALSE(found.sample.is_whole);
    const data::Moments moments = found.sample.summary.numerics[0].Rounded();
    EXPECT_NEAR(moments.mean, kRows / 2.0, kRows * 0.15) << n;
    EXPECT_NEAR(moments.Stddev(), kRows * 0.2887, kRows * 0.05) << n;
  }
  // The draw is of the seed, and a small sample is little to read.
  const Sampled small = SampleWith(job, 500, 1);
  EXPECT_LT(small.n_bytes, 600'000);
  job.mutable_train()->set_seed(7);
  EXPECT_NE(SampleWith(job, 500, 1).summary, small.summary);
}

TEST_F(RowSampleTest, ThatIsLargerThanTheFilesIsAllOfThem) {
  Random random(2);
  std::vector<std::string> files;
  for (int f = 0; f < 40; ++f)
    files.push_back(folder_.Write("f" + std::to_string(f) + ".csv",
                                  testing::LinesOfColumns(f % 7 == 0 ? 3000 : 10, &random, false)));
  const Job job = testing::JobOfColumns(files);
  const testing::PassResult all = testing::PassOver(job, 1);
  for (const int64_t n : {all.records.n_records() + 1, int64_t{1} << 48}) {
    const Sampled found = SampleWith(job, n, 3);
    EXPECT_TRUE(found.sample.is_whole);
    EXPECT_EQ(found.sample.n_records, all.records.n_records());
    EXPECT_EQ(found.sample.summary.n_rows, all.summary.n_rows);
    EXPECT_EQ(found.sample.summary.numerics[0].Rounded().mean,
              all.summary.numerics[0].Rounded().mean);
    EXPECT_EQ(found.sample.summary.numerics[0].Rounded().m2, all.summary.numerics[0].Rounded().m2);
    EXPECT_EQ(found.sample.summary.RoundedLabelSums()[0].label,
              all.summary.RoundedLabelSums()[0].label);
  }
}

TEST_F(RowSampleTest, SaysWhatItTellsNothingOf) {
  Job job = testing::JobOfColumns({folder_.Write("a.csv", "a,b,y\n4,x,\n4,y,\n4,x,\n")});
  job.mutable_numeric(0)->set_standardise(true);
  job.mutable_task(0)->set_positive_weight(1);
  const Sampled found = SampleWith(job, 2, 1);
  EXPECT_THAT(
      SampleNotes(job, found.sample),
      ElementsAre("statistics are of a sample of 2 rows of data.train",
                  "note: numeric \"a\": has one value in the sample of data.train: it is "
                  "not scaled",
                  "note: task y: no row of the sample of data.train has a label: its output "
                  "starts at 0"));
  job.mutable_numeric(0)->set_mean(1);
  job.mutable_numeric(0)->set_stddev(1);
  job.mutable_train()->set_start_at_zero(true);
  EXPECT_THAT(SampleNotes(job, found.sample),
              ElementsAre("statistics are of a sample of 2 rows of data.train"));
}

TEST_F(RowSampleTest, OfMalformedRecordsIsRefused) {
  const Job job = testing::JobOfColumns({folder_.Write("a.csv", "a,b,y\nx,y,1\nx,y,1\n")});
  EXPECT_THAT(
      [&] { SampleWith(job, 1, 2); },
      ThrowsMessage<Error>(HasSubstr("data.statistics.sample_rows: none of the 1 records")));
}

}  // namespace
}  // namespace zhiyin::worker::train
