// zhiyin supervise: automatic restarts of a job that has died, from its newest checkpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct SuperviseOptions {
  std::vector<std::string> command;  // "mpirun -n 4 zhiyin train ... --output=DIR"
  int max_restarts = 3;              // the most in a row, without a new checkpoint
  double backoff_s = 1;              // wait before the first of them; doubles with each other
  // The longest time from the start of the job to its first sign of life (launch/rank/life_file.h).
  // Doubles with every restart in a row, at most four times, for a cluster that takes longer.
  double start_s = 60;
  double silence_s = 300;  // the longest time from one sign of life to the next
  double grace_s = 60;     // time for a job to end after a signal, before it is killed
  double die_s = 10;       // time for a job that is killed to end after SIGTERM, before SIGKILL
  std::function<void(const std::string&)> print_error;  // one line
};

/// Runs the command with --resume, again and again until it succeeds. A job that shows no sign of
/// life in time is killed, with all its processes on this host, and counts as one that has died; so
/// an mpirun that waits for ever for a rank that is gone does no harm. Logs to standard error and
/// to DIR/supervise.log. Returns 0 on success; kEndedEarly (launch/rank/run_rank.h) when the job
/// ended early, after a checkpoint, because of SIGTERM, SIGINT or SIGUSR1; otherwise 1, after a
/// line with the reason. A second such signal ends the job at once. When the supervisor dies, the
/// job ends, too. Throws Error, before the job is started, on a command that cannot be supervised.
/// REQUIRES: the process has one thread.
int Supervise(const SuperviseOptions& options);

/// A command with the arguments that the supervisor adds, and its output folder.
struct SupervisedCommand {
  std::vector<std::string> arguments;
  std::string output;
  std::string life_file;   // where the job shows its signs of life, in the output folder
  double timeout_s = 120;  // the job's own limit
};
/// Returns the command to supervise. Throws Error on a command that does not train, has no output
/// folder, or would remove existing checkpoints.
SupervisedCommand CommandToSupervise(std::vector<std::string> command);

/// Decides how long to wait after a run has died, and when to give up.
class RestartPolicy {
 public:
  /// `step` is that of the newest checkpoint before the first run, if there is one.
  RestartPolicy(int max_restarts, double backoff_s, std::optional<int64_t> step)
      : max_restarts_(max_restarts), backoff_s_(backoff_s), step_(step) {}

  /// Returns the seconds to wait, at most 5 minutes, or nothing to give up. `step` is that of the
  /// newest checkpoint, if there is one.
  std::optional<double> AfterDeath(std::optional<int64_t> step);
  /// Returns how long the next run may take to its first sign of life: `start_s`, doubled for each
  /// death since the last new checkpoint, but at most four times.
  double StartLimit(double start_s) const;
  /// The number of deaths since the last new checkpoint.
  int n_in_a_row() const { return n_in_a_row_; }

 private:
  int max_restarts_;
  double backoff_s_;
  std::optional<int64_t> step_;
  int n_in_a_row_ = 0;
};

}  // namespace zhiyin::launch::apps
