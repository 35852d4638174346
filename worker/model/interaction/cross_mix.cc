// Mixture of low-rank cross experts of DCN-v2 (Wang et al., WWW 2021, section 3.5):
//   x_{l+1} = sum_e G_e(x_l) E_e(x_l) + x_l
//   E_e(x_l) = x_0 * (U_e g(C_e g(V_e^T x_l)) + b)
//   g: tanh   G: softmax of a linear gate   *: by entries
// The gates of a row add up to 1, so the experts' common b comes once. The experts of a layer share
// two wide products, with a narrow one for each between them:
//   z = x_l [V_1, ..., V_E | gates]                     [n, E * rank + E]
//   q_e = G_e tanh(tanh(z_e) C_e)                       [n, rank] each
//   x_{l+1} = x_0 * (q [U_1; ...; U_E] + b) + x_l       [n, dim]
//
//   V_e [dim, rank]   gates [dim, E], without bias   C_e [rank, rank]   U_e [rank, dim]   b [dim]
#include "worker/model/interaction/interactions.h"
#include "worker/model/nn/init.h"
#include "worker/model/nn/softmax.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model {
namespace {

class CrossMix final : public nn::ColumnLayer {
 public:
  CrossMix(const Interaction::CrossMix& config, int dim, int64_t* n_weights)
      : dim_(dim), n_experts_(config.n_experts()), rank_(config.rank()) {
    for (int l = 0; l < config.n_layers(); ++l) {
      Layer& layer = layers_.emplace_back();
      layer.vg = *n_weights;
      layer.c = layer.vg + int64_t{dim} * narrow();
      layer.u = layer.c + int64_t{n_experts_} * rank_ * rank_;
      layer.b = layer.u + int64_t{n_experts_} * rank_ * dim;
      *n_weights = layer.b + dim;
    }
  }

  int out() const override { return dim_; }

  void Init(Random* random, std::span<float> weights) const override {
    for (const Layer& layer : layers_) {
      nn::InitUniform(nn::GlorotRange(dim_, rank_), layer.vg, int64_t{dim_} * narrow(), random,
                      weights);
      nn::InitUniform(nn::GlorotRange(rank_, rank_), layer.c, int64_t{n_experts_} * rank_ * rank_,
                      random, weights);
      nn::InitUniform(nn::GlorotRange(rank_, dim_), layer.u, int64_t{n_experts_} * rank_ * dim_,
                      random, weights);
      nn::InitConstant(0, layer.b, dim_, weights);
    }
  }

  void Forward(std::span<const float> weights, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    const Eigen::Index n = x.rows();
    for (size_t l = 0; l < layers_.size(); ++l) {
      Layer& layer = layers_[l];
      const nn::ConstBlock x_l = Input(x, l);
      layer.z.resize(n, narrow());
      layer.c_out.resize(n, n_experts_ * rank_);
      q_.resize(n, n_experts_ * rank_);
      layer.t.resize(n, dim_);
      MatrixView z = layer.z.view();
      z.noalias() = x_l * Vg(weights, layer);
      z.leftCols(n_experts_ * rank_) = z.leftCols(n_experts_ * rank_).array().tanh().matrix();
      nn::Softmax(z.rightCols(n_experts_));
      for (int e = 0; e < n_experts_; ++e) {
        auto c_out = Expert(layer.c_out, e);
        c_out.noalias() = Expert(layer.z, e) * C(weights, layer, e);
        c_out = c_out.array().tanh().matrix();
        Expert(q_, e) = c_out.array().colwise() * Gate(layer.z, e).array();
      }
      MatrixView t = layer.t.view();
      t.noalias() = q_.view() * U(weights, layer);
      t.rowwise() += ConstVectorView(weights.data() + layer.b, dim_);
      if (l + 1 == layers_.size()) {
        y = x_l + x.cwiseProduct(t);
      } else {
        layers_[l + 1].x.resize(n, dim_);
        layers_[l + 1].x.view() = x_l + x.cwiseProduct(t);
      }
    }
  }

