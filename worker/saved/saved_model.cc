#include "worker/saved/saved_model.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/text.h"
#include "worker/saved/saved_statistics.h"
#include "worker/saved/state_file.h"

namespace zhiyin::worker::saved {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifestName = "manifest.textproto";
/// More than any cluster has.
constexpr int kMaxRanks = 1'000'000;
/// More than train.checkpoint.full_every can be.
constexpr size_t kMaxChain = 1001;
constexpr int64_t kMaxManifestBytes = int64_t{64} << 20;

/// Throws Error unless every number of a checkpoint's results is finite. Mean losses may be NaN, of
/// a task without labels.
void CheckNumbers(const Progress& progress, const std::string& name) {
  const auto check = [&](const char* what, double number) {
    if (!std::isfinite(number))
      Fail(name, ": damaged: ", what, " is ", number, ", expected a finite number");
  };
  check("train_loss", progress.train_loss());
  check("training_s", progress.training_s());
  check("stopping.best", progress.stopping().best());
  for (const Progress::Losses& losses : progress.losses()) {
    for (const double loss : losses.task()) {
      if (!std::isnan(loss)) check("a mean loss", loss);
    }
  }
  check("evaluated.loss", progress.evaluated().loss());
  for (const Progress::TaskResult& task : progress.evaluated().task()) {
    for (const double number : {task.label_mean(), task.auc(), task.log_loss(), task.mse(),
                                task.rmse(), task.r2(), task.calibration()})
      check("a metric of an evaluation", number);
  }
}

/// The last line of a manifest's file.
std::string SumLine(uint64_t sum) {
  char line[40];
  std::snprintf(line, sizeof(line), "# XXH3: %016llx\n", static_cast<unsigned long long>(sum));
  return line;
}

/// Removes what a failed save has left. What caused the failure is told; that its remains stay, as
/// where the folder has vanished, is not told beside it: the next save removes them.
void RemoveRemains(const std::string& unfinished) {
  try {
    RemoveAll(unfinished);
  } catch (const FileError&) {
  }
}

}  // namespace

Manifest ManifestOf(const Job& job, const data::Normalizer& normalizer, int64_t epoch, int64_t step,
                    int64_t n_weights) {
  Manifest manifest;
  manifest.set_format_version(kModelFormatVersion);
  *manifest.mutable_job() = job;
  manifest.set_epoch(epoch);
  manifest.set_step(step);
  manifest.set_n_weights(n_weights);
  manifest.mutable_numeric_mean()->Assign(normalizer.mean.begin(), normalizer.mean.end());
  manifest.mutable_numeric_scale()->Assign(normalizer.scale.begin(), normalizer.scale.end());
  return manifest;
}

uint64_t WriteManifest(const Manifest& manifest, const std::string& folder) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(manifest, &text);
  const std::string path = folder + "/" + kManifestName;
  const uint64_t sum = HashBytes(text);
  text += SumLine(sum);
  if (static_cast<int64_t>(text.size()) > kMaxManifestBytes) {
    throw FileError(
        TextOf(path, ": would have ", text.size(), " bytes, expected at most ", kMaxManifestBytes));
  }
  ReplaceFile(path, text);
  try {
    LoadManifest(folder);
  } catch (const Error& e) {
    throw FileError(TextOf(path, ": could not be read back: ", e.what()));
  }
  return sum;
}

ModelSave::ModelSave(Manifest manifest, std::string state, const std::string& folder,
                     ps::SaveKind kind, ps::client::Client* client)
    : manifest_(std::move(manifest)), state_(std::move(state)), folder_(folder), client_(client) {
  try {
    client_->WaitForDisk([&] {
      RemoveAll(folder_ + kUnfinished);
      MakeFolder(folder_ + kUnfinished);
    });
    client_->SaveStart(folder_ + kUnfinished, kind);
  } catch (const FileError&) {
    RemoveRemains(folder_ + kUnfinished);
    throw;
  }
}

bool ModelSave::Finish(bool wait, const Warn& warn) {
  try {
    const auto files = client_->SaveFinish(wait);
    if (!files) return false;
    Complete(*files, warn);
  } catch (const FileError&) {
    // All servers have answered, so that none still writes.
    RemoveRemains(folder_ + kUnfinished);
    throw;
  }
  return true;
}

void ModelSave::Complete(const std::vector<ps::client::SavedFile>& files, const Warn& warn) {
  for (const ps::client::SavedFile& saved : files) {
    Manifest::RowFile* file = manifest_.add_file();
    file->set_name(saved.name);
    file->set_n_rows(saved.n_rows);
    file->set_n_bytes(saved.n_bytes);
    file->set_digest(saved.digest);
    file->set_is_changes(saved.is_changes);
  }
  const auto& saved = manifest_.file();
  if (std::none_of(saved.begin(), saved.end(),
                   [](const Manifest::RowFile& file) { return file.is_changes(); }))
    manifest_.clear_base();
  client_->WaitForDisk([&] { Publish(warn); });
}

void ModelSave::Publish(const Warn& warn) {
  const std::string unfinished = folder_ + kUnfinished;
  const std::string previous = folder_ + ".previous";
  if (manifest_.has_progress())
    *manifest_.mutable_progress()->mutable_state() = WriteState(unfinished, state_);
  digest_ = WriteManifest(manifest_, unfinished);
  std::error_code ignored;
  const bool has_earlier = fs::exists(folder_, ignored);
  if (has_earlier) {
    RemoveAll(previous);
    Rename(folder_, previous);
  }
  Rename(unfinished, folder_);
  SyncFolder(fs::path(folder_).parent_path().string());
  if (has_earlier) RemoveReplaced(previous, warn);
}

