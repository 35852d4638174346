// Bugs that a test plants in a job by changing frames under way, as if a client or a server had
// them.
#pragma once

#include <memory>
#include <span>

#include "common/random.h"
#include "tests/sim/simulated_job.h"

namespace zhiyin::testing {

struct Plant {
  const char* name;
  /// What gives it away at its best: part of a line.
  const char* given_away_by;
  /// Whether jobs of this staleness can have it.
  bool (*applies)(int staleness);
  /// Where it happens is drawn. *happened becomes true when it has.
  net::SimNetwork::Tamper (*make)(const SimulatedJob& job, Random random, bool* happened);
};

/// Those that must never go unnoticed. A new one is one more function and its line.
std::span<const Plant> AllPlants();

/// Pushes and replies that come twice, which must change nothing.
net::SimNetwork::Tamper SendSomeTwice(Random random);

}  // namespace zhiyin::testing
