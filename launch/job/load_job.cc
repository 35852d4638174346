#include "launch/job/load_job.h"

#include <google/protobuf/text_format.h>

#include <filesystem>

#include "common/config/override.h"
#include "common/config/path.h"
#include "common/config/reader.h"
#include "common/error.h"
#include "common/file.h"
#include "launch/job/check_job.h"
#include "launch/job/defaults.h"

namespace zhiyin::launch::job {
namespace {

constexpr int64_t kMaxConfigBytes = int64_t{16} << 20;

}  // namespace

Job ParseJob(std::string_view text, const std::string& name, const std::string& folder,
             std::span<const std::string> overrides) {
  Job job;
  config::ConfigBlame blame(name);
  config::ReadText(text, &blame, &job);
  for (const std::string& override_text : overrides)
    config::ApplyOverride(override_text, &blame, &job);
  FillDefaults(folder, &job);
  CheckJob(job, blame);
  return job;
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

std::string JobToText(const Job& job) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(job, &text);
  return text;
}

}  // namespace zhiyin::launch::job
