// Jobs that a seed draws: shape, configuration and network, and what must hold at the end of each.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "tests/sim/simulated_job.h"

namespace zhiyin::testing {

/// A whole small job: 1 to 5 servers, 1 to 6 workers, staleness -1 to 4, any delays, some slow or
/// paused ranks, links that are down for a while, full queues; all of it goes on in the end.
SimulatedJob DrawJob(uint64_t seed);

/// What to do to see a seed again, and what it draws.
std::string Replay(uint64_t seed);

/// Runs jobs and says what is wrong with them. Any threads may use it together.
class Checker {
 public:
  /// Runs the seed's job, now and then a second time, and a synchronous one against 1x1. Returns ""
  /// when all is as it must be, otherwise what is not, and Replay.
  std::string Check(uint64_t seed);

 private:
  std::string Complaint(uint64_t seed);
  /// Of the same job with one server and one worker.
  Outcome Reference(const Job& job);

  std::mutex mutex_;
  std::map<std::string, Outcome> references_;  // by the job's text
};

/// What is wrong with the outcome of a job that should have ended well; "" if nothing.
std::string Judge(const SimulatedJob& job, const Outcome& outcome);

}  // namespace zhiyin::testing
