#include "launch/saved.h"

#include "common/config.h"
#include "worker/saved_model.h"

namespace zhiyin::launch {

SavedChain CheckedJob(SavedChain saved, const std::vector<std::string>& overrides) {
  auto& [folder, manifest] = saved.back();
  *manifest.mutable_job() = ParseJob(JobToText(manifest.job()), folder + "/manifest.textproto: job", folder, overrides);
  return saved;
}

SavedChain LoadSaved(const std::string& folder, const std::vector<std::string>& overrides) {
  return CheckedJob(worker::LoadChain(folder), overrides);
}

}  // namespace zhiyin::launch
