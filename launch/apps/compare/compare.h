// zhiyin compare: trains several jobs with several seeds each and prints one table of their
// metrics.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct CompareOptions {
  std::vector<std::string> configs;    // paths of job files
  std::vector<std::string> seeds;      // values of train.seed, in decimal digits
  std::vector<std::string> overrides;  // PATH=VALUE, applied to every config
  int n_servers = 1;                   // in each simulated job
  int n_workers = 1;                   // in each simulated job
  double timeout_s = 120;              // of each job: see net::Mailbox
  bool markdown = false;
  std::string output;  // an existing folder, for compare.json; "": no file is written
  std::function<void(const std::string&)> print;
  std::function<void(const std::string&)> print_error;
};

/// Trains every config with every seed as a simulated job, up to one job for each processor at a
/// time. Prints one line when a job ends, and the table after all of them. Returns 0, or 1 when a
/// job failed; failed jobs are reported with print_error and left out of the table. Throws Error
/// before the first job starts if a config cannot be read or has no test split, and after the last
/// if compare.json cannot be written. Calls print and print_error from several threads, one call at
/// a time.
int Compare(const CompareOptions& options);

/// The results of one config's jobs that did not fail.
struct ComparedConfig {
  std::string name;
  std::vector<nlohmann::ordered_json> summaries;  // summary.json of each job, in order of seeds
};

/// Returns one table for each task, as Markdown or as aligned text. A table has a line for each
/// config and a column for each metric that some job has: its mean over the seeds, with the sample
/// standard deviation where there are two or more. The last column is the difference of the first
/// metric (the AUC, or else the MSE) from that of the first config.
std::string ComparisonTable(const std::vector<ComparedConfig>& configs, bool markdown);
/// Returns the content of compare.json, an entry for each config: by task and metric, the mean,
/// stddev (null for a single value), min, max, and the values in order of seeds.
nlohmann::ordered_json ComparisonJson(const std::vector<ComparedConfig>& configs);

}  // namespace zhiyin::launch::apps
