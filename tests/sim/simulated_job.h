// A training job, or an evaluation, on a simulated network, and all that can be seen of it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/net/sim_network.h"
#include "configs/job.pb.h"
#include "worker/train/progress.h"
#include "worker/train/results.h"

namespace zhiyin::testing {

struct SimulatedJob {
  Job job;
  int n_servers = 1;
  int n_workers = 1;
  net::SimOptions network;
  double timeout_s = 120;
  worker::train::ProgressStyle progress = worker::train::ProgressStyle::kNone;
  std::string output = {};  // the folder; "": one that is gone afterwards
  bool resume = false;
  bool profile = false;
  std::function<bool()> stop_requested = {};  // asked at sync points
  std::string checkpoint = {};  // a folder: its model is evaluated, rather than the job trained

  int n_ranks() const { return n_servers + n_workers; }
  /// "2x4 --network=...".
  std::string Describe() const;
};

struct Outcome {
  int exit_code = 0;  // the largest of all ranks; 1 where one crashed
  int n_failed = 0;   // ranks that ended with another code than 0; those that crashed did not end
  worker::train::Json summary;
  std::string metrics;              // the file metrics.jsonl, of training
  std::vector<std::string> errors;  // lines, as they were printed
  std::string printed;
  uint64_t trace = 0;
  double now_s = 0;  // virtual time at the end
  std::vector<int> crashed;
  int64_t n_left = 0;      // frames that nobody took, signs of life aside
  int64_t peak_bytes = 0;  // of all ways between a worker and a server

  /// All lines.
  std::string error() const;
};

/// Runs it to its end. Under mpirun the first rank that ends with a failure ends all others; here
/// all go on, so that those that cannot reach rank 0 have a line each.
Outcome Simulate(const SimulatedJob& job, const net::SimNetwork::Tamper& tamper = {});

/// Runs a job on a network that only delays.
Outcome RunJob(const Job& job, int n_servers, int n_workers, uint64_t seed);

/// The lines of metrics.jsonl that are of the split and the task, in order.
std::vector<worker::train::Json> LinesOf(const std::string& metrics, const std::string& split,
                                         const std::string& task);

}  // namespace zhiyin::testing
