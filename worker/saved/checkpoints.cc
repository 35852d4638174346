#include "worker/saved/checkpoints.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string_view>
#include <utility>

#include "common/block_file.h"
#include "common/error.h"
#include "common/file.h"
#include "worker/saved/state_file.h"

namespace zhiyin::worker::saved {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "checkpoints";
constexpr const char* kPrefix = "step-";

/// The folders of all checkpoints, complete or not, newest first, without those set aside.
std::vector<std::string> FoldersOf(const std::string& output) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator entry(fs::path(output) / kFolder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(kPrefix) && !name.ends_with(kSetAside))
      found.push_back(entry->path().string());
  }
  // Names have one number of digits, so by name is by step; one comes behind that which has
  // replaced it.
  std::sort(found.begin(), found.end(), [](const std::string& a, const std::string& b) {
    const bool same_step = a.starts_with(b) || b.starts_with(a);
    return same_step ? a.size() < b.size() : a > b;
  });
  return found;
}

/// The step of a checkpoint, by the name of its folder.
int64_t StepOf(const std::string& folder) {
  int64_t step = 0;
  const std::string name =
      fs::path(folder).filename().string().substr(std::string_view(kPrefix).size());
  std::from_chars(name.data(), name.data() + name.size(), step);
  return step;
}

/// Its folder can be made.
std::string NewCheckpointPath(const std::string& output, int64_t step) {
  std::string folder = CheckpointPath(output, step);
  MakeFolder(fs::path(folder).parent_path().string());
  return folder;
}

}  // namespace

std::string CheckpointPath(const std::string& output, int64_t step) {
  char name[40];
  std::snprintf(name, sizeof(name), "%s%012lld", kPrefix, static_cast<long long>(step));
  return (fs::path(output) / kFolder / name).string();
}

std::vector<std::string> FindCheckpoints(const std::string& output) {
  std::vector<std::string> found;
  for (const std::string& folder : FoldersOf(output)) {
    if (!folder.ends_with(kUnfinished) && HasManifest(folder)) found.push_back(folder);
  }
  return found;
}

void SetNewerAside(const std::string& output, const std::string& resumed,
                   const std::function<void(const std::string&)>& note) {
  for (const std::string& folder : FindCheckpoints(output)) {
    if (folder == resumed) return;
    const std::string aside = folder + kSetAside;
    RemoveAll(aside);
    Rename(folder, aside);
    note("set aside: " + aside);
  }
}

std::optional<int64_t> NewestStep(const std::string& output) {
  const std::vector<std::string> found = FindCheckpoints(output);
  if (found.empty()) return {};
  return StepOf(found[0]);
}

ps::save::SavedChain VerifyModel(const std::string& folder, const Tick& tick) {
  ps::save::SavedChain chain = LoadChain(folder);
  for (const ps::save::SavedFolder& part : chain) {
    for (const Manifest::RowFile& entry : part.manifest.file()) {
      if (entry.name().find('/') != std::string::npos)
        Fail(part.path, ": the manifest names ", entry.name(), ", which is not in the folder");
      BlockReader file(part.path + "/" + entry.name(), Beside::kThread, tick);
      file.SkipToEnd();
      if (file.n_file_bytes() != entry.n_bytes() || file.digest() != entry.digest())
        Fail(file.path(), ": its content is not what the manifest says");
    }
  }
  if (const auto& [path, manifest] = chain.back(); manifest.progress().has_state())
    ReadState(path, manifest.progress().state());
  return chain;
}

