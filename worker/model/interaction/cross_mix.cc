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
//
// Each of these products is a LinearMap.
#include <utility>

#include "worker/model/interaction/interactions.h"
#include "worker/model/nn/init.h"
#include "worker/model/nn/linear_map.h"
#include "worker/model/nn/softmax.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model {
namespace {

class CrossMix final : public nn::ColumnLayer {
 public:
  CrossMix(const Interaction::CrossMix& config, int dim, int64_t* n_weights)
      : dim_(dim), n_experts_(config.n_experts()), rank_(config.rank()) {
    for (int l = 0; l < config.n_layers(); ++l) {
      nn::LinearMap vg(dim, narrow(), n_weights);
      std::vector<nn::LinearMap> c;
      for (int e = 0; e < n_experts_; ++e) c.emplace_back(rank_, rank_, n_weights);
      nn::LinearMap u(n_experts_ * rank_, dim, n_weights);
      layers_.push_back({std::move(vg), std::move(c), std::move(u), *n_weights, {}, {}, {}, {}});
      *n_weights += dim;
    }
  }

  int out() const override { return dim_; }

  void Init(Random* random, std::span<float> weights) const override {
    for (const Layer& layer : layers_) {
      nn::InitUniform(nn::GlorotRange(dim_, rank_), layer.vg.begin(), int64_t{dim_} * narrow(),
                      random, weights);
      nn::InitUniform(nn::GlorotRange(rank_, rank_), layer.c[0].begin(),
                      int64_t{n_experts_} * rank_ * rank_, random, weights);
      nn::InitUniform(nn::GlorotRange(rank_, dim_), layer.u.begin(),
                      int64_t{n_experts_} * rank_ * dim_, random, weights);
      nn::InitConstant(0, layer.b, dim_, weights);
    }
  }

  void Forward(std::span<const float> weights, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    const Eigen::Index n = x.rows();
    q_.resize(n, n_experts_ * rank_);
    for (size_t l = 0; l < layers_.size(); ++l) {
      Layer& layer = layers_[l];
      const bool is_last = l + 1 == layers_.size();
      layer.z.resize(n, narrow());
      layer.c_out.resize(n, n_experts_ * rank_);
      layer.t.resize(n, dim_);
      if (!is_last) layers_[l + 1].x.resize(n, dim_);
      const nn::ConstBlock x_l = Input(x, l);
      nn::MutableBlock next = is_last ? y : nn::MutableBlock(layers_[l + 1].x.view());
      MatrixView z = layer.z.view();
      layer.vg.Forward(weights, x_l, z);
      z.leftCols(n_experts_ * rank_) = z.leftCols(n_experts_ * rank_).array().tanh().matrix();
      nn::Softmax(z.rightCols(n_experts_));
      for (int e = 0; e < n_experts_; ++e)
        layer.c[Index(e)].Forward(weights, Expert(layer.z, e), Expert(layer.c_out, e));
      layer.c_out.view() = layer.c_out.view().array().tanh().matrix();
      GateExperts(&layer);
      layer.u.Forward(weights, q_.view(), layer.t.view());
      const ConstVectorView b(weights.data() + layer.b, dim_);
      MatrixView t = layer.t.view();
      for (Eigen::Index i = 0; i < n; ++i) {
        t.row(i) += b;
        next.row(i) = x_l.row(i) + x.row(i).cwiseProduct(t.row(i));
      }
    }
  }

  /// Through each of the lines above, backwards; g = dx_{l+1}.
  void Backward(std::span<const float> weights, const nn::ConstBlock& x, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float> dweights, nn::MutableBlock dx) override {
    const Eigen::Index n = x.rows();
    dt_.resize(n, dim_);
    dq_.resize(n, n_experts_ * rank_);
    dz_.resize(n, narrow());
    MatrixView dt = dt_.view();
    MatrixView dz = dz_.view();
    for (size_t l = layers_.size(); l-- > 0;) {
      Layer& layer = layers_[l];
      const nn::ConstBlock x_l = Input(x, l);
      const MatrixView t = layer.t.view();
      VectorView db(dweights.data() + layer.b, dim_);
      for (Eigen::Index i = 0; i < n; ++i) {
        dt.row(i) = dy.row(i).cwiseProduct(x.row(i));
        dx.row(i) += dy.row(i).cwiseProduct(t.row(i));
        db += dt.row(i);
      }
      GateExperts(&layer);
      layer.u.BackwardWeights(q_.view(), dt, dweights);
      layer.u.BackwardInput(weights, dt, dq_.view());
      UngateExperts(&layer);
      for (int e = 0; e < n_experts_; ++e) {
        nn::LinearMap& c = layer.c[Index(e)];
        c.BackwardWeights(Expert(layer.z, e), Expert(dq_, e), dweights);
        c.BackwardInput(weights, Expert(dq_, e), Expert(dz_, e));
      }
      dz.leftCols(n_experts_ * rank_).array() *=
          1 - layer.z.view().leftCols(n_experts_ * rank_).array().square();
      nn::SoftmaxBackward(layer.z.view().rightCols(n_experts_), dz.rightCols(n_experts_));
      layer.vg.BackwardWeights(x_l, dz, dweights);
      layer.vg.BackwardInputAdd(weights, dz, dy);
    }
    dx += dy;
  }

 private:
  struct Layer {
    nn::LinearMap vg;
    std::vector<nn::LinearMap> c;  // [E]
    nn::LinearMap u;
    int64_t b;            // where it begins
    nn::Workspace x;      // [n, dim]: x_l; that of the first is not used
    nn::Workspace z;      // [n, E * rank + E], behind tanh and softmax
    nn::Workspace c_out;  // [n, E * rank], behind tanh
    nn::Workspace t;      // [n, dim]: what x_0 is multiplied by
  };

  static size_t Index(int e) { return static_cast<size_t>(e); }
  int narrow() const { return n_experts_ * (rank_ + 1); }
  nn::ConstBlock Input(const nn::ConstBlock& x, size_t l) const {
    return l == 0 ? x : nn::ConstBlock(layers_[l].x.view());
  }
  Eigen::Block<MatrixView> Expert(nn::Workspace& of, int e) const {
    MatrixView view = of.view();
    return Eigen::Block<MatrixView>(view, 0, e * rank_, view.rows(), rank_);
  }

  /// q_e = G_e c_out_e
  void GateExperts(Layer* layer) {
    const MatrixView z = layer->z.view();
    const MatrixView c_out = layer->c_out.view();
    MatrixView q = q_.view();
    for (Eigen::Index i = 0; i < q.rows(); ++i) {
      for (int e = 0; e < n_experts_; ++e)
        q.row(i).segment(e * rank_, rank_) =
            z(i, n_experts_ * rank_ + e) * c_out.row(i).segment(e * rank_, rank_);
    }
  }

  /// dG_e = <dq_e, c_out_e>; dq_e becomes the derivative in front of the tanh of c_out_e.
  void UngateExperts(Layer* layer) {
    const MatrixView z = layer->z.view();
    MatrixView dz = dz_.view();
    for (Eigen::Index i = 0; i < dz.rows(); ++i) {
      for (int e = 0; e < n_experts_; ++e) {
        const auto c_out = layer->c_out.view().row(i).segment(e * rank_, rank_);
        auto dq = dq_.view().row(i).segment(e * rank_, rank_);
        const Eigen::Index gate = n_experts_ * rank_ + e;
        dz(i, gate) = dq.dot(c_out);
        dq.array() *= z(i, gate) * (1 - c_out.array().square());
      }
    }
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
