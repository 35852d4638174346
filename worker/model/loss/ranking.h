// Losses that compare examples of label 1 with examples of label 0.
#pragma once

#include <span>
#include <vector>

#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model::loss {

/// Collects the examples of each group; a derived class computes the loss of a positive example
/// against the negative ones of its group. An example of weight w counts as w examples: a pair
/// weighs the product of its two weights (Gantner, Drumond, Freudenthaler and Schmidt-Thieme,
/// "Personalized Ranking for Non-Uniformly Sampled Items", JMLR W&CP 18, 2012), and what has weight
/// 0 is not there. A negative that stands for 1 / r, because a share r of them was drawn, has that
/// weight.
class RankingLoss : public Loss {
 public:
  void Compute(const LossRows& rows, std::span<double> values, std::span<float> derivatives) final;
  float Prediction(float output) const final { return output; }
  PredictionKind kind() const final { return PredictionKind::kScore; }
  bool Accepts(double label) const final { return label == 0 || label == 1; }
  const char* Domain() const final { return "0 or 1"; }

 protected:
  /// Returns the loss of a positive example with output z against the outputs `negatives` [n >= 1]
  /// of its group, each of which counts `counts` [n] times, more than 0. Sets dnegatives [n] to the
  /// derivatives with respect to these; that with respect to z is minus their sum, since the loss
  /// depends on differences of outputs only.
  virtual double Compare(double z, std::span<const double> negatives,
                         std::span<const double> counts, std::span<double> dnegatives) = 0;

 private:
  void ComputeGroup(const LossRows& rows, std::span<const size_t> group, std::span<double> values);

  std::vector<size_t> order_;  // examples with a label, by group, within a group by position
  std::vector<size_t> negatives_;
  std::vector<double> z_;       // [negatives]
  std::vector<double> counts_;  // [negatives]
  std::vector<double> dz_;
  std::vector<double> derivatives_;  // [n]
};

}  // namespace zhiyin::worker::model::loss
