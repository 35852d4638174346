// The sums of training losses and metrics over the slices of an epoch, from all workers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/model/metric/metric.h"
#include "worker/model/task_heads.h"

namespace zhiyin::worker::train {

/// The sums over each of a worker's n slices of an epoch, in the order in which it computed them.
struct SliceSums {
  std::vector<int64_t> numbers;       // [n], the slice numbers
  std::vector<model::TaskSums> sums;  // [n, n_tasks]
  std::vector<double> balance;        // [n, n_balance]: BalanceSums, if there are any

  /// Adds the sums of other slices.
  void Append(const SliceSums& other);

  std::string Serialize() const;
  /// The inverse of Serialize. `rows_of_slices` are the numbers of examples of the epoch's slices.
  /// Throws Error on bytes that cannot be sums of such slices.
  static SliceSums Parse(std::string_view bytes, std::span<const int64_t> rows_of_slices,
                         size_t n_tasks, size_t n_balance);
};

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
  /// Returns the sums in the new order. New tasks have no labels in these slices; the sums of the
  /// balance are zeros [n, n_balance].
  SliceSums Of(const SliceSums& sums, size_t n_balance) const;

 private:
  size_t n_before_;
  std::vector<int> from_;  // [now]: its position before; -1: a new task
};

/// The sums over all slices, added in the order of their numbers, so that the bits do not depend on
/// which worker computed which slice.
struct EpochSums {
  std::vector<model::TaskSums> tasks;  // [n_tasks]
  std::vector<double> balance;         // [n_balance]
};
/// Adds the sums of all workers, [n_workers]. Throws Error when a slice was computed twice or not
/// at all.
EpochSums SumEpoch(size_t n_slices, size_t n_tasks, size_t n_balance,
                   const std::vector<SliceSums>& parts);

/// Returns the metrics of the predictions in training, which are made before the weights are
/// updated by the example. The AUC is computed from a histogram.
model::metric::TaskMetrics TrainMetrics(const std::string& task, model::loss::PredictionKind kind,
                                        const model::TaskSums& sums,
                                        const model::metric::RunningAuc& auc);

}  // namespace zhiyin::worker::train
