// Whole jobs of two towers: the softmax over the items of a slice.
#include <gtest/gtest.h>

#include <string>

#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

/// 64 users with one item, whose field is dropped from some examples, and a price of the day.
Job OneItem(const TempFolder& folder, const std::string& in_batch) {
  std::string text = "user,item,tag,price\n";
  for (int u = 0; u < 64; ++u)
    text += "u" + std::to_string(u) + ",i0,g0," + std::to_string(u % 7) + "\n";
  return launch::job::ParseJob(R"(
      data { text { header: true } train { file: ")" +
                                   folder.Write("rows.csv", text) +
                                   R"(" } }
      table { name: "t" dim: 4 optimizer { sgd { learning_rate: 0.1 } } init { normal { stddev: 1 } } }
      field { name: "user" }
      field { name: "item" augment { dropout: 0.3 } }
      field { name: "tag" }
      numeric { name: "price" }
      task { name: "one" label { column: "tag" equals: "g0" } binary_cross_entropy {} weight: 0 }
      model { two_tower {
        user { field: "user" } item { field: "item" field: "tag" numeric: "price" hidden: 4 } dim: 4
        in_batch { )" + in_batch + R"( } } }
      train { epochs: 1 batch_size: 32 slices: 2 dense_optimizer { sgd { learning_rate: 0.1 } } })",
                               "job", ".", {});
}

TEST(WholeJobOfTwoTowers, AnItemIsNoNegativeOfItselfWhateverItsInputs) {
  TempFolder folder;
  const Outcome named = RunJob(OneItem(folder, R"(item: "item")"), 1, 2, 1);
  ASSERT_EQ(named.exit_code, 0) << named.error();
  EXPECT_EQ(LinesOf(named.metrics, "train", "one").back().value("own_loss", 0.0), 0);
  const Outcome by_inputs = RunJob(OneItem(folder, ""), 1, 2, 1);
  ASSERT_EQ(by_inputs.exit_code, 0) << by_inputs.error();
  EXPECT_GT(LinesOf(by_inputs.metrics, "train", "one").back()["own_loss"], 0)
      << "another price is another item";
}

}  // namespace
}  // namespace zhiyin::testing
