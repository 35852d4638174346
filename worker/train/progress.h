// The progress display of a job: one live line on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/unpredicted.h"
#include "worker/model/metric/metric.h"

namespace zhiyin::worker::train {

/// How the chief displays progress.
enum class ProgressStyle {
  kLine,  // one line that is rewritten in place, for a terminal
  kLog,   // a line every ten seconds and at the end of an epoch
  kNone,
};

/// A worker's totals in the current epoch. All members add up over workers.
struct EpochTally {
  /// Sums of a task over the examples that have its label.
  struct TaskLoss {
    double weight = 0;  // of the examples
    double loss = 0;    // with the weights of the examples and of the task
  };

  int64_t n_rows = 0;                           // examples
  double waited_s = 0;                          // waits for servers
  std::vector<TaskLoss> losses;                 // [n_tasks]
  std::vector<model::metric::RunningAuc> aucs;  // [n_tasks]; empty for tasks that are not binary
  data::Unpredicted left_out;                   // among n_rows; named (left_out.h)

  EpochTally() = default;
  explicit EpochTally(size_t n_tasks) : losses(n_tasks), aucs(n_tasks) {}

  /// The sum over tasks of their weighted mean losses, as train_loss is (docs/results.md).
  double MeanLoss() const;

  std::string Serialize() const;
  /// Throws Error on bytes that Serialize did not write, and on impossible counts.
  static EpochTally Parse(std::string_view bytes, size_t n_tasks);
  void Merge(const EpochTally& other);
};

/// Prints for the chief. Used by the rank's thread.
class ProgressPrinter {
 public:
  /// `print` receives finished text, control characters included. `rows_per_epoch` is 0 where it is
  /// not known.
  ProgressPrinter(ProgressStyle style, std::vector<std::string> task_names, int64_t n_epochs,
                  int64_t rows_per_epoch, std::function<void(const std::string&)> print);

  /// Prints if it is time to, else costs little. `tallies` [n_workers] are the latest ones of every
  /// worker; `epoch` counts from 1.
  void Update(int64_t epoch, const std::vector<EpochTally>& tallies);
  /// Prints a line that stays; the live line moves below it.
  void Say(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;

  ProgressStyle style_;
  std::vector<std::string> task_names_;
  int64_t n_epochs_;
  int64_t rows_per_epoch_;
  std::function<void(const std::string&)> print_;
  Clock::time_point started_ = Clock::now();
  Clock::time_point shown_ = Clock::now();
  size_t line_width_ = 0;
};

}  // namespace zhiyin::worker::train
