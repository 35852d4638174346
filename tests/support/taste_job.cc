#include "tests/support/taste_job.h"

#include <sstream>

namespace zhiyin::testing {

std::string TasteEvents() {
  std::ostringstream text;
  text << "user,item,time,rating\n";
  for (int u = 0; u < 60; ++u) {
    for (int k = 0; k < 10; ++k)
      text << "u" << u << ",i" << 2 * ((u / 2 + 3 * k) % 20) + u % 2 << "," << 100 * u + k
           << ",5\n";
  }
  return text.str();
}

std::string TasteConfig(const std::string& file) {
  return R"(name: "tastes"
      data { text { header: true } train { file: ")" +
         file + R"(" } test { file: ")" + file + R"(" }
        behaviour { user: "user" item: "item" time: "time" last: 1 } }
      table { name: "t" dim: 8 optimizer { adagrad { learning_rate: 0.1 } } init { normal { stddev: 0.1 } } }
      field { name: "user" } field { name: "item" } field { name: "history" separator: "|" pooling: MEAN vocabulary: "seen" }
      numeric { name: "item_log_share" standardise: false }
      task { name: "rating" label { number {} } squared_error {} weight: 0 }
      model { two_tower { user { field: "user" field: "history" } item { field: "item" } dim: 8
                          in_batch { log_share: "item_log_share" } } }
      train { epochs: 5 batch_size: 128 slices: 2 seed: 1 dense_optimizer { adagrad { learning_rate: 0.1 } } })";
}

}  // namespace zhiyin::testing
