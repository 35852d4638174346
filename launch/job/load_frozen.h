// Loads a saved model for a command into the memory of one process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/saved/frozen_model.h"

namespace zhiyin::launch::job {

/// Loads the model in `folder`, a value of --checkpoint, with all of its embedding rows. The
/// overrides
/// ("path=value") may change fields of `data` only. Sets *manifest unless it is nullptr. Throws
/// Error when the model is missing or damaged, and on an impossible override.
std::shared_ptr<const worker::saved::FrozenModel> LoadFrozen(
    const std::string& folder, const std::vector<std::string>& overrides,
    Manifest* manifest = nullptr);

}  // namespace zhiyin::launch::job
