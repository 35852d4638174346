// All tasks' losses over a batch: what the model's outputs cost, and what to change about them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "worker/data/rows.h"
#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model {

/// Sums over the rows of a batch that have a task's label, and one over all rows.
struct TaskSums {
  double n = 0;
  double loss = 0;  // unweighted
  double prediction = 0;
  double label = 0;
  double squared_error = 0;
  double own_loss = 0;  // of the model itself (Model::AddAuxiliaryLoss), weighted, over all rows

  void Add(const TaskSums& other);

  /// It travels as so many numbers, in the order above.
  static constexpr size_t kNumbers = 6;
  static TaskSums FromNumbers(const double* numbers) {
    return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
  }
};
static_assert(sizeof(TaskSums) == TaskSums::kNumbers * sizeof(double));

/// What the outputs of a batch are compared with.
struct Targets {
  std::vector<float> labels;   // [n, n_tasks], kMissing where the task has no part in the row
  std::vector<float> weights;  // [n, n_tasks], or empty: all 1
  std::vector<std::vector<Key>>
      groups;  // [n_tasks][n], empty where the loss compares no rows, or all
};

/// The objective of a step of B rows is sum over tasks of weight * (1 / B) * sum of the weighted
/// loss over the rows that have the label, and of what the model adds to it. The divisor is the
/// same for all tasks and known beforehand, so that the slices of a step add up without knowing of
/// each other. One thread.
class TaskHeads {
 public:
  explicit TaskHeads(const Job& job);

  int n_tasks() const { return static_cast<int>(tasks_.size()); }
  const std::string& name(int task) const { return at(task).name; }
  double weight(int task) const { return at(task).weight; }
  loss::PredictionKind kind(int task) const { return at(task).loss->kind(); }

  /// Of rows of the job's shape. Reuses the memory of *targets.
  void TakeTargets(const data::Rows& rows, Targets* targets) const;

  /// predictions [n, n_tasks] of outputs [n, n_tasks].
  void Predictions(const Matrix& outputs, std::span<float> predictions) const;
  /// sums [n_tasks]: every row counts once, with its label as it is.
  void Sums(const Matrix& outputs, std::span<const float> predictions, const Targets& targets,
            std::span<TaskSums> sums);
  /// doutputs [n, n_tasks] = d objective / d outputs, 0 where there is no label; objectives
  /// [n_tasks]: these rows' part of each task's. Here rows have their weights, and labels are
  /// smoothed.
  void Derivatives(const Matrix& outputs, const Targets& targets, int64_t n_rows_of_step,
                   Matrix* doutputs, std::span<double> objectives);

 private:
  struct Head {
    std::string name;
    double weight = 1;
    float positive_weight = 1;
    float negative_weight = 1;
    float label_smoothing = 0;
    int group_field = -1;
    std::unique_ptr<loss::Loss> loss;
  };
  const Head& at(int task) const { return tasks_[static_cast<size_t>(task)]; }
  /// Fills the columns below with task t's part; values_ and derivatives_ with what its loss says.
  void Compute(size_t t, const Matrix& outputs, const Targets& targets, bool training);

  std::vector<Head> tasks_;

  // Of one task, [n].
  std::vector<float> outputs_;
  std::vector<float> labels_;
  std::vector<float> weights_;
  std::vector<double> values_;
  std::vector<float> derivatives_;
};

}  // namespace zhiyin::worker::model
