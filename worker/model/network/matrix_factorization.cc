// Biased matrix factorisation (Koren, Bell and Volinsky, IEEE Computer 42(8), 2009, eq. 4), one for
// each task:
//   y_t = b_t + p_t[0] + q_t[0] + sum over k > 0 of p_t[k] q_t[k]
// where p_t and q_t are part t of the user's and of the item's row.
#include <algorithm>

#include "worker/model/network/networks.h"

namespace zhiyin::worker::model {
namespace {

class MatrixFactorizationModel final : public Model {
 public:
  MatrixFactorizationModel(const MatrixFactorization& config, const InputLayout& layout,
                           int n_tasks)
      : user_(layout.FieldNamed(config.user_field())),
        item_(layout.FieldNamed(config.item_field())),
        n_tasks_(n_tasks),
        width_(user_.dim / n_tasks) {}

  /// [n_tasks]: b
  int64_t n_weights() const override { return n_tasks_; }

  void InitWeights(Random, std::span<float> weights) const override {
    std::fill(weights.begin(), weights.end(), 0.0f);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    std::copy(outputs.begin(), outputs.end(), weights.begin());
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass&,
               Matrix* outputs) override {
    outputs->resize(x.rows(), n_tasks_);
    for (int t = 0; t < n_tasks_; ++t) {
      const auto p = x.middleCols(user_.begin + t * width_, width_);
      const auto q = x.middleCols(item_.begin + t * width_, width_);
      outputs->col(t) =
          p.col(0) + q.col(0) +
          p.rightCols(width_ - 1).cwiseProduct(q.rightCols(width_ - 1)).rowwise().sum();
      outputs->col(t).array() += weights[static_cast<size_t>(t)];
    }
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    std::vector<nn::Graph::Value> outputs;
    for (int t = 0; t < n_tasks_; ++t) {
      const int64_t p = user_.begin + t * width_;
      const int64_t q = item_.begin + t * width_;
      std::vector<nn::Graph::Value> parts = {graph->Columns(x, p, 1), graph->Columns(x, q, 1),
                                             graph->Scalar(weights[static_cast<size_t>(t)])};
      if (width_ > 1)
        parts.push_back(graph->RowSums(graph->Op(
            "Mul", {graph->Columns(x, p + 1, width_ - 1), graph->Columns(x, q + 1, width_ - 1)})));
      outputs.push_back(graph->Sum(parts));
    }
    return outputs;
  }

  void Backward(std::span<const float>, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->setZero(x.rows(), x.cols());
    for (int t = 0; t < n_tasks_; ++t) {
      BackwardPart(x, doutputs, t, item_.begin, user_.begin, dx);
      BackwardPart(x, doutputs, t, user_.begin, item_.begin, dx);
      dweights[static_cast<size_t>(t)] += doutputs.col(t).sum();
    }
  }

 private:
  /// Gradient of the part at `to`, whose partner is at `other`.
  void BackwardPart(const ConstMatrixView& x, const Matrix& doutputs, int t, int other, int to,
                    Matrix* dx) const {
    const int at = t * width_;
    dx->col(to + at) = doutputs.col(t);
    dx->middleCols(to + at + 1, width_ - 1) =
        x.middleCols(other + at + 1, width_ - 1).array().colwise() * doutputs.col(t).array();
  }

  InputLayout::Part user_;
  InputLayout::Part item_;
  int n_tasks_;
  int width_;  // of a task's part: its bias and its factors
};

void CheckMatrixFactorization(const ModelChecker& check, const config::ConfigPath& path) {
  const Job& job = check.job();
  const MatrixFactorization& config = job.model().matrix_factorization();
  check.CheckPlainFields("matrix_factorization");
  if (config.user_field().empty()) check.Fail(path("user_field"), "is missing, expected a field");
  if (config.item_field().empty()) check.Fail(path("item_field"), "is missing, expected a field");
  const Field& user = check.FieldNamed(path("user_field"), config.user_field());
  const Field& item = check.FieldNamed(path("item_field"), config.item_field());
  if (user.name() == item.name()) {
    check.Fail(path("item_field"), "\"", item.name(), "\" is the user_field, expected another");
  }
  if (job.field_size() > 2 || job.numeric_size() > 0) {
    check.Fail(path, "the job has ", job.field_size(), " fields and ", job.numeric_size(),
               " numerics, expected the two fields alone");
  }
  const int dim = check.DimOf(user);
  if (dim != check.DimOf(item)) {
    check.Fail(path("item_field"), "\"", item.name(), "\" has dim ", check.DimOf(item),
               ", expected that of \"", user.name(), "\", ", dim);
  }
  check.CheckParts(job.task_size(), "a part for each task");
  if (dim / job.task_size() < 2) {
    check.Fail(path("user_field"), "\"", user.name(), "\" has dim ", dim, " for ", job.task_size(),
               " tasks, expected at least ", 2 * job.task_size(), ": a bias and a factor each");
  }
}

std::unique_ptr<Model> MakeMatrixFactorization(const Job& job, int, const InputLayout& layout) {
  return std::make_unique<MatrixFactorizationModel>(job.model().matrix_factorization(), layout,
                                                    job.task_size());
}

}  // namespace

const NetworkKind kMatrixFactorization = {
    .name = "matrix_factorization",
    .check = CheckMatrixFactorization,
    .make = MakeMatrixFactorization,
    .has_hidden_layers = false,
};

}  // namespace zhiyin::worker::model
