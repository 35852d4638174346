// Multi-gate mixture-of-experts (Ma et al., "Modeling Task Relationships in Multi-task Learning with
// Multi-gate Mixture-of-Experts", KDD 2018, eqs. 5 to 7):
//   g_t = softmax(x Wg_t + bg_t)            gate of task t over E experts
//   m_t = sum_e g_t[e] * expert_e(x)        its own mixture
//   y_t = tower_t(m_t)
//
// The first layers of all experts and all gates read the same x, so they are one product: x [n, in] times W
// [in, E * h1 + T * E]. Deeper layers of an expert work on its columns.
#include "worker/model/model.h"
#include "worker/model/towers.h"
#include "worker/nn/dense_layer.h"
#include "worker/nn/softmax.h"

namespace zhiyin::worker {
namespace {

class MmoeModel final : public Model {
 public:
  MmoeModel(const Mmoe& config, int input_dim, int n_tasks)
      : n_tasks_(n_tasks),
        n_experts_(config.n_experts()),
        widths_(config.expert().begin(), config.expert().end()),
        first_(input_dim, n_experts_ * widths_[0] + n_tasks * n_experts_, Activation::kNone, &n_weights_) {
    for (size_t l = 1; l < widths_.size(); ++l) {
      std::vector<DenseLayer>& layers = deeper_.emplace_back();
      for (int e = 0; e < n_experts_; ++e) {
        layers.emplace_back(widths_[l - 1], widths_[l], Activation::kRelu, &n_weights_);
      }
    }
    towers_ = std::make_unique<Towers>(n_tasks, widths_.back(), config.tower(), &n_weights_);
    y_.resize(widths_.size());
    dy_.resize(widths_.size());
    mixtures_.resize(static_cast<size_t>(n_tasks));
  }

  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    // The wide layer holds layers of two kinds, and each column is drawn for its own.
    const int n_hidden = n_experts_ * widths_[0];
    const int in = first_.in();
    const double hidden_range = std::sqrt(6.0 / in);
    const double gate_range = std::sqrt(6.0 / (in + n_experts_));
    for (int i = 0; i < in; ++i) {
      for (int k = 0; k < first_.out(); ++k) {
        const double range = k < n_hidden ? hidden_range : gate_range;
        weights[static_cast<size_t>(i) * static_cast<size_t>(first_.out()) + static_cast<size_t>(k)] =
            static_cast<float>(range * (2 * random.Uniform() - 1));
      }
    }
    const size_t biases = static_cast<size_t>(in) * static_cast<size_t>(first_.out());
    for (int k = 0; k < first_.out(); ++k) weights[biases + static_cast<size_t>(k)] = 0;
    for (const auto& layers : deeper_) {
      for (const DenseLayer& layer : layers) layer.Init(&random, weights);
    }
    towers_->Init(&random, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const Pass&, Matrix* outputs) override {
    const Eigen::Index n = x.rows();
    outputs->resize(n, n_tasks_);
    y_[0].resize(n, first_.out());
    first_.Forward(weights, x, y_[0]);
    y_[0].leftCols(n_experts_ * widths_[0]).array() =
        y_[0].leftCols(n_experts_ * widths_[0]).array().max(0.0f);
    for (size_t l = 1; l < widths_.size(); ++l) {
      y_[l].resize(n, n_experts_ * widths_[l]);
      for (int e = 0; e < n_experts_; ++e) {
        deeper_[l - 1][static_cast<size_t>(e)].Forward(weights, Expert(y_[l - 1], l - 1, e),
                                                       Expert(y_[l], l, e));
      }
    }
    for (int t = 0; t < n_tasks_; ++t) {
      Softmax(Gate(y_[0], t));
      Mix(t);
      towers_->Forward(t, weights, mixtures_[static_cast<size_t>(t)], outputs);
    }
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    const Eigen::Index n = x.rows();
    dx->resize(n, x.cols());
    for (size_t l = 0; l < widths_.size(); ++l) dy_[l].resize(n, y_[l].cols());
    dmixture_.resize(n, widths_.back());
    dy_.back().leftCols(n_experts_ * widths_.back()).setZero();
    for (int t = 0; t < n_tasks_; ++t) {
      towers_->Backward(t, weights, mixtures_[static_cast<size_t>(t)], doutputs, dweights, dmixture_);
      UnmixInto(t);
      SoftmaxBackward(Gate(y_[0], t), Gate(dy_[0], t));
    }
    for (size_t l = widths_.size(); l-- > 1;) {
      for (int e = 0; e < n_experts_; ++e) {
        const DenseLayer& layer = deeper_[l - 1][static_cast<size_t>(e)];
        layer.BackwardWeights(Expert(y_[l - 1], l - 1, e), Expert(y_[l], l, e), Expert(dy_[l], l, e),
                              dweights);
        layer.BackwardInput(weights, Expert(dy_[l], l, e), Expert(dy_[l - 1], l - 1, e));
      }
    }
    auto hidden = dy_[0].leftCols(n_experts_ * widths_[0]).array();
    hidden = (y_[0].leftCols(n_experts_ * widths_[0]).array() > 0.0f).select(hidden, 0.0f);
    first_.BackwardWeights(x, y_[0], dy_[0], dweights);
    first_.BackwardInput(weights, dy_[0], *dx);
  }

