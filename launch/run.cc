#include "launch/run.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "common/net/mpi_endpoint.h"
#include "common/net/sim_network.h"

namespace zhiyin::launch {
namespace {

/// mpirun ends all ranks with SIGTERM when one has died; its own message names the rank and the host, unless
/// it runs with --quiet.
void SayTerminated(int) {
  constexpr char kLine[] =
      "zhiyin: error: ended by SIGTERM: another rank died (mpirun says which), or somebody stopped the job\n";
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, kLine, sizeof(kLine) - 1);
  // mpirun drops what it has not read when the process is gone; it waits a second before it sends SIGKILL.
  const timespec half_a_second{0, 500'000'000};
  nanosleep(&half_a_second, nullptr);
  _exit(128 + SIGTERM);
}

}  // namespace

int RunOverMpi(RankOptions options) {
  MpiWorld world;
  if (world.endpoint().rank() == 0) {
    std::signal(SIGTERM, SayTerminated);
    options.print_error = [print = options.print_error](const std::string& line) {
      std::signal(SIGTERM, SIG_IGN);  // one line is enough
      print(line);
    };
  } else {
    options.print_error = [print = options.print_error,
                           rank = world.endpoint().rank()](const std::string& line) {
      print("rank " + std::to_string(rank) + ": " + line);
    };
  }
  const int code = RunRank(world.endpoint(), options);
  if (code != 0) world.Abandon(code);
  return code;
}

int RunSimulated(int n_servers, int n_workers, const SimOptions& network_options,
                 const std::string& replay_line, RankOptions options) {
  options.n_servers = n_servers;
  options.print("simulated, again by: " + replay_line + "\n");
  // As under mpirun, which ends all ranks once one has spoken and ended.
  bool has_spoken = false;
  const auto say_once = [&, print = options.print_error](const std::string& line) {
    if (!std::exchange(has_spoken, true)) print(line);
  };
  options.print_error = say_once;
  SimNetwork network(n_servers + n_workers, network_options);
  int code = 0;
  network.Run([&](Endpoint& endpoint) { code = std::max(code, RunRank(endpoint, options)); });
  if (!network.crashed().empty()) {
    say_once("rank " + std::to_string(network.crashed()[0]) + " crashed, as --network said");
    code = std::max(code, 1);
  }
  char line[128];
  std::snprintf(line, sizeof(line), "simulated: trace %016llx, %lld frames, %.6f s of virtual time\n",
                static_cast<unsigned long long>(network.trace_hash()),
                static_cast<long long>(network.n_delivered()), network.now());
  options.print(line);
  return code;
}

}  // namespace zhiyin::launch
