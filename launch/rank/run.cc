#include "launch/rank/run.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "common/net/mpi/mpi_endpoint.h"
#include "common/net/sim_network.h"
#include "common/net/watchdog.h"
#include "launch/rank/launcher.h"
#include "launch/rank/life_file.h"
#include "launch/rank/mpirun_guard.h"

namespace zhiyin::launch::rank {
namespace {

/// For the signal handler: how long this process has been stopped, and what it was allowed.
const net::Watchdog* pauses = nullptr;
double pause_max_s = 0;

/// mpirun ends all ranks with SIGTERM when one has died; its own message names the rank and the
/// host, unless it runs with --quiet.
void SayTerminated(int) {
  // A rank that was stopped for too long is itself the cause, which others have printed.
  if (pauses != nullptr && pauses->LongestPause() > pause_max_s) _exit(128 + SIGTERM);
  constexpr char kLine[] =
      "zhiyin: error: ended by SIGTERM: another rank died (mpirun says which), or somebody stopped "
      "the job\n";
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, kLine, sizeof(kLine) - 1);
  // mpirun drops what it has not read when the process is gone. This leaves it all the time there
  // is: it sends SIGKILL after a second.
  const timespec two_seconds{2, 0};
  nanosleep(&two_seconds, nullptr);
  _exit(128 + SIGTERM);
}

/// The first process to end has mpirun end all others; but mpirun then waits, for a quarter of an
/// hour, for the daemon of a host that it cannot reach. When it has found out by itself that the
/// host is lost, it does not. So this leaves it the time to find out: launch/mpirun.sh has it do so
/// soon after the limit. Where several hosts are lost, mpirun sends to the second what it does
/// about the first, and then its keep-alive is silent about the second: hence the guard.
void WaitForMpirun(double limit_s) {
  constexpr std::chrono::seconds kToEndRanks{5};
  std::this_thread::sleep_for(std::chrono::duration<double>(4 + limit_s / 10));
  EndMpirunAfter(kToEndRanks);
}

/// Has the rank show its signs of life in the file that the options name, if they name one.
std::unique_ptr<LifeFile> MakeLifeFile(RankOptions* options) {
  if (options->life_file.empty()) return nullptr;
  auto file = std::make_unique<LifeFile>(options->life_file);
  options->on_life = [file = file.get()] { file->Note(); };
  return file;
}

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

void SpeakOnSigterm() {
  std::signal(SIGTERM, SayTerminated);
}

int RunOverMpi(RankOptions options) {
  // MPI's own calls at the start and at the end wait for all ranks and know no limit. Of many ranks
  // that wait too long, one is to say so, before mpirun ends the others.
  const int launched_rank = LaunchedRank();
  net::Watchdog watchdog(options.timeout_s + 0.2 * std::min(launched_rank, 20),
                         [print = options.print_error, launched_rank,
                          limit_s = options.timeout_s](const std::string& what) {
                           std::ostringstream line;
                           line << "rank " << launched_rank << " on " << HostName() << ": waited "
                                << limit_s << " s (the limit is --timeout_s) for " << what;
                           print(line.str());
                           std::_Exit(1);
                         });
  // mpirun passes it on to all ranks.
  std::signal(SIGUSR1, [](int) { stop_requested = true; });
  options.stop_requested = [] { return stop_requested.load(); };
  watchdog.Begin("all ranks to start (MPI_Init)");
  net::MpiWorld world;
  watchdog.End();
  std::unique_ptr<LifeFile> life;
  if (world.endpoint().rank() == 0) {
    life = MakeLifeFile(&options);
    pauses = &watchdog;
    pause_max_s = options.timeout_s / 2;
    SpeakOnSigterm();
    options.print_error = [print = options.print_error](const std::string& line) {
      std::signal(SIGTERM, SIG_IGN);  // one line is enough
      print(line);
    };
  }
  const int code = RunRank(world.endpoint(), options);
  if (code == kHostLost) WaitForMpirun(options.timeout_s);
  if (code != 0 && code != kEndedEarly) world.Abandon(1);
  std::signal(SIGTERM, SIG_DFL);
  watchdog.Begin("all ranks to end (MPI_Finalize)");
  return code;
}

int RunSimulated(int n_servers, int n_workers, const net::SimOptions& network_options,
                 const std::string& replay_line, RankOptions options) {
  options.n_servers = n_servers;
  const std::unique_ptr<LifeFile> life = MakeLifeFile(&options);
  options.print("simulated, again by: " + replay_line + "\n");
  // As under mpirun, which ends all ranks once one has spoken and ended.
  bool has_spoken = false;
  const auto say_once = [&, print = options.print_error](const std::string& line) {
    if (!std::exchange(has_spoken, true)) print(line);
  };
  options.print_error = say_once;
  net::SimNetwork network(n_servers + n_workers, network_options);
  int code = 0;
  network.Run([&](net::Endpoint& endpoint) { code = std::max(code, RunRank(endpoint, options)); });
  if (!network.crashed().empty()) {
    say_once("rank " + std::to_string(network.crashed()[0]) + " crashed, as --network said");
    code = std::max(code, 1);
  }
  char line[128];
  std::snprintf(line, sizeof(line),
                "simulated: trace %016llx, %lld frames, %.6f s of virtual time\n",
                static_cast<unsigned long long>(network.trace_hash()),
                static_cast<long long>(network.n_delivered()), network.now());
  options.print(line);
  return code;
}

}  // namespace zhiyin::launch::rank
