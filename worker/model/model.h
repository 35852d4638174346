// A model: from input vectors to one output a task, and back.
//
// Adding one: a file model/NAME.cc, a field in Model.kind of job.proto, a declaration below, a case in
// MakeModel. The conformance tests (finite differences, shapes, reuse of memory) then cover it without
// further work.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "common/random.h"
#include "configs/job.pb.h"

namespace zhiyin::worker {

/// What a row's input vector is made of: for each field the pooled row of its table, then the numerics, in
/// the job's order.
struct InputLayout {
  struct Part {
    int begin = 0;
    int dim = 0;
  };
  std::vector<Part> fields;    // [n_fields]
  std::vector<Part> numerics;  // [n_numerics], dim 1
  int dim = 0;                 // of the whole vector

  static InputLayout Of(const Job& job);
};

/// Used by one thread. Holds the activations between Forward and Backward; allocates nothing once it has seen
/// the largest batch. Weights and gradients are the caller's, flat, n_weights() floats each. For the same bits every time they
/// must always have the same alignment (DenseWeights does that): how Eigen groups the terms of a sum depends on it.
class Model {
 public:
  virtual ~Model() = default;

  /// Length of the flat weight vector. Fixed.
  virtual int64_t n_weights() const = 0;
  /// First values, a function of the random state alone.
  virtual void InitWeights(Random random, std::span<float> weights) const = 0;
  /// outputs [n, n_tasks] = f(x [n, input dim]). A logit where the task's loss is binary cross-entropy.
  /// x must stay as it is until Backward has returned.
  virtual void Forward(std::span<const float> weights, const ConstMatrixView& x, Matrix* outputs) = 0;
  /// Of the same x and weights as the last Forward, given doutputs [n, n_tasks] = d loss / d outputs:
  /// dweights += d loss / d weights, dx [n, input dim] = d loss / d x (overwritten).
  virtual void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                        std::span<float> dweights, Matrix* dx) = 0;
};

/// The configured model. REQUIRES: a job that passed validation.
std::unique_ptr<Model> MakeModel(const Job& job);

std::unique_ptr<Model> MakeSharedBottom(const SharedBottom& config, int input_dim, int n_tasks);
std::unique_ptr<Model> MakeMmoe(const Mmoe& config, int input_dim, int n_tasks);
std::unique_ptr<Model> MakeLinear(const Job& job);

}  // namespace zhiyin::worker
