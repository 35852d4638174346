// zhiyin check: what a job's data holds, and what speaks against training on it.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct CheckCommand {
  std::string config;
  std::vector<std::string> overrides;
  bool as_json = false;  // what is printed; else tables
  std::string output;    // a page of HTML; "": none
  bool overwrite = false;
  bool is_strict = false;
  std::function<void(const std::string&)> print;
};

/// Surveys the data of the job (worker/data/survey) and prints its columns, labels and findings.
/// Returns the exit code: 0, or 1 if it is strict and there are findings. Throws Error when the job
/// is wrong, its data cannot be read, or the page cannot be written.
int CheckJobData(const CheckCommand& command);

}  // namespace zhiyin::launch::apps
