#include "tests/support/refused_jobs.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "launch/job/load_job.h"

namespace zhiyin::testing {

std::string LineOfJob(std::string_view text, const std::vector<std::string>& overrides) {
  try {
    launch::job::ParseJob(text, "job", "/data", overrides);
  } catch (const Error& e) {
    return e.what();
  }
  return kNoError;
}

std::string ShopJob(const std::string& tasks, const std::string& model) {
  return R"(name: "shop"
data {
  text { delimiter: "\t" column_name: ["user", "item", "price", "click", "order"] }
  train { file: "a.tsv" }
}
table { name: "ids" dim: 6 optimizer { sgd { learning_rate: 0.1 } } }
field { name: "user" }
field { name: "item" separator: "|" }
numeric { name: "price" }
)" + tasks +
         R"(train { epochs: 1 batch_size: 64 dense_optimizer { sgd { learning_rate: 0.1 } } }
model { )" +
         model + " }\n";
}

std::string LineOfModel(const std::string& model, const std::vector<std::string>& overrides) {
  return LineOfJob(ShopJob(std::string(kClickTask) + kOrderTask, model), overrides);
}

void ExpectRefused(const std::vector<RefusedModel>& rows) {
  for (const RefusedModel& row : rows)
    EXPECT_EQ(LineOfModel(row.model, row.overrides), row.line) << row.model;
}

}  // namespace zhiyin::testing
