// What an epoch of training showed, put together from all workers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/model/metric/metric.h"
#include "worker/model/task_heads.h"

namespace zhiyin::worker::train {

/// What a worker's slices of an epoch came to, in the order in which it took them.
struct SliceSums {
  std::vector<int64_t> numbers;       // [n], of the slices among all of the epoch
  std::vector<model::TaskSums> sums;  // [n, n_tasks]
  std::vector<double> balance;        // [n, n_balance]: BalanceSums of each, where there are any

  /// Adds the sums of other slices.
  void Append(const SliceSums& other);

  std::string Serialize() const;
  /// What a worker sent. Throws Error unless these can be sums of slices with so many rows, by
  /// number.
  static SliceSums Parse(std::string_view bytes, std::span<const int64_t> rows_of_slices,
                         size_t n_tasks, size_t n_balance);
};

/// What was kept by task, for a job that has other tasks or another order of them.
class TaskOrder {
 public:
  TaskOrder(const std::vector<std::string>& before, const std::vector<std::string>& now);

  /// values [before], to [now]; `fresh` for tasks that were not there. REQUIRES: so many values.
  template <typename T>
  std::vector<T> Of(const std::vector<T>& values, const T& fresh) const {
    std::vector<T> ordered;
    for (const int from : from_)
      ordered.push_back(from < 0 ? fresh : values[static_cast<size_t>(from)]);
    return ordered;
  }
  /// New tasks have no labels in these slices. What was measured of the balance is forgotten.
  SliceSums Of(const SliceSums& sums, size_t n_balance) const;

 private:
  size_t n_before_;
  std::vector<int> from_;  // [now], -1: was not there
};

/// Over all slices, added in the order of their numbers, so that the bits do not depend on who took
/// which slice.
struct EpochSums {
  std::vector<model::TaskSums> tasks;  // [n_tasks]
  std::vector<double> balance;         // [n_balance]
};
/// parts[worker]: that worker's sums. Throws Error when a slice was taken twice, or by nobody.
EpochSums SumEpoch(size_t n_slices, size_t n_tasks, size_t n_balance,
                   const std::vector<SliceSums>& parts);

/// Metrics of predictions that were made in training, each before the weights knew its row. The AUC
/// is that of a histogram.
model::metric::TaskMetrics TrainMetrics(const std::string& task, model::loss::PredictionKind kind,
                                        const model::TaskSums& sums,
                                        const model::metric::RunningAuc& auc);

}  // namespace zhiyin::worker::train
