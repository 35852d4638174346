// The checkpoints of a job: OUTPUT/checkpoints/step-N, each a saved model with the progress of the
// job in its manifest.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "configs/manifest.pb.h"
#include "ps/client/client.h"
#include "ps/save/saved_chain.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::worker::saved {

/// "OUTPUT/checkpoints/step-000000000042".
std::string CheckpointPath(const std::string& output, int64_t step);

/// The checkpoints of an output folder, newest first: those that have a manifest, one that was
/// being replaced by its like included. Whatever else lies there is left out.
std::vector<std::string> FindCheckpoints(const std::string& output);

/// The step of the newest of them, by its name; nothing where there is none.
std::optional<int64_t> NewestStep(const std::string& output);

/// Reads all of a model or checkpoint, and of what it builds on. Throws Error naming file and
/// offset where it is damaged.
ps::save::SavedChain VerifyModel(const std::string& folder);

/// The newest one that is whole; what is wrong with newer ones is told to `note`. Empty where there
/// is none. Throws Error when there are some, and all are damaged: starting anew would lose what
/// they had.
ps::save::SavedChain NewestCheckpoint(const std::string& output,
                                      const std::function<void(const std::string&)>& note);

/// Writes the checkpoints of a run of the job, one at a time. Those but the newest `keep`, and what
/// these build on, are removed when there is a new one, with what an interrupted save has left.
/// Used by the chief.
class CheckpointWriter {
 public:
  /// One in `full_every` is whole, the first of the run among them, and one that comes after a
  /// failure. Borrows the client.
  CheckpointWriter(std::string output, int keep, int full_every, ps::client::Client* client);

  /// Begins one, see ModelSave. REQUIRES: none is under way. Throws FileError, as Finish does:
  /// there is none then, and the checkpoints that were there are untouched.
  void Start(Manifest manifest);
  /// Its step, where one is under way.
  std::optional<int64_t> step() const { return save_ ? std::optional(step_) : std::nullopt; }
  /// True: it is there. REQUIRES: one is under way.
  bool Finish(bool wait);

 private:
  void RemoveOld() const;

  std::string output_;
  int keep_;
  int full_every_;
  ps::client::Client* client_;
  std::optional<ModelSave> save_;
  int64_t step_ = 0;
  std::optional<Manifest::Base> last_;  // that the next can build on
  int n_since_full_ = 0;
};

/// All of them.
void RemoveCheckpoints(const std::string& output);

}  // namespace zhiyin::worker::saved
