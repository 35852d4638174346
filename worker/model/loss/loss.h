// The interface of losses: values and derivatives for outputs and labels, and predictions.
//
// Adding a loss takes its file loss/NAME.cc with a LossKind, a field in Task.loss of job.proto, and
// a line in losses.h. The conformance tests then cover it.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "common/config/checker.h"
#include "common/types.h"
#include "configs/job.pb.h"
#include "worker/model/nn/graph.h"

namespace zhiyin::worker::model::loss {

/// The meaning of a task's predictions, which decides what metrics describe the task.
enum class PredictionKind {
  kProbability,  // of label 1; the loss is -log p(label): AUC, log loss, calibration, MSE
  kScore,        // only the order of scores has a meaning: AUC
  kNumber,       // the label itself: MSE, R², calibration
};

/// One task's part of a batch of n examples.
struct LossRows {
  std::span<const float> outputs;  // [n]
  std::span<const double> labels;  // [n], kMissing where the example has no label of the task
  /// [n], or empty: all 1. An example of weight w counts as w examples.
  std::span<const double> weights;
  std::span<const Key> groups;  // [n], or empty: all examples are one group
};

/// Used by one thread.
class Loss {
 public:
  virtual ~Loss() = default;
  /// values [n]: the weighted loss of each example, finite for finite outputs, 0 without a label.
  /// derivatives [n] = d (sum of values) / d outputs, 0 without a label. Both are overwritten.
  virtual void Compute(const LossRows& rows, std::span<double> values,
                       std::span<float> derivatives) = 0;
  /// The task's prediction for this output.
  virtual float Prediction(float output) const = 0;
  virtual PredictionKind kind() const = 0;
  /// Whether a label is in the domain of the loss.
  virtual bool Accepts(double label) const = 0;
  /// The domain in words, for messages: "a number from 0 to 1".
  virtual const char* Domain() const = 0;
};

/// The description of a loss by which the rest of the program uses it. The file of each loss
/// defines one.
struct LossKind {
  const char* name;  // of its field in Task.loss of job.proto
  std::unique_ptr<Loss> (*make)() = nullptr;
  /// Adds Loss::Prediction to an inference graph: returns the predictions for outputs [n, 1]. Null:
  /// they are equal.
  nn::Graph::Value (*link)(nn::Graph* graph, const nn::Graph::Value& outputs) = nullptr;
  /// The output whose prediction is `mean_label`: the constant with the least loss over labels of
  /// this mean. Null: outputs have no such level, and start at 0.
  double (*first_output)(double mean_label) = nullptr;
  /// What is added to the sums of weights and of labels before their mean is taken for
  /// first_output, as the prior of Jeffreys does: few labels that are all alike are no proof that
  /// others never come. Zeros where outputs are labels: they need no prior.
  struct Prior {
    double weight = 0;
    double label = 0;
  };
  Prior prior{};
  /// The factor c for which c * loss / sigma^2 is the negative log-likelihood under an uncertainty
  /// sigma.
  double likelihood_factor = 1;
  /// Returns the name of the field whose values are the groups within which the loss compares
  /// examples, "" for a single group. Null for a loss that does not compare examples.
  const std::string* (*group)(const Task& task) = nullptr;
};

/// The loss of a task; nullptr if none is chosen.
const LossKind* ChosenLoss(const Task& task);

/// REQUIRES, for the three functions below: the task was checked.
std::unique_ptr<Loss> MakeLoss(const Task& task);
PredictionKind PredictionOf(const Task& task);
/// The name of the field whose values are the groups of the loss; "": none.
std::string GroupField(const Task& task);

/// The names of the losses with this kind of prediction, for messages: "binary_cross_entropy".
std::string NamesOfLosses(PredictionKind prediction);

/// Checks that a task has a loss. `path` leads to the task.
void CheckHasLoss(const config::Checker& check, const config::ConfigPath& path, const Task& task);
/// Checks that the job has a field of this name with one value an example, whose values tell groups
/// of examples. `path` is where the name is given.
void CheckGroupField(const config::Checker& check, const config::ConfigPath& path,
                     const std::string& name, const Job& job);
/// Checks the loss's part of a task of this job.
void CheckLoss(const config::Checker& check, const config::ConfigPath& path, const Task& task,
               const Job& job);

}  // namespace zhiyin::worker::model::loss
