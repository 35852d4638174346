// All that a rank does, over MPI as in simulation.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/net/endpoint.h"
#include "worker/train/progress.h"

namespace zhiyin::launch::rank {

enum class Command { kTrain, kEvaluate, kPredict };

/// What the command line says, equal on every rank.
struct RankOptions {
  Command command = Command::kTrain;
  std::string config;      // train: the job's file, read by rank 0 alone
  std::string checkpoint;  // evaluate, predict: the model's folder, read by every server
  std::vector<std::string> overrides;  // "path=value"
  int n_servers = 1;
  int n_threads = 1;   // of a worker, for its matrix products
  std::string output;  // "" keeps nothing; predict: the file to write
  bool resume =
      false;  // train: goes on from the output folder's newest checkpoint, if there is one
  double died_at =
      0;  // train: when the run before this one died, in seconds since 1970; 0: nobody knows
  std::function<bool()> stop_requested;  // train: see worker::JobOptions
  bool overwrite = false;  // an output folder may hold an earlier run; predict: the file may exist
  double timeout_s = 120;
  worker::train::ProgressStyle progress = worker::train::ProgressStyle::kNone;
  bool profile = false;                                 // train: say what the time went to
  std::string network;                                  // "mpi" or "simulated"
  std::function<void(const std::string&)> print;        // results and progress, by the chief
  std::function<void(const std::string&)> print_error;  // one line, by rank 0
  std::function<void(const nlohmann::ordered_json&)>
      take_summary;  // train: what is in summary.json; may be empty
};

/// What RunRank returns of a job that has failed because a host may be lost:
/// all ranks there have fallen silent, or rank 0 has, on another host.
inline constexpr int kHostLost = 2;
/// What RunRank returns at rank 0 when the job was asked to end early, and its checkpoint is
/// written.
inline constexpr int kEndedEarly = 75;

/// Runs a rank to the end of the job; returns 0, 1 when it has failed, kHostLost or kEndedEarly.
/// Throws nothing.
///
/// A rank that fails tells rank 0, which prints the first failure it hears of and stops all others:
/// whatever goes wrong, and on however many ranks at once, a job ends with one line. A job that is
/// done ends with goodbyes: nobody leaves while another may still send. Frames: kAbort and kStop
/// carry an error's text, kShutdown and kGoodbye nothing; the first ones are those of
/// launch/rank/handshake.h.
int RunRank(net::Endpoint& endpoint, const RankOptions& options);

}  // namespace zhiyin::launch::rank
