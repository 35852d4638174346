// zhiyin compare: several jobs, each with several seeds, side by side in one table.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct CompareOptions {
  std::vector<std::string> configs;
  std::vector<std::string> seeds;  // numbers
  std::vector<std::string> overrides;
  int n_servers = 1;  // of each simulated job
  int n_workers = 1;
  double timeout_s = 120;
  bool markdown = false;
  std::string output;  // a folder that exists, for compare.json; "" keeps nothing
  std::function<void(const std::string&)> print;
  std::function<void(const std::string&)> print_error;
};

/// Trains every config with every seed, each as a simulated job, as many at a time as there are
/// processors. Prints a line as each ends, and the table last. Throws Error before the first starts
/// where a config cannot be read, or has no test split. Returns 1 when some failed: those are
/// named, and the table is of the others.
int Compare(const CompareOptions& options);

/// The metrics of one config's runs, one summary.json a seed.
struct ComparedConfig {
  std::string name;
  std::vector<nlohmann::ordered_json> summaries;
};

/// A table a task: of each metric that some run has the mean over the runs, and their sample
/// standard deviation where there are two or more; last, how much the first metric (the AUC, or
/// else the MSE) differs from the first config's. As Markdown, or in columns.
std::string ComparisonTable(const std::vector<ComparedConfig>& configs, bool markdown);
/// Every number behind it: config, then task, then metric: mean, stddev, min, max, values by seed.
nlohmann::ordered_json ComparisonJson(const std::vector<ComparedConfig>& configs);

}  // namespace zhiyin::launch::apps
