// The checkpoints of a job: OUTPUT/checkpoints/step-N, each a saved model with the progress of the job in its manifest.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "configs/manifest.pb.h"
#include "ps/client.h"
#include "worker/saved_model.h"

namespace zhiyin::worker {

/// "OUTPUT/checkpoints/step-000000000042".
std::string CheckpointPath(const std::string& output, int64_t step);

/// Of an output folder, newest first: those that have a manifest, one that was being replaced by its like included. Whatever
/// else lies there is left out.
std::vector<std::string> FindCheckpoints(const std::string& output);

/// Of the newest of them, by its name; nothing where there is none.
std::optional<int64_t> NewestStep(const std::string& output);

/// Reads all of a model or checkpoint. Throws Error naming file and offset where it is damaged.
Manifest VerifyModel(const std::string& folder);

struct FoundCheckpoint {
  std::string folder;
  Manifest manifest;
};
/// The newest one that is whole; what is wrong with newer ones is told to `note`. Nothing where there is none. Throws
/// Error when there are some, and all are damaged: starting anew would lose what they had.
std::optional<FoundCheckpoint> NewestCheckpoint(const std::string& output,
                                                const std::function<void(const std::string&)>& note);

/// One in the making, see ModelSave. Once it is there, all but the newest `keep` are removed, and what an interrupted save has left.
class CheckpointSave {
 public:
  /// Throws FileError, as Finish does; the checkpoints that were there are then untouched.
  CheckpointSave(Manifest manifest, int keep, const std::string& output, ps::Client* client);

  int64_t step() const { return step_; }
  bool Finish(bool wait);

 private:
  int64_t step_;
  int keep_;
  std::string output_;
  ModelSave save_;
};

/// All of them.
void RemoveCheckpoints(const std::string& output);

}  // namespace zhiyin::worker
