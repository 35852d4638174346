// Loads a saved model for a command into the memory of one process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/saved/frozen_model.h"

namespace zhiyin::launch::job {

/// Loads the model in `folder`, a value of --checkpoint, with all of its embedding rows. The
/// overrides ("data.path=value") may change only fields of `data`. Stores the model's manifest,
/// with the overrides applied, in *manifest unless that is nullptr. Throws Error when the model is
/// missing or damaged, when an override names a field outside of `data`, and when the job is
/// invalid with the overrides.
std::shared_ptr<const worker::saved::FrozenModel> LoadFrozen(
    const std::string& folder, const std::vector<std::string>& overrides,
    Manifest* manifest = nullptr);

}  // namespace zhiyin::launch::job
