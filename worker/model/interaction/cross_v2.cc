// Cross network of DCN-v2 (Wang et al., "DCN V2: Improved Deep & Cross Network and Practical
// Lessons for Web-scale Learning to Rank Systems", WWW 2021, eq. 1):
//   x_{l+1} = x_0 * (W_l x_l + b_l) + x_l        * entry by entry
//
//   x_l [n, dim]   W_l [dim, dim]   b_l [dim]
//
// A row is a row vector here, so W_l is stored as the transpose of the paper's: u_l = x_l W_l +
// b_l.
#include "worker/model/interaction/interactions.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model {
namespace {

class CrossV2 final : public nn::ColumnLayer {
 public:
  CrossV2(const Interaction::CrossV2& config, int dim, int64_t* n_weights)
      : dim_(dim), x_(static_cast<size_t>(config.n_layers())), u_(x_.size()) {
    for (int l = 0; l < config.n_layers(); ++l)
      layers_.emplace_back(dim, dim, nn::Activation::kNone, n_weights);
  }

  int out() const override { return dim_; }
  void Init(Random* random, std::span<float> weights) const override {
    for (const nn::DenseLayer& layer : layers_) layer.Init(random, weights);
  }

  void Forward(std::span<const float> weights, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    for (size_t l = 0; l < layers_.size(); ++l) {
      const nn::ConstBlock x_l = Input(x, l);
      u_[l].resize(x.rows(), dim_);
      layers_[l].Forward(weights, x_l, u_[l].view());
      if (l + 1 == layers_.size()) {
        y = x_l + x.cwiseProduct(u_[l].view());
      } else {
        x_[l + 1].resize(x.rows(), dim_);
        x_[l + 1].view() = x_l + x.cwiseProduct(u_[l].view());
      }
    }
  }

  nn::Graph::Value AddTo(nn::Graph* graph, std::span<const float> weights,
                         const nn::Graph::Value& x) const override {
    nn::Graph::Value x_l = x;
    for (const nn::DenseLayer& layer : layers_)
      x_l = graph->Op("Add", {x_l, graph->Op("Mul", {x, layer.AddTo(graph, weights, x_l)})});
    return x_l;
  }

  /// With g = dx_{l+1}:  du_l = g * x_0;  dx_0 += g * u_l;  dW_l += x_l^T du_l;  db_l += sum du_l;
  /// dx_l = g
  /// + du_l W_l^T
  void Backward(std::span<const float> weights, const nn::ConstBlock& x, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float> dweights, nn::MutableBlock dx) override {
    du_.resize(dy.rows(), dim_);
    dx_l_.resize(dy.rows(), dim_);
    for (size_t l = layers_.size(); l-- > 0;) {
      du_.view() = dy.cwiseProduct(x);
      dx += dy.cwiseProduct(u_[l].view());
      layers_[l].BackwardWeights(Input(x, l), u_[l].view(), du_.view(), dweights);
      layers_[l].BackwardInput(weights, du_.view(), dx_l_.view());
      dy += dx_l_.view();
    }
    dx += dy;
  }

 private:
  /// x_l, where x_0 is the input itself.
  nn::ConstBlock Input(const nn::ConstBlock& x, size_t l) const {
    return l == 0 ? x : nn::ConstBlock(x_[l].view());
  }

  int dim_;
  std::vector<nn::DenseLayer> layers_;
  std::vector<nn::Workspace> x_;  // [layer][n, dim]: x_l; that of layer 0 is not used
  std::vector<nn::Workspace> u_;  // [layer][n, dim]
  nn::Workspace du_;              // [n, dim], of one layer
  nn::Workspace dx_l_;            // [n, dim], of one layer
};

void CheckCrossV2(const ModelChecker& check, const config::ConfigPath& path,
                  const Interaction& interaction) {
  check.CheckRange(path("n_layers"), interaction.cross_v2().n_layers(), 1, kMaxLayers);
}

std::unique_ptr<nn::ColumnLayer> MakeCrossV2(const Interaction& config, const InputLayout& layout,
                                             int64_t* n_weights) {
  return std::make_unique<CrossV2>(config.cross_v2(), layout.dim, n_weights);
}

}  // namespace

const InteractionKind kCrossV2 = {
    .name = "cross_v2",
    .check = CheckCrossV2,
    .make = MakeCrossV2,
};

}  // namespace zhiyin::worker::model
