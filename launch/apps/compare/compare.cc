#include "launch/apps/compare/compare.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "common/error.h"
#include "common/file.h"
#include "common/net/sim_network.h"
#include "common/processors.h"
#include "launch/apps/text_table.h"
#include "launch/job/load_job.h"
#include "launch/rank/run_rank.h"

namespace zhiyin::launch::apps {
namespace {

using Json = nlohmann::ordered_json;

/// The columns of the table, in order. Metrics are of the test split; the last column is of the
/// last epoch of training.
struct MetricColumn {
  const char* key;
  const char* title;
  const char* format;
};
constexpr MetricColumn kMetrics[] = {{"auc", "AUC", "%.5f"},
                                     {"average_precision", "PR-AUC", "%.5f"},
                                     {"gauc", "GAUC", "%.5f"},
                                     {"log_loss", "log loss", "%.5f"},
                                     {"normalized_entropy", "NE", "%.5f"},
                                     {"mse", "MSE", "%.6f"},
                                     {"r2", "R2", "%.5f"},
                                     {"calibration", "calibration", "%.4f"},
                                     {"gradient_conflict", "conflict", "%.4f"}};

/// Null where the run has none.
Json MetricOf(const Json& summary, const std::string& task, const char* metric) {
  for (const char* part : {"tasks", "balance"}) {
    if (summary.contains(part) && summary.at(part).contains(task) &&
        summary.at(part).at(task).contains(metric))
      return summary.at(part).at(task).at(metric);
  }
  return nullptr;
}

std::string Format(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

/// Statistics over the runs that have the metric.
struct Spread {
  std::vector<double> values;

  double Mean() const {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }
  /// Standard deviation of a sample. REQUIRES: two values or more.
  double StdDev() const {
    double squares = 0;
    for (const double value : values) squares += (value - Mean()) * (value - Mean());
    return std::sqrt(squares / static_cast<double>(values.size() - 1));
  }
};

Spread SpreadOf(const ComparedConfig& config, const std::string& task, const char* metric) {
  Spread spread;
  for (const Json& summary : config.summaries) {
    const Json value = MetricOf(summary, task, metric);
    if (value.is_number()) spread.values.push_back(value.get<double>());
  }
  return spread;
}

bool Has(const ComparedConfig& config, const std::string& task) {
  return std::any_of(config.summaries.begin(), config.summaries.end(),
                     [&](const Json& summary) { return summary.at("tasks").contains(task); });
}

/// In the order in which they first appear.
std::vector<std::string> TasksOf(const std::vector<ComparedConfig>& configs) {
  std::vector<std::string> tasks;
  for (const ComparedConfig& config : configs) {
    for (const Json& summary : config.summaries) {
      for (const auto& [task, metrics] : summary.at("tasks").items()) {
        if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) tasks.push_back(task);
      }
    }
  }
  return tasks;
}

/// A row for the titles, and one for each config that has the task.
Cells TableOf(const std::vector<ComparedConfig>& configs, const std::string& task) {
  std::vector<MetricColumn> columns;
  for (const MetricColumn& column : kMetrics) {
    const auto has = [&](const ComparedConfig& config) {
      return !SpreadOf(config, task, column.key).values.empty();
    };
    if (std::any_of(configs.begin(), configs.end(), has)) columns.push_back(column);
  }
  Cells cells = {{task}};
  for (const MetricColumn& column : columns) cells[0].push_back(column.title);
  if (columns.empty()) return cells;
  cells[0].push_back(std::string(columns[0].title) + " against the first");
  const Spread first = SpreadOf(configs[0], task, columns[0].key);
  for (const ComparedConfig& config : configs) {
    if (!Has(config, task)) continue;
    std::vector<std::string>& row = cells.emplace_back();
    row.push_back(config.name);
    for (const MetricColumn& column : columns) {
      const Spread spread = SpreadOf(config, task, column.key);
      if (spread.values.empty()) {
        row.push_back("-");
        continue;
      }
      row.push_back(Format(column.format, spread.Mean()));
      if (spread.values.size() > 1) row.back() += " ± " + Format(column.format, spread.StdDev());
    }
    const Spread own = SpreadOf(config, task, columns[0].key);
    row.push_back(own.values.empty() || first.values.empty()
                      ? "-"
                      : Format("%+.5f", own.Mean() - first.Mean()));
  }
  return cells;
}

/// The jobs to run and what came of them. Threads take them one after the other.
class Comparison {
 public:
  explicit Comparison(const CompareOptions& options) : options_(options) {
    for (const std::string& config : options.configs) {
      for (const std::string& seed : options.seeds) {
        const Job job = job::LoadJob(config, OverridesFor(seed));
        if (!job.data().has_test())
          Fail(config, ": data.test: compare wants test examples, expected a split to evaluate on");
        runs_.push_back({config, seed, std::nullopt});
      }
    }
  }

