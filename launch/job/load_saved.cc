#include "launch/job/load_saved.h"

#include "launch/job/load_job.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::launch::job {

ps::save::SavedChain CheckedJob(ps::save::SavedChain saved,
                                const std::vector<std::string>& overrides) {
  auto& [folder, manifest] = saved.back();
  *manifest.mutable_job() =
      ParseJob(JobToText(manifest.job()), folder + "/manifest.textproto: job", folder, overrides);
  return saved;
}

ps::save::SavedChain LoadSaved(const std::string& folder,
                               const std::vector<std::string>& overrides) {
  return CheckedJob(worker::saved::LoadChain(folder), overrides);
}

}  // namespace zhiyin::launch::job
