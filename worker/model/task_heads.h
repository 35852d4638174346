// The losses of all tasks over a batch, and their derivatives with respect to the model's outputs.
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

/// Sums over the examples of a batch that have the label of a task; own_loss over all examples.
struct TaskSums {
  double n = 0;
  double loss = 0;  // unweighted
  double prediction = 0;
  double label = 0;
  double squared_error = 0;
  double own_loss = 0;  // auxiliary loss (Model::AddAuxiliaryLoss), weighted, over all examples

  void Add(const TaskSums& other);

  /// How many numbers a message holds for it, in the order above.
  static constexpr size_t kNumbers = 6;
  static TaskSums FromNumbers(const double* numbers) {
    return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
  }
};
static_assert(sizeof(TaskSums) == TaskSums::kNumbers * sizeof(double));

/// What the outputs of a batch [n, n_tasks] are compared with.
struct Targets {
  std::vector<float> labels;   // [n, n_tasks], kMissing where the example has no label of the task
  std::vector<float> weights;  // [n, n_tasks], or empty: all 1
  /// [n_tasks][n]: the group whose examples the loss compares; empty where it compares none, or
  /// all.
  std::vector<std::vector<Key>> groups;
};

/// The objective of a step of B examples is
///
///   sum_t weight_t * (1 / B) * sum_i weight_ti * loss_t(output_ti, label_ti)
///
/// over the tasks t and the examples i that have the task's label, plus the model's auxiliary loss.
/// All tasks are divided by B, which is known before the step, so that the slices of a step can be
/// computed independently and added up. Used by one thread.
class TaskHeads {
 public:
  explicit TaskHeads(const Job& job);

  int n_tasks() const { return static_cast<int>(tasks_.size()); }
  const std::string& name(int task) const { return at(task).name; }
  double weight(int task) const { return at(task).weight; }
  loss::PredictionKind kind(int task) const { return at(task).loss->kind(); }

  /// Copies labels, weights and groups of the examples. Reuses the memory of *targets.
  void TakeTargets(const data::Rows& rows, Targets* targets) const;

  /// Fills predictions [n, n_tasks] from outputs [n, n_tasks].
  void Predictions(const Matrix& outputs, std::span<float> predictions) const;
  /// Fills sums [n_tasks] for reports: examples are not weighted, labels are not smoothed.
  void Sums(const Matrix& outputs, std::span<const float> predictions, const Targets& targets,
            std::span<TaskSums> sums);
  /// doutputs [n, n_tasks] = d objective / d outputs, 0 where there is no label. objectives
  /// [n_tasks]: what these examples add to the objective of each task. Examples are weighted,
  /// labels smoothed.
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
  /// Copies task t's columns to the vectors below and computes its loss there.
  void Compute(size_t t, const Matrix& outputs, const Targets& targets, bool training);

  std::vector<Head> tasks_;

  // The columns of one task, [n].
  std::vector<float> outputs_;
  std::vector<float> labels_;
  std::vector<float> weights_;
  std::vector<double> values_;
  std::vector<float> derivatives_;
};

}  // namespace zhiyin::worker::model
