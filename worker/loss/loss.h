// A task's loss: from an output and a label to a number, its derivative, and the prediction.
//
// Adding one: a file loss/NAME.cc, a field in Task.loss of job.proto, a declaration below, a case in
// MakeLoss.
#pragma once

#include <memory>
#include <span>

#include "configs/job.pb.h"

namespace zhiyin::worker {

/// Stateless; used from any thread.
class Loss {
 public:
  virtual ~Loss() = default;
  /// Loss of one row. Finite for every finite output.
  virtual double Value(float output, float label) const = 0;
  /// d Value / d output.
  virtual float Derivative(float output, float label) const = 0;
  /// What the task predicts: a probability for binary cross-entropy, the output itself for squared error.
  virtual float Prediction(float output) const = 0;
  /// A label in the loss's domain: [0, 1] for binary cross-entropy, any finite number for squared error.
  virtual bool Accepts(float label) const = 0;
  /// Whether AUC and log loss (true) or MSE, RMSE and R² alone (false) describe the task.
  virtual bool IsBinary() const = 0;
};

std::unique_ptr<Loss> MakeLoss(const Task& task);

std::unique_ptr<Loss> MakeBinaryCrossEntropy();
std::unique_ptr<Loss> MakeSquaredError();

}  // namespace zhiyin::worker
