// Loads a saved model into the memory of one process.
#pragma once

#include <memory>

#include "ps/save/saved_chain.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::worker::saved {

/// Returns the model with all of its embedding rows and dense weights. Throws Error when a file is
/// missing or damaged. REQUIRES: the job of the last manifest was checked.
std::shared_ptr<const FrozenModel> LoadFrozen(const ps::save::SavedChain& saved);

}  // namespace zhiyin::worker::saved
