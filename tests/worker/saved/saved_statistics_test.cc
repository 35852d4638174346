#include "worker/saved/saved_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/error.h"
#include "worker/model/first_outputs.h"

namespace zhiyin::worker::saved {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// A job with two numerics and a task.
Job SmallJob() {
  Job job;
  for (const char* name : {"age", "price"}) {
    Numeric* numeric = job.add_numeric();
    numeric->set_name(name);
    numeric->set_standardise(true);
  }
  Task* task = job.add_task();
  task->set_name("click");
  task->mutable_label()->set_column("click");
  task->mutable_label()->mutable_number();
  task->mutable_binary_cross_entropy();
  task->set_positive_weight(1);
  return job;
}

Manifest ManifestOfJob(const Job& job) {
  Manifest manifest;
  *manifest.mutable_job() = job;
  PutStatistics({{{10, 20}, {0.5, 0.25}}, {{.weight = 8, .label = 2, .positives = 2}}}, &manifest);
  return manifest;
}

std::string LineOfEarlier(const Job& job, const Manifest& earlier) {
  try {
    StatisticsOfEarlier(job, earlier, "/out/model");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(SavedStatistics, AreWhatWasPut) {
  const Manifest manifest = ManifestOfJob(SmallJob());
  CheckStatistics(manifest, "manifest");
  const std::optional<FirstStatistics> found = StatisticsOf(manifest);
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(found->normalizer.mean, ElementsAre(10, 20));
  EXPECT_THAT(found->normalizer.scale, ElementsAre(0.5, 0.25));
  ASSERT_EQ(found->labels.size(), 1u);
  EXPECT_EQ(found->labels[0].weight, 8);
  EXPECT_EQ(found->labels[0].label, 2);
  EXPECT_EQ(found->labels[0].positives, 2);
  Manifest of_earlier_version = manifest;
  of_earlier_version.clear_label_sums();
  CheckStatistics(of_earlier_version, "manifest");
  EXPECT_FALSE(StatisticsOf(of_earlier_version).has_value());
}

TEST(SavedStatistics, ThatAreImpossibleAreRefused) {
  Manifest manifest = ManifestOfJob(SmallJob());
  manifest.add_label_sums();
  EXPECT_THAT([&] { CheckStatistics(manifest, "manifest"); },
              ThrowsMessage<Error>("manifest: damaged: the labels of 2 tasks, expected 1"));
  manifest = ManifestOfJob(SmallJob());
  manifest.mutable_label_sums(0)->set_positives(9);
  EXPECT_THAT([&] { CheckStatistics(manifest, "manifest"); },
              ThrowsMessage<Error>("manifest: damaged: impossible sums of labels"));
  manifest = ManifestOfJob(SmallJob());
  manifest.set_numeric_mean(1, std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT([&] { CheckStatistics(manifest, "manifest"); },
              ThrowsMessage<Error>(HasSubstr("is no finite number")));
}

TEST(SavedStatistics, OfAnEarlierJobAreTakenByName) {
  const Manifest earlier = ManifestOfJob(SmallJob());
  Job job = SmallJob();
  job.mutable_numeric()->SwapElements(0, 1);
  Numeric* plain = job.add_numeric();
  plain->set_name("new");
  plain->set_standardise(false);
  Numeric* given = job.add_numeric();
  given->set_name("given");
  given->set_standardise(true);
  given->set_mean(7);
  given->set_stddev(2);
  const FirstStatistics found = StatisticsOfEarlier(job, earlier, "/out/model");
  EXPECT_THAT(found.normalizer.mean, ElementsAre(20, 10, 0, 7));
  EXPECT_THAT(found.normalizer.scale, ElementsAre(0.25, 0.5, 1, 0.5));
  EXPECT_EQ(found.labels[0].weight, 8);
}

TEST(SavedStatistics, ThatAnEarlierJobLacksAreNamed) {
  const Manifest earlier = ManifestOfJob(SmallJob());
  Job job = SmallJob();
  job.mutable_numeric(1)->set_name("cost");
  EXPECT_EQ(LineOfEarlier(job, earlier),
            "/out/model: has no numeric \"cost\", expected one, or mean and stddev of it here");
  job = SmallJob();
  job.mutable_numeric(0)->set_log1p(true);
  EXPECT_EQ(LineOfEarlier(job, earlier),
            "/out/model: its numeric \"age\" has log1p: false, expected log1p as here, or mean and "
            "stddev of it here");
  job = SmallJob();
  job.mutable_task(0)->set_name("order");
  EXPECT_EQ(LineOfEarlier(job, earlier),
            "/out/model: has no task \"order\", expected one, or label_mean of it here");
  job.mutable_task(0)->set_label_mean(0.1);
  EXPECT_EQ(LineOfEarlier(job, earlier), "");
  job = SmallJob();
  job.mutable_task(0)->set_weight_column("weight");
  EXPECT_THAT(LineOfEarlier(job, earlier), HasSubstr("its task \"click\" has another label"));
  Manifest unscaled = earlier;
  unscaled.mutable_job()->mutable_numeric(1)->set_standardise(false);
  EXPECT_THAT(LineOfEarlier(SmallJob(), unscaled),
              HasSubstr("its numeric \"price\" is not standardised"));
  Manifest of_earlier_version = earlier;
  of_earlier_version.clear_label_sums();
  EXPECT_THAT(LineOfEarlier(SmallJob(), of_earlier_version),
              HasSubstr("does not keep the mean labels of its tasks"));
  job = SmallJob();
  job.mutable_train()->set_start_at_zero(true);
  EXPECT_EQ(LineOfEarlier(job, of_earlier_version), "");
}

TEST(SavedStatistics, AMeanLabelThatIsGivenIsWhereTheOutputStarts) {
  Job job = SmallJob();
  job.mutable_task(0)->set_positive_weight(3);
  job.add_task()->mutable_poisson();
  job.add_task()->mutable_squared_error();
  for (int t = 1; t < 3; ++t) job.mutable_task(t)->set_positive_weight(1);
  const std::vector<data::LabelSums> labels = {LabelsOfMean(0.25), LabelsOfMean(4),
                                               LabelsOfMean(-12.5)};
  const std::vector<double> outputs = model::FirstOutputs(job, labels);
  // A positive weighs as much as the three negatives beside it.
  EXPECT_NEAR(outputs[0], 0, 1e-12);
  EXPECT_NEAR(outputs[1], std::log(4.0), 1e-12);
  EXPECT_EQ(outputs[2], -12.5);
}

}  // namespace
}  // namespace zhiyin::worker::saved
