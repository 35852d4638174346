// A function from columns to columns, and back: what models are put together from below their
// networks.
#pragma once

#include <span>

#include "common/random.h"
#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/pass.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread. Holds what it needs between Forward and Backward; allocates nothing once it
/// has seen the largest batch. Weights are a part of the model's flat vector, which it takes in its
/// constructor as DenseLayer does.
class ColumnLayer {
 public:
  virtual ~ColumnLayer() = default;

  /// Columns that it gives.
  virtual int out() const = 0;
  virtual void Init(Random* random, std::span<float> weights) const = 0;
  /// y [n, out()] = f(x [n, in]).
  virtual void Forward(std::span<const float> weights, const ConstBlock& x, const Pass& pass,
                       MutableBlock y) = 0;
  /// What a pass that does not train computes, as a value [n, out()]. Throws Error where the layer
  /// has no such form.
  virtual Graph::Value AddTo(Graph* graph, std::span<const float> weights,
                             const Graph::Value& x) const;
  /// Of the x, y and weights of the last Forward. dy may be overwritten. dweights += ..., dx [n,
  /// in] += ...
  virtual void Backward(std::span<const float> weights, const ConstBlock& x, const ConstBlock& y,
                        MutableBlock dy, std::span<float> dweights, MutableBlock dx) = 0;
};

}  // namespace zhiyin::worker::model::nn
