// A task's loss: from outputs and labels to numbers, their derivatives, and predictions.
//
// Adding one: a file loss/NAME.cc, a field in Task.loss of job.proto, a declaration below, a case
// in MakeLoss. The conformance tests then cover it.
#pragma once

#include <memory>
#include <span>

#include "common/types.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::model::loss {

/// What a prediction is decides which metrics describe the task.
enum class PredictionKind {
  kProbability,  // of label 1: AUC, log loss, calibration, MSE
  kScore,        // only its order means something: AUC
  kNumber,       // the label itself: MSE, R², calibration
};

/// One task's part of a batch.
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
  /// What the task predicts.
  virtual float Prediction(float output) const = 0;
  virtual PredictionKind kind() const = 0;
  /// A label in the loss's domain, and what that is, for messages: "a number from 0 to 1".
  virtual bool Accepts(float label) const = 0;
  virtual const char* Domain() const = 0;
};

std::unique_ptr<Loss> MakeLoss(const Task& task);
/// The field by whose values a loss compares rows; "": none.
const std::string& GroupField(const Task& task);

std::unique_ptr<Loss> MakeBinaryCrossEntropy();
std::unique_ptr<Loss> MakeSquaredError();
std::unique_ptr<Loss> MakeHinge();
std::unique_ptr<Loss> MakePoisson();
std::unique_ptr<Loss> MakePairwise();
std::unique_ptr<Loss> MakeSampledSoftmax();

}  // namespace zhiyin::worker::model::loss
