// All tasks' losses over a batch: what the model's outputs cost, and what to change about them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "worker/loss/loss.h"

namespace zhiyin::worker {

/// Sums over the rows of a batch that have a task's label, and one over all rows.
struct TaskSums {
  double n = 0;
  double loss = 0;  // unweighted
  double prediction = 0;
  double label = 0;
  double squared_error = 0;
  double own_loss = 0;  // of the model itself (Model::AddOwnLoss), weighted, over all rows

  void Add(const TaskSums& other);

  /// It travels as so many numbers, in the order above.
  static constexpr size_t kNumbers = 6;
  static TaskSums FromNumbers(const double* numbers) {
    return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
  }
};
static_assert(sizeof(TaskSums) == TaskSums::kNumbers * sizeof(double));

/// The objective of a step of B rows is sum over tasks of weight * (1 / B) * sum of the loss over the rows
/// that have the label, and of what the model adds to it. The divisor is the same for all tasks and known beforehand, so that the slices of a
/// step add up without knowing of each other. One thread.
class TaskHeads {
 public:
  explicit TaskHeads(const Job& job);

  int n_tasks() const { return static_cast<int>(tasks_.size()); }
  const std::string& name(int task) const { return at(task).name; }
  double weight(int task) const { return at(task).weight; }
  bool IsBinary(int task) const { return at(task).loss->IsBinary(); }

  /// predictions [n, n_tasks] of outputs [n, n_tasks].
  void Predictions(const Matrix& outputs, std::span<float> predictions) const;
  /// sums [n_tasks]; outputs, predictions and labels are [n, n_tasks].
  void Sums(const Matrix& outputs, std::span<const float> predictions, std::span<const float> labels,
            std::span<TaskSums> sums) const;
  /// doutputs [n, n_tasks] = d objective / d outputs, 0 where there is no label.
  void Derivatives(const Matrix& outputs, std::span<const float> labels, int64_t n_rows_of_step,
                   Matrix* doutputs) const;

 private:
  struct Head {
    std::string name;
    double weight = 1;
    std::unique_ptr<Loss> loss;
  };
  const Head& at(int task) const { return tasks_[static_cast<size_t>(task)]; }

  std::vector<Head> tasks_;
};

}  // namespace zhiyin::worker
