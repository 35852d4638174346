// What is the shared bottom's own: its equations.
#include <gtest/gtest.h>

#include "tests/support/example_jobs.h"
#include "tests/support/plain_twin.h"

namespace zhiyin::worker::model {
namespace {

using testing::ExampleJob;
using testing::ExpectLikeTwin;
using testing::PlainMlp;
using testing::Point;
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

}  // namespace
}  // namespace zhiyin::worker::model
