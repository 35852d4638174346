// Running programs.
#pragma once

#include <string>
#include <vector>

namespace zhiyin::testing {

struct ProcessResult {
  int exit_code = -1;  // 128 + signal when one ended it
  bool timed_out = false;
  double seconds = 0;
  std::string out;
  std::string err;
};

/// Runs a command and waits for it, at most `timeout_s`; then it and its children are killed.
ProcessResult RunProcess(const std::vector<std::string>& command, double timeout_s);

/// A program that runs beside the test; killed with its children when the object goes.
class BackgroundProcess {
 public:
  explicit BackgroundProcess(const std::vector<std::string>& command);
  ~BackgroundProcess();
  BackgroundProcess(const BackgroundProcess&) = delete;
  BackgroundProcess& operator=(const BackgroundProcess&) = delete;

  int pid() const { return pid_; }
  /// Ids of this process' descendants whose command line holds `text`, oldest first.
  std::vector<int> Descendants(const std::string& text) const;
  ProcessResult Wait(double timeout_s);
  /// What it has printed so far.
  std::string Out() const;

 private:
  int pid_ = -1;
  std::string out_path_;
  std::string err_path_;
  double started_ = 0;
};

}  // namespace zhiyin::testing
