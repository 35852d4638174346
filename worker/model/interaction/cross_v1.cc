// Cross network of Deep & Cross (Wang et al., "Deep & Cross Network for Ad Click Predictions",
// ADKDD 2017, eq. 3):
//   x_{l+1} = x_0 (x_l . w_l) + b_l + x_l
//
//   x_l [n, dim]   w_l, b_l [dim]   a product with one number a row, s_l = x_l w_l [n]
#include "worker/model/interaction/interactions.h"
#include "worker/model/nn/init.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model {
namespace {

class CrossV1 final : public nn::ColumnLayer {
 public:
  CrossV1(const Interaction::CrossV1& config, int dim, int64_t* n_weights)
      : n_layers_(config.n_layers()),
        dim_(dim),
        weights_(*n_weights),
        x_(static_cast<size_t>(n_layers_)) {
    *n_weights += int64_t{2} * n_layers_ * dim;
  }

  int out() const override { return dim_; }

  void Init(Random* random, std::span<float> weights) const override {
    for (int l = 0; l < n_layers_; ++l) {
      nn::InitUniform(nn::GlorotRange(dim_, 1), Begin(l), dim_, random, weights);
      nn::InitConstant(0, Begin(l) + dim_, dim_, weights);
    }
  }

  void Forward(std::span<const float> weights, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    s_.resize(x.rows(), n_layers_);
    MatrixView s = s_.view();
    for (int l = 0; l < n_layers_; ++l) {
      nn::Workspace& from = x_[static_cast<size_t>(l)];
      from.resize(x.rows(), dim_);
      if (l == 0) from.view() = x;
      const MatrixView x_l = from.view();
      const bool is_last = l + 1 == n_layers_;
      if (!is_last) x_[static_cast<size_t>(l) + 1].resize(x.rows(), dim_);
      nn::MutableBlock next = is_last ? y : nn::MutableBlock(x_[static_cast<size_t>(l) + 1].view());
      s.col(l).noalias() = x_l * W(weights, l).transpose();
      next = x_l.rowwise() + B(weights, l);
      for (Eigen::Index i = 0; i < x.rows(); ++i) next.row(i) += s(i, l) * x_[0].view().row(i);
    }
  }

  nn::Graph::Value AddTo(nn::Graph* graph, std::span<const float> weights,
                         const nn::Graph::Value& x) const override {
    const size_t dim = static_cast<size_t>(dim_);
    nn::Graph::Value x_l = x;
    for (int l = 0; l < n_layers_; ++l) {
      const std::span<const float> own = weights.subspan(static_cast<size_t>(Begin(l)), 2 * dim);
      const nn::Graph::Value s =
          graph->Op("MatMul", {x_l, graph->Floats({dim_, 1}, own.first(dim))});
      x_l = graph->Sum({graph->Op("Mul", {x, s}), graph->Floats({dim_}, own.last(dim)), x_l});
    }
    return x_l;
  }

  /// With g = dx_{l+1} and ds = <g, x_0> of each row:
  ///   dw_l += x_l^T ds;  db_l += sum g;  dx_l = g + ds w_l;  dx_0 += s_l g
  void Backward(std::span<const float> weights, const nn::ConstBlock&, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float> dweights, nn::MutableBlock dx) override {
    ds_.resize(dy.rows(), 1);
    MatrixView ds = ds_.view();
    const MatrixView s = s_.view();
    const MatrixView x_0 = x_[0].view();
    for (int l = n_layers_; l-- > 0;) {
      for (Eigen::Index i = 0; i < dy.rows(); ++i) {
        ds(i, 0) = dy.row(i).dot(x_0.row(i));
        dx.row(i) += s(i, l) * dy.row(i);
      }
      VectorView(dweights.data() + Begin(l), dim_).noalias() +=
          ds.transpose() * x_[static_cast<size_t>(l)].view();
      VectorView(dweights.data() + Begin(l) + dim_, dim_) += dy.colwise().sum();
      dy.noalias() += ds * W(weights, l);
    }
    dx += dy;
  }

 private:
  int64_t Begin(int l) const { return weights_ + int64_t{2} * l * dim_; }
  ConstVectorView W(std::span<const float> weights, int l) const {
    return {weights.data() + Begin(l), dim_};
  }
  ConstVectorView B(std::span<const float> weights, int l) const {
    return {weights.data() + Begin(l) + dim_, dim_};
  }

  int n_layers_;
  int dim_;
  int64_t weights_;               // [n_layers][w, b]
  std::vector<nn::Workspace> x_;  // [layer][n, dim]: x_l
  nn::Workspace s_;               // [n, n_layers]
  nn::Workspace ds_;              // [n, 1], of one layer
};

void CheckCrossV1(const ModelChecker& check, const config::ConfigPath& path,
                  const Interaction& interaction) {
  check.CheckRange(path("n_layers"), interaction.cross_v1().n_layers(), 1, kMaxLayers);
}

std::unique_ptr<nn::ColumnLayer> MakeCrossV1(const Interaction& config, const InputLayout& layout,
                                             int64_t* n_weights) {
  return std::make_unique<CrossV1>(config.cross_v1(), layout.dim, n_weights);
}

}  // namespace

const InteractionKind kCrossV1 = {
    .name = "cross_v1",
    .check = CheckCrossV1,
    .make = MakeCrossV1,
};

}  // namespace zhiyin::worker::model
