// zhiyin COMMAND --flags: reads the command line, runs the command, and turns every failure into
// one line and an exit code.
#include <glog/logging.h>
#include <malloc.h>

#include <chrono>
#include <csignal>
#include <new>
#include <string>
#include <system_error>
#include <thread>

#include "common/denormals.h"
#include "common/error.h"
#include "launch/apps/command_line.h"
#include "launch/apps/commands.h"
#include "launch/apps/console.h"
#include "launch/apps/flags.h"
#include "launch/apps/help.h"
#include "launch/rank/fingerprint.h"
#include "launch/rank/launcher.h"

namespace zhiyin::launch::apps {
namespace {

int Main(int argc, char** argv) {
  FlushDenormals();
  // Large messages come and go at every step: their memory is kept instead of returned to the
  // system.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  // A file that grows beyond the limit of its size (ulimit -f) is a failed write, as on a full
  // disk.
  std::signal(SIGXFSZ, SIG_IGN);
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);

  std::vector<std::string> flags;
  for (const FlagHelp& flag : AllFlags()) flags.push_back(flag.name);
  const CommandLine line = ParseCommandLine({argv + 1, argv + argc}, flags);
  if (line.help) {
    Print(line.command.empty() ? Overview() : HelpOf(line.command));
  } else if (line.version) {
    Print(rank::Fingerprint() + "\n");
  } else if (line.command == "completion") {
    Print(BashCompletion());
  } else if (line.command == "commands") {
    Print(CommandsPage());
  } else {
    return RunCommand(line);
  }
  return 0;
}

}  // namespace
}  // namespace zhiyin::launch::apps

int main(int argc, char** argv) {
  namespace rank = zhiyin::launch::rank;
  std::string what;
  try {
    return zhiyin::launch::apps::Main(argc, argv);
  } catch (const std::bad_alloc&) {
    // A rank of a job says more, see RunRank.
    what = rank::HostName() +
           ": out of memory: this command holds the whole model, and with data.behaviour the "
           "training files' events: run it where there is more (free -m, ulimit -v)";
  } catch (const std::system_error& e) {
    what = rank::HostName() + ": the system refuses a thread or a file: " + e.what() +
           ": raise its limits (ulimit -u, ulimit -n, ulimit -v)";
  } catch (const std::exception& e) {
    what = e.what();
  }
  // Under mpirun every rank finds the mistake in the command line. One says so and ends; mpirun
  // then ends the others, which must not be first, as mpirun would end that one before it has
  // spoken.
  if (rank::LaunchedRank() == 0) {
    zhiyin::launch::apps::PrintError(what);
  } else {
    std::this_thread::sleep_for(std::chrono::seconds(3));
  }
  return 1;
}
