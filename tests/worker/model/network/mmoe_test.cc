// What is MMoE's own: its equations.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/example_jobs.h"
#include "tests/support/plain_twin.h"

namespace zhiyin::worker::model {
namespace {

using testing::ExampleJob;
using testing::ExpectLikeTwin;
using testing::PlainBank;
using testing::PlainMixture;
using testing::PlainMlp;
using testing::Point;
using testing::Taker;
using testing::Values;

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

}  // namespace
}  // namespace zhiyin::worker::model
