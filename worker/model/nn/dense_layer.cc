#include "worker/model/nn/dense_layer.h"

#include <cmath>
#include <vector>

#include "worker/model/nn/team.h"

namespace zhiyin::worker::model::nn {

DenseLayer::DenseLayer(int in, int out, int n_relu, int64_t* n_weights)
    : map_(in, out, n_weights), n_relu_(n_relu), b_(*n_weights) {
  *n_weights += out;
}

void DenseLayer::Init(Random* random, std::span<float> weights) const {
  const double range = n_relu_ > 0 ? std::sqrt(6.0 / in()) : std::sqrt(6.0 / (in() + out()));
  InitColumns(random, weights, std::vector<double>(static_cast<size_t>(out()), range));
}

void DenseLayer::InitColumns(Random* random, std::span<float> weights,
                             std::span<const double> ranges) const {
  for (int64_t i = map_.begin(); i < b_; ++i) {
    const double range = ranges[static_cast<size_t>((i - map_.begin()) % out())];
    weights[static_cast<size_t>(i)] = static_cast<float>(range * (2 * random->Uniform() - 1));
  }
  InitBias(0, weights);
}

void DenseLayer::Forward(std::span<const float> weights, const ConstBlock& x, MutableBlock y) {
  map_.Forward(weights, x, y);
  const ConstVectorView b(weights.data() + b_, out());
  const int n_others = out() - n_relu_;
  const double flops = 2.0 * static_cast<double>(y.size()) * in();  // as of the product
  ForRows(y.rows(), flops, [&](Eigen::Index begin, Eigen::Index n) {
    for (Eigen::Index i = begin; i < begin + n; ++i) {
      auto row = y.row(i);
      row.head(n_relu_) = (row.head(n_relu_) + b.head(n_relu_)).cwiseMax(0.0f);
      row.tail(n_others) += b.tail(n_others);
    }
  });
}

Graph::Value DenseLayer::AddTo(Graph* graph, std::span<const float> weights,
                               const Graph::Value& x) const {
  const auto part = [&](int64_t begin, int64_t n) {
    return weights.subspan(static_cast<size_t>(begin), static_cast<size_t>(n));
  };
  const Graph::Value w = graph->Floats({in(), out()}, part(map_.begin(), int64_t{in()} * out()));
  const Graph::Value b = graph->Floats({out()}, part(b_, out()));
  const Graph::Value y = graph->Op("Add", {graph->Op("MatMul", {x, w}), b});
  if (n_relu_ == 0) return y;
  if (n_relu_ == out()) return graph->Op("Relu", {y});
  return graph->Concat({graph->Op("Relu", {graph->Columns(y, 0, n_relu_)}),
                        graph->Columns(y, n_relu_, out() - n_relu_)});
}

void DenseLayer::BackwardWeights(const ConstBlock& x, const ConstBlock& y, MutableBlock dy,
                                 std::span<float> dweights) {
  VectorView db(dweights.data() + b_, out());
  // The activation and the bias gradient in one pass, while a row of dy is in cache.
  const auto finish = [&](Eigen::Index i, float* to) {
    VectorView row(to, out());
    row.head(n_relu_).array() =
        (y.row(i).head(n_relu_).array() > 0.0f).select(dy.row(i).head(n_relu_).array(), 0.0f);
    row.tail(out() - n_relu_) = dy.row(i).tail(out() - n_relu_);
    db += row;
  };
  map_.BackwardWeightsByRows(x, dy, finish, dweights);
}

void DenseLayer::BackwardInput(std::span<const float> weights, const ConstBlock& dy,
                               MutableBlock dx) {
  map_.BackwardInput(weights, dy, dx);
}

}  // namespace zhiyin::worker::model::nn
