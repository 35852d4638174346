#include "launch/job/load_frozen.h"

#include "common/error.h"
#include "launch/job/load_saved.h"
#include "worker/saved/load_frozen.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::launch::job {

std::shared_ptr<const worker::saved::FrozenModel> LoadFrozen(
    const std::string& folder, const std::vector<std::string>& overrides, Manifest* manifest) {
  for (const std::string& text : overrides) {
    if (!text.starts_with("data."))
      Fail("--set ", text, ": the model is taken as it was trained, expected a field of data");
  }
  const ps::save::SavedChain saved = LoadSaved(worker::saved::FindModel(folder), overrides);
  if (manifest != nullptr) *manifest = saved.back().manifest;
  return worker::saved::LoadFrozen(saved);
}

}  // namespace zhiyin::launch::job