 private:
  /// Columns of expert e in the activations of layer l.
  Eigen::Block<Matrix> Expert(Matrix& y, size_t l, int e) {
    return y.block(0, e * widths_[l], y.rows(), widths_[l]);
  }
  /// Columns of task t's gate, behind the experts' first layers.
  Eigen::Block<Matrix> Gate(Matrix& y, int t) {
    return y.block(0, n_experts_ * widths_[0] + t * n_experts_, y.rows(), n_experts_);
  }

  /// m_t[i, :] = sum_e g_t[i, e] * expert_e[i, :]
  void Mix(int t) {
    const int width = widths_.back();
    Matrix& mixture = mixtures_[static_cast<size_t>(t)];
    mixture.resize(y_[0].rows(), width);
    const auto gate = Gate(y_[0], t);
    for (Eigen::Index i = 0; i < mixture.rows(); ++i) {
      // A row's experts are one [E, width] matrix.
      const ConstMatrixView experts(y_.back().data() + i * y_.back().cols(), n_experts_, width);
      mixture.row(i).noalias() = gate.row(i).lazyProduct(experts);
    }
  }

  /// dexpert_e[i, :] += g_t[i, e] * dm_t[i, :];  dg_t[i, e] = <dm_t[i, :], expert_e[i, :]>
  void UnmixInto(int t) {
    const int width = widths_.back();
    const auto gate = Gate(y_[0], t);
    auto dgate = Gate(dy_[0], t);
    for (Eigen::Index i = 0; i < dmixture_.rows(); ++i) {
      const float* experts = y_.back().data() + i * y_.back().cols();
      float* dexperts = dy_.back().data() + i * dy_.back().cols();
      const ConstVectorView dm(dmixture_.data() + i * width, width);
      for (int e = 0; e < n_experts_; ++e) {
        VectorView(dexperts + e * width, width) += gate(i, e) * dm;
        dgate(i, e) = dm.dot(ConstVectorView(experts + e * width, width));
      }
    }
  }

  int n_tasks_;
  int n_experts_;
  std::vector<int> widths_;  // of an expert's layers
  int64_t n_weights_ = 0;
  DenseLayer first_;                             // of all experts, then all gates
  std::vector<std::vector<DenseLayer>> deeper_;  // [layer - 1][expert]
  std::unique_ptr<Towers> towers_;
  std::vector<Matrix> y_;         // [layer][n, E * width]; layer 0 has the gates, as probabilities, behind
  std::vector<Matrix> dy_;        // the same
  std::vector<Matrix> mixtures_;  // [task][n, width]
  Matrix dmixture_;               // [n, width], of one task
};

}  // namespace

std::unique_ptr<Model> MakeMmoe(const Mmoe& config, int input_dim, int n_tasks) {
  return std::make_unique<MmoeModel>(config, input_dim, n_tasks);
}

}  // namespace zhiyin::worker
