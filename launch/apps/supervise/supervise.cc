#include "launch/apps/supervise/supervise.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "common/error.h"
#include "common/wall_clock.h"
#include "launch/apps/supervise/descendants.h"
#include "launch/rank/run_rank.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::launch::apps {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kMaxBackoff = 300;
/// How often the limit of a start is doubled at most.
constexpr int kMaxStartDoublings = 4;
/// The exit code of a shell for a command that does not exist.
constexpr int kNotFound = 127;

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

/// The line in a job's life file (launch/rank/life_file.h), as it changes.
class SignsOfLife {
 public:
  /// Replaces what an earlier run has left by an empty file. On a shared file system, a host that
  /// has found no file may not look again for a minute, but sees at once what is written to one.
  explicit SignsOfLife(std::string path) : path_(std::move(path)) {
    unlink(path_.c_str());
    const int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) close(file);
  }

  /// Whether there is a new one since the last call.
  bool HasNew() {
    std::string line;
    std::ifstream file(path_);
    if (!std::getline(file, line) || line == last_) return false;
    last_ = std::move(line);
    return true;
  }

 private:
  std::string path_;
  std::string last_;
};

/// How long each stage of a run may last, in seconds.
struct Limits {
  double start_s;    // to the first sign of life
  double silence_s;  // to each other sign of life
  double grace_s;    // to the end, once asked to end with a checkpoint
  double die_s;      // to the end, after SIGTERM
};

/// One run of the command. All processes that descend from it have ended when it has.
class Run {
 public:
  Run(const SupervisedCommand& command, const std::vector<std::string>& arguments,
      const Signals* signals, const Limits& limits, Log* log)
      : signals_(signals),
        limits_(limits),
        log_(log),
        life_(command.life_file),
        child_(Start(arguments, *signals)) {}

  /// Returns the status of waitpid.
  int Wait() {
    while (true) {
      if (const std::optional<int> status = Reap()) {
        if (!KillDescendants(kToBeKilled)) log_->Say("some of its processes cannot be killed");
        return *status;
      }
      const int signal = signals_->Wait(std::min(deadline_, After(kLookEveryS)));
      // Adopted processes may end so often that there is always a SIGCHLD.
      if (signal != 0 && signal != SIGCHLD) {
        OnSignal(signal);
      } else if (SecondsTo(deadline_) <= 0) {
        OnDeadline();
      } else if (stage_ == Stage::kRuns) {
        LookForLife();
      }
    }
  }
  bool was_asked_to_end() const { return was_asked_to_end_; }
  /// Why the job was killed for its silence; "": it was not.
  const std::string& silence() const { return silence_; }

 private:
  enum class Stage { kRuns, kWritesCheckpoint, kDies };
  static constexpr double kLookEveryS = 0.2;
  static constexpr std::chrono::seconds kToBeKilled{5};
  /// mpirun takes the first as an order to end its ranks, and waits for those that it cannot reach
  /// until the third.
  static constexpr int kTerms = 4;

  /// Waits for children that have ended, adopted ones among them. Returns the command's status.
  std::optional<int> Reap() const {
    std::optional<int> own;
    int status = 0;
    for (pid_t ended = 0; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended == child_) own = status;
    }
    return own;
  }

  void OnSignal(int signal) {
    was_asked_to_end_ = true;
    if (stage_ == Stage::kRuns) {
      log_->Say(std::string(strsignal(signal)) + ": the job writes a checkpoint and ends, within " +
                Seconds(limits_.grace_s));
      kill(child_, SIGUSR1);
      stage_ = Stage::kWritesCheckpoint;
      deadline_ = After(limits_.grace_s);
      return;
    }
    log_->Say(std::string(strsignal(signal)) + " again: the job ends now");
    Terminate();
  }

  void OnDeadline() {
    if (stage_ == Stage::kWritesCheckpoint)
      log_->Say("the job did not end within " + Seconds(limits_.grace_s) + ": it is killed");
    Terminate();
  }

  /// Sends SIGTERM, at the last call SIGKILL to all that descends from the command.
  void Terminate() {
    stage_ = Stage::kDies;
    if (n_terms_++ < kTerms) {
      kill(child_, SIGTERM);
    } else {
      for (const pid_t process : Descendants()) kill(process, SIGKILL);
    }
    deadline_ = After(limits_.die_s / kTerms);
  }

  void LookForLife() {
    const Clock::time_point now = Clock::now();
    // Time in which this process was stopped does not count.
    silent_s_ += std::min(std::chrono::duration<double>(now - looked_at_).count(), 2 * kLookEveryS);
    looked_at_ = now;
    if (life_.HasNew()) {
      silent_s_ = 0;
      has_lived_ = true;
    }
    if (silent_s_ < (has_lived_ ? limits_.silence_s : limits_.start_s)) return;
    silence_ = has_lived_ ? "no sign of life for " + Seconds(limits_.silence_s) + ", --silence_s"
                          : "no sign of life for " + Seconds(limits_.start_s) +
                                " after its start, --start_s";
    log_->Say(silence_ + ": the job is killed");
    Terminate();
  }

  const Signals* signals_;
  Limits limits_;
  Log* log_;
  SignsOfLife life_;
  Stage stage_ = Stage::kRuns;
  Clock::time_point deadline_ = Clock::time_point::max();  // of the stage
  bool was_asked_to_end_ = false;
  int n_terms_ = 0;
  std::string silence_;
  bool has_lived_ = false;
  double silent_s_ = 0;
  Clock::time_point looked_at_ = Clock::now();
  pid_t child_;
};

