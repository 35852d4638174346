#include "worker/saved/job_changes.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "tests/support/example_jobs.h"

namespace zhiyin::worker::saved {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

/// A job with tables users and items; fields user_group, user_region, item_genre and item_tags;
/// numerics user_age and item_quality; tasks rating and first_group.
Job BeforeJob() {
  return testing::ExampleJob("mmoe { n_experts: 2 expert: 4 tower: 3 }", 3);
}

/// The job with these fields set; messages of a list are appended.
Job With(const std::string& changes, Job job = BeforeJob()) {
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(changes, &job)) << changes;
  return job;
}

JobDifferences DifferencesTo(const Job& now) {
  return Differences(BeforeJob(), now);
}

/// Expects these refused differences, and no others.
void ExpectRefused(const Job& now, const ::testing::Matcher<std::vector<std::string>>& refused) {
  const JobDifferences found = DifferencesTo(now);
  EXPECT_THAT(found.refused, refused);
  EXPECT_THAT(found.allowed, IsEmpty());
  EXPECT_THAT(found.added, IsEmpty());
  EXPECT_THAT(found.with_added, IsEmpty());
}

/// Expects these allowed differences, and no others.
void ExpectAllowed(const Job& now, const ::testing::Matcher<std::vector<std::string>>& allowed) {
  const JobDifferences found = DifferencesTo(now);
  EXPECT_THAT(found.allowed, allowed);
  EXPECT_THAT(found.refused, IsEmpty());
  EXPECT_THAT(found.added, IsEmpty());
  EXPECT_THAT(found.with_added, IsEmpty());
}

TEST(JobChanges, OfAnEqualJobThereAreNone) {
  ExpectAllowed(BeforeJob(), IsEmpty());
}

TEST(JobChanges, TheColumnsOfTheDataAreComparedWhereBothAreKnown) {
  const Job trained = With("data { columns { n: 3 } }");
  ExpectAllowed(trained, IsEmpty());
  EXPECT_THAT(Differences(trained, BeforeJob()).refused, IsEmpty());
  EXPECT_THAT(Differences(trained, With("data { columns { n: 4 } }")).refused,
              ElementsAre("data.columns.n: is 4, was 3"));
}

TEST(JobChanges, WhatDoesNotTouchTheMeaningOfRowsIsAllowed) {
  ExpectAllowed(With("name: 'another'"), ElementsAre("name: is \"another\", was \"example\""));
  ExpectAllowed(With("train { epochs: 9 }"), ElementsAre("train.epochs: is 9, was 2"));
  ExpectAllowed(With("train { compute: BF16 }"), ElementsAre("train.compute: is BF16, was absent"));
  ExpectAllowed(With("data { test { first_row: 2500 } }"),
                ElementsAre("data.test.first_row: is 2500, was 2000"));
  ExpectAllowed(With("train { checkpoint { every_epochs: 1 } }"),
                ElementsAre("train.checkpoint: is set, was absent"));
}

TEST(JobChanges, ATablesLimitsAndATasksWeightAreAllowedByTheirPlace) {
  Job job = BeforeJob();
  job.mutable_table(0)->set_l2(0.25);
  job.mutable_task(1)->set_weight(2);
  ExpectAllowed(job, UnorderedElementsAre("table[0].l2: is 0.25, was absent",
                                          "task[1].weight: is 2, was 0.5"));
}

TEST(JobChanges, NumbersOfAnOptimizerAreAllowedButNotItsKind) {
  Job job = BeforeJob();
  job.mutable_table(1)->mutable_optimizer()->mutable_adam()->set_learning_rate(0.5);
  job.mutable_train()->mutable_dense_optimizer()->set_clip_norm(3);
  job.mutable_train()->mutable_dense_optimizer()->mutable_schedule()->set_warmup_steps(10);
  ExpectAllowed(job, UnorderedElementsAre("table[1].optimizer.adam.learning_rate: is 0.5, was 0.01",
                                          "train.dense_optimizer.clip_norm: is 3, was absent",
                                          "train.dense_optimizer.schedule: is set, was absent"));
  Job other = BeforeJob();
  other.mutable_table(1)->mutable_optimizer()->mutable_sgd()->set_learning_rate(0.5);
  ExpectRefused(other, UnorderedElementsAre("table[1].optimizer.adam: is absent, was set",
                                            "table[1].optimizer.sgd: is set, was absent"));
}

TEST(JobChanges, AllElseIsRefusedWithBothValues) {
  ExpectRefused(With("train { seed: 77 }"), ElementsAre("train.seed: is 77, was 5"));
  ExpectRefused(With("data { train { n_rows: 1999 } }"),
                ElementsAre("data.train.n_rows: is 1999, was 2000"));
  Job job = BeforeJob();
  job.mutable_table(1)->set_dim(9);
  job.mutable_field(3)->set_pooling(Field::MAX);
  ExpectRefused(
      job, UnorderedElementsAre("table[1].dim: is 9, was 3", "field[3].pooling: is MAX, was MEAN"));
}

