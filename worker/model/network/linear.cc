// Linear in all inputs:
//   y_t = b_t + sum over fields f of e_f[t] + sum over numerics j of x_j w[j, t]
// where e_f, the pooled row of field f, has one entry a task: it is the field's weight vector
// itself.
#include <algorithm>

#include "worker/model/network/networks.h"

namespace zhiyin::worker::model {
namespace {

class LinearModel final : public Model {
 public:
  explicit LinearModel(const Job& job) : layout_(InputLayout::Of(job)), n_tasks_(job.task_size()) {}

  /// [n_numerics, n_tasks], then biases [n_tasks].
  int64_t n_weights() const override {
    return static_cast<int64_t>(layout_.numerics.size() + 1) * n_tasks_;
  }

  void InitWeights(Random, std::span<float> weights) const override {
    std::fill(weights.begin(), weights.end(), 0.0f);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    std::copy(outputs.begin(), outputs.end(), weights.begin() + n_numerics() * n_tasks_);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass&,
               Matrix* outputs) override {
    outputs->resize(x.rows(), n_tasks_);
    outputs->rowwise() = Biases(weights.data());
    for (const InputLayout::Part& field : layout_.fields)
      *outputs += x.middleCols(field.begin, n_tasks_);
    outputs->noalias() +=
        x.rightCols(n_numerics()) * ConstMatrixView(weights.data(), n_numerics(), n_tasks_);
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    std::vector<nn::Graph::Value> parts = {graph->Floats(
        {1, n_tasks_}, weights.subspan(static_cast<size_t>(n_numerics() * n_tasks_)))};
    for (const InputLayout::Part& field : layout_.fields)
      parts.push_back(graph->Columns(x, field.begin, n_tasks_));
    if (n_numerics() > 0) {
      const nn::Graph::Value w = graph->Floats(
          {n_numerics(), n_tasks_}, weights.first(static_cast<size_t>(n_numerics() * n_tasks_)));
      parts.push_back(
          graph->Op("MatMul", {graph->Columns(x, layout_.dim - n_numerics(), n_numerics()), w}));
    }
    const nn::Graph::Value sum = graph->Sum(parts);
    std::vector<nn::Graph::Value> outputs;
    for (int t = 0; t < n_tasks_; ++t) outputs.push_back(graph->Columns(sum, t, 1));
    return outputs;
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->resize(x.rows(), x.cols());
    for (const InputLayout::Part& field : layout_.fields)
      dx->middleCols(field.begin, n_tasks_) = doutputs;
    if (n_numerics() > 0) {
      dx->rightCols(n_numerics()).noalias() =
          doutputs * ConstMatrixView(weights.data(), n_numerics(), n_tasks_).transpose();
    }
    MatrixView(dweights.data(), n_numerics(), n_tasks_).noalias() +=
        x.rightCols(n_numerics()).transpose() * doutputs;
    VectorView(dweights.data() + n_numerics() * n_tasks_, n_tasks_) += doutputs.colwise().sum();
  }

 private:
  Eigen::Index n_numerics() const { return static_cast<Eigen::Index>(layout_.numerics.size()); }
  ConstVectorView Biases(const float* weights) const {
    return {weights + n_numerics() * n_tasks_, n_tasks_};
  }

  InputLayout layout_;
  int n_tasks_;
};

void CheckLinear(const ModelChecker& check, const config::ConfigPath&) {
  const Job& job = check.job();
  if (job.model().has_wide()) {
    check.Fail(check.model_path()("wide"),
               "means nothing to linear, which is wide itself, expected none");
  }
  check.CheckPlainFields("linear");
  for (int i = 0; i < job.table_size(); ++i) {
    if (job.table(i).dim() != job.task_size()) {
      check.Fail(check.root()("table", i)("dim"), "is ", job.table(i).dim(), ", expected ",
                 job.task_size(), ": a linear model has one weight a task in a row");
    }
  }
}

std::unique_ptr<Model> MakeLinear(const Job& job, int, const InputLayout&) {
  return std::make_unique<LinearModel>(job);
}

}  // namespace

const NetworkKind kLinear = {
    .name = "linear",
    .check = CheckLinear,
    .make = MakeLinear,
    .has_hidden_layers = false,
};

}  // namespace zhiyin::worker::model
