#include "tests/sim/run_ranks.h"

#include <algorithm>
#include <mutex>

#include "common/net/sim_network.h"

namespace zhiyin::testing {

RanksOutcome RunRanks(launch::rank::RankOptions options, int n_workers) {
  RanksOutcome outcome;
  options.network = "simulated";
  options.print = [&](const std::string& text) { outcome.printed += text; };
  options.print_error = [&](const std::string& line) { outcome.error += line + "\n"; };
  net::SimNetwork network(1 + n_workers, {.seed = 1});
  std::mutex mutex;
  network.Run([&](net::Endpoint& endpoint) {
    const int code = launch::rank::RunRank(endpoint, options);
    std::lock_guard lock(mutex);
    outcome.exit_code = std::max(outcome.exit_code, code);
  });
  return outcome;
}

}  // namespace zhiyin::testing
