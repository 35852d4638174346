// A saved model as a folder: the servers' files of rows, and the manifest that the chief writes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "configs/manifest.pb.h"
#include "ps/client/client.h"
#include "ps/save/saved_chain.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::saved {

/// The version of what this program writes. It reads version 1, too.
inline constexpr int kModelFormatVersion = 2;

/// Returns the manifest of a model without its list of files. `epoch` is the number of completed
/// epochs, `step` that of completed steps, `n_weights` that of dense weights.
Manifest ManifestOf(const Job& job, const data::Normalizer& normalizer, int64_t epoch, int64_t step,
                    int64_t n_weights);

/// The suffix of the name of a folder that is not complete yet.
inline constexpr const char* kUnfinished = ".unfinished";

/// Takes a line for the user about something that the job does not end for.
using Warn = std::function<void(const std::string&)>;

/// A save of a model in progress. The files are written to FOLDER.unfinished, the manifest last.
/// Then an earlier model at FOLDER is renamed to FOLDER.previous, FOLDER.unfinished to FOLDER, and
/// FOLDER.previous is removed. Before that, the state and the manifest are read back. Whenever the
/// process ends, FindModel finds one complete model. A save that fails removes what it has written,
/// so that a full disk has its room back. A client has one save at a time. Used by the chief, on
/// the rank's thread.
class ModelSave {
 public:
  /// Begins to save the model with its current weights; workers may push again once this returns. A
  /// base in the manifest is removed if all files turn out to hold all rows. `state` is the content
  /// of the state file (state_file.h) of a manifest with progress; a model without has none. Throws
  /// FileError; an earlier model is then untouched. Borrows the client. REQUIRES: no worker pushes
  /// meanwhile; the parent folder exists.
  ModelSave(Manifest manifest, std::string state, const std::string& folder, ps::SaveKind kind,
            ps::client::Client* client);

  /// Returns whether the model is complete; with `wait`, waits until it is. Throws FileError as the
  /// constructor does; the save is then over, too. Where only the removal of FOLDER.previous fails,
  /// `warn` is called instead.
  bool Finish(bool wait, const Warn& warn);
  /// The digest of the manifest, for Manifest::Base of the next incremental save. REQUIRES: Finish
  /// has returned true.
  uint64_t digest() const { return digest_; }
  bool has_base() const { return manifest_.has_base(); }

 private:
  /// Completes the save once all servers have written their files, which are named in the manifest.
  void Complete(const std::vector<ps::client::SavedFile>& files, const Warn& warn);
  /// Writes the manifest and gives the folder its name.
  void Publish(const Warn& warn);

  Manifest manifest_;
  std::string state_;
  std::string folder_;
  ps::client::Client* client_;
  uint64_t digest_ = 0;
};
/// Saves a model and waits until it is complete. Returns the digest of its manifest, which no other
/// model has. Throws and warns as ModelSave does.
uint64_t SaveModel(Manifest manifest, const std::string& folder, ps::client::Client* client,
                   const Warn& warn);

/// Writes the manifest, followed by its checksum, and returns the checksum. An existing manifest is
/// replaced only when the new one is complete. Throws FileError when it cannot be written, and
/// where LoadManifest would refuse it.
uint64_t WriteManifest(const Manifest& manifest, const std::string& folder);

/// Removes a model, its manifest first: an interrupted removal never leaves a loadable model.
/// Throws FileError.
void RemoveModel(const std::string& folder);
/// Removes a model that a newer, complete one has replaced. A failure is no fault of the newer one:
/// calls `warn`. Returns false if the old model can still be loaded.
bool RemoveReplaced(const std::string& folder, const Warn& warn);

bool HasManifest(const std::string& folder);

/// Returns the folder that holds the manifest: `path` itself, `path`/model, or
/// `path`/model.previous, which is left by a save that was interrupted between two renames. Throws
/// Error when none does.
std::string FindModel(const std::string& path);
/// Reads the manifest of a folder, and its checksum into *digest unless that is nullptr. Throws
/// Error when the manifest is missing, damaged, or of a newer format.
Manifest LoadManifest(const std::string& folder, uint64_t* digest = nullptr);
/// Reads the manifests of a model and of the saves that it builds on. Throws Error when one is
/// missing or has another digest than the save that builds on it expects.
ps::save::SavedChain LoadChain(const std::string& folder);
/// Parses the text of a manifest whose checksum was found right. Throws Error, beginning with
/// `name`, as LoadManifest does.
Manifest ParseManifest(const std::string& text, const std::string& name);

/// Throws Error, beginning with `name`, unless SaveModel could have written the manifest. Does not
/// check the job in it.
void CheckManifest(const Manifest& manifest, const std::string& name);

/// The normalizer that the manifest holds.
data::Normalizer NormalizerOf(const Manifest& manifest);

}  // namespace zhiyin::worker::saved
