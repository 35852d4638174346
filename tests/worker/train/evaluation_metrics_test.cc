// The metrics of an evaluation against their definitions, on random predictions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/matrix.h"
#include "common/random.h"
#include "common/types.h"
#include "launch/job/load_job.h"
#include "tests/support/refused_jobs.h"
#include "worker/model/task_heads.h"
#include "worker/train/evaluator.h"

namespace zhiyin::worker::train {
namespace {

using OptionalNumber = std::optional<double>;

constexpr size_t kEvaluationTasks = 3;
constexpr int kBlocksOfCase = 7;

/// A probability, a score and a number.
Job JobOfThreeKinds() {
  Job job;
  const auto add = [&](const char* name, double weight) {
    Task* task = job.add_task();
    task->set_name(name);
    task->set_weight(weight);
    return task;
  };
  add("click", 1)->mutable_binary_cross_entropy();
  add("score", 0.5)->mutable_hinge();
  add("price", 2)->mutable_squared_error();
  return job;
}

/// Examples of a block, with the outputs of a model [n, tasks].
struct EvaluatedExamples {
  Matrix outputs;
  model::Targets targets;
  std::vector<float> predictions;
  std::vector<Key> groups;  // [n], or empty
};

/// The examples of one task that have its label, as the definitions see them.
struct LabelledExample {
  double output;
  double prediction;
  double label;
  double weight;
  Key group;
};

/// Draws outputs with many ties, some of them saturated; in some cases there are weights, some of
/// them 0, and groups; every fifth label is missing.
class EvaluationCase {
 public:
  EvaluationCase(uint64_t number, const model::TaskHeads& heads)
      : random_(77, number),
        has_weights_(number % 3 != 0),
        has_groups_(number % 2 == 0),
        has_one_class_(number % 25 == 0) {
    const int64_t n_most = number % 10 == 0 ? 2 : 30;
    for (int64_t b = 0; b < kBlocksOfCase; ++b) {
      if (b != 0 && random_.Below(5) == 0) continue;  // a block of malformed lines
      blocks_[b] = Draw(1 + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(n_most))));
      EvaluatedExamples& block = blocks_[b];
      block.predictions.resize(block.targets.labels.size());
      heads.Predictions(block.outputs, block.predictions);
    }
  }

  /// What so many workers find together, in files whose blocks come last first where `reversed`.
  EvaluationResult Evaluate(int n_workers, model::TaskHeads* heads, bool reversed = false) const {
    std::vector<BlockResults> parts(static_cast<size_t>(n_workers), BlockResults(kEvaluationTasks));
    for (const auto& [place, block] : blocks_) {
      const int64_t number = reversed ? kBlocksOfCase - place : place;
      BlockResults::Block found{block.targets.labels, block.predictions, block.targets.weights,
                                heads->LossSums(block.outputs, block.targets)};
      found.groups = block.groups;
      parts[static_cast<size_t>(number % n_workers)].Add(number, std::move(found));
    }
    for (size_t w = 1; w < parts.size(); ++w) parts[0].Merge(parts[w].Serialize());
    return Summarise(parts[0], *heads, [] {});
  }

  std::vector<LabelledExample> ExamplesOf(size_t task) const {
    std::vector<LabelledExample> examples;
    for (const auto& [number, block] : blocks_) {
      for (size_t at = task; at < block.targets.labels.size(); at += kEvaluationTasks) {
        if (std::isnan(block.targets.labels[at])) continue;
        examples.push_back({block.outputs.data()[at], block.predictions[at],
                            block.targets.labels[at], has_weights_ ? block.targets.weights[at] : 1,
                            has_groups_ ? block.groups[at / kEvaluationTasks] : 0});
      }
    }
    return examples;
  }

