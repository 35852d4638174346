// Losses that compare rows of label 1 with rows of label 0.
#pragma once

#include <span>
#include <vector>

#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model::loss {

/// Puts together the rows of each group; a derived class says what a positive row and its group's
/// negative ones cost.
class RankingLoss : public Loss {
 public:
  void Compute(const LossRows& rows, std::span<double> values, std::span<float> derivatives) final;
  float Prediction(float output) const final { return output; }
  PredictionKind kind() const final { return PredictionKind::kScore; }
  bool Accepts(float label) const final { return label == 0 || label == 1; }
  const char* Domain() const final { return "0 or 1"; }

 protected:
  /// For a positive example with output z and its group's negative ones, at least one: the loss;
  /// dnegatives [n] = its derivative with respect to each of the negatives. That with respect to z
  /// is minus their sum, as only differences of outputs matter.
  virtual double Compare(double z, std::span<const double> negatives,
                         std::span<double> dnegatives) = 0;

 private:
  void ComputeGroup(const LossRows& rows, std::span<const size_t> group, std::span<double> values);

  std::vector<size_t> order_;  // rows with a label, by group, within a group by position
  std::vector<size_t> negatives_;
  std::vector<double> z_;
  std::vector<double> dz_;
  std::vector<double> derivatives_;  // [n]
};

}  // namespace zhiyin::worker::model::loss
