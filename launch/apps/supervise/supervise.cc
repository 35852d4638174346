#include "launch/apps/supervise/supervise.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "common/error.h"
#include "common/wall_clock.h"
#include "launch/rank/run_rank.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::launch::apps {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kMaxBackoff = 300;
/// The exit code of a shell for a command that does not exist.
constexpr int kNotFound = 127;
/// The time that mpirun has to end its ranks after a signal.
constexpr double kSecondsToDie = 10;

double SecondsTo(Clock::time_point when) {
  return std::chrono::duration<double>(when - Clock::now()).count();
}
Clock::time_point After(double seconds) {
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

std::string Seconds(double seconds) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.3g s", seconds);
  return text;
}

/// Standard error, and the log in the output folder where it can be written.
class Log {
 public:
  explicit Log(const std::string& output) {
    std::error_code ignored;
    std::filesystem::create_directories(output, ignored);
    const std::filesystem::path path = std::filesystem::path(output) / "supervise.log";
    // To open a named pipe would wait for a reader.
    if (!std::filesystem::is_fifo(path, ignored)) file_.open(path, std::ios::app);
  }
  void Say(const std::string& text) {
    std::fprintf(stderr, "zhiyin supervise: %s\n", text.c_str());
    file_ << UtcNow() << " " << text << std::endl;
  }

 private:
  std::ofstream file_;
};

/// The signals that the supervisor waits for instead of being interrupted by them.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGCHLD}) sigaddset(&set_, signal);
    sigprocmask(SIG_BLOCK, &set_, &before_);
  }
  ~Signals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// The next one, or 0 at the deadline.
  int Wait(Clock::time_point deadline) const {
    while (true) {
      const double left = std::clamp(SecondsTo(deadline), 0.0, 3600.0);
      const timespec limit{static_cast<time_t>(left), static_cast<long>(std::fmod(left, 1) * 1e9)};
      const int signal = sigtimedwait(&set_, nullptr, &limit);
      if (signal > 0) return signal;
      if (errno == EAGAIN && SecondsTo(deadline) <= 0) return 0;
    }
  }
  /// In a child.
  void Restore() const { sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t set_;
  sigset_t before_;
};

/// A group of processes of its own; it gets SIGTERM when this process dies.
pid_t Start(std::vector<std::string> arguments, const Signals& signals) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) Fail("supervise: cannot start a process: ", std::strerror(errno));
  if (child > 0) return child;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);
  // mpirun reads it, and is not in the foreground.
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  signals.Restore();
  execvp(argv[0], argv.data());
  _exit(kNotFound);
}

/// One run of the command.
class Run {
 public:
  Run(const std::vector<std::string>& arguments, const Signals* signals, double grace_s, Log* log)
      : signals_(signals), grace_s_(grace_s), log_(log), child_(Start(arguments, *signals)) {}

  /// The status of waitpid.
  int Wait() {
    auto deadline = Clock::time_point::max();
    while (true) {
      int status = 0;
      if (waitpid(child_, &status, WNOHANG) == child_) return status;
      const int signal = signals_->Wait(std::min(deadline, After(3600)));
      if (signal == SIGCHLD || (signal == 0 && SecondsTo(deadline) > 0)) continue;
      if (signal != 0 && n_asked_ == 0) {
        log_->Say(std::string(strsignal(signal)) +
                  ": the job writes a checkpoint and ends, within " + Seconds(grace_s_));
        kill(child_, SIGUSR1);
        deadline = After(grace_s_);
      } else if (n_asked_ <= 1) {
        log_->Say(signal != 0
                      ? std::string(strsignal(signal)) + " again: the job ends now"
                      : "the job did not end within " + Seconds(grace_s_) + ": it is killed");
        kill(child_, SIGTERM);
        deadline = After(kSecondsToDie);
      } else {
        kill(-child_, SIGKILL);
        deadline = After(kSecondsToDie);
      }
      ++n_asked_;
    }
  }
  bool was_asked_to_end() const { return n_asked_ > 0; }

 private:
  const Signals* signals_;
  double grace_s_;
  Log* log_;
  int n_asked_ = 0;
  pid_t child_;
};

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) return std::string("killed: ") + strsignal(WTERMSIG(status));
  const int code = WEXITSTATUS(status);
  std::string text = "exit code " + std::to_string(code);
  // mpirun reports a rank's signal so.
  if (code > 128 && code < 128 + 32)
    text += std::string(", a rank was killed: ") + strsignal(code - 128);
  return text;
}

