// A model: from input vectors to one output a task, and back.
//
// Adding one: a file model/NAME.cc, a field in Model.kind of job.proto, a declaration below, a case
// in MakeNetwork, an example in tests/support/example_jobs.cc. The conformance tests (finite
// differences, shapes, reuse of memory) then cover it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/matrix.h"
#include "common/random.h"
#include "configs/job.pb.h"
#include "worker/model/input_layout.h"
#include "worker/model/nn/graph.h"
#include "worker/model/nn/pass.h"

namespace zhiyin::worker::model {

/// Of a model with a vector for the user and one for the item: both of every row of the last
/// Forward, [n, dim]; the score of two is their product / temperature. Valid until the next
/// Forward.
struct TowerVectors {
  ConstMatrixView user;
  ConstMatrixView item;
  float temperature = 1;
};

/// Used by one thread. Holds the activations between Forward and Backward; allocates nothing once
/// it has seen the largest batch. Weights and gradients are the caller's, flat, n_weights() floats
/// each. For the same bits every time they must always have the same alignment (DenseWeights does
/// that): how Eigen groups the terms of a sum depends on it.
class Model {
 public:
  virtual ~Model() = default;

  /// Length of the flat weight vector. Fixed.
  virtual int64_t n_weights() const = 0;
  /// First values, a function of the random state alone.
  virtual void InitWeights(Random random, std::span<float> weights) const = 0;
  /// outputs [n, n_tasks] = f(x [n, input dim]). A logit where the task's loss is binary
  /// cross-entropy. x must stay as it is until Backward has returned.
  virtual void Forward(std::span<const float> weights, const ConstMatrixView& x,
                       const nn::Pass& pass, Matrix* outputs) = 0;
  /// Of the same x and weights as the last Forward, which was a training pass, given doutputs [n,
  /// n_tasks] = d loss / d outputs: dweights += d loss / d weights, dx [n, input dim] = d loss / d
  /// x (overwritten).
  virtual void Backward(std::span<const float> weights, const ConstMatrixView& x,
                        const Matrix& doutputs, std::span<float> dweights, Matrix* dx) = 0;

  /// What the model itself adds to the objective beside its tasks' losses, if anything: a loss of
  /// what the last Forward found and the labels [n, n_tasks], NaN where there is none. sums[t] +=
  /// its part about task t, over the rows; doutputs += factor * its derivative by the outputs; what
  /// does not go through the outputs, the next Backward adds, times factor.
  virtual void AddOwnLoss(const Matrix& /*outputs*/, std::span<const float> /*labels*/,
                          float /*factor*/, std::span<double> /*sums*/, Matrix* /*doutputs*/) {}

  /// What a pass that does not train computes, as a value [n, 1] a task, of x [n, input dim].
  /// Throws Error where the model has no such form.
  virtual std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                              const nn::Graph::Value& x) const;

  /// What each input is multiplied by, of a model with gates.
  virtual std::vector<std::pair<std::string, float>> Gates(
      std::span<const float> /*weights*/) const {
    return {};
  }

  /// Nothing for models without towers.
  virtual std::optional<TowerVectors> vectors() const { return {}; }
};

/// The configured model, with what stands below its network (feature_stack.h). REQUIRES: a job that
/// passed validation.
std::unique_ptr<Model> MakeModel(const Job& job);

/// The network alone: a function of input_dim columns, which are those of the layout where there is
/// no interaction.
std::unique_ptr<Model> MakeNetwork(const Job& job, int input_dim, const InputLayout& layout);

std::unique_ptr<Model> MakeSharedBottom(const Job& job, int input_dim);
std::unique_ptr<Model> MakeMmoe(const Job& job, int input_dim);
std::unique_ptr<Model> MakeLinear(const Job& job);
std::unique_ptr<Model> MakeSingleTask(const Job& job, int input_dim);
std::unique_ptr<Model> MakePle(const Job& job, int input_dim);
std::unique_ptr<Model> MakeEsmm(const Job& job, int input_dim);
std::unique_ptr<Model> MakeAitm(const Job& job, int input_dim);
std::unique_ptr<Model> MakeCrossStitch(const Job& job, int input_dim);
std::unique_ptr<Model> MakeStem(const Job& job, const InputLayout& layout);
std::unique_ptr<Model> MakeMatrixFactorization(const Job& job, const InputLayout& layout);
std::unique_ptr<Model> MakeTwoTower(const Job& job, const InputLayout& layout);

}  // namespace zhiyin::worker::model
