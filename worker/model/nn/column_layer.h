// The interface of layers that map columns to columns: feature interactions and sequence readers.
#pragma once

#include <span>

#include "common/random.h"
#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/pass.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread. Keeps what Backward needs of Forward; allocates nothing once it has seen the
/// largest batch. Its weights are a part of the model's flat vector, which the constructor takes as
/// DenseLayer does; `weights` and `dweights` below are the whole flat vectors.
class ColumnLayer {
 public:
  virtual ~ColumnLayer() = default;

  /// The number of output columns.
  virtual int out() const = 0;
  virtual void Init(Random* random, std::span<float> weights) const = 0;
  /// y [n, out()] = f(x [n, in]).
  virtual void Forward(std::span<const float> weights, const ConstBlock& x, const Pass& pass,
                       MutableBlock y) = 0;
  /// Adds what a pass that does not train computes to an inference graph, as a value [n, out()].
  /// Throws Error where the layer has no such form.
  virtual Graph::Value AddTo(Graph* graph, std::span<const float> weights,
                             const Graph::Value& x) const;
  /// Backpropagates through the last Forward, whose x, y and weights these are: dweights += d loss
  /// / d weights, dx [n, in] += d loss / d x, given dy [n, out()], which may be overwritten.
  virtual void Backward(std::span<const float> weights, const ConstBlock& x, const ConstBlock& y,
                        MutableBlock dy, std::span<float> dweights, MutableBlock dx) = 0;
};

}  // namespace zhiyin::worker::model::nn