 private:
  EvaluatedExamples Draw(int64_t n) {
    EvaluatedExamples block;
    block.outputs.resize(n, static_cast<int64_t>(kEvaluationTasks));
    for (int64_t i = 0; i < n; ++i) {
      for (size_t t = 0; t < kEvaluationTasks; ++t) {
        const bool is_saturated = random_.Below(8) == 0;
        const float output = static_cast<float>(random_.Below(41)) / 4 - 5;
        block.outputs.data()[static_cast<size_t>(i) * kEvaluationTasks + t] =
            is_saturated ? 12 * output : output;
        const float number = t == 2 ? static_cast<float>(random_.Below(30)) / 10 - 1 : 0;
        const float binary = has_one_class_ ? 1 : static_cast<float>(random_.Below(2));
        block.targets.labels.push_back(random_.Below(5) == 0 ? kMissing : t == 2 ? number : binary);
        if (has_weights_)
          block.targets.weights.push_back(
              random_.Below(6) == 0 ? 0 : 3 * static_cast<float>(random_.Uniform()));
      }
      if (has_groups_) block.groups.push_back(random_.Below(6));
    }
    block.targets.groups.resize(kEvaluationTasks);
    return block;
  }

  Random random_;
  bool has_weights_;
  bool has_groups_;
  bool has_one_class_;
  std::map<int64_t, EvaluatedExamples> blocks_;
};

/// The weighted mean of f over the examples; nothing where they weigh nothing.
OptionalNumber MeanOf(const std::vector<LabelledExample>& examples,
                      const std::function<double(const LabelledExample&)>& f) {
  double sum = 0;
  double weight = 0;
  for (const LabelledExample& e : examples) {
    if (e.weight > 0) sum += e.weight * f(e);
    weight += e.weight;
  }
  return weight > 0 ? OptionalNumber(sum / weight) : std::nullopt;
}

/// Every pair of a positive and a negative.
OptionalNumber AucByPairs(const std::vector<LabelledExample>& examples) {
  double right = 0;
  double all = 0;
  for (const LabelledExample& p : examples) {
    for (const LabelledExample& q : examples) {
      if (p.label != 1 || q.label != 0) continue;
      const double weight = p.weight * q.weight;
      all += weight;
      right += weight * (p.prediction > q.prediction ? 1 : p.prediction == q.prediction ? 0.5 : 0);
    }
  }
  return all > 0 ? OptionalNumber(right / all) : std::nullopt;
}

/// The mean over positives of the precision among the examples that score no less.
OptionalNumber AveragePrecisionByPairs(const std::vector<LabelledExample>& examples) {
  double sum = 0;
  double n_positive = 0;
  for (const LabelledExample& p : examples) {
    if (p.label != 1 || p.weight == 0) continue;
    double right = 0;
    double passed = 0;
    for (const LabelledExample& q : examples) {
      if (q.prediction < p.prediction) continue;
      passed += q.weight;
      if (q.label == 1) right += q.weight;
    }
    sum += p.weight * right / passed;
    n_positive += p.weight;
  }
  return n_positive > 0 ? OptionalNumber(sum / n_positive) : std::nullopt;
}

OptionalNumber GroupAucByPairs(const std::vector<LabelledExample>& examples) {
  std::map<Key, std::vector<LabelledExample>> groups;
  for (const LabelledExample& e : examples) {
    if (e.group != 0) groups[e.group].push_back(e);
  }
  double sum = 0;
  double weight = 0;
  for (const auto& [group, own] : groups) {
    const OptionalNumber auc = AucByPairs(own);
    if (!auc) continue;
    double own_weight = 0;
    for (const LabelledExample& e : own) own_weight += e.weight;
    sum += own_weight * *auc;
    weight += own_weight;
  }
  return weight > 0 ? OptionalNumber(sum / weight) : std::nullopt;
}

/// -log p(label) of a logit, which tells p from 1 where p itself does not.
double LogLossOfLogit(const LabelledExample& e) {
  const long double z = e.label == 1 ? e.output : -e.output;
  return static_cast<double>(log1pl(expl(-z)));
}

