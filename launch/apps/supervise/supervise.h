// zhiyin supervise: a job that dies is started again, from its newest checkpoint, without a person.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct SuperviseOptions {
  std::vector<std::string> command;  // "mpirun -n 4 zhiyin train ... --output=DIR"
  int max_restarts = 3;              // in a row, without a new checkpoint
  double backoff_s = 1;              // before the first of them; twice as long before each other
  double grace_s = 60;               // for a job that is told to end
  std::function<void(const std::string&)> print_error;  // one line
};

/// Runs the command until it ends well, with --resume, and tells what it does on standard error and
/// in DIR/supervise.log. Returns 0; kEndedEarly (launch/rank/run_rank.h) when somebody wanted it to
/// end, by SIGTERM, SIGINT or SIGUSR1, and its checkpoint is written; otherwise 1, after a line
/// that says why. A second such signal ends it at once. When the supervisor dies, so does the job.
/// Throws Error before anything is started, on a command that cannot be supervised. REQUIRES: the
/// process has one thread.
int Supervise(const SuperviseOptions& options);

/// The command with what the supervisor adds. Throws Error on one that does not train, keeps
/// nothing, or would throw checkpoints away.
struct SupervisedCommand {
  std::vector<std::string> arguments;
  std::string output;  // the folder
};
SupervisedCommand CommandToSupervise(std::vector<std::string> command);

/// How long to wait after a run that has died, and when to give up.
class RestartPolicy {
 public:
  /// `step`: of the newest checkpoint before the first run; nothing: there is none.
  RestartPolicy(int max_restarts, double backoff_s, std::optional<int64_t> step)
      : max_restarts_(max_restarts), backoff_s_(backoff_s), step_(step) {}

  /// Seconds, at most 5 minutes; nothing: give up. `step`: of the newest checkpoint now.
  std::optional<double> AfterDeath(std::optional<int64_t> step);
  /// Deaths since there was a new checkpoint.
  int n_in_a_row() const { return n_in_a_row_; }

 private:
  int max_restarts_;
  double backoff_s_;
  std::optional<int64_t> step_;
  int n_in_a_row_ = 0;
};

}  // namespace zhiyin::launch::apps
