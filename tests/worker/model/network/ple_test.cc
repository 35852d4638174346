// What is PLE's own: its equations, and the jobs that it cannot have.
#include <gtest/gtest.h>

#include <string>
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
using testing::Point;
using testing::Taker;
using testing::Values;

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

TEST(Ple, IsRefusedWithOneLineWhereItCannotBe) {
  ExpectRefused({
      {"ple {}", "job:13: model.ple: level has no entry, expected at least 1"},
      {"ple { level { task_experts: 1 expert: 4 } }",
       "job:13: model.ple.level[0].shared_experts: is 0, expected 1 to 1024"},
      {"ple { level { shared_experts: 1 expert: 4 } }",
       "job:13: model.ple.level[0].task_experts: is 0, expected 1 to 1024"},
      {"ple { level { shared_experts: 1 task_experts: 1 expert: 4 } level { shared_experts: 2 "
       "task_experts: 1 } }",
       "job:13: model.ple.level[1]: expert has no layer, expected at least 1"},
      {"ple { level { shared_experts: 1 task_experts: 1 expert: -3 } }",
       "job:13: model.ple.level[0].expert[0]: is -3, expected 1 to 65536"},
      {"ple { level { shared_experts: 1 task_experts: 512 expert: 4 } }",
       "job:13: model.ple.level[0].task_experts: is 512 for each of 2 tasks, which makes 1025 "
       "experts with the shared ones, expected at most 1024"},
      {"ple { level { shared_experts: 1 task_experts: 1 expert: 4 } tower: 0 }",
       "job:13: model.ple.tower[0]: is 0, expected 1 to 65536"},
  });
}

TEST(Ple, IsAcceptedWhereEverythingFits) {
  EXPECT_EQ(LineOfModel("ple { level { shared_experts: 1 task_experts: 1 expert: 4 } }"),
            testing::kNoError);
}

}  // namespace
}  // namespace zhiyin::worker::model
