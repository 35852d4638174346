// What is drawn at random: the examples of a batch from the split, and what a pass drops.
#include <gmock/gmock.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

using worker::train::Json;

constexpr int kStaleness[] = {0, 2, -1};
constexpr int kSlices = 128;

/// A job whose loss in training depends on what is dropped alone: all examples are equal, and the
/// weights stay as they are. An epoch has a slice for each example.
Job DropoutJob(const TempFolder& folder, const std::string& model, int staleness) {
  std::string rows = "x,y\n";
  for (int i = 0; i < kSlices; ++i) rows += "1,0\n";
  Job job =
      launch::job::ParseJob(R"(name: "dropout" data { text { header: true } train { file: ")" +
                                folder.Write("equal.csv", rows) + R"(" } }
      numeric { name: "x" standardise: false }
      task { name: "y" label { number {} } squared_error {} }
      model { )" + model + R"( hidden { dropout: 0.5 } }
      train { epochs: 16 batch_size: 32 slices: 32 seed: 1
              dense_optimizer { sgd { learning_rate: 1e-30 } } })",
                            "dropout", "/", {});
  job.mutable_train()->set_staleness(staleness);
  return job;
}

/// The mean loss of each epoch.
std::vector<double> LossesOf(const Outcome& outcome) {
  std::vector<double> losses;
  for (const Json& line : LinesOf(outcome.metrics, "train", "y")) losses.push_back(line["mse"]);
  return losses;
}

double StddevOf(const std::vector<double>& values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  const double n = static_cast<double>(values.size());
  return std::sqrt(squares / n - sum / n * (sum / n));
}

TEST(Sampling, EverySliceOfEveryEpochDropsAnew) {
  const TempFolder folder;
  for (const char* model :
       {"shared_bottom { bottom: 32 }", "mmoe { n_experts: 2 expert: 16 tower: 4 }"}) {
    Job one_slice = DropoutJob(folder, model, 0);
    one_slice.mutable_data()->mutable_train()->set_n_rows(1);
    one_slice.mutable_train()->set_epochs(100);
    const double spread = StddevOf(LossesOf(RunJob(one_slice, 1, 1, 1)));
    std::vector<double> expected;
    for (const int staleness : kStaleness) {
      SCOPED_TRACE(std::string(model) + " " + std::to_string(staleness));
      const Outcome outcome = RunJob(DropoutJob(folder, model, staleness), 1, 2, 1);
      ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
      const std::vector<double> losses = LossesOf(outcome);
      ASSERT_EQ(losses.size(), 16u);
      EXPECT_EQ(std::set<double>(losses.begin(), losses.end()).size(), losses.size())
          << "epochs drop alike";
      EXPECT_LT(StddevOf(losses), 2 * spread / std::sqrt(kSlices))
          << "slices drop alike: fewer than there are make up the mean";
      if (staleness == 0) expected = losses;
      EXPECT_EQ(losses, expected) << "a slice drops something else than at staleness 0";
    }
  }
}

/// A job of the model whose examples are all equal, and whose weights stay as they are.
Job EqualExamplesJob(const TempFolder& folder, Job job, int staleness) {
  std::string rows = "user_group,user_region,item_genre,item_tags,user_age,item_quality,rating\n";
  for (int i = 0; i < kSlices; ++i) rows += "group0,region1,genre1,a|b,1,2,3\n";
  Data* data = job.mutable_data();
  data->Clear();
  data->mutable_text()->set_header(true);
  data->mutable_train()->add_file(folder.Write("equal.csv", rows));
  for (Table& table : *job.mutable_table()) table.mutable_optimizer()->Clear();
  for (Task& task : *job.mutable_task()) task.set_allow_one_class(true);
  Train* train = job.mutable_train();
  train->set_epochs(16);
  train->set_batch_size(32);
  train->set_slices(32);
  train->set_staleness(staleness);
  constexpr double kHardly = 1e-30;
  train->mutable_dense_optimizer()->mutable_sgd()->set_learning_rate(kHardly);
  for (Table& table : *job.mutable_table())
    table.mutable_optimizer()->mutable_sgd()->set_learning_rate(kHardly);
  return job;
}

/// The training losses of all epochs, of all tasks together.
std::vector<double> TrainLossesOf(const Outcome& outcome) {
  std::vector<double> losses;
  for (const Json& line : LinesOf(outcome.metrics, "train", "rating")) {
    losses.push_back(line.contains("mse") ? line["mse"].get<double>()
                                          : line["log_loss"].get<double>());
  }
  return losses;
}

