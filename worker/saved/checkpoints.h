// The checkpoints of a job: OUTPUT/checkpoints/step-N, each a saved model with the progress of the
// job in its manifest.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/tick.h"
#include "configs/manifest.pb.h"
#include "ps/client/client.h"
#include "ps/save/saved_chain.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::worker::saved {

/// "OUTPUT/checkpoints/step-000000000042".
std::string CheckpointPath(const std::string& output, int64_t step);

/// The paths of the checkpoints of an output folder, newest first. A checkpoint is a folder with a
/// manifest; this includes one that was just being replaced by a new checkpoint of its step.
std::vector<std::string> FindCheckpoints(const std::string& output);

/// The step of the newest checkpoint, by its name; nothing if there is no checkpoint.
std::optional<int64_t> NewestStep(const std::string& output);

/// Reads and checks all files of a model or checkpoint, and of the saves that it builds on. `tick`
/// is called for every block of them. Throws Error, naming file and offset, when one is damaged or
/// missing.
ps::save::SavedChain VerifyModel(
    const std::string& folder, const Tick& tick = [] {});

/// Returns the newest intact checkpoint of an output folder. `check` throws Error where the state
/// of a checkpoint makes no sense; it may be empty. Calls `note` with the defect of every newer
/// one, and `tick` as VerifyModel does; passes on what that throws. Returns an empty chain if there
/// are no checkpoints. Throws Error if there are some and all are damaged, since a job that began
/// anew would replace them.
ps::save::SavedChain NewestCheckpoint(
    const std::string& output, const std::function<void(const std::string&)>& note,
    const std::function<void(const ps::save::SavedFolder&)>& check = {}, const Tick& tick = [] {});

/// The suffix of the name of a checkpoint that was set aside.
inline constexpr const char* kSetAside = ".set-aside";

/// Renames the checkpoints that are newer than the one in the folder `resumed`, which a resume
/// passes over because they are damaged: they are no checkpoints any more, and take the place of
/// none that the job is going to write. One of the same step that was set aside earlier is
/// replaced. Calls `note` for each with its new name. Throws FileError where one cannot be renamed.
void SetNewerAside(const std::string& output, const std::string& resumed,
                   const std::function<void(const std::string&)>& note);

/// Writes the checkpoints of a run of the job, one at a time. When one is complete, all checkpoints
/// up to its step are removed except the newest `keep` and those that they build on; so are the
/// remains of interrupted saves. Where one cannot be removed, the new one is none the worse: that
/// is a warning, once a run, and the removal is tried again with the next checkpoint. Checkpoints
/// of later steps are not of this run: they are left alone. Used by the chief, on the rank's
/// thread.
class CheckpointWriter {
 public:
  /// One checkpoint in `full_every` is full, the others are incremental. The first one of the run
  /// and the first after a failure are full. Borrows the client.
  CheckpointWriter(std::string output, int keep, int full_every, ps::client::Client* client,
                   Warn warn);

  /// Begins a checkpoint with this state, see ModelSave. Throws FileError, as Finish does; then
  /// none is under way, and the existing ones are untouched. REQUIRES: no checkpoint is under way.
  void Start(Manifest manifest, std::string state);
  /// The step of the checkpoint that is under way, if any.
  std::optional<int64_t> step() const { return save_ ? std::optional(step_) : std::nullopt; }
  /// Returns whether the checkpoint is complete; with `wait`, waits until it is. REQUIRES: a
  /// checkpoint is under way.
  bool Finish(bool wait);

 private:
  void RemoveOld();
  void WarnOnce(const std::string& line);

  std::string output_;
  int keep_;
  int full_every_;
  ps::client::Client* client_;
  Warn warn_;
  bool has_warned_ = false;
  std::optional<ModelSave> save_;
  int64_t step_ = 0;
  std::optional<Manifest::Base> last_;  // that the next can build on
  int n_since_full_ = 0;
};

/// Removes all checkpoints of an output folder, those that were set aside among them. Where the
/// folder of checkpoints is a link, the link stays.
void RemoveCheckpoints(const std::string& output);

}  // namespace zhiyin::worker::saved
