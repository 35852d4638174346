// AutoInt (Song et al., CIKM 2019, eqs. 5 to 8): self-attention over the fields of a row, a field's
// vector being a token.
//   e' = relu(SelfAttention(e) + e Wres)      without scale, the heads side by side; n_layers times
//
//   e [n * F, dim], the vectors of F fields, example after example   Wres [dim, H * width]
//   e' [n * F, H * width]
#include "worker/model/interaction/interactions.h"
#include "worker/model/nn/attention.h"
#include "worker/model/nn/init.h"
#include "worker/model/nn/linear_map.h"

namespace zhiyin::worker::model {
namespace {

class AutoInt final : public nn::ColumnLayer {
 public:
  AutoInt(const Interaction::AutoInt& config, const InputLayout& layout, int64_t* n_weights)
      : fields_(layout.FieldsNamed(config.field())), wide_(config.n_heads() * config.width()) {
    for (int l = 0; l < config.n_layers(); ++l) {
      const int in = l == 0 ? fields_[0].dim : wide_;
      // The initializers are evaluated in this order, which is that of the weights.
      layers_.push_back({nn::SelfAttention(in, config.n_heads(), config.width(), 1, 0, n_weights),
                         nn::LinearMap(in, wide_, n_weights)});
    }
    tokens_.resize(layers_.size() + 1);
    dtokens_.resize(layers_.size() + 1);
  }

  int out() const override { return n_fields() * wide_; }

  void Init(Random* random, std::span<float> weights) const override {
    for (const Layer& layer : layers_) {
      layer.attention.Init(random, weights);
      const int in = layer.residual.in();
      nn::InitUniform(nn::GlorotRange(in, wide_), layer.residual.begin(), int64_t{in} * wide_,
                      random, weights);
    }
  }

  void Forward(std::span<const float> weights, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    const Eigen::Index n = x.rows();
    begin_.resize(static_cast<size_t>(n) + 1);
    for (size_t i = 0; i < begin_.size(); ++i) begin_[i] = static_cast<int32_t>(i) * n_fields();
    for (size_t l = 0; l < tokens_.size(); ++l) {
      const int columns = l == 0 ? fields_[0].dim : wide_;
      tokens_[l].resize(n * n_fields(), columns);
      dtokens_[l].resize(n * n_fields(), columns);
    }
    const int dim = fields_[0].dim;
    MatrixView first = Rows(tokens_[0], n);
    for (Eigen::Index i = 0; i < n; ++i) {
      for (int f = 0; f < n_fields(); ++f)
        first.row(i).segment(f * dim, dim) = x.row(i).segment(Begin(f), dim);
    }
    for (size_t l = 0; l < layers_.size(); ++l) {
      MatrixView next = tokens_[l + 1].view();
      layers_[l].attention.Forward(weights, begin_, tokens_[l].view(), next);
      layers_[l].residual.ForwardAdd(weights, tokens_[l].view(), next);
      next = next.cwiseMax(0.0f);
    }
    y = Rows(tokens_.back(), n);
  }

  void Backward(std::span<const float> weights, const nn::ConstBlock& x, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float> dweights, nn::MutableBlock dx) override {
    const Eigen::Index n = x.rows();
    Rows(dtokens_.back(), n) = dy;
    for (size_t l = layers_.size(); l-- > 0;) {
      const MatrixView e = tokens_[l].view();
      MatrixView de = dtokens_[l].view();
      MatrixView dnext = dtokens_[l + 1].view();
      dnext = (tokens_[l + 1].view().array() > 0.0f).select(dnext, 0.0f);
      layers_[l].residual.BackwardWeights(e, dnext, dweights);
      layers_[l].residual.BackwardInput(weights, dnext, de);
      layers_[l].attention.Backward(weights, begin_, e, dnext, dweights, de);
    }
    const int dim = fields_[0].dim;
    const MatrixView dfirst = Rows(dtokens_[0], n);
    for (Eigen::Index i = 0; i < n; ++i) {
      for (int f = 0; f < n_fields(); ++f)
        dx.row(i).segment(Begin(f), dim) += dfirst.row(i).segment(f * dim, dim);
    }
  }

 private:
  struct Layer {
    nn::SelfAttention attention;
    nn::LinearMap residual;  // Wres
  };

  int n_fields() const { return static_cast<int>(fields_.size()); }
  int Begin(int f) const { return fields_[static_cast<size_t>(f)].begin; }
  /// A view with all tokens of an example side by side: [n, F * dim].
  MatrixView Rows(nn::Workspace& tokens, Eigen::Index n) const {
    return {tokens.view().data(), n, n_fields() * tokens.cols()};
  }

  std::vector<InputLayout::Part> fields_;
  int wide_;
  std::vector<Layer> layers_;
  std::vector<int32_t> begin_;  // [n + 1]: of each row's tokens
  // [layer + 1][n * F, dim]: what goes into each, and what comes out of the last
  std::vector<nn::Workspace> tokens_;
  std::vector<nn::Workspace> dtokens_;
};

void CheckAutoInt(const ModelChecker& check, const config::ConfigPath& path,
                  const Interaction& interaction) {
  const Interaction::AutoInt& auto_int = interaction.auto_int();
  check.CheckSameDim(path, auto_int.field());
  check.CheckRange(path("n_layers"), auto_int.n_layers(), 1, kMaxLayers);
  check.CheckRange(path("n_heads"), auto_int.n_heads(), 1, kMaxHeads);
  check.CheckRange(path("width"), auto_int.width(), 1, kMaxHeadWidth);
}

std::unique_ptr<nn::ColumnLayer> MakeAutoInt(const Interaction& config, const InputLayout& layout,
                                             int64_t* n_weights) {
  return std::make_unique<AutoInt>(config.auto_int(), layout, n_weights);
}

}  // namespace

const InteractionKind kAutoInt = {
    .name = "auto_int",
    .check = CheckAutoInt,
    .make = MakeAutoInt,
};

}  // namespace zhiyin::worker::model