std::string Checkpoint(std::optional<int64_t> step) {
  return step ? "the checkpoint at step " + std::to_string(*step)
              : "the beginning: there is no checkpoint yet";
}

}  // namespace

SupervisedCommand CommandToSupervise(std::vector<std::string> command) {
  if (command.empty())
    Fail(
        "supervise: expected a command behind --, as in: zhiyin supervise -- mpirun -n 4 zhiyin "
        "train ...");
  SupervisedCommand supervised;
  const auto has = [&](const char* argument) {
    return std::find(command.begin(), command.end(), argument) != command.end();
  };
  if (!has("train")) Fail("supervise: the command has no train: expected a job that trains");
  for (const char* overwrite : {"--overwrite", "--overwrite=true", "-overwrite"}) {
    if (has(overwrite))
      Fail("supervise: ", overwrite, " would remove the checkpoints at every start: leave it out");
  }
  for (size_t i = 0; i < command.size(); ++i) {
    const std::string& argument = command[i];
    if (argument.starts_with("--output=")) supervised.output = argument.substr(9);
    if (argument == "--output" && i + 1 < command.size()) supervised.output = command[i + 1];
  }
  if (supervised.output.empty())
    Fail("supervise: the command has no --output=DIR, where the checkpoints are");
  if (!has("--resume")) command.emplace_back("--resume");
  supervised.arguments = std::move(command);
  return supervised;
}

std::optional<double> RestartPolicy::AfterDeath(std::optional<int64_t> step) {
  if (step.value_or(-1) > step_.value_or(-1)) n_in_a_row_ = 0;
  step_ = step;
  ++n_in_a_row_;
  if (n_in_a_row_ > max_restarts_) return {};
  return std::min(kMaxBackoff, backoff_s_ * std::exp2(std::min(n_in_a_row_ - 1, 20)));
}

int Supervise(const SuperviseOptions& options) {
  const SupervisedCommand command = CommandToSupervise(options.command);
  const Signals signals;
  Log log(command.output);
  RestartPolicy policy(options.max_restarts, options.backoff_s,
                       worker::saved::NewestStep(command.output));
  log.Say("starts the job; when it dies it goes on from its newest checkpoint, at most " +
          std::to_string(options.max_restarts) +
          " times without a new one; SIGTERM, SIGINT and SIGUSR1 have it write a checkpoint and "
          "end, within " +
          Seconds(options.grace_s));
  std::vector<std::string> arguments = command.arguments;
  while (true) {
    Run run(arguments, &signals, options.grace_s, &log);
    const int status = run.Wait();
    const double died_at = UnixNow();
    const std::optional<int64_t> step = worker::saved::NewestStep(command.output);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      log.Say("the job is done");
      return 0;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == rank::kEndedEarly) {
      log.Say("the job has ended as it was asked to; it can go on from " + Checkpoint(step));
      return rank::kEndedEarly;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNotFound) {
      options.print_error("supervise: cannot start " + command.arguments[0] +
                          ", or what it starts: exit code 127");
      return 1;
    }
    if (run.was_asked_to_end()) {
      options.print_error("supervise: the job did not end with a checkpoint (" +
                          HowItEnded(status) + "); it can go on from " + Checkpoint(step));
      return 1;
    }
    const std::optional<double> wait_s = policy.AfterDeath(step);
    if (!wait_s) {
      log.Say("the job died (" + HowItEnded(status) + "): given up");
      options.print_error("supervise: the job died (" + HowItEnded(status) + "), " +
                          std::to_string(policy.n_in_a_row()) +
                          " times without a new checkpoint: given up; it can go on from " +
                          Checkpoint(step));
      return 1;
    }
    log.Say("the job died (" + HowItEnded(status) + "): in " + Seconds(*wait_s) +
            " it goes on from " + Checkpoint(step));
    const auto deadline = After(*wait_s);
    for (int signal = SIGCHLD; signal == SIGCHLD;) {
      signal = signals.Wait(deadline);
      if (signal == 0 || signal == SIGCHLD) continue;
      log.Say(std::string(strsignal(signal)) +
              ": the job is not started again; it can go on from " + Checkpoint(step));
      return rank::kEndedEarly;
    }
    char died[64];
    std::snprintf(died, sizeof(died), "--died_at=%.3f", died_at);
    arguments = command.arguments;
    arguments.emplace_back(died);
  }
}

}  // namespace zhiyin::launch::apps
