// Whole jobs whose statistics are those of a sample, of an earlier job, or given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"
#include "worker/saved/saved_model.h"
#include "worker/saved/saved_statistics.h"

namespace zhiyin::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kStatisticsRows = 12'000;

/// Prices and counts grow from row to row, and one in five rows has the label.
std::string GrowingCsv() {
  std::string text = "item,price,count,clicked\n";
  Random random(1);
  for (int i = 0; i < kStatisticsRows; ++i) {
    text += "item " + std::to_string(i % 211) + "," + std::to_string(i + 100) + "," +
            std::to_string(random.Below(1000)) + "," + (random.Below(5) == 0 ? "1\n" : "0\n");
  }
  return text;
}

class StatisticsOfJobs : public ::testing::Test {
 protected:
  /// `data` is added to the job's data, `numeric` to the numeric price, `task` to its task.
  SimulatedJob JobWith(const std::string& data, const std::string& numeric = "",
                       const std::string& task = "") const {
    return {launch::job::ParseJob(R"(name: "statistics" data { text { header: true } )" + data +
                                      R"( train { file: ")" + file_ + R"(" } test { file: ")" +
                                      file_ + R"(" } }
              table { name: "t" dim: 2 optimizer { adagrad { learning_rate: 0.1 } } }
              field { name: "item" }
              numeric { name: "price" )" +
                                      numeric + R"( } numeric { name: "count" }
              task { name: "click" label { column: "clicked" equals: "1" } binary_cross_entropy {} )" +
                                      task + R"( }
              model { shared_bottom { bottom: [4] } }
              train { epochs: 1 batch_size: 512 slices: 8 seed: 3
                      dense_optimizer { adam { learning_rate: 0.01 } } })",
                                  "statistics", "/", {}),
            1,
            1,
            {}};
  }
  static Outcome Run(SimulatedJob run, int n_workers, const std::string& output = "") {
    run.n_workers = n_workers;
    run.output = output;
    const Outcome outcome = Simulate(run);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error();
    return outcome;
  }
  Manifest ModelIn(const std::string& output) const {
    return worker::saved::LoadManifest(folder_.Path(output + "/model"));
  }

  TempFolder folder_;
  const std::string file_ = folder_.Write("rows.csv", GrowingCsv());
};

TEST_F(StatisticsOfJobs, OfASampleAreEqualForAnyNumberOfWorkers) {
  const SimulatedJob run = JobWith("statistics { sample_rows: 1000 }");
  const Outcome alone = Run(run, 1);
  EXPECT_THAT(alone.printed, HasSubstr("statistics are of a sample of "));
  for (const int n_workers : {3, 8}) EXPECT_EQ(Run(run, n_workers).metrics, alone.metrics);
  EXPECT_NE(Run(JobWith(""), 1).metrics, alone.metrics);
}

TEST_F(StatisticsOfJobs, OfASampleThatIsLargerThanTheSplitAreThoseOfTheSplit) {
  const std::string expected = Run(JobWith(""), 2).metrics;
  const Outcome outcome = Run(JobWith("statistics { sample_rows: 1000000 }"), 2);
  EXPECT_EQ(outcome.metrics, expected);
  EXPECT_THAT(outcome.printed, Not(HasSubstr("statistics are of a sample")));
}

/// An index has the statistics of the whole split, whichever job has written it.
TEST_F(StatisticsOfJobs, OfASampleDoNotMixWithThoseOfAnIndex) {
  const std::string index = "index: \"" + folder_.Path("index") + "\" ";
  const std::string sample = "statistics { sample_rows: 1000 }";
  const std::string of_whole = Run(JobWith(""), 2).metrics;
  const std::string of_sample = Run(JobWith(sample), 2).metrics;
  EXPECT_EQ(Run(JobWith(index + sample), 2).metrics, of_sample);
  EXPECT_EQ(Run(JobWith(index), 2).metrics, of_whole);
  EXPECT_EQ(Run(JobWith(index + sample), 2).metrics, of_sample);
}

TEST_F(StatisticsOfJobs, OfAnEarlierJobAreItsOwn) {
  Run(JobWith("statistics { sample_rows: 500 }"), 1, folder_.Path("first"));
  const std::string earlier = "statistics { model: \"" + folder_.Path("first") + "\" }";
  const Outcome outcome = Run(JobWith(earlier), 2, folder_.Path("second"));
  EXPECT_THAT(outcome.printed, HasSubstr("statistics from " + folder_.Path("first/model")));
  const Manifest first = ModelIn("first");
  const Manifest second = ModelIn("second");
  EXPECT_EQ(first.numeric_mean(0), second.numeric_mean(0));
  EXPECT_EQ(first.numeric_scale(1), second.numeric_scale(1));
  EXPECT_EQ(first.label_sums(0).label(), second.label_sums(0).label());
  EXPECT_EQ(outcome.metrics, Run(JobWith("statistics { sample_rows: 500 }"), 2).metrics);

  SimulatedJob run = JobWith(earlier);
  run.job.mutable_numeric(1)->set_name("number");
  const Outcome refused = Simulate(run);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(
      refused.error(),
      HasSubstr("data.statistics.model: " + folder_.Path("first/model") +
                ": has no numeric \"number\", expected one, or mean and stddev of it here"));
}

TEST_F(StatisticsOfJobs, ThatAreGivenAreTaken) {
  Run(JobWith("", "mean: 5000 stddev: 2000", "label_mean: 0.25"), 2, folder_.Path("given"));
  const Manifest manifest = ModelIn("given");
  EXPECT_THAT(manifest.numeric_mean(), ElementsAre(5000, Not(0)));
  EXPECT_EQ(manifest.numeric_scale(0), 1.0 / 2000);
  EXPECT_EQ(manifest.label_sums(0).label() / manifest.label_sums(0).weight(), 0.25);
}

TEST_F(StatisticsOfJobs, OfASampleAreKeptByAJobThatResumes) {
  constexpr int kExitOfAnEarlyEnd = 75;
  SimulatedJob run = JobWith("statistics { sample_rows: 1000 }");
  run.job.mutable_train()->mutable_checkpoint()->set_every_steps(5);
  const std::string expected = Run(run, 2).metrics;
  run.n_workers = 2;
  run.output = folder_.Path("resumed");
  run.stop_requested = [n_asked = 0]() mutable { return n_asked++ >= 2; };
  ASSERT_EQ(Simulate(run).exit_code, kExitOfAnEarlyEnd);
  run.stop_requested = {};
  run.resume = true;
  const Outcome outcome = Simulate(run);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_EQ(outcome.metrics, expected);
  EXPECT_THAT(outcome.printed, Not(HasSubstr("statistics are of a sample")));
}

}  // namespace
}  // namespace zhiyin::testing
