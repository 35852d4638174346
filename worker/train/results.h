// The results of a job: a printed table, metrics.jsonl and summary.json (docs/results.md).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/model/balance/task_balance.h"
#include "worker/model/metric/metric.h"
#include "worker/train/evaluator.h"
#include "worker/train/invariants.h"

namespace zhiyin::worker::train {

/// JSON whose keys keep their order of insertion.
using Json = nlohmann::ordered_json;

/// A table with a line for each task; an undefined metric is printed as "undefined". A column that
/// no task has a value in is left out if the job has to ask for it.
std::string MetricsTable(const std::vector<model::metric::TaskMetrics>& tasks);

/// Calls visit(data::SplitKind, const EvaluationResult&) for each evaluation, that of validation
/// first.
template <typename Visit>
void ForEachEvaluation(const Evaluations& found, const Visit& visit) {
  if (found.validation) visit(data::SplitKind::kValidation, *found.validation);
  if (found.test) visit(data::SplitKind::kTest, *found.test);
}

/// "test split, 20 rows:" and the table of its metrics.
std::string EvaluationTable(data::SplitKind split, const EvaluationResult& result);

/// One line of metrics.jsonl.
Json MetricsLine(int64_t epoch, int64_t step, const std::string& split,
                 const model::metric::TaskMetrics& metrics);
/// An object with all of model::metric::Metrics(), samples and label_mean; null if undefined.
Json MetricsObject(const model::metric::TaskMetrics& metrics);

/// The MetricsObject of each task, by its name.
Json TasksObject(const EvaluationResult& result);

/// The effect of the balancing method on a task, for metrics.jsonl and summary.json: task_weight
/// and, if gradients were computed for each task, gradient_norm, gradient_conflict, and
/// gradient_cosine by the name of the other task.
Json BalanceJson(const model::balance::BalanceFigures& figures, size_t task,
                 std::span<const std::string> names);

/// An object with the shares of the lines of each split, by its name, that found a line in each
/// join [n_joins], of those with a key, null where none has one; and malformed_lines of the files
/// of all joins.
Json JoinsJson(std::span<const std::pair<data::SplitKind, data::JoinMatches>> joins, int64_t n_bad);

/// The whole configuration, with the field names of job.proto.
Json ConfigJson(const Job& job);
/// An object with tables, keys_pulled, keys_pushed and staleness.
Json ReportJson(const ps::ServerReport& report);
/// An object with invariants, in_flight and replies_late.
Json InvariantsJson(const std::vector<std::string>& checked, const JobCounts& counts);

/// The results of --profile: the total seconds, and the share of each stage in per cent.
Json ProfileJson(std::span<const std::string_view> names, std::span<const double> seconds);

/// Writes the result files to an output folder; "": writes nothing. Used by the chief.
class ResultFiles {
 public:
  explicit ResultFiles(std::string folder) : folder_(std::move(folder)) {}

  /// Appends lines to metrics.jsonl; the file never holds a part of them. If they cannot be
  /// written, as on a full disk, logs that and writes them with the next lines, or before the
  /// summary.
  void AddMetrics(const std::vector<Json>& lines);
  /// Writes summary.json, and lines of metrics.jsonl that could not be written before. Throws
  /// FileError.
  void WriteSummary(const Json& summary) const;

  /// The content of metrics.jsonl.
  const std::string& metrics() const { return metrics_; }
  /// Sets the content of metrics.jsonl from an earlier run of the job. Called before AddMetrics.
  void Continue(std::string metrics) { metrics_ = std::move(metrics); }

 private:
  std::string folder_;
  std::string metrics_;
  bool lacks_lines_ = false;  // whether metrics.jsonl lacks lines that could not be written
};

}  // namespace zhiyin::worker::train