  /// Through each of the lines above, backwards; g = dx_{l+1}.
  void Backward(std::span<const float> weights, const nn::ConstBlock& x, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float> dweights, nn::MutableBlock dx) override {
    const Eigen::Index n = x.rows();
    dt_.resize(n, dim_);
    q_.resize(n, n_experts_ * rank_);
    dq_.resize(n, n_experts_ * rank_);
    dz_.resize(n, narrow());
    MatrixView dt = dt_.view();
    MatrixView dz = dz_.view();
    for (size_t l = layers_.size(); l-- > 0;) {
      Layer& layer = layers_[l];
      const nn::ConstBlock x_l = Input(x, l);
      dt = dy.cwiseProduct(x);
      dx += dy.cwiseProduct(layer.t.view());
      VectorView(dweights.data() + layer.b, dim_) += dt.colwise().sum();
      for (int e = 0; e < n_experts_; ++e)
        Expert(q_, e) = Expert(layer.c_out, e).array().colwise() * Gate(layer.z, e).array();
      MatrixView(dweights.data() + layer.u, n_experts_ * rank_, dim_).noalias() +=
          q_.view().transpose() * dt;
      dq_.view().noalias() = dt * U(weights, layer).transpose();
      for (int e = 0; e < n_experts_; ++e) {
        auto dq = Expert(dq_, e);
        const auto c_out = Expert(layer.c_out, e).array();
        Gate(dz_, e) = (dq.array() * c_out).rowwise().sum().matrix();
        dq.array() = (dq.array().colwise() * Gate(layer.z, e).array()) * (1 - c_out.square());
        MatrixView(dweights.data() + layer.c + int64_t{e} * rank_ * rank_, rank_, rank_)
            .noalias() += Expert(layer.z, e).transpose() * dq;
        auto dv = Expert(dz_, e);
        dv.noalias() = dq * C(weights, layer, e).transpose();
        dv.array() *= 1 - Expert(layer.z, e).array().square();
      }
      nn::SoftmaxBackward(layer.z.view().rightCols(n_experts_), dz.rightCols(n_experts_));
      MatrixView(dweights.data() + layer.vg, dim_, narrow()).noalias() += x_l.transpose() * dz;
      dy.noalias() += dz * Vg(weights, layer).transpose();
    }
    dx += dy;
  }

 private:
  struct Layer {
    int64_t vg = 0;  // where its weights begin
    int64_t c = 0;
    int64_t u = 0;
    int64_t b = 0;
    nn::Workspace x;      // [n, dim]: x_l; that of the first is not used
    nn::Workspace z;      // [n, E * rank + E], behind tanh and softmax
    nn::Workspace c_out;  // [n, E * rank], behind tanh
    nn::Workspace t;      // [n, dim]: what x_0 is multiplied by
  };

  int narrow() const { return n_experts_ * (rank_ + 1); }
  nn::ConstBlock Input(const nn::ConstBlock& x, size_t l) const {
    return l == 0 ? x : nn::ConstBlock(layers_[l].x.view());
  }
  Eigen::Block<MatrixView> Expert(nn::Workspace& of, int e) const {
    MatrixView view = of.view();
    return Eigen::Block<MatrixView>(view, 0, e * rank_, view.rows(), rank_);
  }
  MatrixView::ColXpr Gate(nn::Workspace& of, int e) const {
    MatrixView view = of.view();
    return MatrixView::ColXpr(view, n_experts_ * rank_ + e);
  }
  ConstMatrixView Vg(std::span<const float> weights, const Layer& layer) const {
    return {weights.data() + layer.vg, dim_, narrow()};
  }
  ConstMatrixView C(std::span<const float> weights, const Layer& layer, int e) const {
    return {weights.data() + layer.c + int64_t{e} * rank_ * rank_, rank_, rank_};
  }
  ConstMatrixView U(std::span<const float> weights, const Layer& layer) const {
    return {weights.data() + layer.u, n_experts_ * rank_, dim_};
  }

  int dim_;
  int n_experts_;
  int rank_;
  std::vector<Layer> layers_;
  nn::Workspace q_;   // [n, E * rank], of one layer
  nn::Workspace dq_;  // [n, E * rank], of one layer
  nn::Workspace dz_;  // [n, E * rank + E]
  nn::Workspace dt_;  // [n, dim]
};

void CheckCrossMix(const ModelChecker& check, const config::ConfigPath& path,
                   const Interaction& interaction) {
  const Interaction::CrossMix& mix = interaction.cross_mix();
  check.CheckRange(path("n_layers"), mix.n_layers(), 1, kMaxLayers);
  check.CheckRange(path("n_experts"), mix.n_experts(), 1, kMaxExperts);
  if (mix.rank() < 1 || mix.rank() > check.n_columns()) {
    check.Fail(path("rank"), "is ", mix.rank(), ", expected 1 to ", check.n_columns(),
               ", the columns that the inputs have");
  }
}

std::unique_ptr<nn::ColumnLayer> MakeCrossMix(const Interaction& config, const InputLayout& layout,
                                              int64_t* n_weights) {
  return std::make_unique<CrossMix>(config.cross_mix(), layout.dim, n_weights);
}

}  // namespace

const InteractionKind kCrossMix = {
    .name = "cross_mix",
    .check = CheckCrossMix,
    .make = MakeCrossMix,
};

}  // namespace zhiyin::worker::model
