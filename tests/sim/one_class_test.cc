// Labels of one class: refused in training, said of a test split.
#include <gmock/gmock.h>

#include <string>

#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;

class OneClass : public ::testing::Test {
 protected:
  /// 40 examples whose clicks are in turn these two values.
  std::string Clicks(const std::string& name, const std::string& even, const std::string& odd) {
    std::string lines = "user,click,seen,weight\n";
    for (int i = 0; i < 40; ++i) {
      lines += "u" + std::to_string(i % 3) + "," + (i % 2 == 0 ? even : odd) + ",no," +
               (i % 2 == 0 ? "1" : "0") + "\n";
    }
    return folder_.Write(name, lines);
  }
  static Job JobOf(const std::string& train, const std::string& test, const std::string& task,
                   const std::string& early_stopping = "") {
    return launch::job::ParseJob(R"(data { text { header: true missing: "?" } train { file: ")" +
                                     train + R"(" } test { file: ")" + test + R"(" } }
      table { name: "t" dim: 1 optimizer { sgd { learning_rate: 0.1 } } }
      field { name: "user" }
      task { name: "click" )" + task +
                                     R"( }
      model { linear {} }
      train { epochs: 2 batch_size: 8 slices: 4 dense_optimizer { sgd { learning_rate: 0.1 } } )" +
                                     early_stopping + "}",
                                 "job", ".", {});
  }
  static std::string Refusal(const Job& job) { return RunJob(job, 1, 2, 1).error(); }

  TempFolder folder_{TempFolder::kInMemory};
};

constexpr const char* kIsOne = "label { equals: \"1\" } binary_cross_entropy {}";

TEST_F(OneClass, IsRefusedWithTheValuesThatWereSeen) {
  const std::string yes_no = Clicks("yes_no.csv", "yes", "no");
  EXPECT_EQ(
      Refusal(JobOf(yes_no, yes_no, kIsOne)),
      "task click: all 40 labels of data.train are 0 (column click equals \"1\"): column click "
      "has \"no\" 20 times, \"yes\" 20 times; expected labels 0 and 1, or the task's "
      "allow_one_class where this is meant\n");
  const std::string ones = Clicks("ones.csv", "1", "?");
  EXPECT_THAT(Refusal(JobOf(ones, ones, "label { number {} } binary_cross_entropy {}")),
              HasSubstr("all 20 labels of data.train are 1 (column click, a number): column click "
                        "has \"1\" 20 times; "));
  EXPECT_THAT(Refusal(JobOf(ones, ones, "label { at_least: 0.5 } squared_error {}")),
              HasSubstr("are 1 (column click is at least 0.5)"))
      << "classes by their rule, whatever the loss";
}

TEST_F(OneClass, IsJudgedByTheExamplesThatCount) {
  const std::string file = Clicks("clicks.csv", "1", "0");
  EXPECT_EQ(Refusal(JobOf(file, file, kIsOne)), "");
  EXPECT_THAT(Refusal(JobOf(file, file, kIsOne + std::string(" weight_column: \"weight\""))),
              HasSubstr("all 40 labels of data.train are 1"))
      << "those with label 0 weigh 0";
  const std::string in_space =
      kIsOne + std::string(" sample_space { column: \"click\" equals: \"1\" }");
  EXPECT_THAT(
      Refusal(JobOf(file, file, in_space)),
      HasSubstr("all 20 labels of data.train are 1 (column click equals \"1\", where column "
                "click equals \"1\")"));
}

TEST_F(OneClass, IsTakenWhereItIsMeantOrMeansNothing) {
  const std::string ones = Clicks("ones.csv", "1", "1");
  EXPECT_EQ(Refusal(JobOf(ones, ones, kIsOne + std::string(" allow_one_class: true"))), "");
  EXPECT_EQ(Refusal(JobOf(ones, ones, "label { number {} } squared_error {}")), "");
  EXPECT_EQ(Refusal(JobOf(ones, ones, "label { number {} } poisson {}")), "");
  const std::string soft = Clicks("soft.csv", "0.25", "0.25");
  EXPECT_EQ(Refusal(JobOf(soft, soft, "label { number {} } binary_cross_entropy {}")), "");
}

TEST_F(OneClass, OfFewLabelsMayBeChance) {
  const std::string ones = Clicks("ones.csv", "1", "1");
  const std::string both = Clicks("both.csv", "1", "0");
  Job job = JobOf(ones, both, kIsOne);
  EXPECT_THAT(Refusal(job), HasSubstr("all 40 labels of data.train are 1"));
  job.mutable_data()->mutable_train()->set_n_rows(9);
  EXPECT_EQ(Refusal(job), "");
  *job.mutable_data()->mutable_test() = job.data().train();
  EXPECT_THAT(Refusal(job), HasSubstr("all 9 labels of data.train are 1"))
      << "no example has the other class";
}

TEST_F(OneClass, IsEnoughForInBatchSoftmax) {
  const std::string ones = Clicks("ones.csv", "1", "1");
  Job job = JobOf(ones, ones, kIsOne);
  *job.add_field() = job.field(0);
  job.mutable_field(1)->set_name("seen");
  job.mutable_field(1)->set_column("seen");
  zhiyin::TwoTower* towers = job.mutable_model()->mutable_two_tower();
  towers->set_dim(1);
  towers->set_temperature(1);
  towers->mutable_user()->add_field("user");
  towers->mutable_item()->add_field("seen");
  EXPECT_THAT(Refusal(job), HasSubstr("all 40 labels of data.train are 1"));
  towers->mutable_in_batch()->set_weight(1);
  EXPECT_EQ(Refusal(job), "");
}

TEST_F(OneClass, OfATestSplitIsRefusedByEarlyStoppingOnAnAucAlone) {
  const std::string train = Clicks("train.csv", "1.0", "0.0");
  const std::string test = Clicks("test.csv", "1.0", "1.0");
  EXPECT_EQ(Refusal(JobOf(train, test, kIsOne, "early_stopping { patience: 1 }")), "");
  EXPECT_EQ(
      Refusal(JobOf(train, test, kIsOne,
                    "early_stopping { patience: 1 term { task: \"click\" metric: AUC } }")),
      "train.early_stopping.term[0]: AUC of task click is undefined: all 40 labels of data.test "
      "are 1, expected both classes, or a metric that one class has\n");
}

}  // namespace
}  // namespace zhiyin::testing
