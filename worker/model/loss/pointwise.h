// Losses of an example that depend on its own output only.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model::loss {

/// Function: struct { static double Value(double output, double label); static double
/// Derivative(double, double); static float Prediction(float output); static bool Accepts(double
/// label); static constexpr PredictionKind kKind; static constexpr const char* kDomain; }
template <typename Function>
class PointwiseLoss final : public Loss {
 public:
  void Compute(const LossRows& rows, std::span<double> values,
               std::span<float> derivatives) override {
    for (size_t i = 0; i < rows.outputs.size(); ++i) {
      const double label = rows.labels[i];
      if (std::isnan(label)) {
        values[i] = 0;
        derivatives[i] = 0;
        continue;
      }
      const double weight = rows.weights.empty() ? 1.0 : rows.weights[i];
      values[i] = weight * Function::Value(rows.outputs[i], label);
      derivatives[i] = static_cast<float>(weight * Function::Derivative(rows.outputs[i], label));
    }
  }
  float Prediction(float output) const override { return Function::Prediction(output); }
  PredictionKind kind() const override { return Function::kKind; }
  bool Accepts(double label) const override { return Function::Accepts(label); }
  const char* Domain() const override { return Function::kDomain; }
};

}  // namespace zhiyin::worker::model::loss
