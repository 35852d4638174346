// What is AITM's own: its equations, and the jobs that it cannot have.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/example_jobs.h"
#include "tests/support/plain_twin.h"
#include "tests/support/refused_jobs.h"

namespace zhiyin::worker::model {
namespace {

using testing::ExampleJob;
using testing::ExpectLikeTwin;
using testing::ExpectRefused;
using testing::LineOfJob;
using testing::LineOfModel;
using testing::PlainBank;
using testing::PlainLayer;
using testing::PlainMixture;
using testing::PlainSoftmax;
using testing::Point;
using testing::ShopJob;
using testing::Slice;
using testing::Taker;
using testing::Values;

TEST(AitmReference, ATaskWeighsWhatTheOneBeforeFound) {
  ExpectLikeTwin(
      ExampleJob("aitm { hidden: 5 hidden: 4 calibration_weight: 0 }", 3),
      [](const Point& at, const Point&) {
        Taker from(at.weights);
        const PlainBank hidden(14, 2, {5, 4}, {}, &from);
        const PlainLayer passed(4, 4, &from), vkq(4, 12, &from);
        const PlainLayer first(4, 1, &from), second(4, 1, &from);
        EXPECT_TRUE(from.AtEnd());
        const std::vector<Values> q = hidden.Experts(at.x);
        const std::vector<Values> both = {vkq(passed(q[0], true), false), vkq(q[1], false)};
        Values scores;
        for (const Values& u : both) {
          double score = 0;
          for (size_t k = 0; k < 4; ++k) score += u[4 + k] * u[8 + k];
          scores.push_back(score / 2);  // sqrt(4)
        }
        const Values z =
            PlainMixture(PlainSoftmax(scores), {Slice(both[0], 0, 4), Slice(both[1], 0, 4)});
        return Values{first(q[0], false)[0], second(z, false)[0]};
      });
}

TEST(Aitm, IsRefusedWithOneLineWhereItCannotBe) {
  ExpectRefused({
      {"aitm {}", "job:13: model.aitm: hidden has no layer, expected at least 1"},
      {"aitm { hidden: 4 calibration_weight: -0.5 }",
       "job:13: model.aitm.calibration_weight: is -0.5, expected 0 or more"},
  });
}

TEST(Aitm, IsAcceptedWhereEverythingFits) {
  EXPECT_EQ(LineOfModel("aitm { hidden: 4 }"), testing::kNoError);
}

TEST(Aitm, OneTaskIsNotEnough) {
  EXPECT_EQ(LineOfJob(ShopJob(testing::kClickTask, "aitm { hidden: 4 }")),
            "job:12: model.aitm: the job has one task, expected at least 2");
}

TEST(Aitm, TheCalibratorNeedsProbabilities) {
  const std::string tasks = std::string(testing::kClickTask) + testing::kPriceTask;
  EXPECT_EQ(LineOfJob(ShopJob(tasks, "aitm { hidden: 4 }")),
            "job:13: model.aitm.calibration_weight: task \"price\" has another loss, expected "
            "binary_cross_entropy: the calibrator compares probabilities");
  EXPECT_EQ(LineOfJob(ShopJob(tasks, "aitm { hidden: 4 calibration_weight: 0 }")),
            testing::kNoError);
}

}  // namespace
}  // namespace zhiyin::worker::model
