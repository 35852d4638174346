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

TEST(ConstantNumerics, AreThoseThatVaryTooLittleToBeStandardised) {
  Job job;
  for (const char* name : {"tiny", "small"}) {
    job.add_numeric()->set_name(name);
    job.mutable_numeric()->rbegin()->set_standardise(true);
  }
  data::SplitSummary training;
  training.n_rows = 2;
  training.numerics.resize(2);
  for (const double x : {0.0, 1e-170}) training.numerics[0].Add(x);
  for (const double x : {0.0, 1e-140}) training.numerics[1].Add(x);
  EXPECT_THAT(ConstantNumerics(job, training),
              ElementsAre("numeric \"tiny\": its standard deviation in data.train is less than "
                          "1e-150, too little to be divided by: it tells nothing, expected values "
                          "in another unit"));
  const data::Normalizer normalizer = NormalizerFor(job, training);
  EXPECT_EQ(normalizer.scale[0], 1);
  EXPECT_DOUBLE_EQ(normalizer.scale[1], 2e140);
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
