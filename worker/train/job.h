// What a worker does in a job, from its first line of data to its last message.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "configs/manifest.pb.h"
#include "worker/train/progress.h"

namespace zhiyin::worker::train {

/// What the person who started the job asked for, apart from the job itself.
struct JobOptions {
  /// A folder that exists, for results and the model; "" keeps nothing. For a prediction the file
  /// to write.
  std::string output;
  ProgressStyle progress = ProgressStyle::kNone;
  /// Where the chief prints.
  std::function<void(const std::string&)> print;
  /// Threads that share a worker's matrix products; their number changes no bit.
  int n_threads = 1;
  /// For summary.json: "mpi" or "simulated".
  std::string network;
  /// Training: what workers and servers do with their time is measured, printed, and in
  /// summary.json.
  bool profile = false;
  /// Training: whether somebody wants it to end early, with a checkpoint; looked at about once a
  /// second, by the chief. May be empty.
  std::function<bool()> stop_requested;
  /// Training: when the run that this one goes on from died, in seconds since 1970; 0: nobody
  /// knows.
  double died_at = 0;
  /// Training: the model's own weights get their first values; false: the servers have loaded them.
  bool inits_dense = true;
  /// Training: gets at the chief what is in summary.json. May be empty.
  std::function<void(const nlohmann::ordered_json&)> take_summary;
};

/// Trains, evaluates, saves; the chief prints. Goes on from the manifest's progress, where it has
/// one and the servers have loaded its rows. Collective over all workers; when the chief returns,
/// the servers are idle and may be ended. False: the job was asked to end early, and its last
/// checkpoint is written.
bool RunTraining(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                 net::Mailbox* mailbox);

/// Evaluates a model that the servers have loaded.
void RunEvaluation(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                   net::Mailbox* mailbox);

/// Writes its predictions for the rows of data.test to a file.
void RunPrediction(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                   net::Mailbox* mailbox);

}  // namespace zhiyin::worker::train
