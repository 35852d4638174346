// All that a rank does, the same over MPI and in simulation.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/net/endpoint.h"
#include "worker/progress.h"

namespace zhiyin::launch {

enum class Command { kTrain, kEvaluate, kPredict };

/// What the command line says. The same on every rank.
struct RankOptions {
  Command command = Command::kTrain;
  std::string config;                  // train: the job's file, read by rank 0 alone
  std::string checkpoint;              // evaluate, predict: the model's folder, read by every server
  std::vector<std::string> overrides;  // "path=value"
  int n_servers = 1;
  std::string output;      // "" keeps nothing; predict: the file to write
  bool overwrite = false;  // an output folder may hold an earlier run; predict: the file may exist
  double timeout_s = 120;
  worker::ProgressStyle progress = worker::ProgressStyle::kNone;
  std::string network;                                  // "mpi" or "simulated"
  std::function<void(const std::string&)> print;        // results and progress, by the chief
  std::function<void(const std::string&)> print_error;  // one line, by rank 0
};

/// Runs a rank to the end of the job; returns its exit code. Throws nothing.
///
/// A rank that fails tells rank 0, which prints the first failure it hears of and stops all others: whatever
/// goes wrong, and on however many ranks at once, a job ends with one line. Frames: kHello carries a Manifest
/// in binary, kAbort and kStop an error's text.
int RunRank(Endpoint& endpoint, const RankOptions& options);

}  // namespace zhiyin::launch
