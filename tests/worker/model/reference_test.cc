// The fast models against their plain twins: the equations of the papers, loop by loop. Example
// jobs have two tasks, four fields and two numerics.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/example_jobs.h"
#include "tests/support/plain_twin.h"

namespace zhiyin::worker::model {
namespace {

using testing::ExampleJob;
using testing::ExpectLikeTwin;
using testing::Joined;
using testing::PlainBank;
using testing::PlainLayer;
using testing::PlainMixture;
using testing::PlainMlp;
using testing::PlainSoftmax;
using testing::Point;
using testing::Slice;
using testing::Taker;
using testing::Values;

TEST(SharedBottomReference, OneNetworkThenATowerForEachTask) {
  ExpectLikeTwin(ExampleJob("shared_bottom { bottom: 7 bottom: 5 tower: 3 }", 3),
                 [](const Point& at, const Point&) {
                   Taker from(at.weights);
                   const PlainMlp bottom(14, {7, 5}, true, &from);
                   const PlainMlp first(5, {3, 1}, false, &from), second(5, {3, 1}, false, &from);
                   EXPECT_TRUE(from.AtEnd());
                   const Values h = bottom(at.x);
                   return Values{first(h)[0], second(h)[0]};
                 });
}

TEST(MmoeReference, EachTaskMixesTheExpertsByItsOwnGate) {
  ExpectLikeTwin(ExampleJob("mmoe { n_experts: 3 expert: 6 expert: 4 tower: 3 }", 3),
                 [](const Point& at, const Point&) {
                   Taker from(at.weights);
                   const PlainBank bank(14, 3, {6, 4}, {3, 3}, &from);
                   const PlainMlp first(4, {3, 1}, false, &from), second(4, {3, 1}, false, &from);
                   EXPECT_TRUE(from.AtEnd());
                   const std::vector<Values> experts = bank.Experts(at.x), gates = bank.Gates(at.x);
                   return Values{first(PlainMixture(gates[0], experts))[0],
                                 second(PlainMixture(gates[1], experts))[0]};
                 });
}

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

/// Part p of rows of four fields, whose parts have two columns, then both numerics.
Values PartOf(const Values& x, size_t p, size_t n_parts) {
  Values part;
  for (size_t field = 0; field < 4; ++field) {
    for (size_t k = 0; k < 2; ++k) part.push_back(x[2 * n_parts * field + 2 * p + k]);
  }
  part.insert(part.end(), x.end() - 2, x.end());
  return part;
}

TEST(SingleTaskReference, OwnRowsShareNothing) {
  ExpectLikeTwin(ExampleJob("single_task { hidden: 5 own_rows: true }", 4),
                 [](const Point& at, const Point&) {
                   Taker from(at.weights);
                   const PlainMlp first(10, {5, 1}, false, &from), second(10, {5, 1}, false, &from);
                   EXPECT_TRUE(from.AtEnd());
                   return Values{first(PartOf(at.x, 0, 2))[0], second(PartOf(at.x, 1, 2))[0]};
                 });
}

TEST(PleReference, OneLevelIsCustomizedGateControl) {
  ExpectLikeTwin(
      ExampleJob("ple { level { shared_experts: 1 task_experts: 2 expert: 5 expert: 4 } tower: 3 }",
                 3),
      [](const Point& at, const Point&) {
        Taker from(at.weights);
        const PlainBank bank(14, 5, {5, 4}, {3, 3}, &from);
        const PlainMlp first(4, {3, 1}, false, &from), second(4, {3, 1}, false, &from);
        EXPECT_TRUE(from.AtEnd());
        const std::vector<Values> e = bank.Experts(at.x), gates = bank.Gates(at.x);
        return Values{first(PlainMixture(gates[0], {e[0], e[1], e[4]}))[0],
                      second(PlainMixture(gates[1], {e[2], e[3], e[4]}))[0]};
      });
}

TEST(PleReference, LevelsReadTheGatesBelow) {
  const std::string text = R"(ple {
      level { shared_experts: 1 task_experts: 1 expert: 5 }
      level { shared_experts: 2 task_experts: 1 expert: 4 expert: 3 }
      level { shared_experts: 1 task_experts: 2 expert: 4 } })";
  ExpectLikeTwin(ExampleJob(text, 2), [](const Point& at, const Point&) {
    Taker from(at.weights);
    const PlainBank level1(10, 3, {5}, {2, 2, 3}, &from);
    const PlainBank first2(5, 1, {4, 3}, {3}, &from), second2(5, 1, {4, 3}, {3}, &from),
        shared2(5, 2, {4, 3}, {4}, &from);
    const PlainBank first3(3, 2, {4}, {3}, &from), second3(3, 2, {4}, {3}, &from),
        shared3(3, 1, {4}, {}, &from);
    const PlainLayer first(4, 1, &from), second(4, 1, &from);
    EXPECT_TRUE(from.AtEnd());
    const std::vector<Values> e = level1.Experts(at.x), gates = level1.Gates(at.x);
    const Values a1 = PlainMixture(gates[0], {e[0], e[2]}),
                 b1 = PlainMixture(gates[1], {e[1], e[2]});
    const Values s1 = PlainMixture(gates[2], e);
    const std::vector<Values> a = first2.Experts(a1), b = second2.Experts(b1),
                              s = shared2.Experts(s1);
    const Values a2 = PlainMixture(first2.Gates(a1)[0], Joined(a, s));
    const Values b2 = PlainMixture(second2.Gates(b1)[0], Joined(b, s));
    const Values s2 = PlainMixture(shared2.Gates(s1)[0], Joined(Joined(a, b), s));
    const std::vector<Values> shared = shared3.Experts(s2);
    const Values a3 = PlainMixture(first3.Gates(a2)[0], Joined(first3.Experts(a2), shared));
    const Values b3 = PlainMixture(second3.Gates(b2)[0], Joined(second3.Experts(b2), shared));
    return Values{first(a3, false)[0], second(b3, false)[0]};
  });
}

