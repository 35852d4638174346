#include "worker/model/nn/batch_norm.h"

#include <limits>
#include <utility>

#include "worker/model/nn/batch_statistics.h"
#include "worker/model/nn/init.h"

namespace zhiyin::worker::model::nn {

BatchNorm::BatchNorm(int dim, int64_t* n_weights)
    : dim_(dim),
      g_(*n_weights),
      b_(g_ + dim),
      kept_(b_ + dim),
      mean_(dim),
      variance_(dim),
      inverse_deviation_(dim) {
  *n_weights = kept_ + 2 * dim;
}

void BatchNorm::Init(std::span<float> weights) const {
  InitConstant(1, g_, dim_, weights);
  InitConstant(0, b_, dim_, weights);
  InitConstant(0, kept_, dim_, weights);
  InitConstant(1, kept_ + dim_, dim_, weights);
}

void BatchNorm::Forward(std::span<const float> weights, const Pass& pass, MutableBlock x) {
  if (x.rows() == 0) return;
  const ConstVectorView g(weights.data() + g_, dim_);
  const ConstVectorView b(weights.data() + b_, dim_);
  normal_.resize(x.rows(), dim_);
  MatrixView normal = normal_.view();
  if (pass.training) {
    // Sums of columns are taken row by row: that is how x lies in memory.
    const float n = static_cast<float>(x.rows());
    mean_.setZero();
    for (Eigen::Index i = 0; i < x.rows(); ++i) mean_ += x.row(i);
    mean_ /= n;
    variance_.setZero();
    for (Eigen::Index i = 0; i < x.rows(); ++i) variance_ += (x.row(i) - mean_).cwiseAbs2();
    variance_ /= n;
    const size_t dim = static_cast<size_t>(dim_);
    const std::span<const float> mean(mean_.data(), dim);
    const std::span<const float> variance(variance_.data(), dim);
    if (!BatchStatistics::CanHold(x.rows(), mean, variance)) {
      x.setConstant(std::numeric_limits<float>::quiet_NaN());
      return;
    }
    if (pass.statistics != nullptr)
      pass.statistics->Add(weights.subspan(static_cast<size_t>(kept_), 2 * dim), x.rows(), mean,
                           variance);
  } else {
    mean_ = ConstVectorView(weights.data() + kept_, dim_);
    variance_ = ConstVectorView(weights.data() + kept_ + dim_, dim_);
  }
  inverse_deviation_ = (variance_.array() + kEpsilon).rsqrt();
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    normal.row(i) = (x.row(i) - mean_).cwiseProduct(inverse_deviation_);
    x.row(i) = normal.row(i).cwiseProduct(g) + b;
  }
}

Graph::Value BatchNorm::AddTo(Graph* graph, std::span<const float> weights,
                              const Graph::Value& x) const {
  const ConstVectorView g(weights.data() + g_, dim_);
  const ConstVectorView b(weights.data() + b_, dim_);
  const ConstVectorView mean(weights.data() + kept_, dim_);
  const ConstVectorView variance(weights.data() + kept_ + dim_, dim_);
  const Vector scale = g.array() * (variance.array() + kEpsilon).rsqrt();
  const Vector shift = b.array() - mean.array() * scale.array();
  const size_t dim = static_cast<size_t>(dim_);
  return graph->Op("Add", {graph->Op("Mul", {x, graph->Floats({dim_}, {scale.data(), dim})}),
                           graph->Floats({dim_}, {shift.data(), dim})});
}

/// dnormal = dy * g
/// dx = (dnormal - mean(dnormal) - normal * mean(dnormal * normal)) / deviation
/// with means over the examples of the slice (Ioffe and Szegedy, section 3, rearranged).
void BatchNorm::Backward(std::span<const float> weights, MutableBlock dy,
                         std::span<float> dweights) {
  if (dy.rows() == 0) return;
  const float n = static_cast<float>(dy.rows());
  const ConstMatrixView normal = std::as_const(normal_).view();
  db_.setZero(dim_);
  dg_.setZero(dim_);
  for (Eigen::Index i = 0; i < dy.rows(); ++i) {
    db_ += dy.row(i);
    dg_ += dy.row(i).cwiseProduct(normal.row(i));
  }
  VectorView(dweights.data() + b_, dim_) += db_;
  VectorView(dweights.data() + g_, dim_) += dg_;
  db_ /= n;
  dg_ /= n;
  const ConstVectorView g(weights.data() + g_, dim_);
  for (Eigen::Index i = 0; i < dy.rows(); ++i)
    dy.row(i).array() = g.array() * inverse_deviation_.array() *
                        (dy.row(i).array() - db_.array() - normal.row(i).array() * dg_.array());
}

}  // namespace zhiyin::worker::model::nn