TEST(Sampling, ThoroughEveryModelDropsAnewInEverySlice) {
  const TempFolder folder;
  int n_models = 0;
  for (const Job& example : JobOfEveryModel()) {
    const Hidden& hidden = example.model().hidden();
    // Batch normalisation makes equal examples 0.
    if (hidden.dropout() == 0 || hidden.normalization() == Hidden::BATCH) continue;
    Job one_slice = EqualExamplesJob(folder, example, 0);
    one_slice.mutable_data()->mutable_train()->set_n_rows(1);
    one_slice.mutable_train()->set_epochs(100);
    const double spread = StddevOf(TrainLossesOf(RunJob(one_slice, 1, 1, 1)));
    if (spread < 1e-6) continue;  // its first weights make nothing of what is dropped
    ++n_models;
    for (const int staleness : kStaleness) {
      SCOPED_TRACE(example.model().ShortDebugString() + " " + std::to_string(staleness));
      const Outcome outcome = RunJob(EqualExamplesJob(folder, example, staleness), 1, 2, 1);
      ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
      const std::vector<double> losses = TrainLossesOf(outcome);
      ASSERT_EQ(losses.size(), 16u);
      EXPECT_EQ(std::set<double>(losses.begin(), losses.end()).size(), losses.size());
      EXPECT_LT(StddevOf(losses), 2 * spread / std::sqrt(kSlices));
    }
  }
  EXPECT_GE(n_models, 10);
}

/// The lines of a logistic world, whose label depends on two numbers: sorted by the label, or as
/// they were drawn.
std::string LogisticLines(int n, uint64_t seed, bool sorted) {
  Random random(seed);
  std::vector<std::string> lines[2];
  std::string text = "x,z,y\n";
  for (int i = 0; i < n; ++i) {
    const double x = random.Normal();
    const double z = random.Normal();
    const bool label = random.Uniform() < 1 / (1 + std::exp(-2 * x + z));
    lines[sorted && label].push_back(std::to_string(x) + "," + std::to_string(z) + "," +
                                     (label ? "1" : "0") + "\n");
  }
  for (const auto& part : lines) {
    for (const std::string& line : part) text += line;
  }
  return text;
}

TEST(Sampling, ASortedFileTrainsAsAShuffledOneDoes) {
  const TempFolder folder;
  const std::string test = folder.Write("test.csv", LogisticLines(2000, 2, false));
  const auto loss_of = [&](bool sorted, int staleness, int n_workers) {
    Job job =
        launch::job::ParseJob(R"(name: "sorted" data { text { header: true } train { file: ")" +
                                  folder.Write("train.csv", LogisticLines(5120, 1, sorted)) +
                                  R"(" } test { file: ")" + test + R"(" } }
        numeric { name: "x" }
        numeric { name: "z" }
        task { name: "y" label { equals: "1" } binary_cross_entropy {} }
        model { shared_bottom { bottom: 8 } }
        train { epochs: 2 batch_size: 64 seed: 1
                dense_optimizer { adam { learning_rate: 0.02 } } })",
                              "sorted", "/", {});
    job.mutable_train()->set_staleness(staleness);
    const Outcome outcome = RunJob(job, 1, n_workers, 1);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error();
    return outcome.summary["tasks"]["y"]["log_loss"].get<double>();
  };
  for (const int staleness : kStaleness) {
    for (const int n_workers : {4, 8}) {
      const double shuffled = loss_of(false, staleness, n_workers);
      EXPECT_LT(loss_of(true, staleness, n_workers), 1.02 * shuffled)
          << "staleness " << staleness << ", " << n_workers << " workers";
    }
  }
}

TEST(Sampling, StepsOfASmallSplitAreOfAboutEqualSize) {
  const TempFolder folder;
  Job job = DropoutJob(folder, "shared_bottom { bottom: 8 }", 0);
  job.mutable_data()->mutable_train()->set_n_rows(100);
  const Outcome outcome = RunJob(job, 1, 2, 1);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_EQ(outcome.summary["steps"], 16 * 4);
  EXPECT_EQ(outcome.summary["samples"], 16 * 100);
}

}  // namespace
}  // namespace zhiyin::testing
