#include "launch/job/load_saved.h"

#include <algorithm>

#include "launch/job/load_job.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::launch::job {

ps::save::SavedChain CheckedJob(ps::save::SavedChain saved,
                                const std::vector<std::string>& overrides) {
  auto& [folder, manifest] = saved.back();
  const bool has_other_rows =
      std::any_of(overrides.begin(), overrides.end(),
                  [](const std::string& text) { return text.starts_with("data.test.file="); });
  if (has_other_rows && manifest.job().data().has_test()) {
    Split* test = manifest.mutable_job()->mutable_data()->mutable_test();
    test->clear_first_row();
    test->clear_n_rows();
  }
  *manifest.mutable_job() = ParseLoadedJob(JobToText(manifest.job()),
                                           folder + "/manifest.textproto: job", folder, overrides);
  return saved;
}

ps::save::SavedChain LoadSaved(const std::string& folder,
                               const std::vector<std::string>& overrides) {
  return CheckedJob(worker::saved::LoadChain(folder), overrides);
}

}  // namespace zhiyin::launch::job
