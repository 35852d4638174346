// The whole course of a rank, over MPI and in simulation.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/net/endpoint.h"
#include "worker/train/progress.h"

namespace zhiyin::launch::rank {

enum class Command { kTrain, kEvaluate, kPredict };

/// The options of the command line, equal on every rank.
struct RankOptions {
  Command command = Command::kTrain;
  std::string config;      // train: the job's file, read by rank 0 only
  std::string checkpoint;  // evaluate, predict: the model's folder, read by every server
  std::vector<std::string> overrides;  // "path=value"
  int n_servers = 1;
  int n_threads = 1;    // of a worker, for its matrix products
  std::string output;   // "": no files are written; predict: the file to write
  bool resume = false;  // train: resume from the output folder's newest checkpoint, if any
  double died_at = 0;   // train: see worker::train::JobOptions
  std::function<bool()> stop_requested;  // train: see worker::train::JobOptions
  bool overwrite = false;  // an output folder may hold an earlier run; predict: the file may exist
  double timeout_s = 120;
  std::string life_file;                  // train: see LifeFile; "": none
  std::function<void()> on_life = [] {};  // see net::Mailbox
  worker::train::ProgressStyle progress = worker::train::ProgressStyle::kNone;
  bool profile = false;                                 // train: measure time by stage
  std::string network;                                  // "mpi" or "simulated"
  std::function<void(const std::string&)> print;        // results and progress, by the chief
  std::function<void(const std::string&)> print_error;  // one line, by rank 0
  /// Train: receives the content of summary.json; may be empty.
  std::function<void(const nlohmann::ordered_json&)> take_summary;
};

/// The result of RunRank when the job has failed and a host may be lost (Mailbox::HostIsLost).
inline constexpr int kHostLost = 2;
/// The result of RunRank on rank 0 when the job ended early, after a checkpoint, because of
/// stop_requested.
inline constexpr int kEndedEarly = 75;

/// Runs a rank to the end of the job; returns 0, 1 when it has failed, kHostLost or kEndedEarly.
/// Throws nothing.
///
/// A rank that fails reports its error to rank 0, which prints the first error that it receives and
/// stops all other ranks: a job that fails ends with one line, even if several ranks fail at once.
/// A job that is done ends with goodbyes: no rank leaves while another one may still send. Frames:
/// kAbort and kStop carry the text of an error, kShutdown and kGoodbye nothing; handshakes are in
/// launch/rank/handshake.h.
int RunRank(net::Endpoint& endpoint, const RankOptions& options);

}  // namespace zhiyin::launch::rank
