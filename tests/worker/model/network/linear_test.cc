// What is the linear model's own: the jobs that it cannot have.
#include <gtest/gtest.h>

#include "tests/support/refused_jobs.h"

namespace zhiyin::worker::model {
namespace {

using testing::ExpectRefused;

TEST(Linear, IsRefusedWithOneLineWhereItCannotBe) {
  ExpectRefused({
      {"linear {} hidden { dropout: 0.1 }",
       "job:13: model.hidden: the model has no hidden layers, expected none",
       {"table[ids].dim=2"}},
      {"linear {}",
       "job:6: table[ids].dim: is 6, expected 2: a linear model has one weight a task in a row"},
      {"linear {} wide { numeric: \"price\" }",
       "job:13: model.wide: means nothing to linear, which is wide itself, expected none",
       {"table[ids].dim=2"}},
  });
}

}  // namespace
}  // namespace zhiyin::worker::model
