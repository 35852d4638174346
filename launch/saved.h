// Saved models as commands take them.
#pragma once

#include <string>
#include <vector>

#include "common/saved_chain.h"

namespace zhiyin::launch {

/// A model or checkpoint, its job checked as a configuration is and with these overrides. Throws Error.
SavedChain LoadSaved(const std::string& folder, const std::vector<std::string>& overrides = {});

/// The same where the manifests are there already.
SavedChain CheckedJob(SavedChain saved, const std::vector<std::string>& overrides = {});

}  // namespace zhiyin::launch
