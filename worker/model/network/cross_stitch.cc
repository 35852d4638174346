// Cross-stitch networks (Misra et al., "Cross-stitch Networks for Multi-task Learning", CVPR 2016).
// Each task has a network of its own; after each hidden layer the tasks' activations h_s are mixed
// by a matrix A [T, T] of that layer, or by one for each of its columns (eq. 1; the paper has one
// for each channel):
//   u_t = sum_s A[t, s] h_s
//   h_t of the next layer = relu(u_t W_t + b_t)
//   y_t = u_t of the last layer w_t + c_t
// A starts near the identity (section 4.1): 0.9 for a task's own, 0.1 shared among the others.
//
// Activations of all tasks stand side by side, [n, T * width]. The first layers read the same x:
// one product.
#include "worker/model/network/networks.h"
#include "worker/model/network/towers.h"
#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/hidden_stage.h"

namespace zhiyin::worker::model {
namespace {

constexpr float kOwn = 0.9f;

class CrossStitchModel final : public Model {
 public:
  CrossStitchModel(const CrossStitch& config, const Hidden& hidden, int input_dim, int n_tasks)
      : n_tasks_(n_tasks),
        widths_(config.hidden().begin(), config.hidden().end()),
        first_(input_dim, n_tasks * widths_[0], nn::HiddenStage::ActivationInFront(hidden),
               &n_weights_) {
    for (size_t l = 0; l < widths_.size(); ++l) {
      if (l > 0) {
        std::vector<nn::DenseLayer>& layers = deeper_.emplace_back();
        for (int t = 0; t < n_tasks; ++t)
          layers.emplace_back(widths_[l - 1], widths_[l],
                              nn::HiddenStage::ActivationInFront(hidden), &n_weights_);
      }
      stages_.emplace_back(hidden, n_tasks, widths_[l], &n_weights_);
      channels_.push_back(config.per_column() ? widths_[l] : 1);
      stitches_.push_back(n_weights_);
      n_weights_ += int64_t{n_tasks} * n_tasks * channels_.back();
    }
    outputs_ = std::make_unique<Towers>(n_tasks, widths_.back(), &n_weights_);
    h_.resize(widths_.size());
    u_.resize(widths_.size());
    dh_.resize(widths_.size());
    du_.resize(widths_.size());
  }

  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    first_.Init(&random, weights);
    for (const auto& layers : deeper_) {
      for (const nn::DenseLayer& layer : layers) layer.Init(&random, weights);
    }
    for (const nn::HiddenStage& stage : stages_) stage.Init(weights);
    for (size_t l = 0; l < widths_.size(); ++l) {
      for (int t = 0; t < n_tasks_; ++t) {
        for (int s = 0; s < n_tasks_; ++s) {
          const float other = (1 - kOwn) / static_cast<float>(n_tasks_ - 1);
          VectorView(weights.data() + Stitch(l, t, s), channels_[l])
              .setConstant(t == s ? kOwn : other);
        }
      }
    }
    outputs_->Init(&random, weights);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    outputs_->InitOutputs(outputs, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    outputs->resize(x.rows(), n_tasks_);
    for (size_t l = 0; l < widths_.size(); ++l) {
      h_[l].resize(x.rows(), n_tasks_ * widths_[l]);
      if (l == 0) {
        first_.Forward(weights, x, h_[0]);
      } else {
        for (int t = 0; t < n_tasks_; ++t)
          Layer(l, t).Forward(weights, Of(&u_[l - 1], l - 1, t), Of(&h_[l], l, t));
      }
      stages_[l].Forward(weights, pass, h_[l]);
      StitchRows(weights, l);
    }
    for (int t = 0; t < n_tasks_; ++t)
      outputs_->Forward(t, weights, Of(&u_.back(), widths_.size() - 1, t), pass, outputs);
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->resize(x.rows(), x.cols());
    const size_t last = widths_.size() - 1;
    for (size_t l = 0; l <= last; ++l) du_[l].resize(x.rows(), u_[l].cols());
    for (int t = 0; t < n_tasks_; ++t) {
      outputs_->Backward(t, weights, Of(&u_[last], last, t), doutputs, dweights,
                         Of(&du_[last], last, t));
    }
    for (size_t l = last + 1; l-- > 0;) {
      UnstitchRows(weights, l, dweights);
      stages_[l].Backward(weights, h_[l], dh_[l], dweights);
      if (l == 0) break;
      for (int t = 0; t < n_tasks_; ++t) {
        Layer(l, t).BackwardWeights(Of(&u_[l - 1], l - 1, t), Of(&h_[l], l, t), Of(&dh_[l], l, t),
                                    dweights);
        Layer(l, t).BackwardInput(weights, Of(&dh_[l], l, t), Of(&du_[l - 1], l - 1, t));
      }
    }
    first_.BackwardWeights(x, h_[0], dh_[0], dweights);
    first_.BackwardInput(weights, dh_[0], *dx);
  }

