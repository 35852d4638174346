#include "worker/model/balance/shared_parameters.h"

#include <algorithm>
#include <cmath>

#include "common/random.h"
#include "worker/model/dense_weights.h"
#include "worker/model/input_layout.h"

namespace zhiyin::worker::model::balance {
namespace {

constexpr int kPoints = 8;
constexpr int kRows = 16;

/// Whom a parameter's gradient is from: no task yet, one, or several.
class Reach {
 public:
  explicit Reach(Eigen::Index n) : task_(static_cast<size_t>(n), kNone) {}

  void Note(size_t at, int task) {
    int& known = task_[at];
    if (known != task) known = known == kNone ? task : kSeveral;
  }
  void Note(size_t at, const Reach& other, size_t other_at) {
    const int task = other.task_[other_at];
    if (task == kSeveral) task_[at] = kSeveral;
    if (task >= 0) Note(at, task);
  }
  Eigen::ArrayXf IsShared() const {
    Eigen::ArrayXf shared(static_cast<Eigen::Index>(task_.size()));
    std::transform(task_.begin(), task_.end(), shared.begin(),
                   [](int task) { return task >= 0 ? 0.0f : 1.0f; });
    return shared;
  }

 private:
  static constexpr int kNone = -1;
  static constexpr int kSeveral = -2;
  std::vector<int> task_;
};

}  // namespace

SharedParameters FindSharedParameters(const Job& job, Model* model) {
  const InputLayout layout = InputLayout::Of(job);
  const int n_tasks = job.task_size();
  Reach weights(model->n_weights());
  Reach columns(layout.dim);
  DenseWeights dense(model->n_weights());
  Matrix x(kRows, layout.dim);
  Matrix dx;
  Matrix outputs;
  Matrix doutputs(kRows, n_tasks);
  for (int point = 0; point < kPoints; ++point) {
    Random random(static_cast<uint64_t>(point), 3);
    model->InitWeights(Random(random.Next()), dense.weights());
    // A weight that is initialized to zero must not hide the parameters before it.
    for (float& weight : dense.weights()) weight += 0.1f * static_cast<float>(random.Normal());
    for (float& value : x.reshaped()) value = static_cast<float>(random.Normal());
    for (const InputLayout::Part& field : layout.fields) {
      if (field.is_sequence())
        x.col(field.count_column()).setConstant(static_cast<float>(field.length));
    }
    const ConstMatrixView view(x.data(), x.rows(), x.cols());
    model->Forward(dense.weights(), view, {true, random.Next()}, &outputs);
    for (int task = 0; task < n_tasks; ++task) {
      doutputs.setZero();
      for (float& value : doutputs.col(task)) value = static_cast<float>(random.Normal());
      std::ranges::fill(dense.gradient_rows(), 0.0f);
      model->Backward(dense.weights(), view, doutputs, dense.gradients(), &dx);
      for (size_t i = 0; i < dense.gradients().size(); ++i) {
        if (dense.gradients()[i] != 0) weights.Note(i, task);
      }
      for (int c = 0; c < layout.dim; ++c) {
        if ((dx.col(c).array() != 0).any()) columns.Note(static_cast<size_t>(c), task);
      }
    }
  }

  SharedParameters shared;
  shared.weights = weights.IsShared();
  for (const Table& table : job.table()) {
    Reach own(table.dim());
    for (int f = 0; f < job.field_size(); ++f) {
      if (job.field(f).table() != table.name()) continue;
      const InputLayout::Part& part = layout.fields[static_cast<size_t>(f)];
      for (int c = 0; c < part.dim * std::max(part.length, 1); ++c)
        own.Note(static_cast<size_t>(c % part.dim), columns, static_cast<size_t>(part.begin + c));
    }
    shared.table_columns.push_back(own.IsShared());
  }
  return shared;
}

}  // namespace zhiyin::worker::model::balance
