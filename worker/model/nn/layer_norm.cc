#include "worker/model/nn/layer_norm.h"

#include <cmath>

#include "worker/model/nn/init.h"

namespace zhiyin::worker::model::nn {

LayerNorm::LayerNorm(int dim, int64_t* n_weights) : dim_(dim), g_(*n_weights), b_(g_ + dim) {
  *n_weights = b_ + dim;
}

void LayerNorm::Init(std::span<float> weights) const {
  InitConstant(1, g_, dim_, weights);
  InitConstant(0, b_, dim_, weights);
}

void LayerNorm::Forward(std::span<const float> weights, const ConstBlock& x, MutableBlock y) {
  const ConstVectorView g(weights.data() + g_, dim_);
  const ConstVectorView b(weights.data() + b_, dim_);
  normal_.resize(x.rows(), dim_);
  inverse_deviation_.resize(static_cast<size_t>(x.rows()));
  MatrixView normal = normal_.view();
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    auto row = normal.row(i).array();
    row = x.row(i).array() - x.row(i).mean();
    const float inverse = 1 / std::sqrt(row.square().mean() + kEpsilon);
    inverse_deviation_[static_cast<size_t>(i)] = inverse;
    row *= inverse;
    y.row(i).array() = row * g.array() + b.array();
  }
}

Graph::Value LayerNorm::AddTo(Graph* graph, std::span<const float> weights,
                              const Graph::Value& x) const {
  const auto mean_of = [&](const Graph::Value& value) {
    return graph->Op("Div", {graph->RowSums(value), graph->Scalar(static_cast<float>(dim_))});
  };
  const Graph::Value centred = graph->Op("Sub", {x, mean_of(x)});
  const Graph::Value variance = mean_of(graph->Op("Mul", {centred, centred}));
  const Graph::Value deviation =
      graph->Op("Sqrt", {graph->Op("Add", {variance, graph->Scalar(kEpsilon)})});
  const Graph::Value g =
      graph->Floats({dim_}, weights.subspan(static_cast<size_t>(g_), static_cast<size_t>(dim_)));
  const Graph::Value b =
      graph->Floats({dim_}, weights.subspan(static_cast<size_t>(b_), static_cast<size_t>(dim_)));
  return graph->Op("Add", {graph->Op("Mul", {graph->Op("Div", {centred, deviation}), g}), b});
}

/// dnormal = dy * g
/// dx = (dnormal - mean(dnormal) - normal * mean(dnormal * normal)) / deviation
/// with means over the columns of a row.
void LayerNorm::Backward(std::span<const float> weights, MutableBlock dy,
                         std::span<float> dweights) {
  const ConstVectorView g(weights.data() + g_, dim_);
  VectorView dg(dweights.data() + g_, dim_);
  VectorView db(dweights.data() + b_, dim_);
  const ConstMatrixView normal = std::as_const(normal_).view();
  for (Eigen::Index i = 0; i < dy.rows(); ++i) {
    auto row = dy.row(i).array();
    db.array() += row;
    dg.array() += row * normal.row(i).array();
    row *= g.array();
    const float mean = row.mean();
    const float slope = (row * normal.row(i).array()).mean();
    row = inverse_deviation_[static_cast<size_t>(i)] * (row - mean - slope * normal.row(i).array());
  }
}

}  // namespace zhiyin::worker::model::nn
