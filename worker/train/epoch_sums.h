// The sums of training losses and metrics over the slices of an epoch, from all workers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/exact_sum.h"
#include "worker/model/metric/metric.h"
#include "worker/model/task_heads.h"

namespace zhiyin::worker::train {

/// Reorders values by task, for a resumed job with other tasks, or with another order of them.
/// Tasks are identified by name.
class TaskOrder {
 public:
  TaskOrder(const std::vector<std::string>& before, const std::vector<std::string>& now);

  /// Returns the values [before] in the order of [now], with `fresh` for new tasks. REQUIRES: there
  /// is a value for each task of `before`.
  template <typename T>
  std::vector<T> Of(const std::vector<T>& values, const T& fresh) const {
    std::vector<T> ordered;
    for (const int from : from_)
      ordered.push_back(from < 0 ? fresh : values[static_cast<size_t>(from)]);
    return ordered;
  }

 private:
  std::vector<int> from_;  // [now]: its position before; -1: a new task
};

/// The numbers of slices, tasks and balance figures that sums of an epoch are for.
struct SumsShape {
  size_t n_slices = 0;  // 0: they are not told apart
  size_t n_tasks = 0;
  size_t n_balance = 0;  // numbers of BalanceSums; 0: none
};

/// The sums over some slices of an epoch, and which slices these are. Slices are added up as they
/// are computed: the size depends on the number of tasks, but for one bit a slice. The sums are
/// exact, so their bits depend neither on the order of the slices nor on who computed them. A plain
/// value.
class EpochSums {
 public:
  /// Sums of no slice, to which sums of any shape can be added.
  EpochSums() = default;
  /// Throws Error for more than 2^31 slices.
  explicit EpochSums(const SumsShape& shape);

  /// Adds a slice. `tasks` [n_tasks], `balance` [n_balance]. Throws Error when a number is not
  /// finite. REQUIRES: the slice was not added before.
  void Add(int64_t slice, std::span<const model::TaskSums> tasks, std::span<const double> balance);
  /// Adds the sums of other slices of the epoch. Throws Error when both have a slice.
  void Merge(const EpochSums& other);

  /// Throws Error unless it has every slice of the epoch.
  void CheckWhole() const;
  /// The numbers of its slices, ascending.
  std::vector<int64_t> Slices() const;
  /// The sums of a task, rounded.
  model::TaskSums OfTask(size_t task) const;
  /// The sums of the balance [n_balance], rounded.
  std::vector<double> OfBalance() const;

  /// Returns the sums in another order of tasks. New tasks have no labels in these slices. The sums
  /// of the balance become zeros [n_balance], since they are about the tasks that there were.
  EpochSums Ordered(const TaskOrder& order, size_t n_balance) const;

  std::string Serialize() const;
  /// The inverse of Serialize. `n_rows` is the number of examples of the epoch. Throws Error on
  /// bytes that cannot be sums of such an epoch.
  static EpochSums Parse(std::string_view bytes, const SumsShape& shape, int64_t n_rows);

 private:
  using TaskTotals = std::array<ExactSum, model::TaskSums::kNumbers>;

  std::vector<bool> has_slice_;    // [n_slices]
  std::vector<TaskTotals> tasks_;  // [n_tasks]
  std::vector<ExactSum> balance_;  // [n_balance]
};

/// Returns the metrics of the predictions in training, which are made before the weights are
/// updated by the example. The AUC is computed from a histogram.
model::metric::TaskMetrics TrainMetrics(const std::string& task, model::loss::PredictionKind kind,
                                        const model::TaskSums& sums,
                                        const model::metric::RunningAuc& auc);

}  // namespace zhiyin::worker::train
