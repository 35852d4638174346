// What is refused of a model whatever its network is. What one network refuses is in its own test.
#include <gtest/gtest.h>

#include <string>

#include "common/config/kinds.h"
#include "tests/support/refused_jobs.h"
#include "worker/model/network/networks.h"

namespace zhiyin::launch::job {
namespace {

TEST(AModel, IsRefusedWithOneLine) {
  testing::ExpectRefused({
      {"", "job:13: model: is missing, expected " +
               config::Listed(config::KindNames(worker::model::Networks()), "or")},
      {"shared_bottom { bottom: 4 } hidden { dropout: 1 }",
       "job:13: model.hidden.dropout: is 1, expected 0 to 0.99"},
      {"shared_bottom { bottom: 4 } hidden { normalization: BATCH }",
       "job:13: model.hidden.normalization: is BATCH with one example a slice (train.batch_size / "
       "train.slices), expected at least 2",
       {"train.slices=64"}},
  });
}

}  // namespace
}  // namespace zhiyin::launch::job
