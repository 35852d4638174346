#include "worker/saved_model.h"

#include <google/protobuf/text_format.h>

#include <filesystem>

#include "common/error.h"
#include "common/file.h"

namespace zhiyin::worker {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifestName = "manifest.textproto";
constexpr int64_t kMaxManifestBytes = int64_t{64} << 20;

}  // namespace

void SaveModel(const Job& job, const Normalizer& normalizer, int64_t epoch, int64_t step, int64_t n_weights,
               const std::string& output, ps::Client* client) {
  const fs::path model = fs::path(output) / "model";
  const fs::path unfinished = fs::path(output) / "model.unfinished";
  const fs::path previous = fs::path(output) / "model.previous";
  try {
    fs::remove_all(unfinished);
    fs::create_directory(unfinished);
    Manifest manifest;
    manifest.set_format_version(kModelFormatVersion);
    *manifest.mutable_job() = job;
    manifest.set_epoch(epoch);
    manifest.set_step(step);
    manifest.set_n_weights(n_weights);
    for (const ps::Client::SavedFile& saved : client->Save(unfinished.string())) {
      Manifest::RowFile* file = manifest.add_file();
      file->set_name(saved.name);
      file->set_n_rows(saved.n_rows);
      file->set_n_bytes(saved.n_bytes);
      file->set_digest(saved.digest);
    }
    manifest.mutable_numeric_mean()->Assign(normalizer.mean.begin(), normalizer.mean.end());
    manifest.mutable_numeric_scale()->Assign(normalizer.scale.begin(), normalizer.scale.end());
    std::string text;
    google::protobuf::TextFormat::PrintToString(manifest, &text);
    ReplaceFile((unfinished / kManifestName).string(), text);
    if (fs::exists(model)) {
      fs::remove_all(previous);
      fs::rename(model, previous);
    }
    fs::rename(unfinished, model);
    SyncFolder(output);
    fs::remove_all(previous);
  } catch (const fs::filesystem_error& e) {
    Fail(output, ": cannot save the model: ", e.code().message(), " (", e.path1().string(), ")");
  }
}

std::string FindModel(const std::string& path) {
  for (const fs::path& folder :
       {fs::path(path), fs::path(path) / "model", fs::path(path) / "model.previous"}) {
    std::error_code ignored;
    if (fs::exists(folder / kManifestName, ignored)) return folder.string();
  }
  Fail(path, ": no model here: expected ", kManifestName, " in it or in its folder model");
}

Manifest LoadManifest(const std::string& folder) {
  const std::string path = folder + "/" + kManifestName;
  Manifest manifest;
  google::protobuf::TextFormat::Parser parser;
  const std::string text = ReadWholeFile(path, kMaxManifestBytes);
  if (!parser.ParseFromString(text, &manifest)) Fail(path, ": damaged: not a manifest in text format");
  CheckManifest(manifest, path);
  return manifest;
}

void CheckManifest(const Manifest& manifest, const std::string& name) {
  if (manifest.format_version() < 1 || manifest.format_version() > kModelFormatVersion) {
    Fail(name, ": format version ", manifest.format_version(), ", this program reads up to ",
         kModelFormatVersion);
  }
  const int n_numerics = manifest.job().numeric_size();
  if (manifest.numeric_mean_size() != n_numerics || manifest.numeric_scale_size() != n_numerics) {
    Fail(name, ": damaged: ", manifest.numeric_mean_size(), " means and ", manifest.numeric_scale_size(),
         " scales, expected ", n_numerics);
  }
}

Normalizer NormalizerOf(const Manifest& manifest) {
  Normalizer normalizer;
  normalizer.mean.assign(manifest.numeric_mean().begin(), manifest.numeric_mean().end());
  normalizer.scale.assign(manifest.numeric_scale().begin(), manifest.numeric_scale().end());
  return normalizer;
}

}  // namespace zhiyin::worker
