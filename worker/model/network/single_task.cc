// A network of its own for each task, what others are compared with:
//   y_t = f_t(x)
// With rows of their own the tasks share nothing: network t reads part t of every field's row.
#include "worker/model/network/expert_bank.h"
#include "worker/model/network/networks.h"
#include "worker/model/network/row_parts.h"
#include "worker/model/network/towers.h"

namespace zhiyin::worker::model {
namespace {

/// All networks read one x: their first layers are one product.
class SingleTaskModel final : public Model {
 public:
  SingleTaskModel(const SingleTask& config, const Hidden& hidden, int input_dim, int n_tasks)
      : n_tasks_(n_tasks),
        bank_(input_dim, n_tasks, {config.hidden().begin(), config.hidden().end()}, {}, hidden,
              &n_weights_),
        outputs_(n_tasks, bank_.width(), &n_weights_) {}

  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    bank_.Init(&random, weights);
    outputs_.Init(&random, weights);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    outputs_.InitOutputs(outputs, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    outputs->resize(x.rows(), n_tasks_);
    bank_.Forward(weights, x, pass);
    for (int t = 0; t < n_tasks_; ++t)
      outputs_.Forward(t, weights, bank_.Experts(t, 1), pass, outputs);
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    const ExpertBank::Values bank = bank_.AddTo(graph, weights, x);
    std::vector<nn::Graph::Value> outputs;
    for (int t = 0; t < n_tasks_; ++t)
      outputs.push_back(outputs_.AddTo(t, graph, weights, bank.experts[static_cast<size_t>(t)]));
    return outputs;
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->resize(x.rows(), x.cols());
    bank_.StartBackward();
    for (int t = 0; t < n_tasks_; ++t)
      outputs_.Backward(t, weights, bank_.Experts(t, 1), doutputs, dweights, bank_.DExperts(t, 1));
    bank_.Backward(weights, x, dweights, *dx);
  }

 private:
  int n_tasks_;
  int64_t n_weights_ = 0;
  ExpertBank bank_;  // network t up to its last hidden layer is expert t
  Towers outputs_;   // the linear units behind them
};

/// Network t reads part t of the rows.
class OwnRowsModel final : public Model {
 public:
  OwnRowsModel(const SingleTask& config, const Hidden& hidden, const InputLayout& layout,
               int n_tasks)
      : parts_(layout, n_tasks),
        networks_(n_tasks, parts_.dim(), config.hidden(), hidden, &n_weights_),
        x_(static_cast<size_t>(n_tasks)) {}

  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    networks_.Init(&random, weights);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    networks_.InitOutputs(outputs, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    outputs->resize(x.rows(), parts_.n_parts());
    for (int t = 0; t < parts_.n_parts(); ++t) {
      parts_.Take(x, t, &x_[static_cast<size_t>(t)]);
      networks_.Forward(t, weights, x_[static_cast<size_t>(t)], pass, outputs);
    }
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    std::vector<nn::Graph::Value> outputs;
    for (int t = 0; t < parts_.n_parts(); ++t)
      outputs.push_back(networks_.AddTo(t, graph, weights, parts_.AddTo(graph, x, t)));
    return outputs;
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->setZero(x.rows(), x.cols());
    dpart_.resize(x.rows(), parts_.dim());
    for (int t = 0; t < parts_.n_parts(); ++t) {
      networks_.Backward(t, weights, x_[static_cast<size_t>(t)], doutputs, dweights, dpart_);
      parts_.Return(dpart_, t, dx);
    }
  }

 private:
  RowParts parts_;
  int64_t n_weights_ = 0;
  Towers networks_;
  std::vector<Matrix> x_;  // [task][n, part]
  Matrix dpart_;           // [n, part], of one task
};

void CheckSingleTask(const ModelChecker& check, const config::ConfigPath& path) {
  const SingleTask& config = check.job().model().single_task();
  check.CheckWidths(path, "hidden", config.hidden(), 1);
  if (!config.own_rows()) return;
  check.CheckPlainFields("single_task with own_rows");
  check.CheckParts(check.job().task_size(), "a part for each task");
}

std::unique_ptr<Model> MakeSingleTask(const Job& job, int input_dim, const InputLayout&) {
  const SingleTask& config = job.model().single_task();
  const Hidden& hidden = job.model().hidden();
  if (config.own_rows())
    return std::make_unique<OwnRowsModel>(config, hidden, InputLayout::Of(job), job.task_size());
  return std::make_unique<SingleTaskModel>(config, hidden, input_dim, job.task_size());
}

}  // namespace

const NetworkKind kSingleTask = {
    .name = "single_task",
    .check = CheckSingleTask,
    .make = MakeSingleTask,
};

}  // namespace zhiyin::worker::model
