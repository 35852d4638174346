// The interface of models, which map inputs to one output for each task.
//
// Adding a network takes its file network/NAME.cc with a NetworkKind, its message in Model.kind of
// job.proto, a line in network/networks.h, and its examples (tests/data/kinds/network). The
// conformance tests then cover it. docs/extending.md shows a whole one.
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
#include "common/types.h"
#include "configs/job.pb.h"
#include "worker/model/input_layout.h"
#include "worker/model/nn/graph.h"
#include "worker/model/nn/pass.h"

namespace zhiyin::worker::model {

/// The vectors [n, dim] of user and item in a model with two towers, for every example of the last
/// Forward. The score of a pair is their inner product / temperature. Valid until the next Forward.
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

  /// The length of the flat weight vector, which never changes.
  virtual int64_t n_weights() const = 0;
  /// Sets the initial weights, a function of the random state only.
  virtual void InitWeights(Random random, std::span<float> weights) const = 0;
  /// Sets biases so that a model whose other weights were 0 would have the outputs [n_tasks], and
  /// changes no other weight. Called after InitWeights. Outputs that the model cannot have together
  /// are approached.
  virtual void InitOutputs(std::span<const double> outputs, std::span<float> weights) const = 0;
  /// outputs [n, n_tasks] = f(x [n, input dim]). A logit where the task's loss is binary
  /// cross-entropy. x must stay unchanged until Backward has returned.
  virtual void Forward(std::span<const float> weights, const ConstMatrixView& x,
                       const nn::Pass& pass, Matrix* outputs) = 0;
  /// Adds d loss / d weights to dweights and sets dx [n, input dim] = d loss / d x, given doutputs
  /// [n, n_tasks] = d loss / d outputs. May be called any number of times after a Forward, with
  /// equal results for equal doutputs. REQUIRES: x and weights as in the last Forward, which was a
  /// training pass.
  virtual void Backward(std::span<const float> weights, const ConstMatrixView& x,
                        const Matrix& doutputs, std::span<float> dweights, Matrix* dx) = 0;

  /// Whether the model has an auxiliary loss: one beside those of the tasks, with a weight of its
  /// own.
  virtual bool HasAuxiliaryLoss() const { return false; }
  /// Adds the auxiliary loss: a function of the last Forward, the labels [n, n_tasks], which are
  /// NaN where missing, and the items [n] of the examples (Targets::items). sums[t] += the part of
  /// the loss that is reported with task t, over the examples; doutputs += factor * its derivative
  /// with respect to the outputs. Until the next Forward, every Backward also adds the derivatives
  /// that do not pass through the outputs, times factor.
  virtual void AddAuxiliaryLoss(const Matrix& /*outputs*/, std::span<const double> /*labels*/,
                                std::span<const Key> /*items*/, float /*factor*/,
                                std::span<double> /*sums*/, Matrix* /*doutputs*/) {}

  /// Adds the computation of an evaluation pass to a graph of standard operators: a value [n, 1]
  /// for each task, from x [n, input dim]. Throws Error where NetworkKind::has_graph is false.
  virtual std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                              const nn::Graph::Value& x) const;

  /// The gate of each input by its name; empty for models without gates.
  virtual std::vector<std::pair<std::string, float>> Gates(
      std::span<const float> /*weights*/) const {
    return {};
  }

  /// The vectors of the towers; empty for models without towers.
  virtual std::optional<TowerVectors> vectors() const { return {}; }
};

/// Makes the configured model, with the layers below its network (feature_stack.h). REQUIRES: the
/// job was checked.
std::unique_ptr<Model> MakeModel(const Job& job);

/// Makes the network alone: a function of input_dim columns, which are those of the layout where
/// the job has no interaction. Where NetworkKind::make_outputs is given, its outputs are logits.
std::unique_ptr<Model> MakeNetwork(const Job& job, int input_dim, const InputLayout& layout);

}  // namespace zhiyin::worker::model
