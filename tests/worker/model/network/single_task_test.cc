// What is the single tasks' own: their equations, what they share, and the jobs that they cannot
// have.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/example_jobs.h"
#include "tests/support/plain_twin.h"
#include "tests/support/refused_jobs.h"
#include "worker/model/balance/shared_parameters.h"
#include "worker/model/model.h"

namespace zhiyin::worker::model {
namespace {

using testing::ExampleJob;
using testing::ExpectLikeTwin;
using testing::ExpectRefused;
using testing::LineOfModel;
using testing::PlainBank;
using testing::PlainLayer;
using testing::PlainMlp;
using testing::PlainPart;
using testing::Point;
using testing::Taker;
using testing::Values;

TEST(SingleTaskReference, ANetworkForEachTask) {
  ExpectLikeTwin(ExampleJob("single_task { hidden: 5 hidden: 4 }", 3),
                 [](const Point& at, const Point&) {
                   Taker from(at.weights);
                   const PlainBank hidden(14, 2, {5, 4}, {}, &from);
                   const PlainLayer first(4, 1, &from), second(4, 1, &from);
                   EXPECT_TRUE(from.AtEnd());
                   const std::vector<Values> h = hidden.Experts(at.x);
                   return Values{first(h[0], false)[0], second(h[1], false)[0]};
                 });
}

TEST(SingleTaskReference, OwnRowsShareNothing) {
  ExpectLikeTwin(ExampleJob("single_task { hidden: 5 own_rows: true }", 4),
                 [](const Point& at, const Point&) {
                   Taker from(at.weights);
                   const PlainMlp first(10, {5, 1}, false, &from), second(10, {5, 1}, false, &from);
                   EXPECT_TRUE(from.AtEnd());
                   return Values{first(PlainPart(at.x, 0, 2))[0], second(PlainPart(at.x, 1, 2))[0]};
                 });
}

TEST(SingleTask, IsRefusedWithOneLineWhereItCannotBe) {
  ExpectRefused({
      {"single_task {}", "job:13: model.single_task: hidden has no layer, expected at least 1"},
      {"single_task { hidden: [4, 0] }",
       "job:13: model.single_task.hidden[1]: is 0, expected 1 to 65536"},
      {"single_task { hidden: 4 own_rows: true }",
       "--set table[ids].dim=7: table[ids].dim: is 7, expected a multiple of 2: a row is a part "
       "for each task, of the same width",
       {"table[ids].dim=7"}},
      {"single_task { hidden: 4 own_rows: true } interaction { fm {} }",
       "job:13: model.interaction[0]: means nothing to single_task with own_rows, which reads the "
       "fields' rows, expected none"},
  });
}

TEST(SingleTask, IsAcceptedWhereEverythingFits) {
  EXPECT_EQ(LineOfModel("single_task { hidden: 4 }"), testing::kNoError);
  EXPECT_EQ(LineOfModel("single_task { hidden: 4 own_rows: true }"), testing::kNoError);
}

balance::SharedParameters SharedBy(const Job& job) {
  return balance::FindSharedParameters(job, MakeModel(job).get());
}

TEST(SingleTask, SharesItsInputs) {
  const balance::SharedParameters shared = SharedBy(ExampleJob("single_task { hidden: 5 }", 2));
  EXPECT_TRUE((shared.weights == 0).all());
  for (const Eigen::ArrayXf& columns : shared.table_columns) EXPECT_TRUE((columns == 1).all());
}

TEST(SingleTask, SharesNothingWithOwnRows) {
  const balance::SharedParameters shared =
      SharedBy(ExampleJob("single_task { hidden: 5 own_rows: true }", 4));
  EXPECT_TRUE((shared.weights == 0).all());
  for (const Eigen::ArrayXf& columns : shared.table_columns) EXPECT_TRUE((columns == 0).all());
}

}  // namespace
}  // namespace zhiyin::worker::model