ps::save::SavedChain NewestCheckpoint(
    const std::string& output, const std::function<void(const std::string&)>& note,
    const std::function<void(const ps::save::SavedFolder&)>& check, const Tick& tick) {
  const std::vector<std::string> found = FindCheckpoints(output);
  // What the tick throws is no defect of a checkpoint.
  std::exception_ptr stop;
  const Tick noted_tick = [&] {
    try {
      tick();
    } catch (...) {
      stop = std::current_exception();
      throw;
    }
  };
  for (const std::string& folder : found) {
    try {
      ps::save::SavedChain chain = VerifyModel(folder, noted_tick);
      if (!chain.back().manifest.has_progress())
        Fail(folder, ": a model without its progress, expected a checkpoint");
      if (check) check(chain.back());
      return chain;
    } catch (const Error& e) {
      if (stop) std::rethrow_exception(stop);
      note(std::string("not used: ") + e.what());
    }
  }
  if (!found.empty()) Fail(output, ": none of its ", found.size(), " checkpoints is whole");
  return {};
}

CheckpointWriter::CheckpointWriter(std::string output, int keep, int full_every,
                                   ps::client::Client* client, Warn warn)
    : output_(std::move(output)),
      keep_(keep),
      full_every_(full_every),
      client_(client),
      warn_(std::move(warn)) {}

void CheckpointWriter::Start(Manifest manifest, std::string state) {
  step_ = manifest.step();
  std::string folder;
  client_->WaitForDisk([&] { folder = NewCheckpointPath(output_, step_); });
  // Until this one is there, nothing can build on it, and servers have forgotten what changed since
  // the one before.
  const std::optional<Manifest::Base> base = std::exchange(last_, {});
  ps::SaveKind kind = full_every_ > 1 ? ps::SaveKind::kWhole : ps::SaveKind::kModel;
  // One that takes the place of the one before cannot build on it.
  const bool replaces_base = base && base->name() == fs::path(folder).filename();
  if (base && !replaces_base && n_since_full_ + 1 < full_every_) {
    kind = ps::SaveKind::kChanges;
    *manifest.mutable_base() = *base;
  }
  save_.emplace(std::move(manifest), std::move(state), folder, kind, client_);
}

bool CheckpointWriter::Finish(bool wait) {
  try {
    if (!save_->Finish(wait, [this](const std::string& line) { WarnOnce(line); })) return false;
  } catch (...) {
    save_.reset();
    throw;
  }
  n_since_full_ = save_->has_base() ? n_since_full_ + 1 : 0;
  if (full_every_ > 1) {
    last_.emplace();
    last_->set_name(fs::path(CheckpointPath(output_, step_)).filename().string());
    last_->set_digest(save_->digest());
  }
  save_.reset();
  client_->WaitForDisk([&] { RemoveOld(); });
  return true;
}

void CheckpointWriter::RemoveOld() {
  std::vector<std::string> kept = FindCheckpoints(output_);
  std::erase_if(kept, [&](const std::string& folder) { return StepOf(folder) > step_; });
  kept.resize(std::min(kept.size(), static_cast<size_t>(keep_)));
  for (const std::string& folder : std::vector(kept)) {
    try {
      for (const ps::save::SavedFolder& part : LoadChain(folder)) kept.push_back(part.path);
    } catch (const Error&) {
      // Damaged: it keeps nothing.
    }
  }
  // The newest first: what is left of an interrupted removal has all that it builds on, and so has
  // what cannot be removed.
  for (const std::string& old : FoldersOf(output_)) {
    if (StepOf(old) > step_ && !old.ends_with(kUnfinished)) continue;
    if (std::find(kept.begin(), kept.end(), old) != kept.end()) continue;
    if (!RemoveReplaced(old, [this](const std::string& line) { WarnOnce(line); })) return;
  }
}

void CheckpointWriter::WarnOnce(const std::string& line) {
  if (!std::exchange(has_warned_, true)) warn_(line + " (said once)");
}

void RemoveCheckpoints(const std::string& output) {
  for (const std::string& folder : FindCheckpoints(output)) RemoveModel(folder);
  const fs::path folder = fs::path(output) / kFolder;
  if (!fs::is_symlink(folder)) return RemoveAll(folder.string());
  // The link to another disk stays for the checkpoints to come.
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    RemoveAll(entry->path().string());
  }
}

}  // namespace zhiyin::worker::saved
