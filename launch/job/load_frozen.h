// Loads a saved model, as commands name it, into the memory of one process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/saved/frozen_model.h"

namespace zhiyin::launch::job {

/// The model in `folder`, which is given as --checkpoint is, with all of its embedding rows. The
/// overrides ("path=value") may change fields of data alone. Fills *manifest where it is not null.
/// Throws Error.
std::shared_ptr<const worker::saved::FrozenModel> LoadFrozen(
    const std::string& folder, const std::vector<std::string>& overrides,
    Manifest* manifest = nullptr);

}  // namespace zhiyin::launch::job
