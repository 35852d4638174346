// `zhiyin report`: what a saved model does on its test split, as one HTML file.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct ReportCommand {
  std::string checkpoint;
  std::vector<std::string> overrides;  // of data.*
  std::string output;                  // the file
  bool overwrite = false;
  std::vector<std::string> slices;  // fields; empty: those with few values
  bool importance = true;           // by permutation, of every field and numeric
  int k = 10;                       // of lists
  std::function<void(const std::string&)> print;
};

/// Metrics with intervals beside baselines, ROC, calibration and learning curves, slices,
/// permutation importance (Breiman, Machine Learning 45, 2001, section 10) and, of jobs that hold
/// events out, lists. Prints the main table and the importance, too. Throws Error.
void RunReport(const ReportCommand& command);

}  // namespace zhiyin::launch::apps