/// Every metric by its key; nothing where it is undefined.
std::map<std::string, OptionalNumber> MetricsByDefinition(
    size_t task, const std::vector<LabelledExample>& examples) {
  std::map<std::string, OptionalNumber> found;
  const OptionalNumber mean = MeanOf(examples, [](const auto& e) { return e.label; });
  if (task != 2) {
    found["auc"] = AucByPairs(examples);
    found["average_precision"] = AveragePrecisionByPairs(examples);
    found["gauc"] = GroupAucByPairs(examples);
  }
  if (task == 0) {
    found["log_loss"] = MeanOf(examples, LogLossOfLogit);
    const OptionalNumber of_mean = MeanOf(examples, [&](const LabelledExample& e) {
      return e.label == 1 ? -std::log(*mean) : -std::log(1 - *mean);
    });
    if (of_mean && *mean > 0 && *mean < 1)
      found["normalized_entropy"] = *found["log_loss"] / *of_mean;
  }
  if (task == 1 || !mean) return found;
  const auto squared = [](const LabelledExample& e) {
    return (e.prediction - e.label) * (e.prediction - e.label);
  };
  found["mse"] = MeanOf(examples, squared);
  found["rmse"] = std::sqrt(*found["mse"]);
  std::optional<double> first;
  bool varies = false;
  for (const LabelledExample& e : examples) {
    if (e.weight == 0) continue;
    if (!first) first = e.label;
    varies |= e.label != *first;
  }
  const auto deviation = [&](const LabelledExample& e) {
    return (e.label - *mean) * (e.label - *mean);
  };
  if (varies) found["r2"] = 1 - *found["mse"] / *MeanOf(examples, deviation);
  if (*mean != 0)
    found["calibration"] =
        *MeanOf(examples, [](const LabelledExample& e) { return e.prediction; }) / *mean;
  return found;
}

void ExpectDefinition(const model::metric::TaskMetrics& metrics, size_t task,
                      const std::vector<LabelledExample>& examples) {
  EXPECT_EQ(metrics.n_samples, static_cast<int64_t>(examples.size()));
  std::map<std::string, OptionalNumber> expected = MetricsByDefinition(task, examples);
  for (const model::metric::Metric& metric : model::metric::Metrics()) {
    const OptionalNumber& value = metrics.*metric.value;
    const OptionalNumber& by_definition = expected[std::string(metric.key)];
    ASSERT_EQ(value.has_value(), by_definition.has_value()) << metrics.task << " " << metric.key;
    if (!value) continue;
    EXPECT_NEAR(*value, *by_definition, 1e-9 * std::max(1.0, std::abs(*by_definition)))
        << metrics.task << " " << metric.key;
  }
}

/// 300 cases with weights, ties, missing labels, saturated predictions, and classes that are not
/// there. The definitions agree with scikit-learn's roc_auc_score, average_precision_score,
/// log_loss, mean_squared_error and r2_score.
TEST(EvaluationMetrics, AreThoseOfTheDefinitionsWithAnyNumberOfWorkersAndInAnyOrder) {
  model::TaskHeads heads(JobOfThreeKinds());
  int n_undefined = 0;
  int n_groups = 0;
  for (uint64_t number = 0; number < 300; ++number) {
    SCOPED_TRACE("case " + std::to_string(number));
    const EvaluationCase drawn(number, heads);
    const EvaluationResult alone = drawn.Evaluate(1, &heads);
    const EvaluationResult together = drawn.Evaluate(4, &heads);
    const EvaluationResult reversed = drawn.Evaluate(1, &heads, /*reversed=*/true);
    ASSERT_EQ(alone.tasks.size(), kEvaluationTasks);
    EXPECT_EQ(together.loss, alone.loss);
    EXPECT_EQ(reversed.loss, alone.loss);
    EXPECT_EQ(together.n_rows, alone.n_rows);
    for (size_t t = 0; t < kEvaluationTasks; ++t) {
      ExpectDefinition(alone.tasks[t], t, drawn.ExamplesOf(t));
      for (const model::metric::Metric& metric : model::metric::Metrics()) {
        EXPECT_EQ(together.tasks[t].*metric.value, alone.tasks[t].*metric.value) << metric.key;
        EXPECT_EQ(reversed.tasks[t].*metric.value, alone.tasks[t].*metric.value) << metric.key;
      }
    }
    n_undefined += !alone.tasks[0].auc;
    n_groups += alone.tasks[0].gauc.has_value();
  }
  EXPECT_GT(n_undefined, 0);
  EXPECT_GT(n_groups, 100);
}

