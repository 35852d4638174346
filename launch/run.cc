#include "launch/run.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <mutex>
#include <string>

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

void SpeakOnSigterm() {
  std::signal(SIGTERM, SayTerminated);
}

int RunOverMpi(RankOptions options) {
  MpiWorld world;
  if (world.endpoint().rank() == 0) {
    SpeakOnSigterm();
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

int RunSimulated(int n_servers, int n_workers, uint64_t seed, RankOptions options) {
  options.n_servers = n_servers;
  SimNetwork::Options network_options;
  network_options.seed = seed;
  SimNetwork network(n_servers + n_workers, network_options);
  std::mutex mutex;
  int code = 0;
  network.Run([&](Endpoint& endpoint) {
    const int own = RunRank(endpoint, options);
    std::lock_guard lock(mutex);
    code = std::max(code, own);
  });
  return code;
}

}  // namespace zhiyin::launch
