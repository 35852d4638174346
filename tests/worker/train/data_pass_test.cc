#include "worker/train/data_pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zhiyin::worker::train {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConstantNumerics, AreThoseOfOneValueOrNone) {
  Job job;
  for (const char* name : {"varies", "one", "none", "gaps"}) job.add_numeric()->set_name(name);
  data::SplitSummary training;
  training.n_rows = 3;
  training.numerics.resize(4);
  for (const double x : {1.0, 2.0, 2.0}) training.numerics[0].Add(x);
  for (const double x : {0.1, 0.1, 0.1}) training.numerics[1].Add(x);
  // That a value is missing may tell something.
  for (const double x : {5.0, 5.0}) training.numerics[3].Add(x);
  EXPECT_THAT(ConstantNumerics(job, training),
              ElementsAre("numeric \"one\": has one value in data.train: it tells nothing",
                          "numeric \"none\": has no value in data.train: it tells nothing"));
}

TEST(ConstantNumerics, AreNoneInASingleExample) {
  Job job;
  job.add_numeric()->set_name("one");
  data::SplitSummary training;
  training.n_rows = 1;
  training.numerics.resize(1);
  training.numerics[0].Add(4);
  EXPECT_THAT(ConstantNumerics(job, training), IsEmpty());
}

}  // namespace
}  // namespace zhiyin::worker::train