/// Weights that no float is. Those of the definitions are ten times as large, with exact sums.
TEST(EvaluationMetrics, AreOfWeightsWithAllTheirDigits) {
  constexpr int64_t kExamples = 150;  // of a block
  constexpr double kWeights[] = {0.1, 0.7, 0.3};
  Job job;
  Task* task = job.add_task();
  task->set_name("click");
  task->set_weight(1);
  task->mutable_binary_cross_entropy();
  model::TaskHeads heads(job);
  std::vector<BlockResults> parts(2, BlockResults(1));
  std::vector<LabelledExample> examples;
  Random random(3);
  for (int64_t b = 0; b < 2; ++b) {
    Matrix outputs(kExamples, 1);
    model::Targets targets;
    targets.groups.resize(1);
    for (int64_t i = 0; i < kExamples; ++i) {
      outputs(i, 0) = static_cast<float>(random.Below(20)) / 4 - 2;
      targets.labels.push_back(static_cast<double>(random.Below(2)));
      targets.weights.push_back(kWeights[i % 3]);
    }
    std::vector<float> predictions(targets.labels.size());
    heads.Predictions(outputs, predictions);
    for (size_t i = 0; i < predictions.size(); ++i)
      examples.push_back({outputs.data()[i], predictions[i], targets.labels[i],
                          std::round(10 * targets.weights[i]), 0});
    parts[static_cast<size_t>(b)].Add(
        b, {targets.labels, predictions, targets.weights, heads.LossSums(outputs, targets)});
  }
  parts[0].Merge(parts[1].Serialize());
  const EvaluationResult result = Summarise(parts[0], heads, [] {});
  const model::metric::TaskMetrics& found = result.tasks[0];
  EXPECT_NEAR(*found.auc, *AucByPairs(examples), 1e-14);
  EXPECT_NEAR(*found.average_precision, *AveragePrecisionByPairs(examples), 1e-14);
  EXPECT_NEAR(found.label_mean, *MeanOf(examples, [](const auto& e) { return e.label; }), 1e-14);
  EXPECT_NEAR(*found.log_loss, *MeanOf(examples, LogLossOfLogit), 1e-14);
  EXPECT_NEAR(result.loss, *found.log_loss, 1e-14);
  EXPECT_DOUBLE_EQ(found.weight, 110);
}

/// A job of users and items, with this text in its evaluation field.
std::string JobOfUsers(const std::string& evaluation) {
  return R"(data { text { header: true } train { file: "a" } test { file: "b" }
behaviour { user: "who" item: "what" time: "when" } }
table { name: "ids" dim: 8 optimizer { sgd { learning_rate: 0.1 } } }
field { name: "user" column: "who" } field { name: "tags" separator: "|" }
task { name: "one" label { equals: "1" } binary_cross_entropy {} }
model { shared_bottom { bottom: 2 } }
train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 0.1 } } }
evaluation { )" +
         evaluation + " }";
}

TEST(GaucField, IsTheUserByDefaultAndHasOneValueAnExample) {
  const auto field = [](const std::string& evaluation) {
    return launch::job::ParseJob(JobOfUsers(evaluation), "job", ".", {}).evaluation().gauc_field();
  };
  EXPECT_EQ(field(""), "user");
  EXPECT_EQ(field("gauc_field: \"\""), "");
  EXPECT_EQ(testing::LineOfJob(JobOfUsers("gauc_field: \"usr\"")),
            "job:8: evaluation.gauc_field: no field \"usr\"; the nearest is \"user\"");
  EXPECT_EQ(testing::LineOfJob(JobOfUsers("gauc_field: \"tags\"")),
            "job:8: evaluation.gauc_field: field \"tags\" has several values in a row, expected "
            "one without a separator");
}

}  // namespace
}  // namespace zhiyin::worker::train
