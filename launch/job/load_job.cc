#include "launch/job/load_job.h"

#include <google/protobuf/text_format.h>

#include <filesystem>

#include "common/config/checker.h"
#include "common/config/override.h"
#include "common/config/path.h"
#include "common/config/reader.h"
#include "common/error.h"
#include "common/file.h"
#include "launch/job/check_job.h"
#include "launch/job/defaults.h"
#include "ps/slices.h"
#include "worker/data/expand_files.h"
#include "worker/train/check_train.h"

namespace zhiyin::launch::job {
namespace {

constexpr int64_t kMaxConfigBytes = int64_t{16} << 20;

Job Parse(std::string_view text, const std::string& name, const worker::data::FileNaming& naming,
          std::span<const std::string> overrides) {
  Job job;
  config::ConfigBlame blame(name);
  config::ReadText(text, &blame, &job);
  worker::train::ResolveFiles(naming.folder, job.mutable_train());
  for (const std::string& override_text : overrides)
    config::ApplyOverride(override_text, &blame, &job);
  worker::train::ResolveFiles("", job.mutable_train());  // what is relative now, overrides named
  worker::data::ExpandFiles(config::Checker(job, blame), naming, job.mutable_data());
  FillDefaults(&job);
  CheckJob(job, blame);
  return job;
}

}  // namespace

Job ParseJob(std::string_view text, const std::string& name, const std::string& folder,
             std::span<const std::string> overrides) {
  return Parse(text, name, {.folder = folder, .is_expanded = false}, overrides);
}

Job ParseLoadedJob(std::string_view text, const std::string& name, const std::string& folder,
                   std::span<const std::string> overrides) {
  return Parse(text, name, {.folder = folder, .is_expanded = true}, overrides);
}

Job LoadJob(const std::string& path, std::span<const std::string> overrides) {
  const std::string text = ReadWholeFile(path, kMaxConfigBytes);
  return ParseJob(text, path, std::filesystem::path(path).parent_path().string(), overrides);
}

void CheckAgainstRoles(const Job& job, int n_workers) {
  const Train& train = job.train();
  if (train.staleness() != 0) return;
  if (train.slices() == 0 && train.batch_size() % n_workers != 0) {
    Fail("train.batch_size: is ", train.batch_size(),
         ", expected a multiple of the number of workers, ", n_workers,
         ", which share a step (or set train.slices)");
  }
  if (train.slices() > 0 && train.slices() < n_workers) {
    Fail("train.slices: is ", train.slices(), ", expected at least the number of workers, ",
         n_workers, ": the others would have nothing to do");
  }
}

void CheckAgainstRoles(const Manifest& manifest, int n_workers,
                       const std::function<void(const std::string&)>& note) {
  const Train& train = manifest.job().train();
  if (!manifest.has_progress()) return CheckAgainstRoles(manifest.job(), n_workers);
  const int n_slices = ps::SlicesOfStep(train, manifest.progress().n_workers());
  if (train.staleness() != 0 || n_slices >= n_workers) return;
  note("a step keeps its " + std::to_string(n_slices) +
       " slices of when the job began: " + std::to_string(n_workers - n_slices) + " of " +
       std::to_string(n_workers) + " workers only evaluate");
}

std::string JobToText(const Job& job) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(job, &text);
  return text;
}

}  // namespace zhiyin::launch::job
