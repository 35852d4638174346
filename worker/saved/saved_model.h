// A trained model as a folder: what the chief writes around the servers' rows.
#pragma once

#include <cstdint>
#include <string>

#include "configs/manifest.pb.h"
#include "ps/client/client.h"
#include "ps/save/saved_chain.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::saved {

inline constexpr int kModelFormatVersion = 1;

/// The manifest of a model: everything but its files.
Manifest ManifestOf(const Job& job, const data::Normalizer& normalizer, int64_t epoch, int64_t step,
                    int64_t n_weights);

/// What is behind the name of a folder that is not whole yet.
inline constexpr const char* kUnfinished = ".unfinished";

/// A model's folder in the making: FOLDER.unfinished, the manifest last, then renamed into place of
/// an earlier one, which is FOLDER.previous meanwhile. Whenever the process ends, FindModel finds
/// one of the two whole. One at a time for a client.
class ModelSave {
 public:
  /// The model as it is now; when it returns, anybody may push again. A base in the manifest is
  /// dropped where no file needs it. REQUIRES: nobody pushes meanwhile; the folder above exists.
  /// Throws FileError; an earlier model is then untouched. Borrows the client.
  ModelSave(Manifest manifest, const std::string& folder, ps::SaveKind kind,
            ps::client::Client* client);

  /// True: it is there, for which `wait` waits. Throws FileError as above; it is then over, too.
  bool Finish(bool wait);
  /// As Manifest::Base has it of the next one. REQUIRES: Finish was true.
  uint64_t digest() const { return digest_; }
  bool has_base() const { return manifest_.has_base(); }

 private:
  Manifest manifest_;
  std::string folder_;
  ps::client::Client* client_;
  uint64_t digest_ = 0;
};
/// All of it.
void SaveModel(Manifest manifest, const std::string& folder, ps::client::Client* client);

/// The last step of it: whole or not at all, with a checksum behind it, which is returned.
uint64_t WriteManifest(const Manifest& manifest, const std::string& folder);

/// Removes a model, its manifest first: what is left of an interrupted removal is none.
void RemoveModel(const std::string& folder);

bool HasManifest(const std::string& folder);

/// The folder that holds the manifest: `path` itself or `path`/model, or `path`/model.previous
/// where a save was cut off between two renames. Throws Error when none does.
std::string FindModel(const std::string& path);
/// Throws Error when it is missing, damaged, or of a newer format.
Manifest LoadManifest(const std::string& folder, uint64_t* digest = nullptr);
/// The manifests of a model and of all that it builds on. Throws Error where one is missing or is
/// not the one that was built on.
ps::save::SavedChain LoadChain(const std::string& folder);
/// Parses the text of a manifest whose checksum fits. Errors as in ReadManifest.
Manifest ParseManifest(const std::string& text, const std::string& name);

/// Throws Error, `name` in front, unless a manifest could have been written by SaveModel, its job
/// aside.
void CheckManifest(const Manifest& manifest, const std::string& name);

data::Normalizer NormalizerOf(const Manifest& manifest);

}  // namespace zhiyin::worker::saved
