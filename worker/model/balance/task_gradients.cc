#include "worker/model/balance/task_gradients.h"

namespace zhiyin::worker::model::balance {

TaskGradients::TaskGradients(SharedParameters shared, int n_tasks)
    : shared_(std::move(shared)), tasks_(static_cast<size_t>(n_tasks)) {
  for (Gradients& task : tasks_) {
    task.weights.resize(shared_.weights.size());
    task.tables.resize(shared_.table_columns.size());
  }
}

void TaskGradients::Compute(Model* model, std::span<float> weights, const ConstMatrixView& x,
                            const Matrix& doutputs, EmbeddingInput* input) {
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const auto column = static_cast<Eigen::Index>(t);
    doutputs_.setZero(doutputs.rows(), doutputs.cols());
    doutputs_.col(column) = doutputs.col(column);
    Gradients& task = tasks_[t];
    task.weights.setZero();
    model->Backward(weights, x, doutputs_,
                    {task.weights.data(), static_cast<size_t>(task.weights.size())}, &dx_);
    input->Scatter(dx_);
    for (size_t table = 0; table < task.tables.size(); ++table) {
      const int number = static_cast<int>(table);
      const auto n_keys = static_cast<Eigen::Index>(input->keys(number).size());
      task.tables[table] = Eigen::Map<const Rows>(input->gradients(number), n_keys,
                                                  shared_.table_columns[table].size());
    }
  }
}

Eigen::MatrixXd TaskGradients::Gram() const {
  const auto n_tasks = static_cast<Eigen::Index>(tasks_.size());
  Eigen::MatrixXd gram(n_tasks, n_tasks);
  for (Eigen::Index i = 0; i < n_tasks; ++i) {
    for (Eigen::Index j = 0; j <= i; ++j) {
      const Gradients& a = tasks_[static_cast<size_t>(i)];
      const Gradients& b = tasks_[static_cast<size_t>(j)];
      double sum = (shared_.weights * a.weights * b.weights).cast<double>().sum();
      for (size_t table = 0; table < a.tables.size(); ++table) {
        const auto product = a.tables[table] * b.tables[table];
        sum += (product.rowwise() * shared_.table_columns[table].transpose()).cast<double>().sum();
      }
      gram(i, j) = gram(j, i) = sum;
    }
  }
  return gram;
}

void TaskGradients::AddTo(const TaskFactors& factors, std::span<float> dweights,
                          EmbeddingInput* input) const {
  Eigen::Map<Floats> weights(dweights.data(), shared_.weights.size());
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const float own = static_cast<float>(factors.own[t]);
    const float more = static_cast<float>(factors.shared[t]) - own;
    weights += tasks_[t].weights * (own + more * shared_.weights);
    for (size_t table = 0; table < shared_.table_columns.size(); ++table) {
      const Rows& from = tasks_[t].tables[table];
      Eigen::Map<Rows> to(input->gradients(static_cast<int>(table)), from.rows(), from.cols());
      to += from.rowwise() * (own + more * shared_.table_columns[table]).transpose();
    }
  }
}

}  // namespace zhiyin::worker::model::balance
