// The first interaction or reader of sequences of a job, as a layer of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "worker/model/input_layout.h"
#include "worker/model/nn/column_layer.h"

namespace zhiyin::testing {

struct LoneColumnLayer {
  explicit LoneColumnLayer(const Job& job);

  /// Inputs as there may be: sequences of every length, zeros behind their last value.
  Matrix Inputs(Eigen::Index n, uint64_t seed) const;
  /// Random numbers for Backward.
  Matrix Direction(Eigen::Index n) const;

  Matrix Forward(const Matrix& x);
  struct Gradients {
    std::vector<float> dweights;
    Matrix dx;
  };
  /// The gradients of <y, direction>.
  Gradients Backward(const Matrix& x, const Matrix& y, Matrix direction);

  worker::model::InputLayout layout;
  int64_t n_weights = 0;
  std::unique_ptr<worker::model::nn::ColumnLayer> layer;
  std::vector<float> weights;
};

/// The pass of Forward: one that trains.
inline constexpr worker::model::nn::Pass kColumnPass = {true, 5};

}  // namespace zhiyin::testing