 private:
  /// Columns of task t in the activations of layer l.
  Eigen::Block<Matrix> Of(Matrix* y, size_t l, int t) const {
    return y->block(0, t * widths_[l], y->rows(), widths_[l]);
  }
  /// Columns of task t in the activations of layer l of example i.
  VectorView Row(Matrix* y, size_t l, int t, Eigen::Index i) const {
    return {y->data() + i * y->cols() + t * widths_[l], widths_[l]};
  }
  nn::DenseLayer& Layer(size_t l, int t) { return deeper_[l - 1][static_cast<size_t>(t)]; }
  /// Where A[t, s] of layer l stands in the weights.
  int64_t Stitch(size_t l, int t, int s) const {
    return stitches_[l] + (int64_t{t} * n_tasks_ + s) * channels_[l];
  }

  /// to += A[t, s] * from, of one example.
  void AddStitched(std::span<const float> weights, size_t l, int t, int s, const VectorView& from,
                   VectorView to) const {
    const ConstVectorView a(weights.data() + Stitch(l, t, s), channels_[l]);
    if (channels_[l] == 1) {
      to += a(0) * from;
    } else {
      to += a.cwiseProduct(from);
    }
  }

  /// u_t = sum_s A[t, s] h_s, example by example: the columns of all tasks are in cache.
  void StitchRows(std::span<const float> weights, size_t l) {
    u_[l].setZero(h_[l].rows(), h_[l].cols());
    for (Eigen::Index i = 0; i < u_[l].rows(); ++i) {
      for (int t = 0; t < n_tasks_; ++t) {
        for (int s = 0; s < n_tasks_; ++s)
          AddStitched(weights, l, t, s, Row(&h_[l], l, s, i), Row(&u_[l], l, t, i));
      }
    }
  }

  /// dh_s = sum_t A[t, s] du_t
  /// dA[t, s] += sum_i du_t[i, :] * h_s[i, :], over the columns too where they share it
  void UnstitchRows(std::span<const float> weights, size_t l, std::span<float> dweights) {
    dh_[l].setZero(h_[l].rows(), h_[l].cols());
    for (Eigen::Index i = 0; i < dh_[l].rows(); ++i) {
      for (int t = 0; t < n_tasks_; ++t) {
        const VectorView du = Row(&du_[l], l, t, i);
        for (int s = 0; s < n_tasks_; ++s) {
          const VectorView h = Row(&h_[l], l, s, i);
          AddStitched(weights, l, t, s, du, Row(&dh_[l], l, s, i));
          VectorView dA(dweights.data() + Stitch(l, t, s), channels_[l]);
          if (channels_[l] == 1) {
            dA(0) += du.dot(h);
          } else {
            dA += du.cwiseProduct(h);
          }
        }
      }
    }
  }

  int n_tasks_;
  std::vector<int> widths_;  // of a task's hidden layers
  int64_t n_weights_ = 0;
  nn::DenseLayer first_;                             // of all tasks
  std::vector<std::vector<nn::DenseLayer>> deeper_;  // [layer - 1][task]
  std::vector<nn::HiddenStage> stages_;              // [layer], of all tasks
  std::vector<int64_t> stitches_;    // [layer]: where its matrices begin, [T, T, channels]
  std::vector<int> channels_;        // [layer]: matrices that it has
  std::unique_ptr<Towers> outputs_;  // the linear units
  std::vector<Matrix> h_;            // [layer][n, T * width]
  std::vector<Matrix> u_;            // [layer][n, T * width], stitched
  std::vector<Matrix> dh_;
  std::vector<Matrix> du_;
};

void CheckCrossStitch(const ModelChecker& check, const config::ConfigPath& path) {
  check.CheckSeveralTasks(path);
  check.CheckWidths(path, "hidden", check.job().model().cross_stitch().hidden(), 1);
}

std::unique_ptr<Model> MakeCrossStitch(const Job& job, int input_dim, const InputLayout&) {
  return std::make_unique<CrossStitchModel>(job.model().cross_stitch(), job.model().hidden(),
                                            input_dim, job.task_size());
}

}  // namespace

const NetworkKind kCrossStitch = {
    .name = "cross_stitch",
    .check = CheckCrossStitch,
    .make = MakeCrossStitch,
    .has_graph = false,
};

}  // namespace zhiyin::worker::model
