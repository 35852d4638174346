// Cross network of Deep & Cross (Wang et al., "Deep & Cross Network for Ad Click Predictions",
// ADKDD 2017, eq. 3):
//   x_{l+1} = x_0 (x_l . w_l) + b_l + x_l
//
//   x_l [n, dim]   w_l, b_l [dim]   a product with one number a row, s_l = x_l w_l [n]
//
// All products are of vectors, so that each example goes through all layers while it is in cache.
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
    const Eigen::Index n = x.rows();
    s_.resize(n, n_layers_);
    MatrixView s = s_.view();
    for (int l = 1; l < n_layers_; ++l) x_[static_cast<size_t>(l)].resize(n, dim_);
    for (Eigen::Index i = 0; i < n; ++i) {
      const ConstVectorView x_0 = Row(x, 0, i);
      for (int l = 0; l < n_layers_; ++l) {
        const ConstVectorView x_l = Row(x, l, i);
        float* const next = l + 1 == n_layers_
                                ? y.data() + i * y.outerStride()
                                : x_[static_cast<size_t>(l) + 1].view().row(i).data();
        s(i, l) = x_l.dot(W(weights, l));
        VectorView(next, dim_) = x_l + B(weights, l) + s(i, l) * x_0;
      }
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
  void Backward(std::span<const float> weights, const nn::ConstBlock& x, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float> dweights, nn::MutableBlock dx) override {
    const MatrixView s = s_.view();
    for (Eigen::Index i = 0; i < dy.rows(); ++i) {
      const ConstVectorView x_0 = Row(x, 0, i);
      auto g = dy.row(i);
      auto dx_0 = dx.row(i);
      for (int l = n_layers_; l-- > 0;) {
        const float ds = g.dot(x_0);
        dx_0 += s(i, l) * g;
        VectorView(dweights.data() + Begin(l), dim_) += ds * Row(x, l, i);
        VectorView(dweights.data() + Begin(l) + dim_, dim_) += g;
        g += ds * W(weights, l);
      }
      dx_0 += g;
    }
  }

 private:
  /// x_l of example i, where x_0 is the input itself.
  ConstVectorView Row(const nn::ConstBlock& x, int l, Eigen::Index i) const {
    if (l == 0) return {x.data() + i * x.outerStride(), dim_};
    return {x_[static_cast<size_t>(l)].view().row(i).data(), dim_};
  }
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
  std::vector<nn::Workspace> x_;  // [layer][n, dim]: x_l; that of layer 0 is not used
  nn::Workspace s_;               // [n, n_layers]
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
