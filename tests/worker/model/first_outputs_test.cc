#include "worker/model/first_outputs.h"

#include <gmock/gmock.h>

#include <cmath>

namespace zhiyin::worker::model {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

Task* AddTask(Job* job) {
  Task* task = job->add_task();
  task->set_positive_weight(1);
  return task;
}

TEST(FirstOutputs, PredictTheMeanLabels) {
  Job job;
  AddTask(&job)->mutable_binary_cross_entropy();
  AddTask(&job)->mutable_squared_error();
  AddTask(&job)->mutable_poisson();
  AddTask(&job)->mutable_hinge();
  AddTask(&job)->mutable_pairwise();
  const data::LabelSums sums = {.weight = 8, .label = 2, .positives = 2};
  const auto near = [](double x) { return DoubleNear(x, 1e-12); };
  EXPECT_THAT(FirstOutputs(job, std::vector<data::LabelSums>(5, sums)),
              ElementsAre(near(std::log(2.5 / 6.5)), 0.25, near(std::log(2.5 / 8)), 0, 0));
}

TEST(FirstOutputs, WeighAsTrainingDoes) {
  Job job;
  Task* task = AddTask(&job);
  task->mutable_binary_cross_entropy();
  task->set_positive_weight(3);
  task->set_label_smoothing(0.2);
  const data::LabelSums sums[] = {{.weight = 8, .label = 3, .positives = 2}};
  const double mean = 0.8 * 7.5 / 13 + 0.1;
  EXPECT_NEAR(FirstOutputs(job, sums)[0], std::log(mean / (1 - mean)), 1e-12);
}

TEST(FirstOutputs, OfFewLabelsThatAreAllAlikeAreNoCertainty) {
  Job job;
  for (int t = 0; t < 3; ++t) AddTask(&job)->mutable_binary_cross_entropy();
  AddTask(&job)->mutable_poisson();
  const data::LabelSums none = {.weight = 10};
  const data::LabelSums all = {.weight = 10, .label = 10, .positives = 10};
  const data::LabelSums one = {.weight = 1, .label = 1, .positives = 1};
  const auto near = [](double x) { return DoubleNear(x, 1e-12); };
  EXPECT_THAT(FirstOutputs(job, std::vector{none, all, one, none}),
              ElementsAre(near(-std::log(21)), near(std::log(21)), near(std::log(3)),
                          near(std::log(0.05))));
}

TEST(FirstOutputs, AreFiniteWhateverTheLabels) {
  Job job;
  AddTask(&job)->mutable_binary_cross_entropy();
  AddTask(&job)->mutable_binary_cross_entropy();
  AddTask(&job)->mutable_poisson();
  AddTask(&job)->mutable_squared_error();
  const data::LabelSums none = {.weight = 5e9};
  const data::LabelSums all = {.weight = 5e9, .label = 5e9, .positives = 5e9};
  const double far = std::log((1 - 1e-6) / 1e-6);
  EXPECT_THAT(FirstOutputs(job, std::vector{none, all, none, data::LabelSums()}),
              ElementsAre(DoubleNear(-far, 1e-9), DoubleNear(far, 1e-9),
                          DoubleNear(std::log(1e-6), 1e-9), 0));
}

}  // namespace
}  // namespace zhiyin::worker::model
