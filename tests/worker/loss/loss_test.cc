#include "worker/loss/loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/types.h"

namespace zhiyin::worker {
namespace {

/// A task with each alternative of Task.loss, found by reflection.
std::vector<Task> EveryLossTask() {
  std::vector<Task> tasks;
  const google::protobuf::OneofDescriptor* losses = Task::descriptor()->FindOneofByName("loss");
  for (int i = 0; i < losses->field_count(); ++i) {
    Task& task = tasks.emplace_back();
    task.GetReflection()->MutableMessage(&task, losses->field(i));
  }
  return tasks;
}

class EveryLoss : public ::testing::TestWithParam<Task> {};

TEST_P(EveryLoss, DerivativeIsTheSlope) {
  const auto loss = MakeLoss(GetParam());
  for (float label : {0.0f, 0.3f, 1.0f}) {
    for (float output : {-4.0f, -0.7f, 0.0f, 0.2f, 3.0f}) {
      const double h = 1.0 / 1024;
      const double slope = (loss->Value(static_cast<float>(output + h), label) -
                            loss->Value(static_cast<float>(output - h), label)) /
                           (2 * h);
      EXPECT_NEAR(loss->Derivative(output, label), slope, 1e-4) << output << " " << label;
    }
  }
}

TEST_P(EveryLoss, IsLeastAtTheLabel) {
  const auto loss = MakeLoss(GetParam());
  const float output = loss->IsBinary() ? std::log(0.3f / 0.7f) : 0.3f;
  EXPECT_NEAR(loss->Derivative(output, 0.3f), 0, 1e-6);
  EXPECT_NEAR(loss->Prediction(output), 0.3f, 1e-6);
}

TEST_P(EveryLoss, StaysFiniteFarOut) {
  const auto loss = MakeLoss(GetParam());
  for (float output : {-1e4f, 1e4f}) {
    EXPECT_TRUE(std::isfinite(loss->Value(output, 1)));
    EXPECT_TRUE(std::isfinite(loss->Derivative(output, 1)));
    EXPECT_TRUE(std::isfinite(loss->Prediction(output)));
  }
  EXPECT_FALSE(loss->Accepts(kMissing));
}

INSTANTIATE_TEST_SUITE_P(All, EveryLoss, ::testing::ValuesIn(EveryLossTask()));

TEST(BinaryCrossEntropy, OfHandComputedLogits) {
  const auto loss = MakeBinaryCrossEntropy();
  EXPECT_NEAR(loss->Value(0, 1), std::log(2.0), 1e-12);
  EXPECT_NEAR(loss->Value(2, 1), std::log1p(std::exp(-2.0)), 1e-12);
  EXPECT_NEAR(loss->Value(2, 0), 2 + std::log1p(std::exp(-2.0)), 1e-12);
  EXPECT_NEAR(loss->Value(-1e4f, 1), 1e4, 1e-6);
  EXPECT_FLOAT_EQ(loss->Prediction(-1e4f), 0);
  EXPECT_FLOAT_EQ(loss->Prediction(1e4f), 1);
  EXPECT_FALSE(loss->Accepts(1.5f));
}

TEST(SquaredError, IsTheSquareOfTheError) {
  const auto loss = MakeSquaredError();
  EXPECT_DOUBLE_EQ(loss->Value(3, 1), 4);
  EXPECT_FLOAT_EQ(loss->Derivative(3, 1), 4);
  EXPECT_TRUE(loss->Accepts(-7));
}

}  // namespace
}  // namespace zhiyin::worker
