// Whole jobs of ESMM: its conditional tasks.
#include <gtest/gtest.h>

#include <string>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

using worker::train::Json;

TEST(WholeJobOfEsmm, AConditionalTaskIsMeasuredWhereItIsDefined) {
  TempFolder folder;
  std::string text;
  int n_clicks = 0;
  Random random(4);
  for (int i = 0; i < 600; ++i) {
    const int user = static_cast<int>(random.Below(5)), item = static_cast<int>(random.Below(5));
    const bool click = random.Uniform() < 0.2 + 0.1 * user;
    const bool order = click && random.Uniform() < 0.1 + 0.15 * item;
    text += "u" + std::to_string(user) + ",i" + std::to_string(item) + "," + (click ? "1," : "0,") +
            (order ? "1," : "0,") + (click ? (order ? "1" : "0") : "") + "\n";
    n_clicks += i >= 400 && click;
  }
  const std::string file = folder.Write("rows.csv", text);
  const auto job = [&](const std::string& of_esmm) {
    return launch::job::ParseJob(R"(
        data {
          text { column_name: ["user", "item", "click", "order", "conversion"] }
          train { file: ")" + file + R"(" n_rows: 400 }
          test { file: ")" + file + R"(" first_row: 400 }
        }
        table { name: "ids" dim: 4 optimizer { adam { learning_rate: 0.02 } } }
        field { name: "user" }
        field { name: "item" }
        task { name: "click" label { equals: "1" } binary_cross_entropy {} }
        task { name: "order" label { equals: "1" } binary_cross_entropy {} }
        task { name: "conversion" label { equals: "1" } binary_cross_entropy {} }
        model { esmm { hidden: 8 step { task: "click" } step { task: "order" conditional_task: "conversion" } )" +
                                     of_esmm + R"( } }
        train { epochs: 12 batch_size: 40 slices: 4 seed: 3 dense_optimizer { adam { learning_rate: 0.02 } } })",
                                 "job", ".", {});
  };
  const Outcome outcome = RunJob(job(""), 1, 2, 1);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  const Json& conversion = outcome.summary["tasks"]["conversion"];
  EXPECT_EQ(conversion["samples"], n_clicks);
  EXPECT_EQ(outcome.summary["tasks"]["order"]["samples"], 200);
  EXPECT_GT(conversion["auc"], 0.6) << "it is implied by click and order";
  EXPECT_EQ(LinesOf(outcome.metrics, "train", "conversion").back().count("own_loss"), 0u);

  const Outcome counterfactual = RunJob(job("ipw_weight: 0.5"), 1, 2, 1);
  ASSERT_EQ(counterfactual.exit_code, 0) << counterfactual.error();
  EXPECT_GT(LinesOf(counterfactual.metrics, "train", "conversion").back()["own_loss"], 0.01);
  EXPECT_GT(counterfactual.summary["tasks"]["conversion"]["auc"], 0.6);
}

}  // namespace
}  // namespace zhiyin::testing
