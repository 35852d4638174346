// The losses of all tasks over a batch, and their derivatives with respect to the model's outputs.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/exact_sum.h"
#include "common/matrix.h"
#include "configs/job.pb.h"
#include "worker/data/examples.h"
#include "worker/model/loss/loss.h"
#include "worker/model/network/networks.h"

namespace zhiyin::worker::model {

/// Sums over the examples of a batch that have the label of a task; own_loss over all examples.
/// Each example counts with its weight, which says what it stands for (metric.h).
struct TaskSums {
  double n = 0;       // examples, unweighted
  double weight = 0;  // of the examples
  double loss = 0;
  double prediction = 0;
  double label = 0;
  double squared_error = 0;
  double own_loss = 0;  // auxiliary loss (Model::AddAuxiliaryLoss), over all examples

  /// The mean loss of an example; nothing where no example with a weight has the label.
  std::optional<double> MeanLoss() const {
    return weight > 0 ? std::optional(loss / weight) : std::nullopt;
  }

  /// Its numbers, in the order above.
  static constexpr size_t kNumbers = 7;
  using Numbers = std::array<double, kNumbers>;
  Numbers ToNumbers() const {
    return {n, weight, loss, prediction, label, squared_error, own_loss};
  }
  static TaskSums FromNumbers(const Numbers& x) {
    return {x[0], x[1], x[2], x[3], x[4], x[5], x[6]};
  }
};

/// What the outputs of a batch [n, n_tasks] are compared with.
struct Targets {
  std::vector<double> labels;   // [n, n_tasks], kMissing where the example has no label of the task
  std::vector<double> weights;  // [n, n_tasks]: what each stands for; or empty: all 1
  /// [n_tasks][n]: the group whose examples the loss compares; empty where it compares none, or
  /// all.
  std::vector<std::vector<Key>> groups;
  /// [n]: the item of each example, a hash of the values that it is known by (NetworkKind::item);
  /// empty where the network asks for none. That any two of n items have one number has a
  /// probability of about n^2 / 2^65.
  std::vector<Key> items;

  /// Removes examples, as EmbeddingInput::LeaveOut does.
  void LeaveOut(std::span<const int64_t> examples, size_t n_tasks);
};

/// The objective of a step of B examples is
///
///   sum_t weight_t * (1 / B) * sum_i weight_ti * loss_t(output_ti, label_ti)
///
/// over the tasks t and the examples i that have the task's label, plus the model's auxiliary loss.
/// weight_ti is the weight of Targets, times Task.positive_weight for a positive, as a float32;
/// figures have the weights of Targets as they are.
/// All tasks are divided by B, which is known before the step, so that the slices of a step can be
/// computed independently and added up. Used by one thread.
class TaskHeads {
 public:
  explicit TaskHeads(const Job& job);

  int n_tasks() const { return static_cast<int>(tasks_.size()); }
  const std::string& name(int task) const { return at(task).name; }
  double weight(int task) const { return at(task).weight; }
  loss::PredictionKind kind(int task) const { return at(task).loss->kind(); }

  /// Copies labels, weights, groups and items of the examples. Groups and items are those of the
  /// data: augmentation changes what the model sees of an example, not which one it is. Reuses the
  /// memory of *targets.
  void TakeTargets(const data::Examples& rows, Targets* targets) const;

  /// Fills predictions [n, n_tasks] from outputs [n, n_tasks]: finite numbers, and NaN where the
  /// output or what it stands for is not finite.
  void Predictions(const Matrix& outputs, std::span<float> predictions) const;
  /// Takes the labels away from predictions that are NaN, so that they count in no sum and in no
  /// metric. Returns the positions of examples with such a prediction, ascending.
  std::vector<int64_t> LeaveOutUndefined(std::span<const float> predictions,
                                         Targets* targets) const;
  /// Fills sums [n_tasks] for reports, but for own_loss, which becomes 0. Examples count with the
  /// weights of the targets; positive_weight and label smoothing are for training alone.
  void Sums(const Matrix& outputs, std::span<const float> predictions, const Targets& targets,
            std::span<TaskSums> sums);
  /// Returns the sums of the losses [n_tasks], of which Sums has the rounded ones.
  std::vector<ExactSum> LossSums(const Matrix& outputs, const Targets& targets);
  /// doutputs [n, n_tasks] = d objective / d outputs, 0 where there is no label. objectives
  /// [n_tasks]: what these examples add to the objective of each task. Labels are smoothed.
  void Derivatives(const Matrix& outputs, const Targets& targets, int64_t n_rows_of_step,
                   Matrix* doutputs, std::span<double> objectives) {
    Derivatives(outputs, targets, 0, n_rows_of_step, doutputs, objectives);
  }
  /// Derivatives where the outputs are those of the examples from `first` on alone. REQUIRES: no
  /// loss compares examples.
  void Derivatives(const Matrix& outputs, const Targets& targets, int64_t first,
                   int64_t n_rows_of_step, Matrix* doutputs, std::span<double> objectives);

 private:
  struct Head {
    std::string name;
    double weight = 1;
    float positive_weight = 1;
    double label_smoothing = 0;
    int group_field = -1;
    std::unique_ptr<loss::Loss> loss;
  };
  /// The item of example i, of its values as they are in the data.
  Key ItemOf(const data::Examples& rows, int64_t i) const;
  const Head& at(int task) const { return tasks_[static_cast<size_t>(task)]; }
  /// Copies task t's columns to the vectors below and computes its loss there, where the outputs
  /// are those of the examples from `first` on.
  void Compute(size_t t, const Matrix& outputs, const Targets& targets, int64_t first,
               bool training);

  std::vector<Head> tasks_;
  ItemIdentity item_;

  // The columns of one task, [n].
  std::vector<float> outputs_;
  std::vector<double> labels_;
  std::vector<double> weights_;
  std::vector<double> values_;
  std::vector<float> derivatives_;
};

}  // namespace zhiyin::worker::model