TEST(JobChanges, ListsOfFilesAreToldInOneLine) {
  const auto with_files = [](const std::string& files) {
    return With("data { train { file: [" + files + "] } test { file: [" + files + "] } }");
  };
  const auto differences = [&](const std::string& before, const std::string& now) {
    const JobDifferences found = Differences(with_files(before), with_files(now));
    // The test split may change, in as many words.
    EXPECT_THAT(found.allowed, SizeIs(found.refused.size()));
    return found.refused;
  };
  EXPECT_THAT(differences("'a', 'c', 'd'", "'a', 'c', 'd'"), IsEmpty());
  EXPECT_THAT(differences("'a', 'c', 'd'", "'a', 'b', 'c', 'd'"),
              ElementsAre("data.train.file: is 4 files, was 3, new is b"));
  EXPECT_THAT(differences("'a', 'b', 'c', 'd'", "'a', 'd'"),
              ElementsAre("data.train.file: is 2 files, was 4, gone is b and 1 more"));
  EXPECT_THAT(
      differences("'a', 'b', 'c'", "'x', 'b', 'y'"),
      ElementsAre("data.train.file: is 3 files, was 3, new is x and 1 more, gone is a and 1 "
                  "more"));
  EXPECT_THAT(differences("'a', 'b'", "'b', 'a'"),
              ElementsAre("data.train.file: is 2 files, was 2, in another order or number"));
  EXPECT_THAT(differences("'a', 'b'", "'a', 'c'"),
              ElementsAre("data.train.file[1]: is \"c\", was \"b\""));
  EXPECT_THAT(
      Differences(With("data { join { file: 'a' } }"), With("data { join { file: ['a', 'b'] } }"))
          .refused,
      ElementsAre("data.join[0].file: is 2 files, was 1, new is b"));
}

TEST(JobChanges, AllowedChangesAreToldBesideRefusedOnes) {
  const JobDifferences found = DifferencesTo(With("train { epochs: 9 batch_size: 96 }"));
  EXPECT_THAT(found.allowed, ElementsAre("train.epochs: is 9, was 2"));
  EXPECT_THAT(found.refused, ElementsAre("train.batch_size: is 96, was 48"));
}

TEST(JobChanges, TablesFieldsNumericsAndTasksMayBeAdded) {
  const JobDifferences found = DifferencesTo(
      With("table { name: 'places' dim: 3 } field { name: 'item_maker' table: 'places' } "
           "numeric { name: 'item_age' } task { name: 'another' }"));
  EXPECT_THAT(found.added, UnorderedElementsAre("table places", "field item_maker",
                                                "numeric item_age", "task another"));
  EXPECT_THAT(found.allowed, IsEmpty());
  EXPECT_THAT(found.refused, IsEmpty());
  EXPECT_THAT(found.with_added, IsEmpty());
}

TEST(JobChanges, TheModelMayChangeOnlyBesideAnAddition) {
  Job job = With("model { mmoe { n_experts: 3 } }");
  ExpectRefused(job, ElementsAre("model.mmoe.n_experts: is 3, was 2"));
  job.add_task()->set_name("another");
  const JobDifferences found = DifferencesTo(job);
  EXPECT_THAT(found.added, ElementsAre("task another"));
  EXPECT_THAT(found.with_added, ElementsAre("model.mmoe.n_experts: is 3, was 2"));
  EXPECT_THAT(found.refused, IsEmpty());
}

TEST(JobChanges, AnAdditionAllowsNothingButTheModelAndTheOrder) {
  const JobDifferences found = DifferencesTo(With("train { seed: 77 } task { name: 'another' }"));
  EXPECT_THAT(found.added, ElementsAre("task another"));
  EXPECT_THAT(found.refused, ElementsAre("train.seed: is 77, was 5"));
}

TEST(JobChanges, WhatIsRemovedIsRefused) {
  Job job = BeforeJob();
  job.mutable_field()->RemoveLast();
  ExpectRefused(job, ElementsAre("field[3]: is absent, was set"));
}

TEST(JobChanges, WhatIsRenamedIsRemovedAndAdded) {
  Job job = BeforeJob();
  job.mutable_task(1)->set_name("group");
  const JobDifferences found = DifferencesTo(job);
  EXPECT_THAT(found.added, ElementsAre("task group"));
  EXPECT_THAT(found.refused, ElementsAre("task[1]: is absent, was set"));
}

TEST(JobChanges, AnotherOrderIsRefused) {
  Job job = BeforeJob();
  job.mutable_task()->SwapElements(0, 1);
  ExpectRefused(job, UnorderedElementsAre("task[1]: was at 0", "task[0]: was at 1"));
}

TEST(JobChanges, AnotherOrderIsRefusedWhereAllThatMovedHasChangedToo) {
  Job job = BeforeJob();
  job.mutable_task()->SwapElements(0, 1);
  job.mutable_task(0)->set_weight(2);
  job.mutable_task(1)->set_weight(3);
  const JobDifferences found = DifferencesTo(job);
  EXPECT_THAT(found.allowed, SizeIs(2)) << "the weights";
  EXPECT_THAT(found.refused, UnorderedElementsAre("task[1]: was at 0", "task[0]: was at 1"));
}

TEST(JobChanges, AnAdditionInFrontMovesTheOthers) {
  Job job = BeforeJob();
  job.add_task()->set_name("another");
  job.mutable_task()->SwapElements(1, 2);
  job.mutable_task()->SwapElements(0, 1);
  const JobDifferences found = DifferencesTo(job);
  EXPECT_THAT(found.added, ElementsAre("task another"));
  EXPECT_THAT(found.with_added, UnorderedElementsAre("task[1]: was at 0", "task[2]: was at 1"));
  EXPECT_THAT(found.refused, IsEmpty());
}

}  // namespace
}  // namespace zhiyin::worker::saved