  int Run() {
    const size_t n_threads = std::min<size_t>(static_cast<size_t>(NumProcessors()), runs_.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < n_threads; ++i) {
      threads.emplace_back([this] {
        for (size_t at = next_++; at < runs_.size(); at = next_++) RunOne(&runs_[at]);
      });
    }
    for (std::thread& thread : threads) thread.join();

    std::vector<ComparedConfig> configs;
    bool all_ended = true;
    for (const OneRun& run : runs_) {
      // The runs of a config are next to each other.
      if (&run == &runs_[0] || run.config != (&run - 1)->config)
        configs.push_back({NameOf(run.config), {}});
      if (run.summary) configs.back().summaries.push_back(*run.summary);
      all_ended = all_ended && run.summary.has_value();
    }
    options_.print("\n" + ComparisonTable(configs, options_.markdown));
    if (!options_.output.empty())
      ReplaceFile(options_.output + "/compare.json", ComparisonJson(configs).dump(2) + "\n");
    return all_ended ? 0 : 1;
  }

 private:
  /// The name of a config's file, or its path where two of them share that.
  std::string NameOf(const std::string& config) const {
    const auto stem = [](const std::string& path) {
      return std::filesystem::path(path).stem().string();
    };
    const bool is_shared = std::any_of(
        options_.configs.begin(), options_.configs.end(),
        [&](const std::string& other) { return other != config && stem(other) == stem(config); });
    return is_shared ? config : stem(config);
  }

  struct OneRun {
    std::string config;
    std::string seed;
    std::optional<Json> summary;
  };

  std::vector<std::string> OverridesFor(const std::string& seed) const {
    std::vector<std::string> overrides = options_.overrides;
    overrides.push_back("train.seed=" + seed);
    return overrides;
  }

  void RunOne(OneRun* run) {
    rank::RankOptions options;
    options.command = rank::Command::kTrain;
    options.config = run->config;
    options.overrides = OverridesFor(run->seed);
    options.n_servers = options_.n_servers;
    options.timeout_s = options_.timeout_s;
    options.network = "simulated";
    options.print = [](const std::string&) {};
    std::string error;
    options.print_error = [&](const std::string& line) {
      if (error.empty()) error = line;
    };
    options.take_summary = [&](const Json& summary) { run->summary = summary; };
    net::SimOptions network_options;
    network_options.seed = std::stoull(run->seed);
    net::SimNetwork network(options_.n_servers + options_.n_workers, network_options);
    const auto began = std::chrono::steady_clock::now();
    network.Run([&](net::Endpoint& endpoint) {
      if (rank::RunRank(endpoint, options) != 0 && error.empty()) error = "a rank failed";
    });
    const std::chrono::duration<double> lasted = std::chrono::steady_clock::now() - began;
    const std::string name = run->config + ", seed " + run->seed + ": ";
    const std::lock_guard<std::mutex> lock(printing_);
    if (!error.empty()) {
      run->summary.reset();
      options_.print_error(name + error);
      return;
    }
    std::string line = name;
    for (const auto& [task, metrics] : run->summary->at("tasks").items()) {
      for (const MetricColumn& column : kMetrics) {
        const Json value = MetricOf(*run->summary, task, column.key);
        if (!value.is_number()) continue;
        line += task + " " + column.title + " " + Format(column.format, value.get<double>()) + ", ";
        break;
      }
    }
    options_.print(line + Format("%.1f s\n", lasted.count()));
  }

  const CompareOptions& options_;
  std::vector<OneRun> runs_;
  std::atomic<size_t> next_ = 0;
  std::mutex printing_;
};

}  // namespace

std::string ComparisonTable(const std::vector<ComparedConfig>& configs, bool markdown) {
  std::ostringstream out;
  size_t n_least = configs.empty() ? 0 : configs[0].summaries.size();
  size_t n_most = n_least;
  for (const ComparedConfig& config : configs) {
    n_least = std::min(n_least, config.summaries.size());
    n_most = std::max(n_most, config.summaries.size());
  }
  out << "test split, mean" << (n_most > 1 ? " ± standard deviation" : "") << " over ";
  if (n_least != n_most) out << n_least << " to ";
  out << n_most << (n_most == 1 ? " seed\n" : " seeds\n");
  for (const std::string& task : TasksOf(configs)) {
    out << '\n';
    out << TextTable(TableOf(configs, task), markdown);
  }
  return out.str();
}

Json ComparisonJson(const std::vector<ComparedConfig>& configs) {
  Json all = Json::array();
  for (const ComparedConfig& config : configs) {
    Json tasks = Json::object();
    for (const std::string& task : TasksOf({config})) {
      for (const MetricColumn& column : kMetrics) {
        const Spread spread = SpreadOf(config, task, column.key);
        if (spread.values.empty()) continue;
        const auto [least, most] = std::minmax_element(spread.values.begin(), spread.values.end());
        tasks[task][column.key] = {
            {"mean", spread.Mean()},
            {"stddev", spread.values.size() > 1 ? Json(spread.StdDev()) : Json(nullptr)},
            {"min", *least},
            {"max", *most},
            {"values", spread.values}};
      }
    }
    all.push_back({{"config", config.name}, {"tasks", tasks}});
  }
  return all;
}

int Compare(const CompareOptions& options) {
  return Comparison(options).Run();
}

}  // namespace zhiyin::launch::apps
