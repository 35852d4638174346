// zhiyin report: the results of a saved model on its test split, as one HTML file.
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
  std::vector<std::string> slices;  // fields to slice metrics by; empty: those with few values
  bool importance = true;           // by permutation, of every field and numeric
  int k = 10;                       // of lists
  std::function<void(const std::string&)> print;
};

/// Writes metrics with intervals beside baselines; ROC, calibration and learning curves; metrics by
/// slice; permutation importance (Breiman, Machine Learning 45, 2001, section 10); and, for jobs
/// that hold events out, metrics of lists. Prints the main table and the importance. Throws Error
/// when the model or the data cannot be read, or the file cannot be written.
void RunReport(const ReportCommand& command);

}  // namespace zhiyin::launch::apps
