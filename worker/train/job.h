// The work of a worker in a job: training, evaluation or prediction.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "configs/manifest.pb.h"
#include "worker/train/progress.h"

namespace zhiyin::worker::train {

/// The options that come from the command line rather than from the configuration. Plain data.
struct JobOptions {
  /// Training and evaluation: an existing folder for results and the model; "": no files are
  /// written. Prediction: the file to write.
  std::string output;
  ProgressStyle progress = ProgressStyle::kNone;
  /// Prints text; called at the chief.
  std::function<void(const std::string&)> print;
  /// The number of threads that share a worker's matrix products; results do not depend on it.
  int n_threads = 1;
  /// For summary.json: "mpi" or "simulated".
  std::string network;
  /// Training: whether the time of workers and servers is measured by stage, printed, and written
  /// to summary.json.
  bool profile = false;
  /// Training: returns whether the job shall end early, after a checkpoint. Called about once a
  /// second, at the chief. May be empty.
  std::function<bool()> stop_requested;
  /// Training: the time at which the run that this one resumes died, in seconds since 1970; 0:
  /// unknown.
  double died_at = 0;
  /// Training: whether to initialize the dense weights; false if the servers have loaded them.
  bool inits_dense = true;
  /// The folder of the rows that the servers have loaded; training: that of the checkpoint, if the
  /// manifest has progress.
  std::string loaded_from;
  /// Training: receives the content of summary.json, at the chief. May be empty.
  std::function<void(const nlohmann::ordered_json&)> take_summary;
};

/// Trains, evaluates and saves the manifest's job; the chief prints. Resumes from the manifest's
/// progress, if it has one, whose rows the servers have loaded. Collective over all workers; when
/// the chief returns, the servers are idle and may be shut down. Returns false if the job ended
/// early, after its last checkpoint, because of stop_requested.
bool RunTraining(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                 net::Mailbox* mailbox);

/// Evaluates a model that the servers have loaded, on its test split; the chief prints and writes
/// the results. Collective over all workers.
void RunEvaluation(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                   net::Mailbox* mailbox);

/// Writes the predictions of a model that the servers have loaded, for the lines of data.test, to
/// the file options.output. Collective over all workers.
void RunPrediction(const Manifest& manifest, const net::RoleMap& roles, const JobOptions& options,
                   net::Mailbox* mailbox);

}  // namespace zhiyin::worker::train
