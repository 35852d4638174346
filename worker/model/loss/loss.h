// A task's loss: from outputs and labels to numbers, their derivatives, and predictions.
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

namespace zhiyin::worker::model::loss {

/// The meaning of a task's predictions, which decides what metrics describe the task.
enum class PredictionKind {
  kProbability,  // of label 1: AUC, log loss, calibration, MSE
  kScore,        // only its order means something: AUC
  kNumber,       // the label itself: MSE, R², calibration
};

/// One task's part of a batch of n examples.
struct LossRows {
  std::span<const float> outputs;  // [n]
  std::span<const float> labels;   // [n], kMissing where the task has no part in the row
  std::span<const float> weights;  // [n], or empty: all 1
  std::span<const Key> groups;     // [n], or empty: all rows are one group
};

/// Used by one thread.
class Loss {
 public:
  virtual ~Loss() = default;
  /// values [n]: the weighted loss of each row, finite for finite outputs, 0 without a label.
  /// derivatives [n] = d (sum of values) / d outputs, 0 without a label. Both are overwritten.
  virtual void Compute(const LossRows& rows, std::span<double> values,
                       std::span<float> derivatives) = 0;
  /// The task's prediction for this output.
  virtual float Prediction(float output) const = 0;
  virtual PredictionKind kind() const = 0;
  /// Whether a label is in the loss's domain; the domain for messages: "a number from 0 to 1".
  virtual bool Accepts(float label) const = 0;
  virtual const char* Domain() const = 0;
};

/// Everything that the rest of the product knows of a loss. Each loss's file defines one.
struct LossKind {
  const char* name;  // of its field in Task.loss of job.proto
  std::unique_ptr<Loss> (*make)() = nullptr;
  /// The standard operator (ONNX) that turns an output into a prediction; null: they are equal.
  const char* link = nullptr;
  /// c, where c * loss / sigma^2 is the negative log-likelihood under an uncertainty sigma.
  double likelihood_factor = 1;
  /// The name of the field by whose values the loss compares examples, "" for one group of all;
  /// null for a loss that looks at one example at a time.
  const std::string* (*group)(const Task& task) = nullptr;
};

/// The loss of a task; null where none is chosen.
const LossKind* ChosenLoss(const Task& task);

/// REQUIRES for these: the task was checked.
std::unique_ptr<Loss> MakeLoss(const Task& task);
PredictionKind PredictionOf(const Task& task);
/// The field by whose values the loss compares examples; "": none.
std::string GroupField(const Task& task);

/// "binary_cross_entropy": the losses whose tasks predict this, for messages.
std::string NamesOfLosses(PredictionKind prediction);

/// Checks that a task has a loss. `path` leads to the task.
void CheckHasLoss(const config::Checker& check, const config::ConfigPath& path, const Task& task);
/// Checks the loss's part of a task of this job.
void CheckLoss(const config::Checker& check, const config::ConfigPath& path, const Task& task,
               const Job& job);

}  // namespace zhiyin::worker::model::loss
