#include "worker/model/nn/dense_layer.h"

#include <cmath>
#include <vector>

#include "worker/model/nn/team.h"

namespace zhiyin::worker::model::nn {

DenseLayer::DenseLayer(int in, int out, int n_relu, int64_t* n_weights)
    : in_(in), out_(out), n_relu_(n_relu), w_(*n_weights), b_(w_ + int64_t{in} * out) {
  *n_weights = b_ + out;
}

void DenseLayer::Init(Random* random, std::span<float> weights) const {
  const double range = n_relu_ > 0 ? std::sqrt(6.0 / in_) : std::sqrt(6.0 / (in_ + out_));
  InitColumns(random, weights, std::vector<double>(static_cast<size_t>(out_), range));
}

void DenseLayer::InitColumns(Random* random, std::span<float> weights,
                             std::span<const double> ranges) const {
  for (int64_t i = w_; i < b_; ++i) {
    const double range = ranges[static_cast<size_t>((i - w_) % out_)];
    weights[static_cast<size_t>(i)] = static_cast<float>(range * (2 * random->Uniform() - 1));
  }
  InitBias(0, weights);
}

void DenseLayer::Forward(std::span<const float> weights, const ConstBlock& x,
                         MutableBlock y) const {
  ForRows(x.rows(), Flops(x.rows()), [&](Eigen::Index begin, Eigen::Index n) {
    auto part = y.middleRows(begin, n);
    // The matrix product accumulates into y, so the bias is put there first.
    part.rowwise() = B(weights);
    part.noalias() += x.middleRows(begin, n) * W(weights);
    if (n_relu_ > 0) part.leftCols(n_relu_).array() = part.leftCols(n_relu_).array().max(0.0f);
  });
}

Graph::Value DenseLayer::AddTo(Graph* graph, std::span<const float> weights,
                               const Graph::Value& x) const {
  const std::span<const float> w =
      weights.subspan(static_cast<size_t>(w_), static_cast<size_t>(b_ - w_));
  const std::span<const float> b =
      weights.subspan(static_cast<size_t>(b_), static_cast<size_t>(out_));
  const Graph::Value y = graph->Op(
      "Add", {graph->Op("MatMul", {x, graph->Floats({in_, out_}, w)}), graph->Floats({out_}, b)});
  if (n_relu_ == 0) return y;
  if (n_relu_ == out_) return graph->Op("Relu", {y});
  return graph->Concat({graph->Op("Relu", {graph->Columns(y, 0, n_relu_)}),
                        graph->Columns(y, n_relu_, out_ - n_relu_)});
}

void DenseLayer::BackwardWeights(const ConstBlock& x, const ConstBlock& y, MutableBlock dy,
                                 std::span<float> dweights) const {
  MatrixView dW(dweights.data() + w_, in_, out_);
  VectorView db(dweights.data() + b_, out_);
  // The activation and the bias gradient in one pass, while a row of dy is in cache.
  for (Eigen::Index i = 0; i < dy.rows(); ++i) {
    auto row = dy.row(i);
    row.head(n_relu_).array() =
        (y.row(i).head(n_relu_).array() > 0.0f).select(row.head(n_relu_).array(), 0.0f);
    db += row;
  }
  ForRows(in_, Flops(x.rows()), [&](Eigen::Index begin, Eigen::Index n) {
    dW.middleRows(begin, n).noalias() += x.middleCols(begin, n).transpose() * dy;
  });
}

void DenseLayer::BackwardInput(std::span<const float> weights, const ConstBlock& dy,
                               MutableBlock dx) const {
  ForRows(dy.rows(), Flops(dy.rows()), [&](Eigen::Index begin, Eigen::Index n) {
    dx.middleRows(begin, n).noalias() = dy.middleRows(begin, n) * W(weights).transpose();
  });
}

}  // namespace zhiyin::worker::model::nn
