// What is cross-stitch's own: its equations, and the jobs that it cannot have.
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
using testing::LineOfJob;
using testing::LineOfModel;
using testing::PlainLayer;
using testing::Point;
using testing::ShopJob;
using testing::Slice;
using testing::Taker;
using testing::Values;

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

TEST(CrossStitch, IsRefusedWithOneLineWhereItCannotBe) {
  ExpectRefused({
      {"cross_stitch { per_column: true }",
       "job:13: model.cross_stitch: hidden has no layer, expected at least 1"},
  });
}

TEST(CrossStitch, IsAcceptedWhereEverythingFits) {
  EXPECT_EQ(LineOfModel("cross_stitch { hidden: 4 }"), testing::kNoError);
}

TEST(CrossStitch, OneTaskIsNotEnough) {
  EXPECT_EQ(LineOfJob(ShopJob(testing::kClickTask, "cross_stitch { hidden: 4 }")),
            "job:12: model.cross_stitch: the job has one task, expected at least 2");
}

}  // namespace
}  // namespace zhiyin::worker::model
