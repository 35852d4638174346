// train, evaluate and predict: the jobs that ranks run together.
#include <cstdlib>

#include "common/error.h"
#include "common/net/sim_network.h"
#include "launch/apps/console.h"
#include "launch/apps/flags.h"
#include "launch/apps/run_commands.h"
#include "launch/apps/terminal.h"
#include "launch/rank/run.h"

namespace zhiyin::launch::apps {
namespace {

worker::train::ProgressStyle StyleFor(const std::string& name, bool under_mpirun) {
  if (name == "auto")
    return OutputIsWatched(under_mpirun) ? worker::train::ProgressStyle::kLine
                                         : worker::train::ProgressStyle::kLog;
  if (name == "line") return worker::train::ProgressStyle::kLine;
  if (name == "log") return worker::train::ProgressStyle::kLog;
  if (name == "none") return worker::train::ProgressStyle::kNone;
  Fail("--progress=", name, ": expected auto, line, log or none");
}

/// For a shell: as it is where it is harmless, otherwise in single quotes.
std::string Quoted(const std::string& text) {
  constexpr char kHarmless[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%^";
  if (!text.empty() && text.find_first_not_of(kHarmless) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// The command that runs a simulated job again, without what it leaves behind.
std::string ReplayLine(const std::string& command, const std::vector<std::string>& overrides,
                       const net::SimOptions& network) {
  std::string line = "zhiyin " + command;
  const auto add = [&](const char* flag, const std::string& value) {
    if (!value.empty()) line += std::string(" --") + flag + "=" + Quoted(value);
  };
  add("config", FLAGS_config);
  add("checkpoint", FLAGS_checkpoint);
  for (const std::string& text : overrides) line += " --set " + Quoted(text);
  add("simulate", FLAGS_simulate);
  add("seed", FLAGS_seed);
  if (IsSet("timeout_s"))
    add("timeout_s", gflags::GetCommandLineFlagInfoOrDie("timeout_s").current_value);
  add("network", network.ToText());
  return line;
}

/// Throws Error where flags of a job are missing or contradict each other.
void CheckJobFlags(rank::Command command) {
  if (FLAGS_simulate.empty()) {
    CheckUnset("a job without --simulate", {"network"});
  } else {
    CheckUnset("--simulate", {"servers"});
    if (FLAGS_profile)
      Fail("--profile: a simulated job's time is virtual, expected a job under mpirun");
  }
  if (command == rank::Command::kTrain && FLAGS_config.empty())
    Fail("train: --config is missing: expected a job's file");
  if (command == rank::Command::kEvaluate && FLAGS_checkpoint.empty())
    Fail("evaluate: --checkpoint is missing: expected a model's folder");
  if (command == rank::Command::kPredict && FLAGS_checkpoint.empty())
    Fail("predict: --checkpoint is missing: expected a model's folder");
  if (command == rank::Command::kPredict && FLAGS_output.empty())
    Fail("predict: --output is missing: expected the file to write");
  if (FLAGS_resume && FLAGS_output.empty())
    Fail("train: --resume needs --output, the folder with checkpoints");
  if (FLAGS_resume && FLAGS_overwrite)
    Fail("train: --resume and --overwrite: expected one of them");
  if (FLAGS_timeout_s <= 0) Fail("--timeout_s=", FLAGS_timeout_s, ": expected more than 0");
  if (FLAGS_threads < 1 || FLAGS_threads > 256)
    Fail("--threads=", FLAGS_threads, ": expected 1 to 256");
}

int RunJob(rank::Command command, const std::string& name, std::vector<std::string> overrides) {
  CheckJobFlags(command);
  const std::vector<std::string> own_overrides = overrides;
  if (!FLAGS_seed.empty()) overrides.push_back("train.seed=" + FLAGS_seed);
  rank::RankOptions options;
  options.command = command;
  options.config = FLAGS_config;
  options.checkpoint = FLAGS_checkpoint;
  options.overrides = std::move(overrides);
  options.n_servers = FLAGS_servers;
  options.n_threads = FLAGS_threads;
  options.output = FLAGS_output;
  options.overwrite = FLAGS_overwrite;
  options.resume = FLAGS_resume;
  options.died_at = FLAGS_died_at;
  options.life_file = FLAGS_life_file;
  options.timeout_s = FLAGS_timeout_s;
  options.print = Print;
  options.print_error = PrintError;
  options.profile = FLAGS_profile;
  options.progress = StyleFor(FLAGS_progress, FLAGS_simulate.empty());
  if (FLAGS_simulate.empty()) {
    options.network = "mpi";
    return rank::RunOverMpi(std::move(options));
  }
  const auto [n_servers, n_workers] = ParseSimulate(FLAGS_simulate);
  CheckStartedAlone("--simulate");
  options.network = "simulated";
  net::SimOptions network = net::ParseSimOptions(FLAGS_network, n_servers + n_workers);
  // A seed that is no number is refused with the config, which has it too.
  if (!FLAGS_seed.empty()) network.seed = std::strtoull(FLAGS_seed.c_str(), nullptr, 10);
  const std::string replay_line =
      ReplayLine(name, own_overrides, network) +
      (command == rank::Command::kPredict ? " --output=" + Quoted(FLAGS_output) : "");
  return rank::RunSimulated(n_servers, n_workers, network, replay_line, std::move(options));
}

}  // namespace

int Train(const CommandLine& line) {
  return RunJob(rank::Command::kTrain, line.command, line.overrides);
}

int Evaluate(const CommandLine& line) {
  return RunJob(rank::Command::kEvaluate, line.command, line.overrides);
}

int Predict(const CommandLine& line) {
  return RunJob(rank::Command::kPredict, line.command, line.overrides);
}

}  // namespace zhiyin::launch::apps