double Sigmoid(double z) {
  return 1 / (1 + std::exp(-z));
}

TEST(EsmmReference, OutputsAreLogitsOfTheProductAndOfTheClick) {
  const Job job = ExampleJob(
      R"(esmm { hidden: 5 hidden: 4 step { task: "first_group" } step { task: "rating" } })", 3, 0,
      true);
  ExpectLikeTwin(job, [](const Point& at, const Point&) {
    Taker from(at.weights);
    const PlainBank hidden(14, 2, {5, 4}, {}, &from);
    const PlainLayer click(4, 1, &from), conversion(4, 1, &from);
    EXPECT_TRUE(from.AtEnd());
    const std::vector<Values> h = hidden.Experts(at.x);
    const double a = click(h[0], false)[0], b = conversion(h[1], false)[0];
    const double p = Sigmoid(a) * Sigmoid(b);
    return Values{std::log(p / (1 - p)), a};
  });
}

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

/// n numbers for each pair of tasks: [to][from][n].
std::vector<std::vector<Values>> TakeStitches(size_t n, Taker* from) {
  std::vector<std::vector<Values>> stitches(2, std::vector<Values>(2, Values(n)));
  for (auto& to : stitches) {
    for (Values& pair : to) {
      for (double& a : pair) a = from->Take();
    }
  }
  return stitches;
}

Values Stitched(const std::vector<std::vector<Values>>& a, size_t to,
                const std::vector<Values>& h) {
  Values u(h[0].size());
  for (size_t s = 0; s < 2; ++s) {
    for (size_t k = 0; k < u.size(); ++k) u[k] += a[to][s][a[to][s].size() == 1 ? 0 : k] * h[s][k];
  }
  return u;
}

TEST(CrossStitchReference, UnitsMixTheTasksAfterEveryLayer) {
  for (const bool per_column : {false, true}) {
    SCOPED_TRACE(per_column);
    const std::string text = std::string("cross_stitch { hidden: 5 hidden: 4 per_column: ") +
                             (per_column ? "true }" : "false }");
    ExpectLikeTwin(ExampleJob(text, 3), [&](const Point& at, const Point&) {
      Taker from(at.weights);
      const PlainLayer wide(14, 10, &from);
      const auto stitch1 = TakeStitches(per_column ? 5 : 1, &from);
      const PlainLayer first2(5, 4, &from), second2(5, 4, &from);
      const auto stitch2 = TakeStitches(per_column ? 4 : 1, &from);
      const PlainLayer first(4, 1, &from), second(4, 1, &from);
      EXPECT_TRUE(from.AtEnd());
      const Values h = wide(at.x, true);
      const std::vector<Values> h1 = {Slice(h, 0, 5), Slice(h, 5, 5)};
      const std::vector<Values> h2 = {first2(Stitched(stitch1, 0, h1), true),
                                      second2(Stitched(stitch1, 1, h1), true)};
      return Values{first(Stitched(stitch2, 0, h2), false)[0],
                    second(Stitched(stitch2, 1, h2), false)[0]};
    });
  }
}

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
  std::vector<Values> all = live[0].Experts(PartOf(own.x, 0, 3));
  for (size_t t = 0; t < 2; ++t) {
    const bool is_own = t == task;
    all = Joined(
        all, (is_own ? live : stopped)[t + 1].Experts(PartOf(is_own ? own.x : held.x, t + 1, 3)));
  }
  Values gate_input = PartOf(own.x, task + 1, 3);
  const Values shared = PartOf(own.x, 0, 3);
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

}  // namespace
}  // namespace zhiyin::worker::model
