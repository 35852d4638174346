// Saved models as commands take them.
#pragma once

#include <string>
#include <vector>

#include "ps/save/saved_chain.h"

namespace zhiyin::launch::job {

/// A model or checkpoint, its job checked as a configuration is and with these overrides. Throws
/// Error.
ps::save::SavedChain LoadSaved(const std::string& folder,
                               const std::vector<std::string>& overrides = {});

/// Checks the job where the manifests are there already.
ps::save::SavedChain CheckedJob(ps::save::SavedChain saved,
                                const std::vector<std::string>& overrides = {});

}  // namespace zhiyin::launch::job
