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

TEST(FirstStatistics, AreTheGivenOnesAndThoseOfExamples) {
  Job job;
  for (const char* name : {"given", "found", "plain"}) {
    job.add_numeric()->set_name(name);
    job.mutable_numeric()->rbegin()->set_standardise(true);
  }
  job.mutable_numeric(0)->set_mean(5);
  job.mutable_numeric(0)->set_stddev(4);
  job.mutable_numeric(2)->set_standardise(false);
  for (const char* name : {"click", "order"}) job.add_task()->set_name(name);
  job.mutable_task(1)->set_label_mean(0.5);
  data::SplitSummary training;
  training.n_rows = 2;
  training.numerics.resize(3);
  for (data::ExactMoments& moments : training.numerics) {
    for (const double x : {1.0, 3.0}) moments.Add(x);
  }
  training.label_sums.resize(2);
  for (data::ExactLabelSums& sums : training.label_sums) sums.Add(1, 7);
  const saved::FirstStatistics found = FirstStatisticsOf(job, training);
  EXPECT_THAT(found.normalizer.mean, ElementsAre(5, 2, 0));
  EXPECT_THAT(found.normalizer.scale, ElementsAre(0.25, 1, 1));
  EXPECT_EQ(found.labels[0].weight, 7);
  EXPECT_EQ(found.labels[1].label / found.labels[1].weight, 0.5);
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