std::string HowItEnded(int status, const std::string& silence) {
  if (!silence.empty()) return silence;
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

/// The value of a flag, behind = or in the next argument; the last one, as it is for the job. "":
/// it is not given.
std::string ValueOf(const std::string& flag, const std::vector<std::string>& command) {
  std::string value;
  for (size_t i = 0; i < command.size(); ++i) {
    if (command[i].starts_with(flag + "=")) value = command[i].substr(flag.size() + 1);
    if (command[i] == flag && i + 1 < command.size()) value = command[i + 1];
  }
  return value;
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
  supervised.output = ValueOf("--output", command);
  const std::string timeout = ValueOf("--timeout_s", command);
  std::from_chars(timeout.data(), timeout.data() + timeout.size(), supervised.timeout_s);
  if (supervised.output.empty())
    Fail("supervise: the command has no --output=DIR, where the checkpoints are");
  if (!has("--resume")) command.emplace_back("--resume");
  supervised.life_file = supervised.output + "/.zhiyin-life";
  command.push_back("--life_file=" + supervised.life_file);
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

double RestartPolicy::StartLimit(double start_s) const {
  return start_s * std::exp2(std::min(n_in_a_row_, kMaxStartDoublings));
}

int Supervise(const SuperviseOptions& options) {
  const SupervisedCommand command = CommandToSupervise(options.command);
  if (options.silence_s <= command.timeout_s)
    Fail("--silence_s=", options.silence_s,
         ": expected more than the job's own limit, --timeout_s=", command.timeout_s);
  AdoptOrphans();
  const Signals signals;
  Log log(command.output);
  RestartPolicy policy(options.max_restarts, options.backoff_s,
                       worker::saved::NewestStep(command.output));
  log.Say("starts the job; when it dies it goes on from its newest checkpoint, at most " +
          std::to_string(options.max_restarts) +
          " times without a new one; SIGTERM, SIGINT and SIGUSR1 have it write a checkpoint and "
          "end, within " +
          Seconds(options.grace_s));
  Limits limits = {options.start_s, options.silence_s, options.grace_s, options.die_s};
  std::vector<std::string> arguments = command.arguments;
  while (true) {
    limits.start_s = policy.StartLimit(options.start_s);
    Run run(command, arguments, &signals, limits, &log);
    const int status = run.Wait();
    const std::string how = HowItEnded(status, run.silence());
    const double died_at = UnixNow();
    const std::optional<int64_t> step = worker::saved::NewestStep(command.output);
    // A script may end well because what it waited for was killed.
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && run.silence().empty()) {
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
      options.print_error("supervise: the job did not end with a checkpoint (" + how +
                          "); it can go on from " + Checkpoint(step));
      return 1;
    }
    const std::optional<double> wait_s = policy.AfterDeath(step);
    if (!wait_s) {
      log.Say("the job died (" + how + "): given up");
      options.print_error(
          "supervise: the job died (" + how + "), " + std::to_string(policy.n_in_a_row()) +
          " times without a new checkpoint: given up; it can go on from " + Checkpoint(step));
      return 1;
    }
    log.Say("the job died (" + how + "): in " + Seconds(*wait_s) + " it goes on from " +
            Checkpoint(step));
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
