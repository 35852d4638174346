// Applies a method of balancing in the backward pass, and sums up its figures for reports.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "worker/model/balance/balancer.h"
#include "worker/model/balance/task_gradients.h"
#include "worker/model/dense_weights.h"
#include "worker/model/embedding_input.h"
#include "worker/model/model.h"
#include "worker/model/task_heads.h"

namespace zhiyin::worker::model::balance {

/// The effect of balancing on a task: means over slices. Plain data.
struct BalanceFigures {
  double task_weight = 0;
  /// The norm of the task's gradient; absent if gradients were not computed for each task.
  std::optional<double> gradient_norm;
  /// The share of the slices whose combined gradient has a negative inner product with the task's.
  std::optional<double> gradient_conflict;
  /// [n_tasks]: the cosine with the gradient of each task; absent for the task itself, and if a
  /// gradient was always 0.
  std::vector<std::optional<double>> gradient_cosine;
};

/// The sums behind BalanceFigures over the slices of an epoch, or of one slice, as a vector of
/// numbers that is sent along with the sums of losses.
class BalanceSums {
 public:
  explicit BalanceSums(size_t n_tasks) : n_tasks_(n_tasks), numbers_(NumNumbers(n_tasks)) {}

  static size_t NumNumbers(size_t n_tasks) { return 2 + n_tasks * 3 + n_tasks * (n_tasks - 1); }

  std::span<const double> numbers() const { return numbers_; }

  void AddFactors(const TaskFactors& factors);
  void AddGram(const Eigen::MatrixXd& gram, const TaskFactors& factors);
  void Add(std::span<const double> numbers);

  BalanceFigures FiguresOf(size_t task) const;

 private:
  // The positions of the numbers.
  static constexpr size_t kSlices = 0;
  static constexpr size_t kLooked = 1;  // slices whose gradients were computed for each task
  static size_t Factor(size_t t) { return 2 + t; }
  size_t Norm(size_t t) const { return 2 + n_tasks_ + t; }
  size_t Conflict(size_t t) const { return 2 + 2 * n_tasks_ + t; }
  /// The sum of the cosines between tasks i > j, followed by their number.
  size_t Cosine(size_t i, size_t j) const { return 2 + 3 * n_tasks_ + i * (i - 1) + 2 * j; }

  size_t n_tasks_;
  std::vector<double> numbers_;
};

/// The job's method of balancing, in training. Used by one thread; borrows the model.
class TaskBalance {
 public:
  TaskBalance(const Job& job, Model* model);

  /// The number of dense weights including those of the method, which come after the model's, in
  /// rows of their own.
  static int64_t NumWeights(const Job& job, const Model& model);

  /// A slice after its forward pass. x and doutputs are those of Model::Backward, for the tasks'
  /// losses alone.
  struct Slice {
    const ConstMatrixView& x;
    Matrix* doutputs;
    std::span<const double> objectives;  // [T]: sums over examples / examples of the step
    std::span<const TaskSums> sums;      // [T]
    int64_t n_rows;                      // examples of the slice
    int64_t step_examples;               // examples of the step
    uint64_t step;
    uint64_t seed;
  };
  /// Applies the method to a slice. Returns false if it has multiplied doutputs by the method's
  /// factors; then the ordinary backward pass gives the balanced gradients. Returns true if it
  /// holds the balanced gradients, and has set doutputs to 0; then AddGradients adds them to what
  /// the backward pass of everything else gives. Everything else is the model's auxiliary loss,
  /// which the caller adds to doutputs after this call, so that no method weighs or projects it.
  /// Sets the gradients of the method's own weights; leaves anything in those of the input's
  /// embedding rows. REQUIRES: the dense gradients are 0.
  bool Apply(const Slice& slice, DenseWeights* dense, EmbeddingInput* input);
  /// REQUIRES: the last call of Apply returned true.
  void AddGradients(DenseWeights* dense, EmbeddingInput* input) const;

  /// Whether Apply computes the gradient of each task in this step, by passes of the model back
  /// from its last Forward, which must then be of all examples of the slice.
  bool LooksAt(uint64_t step) const;

  /// Whether the job has a method of balancing.
  bool HasMethod() const { return balancer_ != nullptr; }
  /// Whether the job reports figures of balancing.
  bool HasSums() const { return sums_.has_value(); }
  /// The sums of the last slice. REQUIRES: HasSums().
  const BalanceSums& sums() const { return *sums_; }

  /// Whether the method uses the mean losses of every epoch.
  bool UsesEpochs() const { return balancer_ != nullptr && balancer_->UsesEpochs(); }
  /// Adds the mean losses [n_tasks] of an epoch. Methods use the first epoch and the last ones; the
  /// others are forgotten.
  void AddEpoch(std::vector<double> losses);
  const std::vector<std::vector<double>>& epochs() const { return epochs_; }

 private:
  Model* model_;
  size_t n_tasks_;
  uint64_t look_every_;  // steps; 0: never
  std::unique_ptr<Balancer> balancer_;
  std::unique_ptr<TaskGradients> gradients_;
  TaskFactors factors_;  // of the last slice
  size_t own_weights_begin_;
  std::vector<std::vector<double>> epochs_;
  std::optional<BalanceSums> sums_;
};

}  // namespace zhiyin::worker::model::balance
