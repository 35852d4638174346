// Ranks that work for longer than the limit of silence are alive.
#include <gtest/gtest.h>

#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"

namespace zhiyin::testing {
namespace {

/// Two slow servers that four workers ask without pause, while the servers save for longer than the
/// limit.
TEST(Life, AServerThatIsNeverIdleWhileItSavesIsAlive) {
  SimulatedJob run;
  run.job = launch::job::ParseJob(R"(
    data { generated_uniform { n_rows: 60000 n_columns: 8 n_categories: 600000 n_labels: 1 seed: 1 }
           train {} }
    table { name: "t" dim: 1 optimizer { sgd { learning_rate: 0.05 } } }
    field { name: "category_0" } field { name: "category_1" } field { name: "category_2" }
    field { name: "category_3" } field { name: "category_4" } field { name: "category_5" }
    field { name: "category_6" } field { name: "category_7" }
    task { name: "label_0" label { number {} } binary_cross_entropy {} }
    model { shared_bottom { bottom: 2 } }
    train { epochs: 1 batch_size: 200 staleness: -1 slices: 1 prefetch: true seed: 1
            dense_optimizer { sgd { learning_rate: 0.01 } } checkpoint { every_steps: 200 } })",
                                  "job", ".", {});
  run.n_servers = 2;
  run.n_workers = 4;
  run.timeout_s = 2;
  run.network.work_ns = 10'000;
  run.network.slow = {{0, 4000}, {1, 4000}};
  const Outcome outcome = Simulate(run);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_EQ(outcome.summary["samples"], 60'000);
}

}  // namespace
}  // namespace zhiyin::testing
