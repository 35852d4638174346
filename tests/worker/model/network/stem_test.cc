// What is STEM's own: its equations, with the gradients that it stops, and the jobs that it cannot
// have.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/example_jobs.h"
#include "tests/support/plain_twin.h"
#include "tests/support/refused_jobs.h"

namespace zhiyin::worker::model {
namespace {

using testing::ExampleJob;
using testing::ExpectLikeTwin;
using testing::ExpectRefused;
using testing::Joined;
using testing::LineOfModel;
using testing::PlainBank;
using testing::PlainLayer;
using testing::PlainMixture;
using testing::PlainMlp;
using testing::PlainPart;
using testing::PlainSoftmax;
using testing::Point;
using testing::Taker;
using testing::Values;

/// One task's output, with the weights and inputs that it changes from `own`, and the other task's
/// experts from `held`.
double StemOutput(size_t task, const Point& own, const Point& held) {
  Taker from(own.weights), from_held(held.weights);
  const auto experts = [](Taker* taker) {
    return std::vector<PlainBank>{
        {10, 2, {5, 4}, {}, taker}, {10, 1, {5, 4}, {}, taker}, {10, 1, {5, 4}, {}, taker}};
  };
  const std::vector<PlainBank> live = experts(&from), stopped = experts(&from_held);
  const PlainLayer gates[] = {{10, 4, &from}, {10, 4, &from}};
  const PlainMlp towers[] = {{4, {3, 1}, false, &from}, {4, {3, 1}, false, &from}};
  EXPECT_TRUE(from.AtEnd());
  std::vector<Values> all = live[0].Experts(PlainPart(own.x, 0, 3));
  for (size_t t = 0; t < 2; ++t) {
    const bool is_own = t == task;
    all = Joined(all, (is_own ? live : stopped)[t + 1].Experts(
                          PlainPart(is_own ? own.x : held.x, t + 1, 3)));
  }
  Values gate_input = PlainPart(own.x, task + 1, 3);
  const Values shared = PlainPart(own.x, 0, 3);
  for (size_t k = 0; k < 8; ++k) gate_input[k] += shared[k];
  return towers[task](PlainMixture(PlainSoftmax(gates[task](gate_input, false)), all))[0];
}

TEST(StemReference, OtherTasksExpertsAreReadButNotChanged) {
  ExpectLikeTwin(
      ExampleJob("stem { shared_experts: 2 task_experts: 1 expert: 5 expert: 4 tower: 3 }", 6),
      [](const Point& at, const Point& held) {
        return Values{StemOutput(0, at, held), StemOutput(1, at, held)};
      });
}

TEST(Stem, IsRefusedWithOneLineWhereItCannotBe) {
  ExpectRefused({
      {"stem { task_experts: 1 expert: 4 }",
       "job:13: model.stem.shared_experts: is 0, expected 1 to 1024"},
      {"stem { shared_experts: 1 task_experts: 1 }",
       "job:13: model.stem: expert has no layer, expected at least 1"},
      {"stem { shared_experts: 1 task_experts: 1 expert: 4 tower: 0 }",
       "job:13: model.stem.tower[0]: is 0, expected 1 to 65536"},
      {"stem { shared_experts: 1 task_experts: 1 expert: 4 }",
       "--set table[ids].dim=8: table[ids].dim: is 8, expected a multiple of 3: a row is a shared "
       "part and one for each task, of the same width",
       {"table[ids].dim=8"}},
      {"stem { shared_experts: 1 task_experts: 1 expert: 4 } interaction { inputs {} }",
       "job:13: model.interaction[0]: means nothing to stem, which reads the fields' rows, "
       "expected none"},
      {R"(stem { shared_experts: 1 task_experts: 1 expert: 4 } sequence { field: "item" pool {} })",
       "job:13: model.sequence[0]: means nothing to stem, expected fields that are pooled",
       {"field[item].sequence_length=3"}},
  });
}

TEST(Stem, IsAcceptedWhereEverythingFits) {
  EXPECT_EQ(LineOfModel("stem { shared_experts: 1 task_experts: 1 expert: 4 }"), testing::kNoError);
}

}  // namespace
}  // namespace zhiyin::worker::model
