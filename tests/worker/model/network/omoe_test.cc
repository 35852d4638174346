// What is the one-gate mixture's own: its equations, what its tasks share, and the jobs that it
// cannot have.
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
using testing::PlainBank;
using testing::PlainMixture;
using testing::PlainMlp;
using testing::Point;
using testing::Taker;
using testing::Values;

TEST(OmoeReference, AllTasksReadOneMixture) {
  ExpectLikeTwin(ExampleJob("omoe { n_experts: 3 expert: 6 expert: 4 tower: 3 }", 3),
                 [](const Point& at, const Point&) {
                   Taker from(at.weights);
                   const PlainBank bank(14, 3, {6, 4}, {3}, &from);
                   const PlainMlp first(4, {3, 1}, false, &from), second(4, {3, 1}, false, &from);
                   EXPECT_TRUE(from.AtEnd());
                   const Values mixture = PlainMixture(bank.Gates(at.x)[0], bank.Experts(at.x));
                   return Values{first(mixture)[0], second(mixture)[0]};
                 });
}

TEST(Omoe, IsRefusedWithOneLineWhereItCannotBe) {
  testing::ExpectRefused({
      {"omoe { n_experts: 0 expert: 8 tower: 4 }",
       "job:13: model.omoe.n_experts: is 0, expected 1 to 1024"},
      {"omoe { n_experts: 2 tower: 4 }",
       "job:13: model.omoe: expert has no layer, expected at least 1"},
      {"omoe { n_experts: 2 expert: 8 tower: 0 }",
       "job:13: model.omoe.tower[0]: is 0, expected 1 to 65536"},
  });
}

TEST(Omoe, SharesAllButItsTowers) {
  const Job job = ExampleJob("omoe { n_experts: 3 expert: 4 tower: 2 }", 2);
  const int n_own = 2 * ((4 * 2 + 2) + (2 * 1 + 1));  // a tower, 4 -> 2 -> 1, for each task
  const balance::SharedParameters shared = balance::FindSharedParameters(job, MakeModel(job).get());
  EXPECT_EQ((shared.weights == 0).count(), n_own);
}

}  // namespace
}  // namespace zhiyin::worker::model
