// The gradients of each task separately, for one slice.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "worker/model/balance/balancer.h"
#include "worker/model/balance/shared_parameters.h"
#include "worker/model/dense_weights.h"
#include "worker/model/embedding_input.h"
#include "worker/model/model.h"

namespace zhiyin::worker::model::balance {

/// Computes and combines the gradients of T tasks; that of a task is backpropagated from its column
/// of doutputs. Costs one backward pass and a copy of all gradients for each task. Used by one
/// thread; allocates nothing once it has seen the largest slice.
class TaskGradients {
 public:
  TaskGradients(SharedParameters shared, int n_tasks);

  /// Computes the gradients for the last Forward of the model; overwrites those of the input's
  /// embedding rows. REQUIRES: the Forward had these x and weights, and the model's auxiliary loss,
  /// which is no task's, was not added since.
  void Compute(Model* model, std::span<float> weights, const ConstMatrixView& x,
               const Matrix& doutputs, EmbeddingInput* input);
  /// [T, T]: inner products of the tasks' gradients with respect to the shared parameters.
  Eigen::MatrixXd Gram() const;
  /// Adds to the gradients of the dense weights and of the input's embedding rows the sum over
  /// tasks of factor times gradient.
  void AddTo(const TaskFactors& factors, std::span<float> dweights, EmbeddingInput* input) const;

 private:
  using Floats = Eigen::ArrayXf;  // aligned, so that sums over it have the same bits every time
  using Rows = Eigen::Array<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  struct Gradients {
    Floats weights;
    std::vector<Rows> tables;  // [n_tables][keys, dim]
  };

  SharedParameters shared_;
  std::vector<Gradients> tasks_;
  Matrix doutputs_;  // of one task, zeros elsewhere
  Matrix dx_;
};

}  // namespace zhiyin::worker::model::balance
