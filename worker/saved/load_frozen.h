// Loads a saved model into the memory of one process.
#pragma once

#include <memory>

#include "ps/save/saved_chain.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::worker::saved {

/// The model with all of its embedding rows. REQUIRES: the job of the last manifest is checked.
/// Throws Error where a file is missing or damaged.
std::shared_ptr<const FrozenModel> LoadFrozen(const ps::save::SavedChain& saved);

}  // namespace zhiyin::worker::saved
