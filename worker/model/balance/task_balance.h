// What a method of balancing adds to the ordinary backward pass, and what is told of it.
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

/// What balancing did for a task: means over slices.
struct BalanceFigures {
  double task_weight = 0;
  /// Absent where no gradients were computed task by task.
  std::optional<double> gradient_norm;
  /// Share of the slices whose step goes against the task's own gradient.
  std::optional<double> gradient_conflict;
  /// [n_tasks]: cosine with the gradient of each task; absent for the task itself and where a
  /// gradient was always 0.
  std::vector<std::optional<double>> gradient_cosine;
};

/// What balancing did in a slice or, summed, in an epoch, as a vector of numbers that travels with
/// the sums of losses.
class BalanceSums {
 public:
  explicit BalanceSums(size_t n_tasks)
      : n_tasks_(n_tasks), numbers_(2 + n_tasks * 3 + n_tasks * (n_tasks - 1)) {}

  std::span<const double> numbers() const { return numbers_; }

  void AddFactors(const TaskFactors& factors);
  void AddGram(const Eigen::MatrixXd& gram, const TaskFactors& factors);
  void Add(std::span<const double> numbers);

  BalanceFigures FiguresOf(size_t task) const;

 private:
  // Where the numbers stand.
  static constexpr size_t kSlices = 0;
  static constexpr size_t kLooked = 1;  // slices whose gradients were looked at
  static size_t Factor(size_t t) { return 2 + t; }
  size_t Norm(size_t t) const { return 2 + n_tasks_ + t; }
  size_t Conflict(size_t t) const { return 2 + 2 * n_tasks_ + t; }
  /// The sum of the cosines between tasks i > j; behind it how many there were.
  size_t Cosine(size_t i, size_t j) const { return 2 + 3 * n_tasks_ + i * (i - 1) + 2 * j; }

  size_t n_tasks_;
  std::vector<double> numbers_;
};

/// Used by one thread; holds a pointer to the model.
class TaskBalance {
 public:
  TaskBalance(const Job& job, Model* model);

  /// Length of the weights with those of the method, which stand behind the model's in rows of
  /// their own.
  static int64_t NumWeights(const Job& job, const Model& model);

  /// A slice that has gone forward. x, doutputs as in Model::Backward; the doutputs may change.
  struct Slice {
    const ConstMatrixView& x;
    Matrix* doutputs;
    std::span<const double> objectives;  // [T]: sums over the rows, divided by the rows of the step
    std::span<const TaskSums> sums;      // [T]
    int64_t n_rows;
    int64_t step_rows;
    uint64_t step;
    uint64_t seed;
  };
  /// Applies the method to a slice. Returns true where it has set the gradients of the dense
  /// weights and of the input's rows; false where the ordinary backward pass of the doutputs, which
  /// are now multiplied by the method's factors, has yet to add them. REQUIRES: the dense gradients
  /// are 0.
  bool Apply(const Slice& slice, DenseWeights* dense, EmbeddingInput* input);

  /// Whether there is anything to tell of a slice; and of the last one.
  bool HasSums() const { return sums_.has_value(); }
  const BalanceSums& sums() const { return *sums_; }

  /// Whether the method wants to know every epoch's mean losses.
  bool UsesEpochs() const { return balancer_ != nullptr && balancer_->UsesEpochs(); }
  void AddEpoch(std::vector<double> losses) { epochs_.push_back(std::move(losses)); }
  const std::vector<std::vector<double>>& epochs() const { return epochs_; }

 private:
  bool LooksAt(uint64_t step) const;

  Model* model_;
  size_t n_tasks_;
  uint64_t look_every_;  // steps; 0: never
  std::unique_ptr<Balancer> balancer_;
  std::unique_ptr<TaskGradients> gradients_;
  size_t own_weights_begin_;
  std::vector<std::vector<double>> epochs_;
  std::optional<BalanceSums> sums_;
};

}  // namespace zhiyin::worker::model::balance