uint64_t SaveModel(Manifest manifest, const std::string& folder, ps::client::Client* client,
                   const Warn& warn) {
  ModelSave save(std::move(manifest), /*state=*/"", folder, ps::SaveKind::kModel, client);
  save.Finish(/*wait=*/true, warn);
  return save.digest();
}

void RemoveModel(const std::string& folder) {
  if (HasManifest(folder)) RemoveFile(folder + "/" + kManifestName);
  RemoveAll(folder);
}

bool RemoveReplaced(const std::string& folder, const Warn& warn) {
  try {
    RemoveModel(folder);
  } catch (const FileError& e) {
    warn(std::string("WARNING: an old model stays: ") + e.what() +
         ": the newer one is complete, and the job goes on");
  }
  return !HasManifest(folder);
}

bool HasManifest(const std::string& folder) {
  std::error_code ignored;
  return fs::exists(fs::path(folder) / kManifestName, ignored);
}

std::string FindModel(const std::string& path) {
  for (const fs::path& folder :
       {fs::path(path), fs::path(path) / "model", fs::path(path) / "model.previous"}) {
    if (HasManifest(folder.string())) return folder.string();
  }
  Fail(path, ": no model here: expected ", kManifestName, " in it or in its folder model");
}

ps::save::SavedChain LoadChain(const std::string& folder) {
  ps::save::SavedChain chain = {{folder, LoadManifest(folder)}};
  while (chain.front().manifest.has_base()) {
    const auto& [above, manifest] = chain.front();
    if (chain.size() == kMaxChain) Fail(folder, ": builds on more than ", kMaxChain - 1, " others");
    ps::save::SavedFolder next;
    next.path = (fs::path(above).parent_path() / manifest.base().name()).string();
    uint64_t digest = 0;
    next.manifest = LoadManifest(next.path, &digest);
    if (digest != manifest.base().digest())
      Fail(above, ": builds on ", next.path, ", which is not the one that it was");
    chain.insert(chain.begin(), std::move(next));
  }
  return chain;
}

Manifest LoadManifest(const std::string& folder, uint64_t* digest) {
  const std::string path = folder + "/" + kManifestName;
  std::string text = ReadWholeFile(path, kMaxManifestBytes);
  const size_t sum = text.size() - std::min(text.size(), SumLine(0).size());
  const std::string said = text.substr(sum);
  text.resize(sum);
  const uint64_t found = HashBytes(text);
  if (digest != nullptr) *digest = found;
  if (said != SumLine(found))
    Fail(path, ": damaged: bytes 0 to ", sum, " do not fit the checksum behind them");
  return ParseManifest(text, path);
}

Manifest ParseManifest(const std::string& text, const std::string& name) {
  /// The line and what is wrong there, instead of a log.
  class Complaint : public google::protobuf::io::ErrorCollector {
   public:
    void AddError(int line, int, const std::string& message) override {
      if (first.empty()) first = std::to_string(line + 1) + ": " + message;
    }
    std::string first;
  } complaint;
  Manifest manifest;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&complaint);
  if (!parser.ParseFromString(text, &manifest))
    Fail(name, ":", complaint.first, ": damaged: not a manifest in text format");
  CheckManifest(manifest, name);
  return manifest;
}

void CheckManifest(const Manifest& manifest, const std::string& name) {
  if (manifest.format_version() < 1 || manifest.format_version() > kModelFormatVersion) {
    Fail(name, ": format version ", manifest.format_version(), ", this program reads up to ",
         kModelFormatVersion);
  }
  const int n_numerics = manifest.job().numeric_size();
  if (manifest.numeric_mean_size() != n_numerics || manifest.numeric_scale_size() != n_numerics) {
    Fail(name, ": damaged: ", manifest.numeric_mean_size(), " means and ",
         manifest.numeric_scale_size(), " scales, expected ", n_numerics);
  }
  CheckStatistics(manifest, name);
  if (const std::string& base = manifest.base().name();
      manifest.has_base() && (base.empty() || base == "." || base == ".." ||
                              base.find('/') != base.npos || base.find('\0') != base.npos)) {
    Fail(name, ": damaged: the base is named \"", Shortened(OneLine(base), 200),
         "\", expected a folder beside this one");
  }
  if (manifest.epoch() < 0 || manifest.step() < 0 || manifest.n_weights() < 0)
    Fail(name, ": damaged: negative counts");
  if (!manifest.has_progress()) return;
  const Progress& progress = manifest.progress();
  if (progress.n_workers() < 1 || progress.n_workers() > kMaxRanks ||
      progress.epoch() != manifest.epoch() || progress.next_step() != manifest.step() ||
      progress.n_rows() < 0 || progress.n_slices() < 0 || progress.n_samples() < 0 ||
      progress.n_left_out() < 0 || progress.n_left_out() > progress.n_samples()) {
    Fail(name, ": damaged: the progress of ", progress.n_workers(), " workers in epoch ",
         progress.epoch(), " of ", manifest.epoch(), ", step ", progress.next_step(), " of ",
         manifest.step(), ", ", progress.n_rows(), " rows, ", progress.n_slices(), " slices, ",
         progress.n_samples(), " samples, ", progress.n_left_out(), " of them left out");
  }
  CheckNumbers(progress, name);
}

data::Normalizer NormalizerOf(const Manifest& manifest) {
  data::Normalizer normalizer;
  normalizer.mean.assign(manifest.numeric_mean().begin(), manifest.numeric_mean().end());
  normalizer.scale.assign(manifest.numeric_scale().begin(), manifest.numeric_scale().end());
  return normalizer;
}

}  // namespace zhiyin::worker::saved
