// What a job leaves for people and scripts: a table on the screen, metrics.jsonl and summary.json
// (docs/results.md).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/model/balance/task_balance.h"
#include "worker/model/metric/metric.h"
#include "worker/train/evaluator.h"
#include "worker/train/invariants.h"

namespace zhiyin::worker::train {

/// Keys keep the order in which they were put in.
using Json = nlohmann::ordered_json;

/// A row a task; "undefined" where a metric is.
std::string MetricsTable(const std::vector<model::metric::TaskMetrics>& tasks);

/// One line of metrics.jsonl.
Json MetricsLine(int64_t epoch, int64_t step, const std::string& split,
                 const model::metric::TaskMetrics& metrics);
/// auc, log_loss, mse, rmse, r2, calibration, samples, label_mean; null where undefined.
Json MetricsObject(const model::metric::TaskMetrics& metrics);

/// What a method of balancing did for a task, for metrics.jsonl and summary.json: task_weight and,
/// where gradients were computed task by task, gradient_norm, gradient_conflict and gradient_cosine
/// by the name of the other task.
Json BalanceJson(const model::balance::BalanceFigures& figures, size_t task,
                 std::span<const std::string> names);

/// The whole configuration, field names as in job.proto.
Json ConfigJson(const Job& job);
/// tables, keys_pulled, keys_pushed, staleness.
Json ReportJson(const ps::ServerReport& report);
/// invariants, in_flight, replies_late.
Json InvariantsJson(const std::vector<std::string>& checked, const JobCounts& counts);

/// What --profile shows: seconds, and by stage the share of them in per cent.
Json ProfileJson(std::span<const std::string_view> names, std::span<const double> seconds);

/// The files in an output folder. An empty folder name writes nothing.
class ResultFiles {
 public:
  explicit ResultFiles(std::string folder) : folder_(std::move(folder)) {}

  /// Adds lines to metrics.jsonl, whole or not at all. What cannot be written, on a full disk, is
  /// said in the log and written with what comes next, at the latest before the summary, which
  /// throws FileError.
  void AddMetrics(const std::vector<Json>& lines);
  void WriteSummary(const Json& summary) const;

  /// What metrics.jsonl holds; and what an earlier run had put there, before anything is added.
  const std::string& metrics() const { return metrics_; }
  void Continue(std::string metrics) { metrics_ = std::move(metrics); }

 private:
  std::string folder_;
  std::string metrics_;
  bool lacks_lines_ = false;  // metrics.jsonl
};

}  // namespace zhiyin::worker::train
