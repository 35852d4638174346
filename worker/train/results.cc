#include "worker/train/results.h"

#include <glog/logging.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "common/file.h"
#include "worker/train/profile.h"

namespace zhiyin::worker::train {
namespace {

using model::metric::Metric;
using model::metric::TaskMetrics;

Json OrNull(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string Cell(const std::optional<double>& value, const char* format) {
  if (!value) return "undefined";
  char text[64];
  std::snprintf(text, sizeof(text), format, *value);
  return text;
}

/// The metrics that a table of these tasks shows.
std::vector<Metric> ShownMetrics(const std::vector<TaskMetrics>& tasks) {
  std::vector<Metric> shown;
  for (const Metric& metric : model::metric::Metrics()) {
    const auto has = [&](const TaskMetrics& task) { return (task.*metric.value).has_value(); };
    if (!metric.is_asked_for || std::any_of(tasks.begin(), tasks.end(), has))
      shown.push_back(metric);
  }
  return shown;
}

}  // namespace

std::string MetricsTable(const std::vector<TaskMetrics>& tasks) {
  const std::vector<Metric> metrics = ShownMetrics(tasks);
  std::vector<std::vector<std::string>> cells = {{"task", "samples", "mean label"}};
  for (const Metric& metric : metrics) cells[0].emplace_back(metric.title);
  for (const TaskMetrics& task : tasks) {
    std::vector<std::string>& row = cells.emplace_back();
    row = {task.task, std::to_string(task.n_samples), Cell(task.label_mean, "%.4f")};
    for (const Metric& metric : metrics) row.push_back(Cell(task.*metric.value, metric.format));
  }
  std::vector<size_t> widths(cells[0].size());
  for (const auto& row : cells) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const auto& row : cells) {
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - row[c].size(), ' ');
      text += c == 0 ? row[c] + padding : "  " + padding + row[c];
    }
    text += "\n";
  }
  return text;
}

Json MetricsObject(const TaskMetrics& task) {
  Json object;
  for (const Metric& metric : model::metric::Metrics())
    object[std::string(metric.key)] = OrNull(task.*metric.value);
  object["samples"] = task.n_samples;
  object["label_mean"] = task.label_mean;
  return object;
}

Json TasksObject(const EvaluationResult& result) {
  Json tasks = Json::object();
  for (const TaskMetrics& task : result.tasks) tasks[task.task] = MetricsObject(task);
  return tasks;
}

std::string EvaluationTable(data::SplitKind split, const EvaluationResult& result) {
  return std::string(data::SplitName(split)) + " split, " + std::to_string(result.n_rows) +
         " rows:\n" + MetricsTable(result.tasks);
}

Json MetricsLine(int64_t epoch, int64_t step, const std::string& split,
                 const TaskMetrics& metrics) {
  Json line = {{"epoch", epoch}, {"step", step}, {"split", split}, {"task", metrics.task}};
  line.update(MetricsObject(metrics));
  return line;
}

Json BalanceJson(const model::balance::BalanceFigures& figures, size_t task,
                 std::span<const std::string> names) {
  Json line = {{"task_weight", figures.task_weight}};
  if (!figures.gradient_norm) return line;
  line["gradient_norm"] = *figures.gradient_norm;
  line["gradient_conflict"] = *figures.gradient_conflict;
  line["gradient_cosine"] = Json::object();
  for (size_t other = 0; other < names.size(); ++other) {
    if (other == task) continue;
    const std::optional<double>& cosine = figures.gradient_cosine[other];
    line["gradient_cosine"][names[other]] = cosine ? Json(*cosine) : Json(nullptr);
  }
  return line;
}

Json JoinsJson(std::span<const std::pair<data::SplitKind, data::JoinMatches>> joins,
               int64_t n_bad) {
  const auto shares = [](const data::JoinMatches& matches) {
    Json all = Json::array();
    for (size_t j = 0; j < matches.n_found.size(); ++j) {
      const int64_t n_looked_up = matches.n_looked_up[j];
      all.push_back(n_looked_up == 0 ? Json(nullptr)
                                     : Json(static_cast<double>(matches.n_found[j]) /
                                            static_cast<double>(n_looked_up)));
    }
    return all;
  };
  Json object = {{"malformed_lines", n_bad}};
  for (const auto& [split, matches] : joins) object[data::SplitName(split)] = shares(matches);
  return object;
}

Json ConfigJson(const Job& job) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  CHECK(google::protobuf::util::MessageToJsonString(job, &text, options).ok());
  return Json::parse(text);
}

Json ReportJson(const ps::ServerReport& report) {
  Json tables = Json::object();
  for (const auto& table : report.tables) {
    Json& entry = tables[table.name] = {{"rows", table.n_rows}, {"bytes", table.n_bytes}};
    for (const auto& [name, count] : ps::kRowCounts) entry[name] = table.counts.*count;
  }
  Json poisoned = Json::array();
  for (const auto& entry : report.non_finite)
    poisoned.push_back({{"rank", entry.rank}, {"table", entry.table}, {"pushes", entry.n_pushes}});
  size_t n_bins = report.staleness.size();
  while (n_bins > 0 && report.staleness[n_bins - 1] == 0) --n_bins;
  return {
      {"tables", tables},
      {"keys_pulled", report.n_pulled_keys},
      {"keys_pushed", report.n_pushed_keys},
      {"keys_peeked", report.n_peeked_keys},
      {"server_bytes", report.traffic},
      {"pushes_repeated", report.n_repeated_pushes},
      {"pulls_repeated", report.n_repeated_pulls},
      {"pushes_poisoned", poisoned},
      {"staleness", std::vector<int64_t>(report.staleness.begin(),
                                         report.staleness.begin() + static_cast<long>(n_bins))}};
}

Json InvariantsJson(const std::vector<std::string>& checked, const JobCounts& counts) {
  Json in_flight = Json::array();
  for (const ps::client::ClientCounts& worker : counts.workers)
    in_flight.push_back({{"peak_bytes", worker.peak_bytes}, {"bound_bytes", worker.bound_bytes}});
  return {{"pushes_sent", counts.Sum(&ps::client::ClientCounts::n_pushes)},
          {"pushes_applied", counts.servers.n_applied_pushes},
          {"replies_late", counts.Sum(&ps::client::ClientCounts::n_late_replies)},
          {"in_flight", in_flight},
          {"invariants", checked}};
}

Json ProfileJson(std::span<const std::string_view> names, std::span<const double> seconds) {
  const std::vector<double> shares = Shares(seconds);
  Json percent = Json::object();
  for (size_t s = 0; s < names.size(); ++s) percent[std::string(names[s])] = shares[s];
  return {{"seconds", std::accumulate(seconds.begin(), seconds.end(), 0.0)}, {"percent", percent}};
}

void ResultFiles::AddMetrics(const std::vector<Json>& lines) {
  for (const Json& line : lines) metrics_ += line.dump() + "\n";
  if (folder_.empty()) return;
  try {
    ReplaceFile(folder_ + "/metrics.jsonl", metrics_);
    lacks_lines_ = false;
  } catch (const FileError& e) {
    lacks_lines_ = true;
    LOG(WARNING) << e.what() << ": the job goes on, the next lines are written with those";
  }
}

void ResultFiles::WriteSummary(const Json& summary) const {
  if (folder_.empty()) return;
  if (lacks_lines_) ReplaceFile(folder_ + "/metrics.jsonl", metrics_);
  ReplaceFile(folder_ + "/summary.json", summary.dump(2) + "\n");
}

}  // namespace zhiyin::worker::train
