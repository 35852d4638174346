#include "worker/train/left_out.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "launch/job/load_job.h"
#include "worker/model/input_layout.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

/// A batch of examples with these values of two numerics.
model::EmbeddingInput InputOf(const std::vector<double>& numerics) {
  const Job job = launch::job::ParseJob(R"(
      data { text { column_name: ["x", "y", "click"] } train { file: "a.csv" } }
      numeric { name: "x" } numeric { name: "y" }
      task { name: "click" label { equals: "1" } binary_cross_entropy {} }
      model { linear {} }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
                                        "job", ".", {});
  model::EmbeddingInput input(job, model::InputLayout::Of(job));
  data::Examples rows(0, 2, 1);
  rows.n = static_cast<int64_t>(numerics.size() / 2);
  rows.numerics = numerics;
  rows.labels.assign(static_cast<size_t>(rows.n), 0.0);
  input.Prepare(rows);
  return input;
}

using Positions = std::vector<int64_t>;

TEST(ToLeaveOut, WhereOthersHaveAPredictionEachExplainsItself) {
  const model::EmbeddingInput input = InputOf({1, 1e30, 0, 0, 2, 2});
  EXPECT_THAT(ToLeaveOut(input, Positions{}), IsEmpty());
  EXPECT_THAT(ToLeaveOut(input, Positions{1, 2}), ElementsAre(1, 2));
}

TEST(ToLeaveOut, WhereNoneHasOneTheMostExtremeExplainIt) {
  const Positions all = {0, 1, 2, 3};
  EXPECT_THAT(ToLeaveOut(InputOf({1, 1e30, 0, 0, -1e28, 2, 1e20, 0}), all), ElementsAre(0, 2));
  EXPECT_THAT(ToLeaveOut(InputOf({1, 2, 0, 0, -1e28, 2, 1e20, 0}), all), ElementsAre(2));
  EXPECT_THAT(ToLeaveOut(InputOf({1, 2, 0, 0, 999, 2, 1000, 0}), all), ElementsAre(3));
  EXPECT_THAT(ToLeaveOut(InputOf({1, 2, 0, 0, 999, 2, -999, 0}), all), IsEmpty());
}

TEST(ToLeaveOut, IsOfTheExamplesThatAreLeft) {
  model::EmbeddingInput input = InputOf({1, 1e30, 0, 0, 5, 1e25});
  input.LeaveOut(Positions{0});
  EXPECT_THAT(ToLeaveOut(input, Positions{0, 1}), ElementsAre(1));
  EXPECT_EQ(input.place(1), 2);
}

data::Unpredicted So(int64_t n) {
  data::Unpredicted left_out;
  left_out.n = n;
  left_out.first.push_back({0, 0, "that one"});
  return left_out;
}

TEST(CheckLeftOut, AllowsOnePercentAndOneExampleButNotAll) {
  EXPECT_NO_THROW(CheckLeftOut({}, 1, 1));
  EXPECT_NO_THROW(CheckLeftOut(So(1), 2, 1));
  EXPECT_NO_THROW(CheckLeftOut(So(1), 299, 1));
  EXPECT_NO_THROW(CheckLeftOut(So(3), 399, 1));
  EXPECT_THROW(CheckLeftOut(So(1), 1, 1), Error);
  EXPECT_THROW(CheckLeftOut(So(2), 199, 1), Error);
  EXPECT_THAT([] { CheckLeftOut(So(4), 399, 7); },
              ThrowsMessage<Error>(::testing::AllOf(
                  HasSubstr("epoch 7: the loss of tasks is not finite for 4 of 399 examples"),
                  HasSubstr("the first one: that one"))));
}

}  // namespace
}  // namespace zhiyin::worker::train
